#include "lake/internal/statement_text.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::lake {
namespace {

std::string parsed(std::string_view written) { return StatementText::adapt(written).parsed(); }

/// Text that DuckDB takes as it is must stay as it is.
void expect_same(std::string_view written) {
  EXPECT_EQ(parsed(written), written);
  EXPECT_FALSE(StatementText::adapt(written).extras().overwrite);
}

TEST(StatementTextTest, DescribesHistoryAndDetail) {
  EXPECT_EQ(parsed("DESCRIBE HISTORY t"), "SELECT * FROM sluice_table_history(['t'])");
  EXPECT_EQ(parsed("describe history lake.main.t LIMIT 3"),
            "SELECT * FROM sluice_table_history(['lake', 'main', 't']) LIMIT 3");
  EXPECT_EQ(parsed("DESC DETAIL 'folder''s'"), "SELECT * FROM sluice_table_detail('folder''s')");
  EXPECT_EQ(parsed("DESC DETAIL \"a\"\"b's\""), "SELECT * FROM sluice_table_detail(['a\"b''s'])");
}

TEST(StatementTextTest, AltersConstraintsAndProperties) {
  EXPECT_EQ(parsed("ALTER TABLE lake.t ADD CONSTRAINT Ripe CHECK (age > (1) AND name <> 'it''s')"),
            "ALTER TABLE lake.t SET ('delta.constraints.Ripe' = 'age > (1) AND name <> ''it''''s''')");
  EXPECT_EQ(parsed("ALTER TABLE t DROP CONSTRAINT \"my rule\""), "ALTER TABLE t RESET ('delta.constraints.my rule')");
  EXPECT_FALSE(StatementText::adapt("ALTER TABLE t DROP CONSTRAINT c").extras().if_exists);
  const auto dropped = StatementText::adapt("ALTER TABLE IF EXISTS t DROP CONSTRAINT IF EXISTS c");
  EXPECT_EQ(dropped.parsed(), "ALTER TABLE IF EXISTS t RESET ('delta.constraints.c')");
  EXPECT_TRUE(dropped.extras().if_exists);
  EXPECT_EQ(parsed("ALTER TABLE t SET TBLPROPERTIES ('a' = '1')"), "ALTER TABLE t SET ('a' = '1')");
  EXPECT_EQ(parsed("ALTER TABLE t UNSET TBLPROPERTIES IF EXISTS ('a')"), "ALTER TABLE t RESET ('a')");
}

TEST(StatementTextTest, PlacesColumns) {
  const auto first = StatementText::adapt("ALTER TABLE lake.t ALTER COLUMN s.\"a b\" FIRST");
  EXPECT_EQ(first.parsed(), "ALTER TABLE lake.t RENAME COLUMN s.\"a b\" TO \"a b\"");
  ASSERT_TRUE(first.extras().place);
  EXPECT_EQ(first.extras().place->after, std::nullopt);
  const auto added = StatementText::adapt("ALTER TABLE t ADD COLUMN c STRUCT(x INT) AFTER \"first\"");
  EXPECT_EQ(added.parsed(), "ALTER TABLE t ADD COLUMN c STRUCT(x INT)  ");
  ASSERT_TRUE(added.extras().place);
  EXPECT_EQ(added.extras().place->after, "first");
  for (const char* sql : {"ALTER TABLE t ALTER COLUMN first SET NOT NULL", "ALTER TABLE t ADD COLUMN after INT",
                          "ALTER TABLE t RENAME COLUMN a TO first"}) {
    EXPECT_EQ(parsed(sql), sql);
    EXPECT_FALSE(StatementText::adapt(sql).extras().place);
  }
}

TEST(StatementTextTest, WidensColumns) {
  using Path = std::vector<std::string>;
  const auto member = StatementText::adapt("ALTER TABLE lake.t ALTER COLUMN s.\"a b\".element SET DATA TYPE bigint");
  EXPECT_EQ(member.parsed(), "ALTER TABLE lake.t ALTER COLUMN s SET DATA TYPE bigint");
  EXPECT_EQ(member.extras().typed_path, (Path{"s", "a b", "element"}));
  const auto spark = StatementText::adapt("ALTER TABLE t CHANGE c TYPE struct(a byte, b timestamp_ntz)");
  EXPECT_EQ(spark.parsed(), "ALTER TABLE t ALTER c TYPE struct(a TINYINT, b TIMESTAMP)");
  EXPECT_EQ(spark.extras().typed_path, Path{"c"});
  for (const char* sql : {"ALTER TABLE t ALTER COLUMN type SET NOT NULL", "ALTER TABLE t ALTER type TYPE BIGINT",
                          "ALTER TABLE t ALTER COLUMN c TYPE DECIMAL(12, 2) USING c + 1"}) {
    EXPECT_EQ(parsed(sql), sql);
  }
}

TEST(StatementTextTest, TakesThePartitionOfAnInsert) {
  const auto inserted = StatementText::adapt("INSERT INTO lake.t PARTITION (p = f(1, 'x'), \"Q\") (a) SELECT 1, 2");
  EXPECT_EQ(inserted.parsed(), "INSERT INTO lake.t   (a) SELECT 1, 2");
  ASSERT_EQ(inserted.extras().partitions.size(), 2u);
  EXPECT_EQ(inserted.extras().partitions[0].column, "p");
  EXPECT_EQ(inserted.extras().partitions[0].value, "f(1, 'x')");
  EXPECT_EQ(inserted.extras().partitions[1].column, "Q");
  EXPECT_EQ(inserted.extras().partitions[1].value, std::nullopt);
  EXPECT_FALSE(inserted.extras().overwrite);

  const auto replaced =
      StatementText::adapt("INSERT OVERWRITE TABLE t PARTITION (p = 'it''s', q = NULL, r) VALUES (1)");
  EXPECT_EQ(replaced.parsed(), "INSERT INTO  t   VALUES (1)");
  ASSERT_TRUE(replaced.extras().overwrite);
  EXPECT_EQ(replaced.extras().overwrite->condition, "\"p\" = cast_to_type('it''s', \"p\") AND \"q\" IS NULL");
  EXPECT_EQ(StatementText::adapt("INSERT OVERWRITE t PARTITION (p) VALUES (1)").extras().overwrite->scope,
            Overwrite::Scope::All);
  for (const char* sql : {"INSERT INTO t PARTITION (p = ) VALUES (1)", "INSERT INTO t PARTITION () VALUES (1)",
                          "INSERT INTO t PARTITION (1) VALUES (1)", "INSERT INTO partition VALUES (1)"}) {
    expect_same(sql);
    EXPECT_TRUE(StatementText::adapt(sql).extras().partitions.empty()) << sql;
  }
}

TEST(StatementTextTest, CreatesTablesWithClausesInAnyOrder) {
  EXPECT_EQ(parsed("CREATE TABLE t (a INT) USING DELTA TBLPROPERTIES ('x' = '1') PARTITIONED BY (a)"),
            "CREATE TABLE t (a INT)  PARTITIONED BY (a) WITH ('x' = '1') ");
  EXPECT_EQ(parsed("CREATE OR REPLACE TABLE t USING delta AS SELECT 1"), "CREATE OR REPLACE TABLE t   AS SELECT 1");
}

TEST(StatementTextTest, CreatesTablesWithConstraints) {
  EXPECT_EQ(parsed("CREATE TABLE t (a INT CHECK (a > (0)) NOT NULL, b DECIMAL(9, 2), CONSTRAINT C CHECK (`b` < 'x'))"),
            "CREATE TABLE t (a INT NOT NULL, b DECIMAL(9, 2)) WITH ('delta.constraints.a_check' = 'a > (0)', "
            "'delta.constraints.C' = '`b` < ''x''') ");
  EXPECT_EQ(parsed("CREATE TABLE t (CHECK (a > 0), a INT CONSTRAINT n CHECK (a > 1) CHECK (a > 2), CHECK (a > 3)) "
                   "TBLPROPERTIES ('delta.constraints.CHECK' = 'a < 9') PARTITIONED BY (a)"),
            "CREATE TABLE t (a INT)  PARTITIONED BY (a) WITH ('delta.constraints.check_2' = 'a > 0', "
            "'delta.constraints.n' = 'a > 1', 'delta.constraints.a_check' = 'a > 2', 'delta.constraints.check_3' = "
            "'a > 3', 'delta.constraints.CHECK' = 'a < 9') ");
  EXPECT_EQ(parsed("CREATE TABLE t (\"a b\" INT CHECK (true)) WITH () "),
            "CREATE TABLE t (\"a b\" INT)  WITH ('delta.constraints.a b_check' = 'true')  ");
  // For CREATE TABLE to refuse.
  for (const char* sql :
       {"CREATE TABLE t (a INT CONSTRAINT c CHECK (a > 0), CONSTRAINT C CHECK (a > 1))",
        "CREATE TABLE t (CONSTRAINT c CHECK (a > 0), a INT) WITH ('delta.constraints.c' = 'a > 1')"}) {
    expect_same(sql);
  }
}

TEST(StatementTextTest, OverwritesAll) {
  const auto all = StatementText::adapt("INSERT OVERWRITE TABLE lake.t SELECT 1");
  EXPECT_EQ(all.parsed(), "INSERT INTO  lake.t SELECT 1");
  ASSERT_TRUE(all.extras().overwrite);
  EXPECT_EQ(all.extras().overwrite->scope, Overwrite::Scope::All);
  EXPECT_EQ(parsed("EXPLAIN ANALYZE INSERT OVERWRITE t VALUES (1)"), "EXPLAIN ANALYZE INSERT INTO  t VALUES (1)");
  EXPECT_EQ(parsed("WITH s AS (SELECT 1 AS insert_) INSERT OVERWRITE t FROM s"),
            "WITH s AS (SELECT 1 AS insert_) INSERT INTO  t FROM s");
}

TEST(StatementTextTest, OverwritesWhatAConditionSays) {
  const std::string_view written =
      "INSERT INTO TABLE t (a, b) REPLACE WHERE a IS DISTINCT FROM 3 AND b IN (SELECT 1) SELECT 2, 1";
  const auto statement = StatementText::adapt(written);
  EXPECT_EQ(statement.parsed(), "INSERT INTO   t (a, b)   SELECT 2, 1");
  ASSERT_TRUE(statement.extras().overwrite);
  EXPECT_EQ(statement.extras().overwrite->scope, Overwrite::Scope::OfCondition);
  EXPECT_EQ(statement.extras().overwrite->condition, "a IS DISTINCT FROM 3 AND b IN (SELECT 1)");
  const std::size_t begin = statement.extras().overwrite->condition_begin;
  EXPECT_GT(begin, statement.parsed().size());
  EXPECT_EQ(written.substr(statement.written_position(begin), 4), "a IS");
  EXPECT_EQ(written.substr(statement.written_position(begin + 2), 2), "IS");
}

TEST(StatementTextTest, OverwritesWhatColumnsSay) {
  const auto statement =
      StatementText::adapt("INSERT INTO t BY NAME REPLACE USING (day, \"my region\") SELECT 1 AS day");
  EXPECT_EQ(statement.parsed(), "INSERT INTO t BY NAME   SELECT 1 AS day");
  ASSERT_TRUE(statement.extras().overwrite);
  EXPECT_EQ(statement.extras().overwrite->scope, Overwrite::Scope::OfColumns);
  EXPECT_EQ(statement.extras().overwrite->columns, (std::vector<std::string>{"day", "my region"}));
}

TEST(StatementTextTest, MergesByName) {
  EXPECT_EQ(parsed("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"),
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE BY NAME WHEN NOT MATCHED THEN INSERT BY NAME");
  expect_same("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET a = 1 * 2 WHEN NOT MATCHED THEN INSERT");
}

TEST(StatementTextTest, TravelsInTime) {
  EXPECT_EQ(parsed("SELECT * FROM lake.t VERSION AS OF 3 WHERE a"), "SELECT * FROM lake.t AT (VERSION => 3) WHERE a");
  EXPECT_EQ(parsed("FROM t FOR SYSTEM_VERSION AS OF 3 AS x JOIN u"), "FROM t AS x AT (VERSION => 3) JOIN u");
  EXPECT_EQ(parsed("FROM t TIMESTAMP AS OF '2026-01-31' x JOIN u TIMESTAMP AS OF TIMESTAMP '2026-01-30'"),
            "FROM t x AT (TIMESTAMP => '2026-01-31') JOIN u AT (TIMESTAMP => TIMESTAMP '2026-01-30')");
  EXPECT_EQ(parsed("FROM t TIMESTAMP AS OF now() - 3"), "FROM t AT (TIMESTAMP => now()) - 3");
  EXPECT_EQ(parsed("FROM t FOR TIMESTAMP AS OF (now() - INTERVAL 1 DAY)"),
            "FROM t AT (TIMESTAMP => (now() - INTERVAL 1 DAY))");
  EXPECT_EQ(parsed("INSERT OVERWRITE t SELECT * FROM t VERSION AS OF 1"),
            "INSERT INTO  t SELECT * FROM t AT (VERSION => 1)");
}

TEST(StatementTextTest, NamesTheTimestampOfReadDelta) {
  EXPECT_EQ(parsed("FROM read_delta('t', timestamp => '2026-01-31')"), "FROM read_delta('t', as_of => '2026-01-31')");
  EXPECT_EQ(parsed("FROM read_delta('t', version => 1)"), "FROM read_delta('t', version => 1)");
}

TEST(StatementTextTest, LeavesTheRest) {
  for (const std::string_view sql : {"DESCRIBE history",
                                     "DESCRIBE history.t",
                                     "DESCRIBE t",
                                     "SELECT 1 AS version, version AS of FROM t",
                                     "SELECT timestamp AS of FROM 't'",
                                     "SELECT 'INSERT OVERWRITE t'",
                                     "SELECT $$a; b$$ -- VERSION AS OF 3",
                                     "SELECT \"VERSION AS OF 3\" /* t VERSION AS OF 3 */ FROM t",
                                     "CREATE TABLE t (a INT) WITH (x = 1)",
                                     "INSERT INTO t SELECT replace('a', 'b', 'c')",
                                     "UPDATE t SET a = 1",
                                     "ALTER TABLE t ADD COLUMN c INT",
                                     "INSERT INTO overwrite VALUES (1)",
                                     "SELECT 'not closed",
                                     "INSERT INTO t REPLACE USING () SELECT 1",
                                     "INSERT INTO t REPLACE WHERE SELECT 1",
                                     "",
                                     "  ",
                                     "ALTER TABLE t ADD CONSTRAINT c CHECK ()",
                                     "CREATE TABLE t (a INT CHECK ())",
                                     "CREATE TABLE t (a INT CHECK (",
                                     "CREATE TEMP TABLE t (a INT CHECK (a > 0))",
                                     "CREATE TABLE t (\"CHECK\" INT)"}) {
    SCOPED_TRACE(sql);
    expect_same(sql);
  }
}

TEST(StatementTextTest, KnowsWherePartsCameFrom) {
  const std::string written = "INSERT OVERWRITE t SELECT x FROM u VERSION AS OF 3 AS alias WHERE y";
  const auto statement = StatementText::adapt(written);
  for (const char* part : {"t SELECT", "x FROM", "u", "alias", "3", "WHERE y"}) {
    EXPECT_EQ(statement.written_position(statement.parsed().find(part)), written.find(part)) << part;
  }
  // What is ours stands for what it replaces.
  EXPECT_EQ(statement.written_position(0), 0u);
  EXPECT_EQ(statement.written_position(statement.parsed().find("AT (")), written.find("VERSION"));
  EXPECT_EQ(statement.written_position(statement.parsed().size()), written.size());
}

TEST(StatementTextTest, SplitsScripts) {
  const std::string_view script = " ;SELECT ';' -- no; not here\n ; INSERT OVERWRITE t SELECT $$;$$;\n/* ; */";
  std::vector<std::string> parts;
  for (const TextRange& range : split_script(script)) {
    parts.emplace_back(script.substr(range.begin, range.end - range.begin));
  }
  EXPECT_EQ(parts, (std::vector<std::string>{"SELECT ';'", "INSERT OVERWRITE t SELECT $$;$$"}));
  EXPECT_TRUE(split_script(" \n").empty());
  EXPECT_TRUE(split_script("-- nothing\n").empty());
}

TEST(StatementTextTest, StatementsEndWhereTheirLastTokenDoes) {
  const std::vector<std::string> statements = {"SELECT 1e+5",
                                               "SELECT 1.5E-3",
                                               "SELECT 'ab'\n 'cd'",
                                               "SELECT 'ab' -- 'no'\n 'cd'",
                                               "DELETE FROM t WHERE id = $1",
                                               "SELECT $name",
                                               "SELECT e'a\\'b'\n'c\\'d'",
                                               "SELECT x >= 1e+2",
                                               "SELECT 1::DECIMAL(3, 1)",
                                               "SELECT 0x1F",
                                               "SELECT [1, 2][1:]",
                                               "SELECT count(*)",
                                               "SELECT \"a b\""};
  std::string script;
  for (const std::string& statement : statements) script += statement + " /* a ; /* b */ */;\n";
  script += "SELECT 7 -- the last";
  std::vector<std::string> parts;
  for (const TextRange& range : split_script(script)) {
    parts.emplace_back(script.substr(range.begin, range.end - range.begin));
  }
  std::vector<std::string> expected = statements;
  expected.emplace_back("SELECT 7");
  EXPECT_EQ(parts, expected);
}

TEST(StatementTextTest, ConditionsEndWhereTheirLastTokenDoes) {
  EXPECT_EQ(parsed("ALTER TABLE t ADD CONSTRAINT c CHECK (x < 1e+3)"),
            "ALTER TABLE t SET ('delta.constraints.c' = 'x < 1e+3')");
  EXPECT_EQ(StatementText::adapt("INSERT INTO t REPLACE WHERE a < 1e+5 SELECT 1").extras().overwrite->condition,
            "a < 1e+5");
  EXPECT_EQ(StatementText::adapt("INSERT INTO t PARTITION (p = 1e+2) SELECT 1").extras().partitions[0].value, "1e+2");
  EXPECT_EQ(parsed("CREATE TABLE t (x DOUBLE CHECK (x < 1e+3))"),
            "CREATE TABLE t (x DOUBLE) WITH ('delta.constraints.x_check' = 'x < 1e+3') ");
}

TEST(StatementTextTest, TablesAreNamedByTheirFolders) {
  EXPECT_EQ(StatementText::adapt("SELECT * FROM delta.`a/b's c` t").parsed(), "SELECT * FROM read_delta('a/b''s c') t");
  EXPECT_EQ(StatementText::adapt("FROM delta.`a` VERSION AS OF 3 x JOIN DELTA.`b` FOR TIMESTAMP AS OF '2026-01-01' y")
                .parsed(),
            "FROM read_delta('a', version => 3) x JOIN read_delta('b', as_of => '2026-01-01') y");
  EXPECT_EQ(StatementText::adapt("DESCRIBE HISTORY delta.`a` LIMIT 1").parsed(),
            "SELECT * FROM sluice_table_history('a') LIMIT 1");
  for (const char* sql : {"SELECT delta.a FROM delta", "SELECT 'delta.`a`'", "SELECT delta.`a"}) {
    EXPECT_EQ(StatementText::adapt(sql).parsed(), sql);
  }
  for (const char* sql :
       {"INSERT INTO delta.`a` VALUES (1)", "UPDATE delta.`a` SET b = 1", "ALTER TABLE delta.`a` SET ()"}) {
    EXPECT_THAT(StatementText::adapt(sql).extras().lacking, testing::HasSubstr("ATTACH")) << sql;
  }
}

TEST(StatementTextTest, ShowsWhatSparkShows) {
  EXPECT_THAT(StatementText::adapt("SHOW TBLPROPERTIES l.t").parsed(),
              testing::HasSubstr("FROM sluice_table_detail(['l', 't'])) ORDER BY ALL"));
  EXPECT_EQ(StatementText::adapt("show tables in l").parsed(), "show tables FROM l");
  EXPECT_EQ(StatementText::adapt("DESC TABLE EXTENDED l.t").parsed(), "DESC   l.t");
  EXPECT_EQ(StatementText::adapt("DESCRIBE extended").parsed(), "DESCRIBE extended");
}

TEST(StatementTextTest, WhatThisVersionLacksIsNamed) {
  EXPECT_EQ(StatementText::adapt("optimize t ZORDER BY (a)").extras().lacking, "OPTIMIZE");
  EXPECT_EQ(StatementText::adapt("COPY INTO t FROM 'a'").extras().lacking, "COPY INTO");
  EXPECT_EQ(StatementText::adapt("SELECT optimize FROM vacuum").extras().lacking, "");
}

TEST(StatementTextTest, SeveralColumnsAreAddedAndDroppedInSteps) {
  const StatementText added = StatementText::adapt(
      "ALTER TABLE l.t ADD COLUMNS (a INT FIRST, b DECIMAL(3, 1) AFTER a, c STRUCT(x INT, y INT))");
  EXPECT_EQ(added.parsed(), "ALTER TABLE l.t ADD COLUMN a INT");
  EXPECT_TRUE(added.extras().place);
  EXPECT_EQ(added.extras().further_steps,
            (std::vector<std::string>{"ADD COLUMN b DECIMAL(3, 1) AFTER a", "ADD COLUMN c STRUCT(x INT, y INT)"}));
  const StatementText dropped = StatementText::adapt("ALTER TABLE t DROP COLUMN (a, \"b c\")");
  EXPECT_EQ(dropped.parsed(), "ALTER TABLE t DROP COLUMN a");
  EXPECT_EQ(dropped.extras().further_steps, std::vector<std::string>{"DROP COLUMN \"b c\""});
  for (const char* sql : {"ALTER TABLE t ADD COLUMNS (a INT,, b INT)", "ALTER TABLE t ADD COLUMNS ()",
                          "ALTER TABLE t ADD COLUMNS (a INT) b"}) {
    EXPECT_EQ(StatementText::adapt(sql).parsed(), sql);
    EXPECT_TRUE(StatementText::adapt(sql).extras().further_steps.empty());
  }
}

}  // namespace
}  // namespace sluice::lake
