#!/usr/bin/env python3
"""Kills the sluice binary (environment SLUICE_BINARY) again and again and compares the outcome with an undisturbed run.

    crash_test.py [--kills N] [--seed S]

A project like the earthquakes example runs while files land; each run is killed (SIGKILL) at a random moment or at a random
fail point, then started again. After every kill: the logs of all tables have no gap, every log file is whole, and no epoch
is in a table twice. At the end, once a run was let through: every table holds what one undisturbed run over the same files
gives, and each line that landed counts exactly once. The seed is printed; equal seeds give equal files and choices, though
moments of time never repeat exactly. Exits 0 if all is well; else the project is kept.
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
import time

FAIL_POINTS = ["I1", "I3", "I4", "W7", "W9", "C1", "C7", "C8", "S3"]
FAIL_POINT_SHARE = 0.3        # of the kills; the others come at a random moment
LINES_PER_FILE = (1, 12)
ATTEMPTS_PER_KILL_MAX = 5     # a run may end before its kill
RUN_SECONDS_MAX = 120

# What the example does not have: a view that is recomputed, outer joins, a file that is read without STREAM.
MORE_SQL = """
CREATE OR REFRESH MATERIALIZED VIEW net_names AS
SELECT net, name FROM read_files('reference/*.jsonl', format => 'json', schema => 'net VARCHAR, name VARCHAR');

CREATE OR REFRESH MATERIALIZED VIEW named_stats AS
SELECT s.net, n.name, s.quakes FROM network_stats AS s LEFT JOIN net_names AS n ON s.net = n.net;

CREATE OR REFRESH MATERIALIZED VIEW middle AS
SELECT net, median(mag) AS mag FROM latest_revision GROUP BY net;

CREATE OR REFRESH MATERIALIZED VIEW gaps AS
SELECT id, net, time - lag(time) OVER (PARTITION BY net ORDER BY time, id) AS gap FROM quakes WHERE net = 'us';

