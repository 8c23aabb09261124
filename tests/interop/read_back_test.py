"""Tables that pipelines write, for each feature and at each version, as Spark and delta-rs see them.

What sluice says a version holds is the rows that they must find there. Spark is also asked with conditions, for which it
leaves files out by the statistics that sluice wrote: it must find what it finds when it reads every file.
"""

import json
import os
import time

from engines import newest_version
from suite import InteropTest

LONG_TEXT = "x" * 31 + "\U0001F600" * 3  # longer than statistics keep, with a character of four bytes at the cut

# One row each of the extremes, of what is easily mistaken, and of nothing. Days that were left out in October 1582 are not
# among them: Spark, with conditions on such a day, finds no row in tables of its own either.
PRIMITIVES = [
    {"id": 1, "yes": "true", "i8": "-128", "i16": "-32768", "i32": "-2147483648", "i64": "-9223372036854775808", "f": "nan",
     "d": "-inf", "d9": "-9999999.99", "d18": "-99999999999999.9999", "d38": "-99999999999999999999.999999999999999999",
     "s": "", "b": "", "day": "0001-01-01", "moment": "0001-01-01 00:00:00.000001", "lo": "0001-01-01 00:00:00"},
    {"id": 2, "yes": "false", "i8": "127", "i16": "32767", "i32": "2147483647", "i64": "9223372036854775807",
     "f": "3.4028235e38", "d": "1.7976931348623157e308", "d9": "9999999.99", "d18": "99999999999999.9999",
     "d38": "99999999999999999999.999999999999999999", "s": LONG_TEXT, "b": "00ff5c27", "day": "9999-12-31",
     "moment": "9999-12-31 23:59:59.999999", "lo": "9999-12-31 23:59:59.999999"},
    {"id": 3, "f": "-0.0", "d": "-0.0", "d9": "0", "i64": "9007199254740993", "s": "o'neill \\ \"q\" \n\t\u0000ß", "d": "5e-324",
     "day": "1582-10-04", "moment": "1969-12-31 23:59:59.999999", "lo": "1900-01-01 00:00:00.5"},
    {"id": 4},
    {"id": 5, "yes": "true", "f": "inf", "d": "nan", "s": LONG_TEXT + "y", "day": "10000-01-01", "moment": "2024-02-29 12:00:00.999999",
     "lo": "2024-02-29 12:00:00.000999"},
]
PRIMITIVE_COLUMNS = """id, yes::BOOLEAN AS yes, i8::TINYINT AS i8, i16::SMALLINT AS i16, i32::INTEGER AS i32, i64::BIGINT AS i64,
  f::FLOAT AS f, d::DOUBLE AS d, d9::DECIMAL(9, 2) AS d9, d18::DECIMAL(18, 4) AS d18, d38::DECIMAL(38, 18) AS d38, s,
  from_hex(b) AS b, day::DATE AS day, (moment || '+00')::TIMESTAMPTZ AS moment, lo::TIMESTAMP AS lo"""
PRIMITIVE_SCHEMA = ", ".join(["id BIGINT"] + [f"{name} VARCHAR" for name in
                             "yes i8 i16 i32 i64 f d d9 d18 d38 s b day moment lo".split()])
PRIMITIVE_SQL = f"""
CREATE OR REFRESH STREAMING TABLE primitives AS
SELECT {PRIMITIVE_COLUMNS} FROM STREAM read_files('landing/*.jsonl', format => 'json', schema => '{PRIMITIVE_SCHEMA}');
"""

# Every text of a partition that is special to some path, URI or separator.
ODD_TEXTS = ["a/b c", "50% = ü", "x=1/y=2", "a:b", "a+b", "#?&", "%2F", "__HIVE_DEFAULT_PARTITION__", "{}[]^\\'\"*", "\t\n\u007f",
             "日本", "..", " x ", "null", None]
PARTITIONED_SQL = """
CREATE OR REFRESH STREAMING TABLE by_text PARTITIONED BY (k) AS
SELECT id, k FROM STREAM read_files('landing/*.jsonl', format => 'json', schema => 'id BIGINT, k VARCHAR, day VARCHAR');

CREATE OR REFRESH MATERIALIZED VIEW by_types PARTITIONED BY (n, day, moment, lo, amount, odd, ratio) AS
SELECT k, max(id) AS id, max(id)::INTEGER AS n, max(day)::DATE AS day, (max(day) || ' 12:00:00.000001+00')::TIMESTAMPTZ AS moment,
       (max(day) || ' 23:59:59.5')::TIMESTAMP AS lo, (max(id) / 4)::DECIMAL(9, 3) AS amount, max(id) % 2 = 1 AS odd,
       max(id) * 1e9 AS ratio
FROM STREAM_OF_TEXT GROUP BY k;
""".replace("STREAM_OF_TEXT", "(SELECT t.id, t.k, '2024-02-' || lpad((t.id % 28 + 1)::VARCHAR, 2, '0') AS day FROM by_text t)")

