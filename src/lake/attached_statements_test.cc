// Statements in Spark's forms, on tables of an attached folder.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "delta/action_json.h"
#include "delta/delta_schema.h"
#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

using AttachedStatementsTest = AttachedTest;

TEST_F(AttachedStatementsTest, DescribesTheHistory) {
  change("CREATE TABLE lake.t (id BIGINT)");
  change("INSERT INTO lake.t VALUES (1), (2)");
  change("DELETE FROM lake.t WHERE id = 1");
  EXPECT_EQ(run("DESCRIBE HISTORY lake.t"), run("DESCRIBE HISTORY 't'"));
  EXPECT_EQ(run("DESCRIBE HISTORY lake.t LIMIT 1").substr(0, 2), "2|");
  EXPECT_EQ(run("SELECT version, operation, readVersion, isBlindAppend, operationMetrics['numOutputRows'], "
                "timestamp BETWEEN now() - INTERVAL 1 HOUR AND now() + INTERVAL 1 HOUR, engineInfo LIKE 'sluice%' "
                "FROM sluice_table_history('t')"),
            "2|DELETE|1|false|0|true|true\n1|WRITE|0|true|2|true|true\n0|CREATE TABLE|NULL|true|NULL|true|true\n");
}

TEST_F(AttachedStatementsTest, DescribesTheDetail) {
  change(
      "CREATE TABLE lake.t (id BIGINT, day DATE) USING DELTA TBLPROPERTIES ('delta.enableDeletionVectors' = 'true') "
      "PARTITIONED BY (day)");
  change("INSERT INTO lake.t VALUES (1, '2026-01-31'), (2, '2026-02-01')");
  change("COMMENT ON TABLE lake.t IS 'days'");
  const std::string detail = run("DESCRIBE DETAIL lake.t");
  EXPECT_NE(detail.find("file://" + (folder_ / "t").string() + "|"), std::string::npos) << detail;
  EXPECT_NE(detail.find("|[day]|2|"), std::string::npos) << detail;
  EXPECT_EQ(detail, run("DESCRIBE DETAIL 't'"));
  EXPECT_EQ(run("SELECT format, id = '" + snapshot("t")->metadata().id +
                "', description, sizeInBytes > 300, properties, minReaderVersion, minWriterVersion, tableFeatures "
                "FROM sluice_table_detail(['lake', 'main', 't'])"),
            "delta|true|days|true|{delta.enableDeletionVectors=true}|3|7|[deletionVectors]\n");
}

TEST_F(AttachedStatementsTest, DescribesNoTableThatIsNotThere) {
  EXPECT_EQ(run("DESCRIBE HISTORY lake.gone"), "error: there is no table lake.gone");
  EXPECT_EQ(number_of("DESCRIBE DETAIL lake.gone"), 1040u);
  EXPECT_EQ(run("DESCRIBE HISTORY gone"), "error: there is no table gone");
  EXPECT_EQ(number_of("DESCRIBE HISTORY 'gone'"), 144u);
  change("BEGIN");
  change("CREATE TABLE lake.t (id BIGINT)");
  EXPECT_EQ(run("DESCRIBE HISTORY lake.t"), "error: the table was made by this transaction and has no version yet");
}

TEST_F(AttachedStatementsTest, ReadsOlderVersions) {
  change("CREATE TABLE lake.t AS SELECT 1 AS id");
  change("INSERT INTO lake.t VALUES (2)");
  EXPECT_EQ(run("SELECT x.id FROM lake.t VERSION AS OF 0 AS x"), "1\n");
  std::string time = run("SELECT min(timestamp) FROM sluice_table_history('t')");
  time.pop_back();
  EXPECT_EQ(run("SELECT count(*) FROM lake.t TIMESTAMP AS OF '" + time + "'"), "1\n");
  EXPECT_EQ(run("SELECT count(*) FROM read_delta('t', timestamp => '" + time + "')"), "1\n");
  EXPECT_EQ(run("SELECT count(*) FROM lake.t VERSION AS OF 7"), run("SELECT count(*) FROM lake.t AT (VERSION => 7)"));
}

TEST_F(AttachedStatementsTest, ErrorsStandWhereTheStatementWasWrittenSo) {
  change("CREATE TABLE lake.t AS SELECT 1 AS id");
  const auto rows =
      session_->query("SELECT a.id, b.nothing\nFROM lake.t VERSION AS OF 0 AS a,\n     lake.t AS b, gone");
  ASSERT_FALSE(rows);
  ASSERT_TRUE(rows.error().location());
  EXPECT_EQ(rows.error().location()->line, 3u);
  EXPECT_EQ(rows.error().location()->text, "     lake.t AS b, gone");
  EXPECT_EQ(rows.error().location()->column, 19u);
}

TEST_F(AttachedStatementsTest, PlacesColumns) {
  change("CREATE TABLE lake.t AS SELECT 1 AS a, 'x' AS b, {'p': 1, 'q': 2} AS s");
  change("ALTER TABLE lake.t ALTER COLUMN b FIRST");
  change("ALTER TABLE lake.t ADD COLUMN c INTEGER AFTER b");
  change("ALTER TABLE lake.t ALTER s.q FIRST");
  change("INSERT INTO lake.t VALUES ('y', 3, 2, {'q': 4, 'p': 5})");
  change("ALTER TABLE lake.t CHANGE COLUMN b AFTER S");
  EXPECT_EQ(run("SELECT column_name FROM (DESCRIBE lake.t)"), "c\na\ns\nb\n");
  EXPECT_EQ(run("FROM lake.t ORDER BY a"), "NULL|1|{'q': 2, 'p': 1}|x\n3|2|{'q': 4, 'p': 5}|y\n");
  EXPECT_EQ(run("SELECT operation FROM sluice_table_history('t') LIMIT 1"), "CHANGE COLUMN\n");
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN a AFTER bb"), "error: the table has no column bb");
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN a AFTER a"), "error: column a cannot stand behind itself");
  expect_sound("t");
}

