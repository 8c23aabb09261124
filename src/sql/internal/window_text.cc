#include "sql/internal/window_text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <duckdb/function/aggregate_function.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>

#include "sql/internal/expression_translator.h"

namespace sluice::sql {
namespace {

using duckdb::ExpressionType;
using duckdb::WindowBoundary;

/// Aggregates whose arguments are all there when they are bound, and whose results need no order or one that is written
/// out (lake/total_order.h).
bool is_known_aggregate(std::string_view name) {
  static constexpr auto kKnown = std::to_array<std::string_view>(
      {"any_value",  "arg_max",     "arg_max_null", "arg_min",         "arg_min_null", "avg",        "bit_and",
       "bit_or",     "bit_xor",     "bool_and",     "bool_or",         "count",        "count_star", "first",
       "last",       "list",        "max",          "median",          "min",          "mode",       "stddev",
       "stddev_pop", "stddev_samp", "sum",          "sum_no_overflow", "var_pop",      "var_samp",   "variance"});
  return std::ranges::find(kKnown, name) != kKnown.end();
}

class WindowText {
 public:
  WindowText(const duckdb::BoundWindowExpression& window, const NameColumn& name_column)
      : window_(window), name_column_(name_column) {}

  Result<std::string> write() {
    SLUICE_TRY_ASSIGN(std::string text, call());
    std::vector<std::string> over;
    if (!window_.partitions.empty()) {
      std::vector<std::string> columns;
      for (const auto& partition : window_.partitions) {
        SLUICE_TRY_ASSIGN(std::string column, name_column_(*partition));
        columns.push_back(std::move(column));
      }
      over.push_back(fmt::format("PARTITION BY {}", fmt::join(columns, ", ")));
    }
    if (!window_.orders.empty()) {
      SLUICE_TRY_ASSIGN(std::string orders, order_by(window_.orders));
      over.push_back(std::move(orders));
    }
    SLUICE_TRY_ASSIGN(std::string frame_text, frame());
    over.push_back(std::move(frame_text));
    return fmt::format("{} OVER ({})", text, fmt::join(over, " "));
  }

 private:
  Result<std::string> call() {
    std::string name;
    switch (window_.GetExpressionType()) {
      case ExpressionType::WINDOW_AGGREGATE: {
        name = window_.aggregate->name;
        if (!is_known_aggregate(name)) return not_incremental(fmt::format("the window function {}()", name));
        if (window_.distinct &&
            window_.aggregate->GetOrderDependent() == duckdb::AggregateOrderDependent::ORDER_DEPENDENT) {
          return not_incremental(fmt::format("the window function {}(DISTINCT …)", name));
        }
        if (name == "sum_no_overflow") name = "sum";
        break;
      }
      case ExpressionType::WINDOW_ROW_NUMBER: name = "row_number"; break;
      case ExpressionType::WINDOW_RANK: name = "rank"; break;
      case ExpressionType::WINDOW_RANK_DENSE: name = "dense_rank"; break;
      case ExpressionType::WINDOW_PERCENT_RANK: name = "percent_rank"; break;
      case ExpressionType::WINDOW_CUME_DIST: name = "cume_dist"; break;
      case ExpressionType::WINDOW_NTILE: name = "ntile"; break;
      case ExpressionType::WINDOW_LEAD: name = "lead"; break;
      case ExpressionType::WINDOW_LAG: name = "lag"; break;
      case ExpressionType::WINDOW_FIRST_VALUE: name = "first_value"; break;
      case ExpressionType::WINDOW_LAST_VALUE: name = "last_value"; break;
      case ExpressionType::WINDOW_NTH_VALUE: name = "nth_value"; break;
      default: return not_incremental(fmt::format("the window function {}", window_.GetName()));
    }
    std::vector<const duckdb::Expression*> arguments;
    for (const auto& child : window_.children) arguments.push_back(child.get());
    if (window_.offset_expr) arguments.push_back(window_.offset_expr.get());
    if (window_.default_expr) {
      if (!window_.offset_expr) return not_incremental(fmt::format("the window function {}", window_.GetName()));
      arguments.push_back(window_.default_expr.get());
    }
    std::vector<std::string> columns;
    for (const duckdb::Expression* argument : arguments) {
      SLUICE_TRY_ASSIGN(std::string column, name_column_(*argument));
      columns.push_back(std::move(column));
    }
    std::string text = name == "count_star" ? std::string("count(*")
                                            : fmt::format("{}({}{}", name, window_.distinct ? "DISTINCT " : "",
                                                          fmt::join(columns, ", "));
    if (!window_.arg_orders.empty()) {
      SLUICE_TRY_ASSIGN(const std::string orders, order_by(window_.arg_orders));
      text += " " + orders;
    }
    if (window_.ignore_nulls) text += " IGNORE NULLS";
    text += ")";
    if (window_.filter_expr) {
      SLUICE_TRY_ASSIGN(const std::string condition, name_column_(*window_.filter_expr));
      text += fmt::format(" FILTER (WHERE {})", condition);
    }
    return text;
  }

