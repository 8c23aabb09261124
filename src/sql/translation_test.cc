// Which operators a query becomes. Whether they mean what the query means is the subject of meaning_test.cc.

#include <gmock/gmock.h>

#include "sql/compile_test_project.h"

namespace sluice::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TranslationTest : public CompileTest {
 protected:
  std::vector<std::string> plan_of(const std::string& query) {
    const plan::Dataset dataset = view(query);
    EXPECT_TRUE(dataset.query.incremental()) << query << "\n" << ::testing::PrintToString(dataset.query.reasons);
    EXPECT_THAT(dataset.query.reasons, IsEmpty());
    return plan::describe(dataset.query);
  }
};

// --- the earthquakes project: all of its gold views are incremental

TEST_F(TranslationTest, CountsByHourAndClass) {
  EXPECT_THAT(plan_of("SELECT date_trunc('hour', time) AS hour,\n"
                      "  CASE WHEN mag < 2 THEN 'micro' WHEN mag < 4 THEN 'minor' ELSE 'strong' END AS class,\n"
                      "  count(*) AS quakes, avg(mag) AS mag_avg, max(mag) AS mag_max\n"
                      "FROM quakes GROUP BY ALL"),
              ElementsAre("project date_trunc('hour', time) AS hour, CASE WHEN (mag < 2.0) THEN 'micro' WHEN (mag < "
                          "4.0) THEN 'minor' ELSE 'strong' END AS class, "
                          "count_star() AS quakes, avg(mag) AS mag_avg, max(mag) AS mag_max",
                          "  aggregate count_star(), avg(mag), max(mag) by date_trunc('hour', time), "
                          "CASE WHEN (mag < 2.0) THEN 'micro' WHEN (mag < 4.0) THEN 'minor' ELSE 'strong' END",
                          "    input quakes (mag, time)"));
}

TEST_F(TranslationTest, TopTenOfEachDayByQualify) {
  EXPECT_THAT(plan_of("SELECT time::DATE AS day, row_number() OVER (PARTITION BY time::DATE ORDER BY mag DESC, time, "
                      "id) AS place_of_day, mag, id\n"
                      "FROM quakes QUALIFY place_of_day <= 10"),
              ElementsAre("project CAST(time AS DATE) AS day, row_number() AS place_of_day, mag, id",
                          "  top 10 per CAST(time AS DATE) by mag DESC, time, id, numbered",
                          "    input quakes (id, mag, time)"));
}

TEST_F(TranslationTest, TopTenOfEachDayBySubquery) {
  EXPECT_THAT(plan_of("SELECT day, mag, id FROM (SELECT time::DATE AS day, mag, id, row_number() OVER (PARTITION BY "
                      "time::DATE ORDER BY mag DESC, id) AS n FROM quakes)\n"
                      "WHERE n <= 10"),
              ElementsAre("project CAST(time AS DATE) AS day, mag, id",
                          "  top 10 per CAST(time AS DATE) by mag DESC, id", "    input quakes (id, mag, time)"));
}

TEST_F(TranslationTest, EventsAboveTheirNetworksMean) {
  const plan::Pipeline compiled =
      pipeline(kTables +
               "CREATE MATERIALIZED VIEW network_stats AS SELECT net, count(*) AS n, avg(mag) AS mag_avg FROM quakes "
               "GROUP BY net;\n"
               "CREATE MATERIALIZED VIEW above AS SELECT q.id, q.net, q.mag, s.mag_avg FROM quakes q JOIN "
               "network_stats s ON q.net = s.net WHERE q.mag > s.mag_avg;");
  EXPECT_THAT(plan::describe(compiled.find_dataset("above")->query),
              ElementsAre("project id, net, mag, mag_avg", "  inner join on net = net AND (mag > mag_avg)",
                          "    input quakes (id, mag, net)", "    input network_stats (net, mag_avg)"));
}

