"""One table that Spark, delta-rs and sluice change in turn, at random. All read it after every step.

What must be there is kept as rows in Python, on which each step is done as well: three readers that agree could still
agree on the mistake of a writer. A step that a writer refuses must leave the table as it was.
"""

import collections
import os
import random

from engines import Refused, Rows, newest_version
from suite import InteropTest

STEPS = 20
KIND = ("struct", (
    ("id", "long"), ("n", "integer"), ("amount", "decimal(12,2)"), ("ratio", "double"), ("name", "string"),
    ("data", "binary"), ("day", "date"), ("moment", "timestamp"), ("yes", "boolean"), ("tags", ("array", "string")),
    ("place", ("struct", (("town", "string"), ("zip", "integer")))),
))
# Conditions that all three understand, and what they mean; of no value, none is true.
CONDITIONS = {
    "id % 3 = 1": lambda row: row["id"] % 3 == 1,
    "id % 5 = 2": lambda row: row["id"] % 5 == 2,
    "n > 5": lambda row: row["n"] is not None and row["n"] > 5,
    "n IS NULL": lambda row: row["n"] is None,
    "name = 'b''c'": lambda row: row["name"] == "b'c",
    "yes AND id % 2 = 0": lambda row: row["yes"] is True and row["id"] % 2 == 0,
    "day IS NULL": lambda row: row["day"] is None,
    "id < 0": lambda row: False,
}
UPDATES = {
    "n": ("n + 1", lambda row: None if row["n"] is None else row["n"] + 1),
    "name": ("'new'", lambda row: "new"),
    "yes": ("NOT yes", lambda row: None if row["yes"] is None else not row["yes"]),
}
LATER_COLUMNS = [("later_number", "long"), ("later_text", "string"), ("later_day", "date")]
PROPERTIES = [("delta.enableDeletionVectors", "true"), ("delta.enableDeletionVectors", "false"),
              ("delta.enableChangeDataFeed", "true"), ("delta.enableChangeDataFeed", "false")]


