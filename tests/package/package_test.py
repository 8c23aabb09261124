"""The CMake package of module delta: what is installed is enough to build a program with, wherever it lies.

The package is installed, moved, and used by examples/delta_library, which runs, and by a source file that includes every
installed header. What the example writes is read back by deltalake.

Environment: SLUICE_BINARY; SLUICE_BUILD, a build folder in which everything is built; SLUICE_CXX; SLUICE_SANITIZE, as of that build.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import deltalake

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "delta_library"
ALL_HEADERS_PROJECT = """cmake_minimum_required(VERSION 3.25)
project(all_headers LANGUAGES CXX)
find_package(sluice_delta REQUIRED)
add_library(all_headers OBJECT all_headers.cc)
target_link_libraries(all_headers PRIVATE sluice::delta)
"""
COMMAND_SECONDS_MAX = 500


def run(*arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS_MAX)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build = os.environ["SLUICE_BUILD"]
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="sluice-package-"))
        run("cmake", "--install", cls.build, "--prefix", cls.base / "installed", "--component", "delta_library")
        cls.prefix = (cls.base / "installed").rename(cls.base / "moved")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base)

    def build_project(self, source):
        """Returns the folder in which the project is built with the package."""
        folder = self.base / f"build_{source.name}"
        sanitizers = os.environ["SLUICE_SANITIZE"]
        launcher = shutil.which("ccache")
        run("cmake", "-G", "Ninja", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_CXX_COMPILER={os.environ['SLUICE_CXX']}", f"-DCMAKE_CXX_FLAGS={'-fsanitize=' + sanitizers if sanitizers else ''}",
            *([f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"] if launcher else []))
        run("cmake", "--build", folder)
        return folder

    def test_the_example_writes_a_table_that_others_read(self):
        program = self.build_project(EXAMPLE) / "append_reading"
        table = self.base / "readings"
        self.assertEqual(run(program, table, "attic", 30.5), "version 0, 0 files\nappended attic: version 1\n")
        self.assertEqual(run(program, table, "cellar", -1), "version 1, 1 files\n  attic: 30.5\nappended cellar: version 2\n")
        found = deltalake.DeltaTable(str(table))
        self.assertEqual(found.version(), 2)
        rows = deltalake.QueryBuilder().register("t", found).execute("SELECT * FROM t ORDER BY sensor").read_all()
        self.assertEqual([rows.column(name).to_pylist() for name in ("sensor", "celsius")], [["attic", "cellar"], [30.5, -1.0]])
        run(os.environ["SLUICE_BINARY"], "sql", "-c", f"""ATTACH '{self.base}' AS lake (TYPE delta); USE lake;
            ALTER TABLE readings SET ('delta.enableDeletionVectors' = true);
            INSERT INTO readings VALUES ('hall', 20), ('stairs', 18); DELETE FROM readings WHERE sensor IN ('attic', 'hall')""")
        self.assertTrue(list(table.glob("**/deletion_vector_*.bin")))
        self.assertEqual(sorted(run(program, table, "roof", 35).splitlines()),
                         ["  cellar: -1.0", "  stairs: 18.0", "appended roof: version 6", "version 5, 2 files"])

    def test_every_installed_header_compiles(self):
        headers = sorted(path.relative_to(self.prefix / "include" / "sluice") for path in (self.prefix / "include" / "sluice").rglob("*.h"))
        self.assertIn(pathlib.Path("delta/snapshot.h"), headers)
        self.assertFalse([header for header in headers if "internal" in header.parts])
        project = self.base / "all_headers"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(ALL_HEADERS_PROJECT, encoding="utf-8")
        (project / "all_headers.cc").write_text("".join(f'#include "{header}"\n' for header in headers), encoding="utf-8")
        self.build_project(project)

    def test_the_package_names_no_folder_of_this_machine(self):
        for path in self.prefix.rglob("*.cmake"):
            text = path.read_text(encoding="utf-8")
            for folder in (self.build, str(EXAMPLE.parents[1]), str(self.base)):
                self.assertNotIn(folder, text, path.name)


if __name__ == "__main__":
    unittest.main()
