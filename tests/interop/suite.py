"""What the tests of this folder share: the three engines, made once, and a folder for each test."""

import pathlib
import shutil
import tempfile
import unittest

import literals
from engines import newest_version

CONDITIONS_PER_QUERY = 40


def conditions_on(rows, columns):
    """Returns conditions, in Spark's SQL, on columns that are not nested, of `columns` if given, with values that are there."""
    conditions = []
    for number, (name, kind) in enumerate(rows.kind[1]):
        if isinstance(kind, tuple) or columns and name not in columns:
            continue
        column = f"`{name}`"
        conditions.append(f"{column} IS NULL")
        present = sorted({row[number] for row in rows.bag if row[number] is not None}, key=repr)
        for value, operators in zip(present[:1] + present[-1:], [("=", ">"), ("=",)]):
            constant = literals.SparkDialect().literal(value, kind)
            conditions += [f"{column} {operator} {constant}" for operator in operators]
    return conditions


class InteropTest(unittest.TestCase):
    """A test with the engines `spark`, `delta_rs` and `sluice`, which run.py sets, and an empty folder `base`."""

    spark = None
    delta_rs = None
    sluice = None

    def setUp(self):
        self.faults_before = self.fault_count()
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="sluice-interop-"))

    def tearDown(self):
        # What a failed test leaves is what one looks at first.
        if self.fault_count() == self.faults_before:
            shutil.rmtree(self.base)
        else:
            print(f"the tables are in {self.base}")

    def fault_count(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def assert_same(self, expected, found, what):
        differences = expected.difference(found)
        self.assertEqual(differences, [], f"{what}: " + "\n  ".join(["", *differences]))

    def assert_sound(self, folder, what=""):
        self.assertEqual(self.sluice.verify(folder), "", what)

    def assert_read_alike(self, folder, versions=None, delta_rs=True):
        """Every version is the same to all. `delta_rs` is False where it is known not to read the table."""
        versions = range(newest_version(folder) + 1) if versions is None else versions
        for version in versions:
            expected = self.sluice.read(folder, version)
            for engine in [self.spark] + ([self.delta_rs] if delta_rs else []):
                self.assert_same(expected, engine.read(folder, version), f"{folder.name}, version {version}")
        self.assert_sound(folder)

    def assert_skipping_is_right(self, folder, columns=None):
        """Spark finds the same rows whether or not it believes statistics. Returns how many conditions left files out."""
        conditions = conditions_on(self.spark.read(folder), columns)
        file_count = self.spark.file_count(folder)
        skipped = 0
        for begin in range(0, len(conditions), CONDITIONS_PER_QUERY):
            part = conditions[begin:begin + CONDITIONS_PER_QUERY]
            expected = self.spark.counts_of_all_rows(folder, part)
            for condition, count, (found, files) in zip(part, expected, self.spark.counts(folder, part)):
                self.assertEqual(found, count, f"{folder.name}: {condition}")
                skipped += files < file_count
        return skipped

    def project(self, name, sql):
        """Returns the folder of a new project with one file of SQL."""
        folder = self.base / name
        (folder / "landing").mkdir(parents=True)
        (folder / "transformations").mkdir()
        (folder / "sluice.yml").write_text(f"name: {name}\n", encoding="utf-8")
        (folder / "transformations" / "all.sql").write_text(sql, encoding="utf-8")
        return folder

    def run_project(self, folder, exit_code=0, *arguments):
        """Returns what a run says on stderr."""
        done = self.sluice.run("run", "--once", "-C", folder, *arguments)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done.stderr
