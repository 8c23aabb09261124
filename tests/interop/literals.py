"""SQL expressions for values in the one form of `values.py`, in the dialect of each engine."""

import values


class Dialect:
    """How an engine writes a value in SQL. NULLs and nested values get their type by a cast where it is needed."""

    types = {"byte": "TINYINT", "short": "SMALLINT", "integer": "INT", "long": "BIGINT", "string": "STRING"}

    def type_name(self, kind):
        return self.types.get(kind, kind.upper())

    def literal(self, value, kind):
        if isinstance(kind, tuple):
            return self.null(kind) if value is None else self.nested(value, kind)
        if value is None:
            return self.null(kind)
        if kind in ("date", "timestamp", "timestamp_ntz"):
            return self.moment(value, kind)
        if kind == "string":
            return self.string(value)
        if kind == "binary":
            return self.binary(value)
        return f"CAST('{str(value).lower()}' AS {self.type_name(kind)})"

    def null(self, kind):
        return f"CAST(NULL AS {self.type_name(kind)})"

    def string(self, value):
        return "'" + value.replace("'", "''") + "'"

    def binary(self, value):
        return f"X'{value}'"

    def members(self, value, kind):
        return ((name, self.literal(member, inner)) for (name, inner), member in zip(kind[1], value))

    def row(self, row, kind):
        """Returns the columns of a SELECT that gives the row."""
        return ", ".join(f"{text} AS {name}" for name, text in self.members(row, kind))

    def rows(self, rows, kind):
        """Returns a query that gives the rows; there must be one."""
        return " UNION ALL ".join(f"SELECT {self.row(row, kind)}" for row in rows)


class SparkDialect(Dialect):
    def rows(self, rows, kind):
        return f"SELECT /*+ COALESCE(1) */ * FROM ({super().rows(rows, kind)})"  # else each row is a file of its own

    def type_name(self, kind):
        if isinstance(kind, str):
            return super().type_name(kind)
        if kind[0] == "struct":
            return f"STRUCT<{', '.join(f'{name}: {self.type_name(member)}' for name, member in kind[1])}>"
        return f"{kind[0].upper()}<{', '.join(map(self.type_name, kind[1:]))}>"

    def moment(self, value, kind):
        if kind == "date":
            return f"date_from_unix_date({value})"
        return f"CAST(timestamp_micros({value}) AS {kind.upper()})"

    def string(self, value):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def nested(self, value, kind):
        if kind[0] == "array":
            text = f"array({', '.join(self.literal(element, kind[1]) for element in value)})"
        elif kind[0] == "struct":
            text = f"named_struct({', '.join(f'{self.string(name)}, {text}' for name, text in self.members(value, kind))})"
        else:
            entries = (part for key, entry in value for part in (self.literal(key, kind[1]), self.literal(entry, kind[2])))
            text = f"map({', '.join(entries)})"
        return f"CAST({text} AS {self.type_name(kind)})"


class DuckDBDialect(Dialect):
    types = Dialect.types | {"string": "VARCHAR", "binary": "BLOB", "timestamp": "TIMESTAMPTZ", "timestamp_ntz": "TIMESTAMP"}

    def type_name(self, kind):
        if isinstance(kind, str):
            return super().type_name(kind)
        if kind[0] == "struct":
            return f"STRUCT({', '.join(f'{name} {self.type_name(member)}' for name, member in kind[1])})"
        if kind[0] == "array":
            return self.type_name(kind[1]) + "[]"
        return f"MAP({self.type_name(kind[1])}, {self.type_name(kind[2])})"

    def rows(self, rows, kind):
        """One list, so that one thread has all rows and writes one file."""
        lines = ", ".join(f"({', '.join(text for _, text in self.members(row, kind))})" for row in rows)
        return f"SELECT * FROM (VALUES {lines}) given({', '.join(name for name, _ in kind[1])})"

    def moment(self, value, kind):
        if kind == "date":
            return f"(DATE '1970-01-01' + {value})::DATE"
        return f"make_timestamptz({value})" if kind == "timestamp" else f"make_timestamp({value})"

    def binary(self, value):
        return f"from_hex('{value}')"

    def nested(self, value, kind):
        if kind[0] == "array":
            text = f"[{', '.join(self.literal(element, kind[1]) for element in value)}]"
        elif kind[0] == "struct":
            text = f"struct_pack({', '.join(f'{name} := {text}' for name, text in self.members(value, kind))})"
        else:
            text = f"MAP {{{', '.join(f'{self.literal(k, kind[1])}: {self.literal(v, kind[2])}' for k, v in value)}}}"
        return f"CAST({text} AS {self.type_name(kind)})"


class DataFusionDialect(Dialect):
    """What delta-rs has as SQL. Its types are Arrow's."""

    types = {
        "boolean": "Boolean", "byte": "Int8", "short": "Int16", "integer": "Int32", "long": "Int64", "float": "Float32",
        "double": "Float64", "string": "Utf8", "binary": "Binary", "date": "Date32",
        "timestamp": 'Timestamp(Microsecond, Some("UTC"))', "timestamp_ntz": "Timestamp(Microsecond, None)",
    }

    def type_name(self, kind):
        if isinstance(kind, str):
            return kind.replace("decimal", "Decimal128").replace(",", ", ") if values.DECIMAL.fullmatch(kind) else self.types[kind]
        if kind[0] == "struct":
            return f"Struct({', '.join(f'{chr(34)}{name}{chr(34)}: {self.type_name(member)}' for name, member in kind[1])})"
        return f"List({self.type_name(kind[1])})"

    def cast(self, text, kind):
        return f"arrow_cast({text}, '{self.type_name(kind)}')"

    def null(self, kind):
        return self.cast("NULL", kind)

    def literal(self, value, kind):
        text = super().literal(value, kind) if isinstance(kind, tuple) or value is None or kind in ("string", "binary") else \
            self.cast(str(value).lower() if kind in ("date", "timestamp", "timestamp_ntz") else f"'{str(value).lower()}'", kind)
        if kind == "date" and value is not None:
            text = self.cast(self.cast(str(value), "integer"), kind)
        return text

    def nested(self, value, kind):
        if kind[0] == "array":
            text = f"make_array({', '.join(self.literal(element, kind[1]) for element in value)})"
        else:
            text = f"named_struct({', '.join(f'{self.string(name)}, {text}' for name, text in self.members(value, kind))})"
        return self.cast(text, kind)
