"""Tables that a pipeline writes, changed by others between two of its runs.

Only sluice may write them: a run that finds such a change stops before it reads anything, exit 4, and names the full refresh
that makes the table what its query gives. Until then nothing of what others wrote is touched, and no input is used up.
"""

import json

from engines import newest_version
from suite import InteropTest

SQL = """
CREATE OR REFRESH STREAMING TABLE readings AS
SELECT * FROM STREAM read_files('landing/*.jsonl', format => 'json', schema => 'id BIGINT, room VARCHAR');

CREATE OR REFRESH MATERIALIZED VIEW rooms AS SELECT room, count(*) AS n FROM readings GROUP BY room;
"""
EXIT_CONFLICT = 4
ROW = ("struct", (("id", "long"), ("room", "string")))


class ManagedTableTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.pipeline = self.project("managed", SQL)
        self.readings = self.pipeline / "lake" / "main" / "readings"
        for number in range(3):
            self.land(number)
            self.run_project(self.pipeline)

    def land(self, number):
        records = [{"id": 10 * number + i, "room": f"room {i}"} for i in range(4)]
        (self.pipeline / "landing" / f"{number}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records),
                                                                  encoding="utf-8")

    def assert_stops_and_heals(self, folder, landed):
        """A run says what happened and changes nothing; after a full refresh all rows are there, each once."""
        before = self.spark.read(folder)
        version = newest_version(folder)
        self.land(landed)
        said = self.run_project(self.pipeline, EXIT_CONFLICT)
        self.assertIn("SLU4102", said)
        self.assertIn("--full-refresh", said)
        self.assertEqual(newest_version(folder), version)
        self.assert_same(before, self.sluice.read(folder), "after the run that stopped")
        self.run_project(self.pipeline, 0, "--full-refresh")
        for name, columns in (("readings", "count(*) AS n, count(DISTINCT id) AS ids"), ("rooms", "sum(n)::BIGINT AS n")):
            found = self.sluice.sql(self.pipeline / "lake" / "main" / name, f"SELECT {columns} FROM {{t}}")[0][0]
            self.assertEqual(set(found.values()), {4 * (landed + 1)}, name)
            self.assert_same(self.sluice.read(self.pipeline / "lake" / "main" / name),
                             self.spark.read(self.pipeline / "lake" / "main" / name), name)
            self.assert_sound(self.pipeline / "lake" / "main" / name)

    def test_rows_that_spark_adds(self):
        self.spark.append(self.readings, [(1000, "of Spark")], ROW)
        self.assert_stops_and_heals(self.readings, 3)

    def test_rows_that_delta_rs_deletes(self):
        self.delta_rs.delete(self.readings, "id < 5")
        self.assert_stops_and_heals(self.readings, 3)

    def test_files_that_spark_joins(self):
        self.spark.optimize(self.readings)
        self.assertIn("OPTIMIZE", (self.readings / "_delta_log" / f"{3:020}.json").read_text(encoding="utf-8"))
        self.assert_stops_and_heals(self.readings, 3)

    def test_rows_of_a_view_that_spark_changes(self):
        rooms = self.pipeline / "lake" / "main" / "rooms"
        self.spark.update(rooms, {"n": "n + 1"}, "room = 'room 1'")
        self.assert_stops_and_heals(rooms, 3)
