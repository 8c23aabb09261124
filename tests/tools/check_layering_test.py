"""Small bad trees that tools/check_layering.py must catch, and a good one that it must let pass."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import check_layering  # noqa: E402

MODULES = "base:  | fmt\nstore: base | \ndelta: base store | duckdb\n"

GOOD = {
    "base/result.h": "#pragma once\n#include <string>\n\n#include <fmt/format.h>\n",
    "base/result.cc": '#include "base/result.h"\n\n#include <sys/stat.h>\n',
    "store/object_store.h": '#include "base/result.h"\n',
    "store/internal/posix_error.h": "#include <cerrno>\n",
    "store/local_store.cc": '#include "store/internal/posix_error.h"\n#include "store/object_store.h"\n',
    "store/local_store_test.cc": '#include <gtest/gtest.h>\n\n#include "delta/log.h"\n#include "tests/support/folder.h"\n',
    "delta/log.h": '#include <duckdb/common/types.hpp>\n\n#include "store/object_store.h"\n',
}


class CheckLayeringTest(unittest.TestCase):
    def findings(self, changes, modules=MODULES):
        """Returns the findings on the good tree with some files replaced or added."""
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder)
            for path, text in {**GOOD, **changes}.items():
                file = source / "src" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check_layering.check(source, check_layering.read_modules(modules))

    def assert_only(self, findings, place, *words):
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(place), findings[0])
        for word in words:
            self.assertIn(word, findings[0])

    def test_a_tree_within_its_layers_passes(self):
        self.assertEqual(self.findings({}), [])

    def test_a_module_that_is_not_used_is_found(self):
        self.assert_only(self.findings({"base/hash.cc": '\n#include "store/object_store.h"\n'}), "src/base/hash.cc:2:",
                         "USES of base")

    def test_a_module_used_only_by_way_of_another_is_found(self):
        modules = MODULES.replace("delta: base store", "delta: base")
        self.assert_only(self.findings({}, modules), "src/delta/log.h:3:", "USES of delta")

    def test_an_internal_header_of_another_module_is_found_even_in_a_test(self):
        include = '#include "store/internal/posix_error.h"\n'
        self.assert_only(self.findings({"delta/log.cc": include}), "src/delta/log.cc:1:", "internal to store")
        self.assert_only(self.findings({"delta/log_test.cc": include}), "src/delta/log_test.cc:1:", "internal to store")

    def test_a_library_that_is_not_declared_is_found(self):
        self.assert_only(self.findings({"store/cache.cc": "#include <fmt/format.h>\n"}), "src/store/cache.cc:1:", "fmt")
        self.assert_only(self.findings({"store/cache.cc": "#  include <duckdb.hpp>\n"}), "src/store/cache.cc:1:", "duckdb")

    def test_an_unknown_library_is_found(self):
        self.assert_only(self.findings({"store/cache.cc": "#include <rocksdb/db.h>\n"}), "src/store/cache.cc:1:", "LIBRARIES")

    def test_googletest_outside_of_tests_is_found(self):
        self.assert_only(self.findings({"base/check.cc": "#include <gtest/gtest.h>\n"}), "src/base/check.cc:1:", "tests")

    def test_an_include_of_a_test_is_found(self):
        self.assert_only(self.findings({"store/cache.cc": '#include "tests/support/folder.h"\n'}), "src/store/cache.cc:1:",
                         "is a test")
        changes = {"store/store_test_fixture.h": "", "store/cache.cc": '#include "store/store_test_fixture.h"\n'}
        self.assert_only(self.findings(changes), "src/store/cache.cc:1:", "is a test")

    def test_a_cycle_is_found_with_its_path(self):
        changes = {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/c.h"\n', "base/c.h": '#include "base/a.h"\n'}
        self.assert_only(self.findings(changes), "src/base/a.h:1:", "base/a.h -> base/b.h -> base/c.h -> base/a.h")

    def test_a_header_that_does_not_exist_is_found(self):
        self.assert_only(self.findings({"store/cache.cc": '#include "store/cash.h"\n'}), "src/store/cache.cc:1:", "exist")

    def test_a_name_without_its_module_is_found(self):
        self.assert_only(self.findings({"store/cache.cc": '#include "object_store.h"\n'}), "src/store/cache.cc:1:", "folder")

    def test_a_module_that_cmake_does_not_know_is_found_once(self):
        self.assert_only(self.findings({"lake/a.h": "", "lake/b.h": ""}), "src/lake:1:", "sluice_module")

    def test_the_program_exits_with_1_and_names_the_place(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder)
            (source / "src" / "base").mkdir(parents=True)
            (source / "src" / "base" / "a.cc").write_text("#include <curl/curl.h>\n")
            (source / "modules.txt").write_text(MODULES)
            done = subprocess.run(
                [sys.executable, TOOLS / "check_layering.py", "--modules", source / "modules.txt", "--source", source],
                stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("src/base/a.cc:1:", done.stdout)


if __name__ == "__main__":
    unittest.main()
