#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "lake/lake.h"
#include "lake/lake_test_relations.h"

namespace sluice::lake {
namespace {

/// A query, and the answer that the total order of design §4 gives, rows as "a|b", sorted.
struct Case {
  const char* name;
  const char* sql;
  std::vector<std::string> expected;
};

/// t(g, k, v, x) has ties in every column but its rows differ; u(g, w) joins with it. Adding 1e16 and 1 in another
/// order gives another sum.
constexpr const char* kRows[] = {"('a', 1, 'p', 1e16)",   "('a', 1, 'q', 1.0)", "('a', 2, 'p', 1.0)",
                                 "('b', 1, NULL, -1e16)", "('b', 1, 'z', 1.0)", "('b', 3, 'y', 1e16)",
                                 "('a', 1, 'p', -1e16)"};

const Case kCases[] = {
    {"LimitWithoutOrder", "SELECT k, v FROM t LIMIT 3", {"1|p", "1|p", "1|q"}},
    {"LimitUnderAnotherOrder", "SELECT v, k FROM t LIMIT 2", {"p|1", "p|1"}},
    {"TiesOfAnOrder", "SELECT g, v FROM t ORDER BY k LIMIT 2 OFFSET 1", {"a|p", "a|q"}},
    {"TiesOfADescendingOrder", "SELECT v FROM t ORDER BY k DESC LIMIT 2", {"p", "y"}},
    {"DistinctOn", "SELECT DISTINCT ON (g) g, v, x FROM t", {"a|p|-1e+16", "b|y|1e+16"}},
    {"DistinctOnWithOrder", "SELECT DISTINCT ON (g) g, v FROM t ORDER BY g, k DESC", {"a|p", "b|y"}},
    {"FirstAndLast", "SELECT first(v), last(v), any_value(v) FROM t WHERE g = 'b'", {"y|NULL|y"}},
    {"ListInTotalOrder", "SELECT g, list(v) FROM t GROUP BY g", {"a|[p, p, p, q]", "b|[y, z, NULL]"}},
    {"ListInAskedOrder", "SELECT list(v ORDER BY k DESC) FROM t WHERE g = 'a'", {"[p, p, p, q]"}},
    {"ListOverAnInnerOrder",
     "SELECT list(v) FROM (SELECT v FROM t WHERE v IS NOT NULL ORDER BY v DESC)",
     {"[z, y, q, p, p, p]"}},
    {"ArraySubqueryKeepsItsOrder",
     "SELECT ARRAY(SELECT v FROM t WHERE v IS NOT NULL ORDER BY v DESC, k)",
     {"[z, y, q, p, p, p]"}},
    {"StringAgg", "SELECT string_agg(v, '') FROM t", {"pppqyz"}},
    {"StringAggOfDistinct", "SELECT string_agg(DISTINCT v, '') FROM t", {"pqyz"}},
    {"ArgMaxWithTies", "SELECT arg_max(v, k), arg_min(v, k) FROM t WHERE g = 'a'", {"p|p"}},
    {"ModeWithTies", "SELECT mode(k) FROM (VALUES (5), (3)) t(k)", {"3"}},
    {"RowNumber", "SELECT v, x FROM t QUALIFY row_number() OVER (ORDER BY k) = 2", {"p|1e+16"}},
    {"LagWithTies",
     "SELECT v, lag(v) OVER (PARTITION BY g ORDER BY k) FROM t WHERE g = 'b'",
     {"NULL|z", "y|NULL", "z|NULL"}},
    {"LastValueSeesPeers",
     "SELECT k, last_value(v) OVER (ORDER BY k) FROM t WHERE g = 'a'",
     {"1|q", "1|q", "1|q", "2|p"}},
    {"RunningCountOverRows",
     "SELECT v, count(*) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t WHERE g = 'b'",
     {"NULL|2", "y|3", "z|1"}},
    {"RankKeepsPeers", "SELECT k, rank() OVER (ORDER BY k) FROM t WHERE g = 'b'", {"1|1", "1|1", "3|3"}},
    {"FloatSum", "SELECT sum(x) FROM t WHERE g = 'b'", {"1.0"}},
    {"FloatSumsOverAWindow", "SELECT DISTINCT sum(x) OVER (PARTITION BY g) FROM t WHERE g = 'b'", {"1.0"}},
    {"FloatSumsNotExact", "SELECT product(x + 0.1) FROM t WHERE g = 'b'", {"-1.1e+32"}},
    {"JoinThenLimit", "SELECT t.v, u.w FROM t JOIN u USING (g) LIMIT 1", {"p|1"}},
    {"OfRowsThatAreInAnother",
     "SELECT v FROM t WHERE g IN (SELECT g FROM u) QUALIFY row_number() OVER (ORDER BY k) < 3",
     {"p", "p"}},
    {"OfRowsForWhichAnotherExists",
     "SELECT v FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.w <> t.k) QUALIFY row_number() OVER (ORDER BY k DESC) < 3",
     {"p", "y"}},
    {"OfUnnestedRows",
     "SELECT v, e FROM t, UNNEST([k, k + 1]) AS l(e) QUALIFY row_number() OVER (PARTITION BY g ORDER BY e) = 2",
     {"NULL|1", "p|1"}},
    // Lists cannot be made distinct: DuckDB numbers the outer rows.
    {"OfUnnestedRowsOfAList",
     "SELECT k, e FROM (SELECT k, [1, 2] AS l FROM t WHERE g = 'a'), UNNEST(l) AS m(e) QUALIFY row_number() OVER "
     "(ORDER BY k) = 2",
     {"1|1"}},
    {"OfALateralColumn",
     "SELECT q FROM (SELECT s.q FROM t, LATERAL (SELECT t.k AS q FROM u LIMIT 1) s) LIMIT 3",
     {"1", "1", "1"}},
    {"CountNeedsNoColumns", "SELECT count(*), row_number() OVER () FROM t", {"7|1"}},
};

class TotalOrderTest : public testing::TestWithParam<Case> {
 protected:
  Relation relation(const std::string& name, const std::string& sql) { return relations_.make(name, sql); }

