#!/usr/bin/env python3
"""Runs the tests of this folder, in one Python process with one Spark.

    run.py [-v] [-k PATTERN ...] [MODULE ...]

Environment: SLUICE_BINARY, and SLUICE_DEPS, the folder in which ./dev test unpacked Spark. SLUICE_INTEROP_SEED is the seed
of random tests (default 1).
"""

import argparse
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


class TimedResult(unittest.TextTestResult):
    """Says with each test how long it took."""

    def startTest(self, test):
        self.begin = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        if self.showAll:
            self.stream.write(f"{time.monotonic() - self.begin:.1f} s ")
        super().addSuccess(test)


def tests(arguments):
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in arguments.k] or None
    if arguments.module:
        return loader.loadTestsFromNames(arguments.module)
    return loader.discover(str(HERE), pattern="*_test.py")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", action="store_true")
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
        outcome = unittest.TextTestRunner(resultclass=TimedResult, verbosity=2 if arguments.v else 1).run(tests(arguments))
    finally:
        InteropTest.spark.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if outcome.wasSuccessful() and outcome.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
