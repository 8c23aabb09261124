"""Checks the house rules on the tracked files: RULES below, then dead files and labels of tests.

A line may break a rule if a comment on it or on the line above says "tidy", a colon, "allow(throw): why", and a whole file
if one says so with allow-file. An allowance without a reason, or that allows nothing, is a
finding too. A second one of the same kind means that the rule is wrong: change the rule.

Usage: check_tidy.py [--source REPOSITORY]
Prints one line per finding, "file:line: rule: what to do"; exit code 1 if there is one.
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable

# The kinds of test (labels of ctest): `sluice_test(... LABEL kind)` and `set_tests_properties(... LABELS kind)`.
TEST_KINDS = {"unit", "law", "golden", "e2e", "crash", "simulation", "damage", "fuzz", "cli", "checks", "interop"}

CPP = (".cc", ".h")
# Files that others wrote, or that are data: only the rules about machines and registries hold there.
DATA = re.compile(r"\.(test|jsonl?|ndjson|csv|parquet|crc|bin|svg|lock)$|^tests/golden/|^third_party/|^LICENSE$")


def is_test(path):
    return path.startswith("tests/") or bool(re.search(r"_test(_\w+)?\.\w+$", path))


def is_engine(path):
    """Whether the path is C++ of the engine itself, tests apart."""
    return path.startswith("src/") and path.endswith(CPP) and not is_test(path)


def is_cpp(path):
    return path.endswith(CPP)


def is_text(path):
    return not DATA.search(path)


@dataclasses.dataclass(frozen=True)
class Rule:
    name: str
    pattern: re.Pattern
    advice: str
    where: Callable[[str], bool]
    # Whether comments and literals of C++ are looked at too.
    whole_text: bool = False


def rule(name, pattern, advice, where, whole_text=False):
    return Rule(name, re.compile(pattern, re.MULTILINE), advice, where, whole_text)


RULES = [
    rule("random", r"\b(std::|::)?s?rand\s*\(|\bstd::random_device\b|\bstd::(mt19937|default_random_engine)",
         "take a Random (base/random.h), so that a run can be repeated from its seed",
         lambda path: is_engine(path) and path != "src/base/random.cc"),
    rule("time", r"\bstd::time\s*\(|(?<![\w:.>])time\s*\(\s*(nullptr|NULL|0|&)|\b(gettimeofday|clock_gettime)\s*\(",
         "take a Clock (base/clock.h)", lambda path: is_cpp(path) and path != "src/base/clock.cc"),
    rule("clock", r"\b(system|steady|high_resolution)_clock::now\b", "take a Clock (base/clock.h)",
         lambda path: is_cpp(path) and path != "src/base/clock.cc" and not path.startswith("bench/")),
    rule("thread", r"\bstd::(jthread|thread|async)\b",
         "threads are made in runtime, serve and cli; elsewhere take an Executor (base/executor.h)",
         lambda path: is_engine(path) and not re.match(r"src/(runtime|serve|cli)/", path)),
    # What DuckDB calls reports by its exceptions; passing on one in flight is how they are translated.
    rule("throw", r"\bthrow\b(?!\s*;|\s+duckdb::)", "return a Result (base/result.h)", is_engine),
    rule("regex", r"#\s*include\s*<regex>|\bstd::regex\b", "parse by hand or with a tokenizer; <regex> recurses per byte",
         is_cpp),
    rule("using-namespace", r"\busing\s+namespace\b(?!\s+std::\w*literals)", "name what is used", is_engine),
    rule("sleep", r"\bsleep_(for|until)\s*\(|(?<![\w.>])(u|nano)?sleep\s*\(|\btime\.sleep\b|^\s*sleep\s+[\d.$]",
         "wait for a condition: a clock that the test moves, a stop_token, a file that appears",
         lambda path: is_test(path)),
    rule("todo", r"\b(TO[D]O\b(?!\(#\d+\))|FIX[M]E\b|X[X]X\b)", "write TO" "DO(#123): what, and when it can go", is_text, True),
    rule("tab", r"\t", "indent with blanks", is_text, True),
    rule("trailing-blank", r"[ \t\r]+$", "remove the blank at the end of the line", is_text, True),
    rule("registry", r"\b(pypi|pythonhosted|npmjs|yarnpkg|debian|crates|maven|golang|rubygems)\.(org|com|io|net)\b(?!/(doc|policy))",
         "name a package, never a registry's host", lambda path: True, True),
    rule("machine-path", r"(?<![\w.$}~*)-])/(work|root|farm|home/\w+)(/|\b(?=[\"'\s]))", "name no folder of one machine",
         lambda path: True, True),
    rule("temporary-path", r"(?<![\w.$}~*)-])/tm[p]\b", "make a temporary folder (mkdtemp, std::filesystem::temp_directory_path)",
         lambda path: is_text(path) and not path.endswith(".md"), True),
]

ALLOWANCE = re.compile(r"(//|#) tidy: allow(?P<file>-file)?\((?P<rule>[\w-]+)\)(:[ \t]*(?P<reason>\S))?")
CPP_COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bR"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL)


def code_of(text):
    """Returns C++ text with comments and literals blanked, every line where it was."""
    return CPP_COMMENT_OR_LITERAL.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


class Allowances:
    """What the comments of one file allow, and which of that was needed."""

    def __init__(self, text):
        self.entries = []
        for match in ALLOWANCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            self.entries.append({"line": line, "used": False, **match.groupdict()})

    def covers(self, rule_name, line):
        for entry in self.entries:
            if entry["rule"] == rule_name and (entry["file"] or entry["line"] in (line, line - 1)):
                entry["used"] = True
                return True
        return False

    def findings(self, path):
        for entry in self.entries:
            if not entry["reason"]:
                yield f"{path}:{entry['line']}: allowance: say why, after a colon"
            elif not entry["used"]:
                yield f"{path}:{entry['line']}: allowance: allows nothing, remove it"


def check_text(path, text):
    """Returns the findings of RULES on one file."""
    findings = []
    allowances = Allowances("" if path.endswith(".md") else text)
    code = code_of(text) if path.endswith(CPP) else text
    for each in RULES:
        if not each.where(path):
            continue
        for match in each.pattern.finditer(text if each.whole_text else code):
            line = text.count("\n", 0, match.start()) + 1
            if not allowances.covers(each.name, line):
                findings.append(f"{path}:{line}: {each.name}: {each.advice}")
    return findings + list(allowances.findings(path))


def check_dead_files(texts):
    """Returns the C++ files under src/ that no CMakeLists.txt above them names; `texts` maps paths to contents."""
    findings = []
    for path in texts:
        if not (path.startswith("src/") and path.endswith(CPP)):
            continue
        folders = [folder for folder in pathlib.PurePosixPath(path).parents if f"{folder}/CMakeLists.txt" in texts]
        named = any(
            re.search(rf"(?<![\w./-]){re.escape(str(pathlib.PurePosixPath(path).relative_to(folder)))}(?![\w./-])",
                      texts[f"{folder}/CMakeLists.txt"])
            for folder in folders)
        if not named:
            findings.append(f"{path}:1: dead-file: name it in its module's CMakeLists.txt, or delete it")
    return findings


def check_labels(texts):
    """Returns the tests without a label, and the labels that are no kind of test."""
    findings = []
    for path, text in texts.items():
        if pathlib.PurePosixPath(path).name != "CMakeLists.txt":
            continue
        for match in re.finditer(r"\bLABELS?\s+\"?([\w-]+)", text):
            if match.group(1) not in TEST_KINDS:
                line = text.count("\n", 0, match.start()) + 1
                findings.append(f"{path}:{line}: test-label: {match.group(1)} is none of {', '.join(sorted(TEST_KINDS))}")
        labelled = " ".join(re.findall(r"set_tests_properties\(([^)]*\bLABELS\b)", text)).split()
        for match in re.finditer(r"\badd_test\(\s*NAME\s+(\S+)", text):
            if match.group(1) not in labelled:
                line = text.count("\n", 0, match.start()) + 1
                findings.append(f"{path}:{line}: test-label: give {match.group(1)} a label with set_tests_properties")
    return findings


def check(texts):
    """Returns all findings on files given as {path: text}."""
    findings = []
    for path, text in texts.items():
        findings += check_text(path, text)
    return findings + check_dead_files(texts) + check_labels(texts)


def tracked_texts(source):
    """Returns {path: text} of the tracked files that are text; a file that is deleted but not yet committed is left out."""
    listed = subprocess.run(["git", "-C", source, "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
    texts = {}
    for path in sorted(listed.decode().split("\0")):
        file = source / path
        if path and file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            if b"\0" not in content:
                texts[path] = content.decode(errors="replace")
    return texts


def main():
    parser = argparse.ArgumentParser(description="Checks the house rules.")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    findings = check(tracked_texts(parser.parse_args().source))
    print("\n".join(findings) if findings else "tidy: no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
