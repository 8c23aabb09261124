#include "tests/random_sql/query_generator.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::random_sql {
namespace {

const std::vector<Kind> kKinds = {Kind::BigInt, Kind::Integer, Kind::Double,    Kind::Decimal,    Kind::Text,
                                  Kind::Bool,   Kind::Date,    Kind::Timestamp, Kind::BigIntList, Kind::TextList};
const std::vector<int> kKindWeights = {24, 10, 12, 8, 18, 10, 6, 6, 4, 2};

SqlNode text(std::string sql) { return leaf(std::move(sql)); }

template <typename... Parts>
SqlNode join(Parts... parts) {
  return sequence({std::move(parts)...});
}

std::string name_of(Kind kind) {
  switch (kind) {
    case Kind::BigInt: return "BIGINT";
    case Kind::Integer: return "INTEGER";
    case Kind::Double: return "DOUBLE";
    case Kind::Decimal: return "DECIMAL(6,2)";
    case Kind::Text: return "VARCHAR";
    case Kind::Bool: return "BOOLEAN";
    case Kind::Date: return "DATE";
    case Kind::Timestamp: return "TIMESTAMP";
    case Kind::BigIntList: return "BIGINT[]";
    case Kind::TextList: return "VARCHAR[]";
  }
  return "";
}

/// Whether the text names a column: "x1.…".
bool has_column(const SqlNode& node) {
  const std::string sql = sql_of(node);
  for (std::size_t at = sql.find('x'); at != std::string::npos; at = sql.find('x', at + 1)) {
    const std::size_t end = sql.find_first_not_of("0123456789", at + 1);
    if (end != std::string::npos && end > at + 1 && sql[end] == '.') return true;
  }
  return false;
}

bool is_list(Kind kind) { return kind == Kind::BigIntList || kind == Kind::TextList; }

}  // namespace

Kind kind_of(const std::string& type) {
  return *std::find_if(kKinds.begin(), kKinds.end(), [&](Kind kind) { return name_of(kind) == type; });
}

SqlNode QueryGenerator::in_category(SqlNode node, Kind kind) {
  node.category = name_of(kind);
  return node;
}

Kind QueryGenerator::any_kind() { return kKinds[dice_.weighted(kKindWeights)]; }

// NOLINTBEGIN(misc-no-recursion): as deep as the queries and expressions that are asked for.

// --- queries

QueryGenerator::QueryGenerator(Dice& dice, const std::vector<Table>& tables, bool wild) : dice_(dice), wild_(wild) {
  for (const Table& table : tables) {
    Relation relation{table.name, {}, {}};
    for (const Column& column : table.columns) {
      relation.columns.push_back(column.name);
      relation.kinds.push_back(kind_of(column.type));
    }
    relations_.push_back(std::move(relation));
  }
}

SqlNode QueryGenerator::query() { return any_query(dice_.between(0, 3), {}, true).node; }

QueryGenerator::Query QueryGenerator::any_query(int depth, const std::vector<Kind>& wanted, bool top) {
  if (depth == 0) return select(0, wanted, top);
  switch (dice_.weighted({60, 16, 12, 12})) {
    case 0: return select(depth, wanted, top);
    case 1: return set_operation(depth, wanted);
    case 2: return limited(depth, wanted);
    default: return with_cte(depth, wanted, top);
  }
}

QueryGenerator::Query QueryGenerator::set_operation(int depth, const std::vector<Kind>& wanted) {
  Query left = any_query(depth - 1, wanted, false);
  Query right = any_query(depth - 1, left.kinds, false);
  // EXCEPT ALL and INTERSECT ALL are recomputed.
  static const std::vector<std::string> kWords = {"UNION ALL", "UNION",      "EXCEPT",
                                                  "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"};
  const std::string& word = kWords[dice_.weighted({40, 25, 16, 16, 1, 1})];
  const auto branch = [&](SqlNode node) {
    const std::string name = alias();
    return join(text("SELECT * FROM ("), std::move(node), text(") AS " + name));
  };
  return {sequence({branch(std::move(left.node)), text(" " + word + " "), branch(std::move(right.node))}, "query"),
          std::move(left.kinds)};
}

QueryGenerator::Query QueryGenerator::limited(int depth, const std::vector<Kind>& wanted) {
  Query inner = any_query(depth - 1, wanted, false);
  const std::string name = alias();
  Scope scope;
  for (std::size_t c = 0; c < inner.kinds.size(); ++c)
    scope.push_back({fmt::format("{}.c{}", name, c), inner.kinds[c]});
  SqlNode order = order_by(scope, {});
  SqlNode limit = text(fmt::format(" LIMIT {}", dice_.one_of(std::vector<int>{1, 2, 3, 5, 10})));
  SqlNode offset = dice_.percent(30) ? optional(text(fmt::format(" OFFSET {}", dice_.between(1, 4)))) : text("");
  return {sequence({text("SELECT * FROM ("), std::move(inner.node), text(") AS " + name), std::move(order),
                    std::move(limit), std::move(offset)},
                   "query"),
          std::move(inner.kinds)};
}

