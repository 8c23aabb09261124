#!/usr/bin/env python3
"""`sluice run` without --once keeps watching its folder: rows of files that land appear, and it ends cleanly when told to.

Environment: SLUICE_BINARY. Waits for conditions, each with a deadline.
"""

import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SECONDS_MAX = 60
SQL = """
CREATE OR REFRESH STREAMING TABLE events AS
SELECT id FROM STREAM read_files('landing/*.jsonl', format => 'json', schema => 'id BIGINT');

CREATE OR REFRESH MATERIALIZED VIEW total AS SELECT count(*) AS n FROM events;

CREATE OR REFRESH MATERIALIZED VIEW price AS
SELECT sum(price) AS n FROM read_files('reference/*.jsonl', format => 'json', schema => 'price BIGINT');

CREATE OR REFRESH MATERIALIZED VIEW owed AS SELECT sum(amount)::BIGINT AS n FROM read_delta('tables/ledger');
"""


class ContinuousTest:
    def __init__(self):
        self.binary = os.environ["SLUICE_BINARY"]
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="sluice-continuous-"))
        (self.project / "sluice.yml").write_text("name: watched\n", encoding="utf-8")
        (self.project / "transformations").mkdir()
        (self.project / "transformations" / "all.sql").write_text(SQL, encoding="utf-8")
        (self.project / "landing").mkdir()
        (self.project / "reference").mkdir()
        self.set_price(1)
        self.landed = 0
        (self.project / "tables").mkdir()
        self.write_ledger("CREATE TABLE lake.ledger AS SELECT 5::BIGINT AS amount")

    def land(self, count):
        part = self.project / "part"
        part.write_text("".join(json.dumps({"id": i}) + "\n" for i in range(count)), encoding="utf-8")
        os.rename(part, self.project / "landing" / f"{self.landed}.jsonl")
        self.landed += 1

    def set_price(self, price):
        part = self.project / "part"
        part.write_text(json.dumps({"price": price}) + "\n", encoding="utf-8")
        os.rename(part, self.project / "reference" / "price.jsonl")

    def write_ledger(self, statement):
        subprocess.run([self.binary, "sql", "-C", self.project, "-c", f"ATTACH 'tables' AS lake (TYPE delta); {statement}"],
                       capture_output=True, check=True)

    def rows(self, view="total"):
        done = subprocess.run([self.binary, "sql", "-C", self.project, "--output", "csv", "-c", f"SELECT n FROM {view}"],
                              capture_output=True, text=True, check=False)
        lines = done.stdout.split()
        return int(lines[1]) if done.returncode == 0 and len(lines) == 2 else None

    def wait_for(self, process, expected, view="total"):
        deadline = time.monotonic() + SECONDS_MAX
        while self.rows(view) != expected:
            if process.poll() is not None:
                raise AssertionError(f"the run ended with exit {process.returncode}\n{process.stderr.read()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"after {SECONDS_MAX} s {view} says {self.rows(view)}, not {expected}")

    def end(self, process, sign, expected):
        process.send_signal(sign)
        _, err = process.communicate(timeout=SECONDS_MAX)
        if process.returncode != expected:
            raise AssertionError(f"signal {sign}: exit {process.returncode}, not {expected}\n{err}")

    def run_until(self, sign, exit_code, first, then):
        process = subprocess.Popen([self.binary, "run", "-C", self.project], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        try:
            self.wait_for(process, first)
            self.land(3)
            self.wait_for(process, then)
            # Twice: the second change comes when the first one's epoch has long been committed.
            for price in (then, 2 * then):
                self.set_price(price)
                self.wait_for(process, price, "price")
            self.write_ledger("INSERT INTO lake.ledger VALUES (70)")
            self.wait_for(process, 75, "owed")
            self.write_ledger("DELETE FROM lake.ledger WHERE amount = 70")
            self.wait_for(process, 5, "owed")
            self.end(process, sign, exit_code)
        finally:
            process.kill()
            process.wait()

    def fail_and_interrupt(self):
        """Stopped while it waits to try a failed epoch again, the run ends with the failure."""
        self.land(1)
        # Each attempt fails at another step, so that it is still failing when the signal comes.
        environment = dict(os.environ, SLUICE_FAILPOINTS="I1=fail,I3=fail,I4=fail,P3=fail,W7=fail")
        process = subprocess.Popen([self.binary, "run", "-C", self.project], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, env=environment)
        try:
            line = process.stderr.readline()
            while line and "warn" not in line:
                line = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=SECONDS_MAX)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 3 or "error[SLU5001]" not in err:
            raise AssertionError(f"a failing run that was interrupted: exit {process.returncode}, not 3\n{err}")

    def wait_for_note(self, lines, process, text):
        """Takes lines of stderr until one holds the text."""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no note says: {text}") from None
            if line is None:
                raise AssertionError(f"the run ended with exit {process.wait()} before a note said: {text}")
            if text in line:
                return

    def move_folders_away(self):
        """Folders that are away for a while, as a mount may be, end nothing: rows stay, and more come when they are back."""
        process = subprocess.Popen([self.binary, "run", "-C", self.project], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        lines = queue.Queue()

        def read_lines():
            for line in process.stderr:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read_lines, daemon=True).start()
        landing, reference = self.project / "landing", self.project / "reference"
        away = self.project / "away"
        try:
            rows, price = self.rows(), self.rows("price")
            self.land(1)
            self.wait_for(process, rows + 1)
            # A stream's folder: the others go on.
            os.rename(landing, away)
            self.wait_for_note(lines, process, "nothing new comes from it until it is back")
            self.set_price(price + 1)
            self.wait_for(process, price + 1, "price")
            os.rename(away, landing)
            self.wait_for_note(lines, process, "is there again")
            # Tracked files, without which a view has no answer: nothing goes on, and nothing is lost.
            os.rename(reference, away)
            self.wait_for_note(lines, process, "no epoch begins until it is back")
            self.land(2)
            deadline = time.monotonic() + 3  # longer than a file must stand still
            while time.monotonic() < deadline:
                if self.rows() != rows + 1 or process.poll() is not None:
                    raise AssertionError(f"{self.rows()} rows while tracked files were away, exit {process.poll()}")
            os.rename(away, reference)
            self.wait_for(process, rows + 3)
            if self.rows("price") != price + 1:
                raise AssertionError(f"{price + 1} became {self.rows('price')}")
            process.send_signal(signal.SIGINT)
            if process.wait(timeout=SECONDS_MAX) != 130:
                raise AssertionError(f"exit {process.returncode}, not 130")
        finally:
            process.kill()
            process.wait()

    def epochs(self):
        return sorted(path.name for path in (self.project / "lake/_sluice/epochs").glob("*.manifest.json"))

    def execute(self):
        self.land(2)
        self.run_until(signal.SIGINT, 130, 2, 5)
        before = self.epochs()
        self.run_until(signal.SIGTERM, 143, 5, 8)
        if len(self.epochs()) != len(before) + 5:
            raise AssertionError(f"one file landed, one file and one table changed twice, but the epochs went from {before} to {self.epochs()}")
        self.move_folders_away()
        self.fail_and_interrupt()
        shutil.rmtree(self.project)


if __name__ == "__main__":
    try:
        ContinuousTest().execute()
    except AssertionError as failure:
        print(failure)
        sys.exit(1)
