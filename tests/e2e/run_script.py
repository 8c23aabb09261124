#!/usr/bin/env python3
"""Runs one end-to-end script against the sluice binary (environment SLUICE_BINARY). What it only looks at, the plans of
datasets and the rows of tables, it asks SLUICE_READER for, if set: the same program without sanitizers answers sooner.

    run_script.py SCRIPT plain|kill|fold

A script is sections that begin with "=== ":

    === title TEXT                what it shows
    === modes plain,kill [WHY]    which modes make sense (default: all three), and why not the others
  input (PATH is relative to the project, which begins with a sluice.yml that holds only a name)
    === file PATH                 the following lines become the file
    === bytes PATH                as file, but the lines are Python string literals with escapes, joined
    === filler COUNT PATH         as file, with <filler> in the lines replaced by COUNT times "x"
    === append PATH               the following lines go to the end of the file
    === folder PATH               an empty folder
    === remove PATH               a file, or a folder with all that is in it
    === python                    the following lines run as Python in the project folder, where another Delta
                                  implementation (`import deltalake`) can be had, and rows for it
                                  (`from arrow_rows import rows`); they must not fail
  commands
    === run [exit=N] [ARG ...]    `sluice run --once ARG ...`
    === sluice [exit=N] ARG ...   any other verb; quoted as in a shell
    === env NAME=VALUE            for all commands that follow
    === kill LABEL[@N] [ARG ...]  `sluice run --once ARG ...`, killed at the fail point (the Nth time); it must come to that
    === stop LABEL [ARG ...]      begins `sluice run --once ARG ...` and goes on once it stands still at the fail point
    === interrupt                 Ctrl-C for the run that stands still, which it gets when it goes on
    === resume [exit=N]           lets it go on, and waits until it ends
  the machine (needs the right to mount; without it the test is skipped, exit 77)
    === disk SIZE                 storage is a file system of its own, of SIZE bytes; first, before any input
    === fill-disk, === free-disk  takes all the space that is left, and gives it back
    === read-only, === writable
  expectations
    === stderr TEXT               the last command's stderr holds TEXT
    === no-stderr TEXT
    === stdout TEXT
    === absent PATH               nothing is there
    === no-table NAME             there is no Delta table of this name
    === commits NAME[,NAME ...]   the last run committed to exactly these tables of the schema (none: to no table)
    === unlike-batch NAME WHY     do not compare the view with DuckDB's batch answer
    === incremental NAME          explain says that changes are enough to maintain the dataset
    === recomputed NAME           explain says that it is computed anew, and why
    === query SQL                 the following lines are the rows, cells separated by |, in any order

plain: as written. kill: every run is first killed (SIGKILL) at a labelled step of the epoch, another one each time, then
run again. fold: all files land first and one run takes them all; only what follows the last run is checked.
After every run that ends well, each materialized view is compared with DuckDB's batch answer to its own query over the
Delta tables, and `sluice verify` must find nothing. Exits 0 if all is as expected, else 1 with what differs.
"""

import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib

KILL_LABELS = ["W9", "C7", "W7", "C8", "I3", "S3", "C1", "I1", "I4", "P3", "R1"]
EVERY_EPOCH_HITS = {"W9", "W7", "C8", "I3", "S3", "I1", "P3", "R1"}  # the others need input or a table that changes
RAN_AN_EPOCH = re.compile(r"^epoch \d+ in ", re.MULTILINE)
COMMAND_SECONDS_MAX = 120
EXIT_SKIPPED = 77
FILL_NAME = ".fills-the-disk"


class Mismatch(Exception):
    pass


def parse(path):
    """Returns the sections as (line number, keyword, argument, body lines)."""
    sections = []
    with open(path, encoding="utf-8") as script:
        for number, line in enumerate(script.read().split("\n"), 1):
            if line.startswith("=== "):
                keyword, _, argument = line[4:].partition(" ")
                sections.append((number, keyword, argument.strip(), []))
            elif sections:
                sections[-1][3].append(line)
            elif line.strip() and not line.startswith("#"):
                raise Mismatch(f"{path}:{number}: text before the first section")
    return sections


def body_text(body):
    """A section's lines without the blank ones that separate it from the next."""
    lines = list(body)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def cell(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def same_cell(left, right):
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, float) or isinstance(right, float):
        # DuckDB's own batch sums of floats depend on the order of rows in their last digits; ours do not.
        return isinstance(left, (int, float)) and isinstance(right, (int, float)) and (
            left == right or math.isclose(left, right, rel_tol=1e-9))
    return left == right