QueryGenerator::Query QueryGenerator::with_cte(int depth, const std::vector<Kind>& wanted, bool top) {
  Query shared = any_query(depth - 1, {}, false);
  Relation relation{fmt::format("w{}", ++aliases_), {}, shared.kinds};
  for (std::size_t c = 0; c < shared.kinds.size(); ++c) relation.columns.push_back(fmt::format("c{}", c));
  const std::string name = relation.name;
  // Twice, so that it is read often.
  relations_.push_back(relation);
  relations_.push_back(std::move(relation));
  Query body = select(depth - 1, wanted, top);
  relations_.resize(relations_.size() - 2);
  return {
      sequence({text("WITH " + name + " AS " + dice_.one_of(std::vector<std::string>{"", "", "MATERIALIZED "}) + "("),
                std::move(shared.node), text(") "), std::move(body.node)},
               "query"),
      std::move(body.kinds)};
}

QueryGenerator::Query QueryGenerator::select(int depth, const std::vector<Kind>& wanted, bool top) {
  const From from = from_clause(depth);
  const SqlNode where = dice_.percent(50) ? where_clause(from.scope, 2) : text("");
  switch (dice_.weighted({50, 32, 6, 7, 3})) {
    case 0: return plain_select(from, where, wanted, 2);
    case 1: return aggregated(from, where, wanted, 1, top);
    case 2: return distinct_on(from, where, wanted, 1);
    case 3: return qualified(from, where, wanted, 1);
    default: return windowed(from, where, wanted, 1);
  }
}

std::vector<Kind> QueryGenerator::some_kinds(const Scope& scope) {
  std::vector<Kind> kinds;
  for (int c = dice_.between(1, 4); c > 0; --c) {
    kinds.push_back(!scope.empty() && dice_.percent(70) ? dice_.one_of(scope).kind : any_kind());
  }
  return kinds;
}

SqlNode QueryGenerator::select_items(std::vector<Item> items) {
  std::vector<SqlNode> nodes;
  for (std::size_t c = 0; c < items.size(); ++c) {
    nodes.push_back(join(std::move(items[c].expression), text(fmt::format(" AS c{}", c))));
  }
  return list(std::move(nodes));
}

namespace {
std::vector<Kind> kinds_of(const auto& items) {
  std::vector<Kind> kinds;
  for (const auto& item : items) kinds.push_back(item.kind);
  return kinds;
}
}  // namespace

QueryGenerator::Query QueryGenerator::plain_select(const From& from, const SqlNode& where,
                                                   const std::vector<Kind>& wanted, int depth) {
  std::vector<Item> items;
  for (const Kind kind : wanted.empty() ? some_kinds(from.scope) : wanted)
    items.push_back({value(kind, from.scope, dice_.between(0, depth)), kind});
  std::vector<Kind> kinds = kinds_of(items);
  return {sequence({text("SELECT "), dice_.percent(20) ? optional(text("DISTINCT ")) : text(""),
                    select_items(std::move(items)), from.node, where},
                   "query"),
          std::move(kinds)};
}

QueryGenerator::Query QueryGenerator::aggregated(const From& from, const SqlNode& where,
                                                 const std::vector<Kind>& wanted, int depth, bool top) {
  std::vector<Item> items;
  std::vector<SqlNode> keys;
  const int keys_max = dice_.weighted({20, 50, 30}) == 0 ? 0 : dice_.between(1, 2);
  for (const Kind kind : wanted.empty() ? some_kinds(from.scope) : wanted) {
    if (static_cast<int>(keys.size()) < keys_max && (is_list(kind) || dice_.percent(50))) {
      SqlNode key = value(kind, from.scope, dice_.between(0, depth));
      keys.push_back(key);
      items.push_back({std::move(key), kind});
    } else {
      items.push_back({aggregate(kind, from.scope, top), kind});
    }
  }
  // A key that is not shown.
  if (static_cast<int>(keys.size()) < keys_max && dice_.percent(30)) {
    const Kind kind = any_kind();
    keys.push_back(value(kind, from.scope, 0));
  } else if (wanted.empty() && static_cast<int>(keys.size()) < keys_max) {
    const Kind kind = from.scope.empty() ? Kind::BigInt : dice_.one_of(from.scope).kind;
    SqlNode key = value(kind, from.scope, 0);
    keys.push_back(key);
    items.push_back({std::move(key), kind});
  }
  SqlNode group = text("");
  if (!keys.empty()) {
    // Several grouping sets are recomputed.
    const std::vector<std::string> kShapes = {" GROUP BY ", " GROUP BY ROLLUP (", " GROUP BY CUBE (",
                                              " GROUP BY GROUPING SETS ((), "};
    const std::size_t shape = dice_.weighted({96, 2, 1, 1});
    group = join(text(kShapes[shape]), list(std::move(keys)), text(shape == 0 ? "" : ")"));
  }
  SqlNode having = text("");
  if (dice_.percent(20)) {
    const Kind kind = dice_.one_of(std::vector<Kind>{Kind::BigInt, Kind::BigInt, Kind::Double, Kind::Text});
    having = optional(join(text(" HAVING "), aggregate(kind, from.scope, false),
                           text(dice_.one_of(std::vector<std::string>{" > ", " = ", " <= ", " IS DISTINCT FROM "})),
                           literal(kind)));
  }
  std::vector<Kind> kinds = kinds_of(items);
  return {
      sequence({text("SELECT "), select_items(std::move(items)), from.node, where, std::move(group), std::move(having)},
               "query"),
      std::move(kinds)};
}

