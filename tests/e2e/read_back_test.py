#!/usr/bin/env python3
"""Builds tables with the sluice binary and has another implementation, deltalake, read them all back.

The tables are those of the earthquakes example after two runs, so with deletion vectors, and of a project with nested
types, partitions, odd values in both, names beyond ASCII and a v2 log checkpoint. Environment: SLUICE_BINARY, SLUICE_PYTHON (it has deltalake).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

MIXED_SQL = """
CREATE OR REFRESH STREAMING TABLE moves PARTITIONED BY (day)
TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '1') AS
SELECT id, rev, room, day::DATE AS day, tags, place
FROM STREAM read_files('landing/*.jsonl', format => 'json',
  schema => 'id BIGINT, rev BIGINT, room VARCHAR, day VARCHAR, tags VARCHAR[], place STRUCT(town VARCHAR, zip BIGINT)');

CREATE OR REFRESH MATERIALIZED VIEW rooms PARTITIONED BY (room) AS
SELECT DISTINCT ON (id) id, rev, room, tags FROM moves ORDER BY id, rev DESC;

CREATE OR REFRESH MATERIALIZED VIEW typed AS
SELECT id, 18446744073709551615::UBIGINT AS u64, 123.45::DECIMAL(10, 3) AS dec, TIMESTAMP '2024-02-29 12:30:00.000001' AS ts,
       TIMESTAMPTZ '2024-02-29 12:30:00+00' AS tz, 'a\\x00b'::BLOB AS bytes, TIME '23:59:59' AS clock,
       map {'k': room} AS pairs, 1.5::FLOAT AS f, id > 1 AS late
FROM rooms;

CREATE OR REFRESH MATERIALIZED VIEW "Größe" AS SELECT room AS "Raum-Größe", count(*) AS n FROM rooms GROUP BY ALL;
"""
MIXED_FILES = [
    """{"id": 1, "rev": 1, "room": "a/b c", "day": "2024-02-29", "tags": ["x", null], "place": {"town": "ulm", "zip": 1}}
{"id": 2, "rev": 1, "room": "50% = ü", "day": "2024-03-01", "tags": [], "place": {"town": null}}
{"id": 3, "rev": 1, "room": null, "day": null, "tags": null, "place": null}
""",
    """{"id": 1, "rev": 2, "room": "50% = ü", "day": "2024-03-02", "tags": ["y"]}
{"id": 3, "rev": 2, "room": "x", "day": "2024-03-02", "tags": ["z"]}
no JSON
""",
]


def check(arguments, **options):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    binary = os.environ["SLUICE_BINARY"]
    base = pathlib.Path(tempfile.mkdtemp(prefix="sluice-read-back-"))

    quakes = base / "quakes"
    check([binary, "init", "--template", "earthquakes", quakes])
    check([binary, "run", "--once", "-C", quakes])
    for day in ("2018-02-06", "2018-02-07"):
        shutil.copy(quakes / "data" / f"{day}.jsonl", quakes / "landing")
    check([binary, "run", "--once", "-C", quakes])

    mixed = base / "mixed"
    (mixed / "landing").mkdir(parents=True)
    (mixed / "sluice.yml").write_text("name: mixed\n", encoding="utf-8")
    (mixed / "transformations").mkdir()
    (mixed / "transformations" / "all.sql").write_text(MIXED_SQL, encoding="utf-8")
    for number, content in enumerate(MIXED_FILES):
        (mixed / "landing" / f"{number}.jsonl").write_text(content, encoding="utf-8")
        check([binary, "run", "--once", "-C", mixed])

    # What its log checkpoint says, nothing else says any more.
    log = mixed / "lake" / "main" / "moves" / "_delta_log"
    if not list(log.glob("*.checkpoint.parquet")) or not list(log.glob("_sidecars/*.parquet")):
        raise SystemExit("there is no v2 log checkpoint, so nothing was shown")
    for commit in sorted(log.glob("*.json"))[:-1]:
        commit.unlink()

    if not any("deletionVector" in path.read_text(encoding="utf-8") for path in base.glob("*/lake/main/*/_delta_log/*.json")):
        raise SystemExit("no table has a deletion vector, so nothing was shown")
    for project in (quakes, mixed):
        print(check([os.environ["SLUICE_PYTHON"], ROOT / "tools" / "read_with_deltalake.py", "--sluice", binary, project]))
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
