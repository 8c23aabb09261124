"""Small trees with pages that are missing, unused or empty, which tools/check_errors.py must report."""

import pathlib
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import check_errors  # noqa: E402

PAGES = "# Errors\n\n## Family\n\n### SLU0007: seven\n**Do:** this.\n\n### SLU4101: other\nWhy.\n**Do:** that.\n"
SOURCE = "return Error(code, text).with_number(7).with_help(x);\n"
NUMBERS = "enum class SqlError {\n  Syntax = 4101,\n};\n"
USER = "fail(SqlError::Syntax);\n"


class CheckErrorsTest(unittest.TestCase):
    def findings(self, pages=PAGES, **files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "docs/errors.md").write_text(pages, encoding="utf-8")
            (root / "src/a").mkdir(parents=True)
            for name, text in ({"a.cc": SOURCE, "error_numbers.h": NUMBERS, "b.cc": USER} | files).items():
                (root / "src/a" / name).write_text(text, encoding="utf-8")
            return check_errors.findings(root)

    def test_pages_and_numbers_that_agree_pass(self):
        self.assertEqual(self.findings(), [])

    def test_a_number_without_a_page_is_reported_with_its_file(self):
        found = self.findings(**{"c.cc": "e.with_number( 42 )"})
        self.assertEqual(found, ["src/a/c.cc: SLU0042 has no page in docs/errors.md"])

    def test_numbers_in_tests_do_not_count(self):
        self.assertEqual(self.findings(**{"c_test.cc": "e.with_number(42)"}), [])

    def test_a_page_without_a_use_is_reported(self):
        self.assertEqual(self.findings(**{"a.cc": ""}), ["docs/errors.md: nothing uses SLU0007"])

    def test_a_listed_number_that_no_source_names_is_not_used(self):
        self.assertEqual(self.findings(**{"b.cc": "int Syntax = 1;"}), ["docs/errors.md: nothing uses SLU4101"])

    def test_constants_count_by_their_name(self):
        listed = "inline constexpr std::uint32_t kErrorOdd = 4101;  ///< Odd.\n"
        self.assertEqual(self.findings(**{"error_numbers.h": listed, "b.cc": "x.with_number(kErrorOdd)"}), [])

    def test_a_page_must_say_what_to_do(self):
        found = self.findings(pages=PAGES.replace("**Do:** this.", "It happens."))
        self.assertEqual(found, ["docs/errors.md: SLU0007 does not say what to do"])

    def test_pages_stand_in_order(self):
        seven, other = PAGES.split("### ")[1:]
        found = self.findings(pages="# Errors\n\n### " + other + "\n### " + seven)
        self.assertEqual(found, ["docs/errors.md: SLU0007 stands behind SLU4101"])

    def test_other_headings_of_third_level_would_hide_text(self):
        found = self.findings(pages=PAGES + "\n### More\n")
        self.assertEqual(found, ["docs/errors.md: a heading of third level is no page: want '### SLUnnnn: title'"])


if __name__ == "__main__":
    unittest.main()
