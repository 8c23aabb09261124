#include "sql/internal/statement.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class StatementTest : public ::testing::Test {
 protected:
  const ParsedFile& parse(std::string text) {
    files_ = {{"a.sql", std::move(text)}};
    source_.emplace(files_);
    tokens_ = tokenize(*source_, source_->file_span(0));
    parsed_ = parse_statements(*source_, tokens_.tokens, "main");
    return parsed_;
  }
  /// Parses a single statement without mistakes.
  const DatasetStatement& only(std::string text) {
    parse(std::move(text));
    for (const Error& error : parsed_.errors) ADD_FAILURE() << render(error);
    EXPECT_EQ(parsed_.datasets.size(), 1U);
    if (parsed_.datasets.empty()) parsed_.datasets.emplace_back();
    return parsed_.datasets.front();
  }
  std::string text(const TokenRange& range) { return std::string(source_->text(range.span())); }
  static std::vector<std::string> names(const std::vector<NameAt>& list) {
    std::vector<std::string> out;
    for (const NameAt& name : list) out.push_back(name.text);
    return out;
  }

  std::vector<SourceFile> files_;
  std::optional<SourceText> source_;
  Tokens tokens_;
  ParsedFile parsed_;
};

TEST_F(StatementTest, EveryFormOfCreateIsRead) {
  EXPECT_EQ(only("CREATE STREAMING TABLE t AS SELECT 1").kind, plan::DatasetKind::StreamingTable);
  EXPECT_EQ(only("create or refresh streaming table t as select 1;").kind, plan::DatasetKind::StreamingTable);
  EXPECT_TRUE(only("CREATE OR REFRESH PRIVATE STREAMING TABLE IF NOT EXISTS t AS SELECT 1").is_private);
  EXPECT_EQ(only("CREATE MATERIALIZED VIEW v AS SELECT 1").kind, plan::DatasetKind::MaterializedView);
  EXPECT_EQ(only("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1").kind, plan::DatasetKind::MaterializedView);
  EXPECT_EQ(only("CREATE OR REFRESH MATERIALIZED VIEW main.v AS SELECT 1").name.text, "v");
  EXPECT_EQ(only("CREATE OR REPLACE TEMPORARY VIEW \"My View\" AS SELECT 1").name.text, "My View");
  EXPECT_EQ(only("CREATE TEMP VIEW v AS SELECT 1").kind, plan::DatasetKind::TemporaryView);
}

TEST_F(StatementTest, TheQueryIsEverythingAfterAs) {
  const DatasetStatement& statement =
      only("CREATE MATERIALIZED VIEW v AS -- all\n  SELECT ';' AS s FROM t WHERE a IN (1, 2) -- done\n;");
  EXPECT_EQ(text(statement.query), "SELECT ';' AS s FROM t WHERE a IN (1, 2)");
}

TEST_F(StatementTest, ClausesComeInAnyOrder) {
  for (const char* clauses :
       {"COMMENT 'c' PARTITIONED BY (a, \"b c\") TBLPROPERTIES ('k' = 'v', x.y = 2, z = TRUE)",
        "TBLPROPERTIES ('k' = 'v', x.y = 2, z = TRUE) PARTITIONED BY (a, \"b c\") USING DELTA COMMENT 'c'"}) {
    const DatasetStatement& statement = only(fmt::format("CREATE MATERIALIZED VIEW v {} AS SELECT 1", clauses));
    EXPECT_EQ(statement.comment, "c");
    EXPECT_THAT(names(statement.partition_by), ElementsAre("a", "b c"));
    std::map<std::string, std::string> properties;
    for (const auto& [key, property] : statement.properties) properties[key] = property.value;
    EXPECT_THAT(properties, ElementsAre(Pair("k", "v"), Pair("x.y", "2"), Pair("z", "true")));
  }
  EXPECT_THAT(names(only("CREATE STREAMING TABLE t CLUSTER BY (a) AS SELECT 1").cluster_by), ElementsAre("a"));
}