TEST_F(AttachedStatementsTest, WritesTablesWithColumnsThatWereWidened) {
  change("CREATE TABLE lake.t (id INTEGER, s VARCHAR) USING DELTA TBLPROPERTIES ('delta.enableTypeWidening' = 'true')");
  EXPECT_EQ(run("SELECT tableFeatures FROM sluice_table_detail('t')"), "[typeWidening]\n");
  change("INSERT INTO lake.t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  const auto commit = [&](int version) {
    return folder_ / "t" / "_delta_log" / ("0000000000000000000" + std::to_string(version) + ".json");
  };
  // What Spark commits for ALTER COLUMN id TYPE BIGINT.
  const std::string narrow = R"(\"type\":\"integer\",\"nullable\":true,\"metadata\":{})";
  const std::string wide =
      R"(\"type\":\"long\",\"nullable\":true,\"metadata\":{\"delta.typeChanges\":[{\"fromType\":\"integer\",\"toType\":\"long\"}]})";
  std::ifstream created(commit(0));
  std::string line;
  while (std::getline(created, line) && !line.starts_with("{\"metaData\"")) continue;
  const std::size_t place = line.find(narrow);
  ASSERT_NE(place, std::string::npos) << line;
  std::ofstream(commit(2)) << line.replace(place, narrow.size(), wide) << "\n";

  change("INSERT INTO lake.t VALUES (3000000000, 'd')");
  change("UPDATE lake.t SET id = id + 4000000000 WHERE id = 1");
  change("DELETE FROM lake.t WHERE id = 2");
  change("MERGE INTO lake.t AS t USING (SELECT 3 AS id) AS s USING (id) WHEN MATCHED THEN UPDATE SET s = 'merged'");
  change("ALTER TABLE lake.t ADD COLUMN n INTEGER");
  change("INSERT INTO lake.t SELECT id + 1, s, 7 FROM lake.t WHERE id < 10");
  EXPECT_EQ(run("SELECT id, s, n FROM lake.t ORDER BY id"),
            "3|merged|NULL\n4|merged|7\n3000000000|d|NULL\n4000000001|a|NULL\n");
  EXPECT_NE(snapshot("t")->metadata().schema_string.find("delta.typeChanges"), std::string::npos);
  expect_sound("t");
}

TEST_F(AttachedStatementsTest, WidensColumns) {
  change(
      "CREATE TABLE lake.t (i TINYINT, f FLOAT, d DATE, c DECIMAL(5,2), s STRUCT(a INTEGER, b VARCHAR), l SMALLINT[], "
      "m MAP(TINYINT, STRUCT(x DATE)), p INTEGER) PARTITIONED BY (p)");
  const std::string row =
      "(1, 0.5, DATE '2024-02-29', 1.25, {'a': 7, 'b': 'x'}, [1, NULL], MAP {2: {'x': DATE '2024-03-01'}}, 3)";
  change("INSERT INTO lake.t VALUES " + row);
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN i TYPE BIGINT"),
            "error: the type of column i cannot be changed: the table has no type widening");
  change("ALTER TABLE lake.t SET ('delta.enableTypeWidening' = 'true', 'delta.enableDeletionVectors' = 'true')");
  change("ALTER TABLE lake.t ALTER COLUMN i TYPE int");
  change("ALTER TABLE lake.t ALTER I SET DATA TYPE BIGINT");
  change("ALTER TABLE lake.t ALTER COLUMN f TYPE DOUBLE");
  change("ALTER TABLE lake.t ALTER COLUMN d TYPE timestamp_ntz");
  change("ALTER TABLE lake.t ALTER COLUMN c TYPE DECIMAL(12,4)");
  change("ALTER TABLE lake.t ALTER COLUMN s.A TYPE double");
  change("ALTER TABLE lake.t ALTER COLUMN l.element TYPE INTEGER");
  change("ALTER TABLE lake.t ALTER COLUMN m.key TYPE SMALLINT");
  change("ALTER TABLE lake.t CHANGE m.value.x TYPE TIMESTAMP");
  change("ALTER TABLE lake.t ALTER COLUMN p TYPE DECIMAL(20,2)");
  EXPECT_EQ(run("SELECT column_type FROM (DESCRIBE lake.t)"),
            "BIGINT\nDOUBLE\nTIMESTAMP\nDECIMAL(12,4)\nSTRUCT(a DOUBLE, b VARCHAR)\nINTEGER[]\n"
            "MAP(SMALLINT, STRUCT(x TIMESTAMP))\nDECIMAL(20,2)\n");
  EXPECT_EQ(run("SELECT tableFeatures FROM sluice_table_detail('t')"),
            "[appendOnly, deletionVectors, invariants, timestampNtz, typeWidening]\n");
  const std::string schema = snapshot("t")->metadata().schema_string;
  for (const char* changes : {R"([{"fromType":"byte","toType":"integer"},{"fromType":"integer","toType":"long"}])",
                              R"([{"fromType":"short","toType":"integer","fieldPath":"element"}])",
                              R"([{"fromType":"byte","toType":"short","fieldPath":"key"}])",
                              R"([{"fromType":"date","toType":"timestamp_ntz"}])"}) {
    EXPECT_NE(schema.find(changes), std::string::npos) << changes << " in " << schema;
  }
  change(
      "INSERT INTO lake.t SELECT i + 5000000000, f + 0.1, d + INTERVAL 90 MINUTE, c + 0.0001, {'a': 0.5, 'b': 'y'}, "
      "[70000], MAP {300: {'x': TIMESTAMP '2024-03-01 10:00:00'}}, p + 0.25 FROM lake.t");
  const std::string narrow =
      "1|0.5|2024-02-29 00:00:00|1.2500|{'a': 7.0, 'b': x}|[1, NULL]|{2={'x': '2024-03-01 00:00:00'}}|3.00\n";
  const std::string wide =
      "5000000001|0.6|2024-02-29 01:30:00|1.2501|{'a': 0.5, 'b': y}|[70000]|{300={'x': '2024-03-01 10:00:00'}}|3.25\n";
  EXPECT_EQ(run("FROM lake.t ORDER BY i"), narrow + wide);
  for (const char* where : {"i = 1", "f = 0.5", "d = TIMESTAMP '2024-02-29'", "d < TIMESTAMP '2024-02-29 00:00:01'",
                            "c = 1.25", "s.a = 7", "p = 3", "p < 3.1", "i < 5000000000", "c <= 1.2500"}) {
    EXPECT_EQ(run(std::string("FROM lake.t WHERE ") + where), narrow) << where;
  }
  for (const char* where : {"i > 127", "f > 0.55", "d > TIMESTAMP '2024-02-29'", "c > 1.25", "s.a = 0.5", "p > 3",
                            "p = 3.25", "i = 5000000001"}) {
    EXPECT_EQ(run(std::string("FROM lake.t WHERE ") + where), wide) << where;
  }
  change("UPDATE lake.t SET i = i + 1000 WHERE p = 3");
  change("MERGE INTO lake.t USING (SELECT 5000000001 AS i) AS n USING (i) WHEN MATCHED THEN UPDATE SET c = 99999999");
  EXPECT_EQ(run("SELECT i, c, p FROM lake.t ORDER BY i"), "1001|1.2500|3.00\n5000000001|99999999.0000|3.25\n");
  EXPECT_EQ(run("FROM lake.t VERSION AS OF 2"),
            run("SELECT 1::TINYINT, 0.5::FLOAT, DATE '2024-02-29', 1.25, "
                "{'a': 7, 'b': 'x'}, [1, NULL], MAP {2: {'x': DATE '2024-03-01'}}, 3"));
  EXPECT_EQ(run("SELECT operation FROM sluice_table_history('t') WHERE version = 3"), "CHANGE COLUMN\n");
  expect_sound("t");
}

