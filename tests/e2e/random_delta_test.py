#!/usr/bin/env python3
"""Lets two writers, deltalake and `sluice sql`, change Delta tables at random while a pipeline follows them with
read_delta, killed at a random step in every third run, and compares its tables with a model of the rows.

    random_delta_test.py [--rounds N] [--seed S]

Tables: one plain and partitioned, one with a change data feed, one with deletion vectors. Operations: append, delete, update, merge,
overwrite, overwrite of a part, compaction. Environment: SLUICE_BINARY, SLUICE_PYTHON (it has deltalake). The seed is
printed; equal seeds do the same. Exits 1 with what differs.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KILL_LABELS = ["W9", "C7", "W7", "C8", "I3", "S3", "C1", "I1", "P3", "R1"]
TABLES = {  # how deltalake makes them; sluice makes the other
    "plain": {"partition_by": ["kind"]},
    "feed": {"configuration": {"delta.enableChangeDataFeed": "true"}},
    "vectors": None,
}
KINDS = ["a", "b", "c"]
COMMAND_SECONDS_MAX = 120

VIEWS = """
CREATE TEMPORARY VIEW large_{t} AS SELECT id, kind, amount FROM read_delta('tables/{t}') WHERE amount >= 50;
CREATE MATERIALIZED VIEW copy_{t} AS SELECT * FROM read_delta('tables/{t}');
CREATE MATERIALIZED VIEW kinds_{t} AS SELECT kind, count(*) AS n, sum(amount) AS total, max(amount) AS most
FROM read_delta('tables/{t}') GROUP BY kind;
CREATE MATERIALIZED VIEW pairs_{t} AS SELECT x.id, y.amount FROM read_delta('tables/{t}') x JOIN large_{t} y ON x.id = y.id;
CREATE MATERIALIZED VIEW middle_{t} AS SELECT kind, median(amount) AS m, list(id) AS ids FROM large_{t} GROUP BY kind;
"""
FEED = """
CREATE STREAMING TABLE history AS SELECT id, kind, amount, _change_type AS what
FROM STREAM read_delta('tables/feed', readChangeFeed => true);
"""


class Writer:
    """Runs in its own interpreter, which has deltalake: reads operations as JSON lines, answers each with a line."""

    def __init__(self, project):
        self.process = subprocess.Popen(
            [os.environ["SLUICE_PYTHON"], str(HERE / "random_delta_writer.py")], cwd=project, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def do(self, **operation):
        self.process.stdin.write(json.dumps(operation) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer.strip() != "done":
            sys.exit(f"deltalake could not do {operation}: {answer}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=COMMAND_SECONDS_MAX)


class Play:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="sluice-random-delta-"))
        (self.project / "sluice.yml").write_text("name: random\n")
        (self.project / "transformations").mkdir()
        (self.project / "transformations" / "views.sql").write_text(
            "".join(VIEWS.format(t=table) for table in TABLES) + FEED)
        (self.project / "tables").mkdir()
        self.writer = Writer(self.project)
        self.rows = {table: [] for table in TABLES}
        self.done = []

    # --- changes, of a table and of the model of its rows

    def some_rows(self, count_max=20):
        return [(self.random.randrange(30), self.random.choice(KINDS), self.random.randrange(100))
                for _ in range(self.random.randrange(1, count_max))]

    def create(self):
        for table, options in TABLES.items():
            if options is None:
                self.sql(f"CREATE TABLE lake.{table} (id BIGINT, kind VARCHAR, amount BIGINT) "
                         "WITH ('delta.enableDeletionVectors' = 'true')")
                continue
            self.rows[table] = self.some_rows()
            self.writer.do(table=table, what="create", rows=self.rows[table], options=options)

    def sql(self, statement):
        self.sluice("sql", "-c", f"ATTACH 'tables' AS lake (TYPE delta); {statement}")

    def change(self, table):
        by_sql = table == "vectors" or (table == "plain" and self.random.random() < 0.5)
        what = self.random.choice(["append", "append", "delete", "update", "merge", "overwrite", "part", "compact"])
        if table == "vectors" and what in ("overwrite", "part", "compact"):
            what = "delete"  # the others are deltalake's, which writes no deletion vectors
        self.done.append((table, what, "sluice" if by_sql else "deltalake"))
        getattr(self, what)(table, by_sql)

    def append(self, table, by_sql):
        new = self.some_rows()
        self.rows[table] += new
        if by_sql:
            self.sql(f"INSERT INTO lake.{table} VALUES {', '.join(map(str, new))}")
        else:
            self.writer.do(table=table, what="append", rows=new)

    def delete(self, table, by_sql):
        divisor = self.random.randrange(2, 8)
        self.rows[table] = [row for row in self.rows[table] if row[0] % divisor != 0]
        condition = f"id % {divisor} = 0"
        if by_sql:
            self.sql(f"DELETE FROM lake.{table} WHERE {condition}")
        else:
            self.writer.do(table=table, what="delete", condition=condition)

    def update(self, table, by_sql):
        low, plus = self.random.randrange(100), self.random.randrange(2)
        self.rows[table] = [(i, k, a + plus) if a >= low else (i, k, a) for i, k, a in self.rows[table]]
        if by_sql:
            self.sql(f"UPDATE lake.{table} SET amount = amount + {plus} WHERE amount >= {low}")
        else:
            self.writer.do(table=table, what="update", condition=f"amount >= {low}", amount=f"amount + {plus}")

    def merge(self, table, by_sql):
        source = {i: (i, k, a) for i, k, a in self.some_rows()}
        there = {row[0] for row in self.rows[table]}
        self.rows[table] = [source.get(row[0], row) for row in self.rows[table]]
        self.rows[table] += [row for i, row in source.items() if i not in there]
        if by_sql:
            self.sql(f"MERGE INTO lake.{table} t USING (VALUES {', '.join(map(str, source.values()))}) s(id, kind, amount) "
                     "ON t.id = s.id WHEN MATCHED THEN UPDATE SET kind = s.kind, amount = s.amount "
                     "WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.kind, s.amount)")
        else:
            self.writer.do(table=table, what="merge", rows=list(source.values()))

    def overwrite(self, table, _):
        kept = [row for row in self.rows[table] if self.random.random() < 0.7]
        self.rows[table] = kept + self.some_rows(4)
        self.writer.do(table=table, what="overwrite", rows=self.rows[table])

    def part(self, table, _):
        kind = self.random.choice(KINDS)
        new = [(i, kind, a) for i, _, a in self.some_rows()]
        self.rows[table] = [row for row in self.rows[table] if row[1] != kind] + new
        self.writer.do(table=table, what="overwrite", rows=new, predicate=f"kind = '{kind}'")

    def compact(self, table, _):
        self.writer.do(table=table, what="compact")

    # --- the pipeline

    def sluice(self, *arguments, failpoints="", expected=(0,)):
        done = subprocess.run([os.environ["SLUICE_BINARY"], *arguments], cwd=self.project,
                              env=dict(os.environ, NO_COLOR="1", SLUICE_FAILPOINTS=failpoints), capture_output=True,
                              text=True, timeout=COMMAND_SECONDS_MAX)
        if done.returncode not in expected:
            raise AssertionError(f"sluice {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
        return done

    def run_pipeline(self):
        if self.random.random() < 0.34:
            self.sluice("run", "--once", failpoints=f"{self.random.choice(KILL_LABELS)}=kill", expected=(0, -9))
        done = self.sluice("run", "--once")
        if "read anew" in done.stderr:
            raise AssertionError(f"changes could not be had:\n{done.stderr}")

    def check(self):
        names = [f"{view}_{table}" for table in TABLES for view in ("copy", "kinds", "pairs", "middle")] + ["history"]
        done = self.sluice("sql", "--output", "json", "-c", ";".join(f'FROM "{name}"' for name in names))
        answers, text = [], done.stdout.lstrip()
        while text:
            records, end = json.JSONDecoder().raw_decode(text)
            answers.append(records)
            text = text[end:].lstrip()
        found = dict(zip(names, answers))
        for table, rows in self.rows.items():
            for view, expected in self.expected(rows).items():
                self.compare(f"{view}_{table}", expected, found[f"{view}_{table}"])
        net = collections.Counter()
        for record in found["history"]:
            row = (record["id"], record["kind"], record["amount"])
            net[row] += 1 if record["what"] in ("insert", "update_postimage") else -1
        self.compare("history, summed", self.rows["feed"],
                     [dict(zip("ika", row)) for row, count in net.items() for _ in range(count)])
        if min(net.values(), default=0) < 0:
            raise AssertionError("history takes back more than it gave")

    @staticmethod
    def expected(rows):
        large = [row for row in rows if row[2] >= 50]
        kinds, middle = [], []
        for kind in KINDS:
            amounts = [a for _, k, a in rows if k == kind]
            if amounts:
                kinds.append((kind, len(amounts), sum(amounts), max(amounts)))
            chosen = sorted((i, a) for i, k, a in large if k == kind)
            if chosen:
                ordered = sorted(a for _, a in chosen)
                half = len(ordered) // 2
                median = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
                middle.append((kind, float(median), [i for i, _ in chosen]))
        pairs = [(x[0], y[2]) for x in rows for y in large if x[0] == y[0]]
        return {"copy": rows, "kinds": kinds, "pairs": pairs, "middle": middle}

    @staticmethod
    def compare(name, expected, records):
        want = collections.Counter(repr(tuple(row)) for row in expected)
        have = collections.Counter(repr(tuple(record.values())) for record in records)
        if want != have:
            raise AssertionError(f"{name}: missing {list((want - have).elements())[:5]}, "
                                 f"extra {list((have - want).elements())[:5]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SLUICE_SEED", "1")))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    play = Play(arguments.seed)
    try:
        play.create()
        for _ in range(arguments.rounds):
            play.run_pipeline()
            play.check()
            for table in TABLES:
                for _ in range(play.random.randrange(4)):
                    play.change(table)
        play.run_pipeline()
        play.check()
    except AssertionError as error:
        print(f"{error}\nlast changes: {play.done[-10:]}\nproject kept in {play.project}")
        return 1
    play.writer.close()
    print(f"{len(play.done)} changes by {len(set(play.done))} kinds of operation")
    shutil.rmtree(play.project)
    return 0


if __name__ == "__main__":
    sys.exit(main())
