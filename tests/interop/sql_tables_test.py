"""Tables that `sluice sql` makes and changes, as Spark and delta-rs see them, and what Spark makes of the same statements."""

import os
import random
import shutil

import literals
from engines import Refused, newest_version
from suite import InteropTest

EVERY_TYPE = ("struct", (
    ("id", "long"), ("yes", "boolean"), ("i8", "byte"), ("i16", "short"), ("i32", "integer"), ("f", "float"), ("d", "double"),
    ("d9", "decimal(9,2)"), ("d18", "decimal(18,4)"), ("d38", "decimal(38,18)"), ("s", "string"), ("b", "binary"),
    ("day", "date"), ("moment", "timestamp"), ("lo", "timestamp_ntz"), ("l", ("array", "integer")),
    ("place", ("struct", (("town", "string"), ("spot", ("struct", (("x", "double"), ("since", "timestamp_ntz"))))))),
    ("by_name", ("map", "string", "decimal(5,2)")), ("deep", ("array", ("struct", (("k", ("array", "date")),)))),
))
STATEMENTS = 3
FIRST_YEAR = -62_135_596_800_000_000  # 0001-01-01, in microseconds
LAST_YEAR = 253_402_300_799_999_999   # 9999-12-31 23:59:59.999999
ROWS = [
    (1, False, -128, -32768, -2**31, "-3.4028234663852886e+38", "-1.7976931348623157e+308", "-9999999.99",
     "-99999999999999.9999", "-99999999999999999999.999999999999999999", "", "", -719_162, FIRST_YEAR, FIRST_YEAR, (),
     (None, None), (), ()),
    (2, True, 127, 32767, 2**31 - 1, "3.4028234663852886e+38", "5e-324", "9999999.99", "99999999999999.9999",
     "99999999999999999999.999999999999999999", "x" * 31 + "\U0001F600" * 3, "00ff5c27", 2_932_896, LAST_YEAR, LAST_YEAR, (1, None, -1),
     ("ulm", ("-0.0", 0)), (("a", "1.50"), ("b", None)), (((0, None),), (None,), None)),
    (3, None, 0, 0, 0, "nan", "-inf", "0.00", "0.0000", "0.000000000000000000", "o'neill \\ \"q\" \n\tß", "00", -1, -1, 1,
     (None,), ("", (None, -1)), (("", "-999.99"),), ((None,),)),
    (4, *[None] * 18),
    (2**63 - 1, True, 1, 1, 1, "-0.0", "nan", "-0.01", "0.0001", "0.000000000000000001", "z", "7a", 19_782, 1_709_208_000_123_456,
     1_709_208_000_123_456, (7,), (None, ("nan", None)), (("z", "0.01"),), (((19_782,),),)),
]
PROPERTIES = {
    "none": {},
    "many": {"delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name", "delta.enableInCommitTimestamps": "true",
             "delta.checkpointPolicy": "v2", "delta.checkpointInterval": "2"},
    "statistics as structs": {"delta.checkpoint.writeStatsAsStruct": "true", "delta.checkpoint.writeStatsAsJson": "false",
                              "delta.checkpointInterval": "1"},
    "few statistics": {"delta.dataSkippingNumIndexedCols": "2", "delta.appendOnly": "true"},
    "chosen statistics": {"delta.dataSkippingStatsColumns": "s,place.town,day", "delta.logRetentionDuration": "interval 1 day"},
}
PARTITION_COLUMNS = ["yes", "i8", "i32", "f", "d", "d9", "d38", "s", "b", "day", "moment", "lo"]
ODD_TEXTS = ["a/b c", "50% = ü", "x=1/y=2", "a:b", "a+b", "#?&", "%2F", "__HIVE_DEFAULT_PARTITION__", "{}[]^\\'\"*", "\t\n\u007f",
             "日本", "..", " x ", "null", None]

