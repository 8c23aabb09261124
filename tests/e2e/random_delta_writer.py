"""The part of random_delta_test.py that runs where deltalake is: does what each line of stdin says, and answers."""

import json
import sys

import deltalake

from arrow_rows import rows


def table_of(values):
    return rows(id=[row[0] for row in values], kind=[row[1] for row in values], amount=[row[2] for row in values])


def merge(path, values):
    (deltalake.DeltaTable(path).merge(table_of(values), "t.id = s.id", source_alias="s", target_alias="t")
     .when_matched_update_all().when_not_matched_insert_all().execute())


def do(operation):
    path = "tables/" + operation["table"]
    what = operation["what"]
    if what == "create":
        deltalake.write_deltalake(path, table_of(operation["rows"]), **operation["options"])
    elif what == "append":
        deltalake.write_deltalake(path, table_of(operation["rows"]), mode="append")
    elif what == "overwrite":
        deltalake.write_deltalake(path, table_of(operation["rows"]), mode="overwrite",
                                  predicate=operation.get("predicate"))
    elif what == "delete":
        deltalake.DeltaTable(path).delete(operation["condition"])
    elif what == "update":
        deltalake.DeltaTable(path).update(predicate=operation["condition"], updates={"amount": operation["amount"]})
    elif what == "merge":
        merge(path, operation["rows"])
    elif what == "compact":
        deltalake.DeltaTable(path).optimize.compact()
    else:
        raise ValueError(what)


for line in sys.stdin:
    try:
        do(json.loads(line))
        print("done", flush=True)
    except Exception as error:  # whatever it is, the test shows it
        print(repr(error), flush=True)