  Result<std::string> order_by(const duckdb::vector<duckdb::BoundOrderByNode>& orders) {
    std::vector<std::string> keys;
    for (const auto& order : orders) {
      SLUICE_TRY_ASSIGN(const std::string column, name_column_(*order.expression));
      keys.push_back(fmt::format("{} {} NULLS {}", column, order.type == duckdb::OrderType::DESCENDING ? "DESC" : "ASC",
                                 order.null_order == duckdb::OrderByNullType::NULLS_FIRST ? "FIRST" : "LAST"));
    }
    return fmt::format("ORDER BY {}", fmt::join(keys, ", "));
  }

  enum class Unit { Range, Rows, Groups };
  static Unit unit_of(WindowBoundary bound) {
    switch (bound) {
      case WindowBoundary::CURRENT_ROW_ROWS:
      case WindowBoundary::EXPR_PRECEDING_ROWS:
      case WindowBoundary::EXPR_FOLLOWING_ROWS: return Unit::Rows;
      case WindowBoundary::CURRENT_ROW_GROUPS:
      case WindowBoundary::EXPR_PRECEDING_GROUPS:
      case WindowBoundary::EXPR_FOLLOWING_GROUPS: return Unit::Groups;
      default: return Unit::Range;
    }
  }

  Result<std::string> frame() {
    SLUICE_TRY_ASSIGN(const std::string start, bound(window_.start, window_.start_expr.get()));
    SLUICE_TRY_ASSIGN(const std::string end, bound(window_.end, window_.end_expr.get()));
    const Unit unit = std::max(unit_of(window_.start), unit_of(window_.end));
    static constexpr std::array<std::string_view, 3> kUnits{"RANGE", "ROWS", "GROUPS"};
    static constexpr std::array<std::string_view, 4> kExcludes{"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                                               " EXCLUDE TIES"};
    return fmt::format("{} BETWEEN {} AND {}{}", kUnits.at(static_cast<std::size_t>(unit)), start, end,
                       kExcludes.at(static_cast<std::size_t>(window_.exclude_clause)));
  }

  Result<std::string> bound(WindowBoundary kind, const duckdb::Expression* distance) {
    switch (kind) {
      case WindowBoundary::UNBOUNDED_PRECEDING: return std::string("UNBOUNDED PRECEDING");
      case WindowBoundary::UNBOUNDED_FOLLOWING: return std::string("UNBOUNDED FOLLOWING");
      case WindowBoundary::CURRENT_ROW_RANGE:
      case WindowBoundary::CURRENT_ROW_ROWS:
      case WindowBoundary::CURRENT_ROW_GROUPS: return std::string("CURRENT ROW");
      case WindowBoundary::EXPR_PRECEDING_ROWS:
      case WindowBoundary::EXPR_PRECEDING_GROUPS: return away(distance, "PRECEDING");
      case WindowBoundary::EXPR_FOLLOWING_ROWS:
      case WindowBoundary::EXPR_FOLLOWING_GROUPS: return away(distance, "FOLLOWING");
      // Bound, the distance has become the value at which the frame ends.
      default: return not_incremental("a window frame RANGE BETWEEN a distance");
    }
  }

  Result<std::string> away(const duckdb::Expression* distance, std::string_view direction) {
    // Of a distance that is NULL DuckDB reads whatever lies there, so that the same rows may give another answer.
    if (distance == nullptr || distance->GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT)
      return not_incremental("a window frame with a computed distance");
    const duckdb::Value& value = distance->Cast<duckdb::BoundConstantExpression>().value;
    if (value.IsNull()) return not_incremental("a window frame with a computed distance");
    return fmt::format("{} {}", value.ToSQLString(), direction);
  }

  const duckdb::BoundWindowExpression& window_;
  const NameColumn& name_column_;
};

}  // namespace

Result<std::string> window_text(const duckdb::BoundWindowExpression& window, const NameColumn& name_column) {
  return WindowText(window, name_column).write();
}

}  // namespace sluice::sql