TEST_F(TranslationTest, EventsAboveTheirNetworksMeanInOneView) {
  EXPECT_THAT(plan_of("WITH stats AS (SELECT net, avg(mag) AS mean FROM quakes GROUP BY net)\n"
                      "SELECT q.id, s.mean FROM quakes q JOIN stats s USING (net) WHERE q.mag > s.mean"),
              ElementsAre("project id, mean", "  inner join on net = net AND (mag > mean)",
                          "    input quakes (id, mag, net)", "    project net, avg(mag) AS mean",
                          "      aggregate avg(mag) by net", "        input quakes (mag, net)"));
}

TEST_F(TranslationTest, LatestRevisionByDistinctOn) {
  EXPECT_THAT(plan_of("SELECT DISTINCT ON (id) id, updated, mag FROM quakes ORDER BY id, updated DESC"),
              ElementsAre("top 1 per id by id, updated DESC", "  input quakes (id, updated, mag)"));
}

TEST_F(TranslationTest, LatestRevisionByRowNumber) {
  EXPECT_THAT(
      plan_of("SELECT id, mag FROM quakes QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated DESC) = 1"),
      ElementsAre("project id, mag", "  top 1 per id by updated DESC", "    input quakes (id, mag, updated)"));
}

// --- one operator each

TEST_F(TranslationTest, Projections) {
  EXPECT_THAT(plan_of("SELECT a FROM t"), ElementsAre("input t (a)"));
  EXPECT_THAT(plan_of("SELECT * EXCLUDE (b, l, d, x) FROM t"), ElementsAre("input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT a + 1 AS n, upper(s) AS u FROM t"),
              ElementsAre("project (a + 1) AS n, upper(s) AS u", "  input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT n * 2 AS m FROM (SELECT a AS n FROM t)"),
              ElementsAre("project (a * 2) AS m", "  input t (a)"));
}

TEST_F(TranslationTest, FiltersStandWhereTheyAreTrueLongest) {
  EXPECT_THAT(plan_of("SELECT a FROM t WHERE b IN (1, 2, 3, 4, 5, 6) AND a BETWEEN 1 AND 5"),
              ElementsAre("project a", "  filter ((b IN (1, 2, 3, 4, 5, 6)) AND ((a >= 1) AND (a <= 5)))",
                          "    input t (a, b)"));
  EXPECT_THAT(plan_of("SELECT s, n FROM (SELECT s, count(*) AS n FROM t GROUP BY s) WHERE s = 'x'"),
              ElementsAre("project s, count_star() AS n", "  aggregate count_star() by s", "    filter (s = 'x')",
                          "      input t (s)"));
}

TEST_F(TranslationTest, Aggregates) {
  EXPECT_THAT(
      plan_of(
          "SELECT s, count(*) FILTER (WHERE a > 1) AS n, count(DISTINCT b) AS k FROM t GROUP BY s HAVING max(a) > 5"),
      ElementsAre("project s, count_star() AS n, count(DISTINCT b) AS k", "  filter (max(a) > 5)",
                  "    aggregate max(a), count_star() FILTER (a > 1), count(DISTINCT b) by s",
                  "      input t (a, b, s)"));
  EXPECT_THAT(plan_of("SELECT count(*) AS n FROM t"),
              ElementsAre("project count_star() AS n", "  aggregate count_star()", "    input t (a)"));
}

TEST_F(TranslationTest, AggregatesThatNeedAllRowsOfAGroupAreRunOverThem) {
  EXPECT_THAT(plan_of("SELECT s, median(a) AS m, list(b ORDER BY a DESC) AS l FROM t GROUP BY s"),
              ElementsAre("project s, median(a) AS m, list(b) AS l",
                          "  aggregate median(a), list(b ORDER BY a DESC, b) by s", "    input t (a, b, s)"));
  EXPECT_THAT(
      plan_of("SELECT first(m) AS f, count(*) AS n FROM (SELECT max(a) AS m FROM t HAVING count(*) > 3)"),
      ElementsAre("project arg_min_null(max(a), create_sort_key(max(a), 'ASC NULLS LAST')) AS f, count_star() AS n",
                  "  aggregate arg_min_null(max(a), create_sort_key(max(a), 'ASC NULLS LAST')), count_star()",
                  "    filter (count_star() > 3)", "      aggregate count_star(), max(a)", "        input t (a)"));
}

