-- Gold: views that always equal their query, brought up to date by the rows that changed.

CREATE OR REFRESH MATERIALIZED VIEW quakes_by_hour
COMMENT 'how many, how strong: by hour and class of magnitude'
AS SELECT
  date_trunc('hour', time) AS hour,
  CASE WHEN mag < 2 THEN 'micro' WHEN mag < 4 THEN 'minor' WHEN mag < 5 THEN 'light'
       WHEN mag < 6 THEN 'moderate' ELSE 'strong' END AS class,
  count(*) AS quakes,
  avg(mag) AS mag_avg,
  max(mag) AS mag_max
FROM quakes
GROUP BY ALL;

CREATE OR REFRESH MATERIALIZED VIEW strongest_of_day
COMMENT 'the ten strongest of each day'
AS SELECT
  time::DATE AS day,
  row_number() OVER (PARTITION BY time::DATE ORDER BY mag DESC, time, id) AS place_of_day,
  mag, place, time, id
FROM quakes
QUALIFY place_of_day <= 10;

CREATE OR REFRESH MATERIALIZED VIEW network_stats
COMMENT 'what each seismic network reports'
AS SELECT net, count(*) AS quakes, avg(mag) AS mag_avg, max(depth_km) AS depth_km_max
FROM quakes
GROUP BY net;

-- Joins events back to their network's statistics: when a new event moves a network's mean, older events cross the line
-- in both directions, and their rows are taken back or added.
CREATE OR REFRESH MATERIALIZED VIEW above_network_mean
COMMENT 'events stronger than the mean of their network'
AS SELECT q.id, q.net, q.time, q.mag, n.mag_avg AS net_mag_avg
FROM quakes AS q
JOIN network_stats AS n ON q.net = n.net
WHERE q.mag > round(n.mag_avg, 2) + 1;  -- rounded, so that the last bit of a mean decides nothing

CREATE OR REFRESH MATERIALIZED VIEW latest_revision
COMMENT 'each event once, as last revised'
AS SELECT DISTINCT ON (id) id, updated, time, mag, type, place, net
FROM quakes
ORDER BY id, updated DESC;