def sort_key(row):
    return [(value is None, f"{value:.9g}" if isinstance(value, float) else cell(value)) for value in row]


def enter_mount_namespace():
    """Starts this test anew where it may mount. Returns only if it already stands there."""
    if os.environ.get("SLUICE_E2E_MOUNTS") == "yes":
        return
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True).returncode != 0:
        print("skipped: this machine does not let the test mount a file system")
        sys.exit(EXIT_SKIPPED)
    os.environ["SLUICE_E2E_MOUNTS"] = "yes"
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


class Script:
    def __init__(self, path, mode):
        self.path = path
        self.mode = mode
        self.sections = parse(path)
        self.binary = os.environ["SLUICE_BINARY"]
        self.reader = os.environ.get("SLUICE_READER", self.binary)
        if any(keyword == "disk" for _, keyword, _, _ in self.sections):
            enter_mount_namespace()
        self.project = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.kills = zlib.crc32(os.path.basename(path).encode())  # so that scripts begin at different labels
        self.last = None
        self.stopped = None
        self.environment = dict(os.environ, NO_COLOR="1")
        self.versions_before = {}
        self.unlike_batch = {argument.split()[0] for _, keyword, argument, _ in self.sections if keyword == "unlike-batch"}
        with open(os.path.join(self.project, "sluice.yml"), "w", encoding="utf-8") as spec:
            spec.write("name: script\n")

    def mount(self, *arguments):
        subprocess.run(["mount", *arguments, self.inside("lake")], check=True, capture_output=True)

    def unmount(self):
        if os.path.ismount(self.inside("lake")):
            subprocess.run(["umount", self.inside("lake")], check=True, capture_output=True)

    def inside(self, name):
        return os.path.join(self.project, name)

    def fail(self, number, what):
        raise Mismatch(f"{self.path}:{number} ({self.mode}): {what}")

    def sluice(self, arguments, failpoints="", binary=None):
        environment = dict(self.environment, SLUICE_FAILPOINTS=failpoints)
        return subprocess.run([binary or self.binary, *arguments], cwd=self.project, env=environment, capture_output=True, text=True,
                              encoding="utf-8", errors="replace", timeout=COMMAND_SECONDS_MAX)

    def rows(self, number, *queries):
        """Returns the rows of each query over the tables. One process runs them all: starting it costs more than they do."""
        script = ";\n".join(queries)
        done = self.sluice(["sql", "--output", "json", "-c", script], binary=self.reader)
        if done.returncode != 0:
            self.fail(number, f"query failed ({done.returncode}): {script}\n{done.stderr}")
        answers, text = [], done.stdout.lstrip()
        while text:
            records, end = json.JSONDecoder().raw_decode(text)
            answers.append([list(record.values()) for record in records])
            text = text[end:].lstrip()
        if len(answers) != len(queries):
            self.fail(number, f"{len(queries)} queries gave {len(answers)} answers: {script}")
        return answers

    def run_modes(self):
        for _, keyword, argument, _ in self.sections:
            if keyword == "modes":
                return argument.split()[0].split(",")
        return ["plain", "kill", "fold"]

    def execute(self):
        runs = [i for i, section in enumerate(self.sections) if section[1] == "run"]
        for index, (number, keyword, argument, body) in enumerate(self.sections):
            skipped = self.mode == "fold" and index < runs[-1]
            if keyword in ("title", "modes", "unlike-batch"):
                continue
            if self.prepare(number, keyword, argument, body) or skipped:
                continue
            if keyword in ("run", "sluice"):
                self.command(number, keyword, shlex.split(argument))
            elif keyword == "kill":
                self.kill(number, argument.split())
            elif keyword == "stop":
                self.begin_stopped(number, argument.split())
            elif keyword == "interrupt":
                os.kill(self.stopped.pid, signal.SIGINT)
            elif keyword == "resume":
                self.resume(number, argument.split())
            elif keyword == "stderr":
                if argument not in self.last.stderr:
                    self.fail(number, f"stderr does not hold {argument!r}:\n{self.last.stderr}")
            elif keyword == "stdout":
                if argument not in self.last.stdout:
                    self.fail(number, f"stdout does not hold {argument!r}:\n{self.last.stdout}")
            elif keyword == "no-stderr":
                if argument in self.last.stderr:
                    self.fail(number, f"stderr holds {argument!r}:\n{self.last.stderr}")
            elif keyword == "absent":
                if os.path.lexists(self.inside(argument)):
                    self.fail(number, f"{argument} exists")
            elif keyword == "no-table":
                if os.path.exists(self.inside(f"lake/main/{argument}/_delta_log")):
                    self.fail(number, f"table {argument} exists")
            elif keyword == "commits":
                self.check_commits(number, argument)
            elif keyword in ("incremental", "recomputed"):
                self.check_explained(number, argument, keyword == "incremental")
            elif keyword == "query":
                self.check_query(number, argument, body_text(body))
            else:
                self.fail(number, f"unknown section '{keyword}'")
        if self.stopped is not None:
            self.fail(self.sections[-1][0], "a stopped run was not resumed")

    def prepare(self, number, keyword, argument, body):
        """Does what a section that is no command and no expectation says. Returns whether this is one."""
        if keyword in ("file", "bytes"):
            self.write(keyword, argument, body)
        elif keyword == "filler":
            count, name = argument.split(maxsplit=1)
            self.write("file", name, [line.replace("<filler>", "x" * int(count)) for line in body])
        elif keyword == "append":
            with open(self.inside(argument), "a", encoding="utf-8") as out:
                out.write("".join(line + "\n" for line in body_text(body)))
        elif keyword == "folder":
            os.makedirs(self.inside(argument))
        elif keyword == "env":
            name, value = argument.split("=", 1)
            self.environment[name] = value
        elif keyword == "remove":
            path = self.inside(argument)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
        elif keyword == "python":
            helpers = os.path.dirname(os.path.abspath(__file__))
            done = subprocess.run([os.environ["SLUICE_PYTHON"], "-c", "\n".join(body)], cwd=self.project,
                                  env=dict(os.environ, PYTHONPATH=helpers, PYTHONDONTWRITEBYTECODE="1"), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX)
            if done.returncode != 0:
                self.fail(number, f"Python failed:\n{done.stdout}{done.stderr}")
        elif keyword == "disk":
            os.makedirs(self.inside("lake"))
            self.mount("-t", "tmpfs", "-o", f"size={int(argument)}", "none")
        elif keyword == "fill-disk":
            with open(self.inside(f"lake/{FILL_NAME}"), "wb", buffering=0) as out:
                try:
                    while out.write(b"0" * 4096):
                        pass
                except OSError:
                    pass  # full, as wanted
        elif keyword == "free-disk":
            os.remove(self.inside(f"lake/{FILL_NAME}"))
        elif keyword == "read-only":
            self.mount("-o", "remount,ro")
        elif keyword == "writable":
            self.mount("-o", "remount,rw")
        else:
            return False
        return True

    def write(self, keyword, name, body):
        path = self.inside(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lines = body_text(body)
        if keyword == "bytes":
            content = b"".join(line.encode("utf-8").decode("unicode_escape").encode("latin-1") for line in lines)
        else:
            content = "".join(line + "\n" for line in lines).encode("utf-8")
        # Appears whole under its name, as files that land should.
        with open(path + ".part", "wb") as out:
            out.write(content)
        os.rename(path + ".part", path)

    @staticmethod
    def take_exit(words):
        return int(words.pop(0)[5:]) if words and words[0].startswith("exit=") else 0

    def check_exit(self, number, expected):
        if self.last.returncode != expected:
            self.fail(number, f"exit {self.last.returncode}, expected {expected}\n{self.last.stdout}{self.last.stderr}")

    def kill(self, number, words):
        label, _, count = words[0].partition("@")
        self.last = self.sluice(["run", "--once", *words[1:]], f"{label}=kill@{count or 1}")
        self.check_exit(number, -9)

    def begin_stopped(self, number, words):
        environment = dict(self.environment, SLUICE_FAILPOINTS=f"{words[0]}=stop")
        self.stopped = subprocess.Popen([self.binary, "run", "--once", *words[1:]], cwd=self.project, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _, status = os.waitpid(self.stopped.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self.stopped.returncode = os.waitstatus_to_exitcode(status)
            out, err = self.stopped.communicate()
            self.fail(number, f"ended with exit {self.stopped.returncode} before {words[0]}\n{out}{err}")

    def resume(self, number, words):
        expected = self.take_exit(words)
        os.kill(self.stopped.pid, signal.SIGCONT)
        out, err = self.stopped.communicate(timeout=COMMAND_SECONDS_MAX)
        self.last = subprocess.CompletedProcess([], self.stopped.returncode, out, err)
        self.stopped = None
        self.check_exit(number, expected)

    def versions(self):
        """Returns the newest version of each table of the schema."""
        found = {}
        root = self.inside("lake/main")
        for table in os.listdir(root) if os.path.isdir(root) else []:
            log = os.path.join(root, table, "_delta_log")
            names = os.listdir(log) if os.path.isdir(log) else []
            numbers = [int(name[:20]) for name in names if len(name) == 25 and name.endswith(".json")]
            if numbers:
                found[table] = max(numbers)
        return found

    def check_commits(self, number, argument):
        after = self.versions()
        changed = sorted(table for table in after if after[table] != self.versions_before.get(table))
        expected = sorted(name.strip() for name in argument.split(",") if name.strip())
        if changed != expected:
            self.fail(number, f"committed to {changed}, expected {expected}")

    def explained(self, number):
        done = self.sluice(["explain", "--output", "json"], binary=self.reader)
        if done.returncode != 0:
            self.fail(number, f"explain failed: {done.stderr}")
        return json.loads(done.stdout)["datasets"]

    def check_explained(self, number, name, incremental):
        dataset = next((entry for entry in self.explained(number) if entry["name"] == name), None)
        if dataset is None:
            self.fail(number, f"explain does not list {name}")
        if dataset["incremental"] != incremental:
            self.fail(number, f"{name}: incremental is {dataset['incremental']}, reasons {dataset['reasons']}")
        if not incremental and not dataset["reasons"]:
            self.fail(number, f"{name} is recomputed, and explain does not say why")

    def command(self, number, keyword, words):
        expected = self.take_exit(words)
        if keyword == "run":
            self.versions_before = self.versions()
        arguments = (["run", "--once"] if keyword == "run" else []) + words
        if keyword == "run" and self.mode == "kill":
            label = KILL_LABELS[self.kills % len(KILL_LABELS)]
            self.kills += 1
            killed = self.sluice(arguments, f"{label}=kill")
            if killed.returncode not in (-9, expected):
                self.fail(number, f"killed at {label}: exit {killed.returncode}\n{killed.stderr}")
            if killed.returncode != -9 and label in EVERY_EPOCH_HITS and RAN_AN_EPOCH.search(killed.stderr):
                self.fail(number, f"an epoch went past {label} and was not killed\n{killed.stderr}")
        self.last = self.sluice(arguments)
        self.check_exit(number, expected)
        if keyword == "run" and expected == 0:
            self.check_views(number)
            self.check_verified(number)

    def check_query(self, number, sql, lines):
        [found] = self.rows(number, sql)
        shown = sorted("|".join(cell(value) for value in row) for row in found)
        if shown != sorted(lines):
            self.fail(number, f"{sql}\n  expected: {sorted(lines)}\n  found:    {shown}")

    def check_views(self, number):
        """Compares every materialized view over datasets and Delta tables with the batch answer to its query."""
        names, queries = [], []
        for dataset in self.explained(number):
            if (dataset["kind"] != "materialized view" or len(dataset["sources"]) > len(dataset["tables"])
                    or dataset["name"] in self.unlike_batch or dataset.get("dropping_expectations")):
                continue
            tables = [f'"{table["source"]}" AS (FROM read_delta(\'{table["path"]}\'))' for table in dataset["tables"]]
            views = ", ".join(tables + [f'"{view["name"]}" AS ({view["sql"]})' for view in dataset["views"]])
            prefix = f"WITH {views} " if views else ""
            names.append(dataset["name"])
            queries += [f"{prefix}SELECT * FROM ({dataset['sql']})", f'SELECT * FROM "{dataset["name"]}"']
        answers = iter(self.rows(number, *queries) if queries else [])
        for name in names:
            expected, found = (sorted(next(answers), key=sort_key) for _ in range(2))
            if len(expected) != len(found) or not all(
                    len(a) == len(b) and all(same_cell(x, y) for x, y in zip(a, b)) for a, b in zip(expected, found)):
                missing = [row for row in expected if row not in found][:5]
                extra = [row for row in found if row not in expected][:5]
                self.fail(number, f"view {name} differs from its query: {len(found)} rows, batch {len(expected)};"
                                  f" missing {missing}, extra {extra}")

    def check_verified(self, number):
        """Has `sluice verify` look at every table: log, files, statistics."""
        done = self.sluice(["verify"], binary=self.reader)
        if done.returncode != 0 or done.stdout:
            self.fail(number, f"verify: exit {done.returncode}\n{done.stdout}{done.stderr}")


def main():
    path, mode = sys.argv[1], sys.argv[2]
    script = Script(path, mode)
    try:
        if mode not in script.run_modes():
            raise Mismatch(f"{path}: not for mode {mode}")
        script.execute()
    except Mismatch as mismatch:
        print(mismatch)
        print(f"project kept in {script.project}")
        return 1
    script.unmount()
    shutil.rmtree(script.project)
    return 0


if __name__ == "__main__":
    sys.exit(main())
