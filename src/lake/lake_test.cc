#include "lake/lake.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "lake/lake_test_relations.h"
#include "lake/lake_test_rows.h"

namespace sluice::lake {
namespace {

using duckdb::LogicalType;

/// Rows in memory, made by a query of a plain DuckDB.
class LakeTest : public testing::Test {
 protected:
  void SetUp() override { lake_ = open({}); }

  static std::unique_ptr<Lake> open(LakeOptions options) {
    auto lake = Lake::create(std::move(options));
    EXPECT_TRUE(lake) << lake.error().message();
    return std::move(*lake);
  }

  Relation relation(const std::string& name, const std::string& sql) { return relations_.make(name, sql); }

  std::string query(const std::string& sql) { return text_of(lake_->query(sql)); }

  std::unique_ptr<Lake> lake_;
  TestRelations relations_;
};

TEST_F(LakeTest, ExecutesAQueryOverRelationsAndViews) {
  const std::vector<View> views = {{"Loud", "SELECT * FROM quakes WHERE mag > 2"},
                                   {"names of loud", "SELECT name FROM loud JOIN networks USING (net)"}};
  EXPECT_EQ(
      text_of(lake_->execute("SELECT * FROM \"names of loud\" ORDER BY name", views,
                             {relation("quakes", "FROM (VALUES ('us', 2.5), ('ak', 1.0), ('ci', 3.0)) t(net, mag)"),
                              relation("networks", "FROM (VALUES ('us', 'USGS'), ('ci', 'SCSN')) t(net, name)")})),
      "SCSN\nUSGS\n");
}

TEST_F(LakeTest, RelationsAnswerToQuotedNamesInAnyCaseAndWithTheSchema) {
  const std::string source = "read_files('landing/*.jsonl')#1";
  EXPECT_EQ(text_of(lake_->execute("SELECT a + b FROM \"" + source + "\" CROSS JOIN MAIN.T CROSS JOIN t AS u", {},
                                   {relation(source, "SELECT 1 AS a"), relation("t", "SELECT 2 AS b")})),
            "error: Ambiguous reference to column name \"b\" (use: \"T.b\" or \"u.b\")");
  EXPECT_EQ(text_of(lake_->execute("SELECT a + T.b FROM \"" + source + "\" CROSS JOIN MAIN.T CROSS JOIN t AS u", {},
                                   {relation(source, "SELECT 1 AS a"), relation("t", "SELECT 2 AS b")})),
            "3\n");
  EXPECT_EQ(text_of(lake_->execute("FROM sluice.errors", {}, {relation("sluice.errors", "SELECT 7")})), "7\n");
}

TEST_F(LakeTest, ANameInAViewIsNotCapturedByTheQueryAroundIt) {
  EXPECT_EQ(text_of(lake_->execute("WITH t AS (SELECT 'captured' AS a) FROM v", {{"v", "FROM t"}},
                                   {relation("t", "SELECT 'relation' AS a")})),
            "relation\n");
}

TEST_F(LakeTest, ExecuteKeepsTheOrderOfItsInput) {
  const std::string rows = "SELECT (range * 7919) % 100003 AS i FROM range(100003)";
  auto copy = lake_->execute("SELECT i FROM t WHERE i % 3 <> 0", {}, {relation("t", rows)});
  std::string expected;
  auto direct = relations_.connection().Query("SELECT i FROM (" + rows + ") WHERE i % 3 <> 0");
  for (std::size_t i = 0; i < direct->RowCount(); ++i) expected += direct->GetValue(0, i).ToString() + "\n";
  EXPECT_EQ(text_of(std::move(copy)), expected);
}

TEST_F(LakeTest, ARelationIsReadWhereverItIsNamedAndOnlyItsColumns) {
  std::vector<std::vector<columnar::ColumnIndex>> asked;
  const columnar::Schema schema{{{"a", LogicalType::BIGINT, true, {}}, {"b", LogicalType::BIGINT, true, {}}}};
  class Three final : public Cursor {
   public:
    explicit Three(std::size_t columns) : columns_(columns) {}
    Status next(duckdb::DataChunk& rows) override {
      rows.SetCardinality(given_ ? 0 : 3);
      for (std::size_t c = 0; c < columns_ && !given_; ++c) {
        for (std::size_t r = 0; r < 3; ++r) rows.SetValue(c, r, duckdb::Value::BIGINT(static_cast<std::int64_t>(r)));
      }
      given_ = true;
      return ok();
    }

   private:
    std::size_t columns_;
    bool given_ = false;
  };
  auto open_three = [&](const std::vector<columnar::ColumnIndex>& columns) -> Result<std::unique_ptr<Cursor>> {
    asked.push_back(columns);
    return std::unique_ptr<Cursor>(std::make_unique<Three>(columns.size()));
  };
  EXPECT_EQ(text_of(lake_->execute("SELECT sum(x.b), (SELECT count(*) FROM t) FROM t AS x", {},
                                   {Relation::of_cursor("t", schema, open_three)})),
            "3|3\n");
  ASSERT_EQ(asked.size(), 2u);
  for (const auto& columns : asked) EXPECT_EQ(columns.size(), 1u);
}

TEST_F(LakeTest, ACursorsErrorIsTheQuerysError) {
  auto broken = [](const std::vector<columnar::ColumnIndex>&) -> Result<std::unique_ptr<Cursor>> {
    return Error(ErrorCode::Corruption, "state of t is gone");
  };
  const columnar::Schema schema{{{"a", LogicalType::BIGINT, true, {}}}};
  auto rows = lake_->execute("SELECT a FROM t", {}, {Relation::of_cursor("t", schema, broken)});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code(), ErrorCode::Corruption);
  EXPECT_EQ(rows.error().message(), "state of t is gone");
}

TEST_F(LakeTest, RowErrorsAreDataErrors) {
  auto rows = lake_->execute("SELECT (1000 * i)::TINYINT FROM t", {}, {relation("t", "SELECT 1::BIGINT AS i")});
  const Error error = rows ? (*rows)->next().error() : rows.error();
  EXPECT_EQ(error.code(), ErrorCode::DataError);
}

TEST_F(LakeTest, TimesAreUtcWhateverTheMachineSays) {
  EXPECT_EQ(query("SELECT current_setting('TimeZone'), TIMESTAMPTZ '2024-01-01 00:00:00+02'::VARCHAR"),
            "UTC|2023-12-31 22:00:00+00\n");
}

TEST_F(LakeTest, AMistakeIsShownWhereItIs) {
  const auto rows = lake_->query("SELECT 1,\n       no_such_function(2)");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code(), ErrorCode::InvalidArgument);
  ASSERT_TRUE(rows.error().location());
  EXPECT_EQ(rows.error().location()->line, 2u);
  EXPECT_EQ(rows.error().location()->column, 8u);
  EXPECT_EQ(rows.error().location()->text, "       no_such_function(2)");
}

