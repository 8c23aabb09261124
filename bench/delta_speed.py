"""What Delta tables cost, ours beside DuckDB and delta-rs on the same rows, in one run: a Markdown table on stdout.

    .deps/venv/bin/python bench/delta_speed.py BIN [--work FOLDER] [commits|scans|appends|merges …]

BIN holds `sluice` and `delta_speed` of the release preset. Each side runs in processes of its own, ROUNDS times in turn; the
best is taken. CPU time (user and system) and peak resident memory are those of the whole process.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROUNDS = 5
SCAN_ROWS = 10_000_000
BIDS = 4_000_000
MERGE_ROWS = 5_000_000
MERGE_KEYS = 1_000
COMMITS = 200
SCANS_EACH = 5  # kScans of delta_speed.cc
PARTS = ["commits", "scans", "appends", "merges"]

SCAN = "SELECT count(*), sum(v), max(name) FROM t WHERE k < 500000 AND v % 3 = 0"
GROUPED = "SELECT count(*), max(n) FROM (SELECT k % 1000 AS g, count(*) AS n, sum(v) AS s FROM t WHERE v % 3 = 0 GROUP BY g)"

DELTA_RS_START = "import deltalake"

DELTA_RS_MERGE = """
import sys
from deltalake import DeltaTable, QueryBuilder
table = DeltaTable(sys.argv[1])
source = QueryBuilder().register("s", DeltaTable(sys.argv[2])).execute("SELECT * FROM s").read_all()
done = (table.merge(source=source, predicate="t.k = s.k", source_alias="s", target_alias="t")
        .when_matched_update({"v": "s.v"}).execute())
