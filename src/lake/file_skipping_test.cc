#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lake/lake_test_table.h"

namespace sluice::lake {
namespace {

class FileSkippingTest : public DeltaTableTest {
 protected:
  /// Three files; the one in the middle is gone, so that who opens it fails.
  void make_table_with_a_hole() {
    create_table(
        "SELECT 1 AS id, '' AS name, TIMESTAMP '2024-01-01' AS made, 1.5::DECIMAL(9, 2) AS price, {'x': 1} AS r, "
        "true AS flag, DATE '2024-01-01' AS day",
        {"day"});
    const std::string columns =
        "SELECT range::INTEGER AS id, chr((65 + range // 100)::INTEGER) || 'x' || range AS name, "
        "TIMESTAMP '2024-01-01' + to_seconds(range) AS made, (range / 10)::DECIMAL(9, 2) AS price, {'x': "
        "range::INTEGER} AS r, range >= 200 AS flag FROM range({}, {})";
    for (int file = 0; file < 3; ++file) {
      add_file(fmt::format("{}.parquet", file), fmt::format(fmt::runtime(hole(columns)), file * 100, file * 100 + 100),
               {{"day", fmt::format("2024-01-0{}", file + 1)}});
    }
    ASSERT_TRUE(store_->remove("1.parquet"));
  }

  /// Doubles the braces of a struct, but not those that stand for numbers.
  static std::string hole(std::string text) {
    const auto begin = text.find("{'x'");
    text.insert(begin, "{");
    text.insert(text.find("} AS r"), "}");
    return text;
  }

  std::string count_where(const std::string& condition) { return query("SELECT count(*) FROM t WHERE " + condition); }
};

TEST_F(FileSkippingTest, FilesThatCannotHoldARowAreNotOpened) {
  make_table_with_a_hole();
  EXPECT_EQ(code_of("FROM t"), ErrorCode::Corruption);
  EXPECT_EQ(count_where("id = 7"), "1\n");
  EXPECT_EQ(count_where("7 > id"), "7\n");
  EXPECT_EQ(count_where("id >= 200 AND name <> 'q'"), "100\n");
  EXPECT_EQ(count_where("id BETWEEN 210 AND 219"), "10\n");
  EXPECT_EQ(count_where("id IN (1, 250, 999)"), "2\n");
  EXPECT_EQ(count_where("id < 3 OR id > 297"), "5\n");
  EXPECT_EQ(count_where("NOT (id >= 5)"), "5\n");
  EXPECT_EQ(count_where("name LIKE 'Ax1%'"), "11\n");
  EXPECT_EQ(count_where("name < 'B'"), "100\n");
  EXPECT_EQ(count_where("made >= TIMESTAMP '2024-01-01 00:04:00'"), "60\n");
  EXPECT_EQ(count_where("price < 1.00"), "10\n");
  EXPECT_EQ(count_where("r.x = 201"), "1\n");
  EXPECT_EQ(count_where("day = DATE '2024-01-03'"), "100\n");
  EXPECT_EQ(count_where("day <> DATE '2024-01-02' AND id % 2 = 0"), "100\n");
  EXPECT_EQ(count_where("id IS NULL"), "0\n");
  EXPECT_EQ(count_where("id = 1000"), "0\n");
  // What needs the file, or may need it, still fails.
  EXPECT_EQ(code_of("SELECT count(*) FROM t WHERE id = 150"), ErrorCode::Corruption);
  EXPECT_EQ(code_of("SELECT count(*) FROM t WHERE id % 1000 = 7"), ErrorCode::Corruption);
}

TEST_F(FileSkippingTest, TheOtherSideOfAJoinRulesFilesOut) {
  make_table_with_a_hole();
  EXPECT_EQ(query("SELECT sum(id) FROM t JOIN (FROM (VALUES (3), (4)) v(k)) ON id = k"), "7\n");
}

TEST_F(FileSkippingTest, ExplainShowsHowManyFilesAreLeft) {
  make_table_with_a_hole();
  const std::string plan = query("EXPLAIN SELECT name FROM t WHERE id = 7 AND length(name) > 1");
  EXPECT_NE(plan.find("1/3"), std::string::npos) << plan;
}

TEST_F(FileSkippingTest, AFileThatIsNotReadNeedNotBeReachable) {
  make_table_with_a_hole();
  delta::AddFile elsewhere;
  elsewhere.path = "s3://bucket/elsewhere.parquet";
  elsewhere.partition_values = {{"day", "2024-02-01"}};
  elsewhere.data_change = true;
  commit({elsewhere});
  EXPECT_EQ(count_where("day = DATE '2024-01-03'"), "100\n");
  EXPECT_NE(query("EXPLAIN FROM t").find("SCAN_DELTA"), std::string::npos);
  EXPECT_EQ(code_of("SELECT count(*) FROM t WHERE day = DATE '2024-02-01'"), ErrorCode::Unsupported);
}

TEST_F(FileSkippingTest, WhereARowIsDoesNotDependOnTheFilesLeftOut) {
  create_table("SELECT 1 AS id");
  for (int file = 0; file < 3; ++file) add_file(fmt::format("{}.parquet", file), fmt::format("SELECT {} AS id", file));
  EXPECT_EQ(query("SELECT file_index, id FROM t WHERE id = 2"), "2|2\n");
}

TEST_F(FileSkippingTest, DeletedRowsDoNotMakeBoundsWrong) {
  create_table("SELECT 1::BIGINT AS id");
  add_file("a.parquet", "SELECT range AS id FROM range(10)", {}, {0, 9});
  add_file("b.parquet", "SELECT NULL::BIGINT AS id FROM range(3)", {}, {0});
  EXPECT_EQ(count_where("id <= 1"), "1\n");
  EXPECT_EQ(count_where("id IS NULL"), "2\n");
  EXPECT_EQ(count_where("id IS NOT NULL"), "8\n");
}

/// Random files and conditions: an aggregate's FILTER, which no scan sees, is the second source.
class RandomConditions {
 public:
  explicit RandomConditions(SeededRandom& random) : random_(random) {}

  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }
  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as `depth`.
  std::string condition(int depth) {
    switch (depth == 0 ? 0 : below(5)) {
      case 1: return fmt::format("({} AND {})", condition(depth - 1), condition(depth - 1));
      case 2: return fmt::format("({} OR {})", condition(depth - 1), condition(depth - 1));
      case 3: return fmt::format("(NOT {})", condition(depth - 1));
      default: return leaf();
    }
  }

