#!/usr/bin/env python3
"""Runs the tests of this folder, in one Python process with one Spark.

    run.py [-j TESTS_AT_A_TIME] [-k PATTERN ...] [MODULE ...]

Environment: SLUICE_BINARY, and SLUICE_DEPS, the folder in which ./dev test unpacked Spark. SLUICE_INTEROP_SEED is the seed
of random tests (default 1).
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def find_spark(dependencies):
    """Puts PySpark on the path."""
    bridge = sorted((dependencies / "pyspark" / "lib").glob("py4j-*.zip"))
    if not bridge or not (dependencies / "delta-spark" / "jars").is_dir():
        sys.exit(f"there is no Spark in {dependencies}: ./dev test puts it there")
    sys.path[:0] = [str(dependencies / "pyspark"), str(bridge[0])]


def single_tests(suite):
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from single_tests(entry)
        else:
            yield entry


def run_one(test):
    """Runs a test. Returns whether it succeeded, and what to say about it."""
    result = unittest.TestResult()
    begin = time.monotonic()
    test.run(result)
    word = "ok" if result.wasSuccessful() else "FAILED"
    faults = [f"{part.id()}: {trace}" for part, trace in result.failures + result.errors]
    return result.wasSuccessful(), "\n".join([f"{word:6} {time.monotonic() - begin:5.1f} s  {test.id()}", *faults])


def run_all(suite, job_count):
    """Runs the tests, some at a time, as much of each is waiting. Returns whether there are tests and all succeed."""
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(job_count) as workers:
        runs = [workers.submit(run_one, test) for test in single_tests(suite)]
        for run in concurrent.futures.as_completed(runs):
            print(run.result()[1], flush=True)
    failed = sum(not run.result()[0] for run in runs)
    print(f"{len(runs)} tests in {time.monotonic() - begin:.0f} s, {failed} failed")
    return bool(runs) and not failed


def tests(arguments):
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in arguments.k] or None
    if arguments.module:
        return loader.loadTestsFromNames(arguments.module)
    return loader.discover(str(HERE), pattern="*_test.py")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2, metavar="TESTS_AT_A_TIME")
    parser.add_argument("-k", action="append", default=[], metavar="PATTERN")
    parser.add_argument("module", nargs="*")
    arguments = parser.parse_args()
    dependencies = pathlib.Path(os.environ["SLUICE_DEPS"]).resolve()
    find_spark(dependencies)
    sys.path.insert(0, str(HERE))
    import engines
    from suite import InteropTest

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="sluice-spark-"))
    InteropTest.sluice = engines.Sluice(os.environ["SLUICE_BINARY"])
    InteropTest.delta_rs = engines.DeltaRs()
    InteropTest.spark = engines.Spark(dependencies, scratch)
    try:
        succeeded = run_all(tests(arguments), arguments.j)
    finally:
        InteropTest.spark.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
