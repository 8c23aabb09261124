"""What the tests of this folder share: the three engines, made once, and a folder for each test."""

import pathlib
import shutil
import tempfile
import unittest


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