CREATE OR REFRESH MATERIALIZED VIEW types AS
SELECT type, count(DISTINCT net) AS nets, min(mag) AS low FROM latest_revision GROUP BY type;
"""


class Broken(Exception):
    pass


class CrashTest:
    def __init__(self, seed):
        self.seed = seed
        self.random = random.Random(seed)
        self.binary = os.environ["SLUICE_BINARY"]
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="sluice-crash-"))
        self.project = self.base / "killed"
        self.lines_landed = 0
        self.broken_landed = 0
        self.files_landed = 0
        self.kills = collections.Counter()

    # --- project and input

    def make_project(self, folder):
        self.sluice(["init", "--template", "earthquakes", str(folder)])
        (folder / "transformations" / "more.sql").write_text(MORE_SQL, encoding="utf-8")
        (folder / "reference").mkdir()
        shutil.rmtree(folder / "landing")
        (folder / "landing").mkdir()

    def load_input(self):
        """Returns the example's lines as files to land, some of them damaged, some with members that change their type."""
        lines = []
        for path in sorted((self.project / "data").glob("*.jsonl")):
            lines += path.read_text(encoding="utf-8").splitlines()
        files = []
        while lines:
            count = min(len(lines), self.random.randint(*LINES_PER_FILE))
            chunk, lines = lines[:count], lines[count:]
            files.append([self.disturbed(line, len(files)) for line in chunk])
        return files

    def disturbed(self, line, file_number):
        choice = self.random.random()
        if choice < 0.02:
            return line[:len(line) // 2].rstrip("}")
        event = json.loads(line)
        if choice < 0.25:  # a later revision, so that latest_revision takes the earlier one back
            event["properties"]["updated"] += self.random.randint(1, 10**9)
            event["id"] = "us" + str(self.random.randint(1, 60))
        if file_number > 20 and choice < 0.5:
            event["note"] = self.random.choice([1, 2, 3] if file_number < 60 else [1, 2.5] if file_number < 100 else [1, "x"])
        return json.dumps(event)

    def land(self, file):
        name = f"{self.files_landed:05}.jsonl"
        self.files_landed += 1
        self.broken_landed += sum(1 for line in file if not line.endswith("}"))
        self.lines_landed += len(file)
        part = self.base / name
        part.write_text("".join(line + "\n" for line in file), encoding="utf-8")
        os.rename(part, self.project / "landing" / name)

    def rewrite_reference(self):
        nets = self.random.sample(["ak", "ci", "nc", "us", "uw", "hv", "nn"], 4)
        part = self.base / "reference.part"
        part.write_text("".join(json.dumps({"net": net, "name": f"net {net} {self.random.randint(1, 3)}"}) + "\n" for net in nets),
                        encoding="utf-8")
        os.rename(part, self.project / "reference" / "nets.jsonl")

    # --- runs

    def sluice(self, arguments, expected=0):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
        if done.returncode != expected:
            raise Broken(f"sluice {' '.join(arguments)}: exit {done.returncode}, not {expected}\n{done.stdout}{done.stderr}")
        return done

    def run_through(self, folder):
        """Returns how long it took, in seconds."""
        began = time.monotonic()
        self.sluice(["run", "--once", "-C", str(folder)])
        return time.monotonic() - began

    def run_and_kill(self, seconds_usual):
        """Starts a run and kills it. Returns whether it was killed before it ended."""
        environment = dict(os.environ)
        label = ""
        if self.random.random() < FAIL_POINT_SHARE:
            label = self.random.choice(FAIL_POINTS)
            environment["SLUICE_FAILPOINTS"] = f"{label}=kill@{self.random.randint(1, 3)}"
        delay = self.random.uniform(0, seconds_usual)
        process = subprocess.Popen([self.binary, "run", "--once", "-C", str(self.project)], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=RUN_SECONDS_MAX if label else delay)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        if process.returncode == -9:
            self.kills[label or "moment"] += 1
            return True
        if process.returncode != 0:
            raise Broken(f"a run after a kill ended with exit {process.returncode}\n{out}{err}")
        return False

    # --- checks

    def check_logs(self):
        for log in sorted((self.project / "lake").glob("*/*/_delta_log")):
            names = sorted(path.name for path in log.iterdir() if len(path.name) == 25 and path.name.endswith(".json"))
            versions = [int(name[:20]) for name in names]
            if versions != list(range(len(versions))):
                raise Broken(f"{log}: versions {versions} have a gap")
            newest = {}
            for name in names:
                text = (log / name).read_text(encoding="utf-8")
                try:
                    actions = [json.loads(line) for line in text.splitlines()]
                except ValueError as error:
                    raise Broken(f"{log / name} is not whole: {error}") from error
                for action in actions:
                    txn = action.get("txn")
                    if txn is None:
                        continue
                    if txn["version"] <= newest.get(txn["appId"], -1):
                        raise Broken(f"{log / name}: epoch {txn['version']} of {txn['appId']} is there already")
                    newest[txn["appId"]] = txn["version"]

    def rows(self, folder, query):
        done = self.sluice(["sql", "-C", str(folder), "--output", "ndjson", "-c", query])
        return collections.Counter(done.stdout.splitlines())

    def check_outcome(self):
        reference = self.base / "undisturbed"
        self.make_project(reference)
        for folder in ("landing", "reference"):
            shutil.copytree(self.project / folder, reference / folder, dirs_exist_ok=True)
        self.run_through(reference)
        count = self.rows(self.project, "SELECT count(*) AS n FROM quakes_raw")
        expected = self.lines_landed - self.broken_landed
        if count != collections.Counter([json.dumps({"n": expected}, separators=(",", ":"))]):
            raise Broken(f"{expected} whole lines landed, but quakes_raw has {list(count)}")
        queries = {table.name: f'SELECT * FROM "{table.name}"' for table in sorted((reference / "lake/main").iterdir())}
        queries["dead letters"] = "SELECT * EXCLUDE (epoch) FROM sluice.dead_letters"
        queries["quality"] = ("SELECT dataset, expectation, action, sum(passed) AS passed, sum(failed) AS failed"
                              " FROM sluice.quality GROUP BY ALL")
        for name, query in queries.items():
            killed, undisturbed = self.rows(self.project, query), self.rows(reference, query)
            if killed != undisturbed:
                raise Broken(f"{name} differs from an undisturbed run:\n  only here:  {list((killed - undisturbed).items())[:5]}\n"
                             f"  only there: {list((undisturbed - killed).items())[:5]}")
        return sorted(queries)

    # --- the test

    def execute(self, kill_count):
        self.make_project(self.project)
        files = self.load_input()
        self.rewrite_reference()
        self.land(files.pop(0))
        seconds_usual = self.run_through(self.project)
        attempts = 0
        while self.kills.total() < kill_count:
            attempts += 1
            if attempts > kill_count * ATTEMPTS_PER_KILL_MAX:
                raise Broken(f"only {self.kills.total()} of {attempts} runs could be killed in time")
            remaining_kills = kill_count - self.kills.total()
            for _ in range(min(len(files), self.random.choice([0, 1, 1, 2 * len(files) // remaining_kills + 1]))):
                self.land(files.pop(0))
            if self.random.random() < 0.1:
                self.rewrite_reference()
            self.run_and_kill(seconds_usual)
            self.check_logs()
        for file in files:
            self.land(file)
        if kill_count >= 20 and self.kills["moment"] == self.kills.total():
            raise Broken("no run was killed at a fail point")
        self.run_through(self.project)
        self.check_logs()
        left = [path for path in (self.project / "lake").rglob("*") if path.name.startswith(".sluice-tmp")]
        if left:
            raise Broken(f"half-written files of killed runs are still there: {left[:5]}")
        return self.check_outcome()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    test = CrashTest(seed)
    try:
        tables = test.execute(arguments.kills)
    except Broken as broken:
        print(f"{broken}\nagain: crash_test.py --kills {arguments.kills} --seed {seed}; projects kept in {test.base}")
        return 1
    shutil.rmtree(test.base)
    print(f"{test.kills.total()} kills ({dict(sorted(test.kills.items()))}), {test.files_landed} files,"
          f" {test.lines_landed} lines; {len(tables)} tables the same: {', '.join(tables)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