TEST_F(TranslationTest, WindowFunctionsAreRunAgainByPartition) {
  EXPECT_THAT(plan_of("SELECT a, lag(b) OVER (PARTITION BY s ORDER BY a) AS r FROM t"),
              ElementsAre("project a, LAG(b) OVER (PARTITION BY s ORDER BY a ASC NULLS LAST) AS r",
                          "  window LAG(b) OVER (PARTITION BY s ORDER BY a ASC NULLS LAST), run again per s",
                          "    input t (a, b, s)"));
  EXPECT_THAT(
      plan_of("SELECT a, rank() OVER (ORDER BY b) AS r, sum(b + 1) OVER (PARTITION BY s) AS q FROM t"),
      ElementsAre("project a, RANK() OVER (ORDER BY b ASC NULLS LAST) AS r, sum((b + 1)) OVER (PARTITION BY s) AS q",
                  "  window RANK() OVER (ORDER BY b ASC NULLS LAST), sum((b + 1)) OVER (PARTITION BY s), run again "
                  "over all rows",
                  "    project a, b, s, (b + 1)", "      input t (a, b, s)"));
}

TEST_F(TranslationTest, EachGroupingSetIsAnAggregateOfItsOwn) {
  EXPECT_THAT(plan_of("SELECT s, b, grouping(s, b) AS level, sum(DISTINCT a) AS n FROM t GROUP BY ROLLUP (s, b)"),
              ElementsAre("project NULL AS s, NULL AS b, 3 AS level, sum(DISTINCT a) AS n", "  union all",
                          "    project NULL, NULL, sum(DISTINCT a), 3", "      aggregate sum(DISTINCT a)",
                          "        input t (a, b, s)", "    project s, NULL, sum(DISTINCT a), 1",
                          "      aggregate sum(DISTINCT a) by s", "        input t (a, b, s)",
                          "    project s, b, sum(DISTINCT a), 0", "      aggregate sum(DISTINCT a) by s, b",
                          "        input t (a, b, s)"));
}

TEST_F(TranslationTest, ASumOfABooleanCounts) {
  EXPECT_THAT(plan_of("SELECT sum(a > 1) AS n FROM t"),
              ElementsAre("project sum(CAST((a > 1) AS INTEGER)) AS n", "  aggregate sum(CAST((a > 1) AS INTEGER))",
                          "    input t (a)"));
}

TEST_F(TranslationTest, ApproximateDistinctCountsAreExact) {
  EXPECT_THAT(plan_of("SELECT approx_count_distinct(s) AS n FROM t"),
              ElementsAre("project count(DISTINCT s) AS n", "  aggregate count(DISTINCT s)", "    input t (s)"));
  EXPECT_EQ(view("SELECT approx_count_distinct ( s ) AS n FROM t").query.sql, "SELECT count (DISTINCT s ) AS n FROM t");
}

TEST_F(TranslationTest, Joins) {
  EXPECT_THAT(plan_of("SELECT t.a, u.s FROM t JOIN t u ON t.a = u.b AND t.s < u.s"),
              ElementsAre("project a, s", "  inner join on a = CAST(b AS BIGINT) AND (s < s)", "    input t (a, s)",
                          "    input t (b, s)"));
  EXPECT_THAT(
      plan_of("SELECT t.a, u.s FROM t LEFT JOIN t u ON t.a = u.a AND t.s = 'y'"),
      ElementsAre("project a, s", "  left join on a = a AND (s = 'y')", "    input t (a, s)", "    input t (a, s)"));
  EXPECT_THAT(
      plan_of("SELECT u.s, t.a FROM t RIGHT JOIN t u ON t.a IS NOT DISTINCT FROM u.a"),
      ElementsAre("project s, a", "  left join on a IS NOT DISTINCT FROM a", "    input t (a, s)", "    input t (a)"));
  EXPECT_THAT(plan_of("SELECT t.a, u.s FROM t, t u"),
              ElementsAre("inner join of every pair", "  input t (a)", "  input t (s)"));
  EXPECT_THAT(
      plan_of("SELECT t.a, u.s FROM t LEFT JOIN t u ON t.a > u.a OR t.s = u.s"),
      ElementsAre("project a, s", "  left join on ((a > a) OR (s = s))", "    input t (a, s)", "    input t (a, s)"));
}

