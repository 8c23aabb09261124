#!/usr/bin/env python3
"""Packs golden tables into archives, one each, and unpacks them again.

archive.py pack TABLE...   packs each folder .../<group>/<name> to <group>/<name>.tar.xz beside this file. Equal tables
                           give equal bytes: entries are sorted, without owners and times. What Hadoop leaves beside
                           files it wrote (checksums, _SUCCESS) stays out of the Delta project's tables.
archive.py unpack FOLDER   makes FOLDER hold what the archives hold, as <group>/<name>/; touches only tables whose
                           archive changed, and takes away those that have none. __TABLE_ROOT__ in a log becomes the
                           absolute path of its table, as a URI writes it.
"""

import hashlib
import io
import lzma
import pathlib
import shutil
import sys
import tarfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PLACEHOLDER = b"__TABLE_ROOT__"
DIGEST = ".archive"  # in an unpacked table: which archive it came from


def belongs(path, group):
    is_left_over = path.name == "_SUCCESS" or (path.name.startswith(".") and path.name.endswith(".crc"))
    return not (group == "golden" and is_left_over)


def pack(table):
    group, name = table.parent.name, table.name
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(table.rglob("*"), key=lambda each: each.relative_to(table).parts):
            if not belongs(path, group):
                continue
            entry = tarfile.TarInfo(str(path.relative_to(table)))
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size = path.stat().st_size
                archive.addfile(entry, io.BytesIO(path.read_bytes()))
    target = HERE / group / f"{name}.tar.xz"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(lzma.compress(content.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def put_root(table):
    root = urllib.parse.quote(str(table / "delta")).encode()
    for log in sorted((table / "delta").glob("_delta_log/*.json")):
        text = log.read_bytes()
        if PLACEHOLDER in text:
            log.write_bytes(text.replace(PLACEHOLDER, root))


def unpack(folder):
    folder = folder.resolve()
    archives = sorted(HERE.glob("*/*.tar.xz"))
    wanted = {folder / path.parent.name / path.name.removesuffix(".tar.xz"): path for path in archives}
    for table in sorted(folder.glob("*/*/")):
        if table not in wanted:
            shutil.rmtree(table)
    for table, path in wanted.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        marker = table / DIGEST
        if marker.exists() and marker.read_text() == digest:
            continue
        if table.exists():
            shutil.rmtree(table)
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress(content))) as archive:
            archive.extractall(table)
        put_root(table)
        marker.write_text(digest)


def main():
    if len(sys.argv) >= 3 and sys.argv[1] == "pack":
        for table in sys.argv[2:]:
            pack(pathlib.Path(table).resolve())
    elif len(sys.argv) == 3 and sys.argv[1] == "unpack":
        unpack(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