TEST_F(AttachedStatementsTest, WidensStructsAsAWhole) {
  change("CREATE TABLE lake.t (s STRUCT(a INTEGER, b STRUCT(c DATE)[])) WITH ('delta.enableTypeWidening' = 'true')");
  change("ALTER TABLE lake.t ALTER COLUMN s TYPE STRUCT(b STRUCT(c TIMESTAMP)[], a BIGINT)");
  EXPECT_EQ(run("SELECT column_type FROM (DESCRIBE lake.t)"), "STRUCT(a BIGINT, b STRUCT(c TIMESTAMP)[])\n");
  const std::string again = "ALTER TABLE lake.t ALTER COLUMN s TYPE STRUCT(b STRUCT(c TIMESTAMP)[], a BIGINT)";
  change(again);  // nothing is left to do
  EXPECT_EQ(snapshot("t")->version().value(), 1);
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN s TYPE STRUCT(a BIGINT)"),
            "error: column s has type STRUCT(a BIGINT, b STRUCT(c TIMESTAMP)[]), which cannot be widened to "
            "STRUCT(a BIGINT)");
}

TEST_F(AttachedStatementsTest, OnlyWidensColumns) {
  change(
      "CREATE TABLE lake.t (i INTEGER, v VARCHAR, s STRUCT(a INTEGER, b INTEGER), f FLOAT) WITH "
      "('delta.enableTypeWidening' = 'true')");
  EXPECT_EQ(number_of("ALTER TABLE lake.t ALTER COLUMN i TYPE SMALLINT"), 4206u);
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN i TYPE FLOAT"),
            "error: column i has type INTEGER, which cannot be widened to FLOAT");
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN s.b TYPE VARCHAR"),
            "error: column s.b has type INTEGER, which cannot be widened to VARCHAR");
  EXPECT_EQ(run("ALTER TABLE lake.t ALTER COLUMN ii TYPE BIGINT"), "error: the table has no column ii");
  EXPECT_EQ(number_of("ALTER TABLE lake.t ALTER COLUMN i TYPE BIGINT USING i + 1"), 149u);
  const auto refused = session_->query("ALTER TABLE lake.t ALTER COLUMN i TYPE DECIMAL(10,2)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().help(), "it can become BIGINT, DOUBLE, a DECIMAL of at least 10 digits before the point");
  change("ALTER TABLE lake.t ADD CONSTRAINT small CHECK (s.a < 10 AND i > 0)");
  EXPECT_EQ(number_of("ALTER TABLE lake.t ALTER COLUMN i TYPE BIGINT"), 149u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t ALTER COLUMN s.a TYPE BIGINT"), 149u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t ALTER COLUMN s TYPE STRUCT(a INTEGER, b BIGINT)"), 149u);
  change("ALTER TABLE lake.t ALTER COLUMN s.b TYPE BIGINT");
  change("ALTER TABLE lake.t ALTER COLUMN f TYPE DOUBLE");
  change("ALTER TABLE lake.t DROP CONSTRAINT small");
  change("ALTER TABLE lake.t ALTER COLUMN i TYPE BIGINT");
}

TEST_F(AttachedStatementsTest, RaisesTheProtocol) {
  change("CREATE TABLE lake.t (id BIGINT) USING DELTA TBLPROPERTIES ('delta.feature.deletionVectors' = 'supported')");
  EXPECT_EQ(run("SELECT tableFeatures, properties FROM sluice_table_detail('t')"),
            "[appendOnly, deletionVectors, invariants]|{}\n");
  change("ALTER TABLE lake.t SET TBLPROPERTIES ('delta.feature.v2Checkpoint' = 'supported', 'a' = 'b')");
  EXPECT_EQ(run("SELECT tableFeatures, properties FROM sluice_table_detail('t')"),
            "[appendOnly, deletionVectors, invariants, v2Checkpoint]|{a=b}\n");
  change("CREATE TABLE lake.old (id BIGINT)");
  change("ALTER TABLE lake.old SET TBLPROPERTIES ('delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')");
  EXPECT_EQ(run("SELECT minReaderVersion, minWriterVersion, tableFeatures FROM sluice_table_detail('old')"),
            "2|5|[]\n");
  change("ALTER TABLE lake.old SET TBLPROPERTIES ('delta.minReaderVersion' = '3', 'delta.minWriterVersion' = '7')");
  EXPECT_EQ(run("SELECT minReaderVersion, minWriterVersion, tableFeatures FROM sluice_table_detail('old')"),
            "3|7|[appendOnly, changeDataFeed, checkConstraints, columnMapping, generatedColumns, invariants]\n");
  change("ALTER TABLE lake.old SET TBLPROPERTIES ('delta.minWriterVersion' = '2')");  // nothing is lowered
  EXPECT_EQ(run("SELECT minWriterVersion FROM sluice_table_detail('old')"), "7\n");
  change("INSERT INTO lake.old VALUES (1)");
  EXPECT_EQ(number_of("ALTER TABLE lake.t SET TBLPROPERTIES ('delta.feature.rowTracking' = 'supported')"), 4204u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t SET TBLPROPERTIES ('delta.feature.nothing' = 'supported')"), 4204u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t SET TBLPROPERTIES ('delta.feature.appendOnly' = 'yes')"), 4206u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t SET TBLPROPERTIES ('delta.minWriterVersion' = '8')"), 4206u);
  EXPECT_EQ(number_of("ALTER TABLE lake.t UNSET TBLPROPERTIES ('delta.feature.deletionVectors')"), 4206u);
}

