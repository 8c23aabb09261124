"""Three implementations of Delta Lake behind one interface: Spark with delta-spark, delta-rs, and sluice.

Each reads a table as `Rows`: its type and its rows in the one form of `values.py`. Each changes a table by the same few
verbs; a condition is an SQL text that all three understand. What an engine does not do it refuses, as `Refused` with its own
words: then the table is as it was, which callers check.
"""

import collections
import dataclasses
import json
import logging
import os
import pathlib
import subprocess

import literals
import values

DIFFERENCES_SHOWN = 5
TEXT_SHOWN = 300
COMMAND_SECONDS_MAX = 120


class Refused(Exception):
    """An engine does not do what was asked of it; the text is the engine's."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """What one engine finds in a table."""

    engine: str
    kind: tuple  # ("struct", …)
    bag: collections.Counter

    @staticmethod
    def of(engine, kind, rows):
        """`rows` are mappings from column to value."""
        return Rows(engine, kind, collections.Counter(values.canonical(row, kind) for row in rows))

    def difference(self, other):
        """Returns the lines that say what differs, none if nothing does."""
        if self.kind != other.kind:
            return [f"{rows.engine} sees columns {columns_text(rows.kind)}" for rows in (self, other)]
        lines = []
        for found, more in ((self, self.bag - other.bag), (other, other.bag - self.bag)):
            for row, copies in sorted(more.items(), key=repr)[:DIFFERENCES_SHOWN]:
                lines.append(f"only {found.engine} sees ({copies}x) {row_text(row, self.kind)}")
            if len(more) > DIFFERENCES_SHOWN:
                lines.append(f"only {found.engine} sees {len(more) - DIFFERENCES_SHOWN} more")
        return lines


def with_change_type(kind):
    """Returns the type of a table's change data feed, as far as it does not depend on who wrote it and when."""
    return ("struct", (*kind[1], ("_change_type", "string")))


def columns_text(kind):
    return ", ".join(f"{name} {member}" for name, member in kind[1])


def row_text(row, kind):
    return ", ".join(f"{name}={value!r}" for (name, _), value in zip(kind[1], row))


def newest_version(folder):
    return max(int(path.stem) for path in (pathlib.Path(folder) / "_delta_log").glob("*.json") if path.stem.isdecimal())


def without_frames(error):
    return "\n".join(line for line in str(error).splitlines() if not line.startswith("\tat "))