QueryGenerator::Query QueryGenerator::distinct_on(const From& from, const SqlNode& where,
                                                  const std::vector<Kind>& wanted, int depth) {
  const Kind key_kind = from.scope.empty() ? Kind::BigInt : dice_.one_of(from.scope).kind;
  const SqlNode key = bare(key_kind, from.scope);
  std::vector<Item> items;
  for (const Kind kind : wanted.empty() ? some_kinds(from.scope) : wanted)
    items.push_back({value(kind, from.scope, dice_.between(0, depth)), kind});
  std::vector<Kind> kinds = kinds_of(items);
  return {sequence({text("SELECT DISTINCT ON ("), key, text(") "), select_items(std::move(items)), from.node, where,
                    order_by(from.scope, {key})},
                   "query"),
          std::move(kinds)};
}

QueryGenerator::Query QueryGenerator::qualified(const From& from, const SqlNode& where, const std::vector<Kind>& wanted,
                                                int depth) {
  Query made = plain_select(from, where, wanted, depth);
  const std::string bound = dice_.one_of(std::vector<std::string>{" <= 2", " = 1", " = 2", " < 4", " BETWEEN 2 AND 3"});
  SqlNode partition = text("");
  if (!from.scope.empty() && dice_.percent(75))
    partition = optional(join(text("PARTITION BY "), bare(dice_.one_of(from.scope).kind, from.scope)));
  made.node.parts[1] = text("");  // DISTINCT would see the rank
  made.node.parts.push_back(
      join(text(" QUALIFY row_number() OVER ("), std::move(partition), order_by(from.scope, {}), text(")" + bound)));
  return made;
}

// Recomputed: window functions without a bound.
QueryGenerator::Query QueryGenerator::windowed(const From& from, const SqlNode& where, const std::vector<Kind>& wanted,
                                               int depth) {
  Query made = plain_select(from, where, wanted, depth);
  SqlNode partition = text("");
  if (!from.scope.empty() && dice_.percent(75))
    partition = optional(join(text("PARTITION BY "), bare(dice_.one_of(from.scope).kind, from.scope)));
  made.node.parts[1] = text("");
  static const std::vector<std::string> kFunctions = {"rank()", "row_number()", "dense_rank()", "count(*)", "ntile(2)"};
  made.node.parts.push_back(join(text(" QUALIFY " + dice_.one_of(kFunctions) + " OVER ("), std::move(partition),
                                 order_by(from.scope, {}), text(") % 2 = 1")));
  return made;
}

SqlNode QueryGenerator::order_by(const Scope& scope, std::vector<SqlNode> first) {
  static const std::vector<std::string> kWays = {"", " DESC", " NULLS FIRST", " DESC NULLS FIRST"};
  std::vector<SqlNode> keys;
  for (SqlNode& key : first) keys.push_back(join(std::move(key), text(dice_.one_of(kWays))));
  const bool all = dice_.percent(60);
  // What some columns leave open is decided by the total order, in DuckDB by chance.
  if (!all) tie_dependent_ = true;
  std::vector<std::size_t> places;
  for (std::size_t c = 0; c < scope.size(); ++c) places.push_back(c);
  dice_.shuffle(places);
  if (!all && !places.empty()) places.resize(dice_.roll(std::min<std::size_t>(places.size(), 3)));
  for (const std::size_t place : places) keys.push_back(join(text(scope[place].sql), text(dice_.one_of(kWays))));
  if (keys.empty()) return text("");
  return join(text(" ORDER BY "), list(std::move(keys)));
}

// --- FROM and WHERE

const QueryGenerator::Relation& QueryGenerator::some_relation() { return dice_.one_of(relations_); }

QueryGenerator::From QueryGenerator::relation_as(const Relation& relation) {
  From from;
  const std::string name = alias();
  for (std::size_t c = 0; c < relation.columns.size(); ++c)
    from.scope.push_back({name + "." + relation.columns[c], relation.kinds[c]});
  from.node = text(relation.name + " AS " + name);
  return from;
}

QueryGenerator::From QueryGenerator::from_item(int depth) {
  if (depth == 0 || dice_.percent(45)) return relation_as(some_relation());
  Query inner = any_query(depth - 1, {}, false);
  From from;
  const std::string name = alias();
  for (std::size_t c = 0; c < inner.kinds.size(); ++c)
    from.scope.push_back({fmt::format("{}.c{}", name, c), inner.kinds[c]});
  from.node = sequence({text("("), std::move(inner.node), text(") AS " + name)}, "from");
  return from;
}