TEST_F(AttachedStatementsTest, ConstraintsHoldForEveryRow) {
  for (const char* vectors : {"false", "true"}) {
    SCOPED_TRACE(vectors);
    change(std::string("CREATE OR REPLACE TABLE lake.t WITH ('delta.enableDeletionVectors' = '") + vectors +
           "') AS SELECT i AS id, 'a' AS n FROM range(1, 4) AS r(i)");
    EXPECT_EQ(run("ALTER TABLE lake.t ADD CONSTRAINT Big CHECK (id > 1)"),
              "error: the constraint big cannot be added: there is a row that does not meet it: id = 1, n = 'a'");
    change("ALTER TABLE lake.t ADD CONSTRAINT Big CHECK (id > 0 AND `n` <> \"it's\")");
    EXPECT_EQ(run("SELECT operation, operationParameters['name'], operationParameters['expr'] "
                  "FROM sluice_table_history('t') LIMIT 1"),
              "ADD CONSTRAINT|big|id > 0 AND `n` <> \"it's\"\n");
    EXPECT_EQ(number_of("ALTER TABLE lake.t ADD CONSTRAINT BIG CHECK (id > 0)"), 4206u);
    EXPECT_EQ(run("INSERT INTO lake.t VALUES (4, 'b'), (0, 'c')"),
              "error: a row does not meet the constraint big of main.t, id > 0 AND `n` <> \"it's\": id = 0, n = 'c'");
    for (const char* sql :
         {"INSERT INTO lake.t VALUES (NULL, 'b')", "INSERT INTO lake.t VALUES (5, 'it''s')",
          "INSERT OVERWRITE lake.t VALUES (-1, 'b')", "UPDATE lake.t SET id = 0 - id WHERE id = 2",
          "MERGE INTO lake.t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = NULL",
          "MERGE INTO lake.t USING (SELECT 9 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES "
          "(s.id)"}) {
      EXPECT_EQ(number_of(sql), 3102u) << sql;
    }
    EXPECT_EQ(run("FROM lake.t ORDER BY id"), "1|a\n2|a\n3|a\n");
    EXPECT_EQ(run("INSERT INTO lake.t VALUES (4, 'b')"), "1\n");
    EXPECT_EQ(run("DELETE FROM lake.t WHERE id = 4"), "1\n");
    EXPECT_EQ(number_of("ALTER TABLE lake.t DROP CONSTRAINT other"), 4206u);
    change("ALTER TABLE lake.t DROP CONSTRAINT IF EXISTS other");
    change("ALTER TABLE lake.t SET ('delta.columnMapping.mode' = 'name')");
    EXPECT_EQ(number_of("ALTER TABLE lake.t DROP COLUMN id"), 149u);
    EXPECT_EQ(number_of("ALTER TABLE lake.t RENAME COLUMN n TO m"), 149u);
    change("ALTER TABLE lake.t DROP CONSTRAINT big");
    EXPECT_EQ(run("INSERT INTO lake.t VALUES (-1, NULL)"), "1\n");
    change("ALTER TABLE lake.t DROP COLUMN id");
    expect_sound("t");
  }
  EXPECT_EQ(run("SELECT list_contains(tableFeatures, 'checkConstraints') FROM sluice_table_detail('t')"), "true\n");
}

TEST_F(AttachedStatementsTest, ATableBeginsWithItsConstraints) {
  change(
      "CREATE TABLE lake.t (id BIGINT NOT NULL CHECK (id > 0), n VARCHAR, CONSTRAINT Short CHECK (length(`n`) < 5)) "
      "USING DELTA TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')");
  EXPECT_EQ(snapshot("t")->metadata().configuration,
            (std::map<std::string, std::string>{{"delta.constraints.id_check", "id > 0"},
                                                {"delta.constraints.short", "length(`n`) < 5"},
                                                {"delta.enableDeletionVectors", "true"}}));
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (1, 'tea')"), "1\n");
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (0, 'tea')"),
            "error: a row does not meet the constraint id_check of main.t, id > 0: id = 0, n = 'tea'");
  EXPECT_EQ(number_of("UPDATE lake.t SET n = 'coffee'"), 3102u);
  change("ALTER TABLE lake.t DROP CONSTRAINT id_check");
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (0, 'cup')"), "1\n");
  expect_sound("t");

  EXPECT_EQ(number_of("CREATE TABLE lake.u (a CHECK (a < 2)) AS SELECT 2"), 3102u);
  EXPECT_EQ(number_of("CREATE TABLE lake.u (a INT CHECK (b > 0))"), 149u);
  EXPECT_EQ(number_of("CREATE TABLE lake.u (a INT CHECK (a RLIKE 'x'))"), 149u);
  EXPECT_EQ(run("CREATE TABLE lake.u (a INT, CONSTRAINT c CHECK (a > 0), CONSTRAINT C CHECK (a < 9))"),
            "error: CHECK((a > 0)): two constraints have the same name");
  for (const char* elsewhere : {"temp", "memory"}) {
    EXPECT_NE(number_of(std::string("CREATE TABLE ") + elsewhere + ".u (a INT CHECK (a > 0))"), 0u) << "it gets lost";
  }
  EXPECT_EQ(number_of("FROM lake.u"), 1040u);
}

