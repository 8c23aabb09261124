// Whether a plan means what its query means: the plan, written out as SQL operator by operator, and the query text that
// the plan carries must give the same rows in DuckDB, over data full of NULLs and repeated values.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <duckdb.hpp>

#include "sql/compile_test_project.h"

namespace sluice::sql {
namespace {

using columnar::Expression;
using Kind = columnar::Expression::Kind;

/// Writes a plan as one SQL query with a common table expression per operator; columns are called c0, c1, …
class PlanAsSql {
 public:
  PlanAsSql(const plan::QueryPlan& plan, const plan::Pipeline& pipeline) : plan_(plan), pipeline_(pipeline) {}

  std::string text() {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      parts.push_back(fmt::format("n{}({}) AS MATERIALIZED ({})", i, columns("", 0, plan_.nodes[i].types.size()),
                                  node_text(plan_.nodes[i])));
    }
    return fmt::format("WITH {} SELECT * FROM n{}", fmt::join(parts, ",\n"), plan_.nodes.size() - 1);
  }

 private:
  static std::string columns(const std::string& prefix, std::size_t first, std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = first; i < first + count; ++i) names.push_back(fmt::format("{}c{}", prefix, i));
    return fmt::format("{}", fmt::join(names, ", "));
  }
  std::string list(const std::vector<Expression>& expressions, const std::string& prefix = "", std::size_t shift = 0) {
    std::vector<std::string> parts;
    for (const Expression& expression : expressions) parts.push_back(text(expression, prefix, shift));
    return fmt::format("{}", fmt::join(parts, ", "));
  }

