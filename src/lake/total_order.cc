#include "lake/total_order.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/planner/column_binding_map.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/operator/list.hpp>

#include "columnar/variant_encoding.h"
#include "lake/internal/exact_sums.h"

namespace sluice::lake {
namespace {

using duckdb::BoundOrderByNode;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using Orders = duckdb::vector<BoundOrderByNode>;

BoundOrderByNode ascending(duckdb::unique_ptr<duckdb::Expression> expression) {
  return {duckdb::OrderType::ASCENDING, duckdb::OrderByNullType::NULLS_LAST, std::move(expression)};
}

/// Variants of several kinds have no order; their text has.
duckdb::unique_ptr<duckdb::Expression> sort_key(duckdb::unique_ptr<duckdb::Expression> column) {
  if (!columnar::holds_variant(column->return_type)) return column;
  auto text = duckdb::BoundCastExpression::AddDefaultCastToType(std::move(column), duckdb::LogicalType::VARCHAR);
  text->SetAlias(kTieBreak);
  return text;
}

bool is_floating(const duckdb::LogicalType& type) {
  return type.id() == duckdb::LogicalTypeId::FLOAT || type.id() == duckdb::LogicalTypeId::DOUBLE;
}

/// Whether the aggregate adds floating-point numbers, whose sum depends on their order in its last bits. What only
/// picks or counts values does not, whatever their type.
bool adds_floats(const duckdb::AggregateFunction& function,
                 const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  static const std::set<std::string_view> kPickOrCount = {
      "min",           "max",          "count",     "count_star", "quantile", "quantile_disc", "median",
      "quantile_cont", "bool_and",     "bool_or",   "first",      "last",     "arg_min",       "arg_max",
      "arg_min_null",  "arg_max_null", "any_value", "list",       "mode",     "histogram",     "mad"};
  if (is_exact(function) || kPickOrCount.contains(std::string_view(function.name.c_str(), function.name.size())))
    return false;
  return is_floating(function.return_type) ||
         std::ranges::any_of(arguments, [](const auto& argument) { return is_floating(argument->return_type); });
}

bool looks_at_order(const duckdb::AggregateFunction& function) {
  return function.GetOrderDependent() == duckdb::AggregateOrderDependent::ORDER_DEPENDENT;
}

/// Whether an ORDER BY inside the query decides the order in which rows leave this operator.
// NOLINTNEXTLINE(misc-no-recursion)
bool comes_in_order(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_ORDER_BY: return true;
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_LIMIT: return comes_in_order(*op.children[0]);
    default: return false;
  }
}

/// Who counts the rows of a LIMIT, as EXISTS does, does not care which they are.
bool any_rows_will_do(const LogicalOperator& op) {
  return op.type == LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY &&
         op.Cast<duckdb::LogicalAggregate>().groups.empty() &&
         op.children[0]->type == LogicalOperatorType::LOGICAL_LIMIT &&
         std::ranges::all_of(op.expressions, [](const auto& item) {
           const auto& aggregate = item->template Cast<duckdb::BoundAggregateExpression>();
           return aggregate.function.name == "count_star" && !aggregate.filter;
         });
}

/// DuckDB numbers outer rows in order to join what it computes for each back to it: any numbers will do.
bool numbers_outer_rows(const duckdb::BoundWindowExpression& function) {
  return function.GetAlias() == "delim_index" && function.partitions.empty() && function.orders.empty();
}

/// CASE WHEN count > 1 THEN error('…') ELSE value END, as DuckDB writes it.
bool raises_error(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CASE) return false;
  const auto& cases = expression.Cast<duckdb::BoundCaseExpression>();
  const auto is_column = [](const duckdb::Expression& part, std::uint64_t column) {
    return part.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF &&
           part.Cast<duckdb::BoundColumnRefExpression>().binding.column_index == column;
  };
  const auto exceeds_one = [&](const duckdb::Expression& condition) {
    if (condition.GetExpressionType() != duckdb::ExpressionType::COMPARE_GREATERTHAN) return false;
    const auto& comparison = condition.Cast<duckdb::BoundComparisonExpression>();
    return is_column(*comparison.left, 1) &&
           comparison.right->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT &&
           comparison.right->Cast<duckdb::BoundConstantExpression>().value == duckdb::Value::BIGINT(1);
  };
  const auto is_error = [](const duckdb::Expression* result) {
    while (result->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST)
      result = result->Cast<duckdb::BoundCastExpression>().child.get();
    return result->GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION &&
           result->Cast<duckdb::BoundFunctionExpression>().function.name == "error";
  };
  return cases.case_checks.size() == 1 && exceeds_one(*cases.case_checks[0].when_expr) &&
         is_error(cases.case_checks[0].then_expr.get()) && is_column(*cases.else_expr, 0);
}