class Spark:
    """Spark with delta-spark, in a Java process of its own. There is one at a time: make one for a whole suite."""

    name = "Spark"
    dialect = literals.SparkDialect()

    def __init__(self, dependencies, scratch):
        os.environ["SPARK_HOME"] = str(dependencies / "pyspark" / "deps")
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        # Says every refused statement once more, with the stack of all Java frames.
        logging.getLogger("SQLQueryContextLogger").disabled = True
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession, types

        self.exceptions = (PySparkException, Py4JError)
        # Python's own dates end with the year 9999: take them as numbers, of days and microseconds.
        for kind in (types.DateType, types.TimestampType, types.TimestampNTZType):
            kind.fromInternal = lambda self, value: value
        builder = SparkSession.builder.master("local[2]")
        for key, value in self.settings(dependencies, scratch).items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")

    @staticmethod
    def settings(dependencies, scratch):
        """Small tables are quicker without code generation and with one partition. Vacuum may take files of any age."""
        return {
            "spark.jars": ",".join(map(str, sorted((dependencies / "delta-spark" / "jars").glob("*.jar")))),
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.local.dir": str(scratch),
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",  # VACUUM makes that many tasks
            "spark.databricks.delta.snapshotPartitions": "1",
            "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        }

    def stop(self):
        self.session.stop()

    def sql(self, text):
        """Runs one statement and returns its rows."""
        try:
            return self.session.sql(text).collect()
        except self.exceptions as error:
            raise Refused(f"{text[:TEXT_SHOWN]}: {without_frames(error)}") from error

    def read(self, folder, version=None, condition=None):
        reader = self.session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        try:
            frame = reader.load(str(folder))
            kind = values.type_of_delta(frame.schema.jsonValue())
            return Rows.of(self.name, kind, (frame.where(condition) if condition else frame).collect())
        except self.exceptions as error:
            raise Refused(f"read {folder}: {without_frames(error)}") from error

    def changes(self, folder, version, kind):
        """Returns the change data feed of one version; `kind` is the table's."""
        reader = self.session.read.format("delta").option("readChangeFeed", "true")
        try:
            frame = reader.option("startingVersion", version).option("endingVersion", version).load(str(folder))
            kind = with_change_type(kind)
            return Rows.of(self.name, kind, frame.select(*[f"`{name}`" for name, _ in kind[1]]).collect())
        except self.exceptions as error:
            raise Refused(f"read the changes of {folder}: {without_frames(error)}") from error

    def create(self, folder, rows, kind, partition):
        self.sql(f"CREATE TABLE delta.`{folder}` USING delta PARTITIONED BY ({partition}) AS {self.dialect.rows(rows, kind)}")

    def append(self, folder, rows, kind):
        self.sql(f"INSERT INTO delta.`{folder}` BY NAME {self.dialect.rows(rows, kind)}")

    def overwrite(self, folder, rows, kind):
        self.sql(f"INSERT OVERWRITE delta.`{folder}` BY NAME {self.dialect.rows(rows, kind)}")

    def delete(self, folder, condition):
        self.sql(f"DELETE FROM delta.`{folder}` WHERE {condition}")

    def update(self, folder, assignments, condition):
        self.sql(f"UPDATE delta.`{folder}` SET {assigned(assignments)} WHERE {condition}")

    def merge(self, folder, rows, kind):
        self.sql(f"MERGE INTO delta.`{folder}` t USING ({self.dialect.rows(rows, kind)}) s ON t.id = s.id "
                 "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")

    def optimize(self, folder):
        self.sql(f"OPTIMIZE delta.`{folder}`")

    def z_order(self, folder, column):
        self.sql(f"OPTIMIZE delta.`{folder}` ZORDER BY ({column})")

    def vacuum(self, folder):
        """Takes away every file that the newest version does not need."""
        self.sql(f"VACUUM delta.`{folder}` RETAIN 0 HOURS")

    def add_column(self, folder, name, kind):
        self.sql(f"ALTER TABLE delta.`{folder}` ADD COLUMNS ({name} {self.dialect.type_name(kind)})")

    def rename_column(self, folder, name, new_name):
        self.sql(f"ALTER TABLE delta.`{folder}` RENAME COLUMN {name} TO {new_name}")

    def drop_column(self, folder, name):
        self.sql(f"ALTER TABLE delta.`{folder}` DROP COLUMN {name}")

    def restore(self, folder, version):
        self.sql(f"RESTORE TABLE delta.`{folder}` TO VERSION AS OF {version}")

    def set_property(self, folder, key, value):
        self.sql(f"ALTER TABLE delta.`{folder}` SET TBLPROPERTIES ('{key}' = '{value}')")

    def counts(self, folder, conditions):
        """Returns for each condition (how many rows meet it, in how many files they were looked for), by the statistics."""
        query = " UNION ALL ".join(f"SELECT {number} AS number, count(*) AS n FROM delta.`{folder}` WHERE {condition}"
                                   for number, condition in enumerate(conditions))
        frame = self.session.sql(query)
        found = {row["number"]: row["n"] for row in frame.collect()}
        scans = frame._jdf.queryExecution().executedPlan().collectLeaves()
        metrics = [scans.apply(number).metrics() for number in range(scans.length())]
        # A condition that partition values decide may need no scan.
        files = [each.apply("numFiles").value() if each.contains("numFiles") else 0 for each in metrics]
        return [(found[number], files[number]) for number in range(len(conditions))]

    def file_count(self, folder):
        return len(self.session.read.format("delta").load(str(folder)).inputFiles())

    def counts_of_all_rows(self, folder, conditions):
        """As counts(), but each row of each file is looked at: nothing is left out by statistics."""
        columns = ", ".join(f"count_if({condition})" for condition in conditions)
        return list(self.session.sql(f"SELECT {columns} FROM delta.`{folder}`").collect()[0])


class DeltaRs:
    """delta-rs, by its Python package."""

    name = "delta-rs"
    dialect = literals.DataFusionDialect()

    def __init__(self):
        import deltalake
        from arro3.core import DataType, Schema, Table

        self.deltalake = deltalake
        self.arrow_schema = Schema
        self.arrow_table = Table
        # Python's own dates end with the year 9999, and arro3 says None for others: take them as numbers.
        self.number_types = {"date": [DataType.int32(), DataType.int64()], "timestamp": [DataType.int64()],
                             "timestamp_ntz": [DataType.int64()]}

    def table(self, folder, version=None):
        return self.deltalake.DeltaTable(str(folder), version=version)

    def read(self, folder, version=None, condition=None):
        try:
            table = self.table(folder, version)
            kind = values.type_of_delta(json.loads(table.schema().to_json()))
            query = "SELECT * FROM t" + (f" WHERE {condition}" if condition else "")
            found = self.deltalake.QueryBuilder().register("t", table).execute(query).read_all()
        except Exception as error:  # delta-rs has errors of many types, without a common one
            raise Refused(f"read {folder}: {error}") from error
        columns = [self.column(found.column(name), member) for name, member in kind[1]]
        names = [name for name, _ in kind[1]]
        return Rows.of(self.name, kind, (dict(zip(names, row)) for row in zip(*columns)))

    def changes(self, folder, version, kind):
        found = self.attempt(lambda: self.table(folder).load_cdf(starting_version=version, ending_version=version).read_all())
        kind = with_change_type(kind)
        columns = [self.column(found.column(name), member) for name, member in kind[1]]
        names = [name for name, _ in kind[1]]
        return Rows.of(self.name, kind, (dict(zip(names, row)) for row in zip(*columns)))

    def column(self, found, kind):
        """Returns the values of an Arrow column."""
        for number_type in self.number_types.get(kind, []) if isinstance(kind, str) else []:
            found = found.cast(number_type)
        return found.to_pylist()

    def attempt(self, action):
        try:
            return action()
        except Exception as error:  # as above
            raise Refused(f"{type(error).__name__}: {str(error)[:TEXT_SHOWN]}") from error

    def arrow(self, rows, kind):
        """Returns the rows as Arrow, of columns that may be NULL, which SQL's constants are not."""
        found = self.arrow_table(self.deltalake.QueryBuilder().execute(self.dialect.rows(rows, kind)).read_all())
        schema = self.arrow_schema([field.with_nullable(True) for field in found.schema])
        return self.arrow_table.from_arrays(found.columns, schema=schema)

    def create(self, folder, rows, kind, partition):
        self.attempt(lambda: self.deltalake.write_deltalake(str(folder), self.arrow(rows, kind), partition_by=[partition]))

    def append(self, folder, rows, kind):
        self.attempt(lambda: self.deltalake.write_deltalake(str(folder), self.arrow(rows, kind), mode="append"))

    def overwrite(self, folder, rows, kind):
        self.attempt(lambda: self.deltalake.write_deltalake(str(folder), self.arrow(rows, kind), mode="overwrite"))

    def delete(self, folder, condition):
        self.attempt(lambda: self.table(folder).delete(condition))

    def update(self, folder, assignments, condition):
        self.attempt(lambda: self.table(folder).update(assignments, predicate=condition))

    def merge(self, folder, rows, kind):
        self.attempt(lambda: self.table(folder).merge(self.arrow(rows, kind), "t.id = s.id", source_alias="s", target_alias="t")
                     .when_matched_update_all().when_not_matched_insert_all().execute())

    def optimize(self, folder):
        self.attempt(lambda: self.table(folder).optimize.compact())

    def z_order(self, folder, column):
        self.attempt(lambda: self.table(folder).optimize.z_order([column]))

    def vacuum(self, folder):
        self.attempt(lambda: self.table(folder).vacuum(0, dry_run=False, enforce_retention_duration=False))

    def add_column(self, folder, name, kind):
        field = self.deltalake.Field(name, self.deltalake.schema.PrimitiveType(kind))
        self.attempt(lambda: self.table(folder).alter.add_columns(field))

    def restore(self, folder, version):
        self.attempt(lambda: self.table(folder).restore(version))

    def set_property(self, folder, key, value):
        self.attempt(lambda: self.table(folder).alter.set_table_properties({key: value}))


class Sluice:
    """sluice, by its command line. Every statement is a process of its own, so nothing is remembered in between."""

    name = "sluice"
    dialect = literals.DuckDBDialect()

    def __init__(self, binary):
        self.binary = binary

    def run(self, *arguments):
        """Returns the finished process, whatever its exit code."""
        return subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, check=False,
                              timeout=COMMAND_SECONDS_MAX)

    def sql(self, folder, text):
        """Runs statements on the table in `folder`, whose name is `t`. Returns the results, each a list of rows."""
        attach = f"ATTACH '{quoted(folder)}' AS lake (TYPE delta); USE lake; "
        done = self.run("sql", "--output", "json", "-c", attach + text.replace("{t}", f'"{pathlib.Path(folder).name}"'))
        if done.returncode != 0:
            raise Refused(f"{text[:TEXT_SHOWN]}: {done.stderr.strip()}")
        decoder, results, rest = json.JSONDecoder(parse_float=str), [], done.stdout.strip()
        while rest:
            found, end = decoder.raw_decode(rest)
            results.append(found)
            rest = rest[end:].lstrip()
        return results

    def read(self, folder, version=None, condition=None):
        at = "" if version is None else f" AT (VERSION => {version})"
        query = f"SELECT * FROM {{t}}{at}" + (f" WHERE {condition}" if condition else "")
        described, rows = self.sql(folder, f"DESCRIBE SELECT * FROM {{t}}{at}; {query}")
        kind = ("struct", tuple((row["column_name"], values.type_of_duckdb(row["column_type"])) for row in described))
        return Rows.of(self.name, kind, rows)

    def changes(self, folder, version, kind):
        kind = with_change_type(kind)
        columns = ", ".join(f'"{name}"' for name, _ in kind[1])
        rows = self.sql(folder, f"SELECT {columns} FROM table_changes('{quoted(folder)}', {version}, {version})")[0]
        return Rows.of(self.name, kind, rows)

    def create(self, folder, rows, kind, partition):
        name = pathlib.Path(folder).name
        self.sql(pathlib.Path(folder).parent, f'CREATE TABLE "{name}" PARTITIONED BY ({partition}) AS {self.dialect.rows(rows, kind)}')

    def append(self, folder, rows, kind):
        self.sql(folder, f"INSERT INTO {{t}} BY NAME {self.dialect.rows(rows, kind)}")

    def delete(self, folder, condition):
        self.sql(folder, f"DELETE FROM {{t}} WHERE {condition}")

    def update(self, folder, assignments, condition):
        self.sql(folder, f"UPDATE {{t}} SET {assigned(assignments)} WHERE {condition}")

    def merge(self, folder, rows, kind):
        self.sql(folder, f"MERGE INTO {{t}} USING ({self.dialect.rows(rows, kind)}) s USING (id) "
                         "WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT BY NAME")

    def add_column(self, folder, name, kind):
        self.sql(folder, f"ALTER TABLE {{t}} ADD COLUMN {name} {self.dialect.type_name(kind)}")

    def rename_column(self, folder, name, new_name):
        self.sql(folder, f"ALTER TABLE {{t}} RENAME COLUMN {name} TO {new_name}")

    def drop_column(self, folder, name):
        self.sql(folder, f"ALTER TABLE {{t}} DROP COLUMN {name}")

    def set_property(self, folder, key, value):
        self.sql(folder, f"ALTER TABLE {{t}} SET ('{key}' = '{value}')")

    def verify(self, folder):
        """Returns what `sluice verify` finds wrong with the table, "" if nothing."""
        done = self.run("verify", folder)
        return "" if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}{done.stderr}"


def assigned(assignments):
    return ", ".join(f"{column} = {expression}" for column, expression in assignments.items())


def quoted(text):
    return str(text).replace("'", "''")