KEYED = ("struct", (("id", "long"), ("n", "integer"), ("name", "string"), ("part", "string")))
KEYED_ROWS = [(1, 10, "a", "p"), (2, 20, "b", "p"), (3, 30, None, "q"), (4, None, "d", "q"), (None, 50, "e", None), (6, 60, "f", "p")]
SOURCE_ROWS = [(1, 11, "A", "p"), (3, 33, "C", "new"), (7, 70, "G", "q"), (None, 55, "E", "p"), (8, None, None, None)]
# Statements on the table {t}; {s} is a query of SOURCE_ROWS. To the left what sluice runs, to the right, if it differs, Spark.
CHANGES = [
    ("INSERT INTO {t} (id, name) VALUES (9, 'nine')",),
    ("INSERT INTO {t} BY NAME SELECT part, id FROM ({s}) s",),
    ("UPDATE {t} SET n = n + 1 WHERE id > 2",),
    ("UPDATE {t} SET part = 'moved', name = part WHERE n IS NULL OR name = 'a'",),
    ("UPDATE {t} SET n = 0",),
    ("UPDATE {t} SET n = 1 WHERE id > 100",),
    ("UPDATE {t} SET n = s.n FROM ({s}) s WHERE {t}.id = s.id",
     "MERGE INTO {t} t USING ({s}) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n"),
    ("DELETE FROM {t} WHERE id < 3",),
    ("DELETE FROM {t} WHERE n IS NULL OR part IS NULL",),
    ("DELETE FROM {t} WHERE id NOT IN (1, 2)",),
    ("DELETE FROM {t} WHERE name LIKE '%f%' AND part = 'p'",),
    ("DELETE FROM {t} WHERE EXISTS (SELECT 1 FROM ({s}) s WHERE s.name = upper({t}.name))",
     "MERGE INTO {t} t USING ({s}) s ON s.name = upper(t.name) WHEN MATCHED THEN DELETE"),
    ("DELETE FROM {t}",),
    ("INSERT OVERWRITE {t} SELECT * FROM {t} WHERE id > 1 UNION ALL SELECT * FROM ({s}) s",),
    ("INSERT INTO {t} REPLACE WHERE part = 'p' OR n > 20 SELECT * FROM ({s}) s WHERE part = 'p'",),
    ("INSERT INTO {t} PARTITION (part = 'a-b') SELECT id, n, name FROM ({s}) s",),
    ("INSERT OVERWRITE {t} PARTITION (part = 'p') SELECT n + 1, id, upper(name) FROM {t} WHERE part = 'q'",
     "INSERT OVERWRITE {t} PARTITION (part = 'p') SELECT n + 1, CAST(id AS INT), upper(name) FROM {t} WHERE part = 'q'"),
    ("INSERT OVERWRITE {t} PARTITION (part = 'q') SELECT id, n, name FROM ({s}) s WHERE false",),
    ("DELETE FROM {t} USING ({s}) s WHERE s.id = {t}.id",
     "MERGE INTO {t} t USING ({s}) s ON t.id = s.id WHEN MATCHED THEN DELETE"),
]
MERGES = [
    ("USING ({s}) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n, name = t.name || s.name",),
    ("USING ({s}) s ON t.id = s.id WHEN MATCHED AND s.n > 20 THEN DELETE WHEN MATCHED THEN UPDATE SET n = t.n + s.n",),
    ("USING ({s}) s ON t.id = s.id WHEN MATCHED AND t.part = 'q' THEN UPDATE SET part = s.part WHEN MATCHED AND t.n = 10 THEN DELETE",),
    ("USING ({s}) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'new ' || s.name)",),
    ("USING ({s}) s ON t.id = s.id WHEN NOT MATCHED AND s.n > 60 THEN INSERT (id, n) VALUES (s.id, s.n) "
     "WHEN NOT MATCHED THEN INSERT (part) VALUES ('other')",),
    ("USING ({s}) s ON t.id = s.id WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT",
     "USING ({s}) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"),
    ("USING ({s}) s USING (id) WHEN MATCHED THEN UPDATE BY NAME WHEN NOT MATCHED BY TARGET THEN INSERT BY NAME",
     "USING ({s}) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED BY TARGET THEN INSERT *"),
    ("USING ({s}) s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE",),
    ("USING ({s}) s ON t.id = s.id WHEN NOT MATCHED BY SOURCE AND t.n > 20 THEN UPDATE SET name = 'gone', part = NULL "
     "WHEN NOT MATCHED BY SOURCE AND t.id = 2 THEN DELETE",),
    ("USING ({s}) s ON t.id = s.id AND t.part = 'p' WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, n, name, part) "
     "VALUES (s.id, s.n, s.name, s.part) WHEN NOT MATCHED BY SOURCE AND t.part = 'p' THEN UPDATE SET n = -t.n",),
    ("USING ({s}) s ON t.id = s.id WHEN MATCHED AND t.id = 1 THEN DO NOTHING WHEN MATCHED THEN DELETE "
     "WHEN NOT MATCHED AND s.id = 7 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT "
     "WHEN NOT MATCHED BY SOURCE AND t.id = 2 THEN DO NOTHING WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = 0",
     "USING ({s}) s ON t.id = s.id WHEN MATCHED AND NOT t.id = 1 THEN DELETE WHEN NOT MATCHED AND (s.id <> 7 OR s.id IS NULL) THEN INSERT * "
     "WHEN NOT MATCHED BY SOURCE AND (t.id <> 2 OR t.id IS NULL) THEN UPDATE SET n = 0"),
    ("USING (SELECT part, count(*) AS c FROM {t} GROUP BY part) s ON t.part = s.part WHEN MATCHED THEN UPDATE SET n = s.c",),
    ("USING ({s}) s ON false WHEN NOT MATCHED THEN INSERT", "USING ({s}) s ON false WHEN NOT MATCHED THEN INSERT *"),
    ("USING ({s}) s ON t.id = s.id + 100 WHEN MATCHED THEN DELETE",),
]
REFUSED_MERGES = [
    "USING (SELECT 1 AS id UNION ALL SELECT 1) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = 0",
    "USING ({s}) s ON t.part = s.part WHEN MATCHED THEN UPDATE SET n = s.n",
]


