"""Checks that the includes under src/ keep to the modules that CMake was told of.

Reads modules.txt, which sluice_module (cmake/SluiceModule.cmake) writes as "name: uses | third party", and every
#include under src/. Finds
  - an include of a module that the including module does not use,
  - another module's internal/ header,
  - a third-party header in a module that does not name the library,
  - a header that is neither the standard library's, the system's nor a known library's,
  - an include of a test, or of GoogleTest, by what is no test,
  - a cycle of includes, and a file of a module that modules.txt does not have.
Tests (x_test.cc, x_test_y.h) may include any module and any library, but no other module's internal/ header.

Usage: check_layering.py --modules build/dev/modules.txt [--source REPOSITORY]
Prints one line per finding, "file:line: what"; exit code 1 if there is one.
"""

import argparse
import pathlib
import re
import sys

# Which library of THIRD_PARTY a header belongs to, by the beginning of its name.
LIBRARIES = {
    "duckdb.hpp": "duckdb", "duckdb.h": "duckdb", "duckdb/": "duckdb", "core_functions/": "duckdb",
    "parquet_": "duckdb", "reader/": "duckdb", "json_": "duckdb", "icu_": "duckdb", "yyjson": "duckdb", "zstd": "duckdb", "utf8proc": "duckdb",
    "fmt/": "fmt", "simdjson.h": "simdjson", "xxhash.h": "xxhash", "boost/": "boost", "roaring.h": "croaring",
    "yaml-cpp/": "yaml", "CLI/": "cli11",
    "gtest/": "test", "gmock/": "test", "rapidcheck": "test", "benchmark/": "test",
}

# C++20's headers have neither an extension nor a slash. Those of C and of the system that the engine may use:
SYSTEM_HEADERS = re.compile(
    r"(sys/\w+|linux/\w+|arpa/inet|netinet/\w+|dirent|dlfcn|errno|fcntl|poll|pthread|sched|signal|spawn|stdint|stdlib"
    r"|string|termios|time|unistd)\.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
TEST_FILE = re.compile(r"_test(_\w+)?\.(cc|h)$")


class Module:
    def __init__(self, uses, third_party):
        self.uses = set(uses)
        self.third_party = set(third_party)


def read_modules(text):
    """Returns the modules of a modules.txt by name."""
    modules = {}
    for line in text.splitlines():
        if line.strip():
            name, _, rest = line.partition(":")
            uses, _, third_party = rest.partition("|")
            modules[name.strip()] = Module(uses.split(), third_party.split())
    return modules


def includes_of(path):
    """Yields (line number, whether in angle brackets, name) of each include in a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1) == "<", match.group(2)


def library_of(header):
    """Returns the library that a header in angle brackets belongs to, None if it is the system's, "?" if unknown."""
    for beginning, library in LIBRARIES.items():
        if header.startswith(beginning):
            return library
    if re.fullmatch(r"[a-z0-9_]+", header) or SYSTEM_HEADERS.fullmatch(header):
        return None
    return "?"


def judge_angled(header, module, is_test):
    """Returns what is wrong with an include in angle brackets, or None."""
    library = library_of(header)
    if library is None or is_test:
        return None
    if library == "?":
        return f"<{header}> belongs to no known library: add it to LIBRARIES in tools/check_layering.py"
    if library == "test":
        return f"<{header}> is for tests only"
    if library not in module.third_party:
        return f"<{header}> needs {library} in THIRD_PARTY of this module"
    return None


def judge_quoted(header, name, modules, is_test, source):
    """Returns what is wrong with an include in quotes by a file of module `name`, or None."""
    parts = header.split("/")
    if not is_test and (TEST_FILE.search(header) or parts[0] == "tests"):
        return f'"{header}" is a test: nothing but a test includes one'
    if parts[0] == "tests" and is_test:
        return None
    if parts[0] not in modules or len(parts) < 2:
        return f'"{header}" does not begin with the folder of a module'
    if not (source / "src" / header).is_file():
        return f'"{header}" does not exist'
    if parts[0] == name:
        return None
    if "internal" in parts[1:-1]:
        return f'"{header}" is internal to {parts[0]}'
    if not is_test and parts[0] not in modules[name].uses:
        return f'"{header}" needs {parts[0]} in USES of {name}'
    return None


def find_cycle(graph):
    """Returns the files along one cycle of a graph {file: [file]}, first and last alike, or None."""
    done, path = set(), []

    def visit(file):
        if file in path:
            return path[path.index(file):] + [file]
        if file in done:
            return None
        path.append(file)
        for included in graph.get(file, ()):
            cycle = visit(included)
            if cycle:
                return cycle
        path.pop()
        done.add(file)
        return None

    for file in sorted(graph):
        cycle = visit(file)
        if cycle:
            return cycle
    return None


def check(source, modules):
    """Returns the findings on the tree under source/src, one line of text each."""
    findings, graph, strangers = [], {}, set()
    root = source / "src"
    for path in sorted([*root.rglob("*.h"), *root.rglob("*.cc")]):
        file = path.relative_to(root).as_posix()
        name = file.split("/")[0]
        if name not in modules:
            strangers.add(name)
            continue
        is_test = bool(TEST_FILE.search(file))
        graph[file] = []
        for line, angled, header in includes_of(path):
            if angled:
                finding = judge_angled(header, modules[name], is_test)
            else:
                finding = judge_quoted(header, name, modules, is_test, source)
                graph[file].append(header)
            if finding:
                findings.append(f"src/{file}:{line}: {finding}")
    findings += [f"src/{name}:1: is not in modules.txt: it has no sluice_module()" for name in sorted(strangers)]
    cycle = find_cycle(graph)
    if cycle:
        findings.append(f"src/{cycle[0]}:1: a cycle of includes: {' -> '.join(cycle)}")
    return findings


def main():
    parser = argparse.ArgumentParser(description="Checks includes against modules.")
    parser.add_argument("--modules", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    findings = check(arguments.source, read_modules(arguments.modules.read_text()))
    print("\n".join(findings) if findings else "layering: no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