TEST_F(AttachedStatementsTest, WhatColumnsCannotHaveIsRefusedByName) {
  change("CREATE TABLE lake.other (a INT)");
  const auto error_of = [&](const std::string& columns) { return run("CREATE TABLE lake.t (" + columns + ")"); };
  EXPECT_EQ(error_of("a INT DEFAULT 3"), "error: column a has a default: this version does not write such tables");
  EXPECT_EQ(error_of("a INT, b INT GENERATED ALWAYS AS (a + 1)"),
            "error: column b is generated: this version does not write such tables");
  EXPECT_EQ(error_of("a INT PRIMARY KEY"), "error: PRIMARY KEY(a): Delta tables have no keys");
  EXPECT_EQ(error_of("a INT, b INT, UNIQUE (a, b)"), "error: UNIQUE(a, b): Delta tables have no keys");
  EXPECT_EQ(error_of("a INT REFERENCES lake.other (a)"),
            "error: FOREIGN KEY (a) REFERENCES lake.other(a): Delta tables have no keys");
  EXPECT_EQ(error_of("a INT, FOREIGN KEY (a) REFERENCES nothing (a)"),
            "error: FOREIGN KEY (a) REFERENCES nothing(a): Delta tables have no keys");
  EXPECT_EQ(error_of("a INT GENERATED ALWAYS AS IDENTITY"),
            "error: a column cannot be GENERATED … AS IDENTITY, nor a constraint DEFERRABLE");
  EXPECT_EQ(error_of("a VARCHAR COLLATE NOCASE"),
            "error: column a has a collation: this version does not write such tables");
  EXPECT_EQ(number_of("FROM lake.t"), 1040u);
}

TEST_F(AttachedStatementsTest, AConstraintThatCannotBeCheckedIsNotPassedOver) {
  change("CREATE TABLE lake.t (s VARCHAR)");
  for (const char* condition :
       {"nothing(s)", "gone > 1", "s RLIKE 'a'", "!isnull(s)", "s LIKE 'a\\\\_b'", "s = 'a' OR", "s IN (SELECT 'a')",
        "concat(s, NULL) IS NULL", "log(length(s)) < 2", "length(s) ^ 2 = 3", "split(s, '.')[1] = 'x'",
        "CAST(length(s) AS TINYINT) = 2", "s = 3", "length(s) LIKE '3'", "TRY(length(s)) = 3", "s COLLATE nocase = 'a'",
        "s = $$a$$", "s ISNULL", "s ~ 'a'"}) {
    EXPECT_EQ(number_of(std::string("ALTER TABLE lake.t ADD CONSTRAINT c CHECK (") + condition + ")"), 149u)
        << condition;
  }
  EXPECT_EQ(number_of("CREATE TABLE lake.u (s VARCHAR) WITH ('delta.constraints.c' = 's RLIKE ''a'' ')"), 149u);
  EXPECT_EQ(number_of("FROM lake.u"), 1040u);
  change("CREATE TABLE lake.v (s VARCHAR) WITH ('delta.constraints.c' = 's = ''a'' OR s IS NULL')");
  EXPECT_EQ(number_of("INSERT INTO lake.v VALUES ('b')"), 3102u);
}

TEST_F(AttachedStatementsTest, ConstraintsAreReadAsSparkReadsThem) {
  change("CREATE TABLE lake.t (s VARCHAR, f FLOAT, n INTEGER)");
  change("INSERT INTO lake.t VALUES ('it''s', 0.1, 3)");
  for (const char* condition :
       {"f = 0.1F", "n = 3L AND n < 3.5D AND n > 2.99BD", "s = \"it's\"", "s = \"it\\'s\"", "`S` LIKE '%t%'", "n <=> 3",
        "n / 2 = 1.5", "t.n % 2 = 1", "n BETWEEN 1 AND 3 AND n IN (3, 4) AND NOT n IS NULL",
        "CASE WHEN n > 1 THEN length(s) = 4 ELSE false END", "coalesce(n, 0) == 3 AND n != 4",
        "CAST(n AS DOUBLE) / 2 = 1.5 AND true AND DATE '2026-01-31' > DATE '2026-01-30'"}) {
    const std::string add = std::string("ALTER TABLE lake.t ADD CONSTRAINT c CHECK (") + condition + ")";
    EXPECT_EQ(run(add), "") << condition;
    EXPECT_EQ(run("INSERT INTO lake.t VALUES ('it''s', 0.1, 3)"), "1\n") << condition;
    EXPECT_EQ(number_of("INSERT INTO lake.t VALUES ('x', 0.2, 8)"), 3102u) << condition;
    change("ALTER TABLE lake.t DROP CONSTRAINT c");
  }
}

TEST_F(AttachedStatementsTest, NoRowComesPastANewConstraint) {
  change("CREATE TABLE lake.t AS SELECT 1 AS id");
  const auto other = attach();
  change("BEGIN");
  change("ALTER TABLE lake.t ADD CONSTRAINT c CHECK (id > 0)");
  EXPECT_EQ(text_of(other->query("INSERT INTO lake.t VALUES (-5)")), "1\n");
  EXPECT_TRUE(run("COMMIT").starts_with("error")) << "nobody looked at the row that came";
  change("BEGIN");
  change("INSERT INTO lake.t VALUES (-6)");
  EXPECT_EQ(text_of(other->query("DELETE FROM lake.t WHERE id < 0")), "1\n");
  EXPECT_EQ(text_of(other->query("ALTER TABLE lake.t ADD CONSTRAINT c CHECK (id > 0)")), "");
  EXPECT_TRUE(run("COMMIT").starts_with("error")) << "the constraint came before";
  EXPECT_EQ(run("FROM lake.t"), "1\n");
}