class Pinning {
 public:
  enum class Of { Ties, Aggregates };

  explicit Pinning(Of what) : what_(what) {}

  // NOLINTNEXTLINE(misc-no-recursion)
  void pin(duckdb::unique_ptr<LogicalOperator>& op) {
    if (any_rows_will_do(*op)) return pin(op->children[0]->children[0]);
    // Which of a scalar subquery's rows comes first decides nothing: more than one is an error.
    if (is_scalar_guard(*op)) guards_.insert(op->children[0].get());
    for (std::size_t i = 0; i < op->children.size(); ++i) {
      const bool is_subquery = op->type == LogicalOperatorType::LOGICAL_DELIM_JOIN && i == 1;
      if (is_subquery) ++subquery_depth_;
      pin(op->children[i]);
      if (is_subquery) --subquery_depth_;
    }
    if (op->type == LogicalOperatorType::LOGICAL_GET) return remember(op->Cast<duckdb::LogicalGet>());
    leave_out(*op);
    if (what_ == Of::Ties) return pin_ties(*op);
    if (op->type != LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY || guards_.contains(op.get())) return;
    for (auto& expression : op->expressions)
      pin_aggregate(expression->Cast<duckdb::BoundAggregateExpression>(), *op->children[0]);
  }

  std::vector<std::string> take_notes() && { return std::move(notes_); }

 private:
  struct Column {
    duckdb::ColumnBinding binding;
    duckdb::LogicalType type;
    duckdb::idx_t place;  ///< Within its table; within the operator's row for a computed one.
  };