TEST_F(TranslationTest, AFullJoinIsALeftJoinAndTheRestOfTheRight) {
  EXPECT_THAT(plan_of("SELECT t.a, u.b FROM t FULL JOIN t u ON t.a = u.a"),
              ElementsAre("project a, b", "  union all", "    left join on a = a", "      input t (a)",
                          "      input t (a, b)", "    project NULL AS a, a, b", "      filter (matched IS NULL)",
                          "        left join on a = a", "          input t (a, b)",
                          "          project a, true AS matched", "            distinct", "              input t (a)"));
}

TEST_F(TranslationTest, SemiAndAntiJoinsMeetTheDistinctKeys) {
  EXPECT_THAT(plan_of("SELECT a FROM t WHERE s IN (SELECT net FROM quakes WHERE mag > 5)"),
              ElementsAre("project a", "  inner join on s = net", "    input t (a, s)", "    distinct",
                          "      project net", "        filter (mag > 5.0)", "          input quakes (mag, net)"));
  EXPECT_THAT(plan_of("SELECT a FROM t ANTI JOIN quakes ON s = net"),
              ElementsAre("project a", "  filter (matched IS NULL)", "    left join on s = net", "      input t (a, s)",
                          "      project net, true AS matched", "        distinct", "          input quakes (net)"));
}

TEST_F(TranslationTest, NotInLooksForNulls) {
  EXPECT_THAT(plan_of("SELECT a FROM t WHERE s NOT IN (SELECT net FROM quakes)"),
              ElementsAre("project a", "  filter (NOT is_in)",
                          "    project a, s, CASE WHEN (matched IS NOT NULL) THEN true WHEN (has_null OR (has_rows AND "
                          "(s IS NULL))) THEN NULL ELSE false END AS is_in",
                          "      inner join of every pair", "        left join on s = net", "          input t (a, s)",
                          "          project net, true AS matched", "            distinct",
                          "              input quakes (net)", "        distinct",
                          "          project (count_star() > 0) AS has_rows, (count_star() > count(net)) AS has_null",
                          "            aggregate count_star(), count(net)", "              input quakes (net)"));
}

TEST_F(TranslationTest, ScalarSubqueriesBecomeJoins) {
  EXPECT_THAT(plan_of("SELECT id FROM quakes WHERE mag > (SELECT avg(mag) FROM quakes)"),
              ElementsAre("project id", "  inner join on (mag > avg(mag))", "    input quakes (id, mag)",
                          "    aggregate avg(mag)", "      input quakes (mag)"));
  EXPECT_THAT(plan_of("SELECT id, (SELECT max(mag) FROM quakes i WHERE i.net = q.net) AS m FROM quakes q"),
              ElementsAre("project id, max(mag) AS m", "  left join on net IS NOT DISTINCT FROM net",
                          "    input quakes (id, net)", "    project max(mag), net", "      aggregate max(mag) by net",
                          "        filter (net IS NOT NULL)", "          input quakes (mag, net)"));
}

TEST_F(TranslationTest, WhatDecorrelationSharesIsOneOperator) {
  const auto lines = plan_of("SELECT a, (SELECT count(*) FROM t u WHERE u.b < t.b) AS n FROM t");
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("distinct [1]")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("see [1]")));
}

TEST_F(TranslationTest, LateralTopNIsTopNPerOuterValue) {
  EXPECT_THAT(plan_of("SELECT q.id, z.mag FROM quakes q, LATERAL (SELECT mag FROM quakes z WHERE z.net = q.net ORDER "
                      "BY mag DESC LIMIT 3) z"),
              ::testing::Contains(HasSubstr("top 3 per net by mag DESC")));
}