  std::string node_text(const plan::Node& node) {
    const auto from = [&] { return fmt::format("n{}", node.inputs[0]); };
    if (const auto* input = std::get_if<plan::InputNode>(&node.body)) return input_text(*input);
    if (const auto* filter = std::get_if<plan::FilterNode>(&node.body))
      return fmt::format("SELECT * FROM {} WHERE {}", from(), text(filter->predicate));
    if (const auto* project = std::get_if<plan::ProjectNode>(&node.body))
      return fmt::format("SELECT {} FROM {}", list(project->expressions), from());
    if (const auto* unnest = std::get_if<plan::UnnestNode>(&node.body)) {
      std::vector<std::string> lists;
      for (const Expression& expression : unnest->lists) lists.push_back(fmt::format("unnest({})", text(expression)));
      return fmt::format("SELECT *, {} FROM {}", fmt::join(lists, ", "), from());
    }
    if (const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body)) return aggregate_text(*aggregate, from());
    if (const auto* join = std::get_if<plan::JoinNode>(&node.body)) return join_text(*join, node);
    if (std::holds_alternative<plan::DistinctNode>(node.body)) return fmt::format("SELECT DISTINCT * FROM {}", from());
    if (const auto* top = std::get_if<plan::TopNNode>(&node.body)) return top_text(*top, node);
    if (const auto* query = std::get_if<plan::PartitionQueryNode>(&node.body))
      return fmt::format("WITH input AS (SELECT * FROM {}) {}", from(), query->sql);
    std::vector<std::string> parts;
    for (const plan::NodeIndex child : node.inputs) parts.push_back(fmt::format("SELECT * FROM n{}", child));
    return fmt::format("{}", fmt::join(parts, " UNION ALL "));
  }

  std::string input_text(const plan::InputNode& input) {
    const columnar::Schema& schema = pipeline_.find_dataset(input.relation)->schema;
    std::vector<std::string> names;
    for (const columnar::ColumnIndex column : input.columns)
      names.push_back(fmt::format("\"{}\"", schema.fields[column].name));
    return fmt::format("SELECT {} FROM \"{}\"", fmt::join(names, ", "), input.relation);
  }

  std::string aggregate_text(const plan::AggregateNode& node, const std::string& from) {
    std::vector<std::string> items;
    for (const Expression& group : node.groups) items.push_back(text(group));
    for (const plan::Aggregate& aggregate : node.aggregates) {
      std::vector<std::string> order;
      for (const plan::OrderKey& key : aggregate.order) {
        order.push_back(fmt::format("{} {} NULLS {}", text(key.expression), key.order.descending ? "DESC" : "ASC",
                                    key.order.nulls_first ? "FIRST" : "LAST"));
      }
      items.push_back(fmt::format("{}({}{}{}{}){}", aggregate.function, aggregate.distinct ? "DISTINCT " : "",
                                  list(aggregate.arguments), order.empty() ? "" : " ORDER BY ", fmt::join(order, ", "),
                                  aggregate.filter ? fmt::format(" FILTER (WHERE {})", text(*aggregate.filter)) : ""));
    }
    const std::string groups = node.groups.empty() ? "" : fmt::format(" GROUP BY {}", list(node.groups));
    return fmt::format("SELECT {} FROM {}{}", fmt::join(items, ", "), from, groups);
  }

  std::string join_text(const plan::JoinNode& join, const plan::Node& node) {
    const std::size_t width = plan_.nodes[node.inputs[0]].types.size();
    std::vector<std::string> conditions = {"true"};
    for (std::size_t i = 0; i < join.left_keys.size(); ++i) {
      conditions.push_back(fmt::format("{} {} {}", text(join.left_keys[i], "l."),
                                       join.null_safe[i] ? "IS NOT DISTINCT FROM" : "=",
                                       text(join.right_keys[i], "r.")));
    }
    if (join.residual) conditions.push_back(joined_text(*join.residual, width));
    return fmt::format("SELECT l.*, r.* FROM n{} l {} JOIN n{} r ON {}", node.inputs[0],
                       join.type == plan::JoinType::Left ? "LEFT" : "INNER", node.inputs[1],
                       fmt::join(conditions, " AND "));
  }

  std::string top_text(const plan::TopNNode& top, const plan::Node& node) {
    const std::size_t width = plan_.nodes[node.inputs[0]].types.size();
    std::vector<std::string> order;
    for (const plan::OrderKey& key : top.order) {
      order.push_back(fmt::format("{} {} NULLS {}", text(key.expression), key.order.descending ? "DESC" : "ASC",
                                  key.order.nulls_first ? "FIRST" : "LAST"));
    }
    order.push_back(columns("", 0, width));  // ties
    const std::string partition = top.partition.empty() ? "" : fmt::format("PARTITION BY {}", list(top.partition));
    return fmt::format(
        "SELECT * {} FROM (SELECT *, row_number() OVER ({} ORDER BY {}) AS rank FROM n{}) WHERE rank > {} AND rank <= "
        "{}",
        top.emit_rank ? "" : "EXCLUDE (rank)", partition, fmt::join(order, ", "), node.inputs[0], top.offset,
        top.offset + top.limit);
  }

  std::string joined_text(const Expression& expression, std::size_t width) {
    joined_width_ = width;
    std::string out = text(expression, "l.");
    joined_width_ = SIZE_MAX;
    return out;
  }

  std::string text(const Expression& expression, const std::string& prefix = "", std::size_t shift = 0) {
    std::vector<std::string> parts;
    for (const Expression& child : expression.children) parts.push_back(text(child, prefix, shift));
    const auto joined = [&](std::string_view separator) { return fmt::format("({})", fmt::join(parts, separator)); };
    switch (expression.kind) {
      case Kind::Column:
        if (expression.column >= joined_width_) return fmt::format("r.c{}", expression.column - joined_width_);
        return fmt::format("{}c{}", prefix, expression.column + shift);
      case Kind::Constant:
        return fmt::format("CAST({} AS {})", expression.constant.ToSQLString(), expression.type.ToString());
      case Kind::Function: return function_text(expression, parts);
      case Kind::Cast: return fmt::format("CAST({} AS {})", parts[0], expression.type.ToString());
      case Kind::TryCast: return fmt::format("TRY_CAST({} AS {})", parts[0], expression.type.ToString());
      case Kind::Compare: {
        const std::string sign = expression.name == "is_distinct"       ? "IS DISTINCT FROM"
                                 : expression.name == "is_not_distinct" ? "IS NOT DISTINCT FROM"
                                                                        : expression.name;
        return fmt::format("({} {} {})", parts[0], sign, parts[1]);
      }
      case Kind::And: return joined(" AND ");
      case Kind::Or: return joined(" OR ");
      case Kind::Not: return fmt::format("(NOT {})", parts[0]);
      case Kind::IsNull: return fmt::format("({} IS NULL)", parts[0]);
      case Kind::IsNotNull: return fmt::format("({} IS NOT NULL)", parts[0]);
      case Kind::In: return fmt::format("({} IN ({}))", parts[0], fmt::join(parts.begin() + 1, parts.end(), ", "));
      case Kind::NotIn:
        return fmt::format("({} NOT IN ({}))", parts[0], fmt::join(parts.begin() + 1, parts.end(), ", "));
      case Kind::Coalesce: return fmt::format("COALESCE({})", fmt::join(parts, ", "));
      case Kind::Case: {
        std::string out = "CASE";
        for (std::size_t i = 0; i + 1 < parts.size(); i += 2)
          out += fmt::format(" WHEN {} THEN {}", parts[i], parts[i + 1]);
        return out + fmt::format(" ELSE {} END", parts.back());
      }
      case Kind::Try: return fmt::format("TRY({})", parts[0]);
    }
    return "";
  }

  static std::string function_text(const Expression& expression, const std::vector<std::string>& parts) {
    const std::string& name = expression.name;
    if (name == "struct_pack") {
      std::vector<std::string> members;
      for (std::size_t i = 0; i < parts.size(); ++i)
        members.push_back(fmt::format("'{}': {}", duckdb::StructType::GetChildName(expression.type, i), parts[i]));
      return fmt::format("{{{}}}", fmt::join(members, ", "));
    }
    if (std::isalpha(static_cast<unsigned char>(name[0])) != 0)
      return fmt::format("\"{}\"({})", name, fmt::join(parts, ", "));
    return parts.size() == 1 ? fmt::format("({}{})", name, parts[0])
                             : fmt::format("({} {} {})", parts[0], name, parts[1]);
  }

  const plan::QueryPlan& plan_;
  const plan::Pipeline& pipeline_;
  std::size_t joined_width_ = SIZE_MAX;
};