TEST_F(AttachedStatementsTest, InvariantsOfOtherWritersHold) {
  change("CREATE TABLE lake.t (id BIGINT, s STRUCT(a INTEGER))");
  delta::Metadata metadata = snapshot("t")->metadata();
  delta::DataType schema = snapshot("t")->schema();
  schema.fields[0].metadata["delta.invariants"] = R"("{\"expression\":{\"expression\":\"id < s.a\"}}")";
  metadata.schema_string = delta::write_schema(schema);
  auto log = std::ofstream(folder_ / "t" / "_delta_log" / "00000000000000000001.json");
  log << delta::write_action(metadata) << "\n";
  log.close();
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (1, {'a': 2})"), "1\n");
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (3, {'a': 2})"),
            "error: a row does not meet the constraint id of main.t, id < s.a: id = 3, s = {'a': 2}");
}

TEST_F(AttachedStatementsTest, WhatLiesWithinMustNotBeNullWhereTheTableSaysSo) {
  change(
      "CREATE TABLE lake.t (id BIGINT, s STRUCT(a INTEGER, t STRUCT(b INTEGER)), l INTEGER[], m MAP(VARCHAR, "
      "INTEGER))");
  delta::Metadata metadata = snapshot("t")->metadata();
  delta::DataType schema = snapshot("t")->schema();
  schema.fields[1].type.fields[0].nullable = false;
  schema.fields[1].type.fields[1].type.fields[0].nullable = false;
  schema.fields[2].type.contains_null = false;
  schema.fields[3].type.contains_null = false;
  metadata.schema_string = delta::write_schema(schema);
  auto log = std::ofstream(folder_ / "t" / "_delta_log" / "00000000000000000001.json");
  log << delta::write_action(metadata) << "\n";
  log.close();
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (1, NULL, NULL, NULL), (2, {'a': 1, 't': NULL}, [], MAP {}), "
                "(3, {'a': 1, 't': {'b': 2}}, [1, 2], MAP {'k': 1})"),
            "3\n");
  const auto refusal = [](const std::string& what) { return "error: column " + what + " of main.t must not be NULL"; };
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (4, {'a': NULL, 't': NULL}, NULL, NULL)"), refusal("s.a"));
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (4, NULL, NULL, NULL), (5, {'a': 1, 't': {'b': NULL}}, NULL, NULL)"),
            refusal("s.t.b"));
  EXPECT_EQ(run("INSERT INTO lake.t (id, l) VALUES (4, [1]), (5, [1, NULL])"), refusal("l.element"));
  EXPECT_EQ(run("INSERT INTO lake.t (id, m) VALUES (4, MAP {'a': 1, 'b': NULL})"), refusal("m.value"));
  EXPECT_EQ(run("UPDATE lake.t SET s = {'a': NULL, 't': s.t} WHERE id = 3"), refusal("s.a"));
  EXPECT_EQ(run("SELECT count(*) FROM lake.t"), "3\n");
}

TEST_F(AttachedStatementsTest, OverwritesEverything) {
  change("CREATE TABLE lake.t AS SELECT i AS id FROM range(5) AS r(i)");
  EXPECT_EQ(run("INSERT OVERWRITE lake.t SELECT id + 10 FROM lake.t WHERE id < 2"), "2\n");
  EXPECT_EQ(run("FROM lake.t ORDER BY id"), "10\n11\n");
  EXPECT_EQ(run("SELECT operation, operationParameters['mode'], isBlindAppend FROM sluice_table_history('t') LIMIT 1"),
            "WRITE|Overwrite|false\n");
  EXPECT_EQ(run("INSERT OVERWRITE TABLE lake.t SELECT 1 WHERE false"), "0\n");
  EXPECT_EQ(run("SELECT count(*) FROM lake.t"), "0\n");
}

TEST_F(AttachedStatementsTest, OverwritesWhatMeetsACondition) {
  for (const char* vectors : {"false", "true"}) {
    SCOPED_TRACE(vectors);
    change(std::string("CREATE OR REPLACE TABLE lake.t WITH ('delta.enableDeletionVectors' = '") + vectors +
           "') AS SELECT i AS id, 'old' AS s FROM range(6) AS r(i)");
    EXPECT_EQ(run("INSERT INTO lake.t REPLACE WHERE t.id >= 2 AND id < 4 VALUES (3, 'new'), (3, 'newer')"), "2\n");
    EXPECT_EQ(run("FROM lake.t ORDER BY ALL"), "0|old\n1|old\n3|new\n3|newer\n4|old\n5|old\n");
    EXPECT_EQ(run("INSERT INTO lake.t (s, id) REPLACE WHERE id > 3 SELECT s, id FROM lake.t WHERE id = 5 RETURNING id"),
              "5\n");
    EXPECT_EQ(run("INSERT INTO lake.t REPLACE WHERE id < 3 VALUES (2, 'x'), (3, 'y')"),
              "error: a row to be inserted into main.t does not meet the condition of REPLACE WHERE: id = 3, s = 'y'");
    EXPECT_EQ(
        run("INSERT INTO lake.t REPLACE WHERE id < 3 SELECT NULL, 'z'"),
        "error: a row to be inserted into main.t does not meet the condition of REPLACE WHERE: id = NULL, s = 'z'");
    EXPECT_EQ(run("FROM lake.t ORDER BY ALL"), "0|old\n1|old\n3|new\n3|newer\n5|old\n");
    expect_sound("t");
  }
  EXPECT_EQ(number_of("INSERT INTO lake.t REPLACE WHERE id IN (SELECT 1) SELECT 1, 'x'"), 149u);
}