def with_properties(properties):
    entries = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    return f"WITH ({entries})" if entries else ""


def statements_to_try(statements):
    """Returns pairs (number, statement): a few, which the seed picks, since each takes Spark two seconds."""
    numbered = list(enumerate(statements))
    if os.environ.get("SLUICE_INTEROP_ALL"):
        return numbered
    return random.Random(os.environ.get("SLUICE_INTEROP_SEED", "1")).sample(numbered, STATEMENTS)


# Values of sluice's, and what Spark's to_json() makes of them.
VARIANTS = [
    ("true", "true"), ("false", "false"), ("(-128)::TINYINT", "-128"), ("32767::SMALLINT", "32767"), ("(-2147483648)::INTEGER", "-2147483648"),
    ("9223372036854775807::BIGINT", "9223372036854775807"), ("1.5::DOUBLE", "1.5"), ("0.25::FLOAT", "0.25"),
    ("-99999.99999::DECIMAL(10,5)", "-99999.99999"), ("1.5::DECIMAL(4,1)", "1.5"), ("12345678.5::DECIMAL(9,1)", "12345678.5"),
    ("99999999999999999999999999999999999999::DECIMAL(38,0)", "99999999999999999999999999999999999999"),
    ("18446744073709551615::UBIGINT", "18446744073709551615"), ("200::UTINYINT", "200"), ("'ü \"q\"'", '"ü \\"q\\""'),
    ("repeat('xy', 50)", f'"{"xy" * 50}"'), ("''", '""'), ("'\\x00\\xFF'::BLOB", '"AP8="'), ("DATE '2024-02-29'", '"2024-02-29"'),
    ("TIMESTAMP '2024-02-29 12:00:00.000001'", '"2024-02-29 12:00:00.000001"'),
    ("TIMESTAMPTZ '2024-02-29 12:00:00+05'", '"2024-02-29 07:00:00+00:00"'),
    ("UUID '00112233-4455-6677-8899-aabbccddeeff'", '"00112233-4455-6677-8899-aabbccddeeff"'),
    ("TIME '12:30:00'", '"12:30:00"'), ("INTERVAL 3 DAY", '"3 days"'), ("[]::INTEGER[]", "[]"), ("'{}'::JSON", "{}"),
    ("{'z': {'y': [{'x': 1}, {'x': NULL}]}, 'a': [[], ['b']]}", '{"a":[[],["b"]],"z":{"y":[{"x":1},{"x":null}]}}'),
    ("range(300)", f"[{','.join(map(str, range(300)))}]"),
    ("map_from_entries([('key ' || i, i) for i in range(1000)])::JSON", "{" + ",".join(f'"key {i}":{i}' for i in sorted(range(1000), key=str)) + "}"),
    ("""'{"a b": {"": [1.5, "t", null, false]}, "ü": -7}'::JSON""", '{"a b":{"":[1.5,"t",null,false]},"ü":-7}'),
]