QueryGenerator::From QueryGenerator::from_clause(int depth) {
  From from = from_item(depth);
  from.node = sequence({std::move(from.node)}, "from");
  while (joins_left_ > 0 && dice_.percent(35)) {
    --joins_left_;
    From right = from_item(std::max(0, depth - 1));
    static const std::vector<std::string> kWords = {" JOIN ",      " LEFT JOIN ", " RIGHT JOIN ",
                                                    " FULL JOIN ", " SEMI JOIN ", " ANTI JOIN "};
    const std::size_t word = dice_.weighted({45, 28, 8, 5, 7, 7});
    // A full join on anything but an equality is recomputed; others that are none pair every row.
    SqlNode condition = join_condition(from.scope, right.scope, word == 3 || dice_.percent(92));
    from.node = sequence(
        {std::move(from.node), text(kWords[word]), std::move(right.node), text(" ON "), std::move(condition)}, "from");
    if (word < 4) from.scope.insert(from.scope.end(), right.scope.begin(), right.scope.end());
  }
  const bool has_list =
      std::any_of(from.scope.begin(), from.scope.end(), [](const Visible& column) { return is_list(column.kind); });
  if (dice_.percent(has_list ? 35 : 3)) {
    const Kind kind = dice_.percent(80) ? Kind::BigIntList : Kind::TextList;
    const std::string name = alias();
    SqlNode elements = value(kind, from.scope, 1);
    // UNNEST of a constant is a table function, which is recomputed.
    if (!has_column(elements)) {
      const std::string& any = dice_.one_of(from.scope).sql;
      elements = text(kind == Kind::TextList ? fmt::format("['a', CASE WHEN {} IS NULL THEN 'b' END]", any)
                                             : fmt::format("[1::BIGINT, CASE WHEN {} IS NULL THEN 2 END]", any));
    }
    from.node = sequence(
        {std::move(from.node), text(", UNNEST("), std::move(elements), text(fmt::format(") AS {}(e)", name))}, "from");
    from.scope.push_back({name + ".e", kind == Kind::BigIntList ? Kind::BigInt : Kind::Text});
  }
  if (joins_left_ > 0 && dice_.percent(4)) {
    --joins_left_;
    From other = relation_as(some_relation());
    const std::string name = alias();
    SqlNode correlated = comparison({other.scope.empty() ? Visible{"0", Kind::BigInt} : dice_.one_of(other.scope),
                                     from.scope.empty() ? Visible{"0", Kind::BigInt} : dice_.one_of(from.scope)},
                                    0);
    Scope inside = other.scope;
    SqlNode order = order_by(inside, {});
    const Kind kind = dice_.one_of(other.scope).kind;
    from.node = sequence({std::move(from.node), text(", LATERAL (SELECT "), bare(kind, other.scope),
                          text(" AS c0 FROM "), std::move(other.node), text(" WHERE "), std::move(correlated),
                          optional(join(std::move(order), text(" LIMIT 2"))), text(") AS " + name)},
                         "from");
    from.scope.push_back({name + ".c0", kind});
  }
  // The word stands before what reduction may replace.
  from.node = join(text(" FROM "), std::move(from.node));
  return from;
}

SqlNode QueryGenerator::join_condition(const Scope& left, const Scope& right, bool equality) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Visible& a : left) {
    for (const Visible& b : right) {
      if (a.kind == b.kind) pairs.emplace_back(a.sql, b.sql);
    }
  }
  Scope both = left;
  both.insert(both.end(), right.begin(), right.end());
  std::vector<SqlNode> conditions;
  if (equality && pairs.empty()) {
    for (const Visible& a : left) {
      for (const Visible& b : right) {
        if (!is_list(a.kind) && !is_list(b.kind)) {
          // Text of a floating-point number depends on its form.
          form_dependent_ = form_dependent_ || a.kind == Kind::Double || b.kind == Kind::Double;
          pairs.emplace_back(a.sql + "::VARCHAR", b.sql + "::VARCHAR");
        }
      }
    }
  }
  if (equality && !pairs.empty()) {
    for (int keys = dice_.percent(25) ? 2 : 1; keys > 0; --keys) {
      const auto& [a, b] = dice_.one_of(pairs);
      conditions.push_back(text(fmt::format("{} {} {}", a, dice_.percent(85) ? "=" : "IS NOT DISTINCT FROM", b)));
    }
  }
  if (conditions.empty() || dice_.percent(20)) conditions.push_back(comparison(both, 1));
  return list(std::move(conditions), " AND ");
}

SqlNode QueryGenerator::where_clause(const Scope& scope, int depth) {
  std::vector<SqlNode> conditions;
  conditions.push_back(condition(scope, depth));
  if (subqueries_left_ > 0 && dice_.percent(22)) conditions.push_back(subquery_condition(scope));
  return optional(join(text(" WHERE "), list(std::move(conditions), " AND ")));
}

// --- expressions

SqlNode QueryGenerator::literal(Kind kind) {
  if (dice_.percent(6)) return in_category(text("NULL::" + name_of(kind)), kind);
  return some_literal(kind);
}

SqlNode QueryGenerator::some_literal(Kind kind) {
  const auto pick = [&](std::vector<std::string> choices) { return in_category(text(dice_.one_of(choices)), kind); };
  switch (kind) {
    case Kind::BigInt: return pick({"0::BIGINT", "1::BIGINT", "2::BIGINT", "7::BIGINT"});
    case Kind::Integer: return pick({"0::INTEGER", "1::INTEGER", "2::INTEGER", "(-2)::INTEGER"});
    case Kind::Double: return pick({"0.0::DOUBLE", "0.5::DOUBLE", "2.25::DOUBLE", "'nan'::DOUBLE", "(-1.5)::DOUBLE"});
    case Kind::Decimal: return pick({"0.00", "1.50", "0.01"});
    case Kind::Text: return pick({"'a'", "'b'", "''", "'1'"});
    case Kind::Bool: return pick({"true", "false"});
    case Kind::Date: return pick({"DATE '2024-01-01'", "DATE '2024-02-29'"});
    case Kind::Timestamp: return pick({"TIMESTAMP '2024-01-01 00:30:00'", "TIMESTAMP '2024-02-29 12:00:00.000001'"});
    case Kind::BigIntList: return pick({"[1, 2]::BIGINT[]", "[]::BIGINT[]", "[NULL, 1]::BIGINT[]"});
    case Kind::TextList: return pick({"['a']", "[]::VARCHAR[]"});
  }
  return text("NULL");
}