class MeaningTest : public CompileTest {
 protected:
  MeaningTest() : database_(nullptr), connection_(database_) {
    run("SET threads = 1");
    // Few values, so that keys repeat and meet; each column is NULL now and then. Doubles are whole, so that sums are
    // exact.
    run("CREATE MACRO pick(i, salt, n) AS (hash(i * 7919 + salt) % n)::BIGINT");
    run("CREATE TABLE t AS SELECT CASE WHEN pick(i, 1, 7) > 0 THEN pick(i, 2, 6) END AS a, CASE WHEN pick(i, 3, 6) > 0 "
        "THEN pick(i, 4, 5)::INTEGER END AS b, "
        "CASE WHEN pick(i, 5, 6) > 0 THEN chr((97 + pick(i, 6, 4))::INTEGER) END AS s, "
        "CASE WHEN pick(i, 7, 5) > 0 THEN list_transform(range(pick(i, 8, 4)), lambda y: CASE WHEN pick(i + y, 9, 5) > "
        "0 THEN y END) END AS l, "
        "CASE WHEN pick(i, 10, 5) > 0 THEN (pick(i, 11, 900) / 4)::DECIMAL(10,2) END AS d, CASE WHEN pick(i, 12, 5) > "
        "0 THEN pick(i, 13, 9)::DOUBLE END AS x FROM range(60) r(i)");
    run("CREATE TABLE quakes AS SELECT CASE WHEN pick(i, 21, 9) > 0 THEN 'e' || pick(i, 22, 25) END AS id, CASE WHEN "
        "pick(i, 23, 9) > 0 THEN pick(i, 24, 8)::DOUBLE END AS mag, "
        "'p' || pick(i, 25, 5) AS place, TIMESTAMP '2018-02-01' + INTERVAL 1 HOUR * pick(i, 26, 60) AS time, TIMESTAMP "
        "'2018-02-05' + INTERVAL 1 SECOND * i AS updated, "
        "CASE WHEN pick(i, 27, 8) > 0 THEN chr((97 + pick(i, 28, 5))::INTEGER) END AS net, pick(i, 29, 9)::DOUBLE AS "
        "longitude, pick(i, 30, 9)::DOUBLE AS latitude, "
        "pick(i, 31, 9)::DOUBLE AS depth, 'quake' AS type FROM range(50) r(i)");
  }