TEST_F(LakeTest, AMistakeHasTheNumberOfItsKind) {
  const auto number_of = [&](const std::string& sql) {
    auto rows = lake_->query(sql);
    if (!rows) return rows.error().number();
    auto chunk = (*rows)->next();
    return chunk ? 0u : chunk.error().number();
  };
  EXPECT_EQ(number_of("SELECT FROM WHERE"), 1001u);
  EXPECT_EQ(number_of("FROM nowhere"), 1040u);
  EXPECT_EQ(number_of("SELECT no.a FROM (SELECT 1 AS a) t"), 1040u);
  EXPECT_EQ(number_of("SELECT no_such_function(2)"), 1041u);
  EXPECT_EQ(number_of("SELECT * FROM no_such_function(2)"), 1041u);
  EXPECT_EQ(number_of("SELECT b FROM (SELECT 1 AS a)"), 1042u);
  EXPECT_EQ(number_of("SELECT {'a': 1}.b"), 1042u);
  EXPECT_EQ(number_of("SELECT sum('a')"), 1043u);
  EXPECT_EQ(number_of("SELECT 1::NO_SUCH_TYPE"), 1044u);
  EXPECT_EQ(number_of("SELECT a FROM (SELECT 1 AS a) x, (SELECT 1 AS a) y"), 1045u);
  EXPECT_EQ(number_of("SELECT a, count(*) FROM (SELECT 1 AS a)"), 1046u);
  EXPECT_EQ(number_of("SELECT 1 UNION SELECT 1, 2"), 1049u);
  EXPECT_EQ(number_of("SELECT 'x'::INTEGER"), 3100u);
  EXPECT_EQ(number_of("SELECT range::TINYINT FROM range(1000)"), 3100u);
  EXPECT_EQ(number_of("SET threads = 7"), 142u);
  EXPECT_EQ(number_of("SELECT * FROM read_text('/etc/passwd')"), 142u);
  EXPECT_EQ(number_of("CREATE TABLE t AS SELECT 1"), 143u);
  EXPECT_EQ(number_of("SELECT 1; SELECT 2"), 147u);
}

TEST_F(LakeTest, WhatDuckDbProposesIsHelp) {
  const auto rows = lake_->query("SELECT b FROM (SELECT 1 AS bb)");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message(), "Referenced column \"b\" not found in FROM clause!");
  EXPECT_EQ(rows.error().help(), "Candidate bindings: \"bb\"");
}

TEST_F(LakeTest, AMisspeltTableGetsASuggestion) {
  auto lake = open({.list_tables = [] { return std::vector<TableName>{{"main", "quakes"}, {"main", "stations"}}; }});
  const auto rows = lake->query("SELECT * FROM quake");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message(), "there is no table quake");
  EXPECT_NE(rows.error().help().find("quakes"), std::string::npos) << rows.error().help();
}

TEST_F(LakeTest, ALongResultComesInPieces) {
  auto lake = open({.memory_bytes_max = 64 * 1024 * 1024});
  auto rows = lake->query("SELECT range, repeat('x', 100) FROM range(5000000)");
  ASSERT_TRUE(rows) << rows.error().message();
  std::uint64_t count = 0;
  while (true) {
    auto chunk = (*rows)->next();
    ASSERT_TRUE(chunk) << chunk.error().message();
    if (!*chunk) break;
    count += (*chunk)->size();
  }
  EXPECT_EQ(count, 5000000u);
}