SqlNode QueryGenerator::bare(Kind kind, const Scope& scope) {
  return dice_.percent(4) ? literal(kind) : column(kind, scope);
}

SqlNode QueryGenerator::column(Kind kind, const Scope& scope) {
  std::vector<const Visible*> columns;
  for (const Visible& visible : scope) {
    if (visible.kind == kind) columns.push_back(&visible);
  }
  if (columns.empty()) return literal(kind);
  return in_category(text(columns[dice_.roll(columns.size())]->sql), kind);
}

SqlNode QueryGenerator::value(Kind kind, const Scope& scope, int depth) {
  const bool has_column =
      std::any_of(scope.begin(), scope.end(), [&](const Visible& column) { return column.kind == kind; });
  if (has_column && (depth == 0 || dice_.percent(35))) return bare(kind, scope);
  // Without a column of the kind, one step more may find it in another.
  if (depth < 0 || (depth == 0 && dice_.percent(40))) return bare(kind, scope);
  if (!is_list(kind) && subqueries_left_ > 0 && dice_.percent(3)) return scalar_subquery(kind, scope);
  if (dice_.percent(14)) {
    return in_category(join(text("CASE WHEN "), condition(scope, depth - 1), text(" THEN "),
                            value(kind, scope, depth - 1), text(" ELSE "), value(kind, scope, depth - 1), text(" END")),
                       kind);
  }
  if (dice_.percent(8)) {
    return in_category(join(text(dice_.one_of(std::vector<std::string>{"coalesce(", "nullif("})),
                            value(kind, scope, depth - 1), text(", "), value(kind, scope, depth - 1), text(")")),
                       kind);
  }
  switch (kind) {
    case Kind::BigInt:
    case Kind::Integer:
    case Kind::Decimal: return in_category(number(kind, scope, depth), kind);
    case Kind::Double: return in_category(double_value(scope, depth), kind);
    case Kind::Text: return in_category(text_value(scope, depth), kind);
    case Kind::Bool: return in_category(condition(scope, depth), kind);
    case Kind::Date:
    case Kind::Timestamp: return in_category(time_value(kind, scope, depth), kind);
    case Kind::BigIntList:
    case Kind::TextList: return in_category(list_value(kind, scope, depth), kind);
  }
  return literal(kind);
}

SqlNode QueryGenerator::number(Kind kind, const Scope& scope, int depth) {
  const auto one = [&](Kind wanted) { return value(wanted, scope, depth - 1); };
  // No product of two columns: nested three deep it would overflow, which is the subject of failing_query().
  if (dice_.percent(45)) {
    static const std::vector<std::string> kOperators = {" + ", " - "};
    return join(text("("), one(kind), text(dice_.one_of(kOperators)), one(kind), text(")"));
  }
  if (kind == Kind::Decimal) {
    switch (dice_.roll(3)) {
      case 0: return join(text("(- "), one(kind), text(")"));
      case 1: return join(text("abs("), one(kind), text(")"));
      default:
        return join(text("TRY_CAST("), one(dice_.percent(50) ? Kind::Double : Kind::BigInt), text(" AS DECIMAL(6,2))"));
    }
  }
  if (kind == Kind::Integer) {
    switch (dice_.roll(4)) {
      case 0: return join(text("TRY_CAST("), one(Kind::BigInt), text(" AS INTEGER)"));
      case 1: return join(text("CAST("), one(Kind::Bool), text(" AS INTEGER)"));
      case 2: return join(text("abs("), one(kind), text(")"));
      default: return join(text("CAST(extract(month FROM "), one(Kind::Date), text(") AS INTEGER)"));
    }
  }
  switch (dice_.roll(8)) {
    case 0: return join(text("(("), one(kind), text(" % 10) * ("), one(kind), text(" % 10))"));
    case 1: return join(text("length("), one(Kind::Text), text(")"));
    case 2: return join(text("CAST("), one(Kind::Integer), text(" AS BIGINT)"));
    case 3: return join(text("TRY_CAST("), one(Kind::Text), text(" AS BIGINT)"));
    case 4: return join(text("len("), one(Kind::BigIntList), text(")"));
    case 5: return join(text("("), one(kind), text(" // "), one(kind), text(")"));
    case 6: return join(text("("), one(kind), text(" % "), one(kind), text(")"));
    default:
      return join(text(dice_.one_of(std::vector<std::string>{"greatest(", "least("})), one(kind), text(", "), one(kind),
                  text(")"));
  }
}