  void run(const std::string& statement) {
    auto result = connection_.Query(statement);
    ASSERT_FALSE(result->HasError()) << result->GetError() << "\n" << statement;
  }
  /// Runs the text that the plan carries, as recomputing does.
  void run_query(const plan::QueryPlan& query) {
    for (const plan::NamedQuery& named : query.views)
      run(fmt::format("CREATE OR REPLACE TEMPORARY VIEW \"{}\" AS {}", named.name, named.sql));
    run("CREATE OR REPLACE TABLE by_query AS " + query.sql);
  }
  /// Runs the query and its plan, written as SQL, and compares the rows.
  void expect_same_rows(const plan::QueryPlan& query, const std::string& plan_text) {
    run_query(query);
    run("CREATE OR REPLACE TABLE by_plan AS " + plan_text);
    for (const auto& [some, others] : {std::pair("by_query", "by_plan"), std::pair("by_plan", "by_query")}) {
      const std::string only = fmt::format("(SELECT * FROM {} EXCEPT ALL SELECT * FROM {})", some, others);
      EXPECT_EQ(one_value("SELECT count(*) FROM " + only), "0")
          << "rows only in " << some << "\n"
          << connection_.Query("FROM " + only)->ToString() << ::testing::PrintToString(plan::describe(query));
    }
  }
  std::string one_value(const std::string& query) {
    auto result = connection_.Query(query);
    EXPECT_FALSE(result->HasError()) << result->GetError() << "\n" << query;
    return result->HasError() ? "" : result->GetValue(0, 0).ToString();
  }

  duckdb::DuckDB database_;
  duckdb::Connection connection_;
};

