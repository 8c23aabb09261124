#include "sql/internal/join_builder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sql/internal/expression_translator.h"

namespace sluice::sql {
namespace {

using columnar::ColumnIndex;
using columnar::Expression;
using Kind = columnar::Expression::Kind;

/// Returns the least and greatest column that the expression reads; nullopt if it reads none.
// NOLINTNEXTLINE(misc-no-recursion)
void column_range(const Expression& expression, std::optional<std::pair<ColumnIndex, ColumnIndex>>& range) {
  if (expression.kind == Kind::Column) {
    if (!range) range = {expression.column, expression.column};
    range = {std::min(range->first, expression.column), std::max(range->second, expression.column)};
  }
  for (const Expression& child : expression.children) column_range(child, range);
}

/// Adds `by` to the columns that the expression reads.
// NOLINTNEXTLINE(misc-no-recursion)
void shift_columns(Expression& expression, std::ptrdiff_t by) {
  if (expression.kind == Kind::Column)
    expression.column = static_cast<ColumnIndex>(static_cast<std::ptrdiff_t>(expression.column) + by);
  for (Expression& child : expression.children) shift_columns(child, by);
}

/// Makes a condition `left = right` a key if each side reads one input only.
bool take_key(const Expression& part, ColumnIndex width, plan::JoinNode& body) {
  if (part.kind != Kind::Compare || (part.name != "=" && part.name != "is_not_distinct")) return false;
  const auto side_of = [&](const Expression& expression) -> std::optional<bool> {  // true: right
    std::optional<std::pair<ColumnIndex, ColumnIndex>> range;
    column_range(expression, range);
    if (!range) return std::nullopt;
    if (range->second < width) return false;
    if (range->first >= width) return true;
    return std::nullopt;
  };
  const auto first = side_of(part.children[0]);
  const auto second = side_of(part.children[1]);
  if (!first || !second || *first == *second) return false;
  Expression left = part.children[*first ? 1 : 0];
  Expression right = part.children[*first ? 0 : 1];
  shift_columns(right, -static_cast<std::ptrdiff_t>(width));
  body.left_keys.push_back(std::move(left));
  body.right_keys.push_back(std::move(right));
  body.null_safe.push_back(part.name == "is_not_distinct");
  return true;
}

}  // namespace

plan::JoinNode JoinBuilder::node(plan::JoinType type, const Relation& left, const Conditions& conditions) const {
  plan::JoinNode body;
  body.type = type;
  const ColumnIndex width = builder_.width(left.node);
  std::vector<Expression> rest;
  std::vector<Expression> parts;
  for (const Expression& condition : conditions) split_and(condition, parts);
  for (Expression& part : parts) {
    if (!take_key(part, width, body)) rest.push_back(std::move(part));
  }
  if (!rest.empty()) body.residual = all_of(std::move(rest));
  return body;
}

Relation JoinBuilder::joined(const Relation& left, const Relation& right, plan::JoinNode body) {
  Relation out{builder_.join(left.node, right.node, std::move(body)), left.columns};
  out.columns.insert(out.columns.end(), right.columns.begin(), right.columns.end());
  return out;
}

Relation JoinBuilder::plain(plan::JoinType type, const Relation& left, const Relation& right,
                            const Conditions& conditions) {
  return joined(left, right, node(type, left, conditions));
}

Result<JoinBuilder::Keys> JoinBuilder::distinct_keys(plan::JoinType type, const Relation& left, const Relation& right,
                                                     const Conditions& conditions, bool marked) {
  plan::JoinNode body = node(type, left, conditions);
  if (body.residual || body.left_keys.empty())
    return not_incremental("EXISTS, IN or FULL JOIN on a condition that is not an equality");
  Keys out;
  out.relation.node = builder_.distinct(builder_.project(right.node, body.right_keys));
  const std::size_t count = body.right_keys.size();
  std::vector<Expression> expressions;
  for (ColumnIndex i = 0; i < count; ++i) {
    expressions.push_back(builder_.column(out.relation.node, i));
    body.right_keys[i] = expressions.back();
  }
  if (marked) {
    expressions.push_back(Expression::literal(duckdb::Value::BOOLEAN(true)));
    std::vector<std::string> names(count);
    names.emplace_back("matched");
    out.relation.node = builder_.project(out.relation.node, std::move(expressions), std::move(names));
  }
  out.relation.columns.assign(count + (marked ? 1 : 0), unnamed_column());
  out.join = std::move(body);
  return out;
}

Result<Relation> JoinBuilder::semi(const Relation& left, const Relation& right, const Conditions& conditions) {
  SLUICE_TRY_ASSIGN(Keys keys, distinct_keys(plan::JoinType::Inner, left, right, conditions, false));
  return joined(left, keys.relation, std::move(keys.join));
}

Result<Relation> JoinBuilder::anti(const Relation& left, const Relation& right, const Conditions& conditions) {
  SLUICE_TRY_ASSIGN(Keys keys, distinct_keys(plan::JoinType::Left, left, right, conditions, true));
  Relation out = joined(left, keys.relation, std::move(keys.join));
  Expression unmatched = condition_of(Kind::IsNull, {builder_.column(out.node, builder_.width(out.node) - 1)});
  out.node = builder_.filter(out.node, std::move(unmatched));
  return out;
}

Result<Relation> JoinBuilder::full(const Relation& left, const Relation& right, const Conditions& conditions) {
  const plan::JoinNode body = node(plan::JoinType::Left, left, conditions);
  if (body.residual || body.left_keys.empty())
    return not_incremental("FULL JOIN on a condition that is not an equality");
  const Relation matched = joined(left, right, body);
  std::vector<Expression> flipped;
  for (std::size_t i = 0; i < body.left_keys.size(); ++i) {
    Expression other = body.left_keys[i];
    shift_columns(other, static_cast<std::ptrdiff_t>(builder_.width(right.node)));
    flipped.push_back(comparison_of(body.null_safe[i] ? "is_not_distinct" : "=", body.right_keys[i], std::move(other)));
  }
  SLUICE_TRY_ASSIGN(const Relation unmatched, anti(right, left, flipped));
  std::vector<Expression> expressions;
  for (const duckdb::LogicalType& type : builder_.types(left.node))
    expressions.push_back(Expression::literal(duckdb::Value(type)));
  for (ColumnIndex i = 0; i < builder_.width(right.node); ++i)
    expressions.push_back(builder_.column(unmatched.node, i));
  const plan::NodeIndex padded =
      builder_.project(unmatched.node, std::move(expressions), builder_.node(matched.node).names);
  return Relation{builder_.union_all({matched.node, padded}), matched.columns};
}

Result<Relation> JoinBuilder::single(const Relation& left, const Relation& right, const Conditions& conditions) {
  plan::JoinNode body = node(plan::JoinType::Left, left, conditions);
  std::vector<ColumnIndex> keys;
  for (const Expression& key : body.right_keys) {
    if (key.kind == Kind::Column) keys.push_back(key.column);
  }
  if (!builder_.is_unique(right.node, keys)) return not_incremental("a scalar subquery that may return several rows");
  return joined(left, right, std::move(body));
}

Result<Relation> JoinBuilder::mark(const Relation& left, const Relation& right, const Conditions& conditions,
                                   const duckdb::ColumnBinding& mark) {
  const plan::JoinNode body = node(plan::JoinType::Left, left, conditions);
  const bool never_null =
      !body.null_safe.empty() && std::ranges::all_of(body.null_safe, [](bool safe) { return safe; });
  if (!never_null && body.null_safe.size() != 1)
    return not_incremental("NOT IN or a nested IN that is correlated or compares several columns");
  const std::size_t width = builder_.width(left.node);
  SLUICE_TRY_ASSIGN(Keys keys, distinct_keys(plan::JoinType::Left, left, right, conditions, true));
  Relation out = joined(left, keys.relation, std::move(keys.join));
  Expression matched = condition_of(Kind::IsNotNull, {builder_.column(out.node, builder_.width(out.node) - 1)});
  Expression answer = matched;
  if (!never_null) {
    const Relation flags = null_flags(right, body.right_keys[0]);
    const ColumnIndex flag = builder_.width(out.node);
    out = joined(out, flags, {});
    Expression unknown = condition_of(
        Kind::Or,
        {builder_.column(out.node, flag + 1),
         condition_of(Kind::And, {builder_.column(out.node, flag), condition_of(Kind::IsNull, {body.left_keys[0]})})});
    answer =
        condition_of(Kind::Case, {std::move(matched), Expression::literal(duckdb::Value::BOOLEAN(true)),
                                  std::move(unknown), Expression::literal(duckdb::Value(duckdb::LogicalType::BOOLEAN)),
                                  Expression::literal(duckdb::Value::BOOLEAN(false))});
  }
  std::vector<Expression> expressions;
  std::vector<duckdb::ColumnBinding> columns(left.columns);
  for (ColumnIndex i = 0; i < width; ++i) expressions.push_back(builder_.column(out.node, i));
  expressions.push_back(std::move(answer));
  columns.push_back(mark);
  std::vector<std::string> names(width);
  names.emplace_back("is_in");
  return Relation{builder_.project(out.node, std::move(expressions), std::move(names)), std::move(columns)};
}

// One row: whether the relation has rows, and whether `value` is NULL in one. Changes only when an answer changes.
Relation JoinBuilder::null_flags(const Relation& relation, const Expression& value) {
  plan::AggregateNode counts;
  counts.aggregates.push_back({"count_star", {}, false, std::nullopt, duckdb::LogicalType::BIGINT});
  counts.aggregates.push_back({"count", {value}, false, std::nullopt, duckdb::LogicalType::BIGINT});
  const plan::NodeIndex counted = builder_.aggregate(relation.node, std::move(counts));
  std::vector<Expression> flags;
  flags.push_back(comparison_of(">", builder_.column(counted, 0), Expression::literal(duckdb::Value::BIGINT(0))));
  flags.push_back(comparison_of(">", builder_.column(counted, 0), builder_.column(counted, 1)));
  return {builder_.settled(builder_.project(counted, std::move(flags), {"has_rows", "has_null"})),
          {unnamed_column(), unnamed_column()}};
}

}  // namespace sluice::sql
