"""Small bad files that tools/check_tidy.py must catch, and good ones that it must let pass."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import check_tidy  # noqa: E402


def found(path, text):
    """Returns the names of the rules that a file breaks, in order of place."""
    findings = [finding.split(": ")[:2] for finding in check_tidy.check_text(path, text)]
    return [name for _, name in sorted(findings, key=lambda each: int(each[0].split(":")[1]))]


class BannedCallsTest(unittest.TestCase):
    def test_each_is_found_in_the_engine(self):
        for text, name in {
            "int x = std::rand();": "random",
            "std::random_device seed;": "random",
            "auto now = time(nullptr);": "time",
            "auto now = std::time(&t);": "time",
            "auto now = std::chrono::system_clock::now();": "clock",
            "auto now = std::chrono::steady_clock::now();": "clock",
            "std::jthread worker(run);": "thread",
            "std::thread worker(run);": "thread",
            "throw std::runtime_error(what);": "throw",
            "#include <regex>": "regex",
            "using namespace duckdb;": "using-namespace",
        }.items():
            with self.subTest(text):
                self.assertEqual(found("src/engine/a.cc", text + "\n"), [name])

    def test_look_alikes_pass(self):
        for text in (
            "// throw, time(nullptr) and std::rand() are banned",
            'log("throw std::thread");',
            'auto text = R"(std::rand() "and" throw)";',
            "auto count = 1'000'000; run(operand(), runtime(0), entry.time(nullptr));",
            "std::this_thread::get_id();",
            "using namespace std::chrono_literals;",
            "throw;",
            'throw duckdb::IOException("for DuckDB");',
            "clock.sleep(delay, stop);",
            "// TO" "DO(#12): compact, once log checkpoints are read",
        ):
            with self.subTest(text):
                self.assertEqual(found("src/engine/a.cc", text + "\n"), [])

    def test_each_has_its_own_place(self):
        self.assertEqual(found("src/base/clock.cc", "return std::chrono::system_clock::now();\n"), [])
        self.assertEqual(found("src/runtime/workers.cc", "std::jthread worker(run);\n"), [])
        self.assertEqual(found("src/base/guard_test.cc", 'throw std::runtime_error("x");\n'), [])

    def test_sleeping_is_found_in_tests_of_any_language(self):
        self.assertEqual(found("src/base/clock_test.cc", "std::this_thread::sleep" "_for(delay);\n"), ["sleep"])
        self.assertEqual(found("tests/e2e/run.py", "time.sl" "eep(1)\n"), ["sleep"])
        self.assertEqual(found("tests/e2e/run.sh", "wait\nsleep 0.1\n"), ["sleep"])


class TextTest(unittest.TestCase):
    def test_blanks_and_tabs_are_found(self):
        self.assertEqual(found("docs/a.md", "one \ntwo\n\tthree\nfour\r\n"), ["trailing-blank", "tab", "trailing-blank"])

    def test_unfinished_marks_are_found(self):
        self.assertEqual(found("dev", "# TO" "DO later\n# FIX" "ME\n"), ["todo", "todo"])

    def test_hosts_and_folders_of_a_machine_are_found(self):
        self.assertEqual(found("docs/a.md", "from registry.npmjs" ".org\n"), ["registry"])
        self.assertEqual(found("docs/a.md", "see /wo" "rk/main\n"), ["machine-path"])
        self.assertEqual(found("dev", "cp x /ro" "ot/.cache\n"), ["machine-path"])
        self.assertEqual(found("tests/e2e/run.py", 'open("/tm' 'p/x")\n'), ["temporary-path"])

    def test_other_paths_pass(self):
        self.assertEqual(found("dev", 'cd "$root/wo' 'rk"; cp ${x}/tm' 'p/y z; ls frame/wo' 'rk/\n'), [])

    def test_data_may_hold_anything_but_paths_of_a_machine(self):
        self.assertEqual(found("examples/a/landing/x.jsonl", '{"a":\t1} \n'), [])
        self.assertEqual(found("examples/a/landing/x.jsonl", '"/ro' 'ot/x"\n'), ["machine-path"])


class AllowanceTest(unittest.TestCase):
    def test_a_reason_on_the_line_or_above_allows(self):
        self.assertEqual(found("src/engine/a.cc", "throw 1;  // ti" "dy: allow(throw): the C library wants it\n"), [])
        self.assertEqual(found("src/engine/a.cc", "// ti" "dy: allow(throw): the C library wants it\nthrow 1;\n"), [])

    def test_it_does_not_reach_further(self):
        text = "// ti" "dy: allow(throw): the C library wants it\nthrow 1;\nthrow 2;\n"
        self.assertEqual(found("src/engine/a.cc", text), ["throw"])

    def test_one_for_a_file_reaches_all_of_it(self):
        text = "// ti" "dy: allow-file(throw): callbacks of a C++ library\n\nthrow 1;\n\nthrow 2;\n"
        self.assertEqual(found("src/engine/a.cc", text), [])

    def test_one_for_another_rule_allows_nothing(self):
        text = "throw 1;  // ti" "dy: allow(thread): of no use\n"
        self.assertEqual(sorted(found("src/engine/a.cc", text)), ["allowance", "throw"])

    def test_one_without_a_reason_is_found(self):
        self.assertEqual(found("src/engine/a.cc", "throw 1;  // ti" "dy: allow(throw)\n"), ["allowance"])


class DeadFilesTest(unittest.TestCase):
    FILES = {
        "src/store/CMakeLists.txt": "sluice_module(store\n  HEADERS a.h internal/b.h\n  SOURCES a.cc)\n",
        "src/store/a.h": "", "src/store/a.cc": "", "src/store/internal/b.h": "",
    }

    def test_named_files_pass(self):
        self.assertEqual(check_tidy.check_dead_files(self.FILES), [])

    def test_a_file_that_is_not_named_is_found(self):
        for path in ("src/store/aa.cc", "src/store/b.h", "src/lake/a.h"):
            with self.subTest(path):
                findings = check_tidy.check_dead_files({**self.FILES, path: ""})
                self.assertEqual([finding.split(":")[0] for finding in findings], [path])


class LabelsTest(unittest.TestCase):
    def check(self, text):
        return check_tidy.check_labels({"tests/CMakeLists.txt": text})

    def test_known_labels_pass(self):
        self.assertEqual(self.check("sluice_test(a_test LABEL law)\n"
                                    "add_test(NAME a COMMAND a)\nset_tests_properties(a PROPERTIES LABELS checks)\n"), [])

    def test_a_label_that_is_no_kind_is_found(self):
        self.assertEqual(len(self.check("sluice_test(a_test LABEL slow)\n")), 1)

    def test_a_test_without_a_label_is_found(self):
        self.assertEqual(len(self.check("add_test(NAME a COMMAND a)\n")), 1)


class ProgramTest(unittest.TestCase):
    def run_in(self, folder, files):
        source = pathlib.Path(folder)
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        subprocess.run(["git", "init", "-q", source], check=True)
        subprocess.run(["git", "-C", source, "add", "."], check=True)
        (source / "untracked.md").write_text("not our business \n")
        return subprocess.run([sys.executable, TOOLS / "check_tidy.py", "--source", source],
                              stdout=subprocess.PIPE, text=True, check=False)

    def test_it_reads_the_tracked_files_and_exits_with_1_on_a_finding(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_in(folder, {"docs/a.md": "fine\n", "docs/b.md": "blank \n"})
        self.assertEqual((done.returncode, done.stdout.split(": ")[0]), (1, "docs/b.md:1"))

    def test_it_exits_with_0_when_all_is_well(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_in(folder, {"docs/a.md": "fine\n"})
        self.assertEqual((done.returncode, done.stdout), (0, "tidy: no findings\n"))


if __name__ == "__main__":
    unittest.main()