  void pin_ties(LogicalOperator& op) {
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_ORDER_BY:
        return complete(op.Cast<duckdb::LogicalOrder>().orders, *op.children[0]);
      case LogicalOperatorType::LOGICAL_LIMIT:
        if (comes_in_order(*op.children[0])) return;
        notes_.emplace_back("LIMIT has no ORDER BY: the first rows are taken by all their columns, left to right");
        return order(op.children[0]);
      case LogicalOperatorType::LOGICAL_DISTINCT: return pin_distinct(op.Cast<duckdb::LogicalDistinct>());
      case LogicalOperatorType::LOGICAL_WINDOW: return pin_window(op);
      default: return;
    }
  }

  void remember(const duckdb::LogicalGet& get) { gets_.emplace(get.table_index, &get); }

  /// Remembers columns that follow from others of their row and that the optimizer may take away: in which a mark join
  /// says whether a row is IN something, until it is a semi join; the numbers that DuckDB gives to outer rows; and the
  /// correlated columns that a subquery carries along and gives a second time.
  void leave_out(LogicalOperator& op) {
    const auto bindings = op.GetColumnBindings();
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_DELIM_GET:
        for (const duckdb::ColumnBinding& binding : bindings) left_out_[binding] = subquery_depth_;
        return;
      case LogicalOperatorType::LOGICAL_PROJECTION:
        for (duckdb::idx_t i = 0; i < op.expressions.size(); ++i) {
          if (op.expressions[i]->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) continue;
          const auto found = left_out_.find(op.expressions[i]->Cast<duckdb::BoundColumnRefExpression>().binding);
          // Outside of its subquery the projected column may be the only one.
          if (found == left_out_.end() || found->second > subquery_depth_) continue;
          const std::size_t depth = found->second;
          left_out_[bindings[i]] = depth;
        }
        return;
      case LogicalOperatorType::LOGICAL_WINDOW:
        for (duckdb::idx_t i = 0; i < op.expressions.size(); ++i) {
          if (numbers_outer_rows(op.expressions[i]->Cast<duckdb::BoundWindowExpression>()))
            left_out_[{op.Cast<duckdb::LogicalWindow>().window_index, i}] = subquery_depth_ + 1;
        }
        return;
      case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
      case LogicalOperatorType::LOGICAL_DELIM_JOIN:
      case LogicalOperatorType::LOGICAL_ANY_JOIN: {
        const auto& join = op.Cast<duckdb::LogicalJoin>();
        if (join.join_type == duckdb::JoinType::MARK) left_out_[{join.mark_index, 0}] = subquery_depth_ + 1;
        return;
      }
      default: return;
    }
  }

  /// The columns of the operator's rows, a table's in the table's order, whatever order the query names them in.
  std::vector<Column> columns_of(LogicalOperator& op) const {
    op.ResolveOperatorTypes();
    const auto bindings = op.GetColumnBindings();
    std::vector<Column> columns;
    for (duckdb::idx_t i = 0; i < bindings.size(); ++i) {
      if (left_out_.contains(bindings[i])) continue;
      duckdb::idx_t place = bindings[i].column_index;
      if (const auto get = gets_.find(bindings[i].table_index); get != gets_.end()) {
        const auto& ids = get->second->GetColumnIds();
        // Without ids DuckDB reads any column to count rows, which then are all alike.
        if (place >= ids.size() || ids[place].IsVirtualColumn()) continue;
        place = ids[place].GetPrimaryIndex();
      }
      columns.push_back({bindings[i], op.types[i], place});
    }
    for (auto begin = columns.begin(); begin != columns.end();) {
      const auto end = std::find_if(begin, columns.end(), [&](const Column& column) {
        return column.binding.table_index != begin->binding.table_index;
      });
      if (gets_.contains(begin->binding.table_index))
        std::stable_sort(begin, end, [](const Column& left, const Column& right) { return left.place < right.place; });
      begin = end;
    }
    return columns;
  }

  /// Appends the columns of `child` that do not order yet.
  void complete(Orders& orders, LogicalOperator& child) const {
    for (const Column& column : columns_of(child)) {
      auto reference = duckdb::make_uniq<duckdb::BoundColumnRefExpression>(kTieBreak, column.type, column.binding);
      const bool orders_already = std::ranges::any_of(
          orders, [&](const BoundOrderByNode& node) { return node.expression->Equals(*reference); });
      if (!orders_already) orders.push_back(ascending(sort_key(std::move(reference))));
    }
  }

  /// Sorts what leaves the operator by all of its columns.
  void order(duckdb::unique_ptr<LogicalOperator>& op) const {
    Orders orders;
    complete(orders, *op);
    if (orders.empty()) return;
    auto sorted = duckdb::make_uniq<duckdb::LogicalOrder>(std::move(orders));
    if (op->has_estimated_cardinality) sorted->SetEstimatedCardinality(op->estimated_cardinality);
    sorted->children.push_back(std::move(op));
    op = std::move(sorted);
  }

  void pin_distinct(duckdb::LogicalDistinct& distinct) {
    if (distinct.distinct_type != duckdb::DistinctType::DISTINCT_ON) return;
    if (!distinct.order_by) {
      if (comes_in_order(*distinct.children[0])) return;
      distinct.order_by = duckdb::make_uniq<duckdb::BoundOrderModifier>();
      notes_.emplace_back("DISTINCT ON has no ORDER BY: the first row is taken by all its columns, left to right");
    }
    complete(distinct.order_by->orders, *distinct.children[0]);
  }

  void pin_aggregate(duckdb::BoundAggregateExpression& aggregate, LogicalOperator& child) const {
    const bool asks = aggregate.order_bys && !aggregate.order_bys->orders.empty();
    const bool adds = adds_floats(aggregate.function, aggregate.children);
    if (!adds && !looks_at_order(aggregate.function)) return;
    if (!asks && !adds && comes_in_order(child)) return;
    if (!asks) aggregate.order_bys = duckdb::make_uniq<duckdb::BoundOrderModifier>();
    Orders& orders = aggregate.order_bys->orders;
    if (adds || aggregate.IsDistinct()) {
      // Equal arguments may change places. The order of distinct values may be by the arguments alone.
      for (const auto& argument : aggregate.children) {
        if (!argument->IsFoldable()) orders.push_back(ascending(argument->Copy()));
      }
    } else {
      complete(orders, child);
    }
    if (orders.empty()) aggregate.order_bys.reset();
  }

  void pin_window(LogicalOperator& window) {
    bool adds = false;
    for (auto& expression : window.expressions) {
      auto& function = expression->Cast<duckdb::BoundWindowExpression>();
      if (function.aggregate && adds_floats(*function.aggregate, function.children)) adds = true;
      pin_window_function(function, *window.children[0]);
    }
    // What is added follows the order of the partition's rows, and with it that in which they come.
    if (adds) order(window.children[0]);
  }

  void pin_window_function(duckdb::BoundWindowExpression& function, LogicalOperator& child) {
    const bool asks = !function.orders.empty() || !function.arg_orders.empty();
    if (numbers_outer_rows(function) || (!asks && comes_in_order(child))) return;
    switch (function.GetExpressionType()) {
      case duckdb::ExpressionType::WINDOW_ROW_NUMBER:
      case duckdb::ExpressionType::WINDOW_NTILE:
      case duckdb::ExpressionType::WINDOW_LEAD:
      case duckdb::ExpressionType::WINDOW_LAG:
        if (!asks) {
          notes_.push_back(
              fmt::format("{}() has no ORDER BY: rows are taken by all their columns, left to right",
                          duckdb::StringUtil::Lower(duckdb::ExpressionTypeToString(function.GetExpressionType()))));
        }
        // They see rows one by one; that equal rows are peers is nothing to them.
        return complete(function.arg_orders.empty() ? function.orders : function.arg_orders, child);
      case duckdb::ExpressionType::WINDOW_FIRST_VALUE:
      case duckdb::ExpressionType::WINDOW_LAST_VALUE:
      case duckdb::ExpressionType::WINDOW_NTH_VALUE: break;
      case duckdb::ExpressionType::WINDOW_AGGREGATE:
        if (!counts_rows(function) && (!function.aggregate || !looks_at_order(*function.aggregate))) return;
        break;
      default: return;  // ranks are the same for peers
    }
    if (!function.arg_orders.empty()) return complete(function.arg_orders, child);
    const bool excludes_peers = function.exclude_clause == duckdb::WindowExcludeMode::GROUP ||
                                function.exclude_clause == duckdb::WindowExcludeMode::TIES;
    if (counts_rows(function) && !excludes_peers) return complete(function.orders, child);
    // The frame ends with peers, so its bounds must not see the completed order; its content may.
    if (function.distinct) return;
    for (const BoundOrderByNode& node : function.orders) function.arg_orders.push_back(node.Copy());
    complete(function.arg_orders, child);
  }

  /// Whether the frame has a bound so many rows away, or at the current row: peers fall on both sides of it.
  static bool counts_rows(const duckdb::BoundWindowExpression& function) {
    const auto is_row = [](duckdb::WindowBoundary bound) {
      return bound == duckdb::WindowBoundary::CURRENT_ROW_ROWS ||
             bound == duckdb::WindowBoundary::EXPR_PRECEDING_ROWS ||
             bound == duckdb::WindowBoundary::EXPR_FOLLOWING_ROWS;
    };
    return is_row(function.start) || is_row(function.end);
  }

  const Of what_;
  std::map<duckdb::idx_t, const duckdb::LogicalGet*> gets_;
  /// Columns that order nothing, and how many subqueries deep they mean what they do.
  duckdb::column_binding_map_t<std::size_t> left_out_;
  std::size_t subquery_depth_ = 0;
  std::set<const LogicalOperator*> guards_;  ///< Aggregates that take a scalar subquery's value.
  std::vector<std::string> notes_;
};

}  // namespace

bool is_scalar_guard(const duckdb::LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_PROJECTION || op.expressions.size() != 1 ||
      !raises_error(*op.expressions[0]))
    return false;
  if (op.children[0]->type != LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY) return false;
  const auto& aggregate = op.children[0]->Cast<duckdb::LogicalAggregate>();
  if (!aggregate.groups.empty() || aggregate.expressions.size() != 2) return false;
  const auto& value = aggregate.expressions[0]->Cast<duckdb::BoundAggregateExpression>();
  const auto& count = aggregate.expressions[1]->Cast<duckdb::BoundAggregateExpression>();
  return value.function.name == "first" && value.children.size() == 1 && !value.filter && !value.IsDistinct() &&
         count.function.name == "count_star" && !count.filter;
}

std::vector<std::string> pin_ties(duckdb::unique_ptr<LogicalOperator>& plan) {
  Pinning pinning(Pinning::Of::Ties);
  pinning.pin(plan);
  return std::move(pinning).take_notes();
}

void pin_aggregates(duckdb::unique_ptr<LogicalOperator>& plan) { Pinning(Pinning::Of::Aggregates).pin(plan); }

}  // namespace sluice::lake