 private:
  std::string leaf() {
    static const std::vector<std::vector<std::string>> columns = {
        {"i", "0", "3", "-5", "12", "40", "NULL"},
        {"d", "0.0", "'NaN'::DOUBLE", "'inf'::DOUBLE", "-1.5", "1e300"},
        {"s", "''", "'a'", "repeat('z', 40)", "'zzzz'", "chr(1114111)", "'é'", "repeat('z', 32) || 'a'"},
        {"ts", "TIMESTAMP '2024-01-01 00:00:00.000999'", "TIMESTAMP '2024-01-01 00:00:00.001'",
         "TIMESTAMP '2023-12-31 23:59:59.999999'"},
        {"dec", "1.005::DECIMAL(18, 3)", "0.000::DECIMAL(18, 3)", "-3.141::DECIMAL(18, 3)"},
        {"r.m", "0", "3", "12"},
        {"p", "0", "1", "2", "NULL"},
    };
    const auto& column = one_of(columns);
    const std::string& name = column.front();
    const auto constant = [&] { return column[1 + below(column.size() - 1)]; };
    switch (below(6)) {
      case 0: return name + (below(2) == 0 ? " IS NULL" : " IS NOT NULL");
      case 1: return fmt::format("({} BETWEEN {} AND {})", name, constant(), constant());
      case 2: return fmt::format("({} {}IN ({}, {}))", name, below(2) == 0 ? "NOT " : "", constant(), constant());
      case 3:
        if (name == "s") return fmt::format("(s LIKE '{}%')", one_of<std::string>({"z", "zzzz", "a", "é"}));
        [[fallthrough]];
      default:
        return fmt::format("({} {} {})", name, one_of<std::string>({"=", "<>", "<", "<=", ">", ">="}), constant());
    }
  }

  SeededRandom& random_;
};

TEST_F(FileSkippingTest, NoConditionLosesARow) {
  create_table(
      "SELECT 1 AS i, 1.5::DOUBLE AS d, '' AS s, TIMESTAMP '2024-01-01' AS ts, 1::DECIMAL(18, 3) AS dec, {'m': 1} AS "
      "r, "
      "1 AS p",
      {"p"});
  RandomConditions random(random_);
  for (int file = 0; file < 24; ++file) {
    const auto offset = static_cast<std::int64_t>(random.below(60)) - 20;
    const auto width = 1 + random.below(6);
    const auto null_every = 1 + random.below(4);
    const std::string rows = fmt::format(
        "SELECT CASE WHEN h % {1} > 0 THEN {0} + h % {2} END::INTEGER AS i, "
        "CASE h % 7 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN NULL WHEN 2 THEN 'inf'::DOUBLE ELSE {0} * 0.5 + h % {2} END "
        "AS d, "
        "CASE WHEN h % {1} > 0 THEN repeat(chr((97 + (h + {3}) % 26)::INTEGER), (h % 41)::BIGINT) || "
        "CASE h % 5 WHEN 0 THEN chr(1114111) WHEN 1 THEN 'é' ELSE '' END END AS s, "
        "TIMESTAMP '2024-01-01' + to_microseconds(({0} * 300 + h % 2000)::BIGINT) AS ts, "
        "(({0} * 1000 + h % 5000) / 1000)::DECIMAL(18, 3) AS dec, "
        "CASE WHEN h % {1} > 0 THEN {{'m': ({0} + h % {2})::INTEGER}} END AS r "
        "FROM (SELECT hash(range + {3} * 100) % 100000 AS h FROM range(20))",
        offset, null_every, width, file);
    add_file(fmt::format("{}.parquet", file), rows,
             {{"p", file % 4 == 3 ? std::nullopt : std::optional(std::to_string(file % 4))}},
             file % 5 == 0 ? std::vector<std::uint64_t>{1, 7} : std::vector<std::uint64_t>());
  }
  int skipping = 0;
  constexpr int kConditions = 150;
  for (int i = 0; i < kConditions; ++i) {
    const std::string condition = random.condition(3);
    ASSERT_EQ(count_where(condition), query(fmt::format("SELECT count(*) FILTER (WHERE {}) FROM t", condition)))
        << condition;
    if (query("EXPLAIN SELECT count(*) FROM t WHERE " + condition).find("/24") != std::string::npos) ++skipping;
  }
  EXPECT_GT(skipping, kConditions / 10);
}

}  // namespace
}  // namespace sluice::lake