MOVES = "read_files('landing/*.jsonl', format => 'json', schema => 'id BIGINT, rev BIGINT, room VARCHAR')"
FEATURES = {
    "deletion vectors": ("newest", f"""
CREATE OR REFRESH STREAMING TABLE moves AS SELECT * FROM STREAM {MOVES};
CREATE OR REFRESH MATERIALIZED VIEW newest AS SELECT DISTINCT ON (id) id, rev, room FROM moves ORDER BY id, rev DESC;"""),
    "deletion vectors, partitioned": ("newest", f"""
CREATE OR REFRESH STREAMING TABLE moves AS SELECT * FROM STREAM {MOVES};
CREATE OR REFRESH MATERIALIZED VIEW newest PARTITIONED BY (room) AS
SELECT DISTINCT ON (id) id, rev, room FROM moves ORDER BY id, rev DESC;"""),
    "column mapping": ("odd", f"""
CREATE OR REFRESH STREAMING TABLE odd PARTITIONED BY ("the room") AS
SELECT id AS "the id", rev AS "rev.=1", room AS "the room", {{'a b': rev, 'c': room}} AS "in (a)" FROM STREAM {MOVES};"""),
    "nested": ("nested", f"""
CREATE OR REFRESH STREAMING TABLE nested AS
SELECT id, {{'rev': rev, 'room': {{'name': room, 'odd': rev % 2 = 1}}}} AS place, [room, NULL, 'x'] AS rooms, map {{rev: room}} AS by_rev,
  [{{'at': DATE '2024-02-29' + rev::INTEGER, 'of': [1.5::DECIMAL(5, 2), NULL]}}, NULL] AS days,
  CASE WHEN rev > 1 THEN []::INTEGER[] END AS none FROM STREAM {MOVES};"""),
    "in-commit timestamps": ("stamped", f"""
CREATE OR REFRESH STREAMING TABLE stamped TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true') AS
SELECT * FROM STREAM {MOVES};"""),
    "v2 log checkpoints": ("v2", f"""
CREATE OR REFRESH STREAMING TABLE v2 TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2') AS
SELECT * FROM STREAM {MOVES};"""),
    "append-only": ("only", f"""
CREATE OR REFRESH STREAMING TABLE only TBLPROPERTIES ('delta.appendOnly' = 'true') AS SELECT * FROM STREAM {MOVES};"""),
}
MOVES_OF_RUNS = [
    [(1, 1, "a/b c"), (2, 1, "50% = ü"), (3, 1, None), (4, 1, "x")],
    [(1, 2, "x"), (3, 2, "a/b c")],
    [(5, 1, None), (2, 2, None), (1, 3, "50% = ü")],
]