const char* const kQueries[] = {
    "SELECT a + 1 AS n, upper(s) AS u, coalesce(s, 'none') AS c, a IS NULL AS e, nullif(a, 2) AS f, CASE s WHEN 'a' "
    "THEN 1 WHEN 'b' THEN 2 END AS g FROM t",
    "SELECT a, s FROM t WHERE a IN (1, 2, NULL) OR b NOT IN (1, 2)",
    "SELECT a, s FROM t WHERE a BETWEEN 1 AND 3 AND NOT (s LIKE 'a%')",
    "SELECT d + 1 AS c1, d * d AS c2, d / 3 AS c3, d - d AS c4, -d AS c5, d > 30 AS c6, d % 2 AS c7, round(d, 1) AS "
    "c8, d + d + d AS c9 FROM t",
    "SELECT a, array_to_string([s, 'x', NULL], '-') AS j, list_aggregate([s, 'y'], 'string_agg') AS k, "
    "list_aggr(l, 'sum') AS z FROM t",
    "SELECT l[1] AS f, len(l) AS n, list_contains(l, 2) AS c, {'p': a, 'q': s} AS st, {'p': a}.p AS m FROM t",
    "SELECT s, count(*) AS n, count(a) AS c, sum(a) AS su, avg(b) AS av, min(d) AS mi, max(x) AS ma, sum(x) AS sx, "
    "avg(d) AS ad FROM t GROUP BY s",
    "SELECT s, b, count(DISTINCT a) AS n, sum(a) FILTER (WHERE b > 2) AS f, bool_and(a > 1) AS x, bool_or(a > 3) AS y "
    "FROM t GROUP BY ALL",
    "SELECT count(*) AS n, sum(a) AS su, max(s) AS m, sum(a > 2) AS k FROM t",
    "SELECT count(*) AS n, sum(a) AS su FROM t WHERE s = 'nowhere'",
    "SELECT s, max(a) AS m FROM t GROUP BY s HAVING count(*) > 5",
    "SELECT approx_count_distinct(s) AS n FROM t",
    "SELECT s, median(a) AS m, list(b ORDER BY b) AS l, max(a) FILTER (WHERE b > 1) AS x, bit_xor(a) AS h FROM t GROUP "
    "BY "
    "s",
    "SELECT s, b, grouping(s, b) AS g, count(*) AS n, sum(DISTINCT a) AS d FROM t GROUP BY CUBE (s, b)",
    "SELECT a, b, s, count(*) OVER (PARTITION BY s) AS n, rank() OVER (PARTITION BY s ORDER BY a) AS r, sum(a) OVER "
    "(PARTITION BY s ORDER BY a) AS c FROM t",
    "SELECT a, s FROM t QUALIFY a >= max(a) OVER (PARTITION BY s)",
    "SELECT s, rank() OVER (ORDER BY count(*) DESC) AS place, sum(a) AS x FROM t GROUP BY s",
    "SELECT DISTINCT a, s FROM t",
    "SELECT a FROM t UNION ALL SELECT b FROM t",
    "SELECT a, s FROM t UNION SELECT b, s FROM t",
    "SELECT s FROM t EXCEPT SELECT net FROM quakes WHERE net < 'c'",
    "SELECT a, s FROM t EXCEPT SELECT b, s FROM t",
    "SELECT s FROM t INTERSECT SELECT net FROM quakes",
    "SELECT t.a, t.s, q.id FROM t JOIN quakes q ON t.s = q.net AND t.a < q.mag",
    "SELECT t.a, q.id FROM t LEFT JOIN quakes q ON t.s = q.net AND t.a > q.mag",
    "SELECT t.a, q.id FROM t RIGHT JOIN quakes q ON t.s = q.net AND t.a = 2",
    "SELECT t.a, t.s, q.net, q.id FROM t FULL JOIN quakes q ON t.s = q.net",
    "SELECT t.a, u.b FROM t FULL JOIN t u ON t.a = u.b AND t.s = u.s",
    "SELECT t.a, q.mag FROM t LEFT JOIN quakes q ON t.a > q.mag OR t.s = q.net",
    "SELECT t.a, u.b FROM t JOIN t u ON t.s IS NOT DISTINCT FROM u.s",
    "SELECT t.a, q.mag FROM (SELECT DISTINCT a FROM t) t CROSS JOIN (SELECT DISTINCT mag FROM quakes) q",
    "SELECT x.a, z.b FROM t x JOIN t y ON x.a = y.a LEFT JOIN t z ON z.b = y.b AND z.s = 'a' WHERE y.s = 'b'",
    "SELECT t.a, q.id FROM t LEFT JOIN quakes q ON t.s = q.net WHERE q.net IS NULL",
    "SELECT id, mag FROM quakes SEMI JOIN t ON net = s",
    "SELECT id, mag FROM quakes ANTI JOIN t ON net = s AND mag = a",
    "SELECT a, s FROM t WHERE s IN (SELECT net FROM quakes WHERE mag > 5)",
    "SELECT a, s FROM t WHERE s NOT IN (SELECT net FROM quakes WHERE mag > 5)",
    "SELECT a, s FROM t WHERE s NOT IN (SELECT net FROM quakes WHERE mag > 5 AND net IS NOT NULL)",
    "SELECT a, s FROM t WHERE s NOT IN (SELECT net FROM quakes WHERE mag > 100)",
    "SELECT a, s, s IN (SELECT net FROM quakes WHERE mag > 5) AS i FROM t",
    "SELECT a, s, s IN (SELECT net FROM quakes WHERE mag > 100) AS i FROM t",
    "SELECT a, s, s IN (SELECT net FROM quakes WHERE net IS NOT NULL AND mag > 6) AS i FROM t",
    "SELECT a, s FROM t WHERE (a, s) IN (SELECT mag::BIGINT, net FROM quakes)",
    "SELECT a, s FROM t WHERE EXISTS (SELECT 1 FROM quakes WHERE net = s AND mag > a)",
    "SELECT a, s FROM t WHERE NOT EXISTS (SELECT 1 FROM quakes WHERE net = s AND mag > a)",
    "SELECT a, s, EXISTS (SELECT 1 FROM quakes WHERE net = s AND mag > 5) AS e FROM t",
    "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM quakes WHERE mag > 6)",
    "SELECT id, mag FROM quakes WHERE mag > (SELECT avg(mag) FROM quakes)",
    "SELECT id, (SELECT max(mag) FROM quakes) AS m, (SELECT max(mag) FROM quakes WHERE mag > 100) AS n FROM quakes",
    "SELECT id, mag, (SELECT max(mag) FROM quakes i WHERE i.net = q.net) AS m FROM quakes q",
    "SELECT id, mag, (SELECT count(*) FROM quakes i WHERE i.net = q.net) AS m FROM quakes q",
    "SELECT a, (SELECT count(*) FROM t u WHERE u.b < t.b) AS n FROM t",
    "SELECT id FROM quakes q WHERE mag > (SELECT avg(mag) FROM quakes i WHERE i.net = q.net)",
    "SELECT a, (SELECT id FROM quakes ORDER BY mag DESC, updated LIMIT 1) AS i FROM t",
    "SELECT a, s, (SELECT id FROM quakes WHERE net = s ORDER BY mag DESC, updated LIMIT 1) AS i FROM t",
    "SELECT t.a, t.s, z.id, z.mag FROM t, LATERAL (SELECT id, mag, updated FROM quakes WHERE net = s ORDER BY mag "
    "DESC, updated LIMIT 3) z",
    "SELECT t.a, t.s, z.n FROM t, LATERAL (SELECT count(*) AS n FROM quakes WHERE net = s) z",
    "SELECT * FROM quakes ORDER BY mag DESC, updated LIMIT 7",
    "SELECT id FROM quakes ORDER BY mag NULLS FIRST, updated LIMIT 7 OFFSET 3",
    "SELECT id, mag FROM quakes ORDER BY updated LIMIT 10000",
    "SELECT id, mag, row_number() OVER (PARTITION BY net ORDER BY mag DESC, updated) AS n FROM quakes QUALIFY n <= 3",
    "SELECT id, mag FROM quakes QUALIFY row_number() OVER (PARTITION BY net ORDER BY mag DESC, updated) BETWEEN 2 AND "
    "3",
    "SELECT id, mag, row_number() OVER (PARTITION BY net ORDER BY updated) AS n FROM quakes QUALIFY n <= 4 AND n % 2 = "
    "0 AND mag > 1",
    "SELECT id, mag FROM (SELECT *, row_number() OVER (PARTITION BY net ORDER BY updated) AS n FROM quakes) WHERE n = "
    "2",
    "SELECT * FROM quakes QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated DESC) = 1",
    "SELECT DISTINCT ON (id) id, updated, mag FROM quakes ORDER BY id, updated DESC",
    "SELECT DISTINCT ON (net) id FROM quakes ORDER BY net, mag DESC NULLS LAST, updated",
    "SELECT a, unnest(l) AS e FROM t",
    "SELECT unnest(l) AS e, unnest([a, b]) AS f FROM t",
    "SELECT a, e FROM t, UNNEST(l) AS u(e)",
    "SELECT a, e FROM t, UNNEST(l) AS u(e) WHERE e > 0",
    "SELECT a, e + a AS n FROM t, UNNEST(l) AS u(e) WHERE a > 1 AND e < a",
    "SELECT t.a, p.k FROM t, UNNEST([{'k': a, 'v': b}, {'k': b, 'v': 1}]) AS u(p) WHERE p.v = 1",
    "SELECT a, generate_subscripts(l, 1) AS i FROM t",
    "WITH c AS (SELECT s, max(a) AS m FROM t GROUP BY s) SELECT x.s, y.s AS z FROM c x JOIN c y ON x.m = y.m",
    "WITH t AS (SELECT a + 1 AS n FROM t WHERE b > 1) SELECT n, count(*) AS k FROM t GROUP BY n",
    "SELECT net, count(*) AS n FROM strong GROUP BY net",
    "SELECT x.id, y.mag FROM strong x JOIN strong y ON x.net = y.net AND x.mag < y.mag",
    "SELECT * FROM (PIVOT t ON s IN ('a', 'b') USING sum(a) GROUP BY b)",
    "SELECT date_trunc('day', time) AS day, CASE WHEN mag < 2 THEN 'low' WHEN mag < 5 THEN 'mid' ELSE 'high' END AS "
    "class, count(*) AS n, avg(mag) AS m FROM quakes GROUP BY ALL",
    "SELECT time::DATE AS day, row_number() OVER (PARTITION BY time::DATE ORDER BY mag DESC, updated) AS place_of_day, "
    "id FROM quakes QUALIFY place_of_day <= 2",
    "SELECT q.id, q.mag, n.m FROM quakes q JOIN (SELECT net, avg(mag) AS m FROM quakes GROUP BY net) n ON q.net = "
    "n.net WHERE q.mag > n.m",
    "SELECT n, count(*) AS k FROM (SELECT s, count(*) AS n FROM t GROUP BY s) GROUP BY n",
    "SELECT s, m, rank FROM (SELECT s, max(a) AS m, row_number() OVER (ORDER BY max(a) DESC, s) AS rank FROM t GROUP "
    "BY s) WHERE rank <= 2",
    "SELECT a, b FROM t WHERE a = 1 UNION ALL SELECT a, b FROM t WHERE b = 1 UNION ALL SELECT 7 AS a, b FROM t WHERE s "
    "= 'c'",
    "SELECT strftime(time, '%Y-%m-%d') AS day, extract(hour FROM time) AS h, time - INTERVAL 1 DAY AS y, "
    "regexp_extract(id, '(\\d+)', 1) AS n, split_part(place, 'p', 2) AS p FROM quakes",
};