TEST_F(AttachedStatementsTest, OverwritesPartitions) {
  change("CREATE TABLE lake.t (id BIGINT, d DATE, r VARCHAR) PARTITIONED BY (d, r)");
  change(
      "INSERT INTO lake.t VALUES (1, '2026-01-01', 'a'), (2, '2026-01-01', 'b'), (3, '2026-01-02', 'a'), "
      "(4, NULL, 'a'), (5, NULL, NULL)");
  EXPECT_EQ(run("INSERT INTO lake.t REPLACE USING (d, r) VALUES (6, '2026-01-01', 'a'), (7, NULL, NULL), "
                "(8, '2026-01-03', 'a')"),
            "3\n");
  EXPECT_EQ(run("FROM lake.t ORDER BY id"),
            "2|2026-01-01|b\n3|2026-01-02|a\n4|NULL|a\n6|2026-01-01|a\n7|NULL|NULL\n8|2026-01-03|a\n");
  EXPECT_EQ(run("INSERT INTO lake.t BY NAME REPLACE USING (d) SELECT 9 AS id, DATE '2026-01-01' AS d"), "1\n");
  EXPECT_EQ(run("FROM lake.t ORDER BY id"),
            "3|2026-01-02|a\n4|NULL|a\n7|NULL|NULL\n8|2026-01-03|a\n9|2026-01-01|NULL\n");
  EXPECT_EQ(run("INSERT INTO lake.t REPLACE USING (id) VALUES (1, NULL, NULL)"),
            "error: REPLACE USING (id): the table is not partitioned by this column");
  EXPECT_EQ(run("INSERT INTO lake.t REPLACE USING (x) VALUES (1, NULL, NULL)"),
            "error: REPLACE USING: there is no column x");
  EXPECT_EQ(snapshot("t")->version(), delta::Version(3));
}

TEST_F(AttachedStatementsTest, OverwritesOfOtherPartitionsDoNotConflict) {
  const char* overwrites[] = {"INSERT INTO lake.t REPLACE USING (p) VALUES (9, 1)",
                              "INSERT INTO lake.t REPLACE WHERE p = 1 VALUES (9, 1)",
                              "INSERT OVERWRITE lake.t VALUES (9, 1)"};
  for (const char* overwrite : overwrites) {
    for (const char* partition : {"1", "2"}) {
      SCOPED_TRACE(std::string(overwrite) + " and " + partition);
      change("CREATE OR REPLACE TABLE lake.t (id BIGINT, p INTEGER) PARTITIONED BY (p)");
      change("INSERT INTO lake.t VALUES (1, 1), (2, 2)");
      const auto other = attach();
      change("BEGIN");
      change(overwrite);
      EXPECT_EQ(text_of(other->query(std::string("INSERT INTO lake.t VALUES (3, ") + partition + ")")), "1\n");
      const bool conflicts = std::string(overwrite).starts_with("INSERT OVER") || std::string(partition) == "1";
      const std::string committed = run("COMMIT");
      EXPECT_EQ(committed.starts_with("error"), conflicts) << committed;
      const std::string added = std::string("3|") + partition + "\n";
      EXPECT_EQ(run("FROM lake.t ORDER BY id"), conflicts ? "1|1\n2|2\n" + added : "2|2\n" + added + "9|1\n");
    }
  }
}

TEST_F(AttachedStatementsTest, OnlyDeltaTablesAreOverwritten) {
  change("CREATE TEMP TABLE mine AS SELECT 1 AS id");
  EXPECT_EQ(number_of("INSERT OVERWRITE mine SELECT 2"), 149u);
  EXPECT_EQ(run("FROM mine"), "1\n");
}

TEST_F(AttachedStatementsTest, MistakesInAConditionStandWhereItDoes) {
  change("CREATE TABLE lake.t AS SELECT 1 AS id");
  for (const char* condition : {"id = 1\n  AND nothing = 2", "id = 1\n  AND nothing(id)"}) {
    const auto rows = session_->query(std::string("INSERT INTO lake.t REPLACE WHERE ") + condition + " SELECT 1");
    ASSERT_FALSE(rows);
    ASSERT_TRUE(rows.error().location()) << rows.error().message();
    EXPECT_EQ(rows.error().location()->line, 2u);
  }
  EXPECT_EQ(run("FROM lake.t"), "1\n");
}

TEST_F(AttachedStatementsTest, MergeReturnsTheRowsOfEachOfItsActions) {
  for (const std::string vectors : {"true", "false"}) {
    change("CREATE OR REPLACE TABLE lake.t (id BIGINT, s VARCHAR) WITH ('delta.enableDeletionVectors' = '" + vectors +
           "')");
    change("INSERT INTO lake.t SELECT i, 'row ' || i FROM range(6) AS r(i)");
    EXPECT_EQ(run("MERGE INTO lake.t AS t USING (SELECT i AS id FROM range(1, 9, 2) AS r(i)) AS n ON t.id = n.id "
                  "WHEN MATCHED AND n.id = 1 THEN DELETE WHEN MATCHED AND n.id = 3 THEN DELETE "
                  "WHEN MATCHED THEN UPDATE SET s = 'new' WHEN NOT MATCHED THEN INSERT (id) VALUES (n.id) "
                  "WHEN NOT MATCHED BY SOURCE AND t.id = 4 THEN DELETE RETURNING merge_action, id, s"),
              "DELETE|1|row 1\nDELETE|3|row 3\nUPDATE|5|new\nDELETE|4|row 4\nINSERT|7|NULL\n");
    EXPECT_EQ(run("FROM lake.t ORDER BY id"), "0|row 0\n2|row 2\n5|new\n7|NULL\n");
    EXPECT_EQ(run("DELETE FROM lake.t AS t USING (VALUES (0), (0), (9)) AS n(id) WHERE t.id = n.id RETURNING t.id, s"),
              "0|row 0\n");
    EXPECT_EQ(run("DELETE FROM lake.t WHERE id > 100 RETURNING *"), "");
  }
}

TEST_F(AttachedStatementsTest, WhatNoTableCanHoldIsRefused) {
  change("CREATE TABLE lake.t (id INTEGER, ts TIMESTAMPTZ, days DATE[], d DATE) PARTITIONED BY (d)");
  change("INSERT INTO lake.t VALUES (1, '2026-01-01 00:00:00+00', ['2026-01-01'], '2026-01-01')");
  const auto refused = [&](const std::string& sql) {
    EXPECT_EQ(number_of(sql), 3102u) << sql;
    EXPECT_EQ(run("SELECT count(*) FROM lake.t"), "1\n") << sql;
    return run(sql);
  };
  EXPECT_EQ(refused("INSERT INTO lake.t (id, ts) VALUES (2, 'infinity')"),
            "error: column ts of main.t: a table cannot hold infinity as a date or time: id = 2, ts = "
            "'infinity'::TIMESTAMP WITH TIME ZONE, days = NULL, d = NULL");
  refused("INSERT INTO lake.t (id, days) VALUES (2, ['2026-01-01', '-infinity'])");
  refused("INSERT INTO lake.t (id, d) VALUES (2, 'infinity')");
  refused("UPDATE lake.t SET ts = '-infinity'");
  refused(
      "MERGE INTO lake.t USING (VALUES (2)) s(id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, ts) VALUES (2, "
      "'infinity')");
  EXPECT_EQ(number_of("CREATE TABLE lake.u AS SELECT 'infinity'::DATE AS d"), 3102u);
  EXPECT_EQ(run("SELECT year(d) FROM lake.t"), "2026\n");
}