assert done["num_target_rows_updated"] == int(sys.argv[3]), done
"""


class Used:
    """What a process that ended used: seconds, CPU seconds, peak MB; and what it printed."""

    def __init__(self, seconds: float, cpu: float, peak_mb: float, output: str) -> None:
        self.seconds, self.cpu, self.peak_mb, self.output = seconds, cpu, peak_mb, output

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.cpu:.2f} CPU-s, {self.peak_mb:.0f} MB"


def run(*command: str) -> Used:
    with tempfile.TemporaryFile("w+") as output:
        start = datetime.datetime.now()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = (datetime.datetime.now() - start).total_seconds()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"failed with {process.returncode}: {' '.join(command)}")
        output.seek(0)
        return Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read())


def cheapest(runs: list[Used]) -> Used:
    return min(runs, key=lambda used: used.cpu)


class Bench:
    def __init__(self, binaries: pathlib.Path, work: pathlib.Path) -> None:
        self.sluice = str(binaries / "sluice")
        self.delta_speed = str(binaries / "delta_speed")
        self.work = work

    def sql(self, text: str) -> Used:
        return run(self.sluice, "sql", "-q", "--output", "csv", "-c", f"ATTACH '{self.work}/lake' AS lake (TYPE delta); {text}")

    def in_process(self, *arguments: str) -> tuple[dict, Used]:
        used = run(self.delta_speed, *arguments)
        return json.loads(used.output), used

    def commits(self) -> None:
        figures, used = self.in_process("commits", f"{self.work}/commits", str(COMMITS))
        row(f"commit of a file of 100 rows, fsync on, {COMMITS} times",
            f"p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms; {used.cpu / COMMITS * 1e3:.1f} CPU-ms each, "
            f"{used.peak_mb:.0f} MB", "–", "–", "p50 ≤ 60 ms")

    def scans(self) -> None:
        self.sql(f"CREATE OR REPLACE TABLE lake.facts AS SELECT (hash(i) % 1000000)::BIGINT AS k, i AS v, "
                 f"'name-' || hash(i) % 5000 AS name, (i % 1000) / 8.0::DOUBLE AS x FROM range({SCAN_ROWS}) r(i)")
        for title, query in (("filter and aggregate", SCAN), ("filter and grouped aggregate", GROUPED)):
            ours, bare = [], []
            for _ in range(ROUNDS):
                ours.append(self.in_process("scan", f"{self.work}/lake/facts", query))
                bare.append(self.in_process("scan-bare", f"{self.work}/lake/facts", query))
            if ours[0][0]["answer"] != bare[0][0]["answer"]:
                sys.exit(f"different answers: {ours[0][0]} and {bare[0][0]}")
            ours_best, bare_best = (min(runs, key=lambda one: one[0]["seconds"]) for runs in (ours, bare))
            text = [f"{figures['seconds'] * 1e3:.0f} ms; {used.cpu / SCANS_EACH * 1e3:.0f} CPU-ms, {used.peak_mb:.0f} MB"
                    for figures, used in (ours_best, bare_best)]
            row(f"{title}, {SCAN_ROWS:,} rows", text[0], f"DuckDB, bare Parquet: {text[1]}",
                f"{bare_best[0]['seconds'] / ours_best[0]['seconds']:.2f} (CPU {bare_best[1].cpu / ours_best[1].cpu:.2f})", "≥ 0.9")

    def appends(self) -> None:
        ours, zstd, snappy = [], [], []
        for _ in range(ROUNDS):
            ours.append(self.in_process("append", f"{self.work}/bids", str(BIDS)))
            zstd.append(self.in_process("copy", f"{self.work}/copy", str(BIDS), "zstd"))
            snappy.append(self.in_process("copy", f"{self.work}/copy", str(BIDS), "snappy"))
        best = [max(runs, key=lambda one: one[0]["rows_per_cpu_second"]) for runs in (ours, zstd, snappy)]
        text = [f"{figures['rows_per_cpu_second'] / 1e6:.2f} M rows/CPU-s, {figures['seconds']:.2f} s; {used.peak_mb:.0f} MB"
                for figures, used in best]
        rates = [figures["rows_per_cpu_second"] for figures, _ in best]
        title = f"append of {BIDS:,} bids (DataChunks in memory), one thread"
        row(title, text[0], f"DuckDB's COPY, zstd as ours: {text[1]}", f"{rates[0] / rates[1]:.2f}", "≥ 0.9, ≥ 1.4 M rows/CPU-s")
        row("", "", f"DuckDB's COPY, its default Snappy: {text[2]}", f"{rates[0] / rates[2]:.2f}", "–")

    def merges(self) -> None:
        self.sql(
            f"CREATE OR REPLACE TABLE lake.marked WITH ('delta.enableDeletionVectors' = 'true') AS "
            f"SELECT i AS k, i * 7 % 1000003 AS v, 'name-' || hash(i) % 5000 AS name, md5(i::VARCHAR) AS note, "
            f"TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i) AS at FROM range({MERGE_ROWS}) r(i);"
            f"CREATE OR REPLACE TABLE lake.plain WITH ('delta.enableDeletionVectors' = 'false') AS FROM lake.marked;"
            f"CREATE OR REPLACE TABLE lake.changes AS SELECT DISTINCT (hash(i + 7) % {MERGE_ROWS})::BIGINT AS k, i AS v "
            f"FROM range({MERGE_KEYS}) r(i)")
        keys = self.sql("FROM (SELECT count(DISTINCT k) AS n FROM lake.changes)")
        count = keys.output.split()[-1]
        merge = "MERGE INTO lake.{} AS t USING lake.changes AS s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v"
        marked, plain, delta_rs, start = [], [], [], []
        for round_number in range(ROUNDS):
            target = f"{self.work}/delta-rs-{round_number}"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(f"{self.work}/lake/plain", target)
            marked.append(self.sql(merge.format("marked")))
            plain.append(self.sql(merge.format("plain")))
            delta_rs.append(run(sys.executable, "-c", DELTA_RS_MERGE, target, f"{self.work}/lake/changes", count))
            start.append(run(sys.executable, "-c", DELTA_RS_START))
            shutil.rmtree(target)
        theirs, begun = cheapest(delta_rs), cheapest(start)
        for title, runs in (("deletion vectors", marked), ("files written anew", plain)):
            ours = cheapest(runs)
            row(f"MERGE of {MERGE_KEYS:,} random keys into {MERGE_ROWS:,} rows, {title}", str(ours),
                f"delta-rs: {theirs} (of which Python's start {begun})",
                f"CPU {theirs.cpu / ours.cpu:.1f}, peak {theirs.peak_mb / ours.peak_mb:.1f}",
                "≥ 5 of both" if runs is marked else "–")


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench/delta_speed"))
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    (options.work / "lake").mkdir(parents=True)
    bench = Bench(options.binaries.resolve(), options.work.resolve())
    row("what", "sluice", "beside it", "ratio (theirs / ours)", "bar")
    row("---", "---", "---", "---", "---")
    for part in options.parts or PARTS:
        getattr(bench, part)()


main()
