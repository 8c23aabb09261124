#include "sql/internal/rank_bounds.h"

#include <algorithm>

#include <duckdb/planner/expression/list.hpp>

namespace sluice::sql {

using duckdb::ColumnBinding;

std::optional<ColumnBinding> narrow_rank(const duckdb::Expression& condition, std::uint64_t window_index,
                                         RankBounds& bounds) {
  const auto rank_of = [&](const duckdb::Expression& side) -> std::optional<ColumnBinding> {
    if (side.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
    const ColumnBinding binding = side.Cast<duckdb::BoundColumnRefExpression>().binding;
    return binding.table_index == window_index ? std::optional(binding) : std::nullopt;
  };
  const auto constant_of = [](const duckdb::Expression& side) -> std::optional<std::int64_t> {
    if (side.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return std::nullopt;
    const duckdb::Value& value = side.Cast<duckdb::BoundConstantExpression>().value;
    if (value.IsNull() || value.type().id() != duckdb::LogicalTypeId::BIGINT) return std::nullopt;
    return value.GetValue<std::int64_t>();
  };
  // Row numbers begin at 1; a bound below that keeps no row.
  const auto at_most = [&](std::int64_t k) {
    if (k < 1) bounds.first = std::numeric_limits<std::uint64_t>::max();
    bounds.last = std::min(bounds.last, static_cast<std::uint64_t>(std::max<std::int64_t>(k, 0)));
  };
  const auto at_least = [&](std::int64_t k) {
    bounds.first = std::max(bounds.first, static_cast<std::uint64_t>(std::max<std::int64_t>(k, 1)));
  };
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

  if (condition.GetExpressionClass() == duckdb::ExpressionClass::BOUND_BETWEEN) {
    const auto& between = condition.Cast<duckdb::BoundBetweenExpression>();
    const auto rank = rank_of(*between.input);
    const auto low = constant_of(*between.lower);
    const auto high = constant_of(*between.upper);
    if (!rank || !low || !high || *low == kMax || *high == kMin) return std::nullopt;
    at_least(between.lower_inclusive ? *low : *low + 1);
    at_most(between.upper_inclusive ? *high : *high - 1);
    return rank;
  }
  if (condition.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COMPARISON) return std::nullopt;
  const auto& comparison = condition.Cast<duckdb::BoundComparisonExpression>();
  const bool flipped = !rank_of(*comparison.left).has_value();
  const auto rank = rank_of(flipped ? *comparison.right : *comparison.left);
  const auto constant = constant_of(flipped ? *comparison.left : *comparison.right);
  if (!rank || !constant || *constant == kMin || *constant == kMax) return std::nullopt;
  const auto type =
      flipped ? duckdb::FlipComparisonExpression(comparison.GetExpressionType()) : comparison.GetExpressionType();
  switch (type) {
    case duckdb::ExpressionType::COMPARE_EQUAL:
      at_least(*constant);
      at_most(*constant);
      return rank;
    case duckdb::ExpressionType::COMPARE_LESSTHANOREQUALTO: at_most(*constant); return rank;
    case duckdb::ExpressionType::COMPARE_LESSTHAN: at_most(*constant - 1); return rank;
    case duckdb::ExpressionType::COMPARE_GREATERTHANOREQUALTO: at_least(*constant); return rank;
    case duckdb::ExpressionType::COMPARE_GREATERTHAN: at_least(*constant + 1); return rank;
    default: return std::nullopt;
  }
}

}  // namespace sluice::sql