TEST_F(MeaningTest, PlanAndQueryGiveTheSameRows) {
  std::vector<std::pair<plan::QueryPlan, std::string>> plans;
  for (const char* text : kQueries) {
    SCOPED_TRACE(text);
    const plan::Pipeline compiled = pipeline(kTables +
                                             "CREATE TEMPORARY VIEW strong AS SELECT id, net, mag FROM quakes WHERE "
                                             "mag > 3;\nCREATE MATERIALIZED VIEW v AS\n" +
                                             text + ";");
    ASSERT_NE(compiled.find_dataset("v"), nullptr);
    const plan::QueryPlan& query = compiled.find_dataset("v")->query;
    ASSERT_TRUE(query.incremental()) << ::testing::PrintToString(query.reasons);
    plans.emplace_back(query, PlanAsSql(query, compiled).text());
    expect_same_rows(plans.back().first, plans.back().second);
    EXPECT_NE(one_value("SELECT count(*) FROM by_query"), "0") << "the data do not try this query";
  }
  run("DELETE FROM t");
  run("DELETE FROM quakes");
  for (const auto& [query, plan_text] : plans) {
    SCOPED_TRACE("over no rows: " + query.sql);
    expect_same_rows(query, plan_text);
  }
}

TEST_F(MeaningTest, TheTextOfARecomputedViewRunsOverTablesOfItsInputsNames) {
  for (const char* text : {"SELECT median(a) AS m, list(b ORDER BY b) AS n FROM t, range(1) -- the middle",
                           "SELECT a AS m, string_agg(s) OVER (ORDER BY b) AS n FROM main.t",
                           "SELECT median(mag) AS m, net AS n FROM Strong, range(1) GROUP BY net",
                           "SELECT median(mag) AS m, 'it''s --' AS n FROM range(1), strong AS s /* all */"}) {
    SCOPED_TRACE(text);
    const plan::Pipeline compiled = pipeline(kTables +
                                             "CREATE TEMPORARY VIEW strong AS SELECT id, net, mag FROM main.quakes "
                                             "WHERE mag > 3;\nCREATE MATERIALIZED VIEW v (m, n) AS\n" +
                                             text + ";");
    ASSERT_NE(compiled.find_dataset("v"), nullptr);
    const plan::QueryPlan& query = compiled.find_dataset("v")->query;
    EXPECT_FALSE(query.incremental());
    run_query(query);
    EXPECT_EQ(one_value("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'by_query'"), "2");
  }
}

}  // namespace
}  // namespace sluice::sql
