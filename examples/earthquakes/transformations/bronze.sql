-- Bronze: the feed as it came. Column types are inferred from the files (`mag` is an integer in some lines and a
-- decimal number in others, so it becomes DOUBLE); what does not fit a column goes to `_rescued_data`, and lines that
-- are not JSON to the table `sluice.dead_letters`. Each file is read exactly once.
CREATE OR REFRESH STREAMING TABLE quakes_raw
COMMENT 'USGS events, one row per line of the feed'
AS SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json');