TEST_F(TranslationTest, DistinctAndSetOperations) {
  EXPECT_THAT(plan_of("SELECT DISTINCT a, s FROM t"), ElementsAre("distinct", "  input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT a FROM t UNION ALL SELECT b FROM t"),
              ElementsAre("union all", "  input t (a)", "  project CAST(b AS BIGINT) AS b", "    input t (b)"));
  EXPECT_THAT(plan_of("SELECT s FROM t UNION SELECT net FROM quakes"),
              ElementsAre("distinct", "  union all", "    input t (s)", "    input quakes (net)"));
  EXPECT_THAT(plan_of("SELECT s FROM t EXCEPT SELECT net FROM quakes"),
              ElementsAre("project s", "  filter (matched IS NULL)", "    left join on s IS NOT DISTINCT FROM net",
                          "      distinct", "        input t (s)", "      project net, true AS matched",
                          "        distinct", "          input quakes (net)"));
  EXPECT_THAT(plan_of("SELECT s FROM t INTERSECT SELECT net FROM quakes"),
              ElementsAre("project s", "  inner join on s IS NOT DISTINCT FROM net", "    distinct",
                          "      input t (s)", "    distinct", "      input quakes (net)"));
  // Groups are distinct already.
  EXPECT_THAT(plan_of("SELECT DISTINCT s, n FROM (SELECT s, count(*) AS n FROM t GROUP BY s)"),
              ElementsAre("project s, count_star() AS n", "  aggregate count_star() by s", "    input t (s)"));
}

TEST_F(TranslationTest, OrdersMatterOnlyWithALimit) {
  EXPECT_THAT(plan_of("SELECT a, s FROM t ORDER BY s"), ElementsAre("input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT a, s FROM t ORDER BY s DESC NULLS FIRST, a LIMIT 3"),
              ElementsAre("top 3 by s DESC NULLS FIRST, a", "  input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT a FROM t ORDER BY s LIMIT 3 OFFSET 2"),
              ElementsAre("project a", "  rows 3 to 5 by s", "    input t (a, s)"));
  EXPECT_THAT(plan_of("SELECT a FROM t ORDER BY s LIMIT 100000"),
              ElementsAre("project a", "  top 100000 by s", "    input t (a, s)"));
}

TEST_F(TranslationTest, BoundsOfRowNumbers) {
  const auto over = std::string("row_number() OVER (PARTITION BY s ORDER BY a)");
  EXPECT_THAT(plan_of("SELECT a, s FROM t QUALIFY " + over + " < 4").front(), "top 3 per s by a");
  EXPECT_THAT(plan_of("SELECT a, s FROM t QUALIFY 4 >= " + over).front(), "top 4 per s by a");
  EXPECT_THAT(plan_of("SELECT a, s FROM t QUALIFY " + over + " = 2").front(), "rows 2 to 2 per s by a");
  EXPECT_THAT(plan_of("SELECT a, s FROM t QUALIFY " + over + " BETWEEN 2 AND 3").front(), "rows 2 to 3 per s by a");
  EXPECT_THAT(plan_of("SELECT a, s, " + over + " AS n FROM t QUALIFY n <= 3 AND n % 2 = 1"),
              ElementsAre("project a, s, row_number() AS n", "  filter ((row_number() % 2) = 1)",
                          "    project a, s, row_number(), row_number()", "      top 3 per s by a, numbered",
                          "        input t (a, s)"));
}

TEST_F(TranslationTest, RowNumbersOverWhatDuckDbKnowsAlone) {
  // The numbers of outer rows, and whether a row is IN something, break no ties.
  EXPECT_THAT(
      plan_of("SELECT s, e FROM t, UNNEST(l) AS u(e) QUALIFY row_number() OVER (PARTITION BY s ORDER BY e) <= 3"),
      ::testing::Contains(HasSubstr("top 3 per s")));
  EXPECT_THAT(plan_of("SELECT a FROM t WHERE s IN (SELECT net FROM quakes) ORDER BY b LIMIT 2"),
              ::testing::Contains(HasSubstr("top 2 by b")));
}