class ReadBackTest(InteropTest):
    def land(self, project, name, records):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (project / "landing" / name).write_text(lines, encoding="utf-8")

    def run_with(self, project, runs):
        """One run of the project for each list of records."""
        landed = len(list((project / "landing").iterdir()))
        for number, records in enumerate(runs, landed):
            self.land(project, f"{number:03}.jsonl", records)
            self.run_project(project)

    def test_primitive_types_at_their_extremes(self):
        project = self.project("primitives", PRIMITIVE_SQL)
        self.run_with(project, [[row] for row in PRIMITIVES])
        folder = project / "lake" / "main" / "primitives"
        self.assertEqual(len(self.sluice.read(folder).bag), len(PRIMITIVES))
        self.assert_read_alike(folder)
        self.assertGreater(self.assert_skipping_is_right(folder), 30)

    def test_variants_of_pipelines(self):
        """A pipeline keeps variants for Spark to read, and follows those of a table that Spark writes."""
        theirs = self.base / "variants_of_spark"
        self.spark.sql(f"CREATE TABLE delta.`{theirs}` (id BIGINT, v VARIANT) USING DELTA TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
        self.spark.sql(f"INSERT INTO delta.`{theirs}` SELECT 1, parse_json('{{\"z\": 1.5, \"a\": [null, true]}}') UNION ALL SELECT 2, parse_json('\"x\"')")
        project = self.project("variants", f"""
CREATE OR REFRESH STREAMING TABLE bodies AS
SELECT id, body::VARIANT AS body FROM STREAM read_files('landing/*.jsonl', format => 'json', schema => 'id BIGINT, body JSON');
CREATE OR REFRESH MATERIALIZED VIEW together AS
SELECT b.id, b.body, t.v, [b.body, t.v] AS pair FROM bodies b JOIN read_delta('{theirs}') t ON b.id = t.id;""")
        folder = project / "lake" / "main" / "together"

        def found():
            return [tuple(row) for row in self.spark.sql(
                f"SELECT id, to_json(body), to_json(v), to_json(get(pair, 1)) FROM delta.`{folder}` ORDER BY id")]

        self.run_with(project, [[{"id": 1, "body": {"b": [1, None, "ü"], "a": {"deep": 1e3}}}, {"id": 2, "body": 7}, {"id": 3, "body": True}]])
        object_of_spark = '{"a":[null,true],"z":1.5}'
        self.assertEqual(found(), [(1, '{"a":{"deep":1000.0},"b":[1,null,"ü"]}', object_of_spark, object_of_spark), (2, "7", '"x"', '"x"')])
        self.spark.sql(f"UPDATE delta.`{theirs}` SET v = parse_json('[\"changed\"]') WHERE id = 2")
        self.spark.sql(f"INSERT INTO delta.`{theirs}` SELECT 3, parse_json('{{}}')")
        self.run_project(project)
        self.assertEqual(found(), [(1, '{"a":{"deep":1000.0},"b":[1,null,"ü"]}', object_of_spark, object_of_spark),
                                   (2, "7", '["changed"]', '["changed"]'), (3, "true", "{}", "{}")])
        self.assertEqual(newest_version(folder), 1)

    def test_partitions_of_odd_values(self):
        project = self.project("partitions", PARTITIONED_SQL)
        self.run_with(project, [[{"id": id, "k": k} for id, k in enumerate(ODD_TEXTS)], [{"id": 100, "k": "a:b"}, {"id": 101}]])
        for name in ("by_text", "by_types"):
            folder = project / "lake" / "main" / name
            self.assert_read_alike(folder)
            self.assertGreater(self.assert_skipping_is_right(folder), 7)

    def test_each_feature(self):
        for feature, (table, sql) in FEATURES.items():
            with self.subTest(feature):
                project = self.project(feature.replace(" ", "_"), sql)
                self.run_with(project, [[dict(zip(("id", "rev", "room"), row)) for row in rows] for rows in MOVES_OF_RUNS])
                folder = project / "lake" / "main" / table
                self.assertEqual(newest_version(folder), len(MOVES_OF_RUNS) - 1)
                self.assert_read_alike(folder)
                if feature in ("deletion vectors", "column mapping"):
                    self.assertGreater(self.assert_skipping_is_right(folder), 0)

    def test_spark_takes_old_files_of_ours_away(self):
        project = self.project("vacuumed", FEATURES["deletion vectors"][1])
        self.run_with(project, [[dict(zip(("id", "rev", "room"), row)) for row in rows] for rows in MOVES_OF_RUNS])
        folder = project / "lake" / "main" / "newest"
        self.assertTrue(any("deletionVector" in path.read_text(encoding="utf-8") for path in folder.glob("_delta_log/*.json")))
        before = self.sluice.read(folder)
        self.spark.vacuum(folder)
        for engine in (self.spark, self.delta_rs, self.sluice):
            self.assert_same(before, engine.read(folder), f"after VACUUM, read by {engine.name}")
        self.assert_sound(folder)

    def test_columns_and_members_that_appear_later(self):
        project = self.project("evolution", """
CREATE OR REFRESH STREAMING TABLE events AS SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json');
CREATE OR REFRESH MATERIALIZED VIEW places PARTITIONED BY (id) AS SELECT DISTINCT ON (id) * FROM events ORDER BY id, rev DESC;""")
        self.run_with(project, [
            [{"id": 1, "rev": 1, "place": {"town": "ulm"}, "tags": [{"k": 1}]}],
            [{"id": 2, "rev": 1, "place": {"town": "bonn", "zip": 53111}, "tags": [{"k": 2, "v": "x"}], "late": True}],
            [{"id": 1, "rev": 2, "later": 1.5, "place": None}],
        ])
        for name in ("events", "places"):
            self.assert_read_alike(project / "lake" / "main" / name)

    def test_log_checkpoints_and_a_clean_up(self):
        project = self.project("cleaned", f"""
CREATE OR REFRESH STREAMING TABLE moves TBLPROPERTIES ('delta.checkpointInterval' = '1') AS SELECT * FROM STREAM {MOVES};
CREATE OR REFRESH MATERIALIZED VIEW newest TBLPROPERTIES ('delta.checkpointInterval' = '1') AS
SELECT DISTINCT ON (id) id, rev, room FROM moves ORDER BY id, rev DESC;""")
        self.run_with(project, [[{"id": run % 3, "rev": run, "room": f"room {run}"}] for run in range(7)])
        folders = [project / "lake" / "main" / name for name in ("moves", "newest")]
        self.assertTrue(all((folder / "_delta_log" / "_last_checkpoint").exists() for folder in folders))
        long_ago = time.time() - 40 * 86_400
        for path in project.glob("lake/main/*/_delta_log/*"):
            os.utime(path, (long_ago, long_ago))
        self.run_with(project, [[{"id": 9, "rev": run, "room": f"room {run}"}] for run in range(7, 11)])
        for folder in folders:
            self.assertFalse((folder / "_delta_log" / f"{0:020}.json").exists(), "nothing was cleaned up")
            newest = newest_version(folder)
            self.assert_read_alike(folder, range(newest - 3, newest + 1))
