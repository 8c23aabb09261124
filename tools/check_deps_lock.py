"""Checks that deps.lock is well-formed, and that it names what the build and ./dev ask for.

Finds lines without all columns, unknown kinds and groups, a sha256 that is none, names given twice; a find_package,
find_library or find_program of CMake and a program of ./dev whose package is not listed; a DuckDB version that differs
between the lock and CMake; and a dependency that ./dev unpacks but the lock lacks.

Usage: check_deps_lock.py [--source REPOSITORY]
Prints one line per finding; exit code 1 if there is one.
"""

import argparse
import collections
import pathlib
import re
import sys

COLUMNS = ["kind", "name", "version", "sha256", "licence", "group", "purpose"]
GROUPS = {
    "debian": {"build", "lint", "fuzz", "node", "interop"}, "pypi": {"unpack", "venv"}, "npm": {"unpack"}, "maven": {"unpack"},
}
NAMES = {
    "debian": re.compile(r"[a-z0-9][a-z0-9+.-]+"),
    "pypi": re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
    "npm": re.compile(r"(@[a-z0-9-]+/)?[a-z0-9.-]+"),
    "maven": re.compile(r"[a-z0-9.-]+:[A-Za-z0-9._-]+"),
}

# Which Debian package provides what CMake looks for, and the programs that ./dev runs. None: part of every system.
FOUND_BY_CMAKE = {
    "Threads": "g++", "fmt": "libfmt-dev", "GTest": ("libgtest-dev", "libgmock-dev"), "yaml-cpp": "libyaml-cpp-dev",
    "simdjson": "libsimdjson-dev", "CLI11": "libcli11-dev", "Boost": "libboost1.81-dev", "xxhash": "libxxhash-dev",
    "rapidcheck": "librapidcheck-dev", "benchmark": "libbenchmark-dev", "ccache": "ccache", "mold": "mold",
    "python3": "python3", "Python3": "python3", "strace": "strace", "git": "git",
}
PROGRAMS = {
    "cmake": "cmake", "ninja": "ninja-build", "git": "git", "python3": "python3", "npm": "npm", "strace": "strace",
    "clang-format": "clang-format", "clang-tidy": "clang-tidy", "ctest": "cmake",
    "java": "openjdk-17-jre-headless",
}

FIND = re.compile(r"^\s*find_(?:package\(|library\(\w+\s+|program\(\w+\s+)(?:NAMES\s+)?([\w-]+)", re.MULTILINE)

Dependency = collections.namedtuple("Dependency", COLUMNS)


def parse(text):
    """Returns (the dependencies, findings on the form) of the text of a deps.lock."""
    dependencies, findings, seen = [], [], set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("|")]
        if len(columns) != len(COLUMNS) or not all(columns):
            findings.append(f"deps.lock:{number}: has not {len(COLUMNS)} columns: {', '.join(COLUMNS)}")
            continue
        dependency = Dependency(*columns)
        dependencies.append(dependency)
        findings += [f"deps.lock:{number}: {dependency.name}: {what}" for what in faults(dependency)]
        if (dependency.kind, dependency.name) in seen:
            findings.append(f"deps.lock:{number}: {dependency.name}: stands here twice")
        seen.add((dependency.kind, dependency.name))
    return dependencies, findings


def faults(dependency):
    """Yields what is wrong with the columns of one dependency."""
    if dependency.kind not in GROUPS:
        yield f"kind {dependency.kind} is none of {', '.join(GROUPS)}"
        return
    if dependency.group not in GROUPS[dependency.kind]:
        yield f"group {dependency.group} is none of {', '.join(sorted(GROUPS[dependency.kind]))}"
    if not NAMES[dependency.kind].fullmatch(dependency.name):
        yield "is not the name of a package"
    if not re.fullmatch(r"[0-9][\w.+~:-]*", dependency.version):
        yield f"version {dependency.version} is not one exact version"
    if not re.fullmatch(r"[0-9a-f]{64}", dependency.sha256):
        yield "sha256 is not 64 hexadecimal digits"
    if not re.fullmatch(r"\(?[A-Za-z0-9.-]+\)?( (AND|OR|WITH) \(?[A-Za-z0-9.-]+\)?)*", dependency.licence):
        yield f"licence {dependency.licence} is no SPDX expression"


def check_users(dependencies, cmake, dev):
    """Returns what `cmake`, {path: text}, and the text of ./dev use but the lock lacks."""
    findings = []
    debian = {each.name for each in dependencies if each.kind == "debian"}
    unpacked = {each.name: each.version for each in dependencies if each.group == "unpack"}

    for path, text in cmake.items():
        for wanted in FIND.findall(text):
            packages = FOUND_BY_CMAKE.get(wanted)
            if packages is None:
                findings.append(f"{path}: finds {wanted}: say in tools/check_deps_lock.py which package that is")
                continue
            for package in [packages] if isinstance(packages, str) else packages:
                if package not in debian:
                    findings.append(f"{path}: finds {wanted}, but deps.lock has no {package}")
        for version in re.findall(r"set\(SLUICE_DUCKDB_VERSION\s+(\S+)\)", text):
            for name in ("duckdb", "@duckdb/node-bindings-linux-x64"):
                if not re.match(rf"{re.escape(version)}(-|$)", unpacked.get(name, "")):
                    findings.append(f"{path}: wants DuckDB {version}, deps.lock has {name} {unpacked.get(name)}")

    code = re.sub(r"^\s*#.*$", "", dev, flags=re.MULTILINE)
    for program, package in PROGRAMS.items():
        if re.search(rf"(?<![\w/@.-]){program}(?![\w.-])", code) and package not in debian:
            findings.append(f"dev: runs {program}, but deps.lock has no {package}")
    for name in re.findall(r"(?:lock_field|download_sdist \S+|download_npm \S+) (@?[a-z][\w/-]*)", code):
        if name not in unpacked:
            findings.append(f"dev: unpacks {name}, but deps.lock has no such line of group unpack")
    return findings


def check(source):
    dependencies, findings = parse((source / "deps.lock").read_text())
    files = [source / "CMakeLists.txt"]
    for folder in ("cmake", "src", "tests", "bench"):
        files += [*(source / folder).rglob("*.cmake"), *(source / folder).rglob("CMakeLists.txt")]
    cmake = {file.relative_to(source).as_posix(): file.read_text() for file in files}
    return findings + check_users(dependencies, cmake, (source / "dev").read_text())


def main():
    parser = argparse.ArgumentParser(description="Checks deps.lock.")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    findings = check(parser.parse_args().source)
    print("\n".join(findings) if findings else "deps_lock: no findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