TEST_F(TranslationTest, UnnestAddsAColumn) {
  EXPECT_THAT(plan_of("SELECT a, unnest(l) AS e FROM t"),
              ElementsAre("project a, unnest(l) AS e", "  unnest l", "    input t (a, l)"));
  EXPECT_THAT(plan_of("SELECT a, e FROM t, UNNEST(l) AS u(e)"),
              ElementsAre("project a, unnest(l) AS e", "  unnest l", "    input t (a, l)"));
  EXPECT_THAT(plan_of("SELECT a, e FROM t, UNNEST(l) AS u(e) WHERE e > 0 AND a > 1"),
              ElementsAre("project a, unnest(l) AS e", "  filter (unnest(l) > 0)", "    unnest l",
                          "      project a, l, l, 0, l", "        filter (a > 1)", "          input t (a, l)"));
}

TEST_F(TranslationTest, ACommonTableExpressionReadTwiceIsOneOperator) {
  EXPECT_THAT(
      plan_of("WITH c AS (SELECT s, max(a) AS m FROM t GROUP BY s) SELECT x.s, y.m FROM c x JOIN c y ON x.m = y.m"),
      ElementsAre("project s, m", "  inner join on m = m", "    project s, max(a) AS m [1]",
                  "      aggregate max(a) by s", "        input t (a, s)", "    see [1]"));
}

TEST_F(TranslationTest, APivotOverListedValuesIsAnAggregate) {
  EXPECT_THAT(
      plan_of("SELECT * FROM (PIVOT t ON s IN ('p', 'q') USING sum(a) GROUP BY b)"),
      ElementsAre(
          "project b, sum(a) AS p, sum(a) AS q",
          "  aggregate sum(a) FILTER (s IS NOT DISTINCT FROM 'p'), sum(a) FILTER (s IS NOT DISTINCT FROM 'q') by b",
          "    input t (a, b, s)"));
}

TEST_F(TranslationTest, NothingOfTodaysDataEntersAPlan) {
  // With statistics DuckDB would fold the filter to nothing, and compress the group.
  EXPECT_THAT(plan_of("SELECT s, count(*) AS n FROM t WHERE a < -5 GROUP BY s"),
              ElementsAre("project s, count_star() AS n", "  aggregate count_star() by s", "    filter (a < -5)",
                          "      input t (a, s)"));
}

// --- notes and reasons

TEST_F(TranslationTest, ALimitWithoutAnOrderIsPinnedAndSaidSo) {
  const plan::Dataset pinned = view("SELECT a, s FROM t LIMIT 3");
  EXPECT_THAT(plan::describe(pinned.query), ElementsAre("top 3", "  input t (a, s)"));
  EXPECT_THAT(pinned.query.reasons, ElementsAre(HasSubstr("LIMIT has no ORDER BY")));
  EXPECT_THAT(view("SELECT DISTINCT ON (a) a, s FROM t").query.reasons,
              ElementsAre(HasSubstr("DISTINCT ON has no ORDER BY")));
  EXPECT_THAT(view("SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY s) = 1").query.reasons,
              ElementsAre(HasSubstr("row_number() has no ORDER BY")));
  EXPECT_THAT(view("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM quakes)").query.reasons, IsEmpty());
}

struct Recomputed {
  const char* query;
  const char* reason;
};