TEST_F(LakeTest, AQueryLargerThanMemorySpillsOrSaysSo) {
  const std::string large = "SELECT count(DISTINCT md5(range::VARCHAR)) FROM range(2000000)";
  LakeOptions options{.memory_bytes_max = 64 * 1024 * 1024};
  {
    auto lake = open(options);
    auto rows = lake->query(large);
    const Error error = rows ? (*rows)->next().error() : rows.error();
    EXPECT_EQ(error.code(), ErrorCode::ResourceExhausted);
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
  }
  std::string folder = testing::TempDir() + "lake_spill_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  options.spill_folder = folder;
  EXPECT_EQ(text_of(open(options)->query(large)), "2000000\n");
  std::filesystem::remove_all(folder);
}

TEST_F(LakeTest, AStopEndsAQuery) {
  std::stop_source stop;
  auto rows = lake_->query("SELECT count(*) FROM range(10) a", stop.get_token());
  EXPECT_EQ(text_of(std::move(rows)), "10\n");

  auto running = lake_->query("SELECT a.range FROM range(1000000000) a, range(1000) b", stop.get_token());
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_TRUE((*running)->next());
  stop.request_stop();
  Result<duckdb::unique_ptr<duckdb::DataChunk>> chunk = (*running)->next();
  while (chunk && *chunk) chunk = (*running)->next();
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code(), ErrorCode::Cancelled);

  const auto late = lake_->query("SELECT 1", stop.get_token());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::Cancelled);
}

/// Statements that reach for something outside, or change what later queries see.
class LakeLockTest : public LakeTest, public testing::WithParamInterface<const char*> {};

TEST_P(LakeLockTest, IsRefused) {
  const auto rows = lake_->query(GetParam());
  if (rows) {
    EXPECT_FALSE((*rows)->next()) << GetParam();
  }
  EXPECT_EQ(query("SELECT 1"), "1\n");
}

INSTANTIATE_TEST_SUITE_P(
    Lake, LakeLockTest,
    testing::Values("SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
                    "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM glob('/etc/*')",
                    "SELECT * FROM read_parquet('x.parquet')", "SELECT * FROM 'x.parquet'",
                    "SELECT * FROM read_parquet('sluice://1/0/x')", "SELECT * FROM read_text('sluice://1/0/x')",
                    "SELECT * FROM sluice_scan_delta(0)", "SELECT * FROM sluice_scan_rows(0)",
                    "COPY (SELECT 1) TO 'lake_test_out.csv'", "COPY (SELECT 1) TO 'sluice://1/0/x' (FORMAT parquet)",
                    "ATTACH 'lake_test.db' AS other", "EXPORT DATABASE 'lake_test_export'", "INSTALL httpfs",
                    "LOAD httpfs", "SET threads = 7", "SET enable_external_access = true",
                    "SET TimeZone = 'Europe/Prague'", "RESET lock_configuration",
                    "PRAGMA profile_output='lake_test_profile.json'", "CREATE TABLE t AS SELECT 1",
                    "CREATE VIEW quakes AS SELECT 1", "CREATE SCHEMA s", "CREATE MACRO two() AS 2",
                    "SELECT 1; SELECT 2", "", "SELECT * FROM 'http://127.0.0.1:1/x.csv'"));

TEST_F(LakeTest, ABugOfDuckDbBreaksOneQueryOnly) {
  int calls = 0;
  LakeOptions options;
  options.find_table = [&](const std::optional<std::string>&, const std::string&) -> Result<std::optional<DeltaTable>> {
    ++calls;
    throw duckdb::InternalException("an impossible state");
  };
  auto lake = open(std::move(options));
  const auto rows = lake->query("SELECT * FROM t");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code(), ErrorCode::Internal);
  EXPECT_NE(rows.error().message().find("an impossible state"), std::string::npos) << rows.error().message();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(text_of(lake->query("SELECT 1")), "1\n");
}

TEST_F(LakeTest, SplitsAScript) {
  const auto statements = lake_->split("SELECT ';' AS a; -- not; here\n  SELECT 2\n;");
  ASSERT_TRUE(statements) << statements.error().message();
  ASSERT_EQ(statements->size(), 2u);
  EXPECT_EQ(query((*statements)[0].text), ";\n");
  EXPECT_EQ(query((*statements)[1].text), "2\n");
  EXPECT_FALSE(lake_->split("SELECT FROM WHERE"));
}

TEST_F(LakeTest, CollectsRows) {
  auto rows = lake_->query("SELECT range AS i FROM range(5000)");
  ASSERT_TRUE(rows);
  auto collection = collect(**rows);
  ASSERT_TRUE(collection) << collection.error().message();
  EXPECT_EQ((*collection)->Count(), 5000u);
}

}  // namespace
}  // namespace sluice::lake
