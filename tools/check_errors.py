#!/usr/bin/env python3
"""Checks that the error numbers used in src/ and the pages of docs/errors.md are the same set.

    check_errors.py [--root DIR]

A number is used where an Error is made (`with_number(4101)`), or where the name that a header error_numbers.h gives it stands
in a source. Every page has a title and a part that begins with "**Do:**". Exits 0 if all is well, else 1 with what is
missing.
"""

import argparse
import pathlib
import re
import sys

DIRECT = re.compile(r"with_number\(\s*(\d+)\s*\)")
LISTED = re.compile(r"^\s*(?:inline constexpr std::uint32_t )?([A-Za-z]\w*) = (\d{3,4})\s*[,;]", re.MULTILINE)
MENTIONED = re.compile(r"(?:::|\b(?=k[A-Z]))(\w+)")
PAGE = re.compile(r"^### (SLU(\d{4})): (.+)\n((?:(?!^#).*\n?)*)", re.MULTILINE)


def used_numbers(root):
    """Returns number → a file that uses it."""
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in sorted((root / "src").rglob("*"))
             if path.suffix in (".cc", ".h") and not path.name.endswith("_test.cc")}
    used = {}
    names = {}
    for path, text in texts.items():
        if path.name == "error_numbers.h":
            names |= {name: int(number) for name, number in LISTED.findall(text)}
        for number in DIRECT.findall(text):
            used.setdefault(int(number), path)
    for path, text in texts.items():
        if path.name != "error_numbers.h":
            for name in names.keys() & set(MENTIONED.findall(text)):
                used.setdefault(names[name], path)
    return used


def findings(root):
    used = used_numbers(root)
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    pages = PAGE.findall(text)
    numbers = [int(number) for _, number, _, _ in pages]
    found = [f"{used[number]}: SLU{number:04} has no page in docs/errors.md" for number in sorted(set(used) - set(numbers))]
    found += [f"docs/errors.md: nothing uses SLU{number:04}" for number in sorted(set(numbers) - set(used))]
    found += [f"docs/errors.md: SLU{after:04} stands behind SLU{before:04}" for before, after in zip(numbers, numbers[1:])
              if after <= before]
    for code, _, title, body in pages:
        what, _, do = body.partition("**Do:**")
        if not title.strip() or not do.strip():
            found.append(f"docs/errors.md: {code} does not say what to do")
        elif "###" in what:
            found.append(f"docs/errors.md: {code} holds another heading")
    if len(re.findall(r"^### ", text, re.MULTILINE)) != len(pages):
        found.append("docs/errors.md: a heading of third level is no page: want '### SLUnnnn: title'")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    found = findings(parser.parse_args().root)
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
