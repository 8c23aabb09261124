"""Faulty lock files that tools/check_deps_lock.py must catch."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_deps_lock  # noqa: E402

HASH = "0123456789abcdef" * 4
GOOD = f"""
# a comment
debian | libfmt-dev | 9.1.0+ds1-2 | {HASH} | MIT | build | formatting
debian | cmake | 3.25.1-1 | {HASH} | BSD-3-Clause | build | build system
pypi | duckdb | 1.5.6 | {HASH} | MIT | unpack | headers
maven | io.delta:delta-spark_4.2_2.13 | 4.4.0 | {HASH} | Apache-2.0 | unpack | Spark reads Delta tables
npm | @duckdb/node-bindings-linux-x64 | 1.5.6-r.1 | {HASH} | MIT AND (Apache-2.0 OR MIT) | unpack | library
"""
CMAKE = {"cmake/a.cmake": "find_package(fmt REQUIRED)\nset(SLUICE_DUCKDB_VERSION 1.5.6)\n"}
DEV = "cmake --preset dev\nx=$(lock_field duckdb 3)\n"


class CheckDepsLockTest(unittest.TestCase):
    def findings(self, lock=GOOD, cmake=None, dev=DEV):
        dependencies, findings = check_deps_lock.parse(lock)
        return findings + check_deps_lock.check_users(dependencies, CMAKE if cmake is None else cmake, dev)

    def assert_only(self, findings, *words):
        self.assertEqual(len(findings), 1, findings)
        for word in words:
            self.assertIn(word, findings[0])

    def test_a_complete_lock_passes(self):
        self.assertEqual(self.findings(), [])

    def test_a_missing_column_is_found(self):
        self.assert_only(self.findings(GOOD + "pypi | wheel | 1.0\n"), "deps.lock:8", "columns")

    def test_faulty_columns_are_found(self):
        line = f"pypi | wheel | 1.0 | {HASH} | MIT | venv | of no use\n"
        for old, new, word in [("pypi", "cargo", "kind"), ("venv", "build", "group"), (HASH, HASH[:-1], "sha256"),
                               ("1.0", ">=1.0", "version"), ("wheel", "Wheel_", "name"), ("MIT", "MIT, I think", "licence")]:
            with self.subTest(word):
                self.assert_only(self.findings(GOOD + line.replace(old, new)), "deps.lock:8", word)

    def test_a_name_given_twice_is_found(self):
        self.assert_only(self.findings(GOOD + f"pypi | duckdb | 1.5.6 | {HASH} | MIT | unpack | again\n"), "twice")

    def test_a_package_that_cmake_finds_but_the_lock_lacks_is_found(self):
        self.assert_only(self.findings(cmake={"a": "find_package(simdjson REQUIRED)\n"}), "libsimdjson-dev")
        self.assert_only(self.findings(cmake={"a": "find_library(xxhash_library xxhash REQUIRED)\n"}), "libxxhash-dev")
        self.assert_only(self.findings(cmake={"a": "find_package(RocksDB)\n"}), "say in tools")

    def test_another_duckdb_than_cmake_wants_is_found(self):
        findings = self.findings(cmake={"a": "set(SLUICE_DUCKDB_VERSION 1.5.5)\n"})
        self.assertEqual(len(findings), 2, findings)

    def test_a_program_of_dev_without_a_package_is_found(self):
        self.assert_only(self.findings(dev="# npm is fine here\nnpm pack x\n"), "runs npm")

    def test_a_jar_is_named_by_group_and_artifact(self):
        self.assert_only(self.findings(GOOD + f"maven | delta-storage | 4.4.0 | {HASH} | MIT | unpack | jar\n"), "delta-storage", "name")

    def test_an_archive_that_dev_unpacks_but_the_lock_lacks_is_found(self):
        self.assert_only(self.findings(dev='download_sdist "$folder" pyroaring\n'), "pyroaring")


if __name__ == "__main__":
    unittest.main()