SqlNode QueryGenerator::double_value(const Scope& scope, int depth) {
  const auto one = [&](Kind wanted) { return value(wanted, scope, depth - 1); };
  switch (dice_.roll(8)) {
    case 0:
      if (wild_) inexact_ = true;
      return join(text("("), one(Kind::Double), text(" + "), one(Kind::Double), text(")"));
    case 1: return join(text("("), one(Kind::Double), text(" * 0.5::DOUBLE)"));
    case 2: return join(text("(- "), one(Kind::Double), text(")"));
    case 3: return join(text("CAST("), one(Kind::BigInt), text(" AS DOUBLE)"));
    case 4: return join(text("CAST("), one(Kind::Decimal), text(" AS DOUBLE)"));
    case 5: return join(text("round("), one(Kind::Double), text(", 1)"));
    case 6:
      // 1 / 0.0 and 1 / -0.0 differ, and which of the two a group shows DuckDB leaves to chance.
      form_dependent_ = true;
      return join(text("("), one(Kind::BigInt), text(" / "), one(dice_.percent(50) ? Kind::BigInt : Kind::Double),
                  text(")"));
    default: return join(text("abs("), one(Kind::Double), text(")"));
  }
}

SqlNode QueryGenerator::text_value(const Scope& scope, int depth) {
  const auto one = [&](Kind wanted) { return value(wanted, scope, depth - 1); };
  switch (dice_.roll(7)) {
    case 0: return join(text("("), one(Kind::Text), text(" || "), one(Kind::Text), text(")"));
    case 1: return join(text("upper("), one(Kind::Text), text(")"));
    case 2: return join(text("substr("), one(Kind::Text), text(", 1, 1)"));
    case 3: {
      const Kind from = any_kind();
      if (from == Kind::Double) form_dependent_ = true;
      return join(text("CAST("), one(from), text(" AS VARCHAR)"));
    }
    case 4: return join(text("replace("), one(Kind::Text), text(", 'a', 'bb')"));
    case 5: return join(text("concat("), one(Kind::Text), text(", "), one(Kind::BigInt), text(")"));
    default: return join(text("("), one(Kind::TextList), text(")[1]"));
  }
}

SqlNode QueryGenerator::time_value(Kind kind, const Scope& scope, int depth) {
  const auto one = [&](Kind wanted) { return value(wanted, scope, depth - 1); };
  if (kind == Kind::Date) {
    switch (dice_.roll(3)) {
      case 0: return join(text("CAST("), one(Kind::Timestamp), text(" AS DATE)"));
      case 1: return join(text("("), one(Kind::Date), text(" + 1)"));
      default: return join(text("CAST(date_trunc('month', "), one(Kind::Date), text(") AS DATE)"));
    }
  }
  switch (dice_.roll(3)) {
    case 0: return join(text("CAST("), one(Kind::Date), text(" AS TIMESTAMP)"));
    case 1: return join(text("("), one(Kind::Timestamp), text(" + INTERVAL 1 DAY)"));
    default: return join(text("date_trunc('hour', "), one(Kind::Timestamp), text(")"));
  }
}

SqlNode QueryGenerator::list_value(Kind kind, const Scope& scope, int depth) {
  const Kind element = kind == Kind::BigIntList ? Kind::BigInt : Kind::Text;
  const auto one = [&](Kind wanted) { return value(wanted, scope, depth - 1); };
  if (dice_.percent(60)) return join(text("["), one(element), text(", "), one(element), text("]"));
  return join(text("list_concat("), one(kind), text(", "), one(kind), text(")"));
}

SqlNode QueryGenerator::comparison(const Scope& scope, int depth) {
  static const std::vector<std::string> kOperators = {
      " = ", " <> ", " < ", " <= ", " > ", " >= ", " IS DISTINCT FROM ", " IS NOT DISTINCT FROM "};
  const Kind kind = scope.empty() ? any_kind() : dice_.one_of(scope).kind;
  // DuckDB makes one BETWEEN of two bounds of a column, which it then cannot evaluate for lists.
  static const std::vector<std::string> kEqualities = {" = ", " <> ", " IS DISTINCT FROM ", " IS NOT DISTINCT FROM "};
  const std::string& comparing = dice_.one_of(is_list(kind) ? kEqualities : kOperators);
  SqlNode left = value(kind, scope, depth);
  SqlNode right = value(kind, scope, depth);
  // Conditions that no row can meet are recomputed: most have a column on the left, and none of two constants or twice
  // the same column.
  if (!scope.empty() && sql_of(left) == sql_of(right)) left = column(kind, scope);
  if (!scope.empty() && !has_column(left)) left = column(kind, scope);
  if (sql_of(left) == sql_of(right)) right = some_literal(kind);
  if (sql_of(right).starts_with("NULL")) right = some_literal(kind);
  return join(text("("), std::move(left), text(comparing), std::move(right), text(")"));
}

