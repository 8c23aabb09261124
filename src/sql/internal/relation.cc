#include "sql/internal/relation.h"

#include <utility>

#include <duckdb/planner/expression/bound_conjunction_expression.hpp>

namespace sluice::sql {

using columnar::Expression;
using Kind = columnar::Expression::Kind;

duckdb::ColumnBinding unnamed_column() {
  return {duckdb::DConstants::INVALID_INDEX, duckdb::DConstants::INVALID_INDEX};
}

Expression condition_of(Kind kind, std::vector<Expression> children) {
  Expression out{kind, duckdb::LogicalType::BOOLEAN, 0, duckdb::Value(), {}, {}};
  out.children = std::move(children);
  return out;
}

Expression comparison_of(std::string name, Expression left, Expression right) {
  Expression out = condition_of(Kind::Compare, {std::move(left), std::move(right)});
  out.name = std::move(name);
  return out;
}

Expression all_of(std::vector<Expression> conditions) {
  return conditions.size() == 1 ? std::move(conditions.front()) : condition_of(Kind::And, std::move(conditions));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression.
void split_and(const duckdb::Expression& expression, std::vector<const duckdb::Expression*>& parts) {
  if (expression.GetExpressionType() != duckdb::ExpressionType::CONJUNCTION_AND) {
    parts.push_back(&expression);
    return;
  }
  for (const auto& child : expression.Cast<duckdb::BoundConjunctionExpression>().children) split_and(*child, parts);
}

// NOLINTNEXTLINE(misc-no-recursion)
void split_and(const Expression& expression, std::vector<Expression>& parts) {
  if (expression.kind != Kind::And) {
    parts.push_back(expression);
    return;
  }
  for (const Expression& child : expression.children) split_and(child, parts);
}

}  // namespace sluice::sql