const Recomputed kRecomputed[] = {
    {"SELECT list(a) AS m FROM (FROM t ORDER BY b)", "the aggregate list() over an inner ORDER BY"},
    {"SELECT list(DISTINCT x) AS m FROM t", "the aggregate list(DISTINCT"},
    {"SELECT first(a) AS f, count(*) AS n FROM (SELECT a FROM t ORDER BY b LIMIT 1)",
     "the aggregate first() over an inner ORDER BY"},
    {"SELECT CASE WHEN count(*) = 0 THEN error('none') ELSE first(a) END AS x FROM (SELECT a FROM t ORDER BY b LIMIT "
     "1)",
     "the aggregate first() over an inner ORDER BY"},
    {"SELECT CASE WHEN count(*) > 1 THEN error('x') ELSE first(a) + count(*) END AS x FROM (SELECT a FROM t ORDER BY b "
     "LIMIT 1)",
     "the aggregate first() over an inner ORDER BY"},
    {"SELECT a, sum(b) OVER (ORDER BY a RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS r FROM t",
     "a window frame RANGE BETWEEN a distance"},
    {"SELECT a, string_agg(s, '-') OVER (PARTITION BY b ORDER BY a) AS r FROM t", "the window function string_agg()"},
    {"SELECT a, rank() OVER () AS r FROM (FROM t ORDER BY b)", "over an inner ORDER BY"},
    {"SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN b PRECEDING AND CURRENT ROW) AS r FROM t", "a computed distance"},
    {"SELECT a, list(DISTINCT b) OVER (PARTITION BY s) AS r FROM t", "list(DISTINCT"},
    {"SELECT a, lag(NULL) OVER (ORDER BY b) AS r FROM t", "the window function"},
    {"SELECT DISTINCT ON (a) * FROM (FROM t ORDER BY a, b DESC)", "DISTINCT ON over an inner ORDER BY"},
    {"SELECT a FROM (SELECT a, row_number() OVER () AS r FROM (FROM t ORDER BY b)) WHERE r <= 10",
     "row_number() over an inner ORDER BY"},
    {"SELECT a FROM (SELECT a, s FROM t ORDER BY a DESC LIMIT 10) LIMIT 3", "LIMIT over an inner ORDER BY"},
    {"SELECT list_transform(l, lambda y: y + 1) AS m FROM t", "list_transform() with a lambda"},
    {"WITH RECURSIVE r AS (SELECT a FROM t UNION ALL SELECT a + 1 AS a FROM r WHERE a < 9) SELECT a FROM r",
     "a recursive query"},
    {"SELECT to_days(a::INTEGER) AS d, count(*) AS n FROM t GROUP BY ALL",
     "equal intervals may be written differently"},
    {"SELECT DISTINCT [to_days(a::INTEGER)] AS d FROM t", "equal intervals may be written differently"},
    {"SELECT a FROM t EXCEPT ALL SELECT b FROM t", "EXCEPT ALL"},
    {"SELECT a FROM t ORDER BY a LIMIT 10%", "LIMIT by a share"},
    {"SELECT a, (SELECT s FROM t u WHERE u.a = t.a) AS r FROM t", "a scalar subquery that may return several rows"},
    {"SELECT a FROM t WHERE a > (SELECT b FROM t)", "a scalar subquery that may return several rows"},
    {"SELECT t.a FROM t FULL JOIN t u ON t.a < u.a", "not an equality"},
    {"SELECT s COLLATE NOCASE AS c, count(*) AS n FROM t GROUP BY ALL", "under a collation"},
    {"SELECT a FROM t WHERE a > 5 AND a < 3", "a condition that no row can meet"},
    {"SELECT a FROM t JOIN (VALUES (1), (2)) v(k) ON a = k", "rows written in the query"},
    {"SELECT a, r FROM t, range(3) x(r)", "table function range()"},
};

TEST_F(TranslationTest, WhatHasNoIncrementalFormIsRecomputedAndSaysWhy) {
  for (const Recomputed& recomputed : kRecomputed) {
    SCOPED_TRACE(recomputed.query);
    const plan::Dataset dataset = view(recomputed.query);
    EXPECT_FALSE(dataset.query.incremental()) << ::testing::PrintToString(plan::describe(dataset.query));
    EXPECT_THAT(dataset.query.reasons, ElementsAre(HasSubstr(recomputed.reason)));
    EXPECT_FALSE(dataset.query.sql.empty());
  }
}

}  // namespace
}  // namespace sluice::sql