SqlNode QueryGenerator::condition(const Scope& scope, int depth) {
  if (depth <= 0) return in_category(comparison(scope, std::min(depth, 0)), Kind::Bool);
  const auto of_row = [&](SqlNode node, Kind kind) {
    return scope.empty() || has_column(node) ? std::move(node) : column(kind, scope);
  };
  const auto made = [&]() -> SqlNode {
    switch (dice_.weighted({40, 10, 16, 10, 8, 6, 6, 6})) {
      case 0: return comparison(scope, depth - 1);
      case 1: {
        const Kind kind = !scope.empty() ? dice_.one_of(scope).kind : any_kind();
        return join(text("("), value(kind, scope, depth - 1), text(dice_.percent(50) ? " IS NULL)" : " IS NOT NULL)"));
      }
      case 2:
        return join(text("("), condition(scope, depth - 1), text(dice_.percent(50) ? " AND " : " OR "),
                    condition(scope, depth - 1), text(")"));
      case 3: {
        const Kind kind = !scope.empty() ? dice_.one_of(scope).kind : any_kind();
        return join(text("("), of_row(value(kind, scope, depth - 1), kind),
                    text(dice_.percent(60) ? " IN (" : " NOT IN ("),
                    list({literal(kind), literal(kind), literal(kind)}), text("))"));
      }
      case 4: return join(text("(NOT "), condition(scope, depth - 1), text(")"));
      case 5:
        return join(text("("), of_row(value(Kind::BigInt, scope, depth - 1), Kind::BigInt), text(" BETWEEN "),
                    some_literal(Kind::BigInt), text(" AND "), value(Kind::BigInt, scope, 0), text(")"));
      case 6:
        return join(text("("), value(Kind::Text, scope, depth - 1),
                    text(dice_.one_of(std::vector<std::string>{" LIKE 'a%')", " LIKE '%b')", " ILIKE '_')"})));
      default: return of_row(bare(Kind::Bool, scope), Kind::Bool);
    }
  };
  return in_category(made(), Kind::Bool);
}

SqlNode QueryGenerator::subquery_condition(const Scope& scope) {
  --subqueries_left_;
  From inner = relation_as(some_relation());
  Scope both = inner.scope;
  both.insert(both.end(), scope.begin(), scope.end());
  SqlNode where = text("");
  const auto correlated = [&] {
    SqlNode condition = dice_.percent(70) ? join_condition(inner.scope, scope, true) : comparison(both, 0);
    return optional(join(text(" WHERE "), std::move(condition)));
  };
  const auto made = [&]() -> SqlNode {
    if (dice_.percent(40)) {
      where = correlated();
      return join(text(dice_.percent(60) ? "EXISTS (SELECT 1 FROM " : "NOT EXISTS (SELECT 1 FROM "), inner.node, where,
                  text(")"));
    }
    if (dice_.percent(20)) {
      const Kind kind = dice_.one_of(std::vector<Kind>{Kind::BigInt, Kind::Double, Kind::Text});
      return join(text("("), value(kind, scope, 0), text(dice_.percent(50) ? " = " : " > "),
                  scalar_subquery(kind, scope), text(")"));
    }
    const Kind kind = dice_.one_of(inner.scope).kind;
    if (dice_.percent(25)) {
      where = correlated();
    } else if (dice_.percent(40)) {
      where = optional(join(text(" WHERE "), condition(inner.scope, 1)));
    }
    SqlNode made_condition =
        join(text("("), value(kind, scope, 0), text(dice_.percent(55) ? " IN (SELECT " : " NOT IN (SELECT "),
             bare(kind, inner.scope), text(" FROM "), inner.node, where, text("))"));
    // Not as a condition of its own: a mark join whose NULL counts.
    if (dice_.percent(25)) return join(text("("), std::move(made_condition), text(" IS NULL)"));
    return made_condition;
  };
  return in_category(made(), Kind::Bool);
}

SqlNode QueryGenerator::scalar_subquery(Kind kind, const Scope& scope) {
  --subqueries_left_;
  From inner = relation_as(some_relation());
  SqlNode where = text("");
  if (dice_.percent(60)) where = optional(join(text(" WHERE "), join_condition(inner.scope, scope, true)));
  SqlNode one = aggregate(kind, inner.scope, false);
  return in_category(join(text("(SELECT "), std::move(one), text(" FROM "), inner.node, std::move(where), text(")")),
                     kind);
}

