"""For `=== python` sections of scripts: rows as deltalake takes them."""

from arro3.core import Array, DataType, Field, Schema, Table

TYPES = {int: DataType.int64(), str: DataType.string(), float: DataType.float64(), bool: DataType.bool()}


def rows(**columns):
    """Returns a table with the columns, each a list of values of one type; None is NULL. Integers are 64 bits wide."""
    arrays, fields = [], []
    for name, values in columns.items():
        kind = next((type(value) for value in values if value is not None), str)
        arrays.append(Array(values, type=TYPES[kind]))
        fields.append(Field(name, TYPES[kind], nullable=True))
    return Table.from_arrays(arrays, schema=Schema(fields))
