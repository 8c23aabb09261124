#!/usr/bin/env python3
"""`sluice explain SLUnnnn` knows every code that a document names.

Environment: SLUICE_BINARY.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def named_codes():
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/*/README.md")]
    return sorted({code for path in documents for code in re.findall(r"SLU\d{4}", path.read_text(encoding="utf-8"))})


def main():
    codes = named_codes()
    wrong = [] if len(codes) > 100 else [f"only {len(codes)} codes are named"]
    for code in codes:
        done = subprocess.run([os.environ["SLUICE_BINARY"], "explain", code], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not done.stdout.startswith(f"### {code}: ") or "**Do:**" not in done.stdout:
            wrong.append(f"explain {code}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    for finding in wrong:
        print(finding)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
