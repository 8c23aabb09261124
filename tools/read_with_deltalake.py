#!/usr/bin/env python3
"""Reads every Delta table of a project with deltalake and compares it, row by row, with what sluice says it holds.

    read_with_deltalake.py --sluice BINARY [--show ROWS] PROJECT

Prints one line per table, and the first ROWS rows of each as deltalake sees them. Exits 0 if columns and rows are the
same in all tables, else 1 with what differs.
"""

import argparse
import collections
import datetime
import decimal
import json
import math
import pathlib
import subprocess
import sys

import deltalake

DIFFERENCES_SHOWN = 5
CELL_WIDTH_MAX = 28


def fraction(text):
    """The text of a time without zeros at the end of its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def canonical(value):
    """Returns a value of either reader in one form: None, bool, Decimal, text, list or dict of these."""
    if value is None or isinstance(value, (bool, str, decimal.Decimal)):
        return value
    if isinstance(value, float):
        return decimal.Decimal(repr(value)) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return decimal.Decimal(value)
    if isinstance(value, datetime.datetime):
        zone = "+00" if value.tzinfo else ""
        return fraction(value.replace(tzinfo=None).isoformat(" ", "microseconds")) + zone
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return "".join(chr(b) if 32 <= b < 127 and chr(b) not in "\\'\"" else f"\\x{b:02X}" for b in value)
    if isinstance(value, dict):
        return {key: canonical(member) for key, member in value.items()}
    if isinstance(value, list) and value and all(isinstance(entry, tuple) for entry in value):  # a MAP
        return {str(key): canonical(member) for key, member in value}
    if isinstance(value, list):
        return [canonical(member) for member in value]
    raise TypeError(f"a value of {type(value)} is not known here")


def row_key(row):
    """Equal for equal rows only; decimals without their zeros at the end."""
    def plain(value):
        if isinstance(value, decimal.Decimal):
            return f"{value.normalize():f}" if value else "0"
        if isinstance(value, dict):
            return {key: plain(member) for key, member in value.items()}
        if isinstance(value, list):
            return [plain(member) for member in value]
        return value if value is None or isinstance(value, bool) else "'" + value
    return json.dumps([plain(value) for value in row], ensure_ascii=False)


def read_with_deltalake(folder):
    """Returns (version, column names, rows)."""
    table = deltalake.DeltaTable(str(folder))
    found = deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()
    columns = [[value.as_py() for value in found.column(name)] for name in found.column_names]
    return table.version(), list(found.column_names), [[canonical(value) for value in row] for row in zip(*columns)]


def read_with_sluice(binary, project, name):
    """Returns (column names, rows)."""
    query = f"SELECT * FROM {name}"
    done = subprocess.run([binary, "sql", "-C", str(project), "--output", "json", "-c", query], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"sluice could not read {name}:\n{done.stderr}")
    records = json.loads(done.stdout, parse_float=decimal.Decimal, object_pairs_hook=list)
    if not records:
        return None, []
    return [key for key, _ in records[0]], [[canonical_json(value) for _, value in record] for record in records]


def canonical_json(value):
    """As canonical(), for JSON whose objects are lists of pairs."""
    if isinstance(value, list) and value and all(isinstance(entry, tuple) for entry in value):
        return {key: canonical_json(member) for key, member in value}
    if isinstance(value, list):
        return [canonical_json(member) for member in value]
    return canonical(value)


def shown(value):
    text = "NULL" if value is None else value if isinstance(value, str) else json.dumps(value, default=float, ensure_ascii=False)
    text = str(value) if isinstance(value, decimal.Decimal) else text
    return text if len(text) <= CELL_WIDTH_MAX else text[:CELL_WIDTH_MAX - 1] + "…"


def print_rows(columns, rows, count):
    cells = [columns] + [[shown(value) for value in row] for row in sorted(rows, key=row_key)[:count]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("    " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    if len(rows) > count:
        print(f"    … {len(rows) - count} more")
    print()


def compare(name, delta_rows, sluice_rows):
    """Prints what one reader has and the other has not. Returns whether there is nothing."""
    ours = collections.Counter(row_key(row) for row in sluice_rows)
    theirs = collections.Counter(row_key(row) for row in delta_rows)
    for reader, extra in (("deltalake", theirs - ours), ("sluice", ours - theirs)):
        for key, copies in list(extra.items())[:DIFFERENCES_SHOWN]:
            print(f"  {name}: only {reader} sees ({copies}x) {key}")
    return ours == theirs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("project", type=pathlib.Path)
    arguments = parser.parse_args()
    folders = sorted(log.parent for log in (arguments.project / "lake").glob("*/*/_delta_log"))
    if not folders:
        sys.exit(f"there is no Delta table under {arguments.project}/lake")
    same = True
    for folder in folders:
        name = f'{folder.parent.name}."{folder.name}"'
        version, columns, delta_rows = read_with_deltalake(folder)
        sluice_columns, sluice_rows = read_with_sluice(arguments.sluice, arguments.project, name)
        equal = compare(name, delta_rows, sluice_rows)
        if sluice_columns is not None and sluice_columns != columns:
            print(f"  {name}: deltalake sees columns {columns}, sluice {sluice_columns}")
            equal = False
        print(f"{name.replace(chr(34), ''):28} version {version:<3} {len(delta_rows):>6} rows  {'the same in both' if equal else 'DIFFERENT'}")
        if arguments.show:
            print_rows(columns, delta_rows, arguments.show)
        same = same and equal
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
