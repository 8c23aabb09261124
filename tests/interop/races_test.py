"""Many writers on one table at once: nothing is lost, nothing is there twice, and who comes too late is told.

Each writer adds rows of its own, which touches nothing that others do, counts one counter up that all share, and deletes
rows of its own from a file that all share. The table must hold each row that a statement added and none deleted, each
once; the counter must stand at as many as succeeded; and what failed must say that it is a conflict. Each success is one version.
"""

import threading

from engines import Refused, newest_version
from suite import InteropTest

KIND = ("struct", (("writer", "integer"), ("n", "long"), ("part", "string")))
COUNTER = -1
# How each says that another writer was first.
CONFLICTS = {
    "sluice": ("SLU4106",),
    "delta-rs": ("CommitFailedError", "conflict", "Transaction failed", "commit failed"),
    "Spark": ("ConcurrentModificationException", "DELTA_CONCURRENT", "concurrent"),
}
ROUNDS = 4


class Writer(threading.Thread):
    """Does its statements, one after the other, and counts."""

    def __init__(self, engine, folder, number, start, rounds=ROUNDS):
        super().__init__()
        self.engine = engine
        self.folder = folder
        self.number = number
        self.go = start
        self.rounds = rounds
        self.added = []
        self.deleted = []
        self.counted = 0
        self.conflicts = []
        self.errors = []

    def run(self):
        self.go.wait()
        for n in range(self.rounds):
            if self.attempt(lambda: self.engine.append(self.folder, [(self.number, n, "rows")], KIND)):
                self.added.append((self.number, n, "rows"))
            if self.attempt(lambda: self.engine.update(self.folder, {"n": "n + 1"}, f"writer = {COUNTER} AND part = 'counter'")):
                self.counted += 1
            if self.attempt(lambda: self.engine.delete(self.folder, f"writer = {self.number} AND n = {n} AND part = 'shared'")):
                self.deleted.append((self.number, n, "shared"))

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
        self.sluice.create(folder, [(COUNTER, 0, "counter")], KIND, "part")
        if deletion_vectors:
            self.sluice.set_property(folder, "delta.enableDeletionVectors", "true")
        shared = [(number, n, "shared") for number in range(len(engines)) for n in range(rounds)]
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
        added = [row for writer in writers for row in writer.added]
        deleted = [row for writer in writers for row in writer.deleted]
        expected = sorted([(COUNTER, counted, "counter"), *added, *(row for row in shared if row not in deleted)])
        for engine in (self.sluice, self.delta_rs, self.spark):
            self.assertEqual(sorted(engine.read(folder).bag.elements()), expected, engine.name)
        self.assertEqual(newest_version(folder) - version, counted + len(added) + len(deleted))
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
