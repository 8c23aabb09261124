-- Silver: typed columns, and rules that every row is judged by.
CREATE OR REFRESH STREAMING TABLE quakes (
  CONSTRAINT has_magnitude   EXPECT (mag IS NOT NULL)                       ON VIOLATION DROP ROW,
  CONSTRAINT known_depth     EXPECT (depth_km >= 0),                        -- warns: above sea level is odd, not wrong
  CONSTRAINT valid_position  EXPECT (latitude BETWEEN -90 AND 90
                                     AND longitude BETWEEN -180 AND 180)    ON VIOLATION FAIL UPDATE
)
COMMENT 'events with a magnitude, in columns'
AS SELECT
  id,
  make_timestamp(properties.time * 1000)    AS time,       -- the feed counts milliseconds
  make_timestamp(properties.updated * 1000) AS updated,
  properties.mag::DOUBLE                    AS mag,
  properties.magType                        AS mag_type,
  properties.type                           AS type,
  properties.place                          AS place,
  properties.net                            AS net,
  geometry.coordinates[1]                   AS longitude,
  geometry.coordinates[2]                   AS latitude,
  geometry.coordinates[3]                   AS depth_km
FROM STREAM quakes_raw;