TEST_F(StatementTest, ColumnsAndConstraintsMayBeMixed) {
  const DatasetStatement& statement = only(
      "CREATE STREAMING TABLE t (\n"
      "  id BIGINT NOT NULL COMMENT 'key',\n"
      "  CONSTRAINT positive EXPECT (price > (0)) ON VIOLATION DROP ROW,\n"
      "  price DECIMAL(10, 2),\n"
      "  tags array<struct<a: int, b: string>>,\n"
      "  CONSTRAINT known EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,\n"
      "  CONSTRAINT odd EXPECT (id % 2 = 1) ON VIOLATION QUARANTINE,\n"
      "  CONSTRAINT seen EXPECT (price <> ')'),\n"
      "  note\n"
      ") AS SELECT 1");
  ASSERT_EQ(statement.columns.size(), 4U);
  EXPECT_EQ(statement.columns[0].name.text, "id");
  EXPECT_EQ(text(statement.columns[0].type), "BIGINT");
  EXPECT_TRUE(statement.columns[0].not_null);
  EXPECT_EQ(statement.columns[0].comment, "key");
  EXPECT_EQ(text(statement.columns[1].type), "DECIMAL(10, 2)");
  EXPECT_EQ(text(statement.columns[2].type), "array<struct<a: int, b: string>>");
  EXPECT_TRUE(statement.columns[3].type.empty());
  ASSERT_EQ(statement.expectations.size(), 4U);
  EXPECT_EQ(text(statement.expectations[0].predicate), "price > (0)");
  EXPECT_EQ(statement.expectations[0].on_violation, plan::OnViolation::DropRow);
  EXPECT_EQ(statement.expectations[1].on_violation, plan::OnViolation::FailUpdate);
  EXPECT_EQ(statement.expectations[2].on_violation, plan::OnViolation::Quarantine);
  EXPECT_EQ(statement.expectations[3].on_violation, plan::OnViolation::Keep);
}

TEST_F(StatementTest, SetGivesPropertiesToTheDatasetsBelowIt) {
  parse(
      "CREATE MATERIALIZED VIEW a AS SELECT 1;\n"
      "SET pipelines.reset.allowed = false;\n"
      "SET spark.sql.shuffle.partitions = 8;\n"
      "CREATE MATERIALIZED VIEW b AS SELECT 1;\n"
      "CREATE MATERIALIZED VIEW c TBLPROPERTIES ('pipelines.reset.allowed' = 'true') AS SELECT 1;");
  ASSERT_THAT(parsed_.errors, IsEmpty());
  EXPECT_TRUE(parsed_.datasets[0].properties.empty());
  EXPECT_EQ(parsed_.datasets[1].properties.at("pipelines.reset.allowed").value, "false");
  EXPECT_EQ(parsed_.datasets[2].properties.at("pipelines.reset.allowed").value, "true");
  EXPECT_EQ(parsed_.datasets[2].properties.size(), 1U);
}

TEST_F(StatementTest, UseOfThePipelinesSchemaIsAccepted) {
  EXPECT_THAT(parse("USE main; USE SCHEMA Main;").errors, IsEmpty());
  EXPECT_EQ(parse("USE other;").errors.size(), 1U);
}

TEST_F(StatementTest, ParsingGoesOnAfterAMistake) {
  parse(
      "CREATE MATERIALIZED VIEW a AS SELECT 1;\n"
      "CREATE MATERIALISED VIEW b AS SELECT 1;\n"
      "DROP TABLE c;\n"
      "CREATE STREAMING TABLE d COMMENT 5 AS SELECT 1;\n"
      "CREATE MATERIALIZED VIEW e AS SELECT 1;");
  EXPECT_EQ(parsed_.errors.size(), 3U);
  ASSERT_EQ(parsed_.datasets.size(), 2U);
  EXPECT_EQ(parsed_.datasets[1].name.text, "e");
}

TEST_F(StatementTest, AMissingSemicolonIsFoundAtTheNextStatement) {
  parse("CREATE MATERIALIZED VIEW a AS SELECT 1\nCREATE MATERIALIZED VIEW b AS SELECT 2;");
  ASSERT_EQ(parsed_.errors.size(), 1U);
  EXPECT_EQ(parsed_.errors[0].location()->line, 2U);
  EXPECT_EQ(parsed_.datasets.size(), 2U);  // both are still known
}

TEST_F(StatementTest, EmptyFilesAndLoneSemicolonsAreFine) {
  EXPECT_THAT(parse("").errors, IsEmpty());
  EXPECT_THAT(parse(";;\n-- nothing\n;").errors, IsEmpty());
}

}  // namespace
}  // namespace sluice::sql