SqlNode QueryGenerator::aggregate(Kind kind, const Scope& scope, bool top) {
  const auto filtered = [&](SqlNode call) {
    if (!dice_.percent(15)) return call;
    return join(std::move(call), optional(join(text(" FILTER (WHERE "), condition(scope, 1), text(")"))));
  };
  const auto call = [&](const std::string& function, Kind argument) {
    return filtered(join(text(function + "("), value(argument, scope, dice_.between(0, 1)), text(")")));
  };
  const auto some_kind = [&] { return scope.empty() ? any_kind() : dice_.one_of(scope).kind; };
  const auto made = [&]() -> SqlNode {
    // Aggregates that are recomputed. string_agg and list look at order, which the total order decides.
    if (dice_.percent(2)) {
      tie_dependent_ = true;
      if (kind == Kind::BigInt || kind == Kind::Integer) return call(dice_.percent(50) ? "mode" : "first", kind);
      if (kind == Kind::Double) return call("median", kind);
      if (kind == Kind::Text) return filtered(join(text("string_agg("), value(Kind::Text, scope, 0), text(", ',')")));
    }
    switch (kind) {
      case Kind::BigInt:
        switch (dice_.roll(6)) {
          case 0: return filtered(text("count(*)"));
          case 1: return call("count", some_kind());
          case 2: return call("count", some_kind());
          case 3: return filtered(join(text("count(DISTINCT "), value(some_kind(), scope, 0), text(")")));
          case 4:
            return join(text("CAST("), call("sum", dice_.percent(60) ? Kind::BigInt : Kind::Integer),
                        text(" AS BIGINT)"));
          default: return call(dice_.percent(50) ? "min" : "max", Kind::BigInt);
        }
      case Kind::Double: {
        if (dice_.percent(30)) return call(dice_.percent(50) ? "min" : "max", Kind::Double);
        if (wild_) inexact_ = true;
        if (dice_.percent(35)) return call("sum", Kind::Double);
        static const std::vector<std::string> kMeans = {"avg", "avg", "avg", "stddev_samp", "var_pop", "stddev"};
        const std::string& mean = dice_.one_of(kMeans);
        const std::vector<Kind> arguments = mean == "avg" ? std::vector<Kind>{Kind::BigInt, Kind::Double, Kind::Decimal}
                                                          : std::vector<Kind>{Kind::Double};
        SqlNode made_mean = call(mean, dice_.one_of(arguments));
        // DuckDB's own last digits are not ours; further up they would decide.
        if (!top && dice_.percent(80)) return join(text("round("), std::move(made_mean), text(", 3)"));
        if (!top) inexact_ = true;
        return made_mean;
      }
      case Kind::Decimal: return call(dice_.one_of(std::vector<std::string>{"sum", "min", "max"}), Kind::Decimal);
      case Kind::Bool: return call(dice_.percent(50) ? "bool_and" : "bool_or", Kind::Bool);
      case Kind::BigIntList:
        // min and max of lists are recomputed, so lists are made of aggregates.
        return join(text("["), call("min", Kind::BigInt), text(", "), call("count", Kind::BigInt), text("]"));
      case Kind::TextList: return join(text("["), call("max", Kind::Text), text("]"));
      default: return call(dice_.percent(50) ? "min" : "max", kind);
    }
  };
  return in_category(made(), kind);
}

// NOLINTEND(misc-no-recursion)

// --- rows that fail

SqlNode QueryGenerator::failing_value(const Scope& scope, bool compared) {
  const auto one = [&](Kind kind) { return bare(kind, scope); };
  // Not a product that is compared with a constant: DuckDB divides both sides by the factor, and nothing fails.
  switch (dice_.roll(compared ? 5 : 6)) {
    case 0: return join(text("CAST("), one(Kind::Text), text(" AS INTEGER)"));
    case 1: return join(text("CAST("), one(Kind::BigInt), text(" AS UTINYINT)"));
    case 2:
      return join(text("CASE WHEN "), one(Kind::Integer), text(" > 0 THEN CAST("), one(Kind::Text),
                  text(" AS BIGINT) END"));
    case 3: return join(text("CAST("), one(Kind::Decimal), text(" AS DECIMAL(2,1))"));
    case 4: return join(text("CAST("), one(Kind::Double), text(" AS INTEGER)"));
    default: return join(text("("), one(Kind::BigInt), text(" * 9223372036854775807)"));
  }
}

SqlNode QueryGenerator::failing_query() {
  From from = relation_as(some_relation());
  // One level only: what a row that fails is missing from further up depends on what the optimizer moves where.
  if (dice_.percent(35)) return failing_groups(from);
  std::vector<SqlNode> items;
  for (int c = dice_.between(1, 3); c > 0; --c) {
    items.push_back(join(oracle_only("TRY(["), failing_value(from.scope, false), oracle_only("])"),
                         text(fmt::format(" AS c{}", c))));
  }
  SqlNode where = text("");
  if (dice_.percent(40)) {
    where = optional(join(text(" WHERE "), oracle_only("coalesce(TRY("), failing_value(from.scope, true), text(" > 0"),
                          oracle_only("), false)")));
  }
  return sequence({oracle_only("SELECT list_extract(COLUMNS(*), 1) FROM ("), text("SELECT "), list(std::move(items)),
                   text(" FROM "), std::move(from.node), std::move(where),
                   oracle_only(") WHERE COLUMNS(*) IS NOT NULL")});
}

SqlNode QueryGenerator::failing_groups(const From& from) {
  // Columns of the inner query: a key and an aggregate per kind.
  Scope groups;
  std::vector<SqlNode> inner;
  const SqlNode key = bare(dice_.one_of(from.scope).kind, from.scope);
  for (const Kind kind : {Kind::Text, Kind::BigInt, Kind::Decimal, Kind::Double, Kind::Integer}) {
    const std::string name = fmt::format("a{}", groups.size());
    inner.push_back(join(text(dice_.percent(50) ? "max(" : "min("), bare(kind, from.scope), text(") AS " + name)));
    groups.push_back({name, kind});
  }
  std::vector<SqlNode> items;
  for (int c = dice_.between(1, 2); c > 0; --c) {
    items.push_back(
        join(oracle_only("TRY(["), failing_value(groups, false), oracle_only("])"), text(fmt::format(" AS c{}", c))));
  }
  items.push_back(join(oracle_only("["), text("key"), oracle_only("]"), text(" AS c0")));
  return sequence({oracle_only("SELECT list_extract(COLUMNS(*), 1) FROM ("), text("SELECT "), list(std::move(items)),
                   text(" FROM (SELECT "), list(std::move(inner)), text(", "), key, text(" AS key FROM "), from.node,
                   text(" GROUP BY ALL) AS g"), oracle_only(") WHERE COLUMNS(*) IS NOT NULL")});
}

}  // namespace sluice::random_sql
