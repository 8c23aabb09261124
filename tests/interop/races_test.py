"""Many writers on one table at once: nothing is lost, nothing is there twice, and who comes too late is told.

Each writer adds rows of its own, which touches nothing that others do, counts one counter up that all share, and deletes
rows of its own from a file that all share, and merges a row that is there in that file and a new one. The table must hold what the
statements that succeeded make of it, each row once; and what failed must say that it is a conflict. Each success is one version.
"""

import threading

from engines import Refused, newest_version
from suite import InteropTest

KIND = ("struct", (("id", "long"), ("writer", "integer"), ("n", "long"), ("part", "string")))
COUNTER = -1
MERGED = 1000  # what a merge puts in the place of a row's n
# How each says that another writer was first.
CONFLICTS = {
    "sluice": ("SLU4106",),
    "delta-rs": ("CommitFailedError", "conflict", "Transaction failed", "commit failed"),
    "Spark": ("ConcurrentModificationException", "DELTA_CONCURRENT", "concurrent"),
}
ROUNDS = 4


def row(writer, n, use, part, value=None):
    """The row of a writer's n-th round for one of its statements, 0 to 3."""
    return writer * 1000 + n * 10 + use, writer, n if value is None else value, part


def appended(writer, n):
    return row(writer, n, 0, "rows")


def to_delete(writer, n):
    return row(writer, n, 1, "shared")


def to_merge(writer, n):
    return row(writer, n, 2, "shared")


def merged(writer, n):
    """The rows that a merge leaves: one in the place of to_merge(), and a new one."""
    return [row(writer, n, 2, "shared", MERGED), row(writer, n, 3, "rows")]


class Writer(threading.Thread):
    """Does its statements, one after the other, and counts."""

    def __init__(self, engine, folder, number, start, rounds=ROUNDS):
        super().__init__()
        self.engine = engine
        self.folder = folder
        self.number = number
        self.go = start
        self.rounds = rounds
        self.added = []    # rounds whose statement succeeded
        self.deleted = []
        self.merged = []
        self.counted = 0
        self.conflicts = []
        self.errors = []

    def run(self):
        self.go.wait()
        for n in range(self.rounds):
            if self.attempt(lambda: self.engine.append(self.folder, [appended(self.number, n)], KIND)):
                self.added.append(n)
            if self.attempt(lambda: self.engine.update(self.folder, {"n": "n + 1"}, f"writer = {COUNTER} AND part = 'counter'")):
                self.counted += 1
            if self.attempt(lambda: self.engine.delete(self.folder, f"id = {to_delete(self.number, n)[0]} AND part = 'shared'")):
                self.deleted.append(n)
            if self.attempt(lambda: self.engine.merge(self.folder, merged(self.number, n), KIND)):
                self.merged.append(n)

    def rows(self):
        """What the table must hold of this writer's rows."""
        rows = [appended(self.number, n) for n in self.added]
        rows += [to_delete(self.number, n) for n in range(self.rounds) if n not in self.deleted]
        for n in range(self.rounds):
            rows += merged(self.number, n) if n in self.merged else [to_merge(self.number, n)]
        return rows

    def success_count(self):
        return len(self.added) + self.counted + len(self.deleted) + len(self.merged)

    def attempt(self, statement):
        try:
            statement()
            return True
        except Refused as refusal:
            told = any(words in str(refusal) for words in CONFLICTS[self.engine.name])
            (self.conflicts if told else self.errors).append(str(refusal))
        except Exception as error:  # a thread must not die in silence
            self.errors.append(repr(error))
        return False


class RacesTest(InteropTest):
    def race(self, engines, rounds=ROUNDS, deletion_vectors=False):
        """One writer for each entry of `engines`, all at once."""
        folder = self.base / "raced"
        self.sluice.create(folder, [(COUNTER, COUNTER, 0, "counter")], KIND, "part")
        if deletion_vectors:
            self.sluice.set_property(folder, "delta.enableDeletionVectors", "true")
        shared = [make(number, n) for number in range(len(engines)) for n in range(rounds) for make in (to_delete, to_merge)]
        self.spark.append(folder, shared, KIND)
        version = newest_version(folder)
        start = threading.Event()
        writers = [Writer(engine, folder, number, start, rounds) for number, engine in enumerate(engines)]
        for writer in writers:
            writer.start()
        start.set()
        for writer in writers:
            writer.join()
        self.assertEqual([error for writer in writers for error in writer.errors], [])
        counted = sum(writer.counted for writer in writers)
        expected = sorted([(COUNTER, COUNTER, counted, "counter"), *(row for writer in writers for row in writer.rows())])
        for engine in (self.sluice, self.delta_rs, self.spark):
            self.assertEqual(sorted(engine.read(folder).bag.elements()), expected, engine.name)
        self.assertEqual(newest_version(folder) - version, sum(writer.success_count() for writer in writers))
        self.assert_sound(folder)
        return writers

    def test_two_processes_of_sluice(self):
        writers = self.race([self.sluice] * 2)
        self.assertEqual(sum(len(writer.added) for writer in writers), 2 * ROUNDS, "rows that nobody else touches were refused")

    def test_eight_processes_of_sluice(self):
        writers = self.race([self.sluice] * 8, rounds=2)
        self.assertEqual(sum(len(writer.added) for writer in writers), 8 * 2, "rows that nobody else touches were refused")

    def test_eight_processes_of_sluice_with_deletion_vectors(self):
        self.race([self.sluice] * 8, rounds=3, deletion_vectors=True)
        self.assertTrue(list((self.base / "raced").glob("**/deletion_vector_*.bin")))

    def test_sluice_against_delta_rs(self):
        self.race([self.sluice, self.delta_rs] * 2)

    def test_sluice_against_spark(self):
        self.race([self.sluice, self.spark] * 2)

    def test_eight_writers_of_the_three_engines(self):
        self.race([self.sluice, self.delta_rs, self.sluice, self.spark] * 2, rounds=2)