# A column of each type that can be widened, with what it becomes, step by step: what sluice and Spark call the type.
WIDENED = ("struct", (
    ("id", "integer"), ("i8", "byte"), ("i16", "short"), ("i32", "integer"), ("i64", "long"), ("f", "float"), ("d9", "decimal(9,2)"),
    ("day", "date"), ("p", "integer"), ("q", "date"), ("place", ("struct", (("a", "byte"), ("b", ("struct", (("c", "date"),)))))),
    ("l", ("array", ("struct", (("x", "float"),)))), ("m", ("map", "short", ("array", "integer"))),
))
WIDENED_ROWS = [
    (1, -128, -32768, -2**31, -2**63, "-0.5", "-9999999.99", -719_162, 1, 0, (1, (0,)), ((("1.5",), None)), ((1, (1, None)),)),
    (2, 127, 32767, 2**31 - 1, 2**63 - 1, "0.25", "9999999.99", 2_932_896, 2, 19_782, (127, None), None, ()),
    (3, None, None, None, None, None, None, None, None, None, None, None, None),
    (4, 0, 0, 0, 0, "nan", "0.00", 0, 1, None, (None, (-1,)), (), ((2, None), (3, ()))),
]
WIDENINGS = [
    ("id", "bigint"), ("i8", "smallint"), ("i8", "int"), ("i16", "bigint"), ("i8", "bigint"), ("i32", "decimal(12,2)"),
    ("i64", "decimal(22,2)"), ("f", "double"), ("d9", "decimal(11,3)"), ("day", "timestamp_ntz"), ("p", "bigint"), ("q", "timestamp_ntz"),
    ("place.a", "double"), ("place.b.c", "timestamp_ntz"), ("l.element.x", "double"), ("m.key", "int"), ("m.value.element", "bigint"),
    ("i16", "decimal(20,0)"), ("d9", "decimal(38,10)"),
]
# What only the widened columns can hold; Spark and sluice spell it alike.
WIDE_VALUES = {
    "id": "id + 3000000000", "i8": "i8 + 1000", "i16": "i16 + 100000", "i32": "i32 + 0.25", "i64": "i64 + 0.5", "f": "f + 0.1",
    "d9": "d9 + 0.0000000001", "p": "p + 3000000000",
}