class Model:
    """The rows that must be in the table, as dictionaries by column."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.kind = KIND
        self.rows = []
        self.next_id = 0

    def value(self, kind):
        draw = self.random.choice
        if kind == "long":
            return draw([None, 0, -1, 2**63 - 1, 9_007_199_254_740_993])
        if kind == "string":
            return draw([None, "", "a", "b'c", "ü\\n%", "x" * 40])
        if kind == "date":
            return draw([None, 0, 19_782, 19_783])
        return draw({
            "integer": [None, 0, 5, 6, -7, 1_000_000], "decimal(12,2)": [None, "0.00", "-0.01", "9999999999.99"],
            "double": [None, "0.0", "-0.0", "nan", "1e+300", "0.1"], "binary": [None, "", "00ff"],
            "timestamp": [None, 0, -1, 1_709_208_000_123_456], "boolean": [None, True, False],
            ("array", "string"): [None, (), ("a", None)],
        }.get(kind, [None, ("ulm", 89_073), (None, None)]))

    def new_row(self, row_id=None):
        if row_id is None:
            row_id, self.next_id = self.next_id, self.next_id + 1
        return {name: row_id if name == "id" else self.value(kind) for name, kind in self.kind[1]}

    def new_rows(self):
        return [self.new_row() for _ in range(self.random.randint(1, 6))]

    def tuples(self, rows):
        return [tuple(row[name] for name, _ in self.kind[1]) for row in rows]

    def expected(self):
        return Rows("the model", self.kind, collections.Counter(self.tuples(self.rows)))

    def add_column(self, name, kind):
        self.kind = ("struct", self.kind[1] + ((name, kind),))
        for row in self.rows:
            row[name] = None

    def rename_column(self, name, new_name):
        self.kind = ("struct", tuple((new_name if column == name else column, kind) for column, kind in self.kind[1]))
        self.rows = [{new_name if column == name else column: value for column, value in row.items()} for row in self.rows]

    def drop_column(self, name):
        self.kind = ("struct", tuple((column, kind) for column, kind in self.kind[1] if column != name))
        self.rows = [{column: value for column, value in row.items() if column != name} for row in self.rows]

    def state(self):
        return self.kind, [dict(row) for row in self.rows]


class Steps:
    """The steps: each asks an engine for a change, and then does it on the model. Returns what it was, for people."""

    def __init__(self, model, folder):
        self.model = model
        self.folder = folder
        self.past = {}  # what may be restored: version to state of the model

    def remember(self):
        self.past[newest_version(self.folder)] = self.model.state()

    def append(self, engine):
        rows = self.model.new_rows()
        engine.append(self.folder, self.model.tuples(rows), self.model.kind)
        self.model.rows += rows
        return f"append {len(rows)} rows"

    def overwrite(self, engine):
        rows = self.model.new_rows()
        engine.overwrite(self.folder, self.model.tuples(rows), self.model.kind)
        self.model.rows = rows
        return f"overwrite by {len(rows)} rows"

    def delete(self, engine):
        condition, holds = self.model.random.choice(list(CONDITIONS.items()))
        engine.delete(self.folder, condition)
        self.model.rows = [row for row in self.model.rows if not holds(row)]
        return f"delete where {condition}"

    def update(self, engine):
        condition, holds = self.model.random.choice(list(CONDITIONS.items()))
        columns = self.model.random.sample(sorted(UPDATES), 2)
        engine.update(self.folder, {column: UPDATES[column][0] for column in columns}, condition)
        for row in filter(holds, self.model.rows):
            row.update({column: UPDATES[column][1](row) for column in columns})
        return f"update {', '.join(columns)} where {condition}"

    def merge(self, engine):
        known = [row["id"] for row in self.model.rows]
        changed = self.model.random.sample(known, min(3, len(known)))
        rows = [self.model.new_row(row_id) for row_id in changed] + self.model.new_rows()
        engine.merge(self.folder, self.model.tuples(rows), self.model.kind)
        self.model.rows = [row for row in self.model.rows if row["id"] not in changed] + rows
        return f"merge {len(changed)} rows that are there and {len(rows) - len(changed)} new ones"

    def optimize(self, engine):
        engine.optimize(self.folder)
        return "optimize"

    def z_order(self, engine):
        engine.z_order(self.folder, "id")
        return "optimize by z-order"

    def vacuum(self, engine):
        engine.vacuum(self.folder)
        self.past.clear()
        return "vacuum"

    def restore(self, engine):
        newest = newest_version(self.folder)
        candidates = [version for version in self.past if version != newest]
        if not candidates:
            return self.append(engine)
        version = self.model.random.choice(candidates)
        engine.restore(self.folder, version)
        self.model.kind, rows = self.past[version]
        self.model.rows = [dict(row) for row in rows]
        return f"restore version {version}"

    def add_column(self, engine):
        names = {name for name, _ in self.model.kind[1]}
        left = [column for column in LATER_COLUMNS if column[0] not in names]
        if not left:
            return self.append(engine)
        engine.add_column(self.folder, *left[0])
        self.model.add_column(*left[0])
        return f"add column {left[0][0]}"

    def late_column(self):
        """Returns a column that no condition names, None if there is none."""
        names = {name for name, _ in KIND[1]}
        return self.model.random.choice([name for name, _ in self.model.kind[1] if name not in names] or [None])

    def rename_column(self, engine):
        name = self.late_column()
        if name is None:
            return self.add_column(engine)
        new_name = f"renamed_{newest_version(self.folder)}"
        engine.rename_column(self.folder, name, new_name)
        self.model.rename_column(name, new_name)
        return f"rename column {name} to {new_name}"

    def drop_column(self, engine):
        name = self.late_column()
        if name is None:
            return self.add_column(engine)
        engine.drop_column(self.folder, name)
        self.model.drop_column(name)
        return f"drop column {name}"

    def set_property(self, engine):
        key, value = self.model.random.choice(PROPERTIES)
        engine.set_property(self.folder, key, value)
        return f"set {key} = {value}"


WEIGHTS = {"append": 4, "overwrite": 1, "delete": 4, "update": 4, "merge": 4, "optimize": 1, "z_order": 1, "vacuum": 1,
           "add_column": 1, "set_property": 3, "restore": 1}
MAPPED_WEIGHTS = WEIGHTS | {"add_column": 3, "rename_column": 3, "drop_column": 2}


# What an engine may refuse, by words of its refusal; anything else is a failure.
REFUSALS = {
    "Spark": [],
    "delta-rs": [],
    "sluice": [],
}


class ForeignWritesTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SLUICE_INTEROP_SEED", "1"))
        self.history = [f"SLUICE_INTEROP_SEED={self.seed}"]

    def tearDown(self):
        if self.fault_count() != self.faults_before:
            print("\n".join(["", *self.history]))
        super().tearDown()

    def assert_all_see(self, model, folder, what):
        for engine in (self.spark, self.delta_rs, self.sluice):
            self.assert_same(model.expected(), engine.read(folder), f"{what}, read by {engine.name}")
        self.assert_sound(folder, what)

    def take_step(self, steps, name, engine):
        """Returns whether the engine did it."""
        version = newest_version(steps.folder)
        try:
            what, done = getattr(steps, name)(engine), True
        except Refused as refusal:
            what, done = f"{name}: refused: {refusal}", False
            self.assertEqual(newest_version(steps.folder), version, what)
            self.assertTrue(any(words in str(refusal) for words in REFUSALS[engine.name]), f"{engine.name}: {what}")
        self.history.append(f"{len(self.history) - 1}. {engine.name}: {what}")
        return done

    def take_turns(self, creator, writers=None, weights=WEIGHTS, properties=()):
        model = Model(f"{self.seed} {creator.name}{len(properties) or ''}")
        folder = self.base / creator.name
        writers = writers or (self.spark, self.delta_rs, self.sluice)
        model.rows = [model.new_row() for _ in range(8)]
        creator.create(folder, model.tuples(model.rows), model.kind, "day")
        for key, value in properties:
            creator.set_property(folder, key, value)
        self.assert_all_see(model, folder, f"created by {creator.name}")
        steps = Steps(model, folder)
        steps.remember()
        done = collections.Counter()
        for _ in range(STEPS):
            name = model.random.choices(list(weights), weights.values())[0]
            engine = model.random.choice([each for each in writers if hasattr(each, name)])
            done[engine.name] += self.take_step(steps, name, engine)
            self.assert_all_see(model, folder, self.history[-1])
            steps.remember()
        self.assertEqual({name for name, count in done.items() if count}, {each.name for each in writers}, "an engine did nothing")

    def test_a_table_of_spark(self):
        self.take_turns(self.spark)

    def test_a_table_of_delta_rs(self):
        self.take_turns(self.delta_rs)

    def test_a_table_of_sluice(self):
        self.take_turns(self.sluice)

    def test_a_table_with_column_mapping(self):
        """delta-rs reads such tables and does not write them."""
        self.take_turns(self.sluice, (self.spark, self.sluice), MAPPED_WEIGHTS,
                        [("delta.columnMapping.mode", "name"), ("delta.enableDeletionVectors", "true")])
