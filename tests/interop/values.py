"""Types and values of Delta tables in one form, whichever engine they come from.

A type is the text that Delta's schema has for it ("long", "decimal(10,2)", "timestamp_ntz") or, nested, a tuple:
("array", element), ("map", key, value), ("struct", ((name, type), ...)). A value is None, bool, int or text, or a tuple of
values: floating-point numbers are the shortest text that gives them back ("-0.0", "nan"), decimals text with all digits of
their scale, binary hexadecimal text, dates days and timestamps microseconds since 1970. Equal values are equal in every
bit, and values that differ in one are not.
"""

import datetime
import decimal
import re
import struct

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
DAY_MICROSECONDS = 86_400_000_000
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
MOMENT = re.compile(r"(\d+)-(\d\d)-(\d\d)( \(BC\))?(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?( \(BC\))?(\+00)?")
DUCKDB_TYPES = {
    "BOOLEAN": "boolean", "TINYINT": "byte", "SMALLINT": "short", "INTEGER": "integer", "BIGINT": "long",
    "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "string", "BLOB": "binary", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz", "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def type_of_delta(schema):
    """Returns the type that a part of Delta's schema in JSON, already parsed, stands for."""
    if isinstance(schema, str):
        return schema.replace(" ", "")
    if schema["type"] == "array":
        return ("array", type_of_delta(schema["elementType"]))
    if schema["type"] == "map":
        return ("map", type_of_delta(schema["keyType"]), type_of_delta(schema["valueType"]))
    return ("struct", tuple((field["name"], type_of_delta(field["type"])) for field in schema["fields"]))


def type_of_duckdb(text):
    """Returns the type that DuckDB's name for one stands for."""
    found, rest = parse_duckdb(text)
    if rest:
        raise ValueError(f"what is '{rest}' in the type {text}?")
    return found


def parse_duckdb(text):
    """Returns (the type that the text begins with, the rest of the text)."""
    if text.startswith("STRUCT("):
        members, rest = [], text[len("STRUCT("):]
        while not rest.startswith(")"):
            name, rest = re.fullmatch(r'("(?:[^"]|"")*"|\w+) (.*)', rest.removeprefix(", "), re.DOTALL).groups()
            member, rest = parse_duckdb(rest)
            members.append((name[1:-1].replace('""', '"') if name.startswith('"') else name, member))
        found, rest = ("struct", tuple(members)), rest[1:]
    elif text.startswith("MAP("):
        key, rest = parse_duckdb(text[len("MAP("):])
        value, rest = parse_duckdb(rest.removeprefix(", "))
        found, rest = ("map", key, value), rest[1:]
    elif text.startswith("DECIMAL("):
        found, rest = re.fullmatch(r"(DECIMAL\(\d+,\d+\))(.*)", text, re.DOTALL).groups()
        found = found.lower()
    else:
        name, rest = re.fullmatch(r"(TIMESTAMP WITH TIME ZONE|\w+)(.*)", text, re.DOTALL).groups()
        found = DUCKDB_TYPES[name]
    while rest.startswith("[]"):
        found, rest = ("array", found), rest[2:]
    return found, rest


def canonical(value, kind):
    """Returns a value of type `kind`, as Python has it from JSON, Spark or Arrow, in the one form."""
    if value is None:
        return None
    if isinstance(kind, tuple):
        return canonical_nested(value, kind)
    scale = DECIMAL.fullmatch(kind)
    if scale:
        return canonical_decimal(decimal.Decimal(value), int(scale[2]))
    return CANONICAL[kind](value)


def canonical_nested(value, kind):
    if kind[0] == "array":
        return tuple(canonical(element, kind[1]) for element in value)
    if kind[0] == "struct":
        return tuple(canonical(value[name], member) for name, member in kind[1])
    entries = value.items() if isinstance(value, dict) else value
    return tuple(sorted(((canonical(key, kind[1]), canonical(entry, kind[2])) for key, entry in entries), key=repr))


def canonical_decimal(value, scale):
    exact = value.quantize(decimal.Decimal(1).scaleb(-scale), context=decimal.Context(prec=60, traps=[decimal.Inexact]))
    return f"{exact if exact else exact.copy_abs():f}"


def canonical_float(value):
    """Of a number, or text of one, the number of 32 bits that it is."""
    return repr(struct.unpack("f", struct.pack("f", float(value)))[0])


def canonical_boolean(value):
    return {True: True, False: False, "true": True, "false": False}[value]


def canonical_binary(value):
    if isinstance(value, str):  # DuckDB's text: what is not plain ASCII stands as \xAB
        value = re.sub(rb"\\x([0-9A-F]{2})", lambda byte: bytes.fromhex(byte[1].decode()), value.encode("ascii"))
    return bytes(value).hex()


def canonical_date(value):
    if isinstance(value, datetime.date):
        return value.toordinal() - EPOCH_DAY
    return value if isinstance(value, int) else microseconds(value) // DAY_MICROSECONDS


def canonical_timestamp(value):
    if isinstance(value, datetime.datetime):
        past = value.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)
        return past // datetime.timedelta(microseconds=1)
    return value if isinstance(value, int) else microseconds(value)


def microseconds(text):
    """Returns the time since 1970 of a date or timestamp as DuckDB writes them, of any year."""
    year, month, day, before, hour, minute, second, fraction, before_too, _ = MOMENT.fullmatch(text).groups()
    year = 1 - int(year) if before or before_too else int(year)
    # The calendar is the same every 400 years, which have 146,097 days; Python's begins with year 1.
    ages, year = divmod(year - 1, 400)
    days = ages * 146_097 + datetime.date(year + 1, int(month), int(day)).toordinal() - EPOCH_DAY
    seconds = int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    return (days * 86_400 + seconds) * 1_000_000 + int((fraction or "").ljust(6, "0"))


CANONICAL = {
    "boolean": canonical_boolean, "byte": int, "short": int, "integer": int, "long": int, "float": canonical_float,
    "double": lambda value: repr(float(value)), "string": str, "binary": canonical_binary, "date": canonical_date,
    "timestamp": canonical_timestamp, "timestamp_ntz": canonical_timestamp,
}
