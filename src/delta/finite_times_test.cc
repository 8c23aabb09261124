#include "delta/finite_times.h"

#include <gtest/gtest.h>
#include <duckdb.hpp>

namespace sluice::delta {
namespace {

std::vector<FiniteTimes::Finding> find_in(const std::string& query,
                                          const std::vector<columnar::ColumnIndex>& partition = {}) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  auto result = connection.Query(query);
  EXPECT_FALSE(result->HasError()) << result->GetError();
  auto rows = result->Fetch();
  return FiniteTimes(columnar::RowType(result->types.begin(), result->types.end()), partition).find(*rows);
}

using Findings = std::vector<FiniteTimes::Finding>;

TEST(FiniteTimesTest, FindsInfiniteDatesAndTimestamps) {
  EXPECT_EQ(find_in("SELECT i, CASE i WHEN 1 THEN 'infinity' WHEN 3 THEN '-infinity' ELSE '2024-01-01' END::TIMESTAMP, "
                    "CASE WHEN i IN (2, 3) THEN 'infinity' END::DATE FROM range(5) r(i)"),
            (Findings{{1, 1}, {2, 2}, {3, 1}}));
  EXPECT_EQ(find_in("SELECT 'infinity'::TIMESTAMPTZ FROM range(2)"), (Findings{{0, 0}, {1, 0}}));
}

TEST(FiniteTimesTest, FindsThemAtAnyDepthAndInTheirOwnRowOnly) {
  EXPECT_EQ(find_in("SELECT CASE i WHEN 0 THEN [] WHEN 1 THEN NULL ELSE [{'at': '2024-01-01'::DATE}, {'at': NULL}, "
                    "{'at': CASE WHEN i = 3 THEN 'infinity' ELSE '2024-01-02' END::DATE}] END FROM range(5) r(i)"),
            (Findings{{3, 0}}));
  EXPECT_EQ(
      find_in("SELECT MAP {'a': CASE WHEN i = 1 THEN 'infinity' ELSE '2024-01-02' END::TIMESTAMP} FROM range(3) r(i)"),
      (Findings{{1, 0}}));
}

TEST(FiniteTimesTest, FindsWhatHasNoTextInPartitionColumns) {
  const std::string query =
      "SELECT CASE i WHEN 0 THEN '10000-01-01' WHEN 1 THEN '262143-01-01' WHEN 2 THEN '2024-01-01' END::DATE, "
      "CASE i WHEN 2 THEN '290000-12-31' ELSE '2024-01-01' END::TIMESTAMP, "
      "CASE i WHEN 3 THEN '\\xFF' ELSE 'abc' END::BLOB FROM range(4) r(i)";
  EXPECT_TRUE(find_in(query).empty());
  EXPECT_EQ(find_in(query, {0, 1, 2}), (Findings{{1, 0, false}, {2, 1, false}, {3, 2, false}}));
}

TEST(FiniteTimesTest, LooksAtNothingElse) {
  EXPECT_TRUE(find_in("SELECT 'infinity'::DOUBLE, 'infinity', [1]").empty());
  EXPECT_TRUE(find_in("SELECT '290000-12-31'::TIMESTAMP, NULL::DATE").empty());
}

}  // namespace
}  // namespace sluice::delta