TEST_F(AttachedStatementsTest, RowsAreInsertedIntoAPartition) {
  change("CREATE TABLE lake.t (p VARCHAR, a INTEGER, b VARCHAR, q INTEGER) PARTITIONED BY (p, q)");
  change("USE lake");
  change("INSERT INTO t PARTITION (p = 'x', q = 1 + 1) VALUES (1, 'one'), (2, 'two')");
  change("INSERT INTO lake.t PARTITION (p = NULL, q) SELECT 3, 'three', 7");
  change("INSERT INTO t PARTITION (q = 5) (b, a, p) VALUES ('four', 4, 'y')");
  change("INSERT INTO t PARTITION (P = upper('z'), q = 2) BY NAME SELECT 'five' AS b, 5 AS a");
  change("WITH n AS (SELECT 6 AS a, 'six' AS b) INSERT INTO t PARTITION (p = 'x', q = 9) SELECT * FROM n");
  EXPECT_EQ(run("FROM t ORDER BY a"), "x|1|one|2\nx|2|two|2\nNULL|3|three|7\ny|4|four|5\nZ|5|five|2\nx|6|six|9\n");
  change("INSERT OVERWRITE t PARTITION (p = 'x', q = 2) SELECT a + 10, b FROM t WHERE p = 'x'");
  change("INSERT OVERWRITE t PARTITION (p = NULL, q) SELECT 20, 'new', 1");
  EXPECT_EQ(run("FROM t ORDER BY a"),
            "y|4|four|5\nZ|5|five|2\nx|6|six|9\nx|11|one|2\nx|12|two|2\nx|16|six|2\nNULL|20|new|1\n");
  EXPECT_EQ(run("INSERT OVERWRITE t PARTITION (p = 'x') SELECT 1, 'none', 1 WHERE false"), "0\n");
  EXPECT_EQ(run("FROM t ORDER BY a"), "y|4|four|5\nZ|5|five|2\nNULL|20|new|1\n");
  EXPECT_EQ(run("EXPLAIN INSERT OVERWRITE t PARTITION (p = 1) SELECT 1, 'one', 1").find("error"), std::string::npos);
  change("INSERT OVERWRITE t PARTITION (p = 1) SELECT 1, 'one', 1");  // though other values of p are no numbers
  EXPECT_EQ(run("SELECT a FROM t WHERE p = '1'"), "1\n");
  EXPECT_EQ(number_of("INSERT INTO t PARTITION (a = 1) VALUES (1, '', 1)"), 149u);
  EXPECT_EQ(number_of("INSERT INTO t PARTITION (p = 'x', P = 'y') VALUES (1, '', 1)"), 149u);
  EXPECT_EQ(number_of("INSERT INTO t PARTITION (p = 'x') (p, a) VALUES ('y', 1)"), 149u);
  EXPECT_NE(number_of("INSERT INTO t PARTITION (p = 'x') VALUES (1)"), 0u);
}

TEST_F(AttachedStatementsTest, AReplacedTableIsWhatTheStatementSays) {
  change(
      "CREATE TABLE lake.t (a INTEGER, \"b c\" VARCHAR) PARTITIONED BY (a) WITH ('delta.appendOnly' = 'false', "
      "'delta.enableInCommitTimestamps' = 'true', 'delta.enableChangeDataFeed' = 'true', 'own' = '1')");
  change("COMMENT ON COLUMN lake.t.a IS 'first'");
  change("COMMENT ON TABLE lake.t IS 'old'");
  change("ALTER TABLE lake.t ADD CONSTRAINT c CHECK (`b c` <> '')");
  change("INSERT INTO lake.t VALUES (1, 'x')");
  const auto before = snapshot("t");
  ASSERT_EQ(before->properties().column_mapping_mode, delta::ColumnMappingMode::Name);
  change("CREATE OR REPLACE TABLE lake.t WITH ('mine' = '2') AS SELECT 7 AS a, '' AS z");
  const auto after = snapshot("t");
  std::set<std::string> keys;
  for (const auto& [key, value] : after->metadata().configuration) keys.insert(key);
  EXPECT_EQ(keys, (std::set<std::string>{"delta.enableInCommitTimestamps", "mine"}));
  EXPECT_EQ(after->metadata().id, before->metadata().id);
  EXPECT_EQ(after->metadata().description, std::nullopt);
  EXPECT_TRUE(after->metadata().partition_columns.empty());
  EXPECT_TRUE(after->schema().fields[0].metadata.empty());
  EXPECT_EQ(run("FROM lake.t"), "7|\n");
  EXPECT_EQ(run("FROM lake.t AT (VERSION => 4)"), "1|x\n");
  expect_sound("t");
  // Where both are mapped, no column gets the id of one that is gone.
  change("CREATE OR REPLACE TABLE lake.t (a INTEGER, \"b c\" INTEGER)");
  const std::string ids = snapshot("t")->metadata().configuration.at("delta.columnMapping.maxColumnId");
  change("CREATE OR REPLACE TABLE lake.t (\"d e\" INTEGER, a INTEGER)");
  EXPECT_GT(snapshot("t")->metadata().configuration.at("delta.columnMapping.maxColumnId"), ids);
  change("INSERT INTO lake.t VALUES (1, 2)");
  EXPECT_EQ(run("SELECT a FROM lake.t"), "2\n");
  expect_sound("t");
}

}  // namespace
}  // namespace sluice::lake