  std::vector<std::string> answer(Lake& lake, const std::vector<std::string>& rows) {
    std::string values;
    for (const std::string& row : rows) values += (values.empty() ? "" : ", ") + row;
    auto result =
        lake.execute(GetParam().sql, {},
                     {relation("t", "SELECT g, k, v, x::DOUBLE AS x FROM (VALUES " + values + ") t(g, k, v, x)"),
                      relation("u", "FROM (VALUES ('b', 2), ('a', 1), ('a', 3)) u(g, w)")});
    EXPECT_TRUE(result) << result.error().message();
    std::vector<std::string> lines;
    while (result) {
      auto chunk = (*result)->next();
      EXPECT_TRUE(chunk) << chunk.error().message();
      if (!chunk || !*chunk) break;
      for (std::size_t row = 0; row < (*chunk)->size(); ++row) {
        std::string line;
        for (std::size_t column = 0; column < (*chunk)->ColumnCount(); ++column)
          line += (column == 0 ? "" : "|") + (*chunk)->GetValue(column, row).ToString();
        lines.push_back(line);
      }
    }
    std::ranges::sort(lines);
    return lines;
  }

 private:
  TestRelations relations_;
};

TEST_P(TotalOrderTest, DecidesWhateverOrderRowsComeIn) {
  auto lake = Lake::create({});
  ASSERT_TRUE(lake) << lake.error().message();
  std::vector<std::string> rows(std::begin(kRows), std::end(kRows));
  for (std::size_t turn = 0; turn < rows.size(); ++turn) {
    EXPECT_EQ(answer(**lake, rows), GetParam().expected) << "first row: " << rows.front();
    std::ranges::rotate(rows, rows.begin() + 1);
    if (turn % 2 == 1) std::ranges::reverse(rows);
  }
}

INSTANTIATE_TEST_SUITE_P(Queries, TotalOrderTest, testing::ValuesIn(kCases),
                         [](const auto& query) { return std::string(query.param.name); });

}  // namespace
}  // namespace sluice::lake