class SqlTablesTest(InteropTest):
    def create(self, name, kind, properties, partition=None):
        """Returns the folder of a new table, made by sluice."""
        columns = ", ".join(f"{column} {literals.DuckDBDialect().type_name(member)}" for column, member in kind[1])
        if kind is EVERY_TYPE:
            columns = columns.replace("id BIGINT", "id BIGINT NOT NULL")
        partitioned = f"PARTITIONED BY ({', '.join(partition)})" if partition else ""
        self.sluice.sql(self.base, f'CREATE TABLE "{name}" ({columns}) {partitioned} {with_properties(properties)}')
        return self.base / name

    def test_each_type_and_property(self):
        for name, properties in PROPERTIES.items():
            with self.subTest(name):
                folder = self.create(name, EVERY_TYPE, properties)
                for rows in (ROWS[:3], ROWS[3:]):
                    self.sluice.append(folder, rows, EVERY_TYPE)
                seen = dict(self.spark.sql(f"SHOW TBLPROPERTIES delta.`{folder}`"))
                self.assertEqual(seen, seen | properties)
                self.assertEqual(sorted(self.sluice.read(folder).bag.elements(), key=repr), sorted(ROWS, key=repr))
                self.assert_read_alike(folder)
                if name == "statistics as structs":  # there are none but those in the columns of our log checkpoint
                    self.assertGreater(self.assert_skipping_is_right(folder, ["id", "i8", "d38", "s", "day", "moment"]), 2)
                self.spark.append(folder, ROWS[4:], EVERY_TYPE)
                self.assert_read_alike(folder, [newest_version(folder)])
        self.assert_skipping_is_right(self.base / "chosen statistics", ["id", "s", "day", "i32"])

    def test_partitions_of_each_type(self):
        properties = {"delta.enableDeletionVectors": "true", "delta.checkpoint.writeStatsAsStruct": "true",
                      "delta.checkpointInterval": "1"}
        folder = self.create("partitioned", EVERY_TYPE, properties, PARTITION_COLUMNS)
        # Partition values are text, so binary ones must be.
        self.sluice.append(folder, [row[:11] + (None if row[11] is None else "c3bf20",) + row[12:] for row in ROWS], EVERY_TYPE)
        self.sluice.update(folder, {"day": "day + 1", "s": "'moved'"}, "i8 = 0 OR i8 = 1")
        self.assert_read_alike(folder)
        self.assertGreater(self.assert_skipping_is_right(folder, PARTITION_COLUMNS[::2]), 5)

    def test_partitions_of_odd_texts(self):
        kind = ("struct", (("id", "long"), ("k", "string"), ("n", "integer")))
        folder = self.create("odd", kind, {}, ["k"])
        rows = [(number, text, 0) for number, text in enumerate(ODD_TEXTS)]
        self.sluice.append(folder, rows, kind)
        for engine in (self.sluice, self.spark):
            engine.update(folder, {"n": "n + 1"}, "k LIKE '%/%' OR k IS NULL")
            engine.merge(folder, [(number + 5, text, 1) for number, text, _ in rows[:8]], kind)
        self.assert_read_alike(folder)
        self.assertGreater(self.assert_skipping_is_right(folder), 3)

    def test_rows_are_in_the_files_that_spark_says(self):
        folder = self.base / "files"
        self.spark.create(folder, KEYED_ROWS, KEYED, "part")
        self.sluice.append(folder, [(10 + i, i, "x", text) for i, text in enumerate(ODD_TEXTS)], KEYED)
        columns = ("id, _metadata.file_name AS name, _metadata.file_size AS bytes, _metadata.file_block_start AS begin, "
                   "_metadata.file_block_length AS length")
        path, time = "replace(_metadata.file_path, 'file:///', 'file:/') AS path", "(_metadata.file_modification_time) AS time"
        expected = self.spark.sql(f"SELECT {columns}, {path}, unix_millis{time} FROM delta.`{folder}`")
        found = self.sluice.sql(folder, f"SELECT {columns}, {path}, epoch_ms{time} FROM {{t}}")[0]
        self.assertEqual(sorted(map(repr, found)), sorted(repr(row.asDict()) for row in expected))

    def test_columns_come_go_and_change_their_names(self):
        folder = self.create("mapped", KEYED, {}, ["part"])
        self.sluice.append(folder, KEYED_ROWS, KEYED)
        sql = self.sluice.sql
        steps = [
            lambda: sql(folder, "ALTER TABLE {t} ADD COLUMN late STRUCT(a INTEGER, b VARCHAR)"),
            lambda: sql(folder, "INSERT INTO {t} (id, late) VALUES (10, {'a': 1, 'b': 'x'})"),
            lambda: sql(folder, "ALTER TABLE {t} SET ('delta.columnMapping.mode' = 'name')"),
            lambda: sql(folder, "ALTER TABLE {t} RENAME COLUMN n TO number"),
            lambda: sql(folder, "ALTER TABLE {t} RENAME COLUMN part TO room"),
            lambda: sql(folder, "INSERT INTO {t} (id, number, room) VALUES (11, 1, 'a/b')"),
            lambda: sql(folder, "ALTER TABLE {t} RENAME COLUMN late.a TO c"),
            lambda: sql(folder, "ALTER TABLE {t} DROP COLUMN name"),
            lambda: sql(folder, "ALTER TABLE {t} ADD COLUMN name DATE"),
            lambda: self.spark.sql(f"INSERT INTO delta.`{folder}` (id, name, room) VALUES (12, DATE '2024-02-29', 'p')"),
            lambda: sql(folder, "UPDATE {t} SET name = DATE '2024-03-01', late = {'c': 2, 'b': NULL} WHERE id > 10"),
            lambda: self.spark.sql(f"ALTER TABLE delta.`{folder}` RENAME COLUMN number TO n2"),
            lambda: self.spark.sql(f"ALTER TABLE delta.`{folder}` ADD COLUMNS (late.d STRING AFTER c, more MAP<STRING, INT>)"),
            lambda: sql(folder, "INSERT INTO {t} BY NAME SELECT 13 AS id, {'c': 3, 'd': 'y', 'b': 'z'} AS late, MAP {'k': 1} AS more"),
            lambda: self.spark.optimize(folder),
            lambda: sql(folder, "ALTER TABLE {t} SET ('delta.enableDeletionVectors' = 'true')"),
            lambda: sql(folder, "DELETE FROM {t} WHERE id % 2 = 1"),
            lambda: self.spark.sql(f"ALTER TABLE delta.`{folder}` DROP COLUMN more"),
            lambda: self.spark.z_order(folder, "id"),
            lambda: self.spark.restore(folder, 9),
            lambda: sql(folder, "MERGE INTO {t} USING (SELECT 10 AS id, 5 AS number) s USING (id) WHEN MATCHED THEN UPDATE SET number = s.number"),
            lambda: self.spark.vacuum(folder),
        ]
        for number, step in enumerate(steps):
            version = newest_version(folder)
            step()
            self.assertGreater(newest_version(folder), version, f"step {number}")
            expected = self.sluice.read(folder)
            for engine in (self.spark, self.delta_rs) if number % 3 == 0 or number == len(steps) - 1 else (self.delta_rs,):
                self.assert_same(expected, engine.read(folder), f"step {number}")
            self.assert_sound(folder, f"step {number}")
        self.assertGreater(self.assert_skipping_is_right(folder, ["id", "number"]), 0)

    def test_columns_are_widened(self):
        """By sluice and by Spark in turn; delta-rs reads no table with type widening."""
        for name, properties in {
            "copied": {"delta.checkpointInterval": "4", "delta.checkpoint.writeStatsAsStruct": "true",
                       "delta.checkpoint.writeStatsAsJson": "false"},
            "marked": {"delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name", "delta.checkpointPolicy": "v2",
                       "delta.checkpointInterval": "7"},
        }.items():
            with self.subTest(name):
                folder = self.create(name, WIDENED, properties | {"delta.enableTypeWidening": "true"}, ["p", "q"])
                self.sluice.append(folder, WIDENED_ROWS[:2], WIDENED)
                with self.assertRaises(Refused):
                    self.delta_rs.read(folder)
                for number, (column, kind) in enumerate(WIDENINGS):
                    if number % 4 == 3:
                        self.spark.sql(f"ALTER TABLE delta.`{folder}` ALTER COLUMN {column} TYPE {kind}")
                    else:
                        self.sluice.sql(folder, f"ALTER TABLE {{t}} ALTER COLUMN {column} TYPE {kind}")
                    if number == 10:
                        self.sluice.append(folder, WIDENED_ROWS[2:], WIDENED)
                for engine, where in ((self.sluice, "p = 1"), (self.spark, "p = 2")):
                    engine.update(folder, WIDE_VALUES, where)
                self.sluice.sql(folder, "UPDATE {t} SET day = day + INTERVAL 1 MICROSECOND, q = q + INTERVAL 90 MINUTE WHERE id > 3000000000")
                self.assertEqual(self.spark.read(folder).kind[1][0], ("id", "long"))
                self.assert_read_alike(folder, [*range(1, newest_version(folder), 4), newest_version(folder)], delta_rs=False)
                self.assertGreater(self.assert_skipping_is_right(folder, ["id", "i8", "i32", "i64", "d9", "day", "p", "q"]), 5)
                self.spark.optimize(folder)
                self.sluice.delete(folder, "id = 3000000002")
                self.spark.merge(folder, WIDENED_ROWS[1:], WIDENED)
                self.sluice.merge(folder, WIDENED_ROWS[:3], WIDENED)
                self.assert_read_alike(folder, range(newest_version(folder) - 3, newest_version(folder) + 1), delta_rs=False)

    def test_what_is_no_widening_is_refused_by_both(self):
        folder = self.create("narrow", KEYED, {"delta.enableTypeWidening": "true"})
        self.sluice.append(folder, KEYED_ROWS, KEYED)
        self.sluice.sql(folder, "ALTER TABLE {t} ADD CONSTRAINT positive CHECK (n > 0 OR n IS NULL)")
        version = newest_version(folder)
        for column, kind in (("id", "int"), ("id", "double"), ("id", "decimal(19,0)"), ("n", "float"), ("n", "smallint"), ("n", "decimal(9,0)"),
                             ("name", "binary"), ("n", "bigint")):  # the last for the constraint
            with self.assertRaises(Refused):
                self.sluice.sql(folder, f"ALTER TABLE {{t}} ALTER COLUMN {column} TYPE {kind}")
            with self.assertRaises(Refused):
                self.spark.sql(f"ALTER TABLE delta.`{folder}` ALTER COLUMN {column} TYPE {kind}")
        self.assertEqual(newest_version(folder), version)

    def test_variants(self):
        """Variants as Spark shows them in JSON; then it changes rows, and sluice shows them."""
        for name, properties in {"copied": {}, "marked": {"delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name", "delta.checkpointInterval": "2",
                                                        "delta.checkpoint.writeStatsAsStruct": "true"}}.items():
            with self.subTest(name):
                self.sluice.sql(self.base, f'CREATE TABLE "{name}" (id BIGINT, v VARIANT, s STRUCT(w VARIANT, n INTEGER), l VARIANT[]) '
                                f"{with_properties(properties)}")
                folder = self.base / name
                values_of = [f"({number}, ({text})::VARIANT, {{'w': ({text})::VARIANT, 'n': {number}}}, [({text})::VARIANT, NULL])"
                             for number, (text, _) in enumerate(VARIANTS)]
                self.sluice.sql(folder, f"INSERT INTO {{t}} VALUES {', '.join(values_of)}, (1000, NULL, NULL, NULL), (1001, NULL, {{'w': NULL, 'n': 1}}, [])")
                query = (f"SELECT id, to_json(v) AS v, to_json(s.w) AS w, to_json(get(l, 0)) AS l, s.n FROM delta.`{folder}` ORDER BY id")
                found = [tuple(row) for row in self.spark.sql(query)]
                expected = [(number, json, json, json, number) for number, (_, json) in enumerate(VARIANTS)]
                self.assertEqual(found, expected + [(1000, None, None, None, None), (1001, None, None, None, 1)])
                self.sluice.sql(folder, "UPDATE {t} SET v = {'changed': v}::VARIANT WHERE id < 3")
                self.sluice.sql(folder, "DELETE FROM {t} WHERE id = 1000")
                self.sluice.sql(folder, "MERGE INTO {t} t USING (SELECT 5 AS id UNION ALL SELECT 2000) s USING (id) WHEN MATCHED THEN UPDATE SET "
                                "v = ['merged']::VARIANT WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 'new'::VARIANT)")
                self.assertEqual([row["v"] for row in self.spark.sql(query)][:2], [f'{{"changed":{VARIANTS[0][1]}}}', f'{{"changed":{VARIANTS[1][1]}}}'])
                self.spark.sql(f"UPDATE delta.`{folder}` SET v = parse_json('{{\"a\": [1, {{\"b\": null}}], \"c\": 1.5}}') WHERE id = 7")
                self.spark.sql(f"INSERT INTO delta.`{folder}` (id, v) VALUES (3000, parse_json('[true, 12345678901234567890]'))")
                ours = self.sluice.sql(folder, "SELECT id, v::JSON::VARCHAR AS v FROM {t} WHERE id IN (5, 7, 2000, 3000) ORDER BY id")[0]
                self.assertEqual([row["v"] for row in ours], ['["merged"]', '{"a":[1,{"b":null}],"c":1.5}', '"new"', "[true,12345678901234567890]"])
                theirs = self.spark.sql(f"SELECT try_variant_get(v, '$.a[0]', 'int') AS a FROM delta.`{folder}` WHERE id = 7")
                self.assertEqual(theirs[0]["a"], 1)
                self.assert_sound(folder)

    def test_a_table_that_is_replaced(self):
        folder = self.create("replaced", KEYED, {"delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name",
                                                 "delta.enableInCommitTimestamps": "true"}, ["part"])
        self.sluice.append(folder, KEYED_ROWS, KEYED)
        self.sluice.sql(folder, "ALTER TABLE {t} ADD CONSTRAINT small CHECK (id < 1000 OR id IS NULL)")
        self.sluice.delete(folder, "id = 1")
        self.sluice.sql(folder, "CREATE OR REPLACE TABLE {t} PARTITIONED BY (id) AS SELECT 1000 AS id, part, n::VARCHAR AS n FROM {t}")
        self.spark.sql(f"INSERT INTO delta.`{folder}` VALUES (2000, 'new', 'x')")
        self.sluice.sql(folder, "CREATE OR REPLACE TABLE {t} (id BIGINT, \"n m\" INTEGER) WITH ('delta.enableDeletionVectors' = 'true')")
        self.sluice.sql(folder, "INSERT INTO {t} VALUES (1, 2), (3, 4)")
        self.spark.sql(f"DELETE FROM delta.`{folder}` WHERE id = 1")
        self.assert_read_alike(folder)

    def test_constraints_hold_for_both(self):
        folder = self.create("constrained", KEYED, {"delta.enableDeletionVectors": "true"}, ["part"])
        self.sluice.append(folder, KEYED_ROWS, KEYED)
        self.sluice.sql(folder, "ALTER TABLE {t} ADD CONSTRAINT Small CHECK (id < 1000 AND coalesce(`n`, 0) < 500 OR id IS NULL)")
        with self.assertRaisesRegex(Exception, "DELTA_VIOLATE_CONSTRAINT"):
            self.spark.sql(f"INSERT INTO delta.`{folder}` (id) VALUES (2000)")
        self.spark.sql(f"INSERT INTO delta.`{folder}` (id, n) VALUES (900, 1)")
        self.spark.sql(f"ALTER TABLE delta.`{folder}` ADD CONSTRAINT named CHECK (`name` IS NULL OR length(`name`) < 900 AND `name` <> \"bad\\'s\")")
        for refused in ("INSERT INTO {t} (id) VALUES (1000)", "INSERT INTO {t} (id, name) VALUES (1, 'bad''s')", "UPDATE {t} SET id = 1001 WHERE id = 900"):
            with self.assertRaisesRegex(Refused, "SLU3102"):
                self.sluice.sql(folder, refused)
        self.sluice.sql(folder, "UPDATE {t} SET id = 901, name = 'good' WHERE id = 900")
        self.assert_read_alike(folder)
        self.spark.sql(f"ALTER TABLE delta.`{folder}` DROP CONSTRAINT small")
        self.sluice.sql(folder, "ALTER TABLE {t} DROP CONSTRAINT named")
        self.spark.sql(f"INSERT INTO delta.`{folder}` (id) VALUES (2000)")
        self.sluice.sql(folder, "INSERT INTO {t} (name) VALUES ('bad''s')")
        self.assert_read_alike(folder)

    def test_a_table_begins_with_constraints(self):
        folder = self.base / "begun"
        self.sluice.sql(self.base, "CREATE TABLE begun (id BIGINT CHECK (id > 0), n VARCHAR, "
                                   "CONSTRAINT Short CHECK (length(`n`) < 5 AND `n` <> \"it's\"))")
        self.spark.sql(f"INSERT INTO delta.`{folder}` VALUES (1, 'tea')")
        for row in ("(0, 'tea')", "(1, 'coffee')", "(1, \"it's\")"):
            with self.assertRaisesRegex(Exception, "DELTA_VIOLATE_CONSTRAINT"):
                self.spark.sql(f"INSERT INTO delta.`{folder}` VALUES {row}")
        self.spark.sql(f"ALTER TABLE delta.`{folder}` DROP CONSTRAINT id_check")
        self.sluice.sql(folder, "INSERT INTO {t} VALUES (0, 'cup')")
        self.assert_read_alike(folder)

    def keyed_tables(self):
        """Returns the folders of two tables with the same rows and without respectively with deletion vectors."""
        folders = []
        for vectors in ("false", "true"):
            folder = self.base / f"vectors_{vectors}"
            self.sluice.create(folder, KEYED_ROWS, KEYED, "part")
            self.sluice.set_property(folder, "delta.enableDeletionVectors", vectors)
            self.sluice.set_property(folder, "delta.enableChangeDataFeed", "true")
            folders.append(folder)
        return folders

    def assert_means_the_same(self, folders, number, ours, theirs):
        """Runs a statement on copies of the tables, and what it is to Spark on another: equal rows, and equal change feeds."""
        copies = [shutil.copytree(folder, self.base / f"{folder.name}_{number}") for folder in folders]
        oracle = shutil.copytree(folders[number % 2], self.base / f"oracle_{number}")
        self.spark.sql(theirs.replace("{t}", f"delta.`{oracle}`").replace("{s}", literals.SparkDialect().rows(SOURCE_ROWS, KEYED)))
        expected = self.spark.read(oracle)
        version = newest_version(folders[0])
        changes = self.spark.changes(oracle, version + 1, KEYED) if newest_version(oracle) > version else None
        for copy in copies:
            self.sluice.sql(copy, ours.replace("{s}", literals.DuckDBDialect().rows(SOURCE_ROWS, KEYED)))
            for engine in (self.sluice, self.delta_rs):
                self.assert_same(expected, engine.read(copy), f"{copy.name}: {ours}")
            self.assert_sound(copy)
            if newest_version(copy) == version:  # no row changed; Spark may have made a version all the same
                self.assertFalse(changes and changes.bag, ours)
                continue
            for engine in (self.sluice, self.delta_rs):
                self.assert_same(changes, engine.changes(copy, version + 1, KEYED), f"{copy.name}, change feed: {ours}")
        read_by_spark = copies[(number + 1) % 2]
        self.assert_same(expected, self.spark.read(read_by_spark), ours)
        if newest_version(read_by_spark) > version:
            self.assert_same(changes, self.spark.changes(read_by_spark, version + 1, KEYED), f"change feed: {ours}")

    def test_statements_mean_what_they_mean_to_spark(self):
        folders = self.keyed_tables()
        for number, statement in statements_to_try(CHANGES):
            with self.subTest(statement[0]):
                self.assert_means_the_same(folders, number, statement[0], statement[-1])

    def test_each_form_of_merge_means_what_it_means_to_spark(self):
        folders = self.keyed_tables()
        for number, clauses in statements_to_try(MERGES):
            with self.subTest(clauses[0]):
                self.assert_means_the_same(folders, number, "MERGE INTO {t} t " + clauses[0], "MERGE INTO {t} t " + clauses[-1])

    def test_merges_that_both_refuse(self):
        for folder in self.keyed_tables():
            version = newest_version(folder)
            for clauses in REFUSED_MERGES:
                with self.assertRaisesRegex(Refused, "SLU0151"):
                    self.sluice.sql(folder, "MERGE INTO {t} t " + clauses.replace("{s}", literals.DuckDBDialect().rows(SOURCE_ROWS, KEYED)))
                with self.assertRaisesRegex(Refused, "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW"):
                    self.spark.sql(f"MERGE INTO delta.`{folder}` t " + clauses.replace("{s}", literals.SparkDialect().rows(SOURCE_ROWS, KEYED)))
            self.assertEqual(newest_version(folder), version)
