#include "sql/internal/plan_translator.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <duckdb/planner/operator/list.hpp>

#include "columnar/aggregate_kernel.h"
#include "columnar/row_codec.h"
#include "lake/total_order.h"
#include "plan/aggregates.h"
#include "sql/internal/expression_translator.h"
#include "sql/internal/join_builder.h"
#include "sql/internal/plan_builder.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/rank_bounds.h"
#include "sql/internal/relation.h"
#include "sql/internal/window_text.h"

namespace sluice::sql {
namespace {

using columnar::ColumnIndex;
using columnar::Expression;
using duckdb::ColumnBinding;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using Kind = columnar::Expression::Kind;
using BoundList = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;
using NodeIndex = plan::NodeIndex;

class PlanTranslator {
 public:
  explicit PlanTranslator(duckdb::ClientContext& context) : context_(context) {}

  Result<Translation> run(LogicalOperator& plan) {
    count_uses(plan);
    use_all_columns(plan);
    SLUICE_TRY_ASSIGN(const Relation root, translate_in_order(plan));
    Translation out;
    out.nodes = std::move(builder_).finish(root.node);
    return out;
  }

 private:
  // --- what is used where: row_number() is only computed into a column if something above reads it

  // NOLINTNEXTLINE(misc-no-recursion)
  void count_uses(LogicalOperator& op) {
    duckdb::LogicalOperatorVisitor::EnumerateExpressions(
        op, [&](duckdb::unique_ptr<duckdb::Expression>* expression) { count_uses(**expression); });
    if (op.type == LogicalOperatorType::LOGICAL_UNION || op.type == LogicalOperatorType::LOGICAL_EXCEPT ||
        op.type == LogicalOperatorType::LOGICAL_INTERSECT) {
      for (auto& child : op.children) use_all_columns(*child);
    }
    if (op.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) use_all_columns(*op.children[0]);
    for (auto& child : op.children) count_uses(*child);
  }
  // NOLINTNEXTLINE(misc-no-recursion)
  void count_uses(const duckdb::Expression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      ++uses_[key(expression.Cast<duckdb::BoundColumnRefExpression>().binding)];
    }
    duckdb::ExpressionIterator::EnumerateChildren(expression,
                                                  [&](const duckdb::Expression& child) { count_uses(child); });
  }
  void use_all_columns(LogicalOperator& op) {
    for (const ColumnBinding& binding : op.GetColumnBindings()) ++uses_[key(binding)];
  }
  static std::pair<std::uint64_t, std::uint64_t> key(const ColumnBinding& binding) {
    return {binding.table_index, binding.column_index};
  }

  // --- operators

  /// Returns the operator's relation with the operator's columns in some order, but for row numbers that nothing reads.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the plan, which DuckDB's planner bounds.
  Result<Relation> translate(LogicalOperator& op) {
    SLUICE_TRY_ASSIGN(Relation relation, translate_operator(op));
    const auto bindings = op.GetColumnBindings();
    std::size_t found = 0;
    for (std::size_t i = 0; i < bindings.size(); ++i) {
      const auto at = std::ranges::find(relation.columns, bindings[i]);
      if (at == relation.columns.end()) {
        if (std::ranges::find(dropped_, bindings[i]) != dropped_.end()) continue;
        return not_incremental(fmt::format("{}, whose columns are not understood", op.GetName()));
      }
      ++found;
      const auto& type = builder_.types(relation.node)[static_cast<std::size_t>(at - relation.columns.begin())];
      if (i < op.types.size() && type != op.types[i])
        return not_incremental(fmt::format("{}, whose types are not understood", op.GetName()));
    }
    // Columns of our own making would count where whole rows are compared.
    return found == relation.columns.size() ? relation : arranged(std::move(relation), bindings);
  }

  /// Returns the operator's relation with its columns in the operator's order: for whom takes them by position.
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> translate_in_order(LogicalOperator& op) {
    SLUICE_TRY_ASSIGN(Relation relation, translate(op));
    return arranged(std::move(relation), op.GetColumnBindings());
  }

  Relation arranged(Relation relation, const duckdb::vector<ColumnBinding>& bindings) {
    std::vector<ColumnBinding> wanted;
    std::vector<Expression> expressions;
    for (const ColumnBinding& binding : bindings) {
      const auto at = std::ranges::find(relation.columns, binding);
      if (at == relation.columns.end()) continue;  // a row number that nothing reads
      expressions.push_back(builder_.column(relation.node, static_cast<ColumnIndex>(at - relation.columns.begin())));
      wanted.push_back(binding);
    }
    if (wanted.empty() || wanted == relation.columns) return relation;  // of no columns, only the rows count
    return Relation{builder_.project(relation.node, std::move(expressions)), std::move(wanted)};
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> translate_operator(LogicalOperator& op) {
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_GET: return get(op.Cast<duckdb::LogicalGet>());
      case LogicalOperatorType::LOGICAL_FILTER: return filter(op.Cast<duckdb::LogicalFilter>());
      case LogicalOperatorType::LOGICAL_PROJECTION: return projection(op.Cast<duckdb::LogicalProjection>());
      case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY: return aggregate(op.Cast<duckdb::LogicalAggregate>());
      case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
        return comparison_join(op.Cast<duckdb::LogicalComparisonJoin>());
      case LogicalOperatorType::LOGICAL_DELIM_JOIN: return delim_join(op.Cast<duckdb::LogicalComparisonJoin>());
      case LogicalOperatorType::LOGICAL_DELIM_GET: return delim_get(op.Cast<duckdb::LogicalDelimGet>());
      case LogicalOperatorType::LOGICAL_ANY_JOIN: return any_join(op.Cast<duckdb::LogicalAnyJoin>());
      case LogicalOperatorType::LOGICAL_CROSS_PRODUCT: return cross_product(op);
      case LogicalOperatorType::LOGICAL_DISTINCT: return distinct(op.Cast<duckdb::LogicalDistinct>());
      case LogicalOperatorType::LOGICAL_TOP_N: {
        auto& top = op.Cast<duckdb::LogicalTopN>();
        return top_n(*op.children[0], top.orders, top.limit, top.offset);
      }
      case LogicalOperatorType::LOGICAL_LIMIT: return limit(op.Cast<duckdb::LogicalLimit>());
      // Rows of a table have no order; where an order decides (LIMIT), the operator above takes it.
      case LogicalOperatorType::LOGICAL_ORDER_BY: return ordered(op.Cast<duckdb::LogicalOrder>());
      case LogicalOperatorType::LOGICAL_UNNEST: return unnest(op.Cast<duckdb::LogicalUnnest>());
      case LogicalOperatorType::LOGICAL_UNION:
      case LogicalOperatorType::LOGICAL_EXCEPT:
      case LogicalOperatorType::LOGICAL_INTERSECT: return set_operation(op.Cast<duckdb::LogicalSetOperation>());
      case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
        return materialized_cte(op.Cast<duckdb::LogicalMaterializedCTE>());
      case LogicalOperatorType::LOGICAL_CTE_REF: return cte_ref(op.Cast<duckdb::LogicalCTERef>());
      case LogicalOperatorType::LOGICAL_WINDOW: return window(op.Cast<duckdb::LogicalWindow>());
      case LogicalOperatorType::LOGICAL_RECURSIVE_CTE: return not_incremental("a recursive query");
      case LogicalOperatorType::LOGICAL_EMPTY_RESULT: return not_incremental("a condition that no row can meet");
      case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
      case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
      case LogicalOperatorType::LOGICAL_CHUNK_GET: return not_incremental("rows written in the query itself");
      case LogicalOperatorType::LOGICAL_PIVOT: return not_incremental("PIVOT with many values");
      default: return not_incremental(fmt::format("the operator {}", op.GetName()));
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> get(duckdb::LogicalGet& op) {
    if (is_unnest_call(op)) {
      SLUICE_TRY_ASSIGN(Relation child, translate(*op.children[0]));
      return unnest_call(op, std::move(child));
    }
    const auto use = find_stand_in(op);
    if (!use) return not_incremental(fmt::format("table function {}()", op.function.name));
    if (!op.table_filters.filters.empty() || op.ordinality_idx.IsValid()) return not_incremental("a scan with filters");
    // In the table's order, not in that in which DuckDB came upon them: ties are broken by columns left to right.
    std::vector<std::size_t> order(op.GetColumnIds().size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return op.GetColumnIds()[i].GetPrimaryIndex(); });
    plan::InputNode body{use->relation, use->stream, {}};
    columnar::RowType types;
    std::vector<std::string> names;
    Relation out;
    for (const std::size_t i : order) {
      const duckdb::ColumnIndex& column = op.GetColumnIds()[i];
      // Children only hint at the struct members that are read; an extract would change the type of the column.
      if (column.IsVirtualColumn() || column.IsPushdownExtract()) return not_incremental("a virtual column");
      body.columns.push_back(column.GetPrimaryIndex());
      types.push_back(op.returned_types[column.GetPrimaryIndex()]);
      names.push_back(op.names[column.GetPrimaryIndex()]);
      out.columns.emplace_back(op.table_index, i);
    }
    out.node = builder_.input(std::move(body), std::move(types), std::move(names));
    return out;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> filter(duckdb::LogicalFilter& op) {
    std::vector<const duckdb::Expression*> conditions;
    for (const auto& expression : op.expressions) split_and(*expression, conditions);
    if (op.children[0]->type == LogicalOperatorType::LOGICAL_WINDOW && !numbers_outer_rows(*op.children[0])) {
      return ranked_filter(op.children[0]->Cast<duckdb::LogicalWindow>(), conditions);
    }
    SLUICE_TRY_ASSIGN(Relation child, translate(*op.children[0]));
    return filtered(std::move(child), conditions);
  }

  Result<Relation> filtered(Relation child, const std::vector<const duckdb::Expression*>& conditions) {
    std::vector<Expression> predicates;
    for (const duckdb::Expression* condition : conditions) {
      SLUICE_TRY_ASSIGN(Expression predicate, expression(*condition, child));
      predicates.push_back(std::move(predicate));
    }
    if (!predicates.empty()) child.node = builder_.filter(child.node, all_of(std::move(predicates)));
    return child;
  }

  /// `row_number() OVER (…) <= k` above the window: the first rows of each partition.
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> ranked_filter(duckdb::LogicalWindow& window,
                                 const std::vector<const duckdb::Expression*>& conditions) {
    const auto& first = window.expressions[0]->Cast<duckdb::BoundWindowExpression>();
    const bool all_alike =
        std::ranges::all_of(window.expressions, [&](const auto& other) { return other->Equals(first); });
    const bool plain = first.GetExpressionType() == duckdb::ExpressionType::WINDOW_ROW_NUMBER && !first.filter_expr &&
                       !first.distinct && first.arg_orders.empty() && first.children.empty();
    if (!all_alike || !plain) return filtered_window(window, conditions);

    RankBounds bounds;
    std::vector<const duckdb::Expression*> rest;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> consumed;
    for (const duckdb::Expression* condition : conditions) {
      if (const auto rank = narrow_rank(*condition, window.window_index, bounds)) {
        ++consumed[key(*rank)];
      } else {
        rest.push_back(condition);
      }
    }
    if (!bounds.has_end()) return filtered_window(window, conditions);
    if (first.orders.empty() && contains_order(*window.children[0]))
      return not_incremental("row_number() over an inner ORDER BY");
    if (bounds.is_empty()) return not_incremental("a condition that no row can meet");

    SLUICE_TRY_ASSIGN(Relation child, translate(*window.children[0]));
    plan::TopNNode body;
    for (const auto& partition : first.partitions) {
      SLUICE_TRY_ASSIGN(Expression column, expression(*partition, child));
      body.partition.push_back(std::move(column));
    }
    SLUICE_TRY_ASSIGN(body.order, order_keys(first.orders, child));
    body.offset = bounds.first - 1;
    body.limit = bounds.last - bounds.first + 1;
    std::vector<ColumnBinding> ranks;  // that something else reads
    for (std::size_t i = 0; i < window.expressions.size(); ++i) {
      const ColumnBinding rank(window.window_index, i);
      (uses_[key(rank)] > consumed[key(rank)] ? ranks : dropped_).push_back(rank);
    }
    body.emit_rank = !ranks.empty();
    if (body.emit_rank && body.offset > 0) return not_incremental("row_number() counted from behind an offset");
    Relation out{builder_.top_n(child.node, std::move(body)), child.columns};
    if (!ranks.empty()) out = with_ranks(std::move(out), ranks);
    return filtered(std::move(out), rest);
  }

  /// Names the rank column; repeats it if the query wrote the same row_number() several times.
  Relation with_ranks(Relation top, const std::vector<ColumnBinding>& ranks) {
    const ColumnIndex rank = top.columns.size();
    std::vector<Expression> expressions;
    for (ColumnIndex i = 0; i < rank; ++i) expressions.push_back(builder_.column(top.node, i));
    for (const ColumnBinding& binding : ranks) {
      expressions.push_back(builder_.column(top.node, rank));
      top.columns.push_back(binding);
    }
    top.node = builder_.project(top.node, std::move(expressions));
    return top;
  }

  static bool numbers_outer_rows(const LogicalOperator& window) {
    const auto& first = window.expressions[0]->Cast<duckdb::BoundWindowExpression>();
    return window.expressions.size() == 1 && first.GetAlias() == "delim_index" && first.partitions.empty() &&
           first.orders.empty();
  }

  /// A window that no filter bounds. DuckDB numbers outer rows in order to join what it computes for each back to it;
  /// the number itself decides nothing and is left out (see rowwise_join).
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> window(duckdb::LogicalWindow& op) {
    if (!numbers_outer_rows(op)) return window_functions(op);
    outer_numbers_.emplace_back(op.window_index, 0);
    dropped_.emplace_back(op.window_index, 0);
    return translate(*op.children[0]);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> filtered_window(duckdb::LogicalWindow& op,
                                   const std::vector<const duckdb::Expression*>& conditions) {
    SLUICE_TRY_ASSIGN(Relation windowed, window_functions(op));
    return filtered(std::move(windowed), conditions);
  }

  /// Window functions are run again over the partitions that changed.
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> window_functions(duckdb::LogicalWindow& op) {
    if (contains_order(is_pinned(*op.children[0]) ? *op.children[0]->children[0] : *op.children[0]))
      return not_incremental(fmt::format("{} over an inner ORDER BY", written_names(op).front()));
    SLUICE_TRY_ASSIGN(const Relation child, translate(*op.children[0]));
    const std::size_t width = builder_.width(child.node);
    std::vector<Expression> columns;
    for (ColumnIndex i = 0; i < width; ++i) columns.push_back(builder_.column(child.node, i));
    const auto column_of = [&](const duckdb::Expression& bound) -> Result<ColumnIndex> {
      SLUICE_TRY_ASSIGN(Expression value, expression(bound, child));
      const auto at = std::ranges::find(columns, value);
      const auto index = static_cast<ColumnIndex>(at - columns.begin());
      if (at == columns.end()) columns.push_back(std::move(value));
      return index;
    };
    const NameColumn name_column = [&](const duckdb::Expression& bound) -> Result<std::string> {
      SLUICE_TRY_ASSIGN(const ColumnIndex column, column_of(bound));
      return fmt::format("c{}", column);
    };

    plan::PartitionQueryNode body;
    columnar::RowType types(builder_.types(child.node));
    std::vector<std::string> names(builder_.node(child.node).names);
    names.resize(width);
    Relation out{0, child.columns};
    std::vector<std::string> items;
    for (ColumnIndex i = 0; i < width; ++i) items.push_back(fmt::format("c{}", i));
    for (std::size_t i = 0; i < op.expressions.size(); ++i) {
      const auto& function = op.expressions[i]->Cast<duckdb::BoundWindowExpression>();
      SLUICE_TRY_ASSIGN(const std::string text, window_text(function, name_column));
      items.push_back(text);
      types.push_back(function.return_type);
      names.push_back(written_names(op)[i]);
      out.columns.emplace_back(op.window_index, i);
      std::vector<ColumnIndex> partition;
      for (const auto& key : function.partitions) {
        SLUICE_TRY_ASSIGN(const ColumnIndex column, column_of(*key));
        partition.push_back(column);
      }
      // What changes in one partition of every function changes only rows that agree on what all partition by.
      if (i == 0) body.partition = partition;
      std::erase_if(body.partition,
                    [&](ColumnIndex column) { return std::ranges::find(partition, column) == partition.end(); });
    }
    body.sql = fmt::format("SELECT {} FROM input", fmt::join(items, ", "));
    body.text = fmt::format("{}", fmt::join(written_names(op), ", "));
    const NodeIndex input = columns.size() == width ? child.node : builder_.project(child.node, std::move(columns));
    out.node = builder_.partition_query(input, std::move(body), std::move(types), std::move(names));
    return out;
  }

  /// Whether the operator is a sort that the query did not ask for.
  static bool is_pinned(const LogicalOperator& op) {
    return op.type == LogicalOperatorType::LOGICAL_ORDER_BY &&
           std::ranges::all_of(op.Cast<duckdb::LogicalOrder>().orders,
                               [](const auto& order) { return order.expression->GetAlias() == lake::kTieBreak; });
  }

  /// The functions as the query wrote them, without the keys that pin their ties.
  static std::vector<std::string> written_names(const duckdb::LogicalWindow& op) {
    std::vector<std::string> names;
    for (const auto& expression : op.expressions) {
      auto written = duckdb::unique_ptr_cast<duckdb::Expression, duckdb::BoundWindowExpression>(expression->Copy());
      for (auto* orders : {&written->orders, &written->arg_orders}) {
        std::erase_if(*orders, [](const auto& order) { return order.expression->GetAlias() == lake::kTieBreak; });
      }
      names.push_back(written->GetName());
    }
    return names;
  }

  // --- projections and aggregates

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> projection(duckdb::LogicalProjection& op) {
    if (lake::is_scalar_guard(op)) return scalar_guard(op, op.children[0]->Cast<duckdb::LogicalAggregate>());
    SLUICE_TRY_ASSIGN(const Relation child, translate(*op.children[0]));
    return projected(op, child.node, [&](const ColumnBinding& binding) { return find_column(binding, child); });
  }

  Result<Relation> projected(const duckdb::LogicalProjection& op, NodeIndex child, const ColumnFinder& find) {
    std::vector<Expression> expressions;
    std::vector<std::string> names;
    Relation out;
    for (std::size_t i = 0; i < op.expressions.size(); ++i) {
      SLUICE_TRY_ASSIGN(Expression translated, translate_expression(context_, *op.expressions[i], find));
      expressions.push_back(std::move(translated));
      const std::string alias = op.expressions[i]->GetAlias();
      names.push_back(alias == lake::kTieBreak ? "" : alias);
      out.columns.emplace_back(op.table_index, i);
    }
    out.node = builder_.project(child, std::move(expressions), std::move(names));
    return out;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> scalar_guard(const duckdb::LogicalProjection& op, duckdb::LogicalAggregate& guard) {
    SLUICE_TRY_ASSIGN(Relation child, translate(*guard.children[0]));
    const auto& value = guard.expressions[0]->Cast<duckdb::BoundAggregateExpression>();
    SLUICE_TRY_ASSIGN(Expression argument, expression(*value.children[0], child));
    // With at most one row the maximum is its value, and NULL without a row, as SQL wants.
    if (!has_one_row(child.node)) {
      if (!builder_.is_unique(child.node, {})) return not_incremental("a scalar subquery that may return several rows");
      plan::Aggregate maximum{"max", {argument}, false, std::nullopt, argument.type};
      if (!plan::has_incremental_form(maximum)) return not_incremental("a scalar subquery of this type");
      child = {builder_.aggregate(child.node, {{}, {std::move(maximum)}}), {unnamed_column()}};
      argument = builder_.column(child.node, 0);
    }
    const auto find = [&](const ColumnBinding& binding) -> Result<Expression> {
      if (binding.table_index != guard.aggregate_index)
        return not_incremental("a scalar subquery whose columns are not understood");
      return binding.column_index == 0 ? argument : Expression::literal(duckdb::Value::BIGINT(1));
    };
    return projected(op, child.node, find);
  }

  /// Whether the node always has exactly one row: an aggregate without groups, maybe projected.
  bool has_one_row(NodeIndex index) const {
    const plan::Node* node = &builder_.node(index);
    while (std::holds_alternative<plan::ProjectNode>(node->body)) node = &builder_.node(node->inputs[0]);
    const auto* aggregate = std::get_if<plan::AggregateNode>(&node->body);
    return aggregate != nullptr && aggregate->groups.empty();
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> aggregate(duckdb::LogicalAggregate& op) {
    SLUICE_TRY_ASSIGN(const Relation child, translate(*op.children[0]));
    plan::AggregateNode body;
    Relation out;
    for (std::size_t i = 0; i < op.groups.size(); ++i) {
      SLUICE_TRY_ASSIGN(Expression group, expression(*op.groups[i], child));
      body.groups.push_back(std::move(group));
      out.columns.emplace_back(op.group_index, i);
    }
    for (std::size_t i = 0; i < op.expressions.size(); ++i) {
      SLUICE_TRY_ASSIGN(plan::Aggregate function,
                        aggregate_function(op.expressions[i]->Cast<duckdb::BoundAggregateExpression>(), child,
                                           contains_order(*op.children[0])));
      body.aggregates.push_back(std::move(function));
      out.columns.emplace_back(op.aggregate_index, i);
    }
    for (std::size_t i = 0; i < op.grouping_functions.size(); ++i) out.columns.emplace_back(op.groupings_index, i);
    std::vector<NodeIndex> parts;
    for (const duckdb::GroupingSet& set : op.grouping_sets) parts.push_back(aggregate_set(op, child, body, set));
    if (parts.empty()) parts.push_back(builder_.aggregate(child.node, std::move(body)));
    out.node = parts.size() == 1 ? parts[0] : builder_.union_all(std::move(parts));
    return out;
  }

  /// Aggregates by one grouping set. The other groups are NULL in its rows, and GROUPING() tells which those are.
  NodeIndex aggregate_set(const duckdb::LogicalAggregate& op, const Relation& child, const plan::AggregateNode& whole,
                          const duckdb::GroupingSet& set) {
    plan::AggregateNode body{{}, whole.aggregates};
    for (const duckdb::idx_t group : set) body.groups.push_back(whole.groups[group]);
    const NodeIndex node = builder_.aggregate(child.node, std::move(body));
    if (set.size() == whole.groups.size() && op.grouping_functions.empty()) return node;
    std::vector<Expression> expressions;
    std::vector<std::string> names;
    ColumnIndex next = 0;
    for (std::size_t i = 0; i < whole.groups.size(); ++i) {
      const bool is_grouped = set.contains(i);
      names.push_back(is_grouped ? builder_.node(node).names[next] : "");
      expressions.push_back(is_grouped ? builder_.column(node, next++)
                                       : Expression::literal(duckdb::Value(whole.groups[i].type)));
    }
    while (next < builder_.width(node)) {
      names.push_back(builder_.node(node).names[next]);
      expressions.push_back(builder_.column(node, next++));
    }
    for (const auto& grouping : op.grouping_functions) {
      std::int64_t bits = 0;
      for (const duckdb::idx_t group : grouping) bits = bits * 2 + (set.contains(group) ? 0 : 1);
      expressions.push_back(Expression::literal(duckdb::Value::BIGINT(bits)));
    }
    return builder_.project(node, std::move(expressions), std::move(names));
  }

  Result<plan::Aggregate> aggregate_function(const duckdb::BoundAggregateExpression& bound, const Relation& child,
                                             bool in_order) {
    plan::Aggregate out{bound.function.name, {}, bound.IsDistinct(), std::nullopt, bound.return_type};
    for (const auto& argument : bound.children) {
      SLUICE_TRY_ASSIGN(Expression translated, expression(*argument, child));
      out.arguments.push_back(std::move(translated));
    }
    if (bound.filter) {
      SLUICE_TRY_ASSIGN(Expression condition, expression(*bound.filter, child));
      out.filter = std::move(condition);
    }
    if (out.function == "count" && out.arguments.empty()) out.function = "count_star";
    // Every sum is exact here (columnar/exact_sum.h), so the careful ones are the plain ones.
    if (out.function == "fsum" || out.function == "kahan_sum" || out.function == "sumkahan") out.function = "sum";
    if (out.function == "favg") out.function = "avg";
    const bool repeats_matter =
        out.function != "min" && out.function != "max" && out.function != "bool_and" && out.function != "bool_or";
    out.distinct = out.distinct && repeats_matter;
    // sum(condition) counts the rows for which it is true.
    if (out.function == "sum" && out.arguments.size() == 1 &&
        out.arguments[0].type.id() == duckdb::LogicalTypeId::BOOLEAN) {
      out.arguments[0] = Expression::cast(std::move(out.arguments[0]), duckdb::LogicalType::INTEGER);
    }
    if (plan::has_incremental_form(out)) return out;
    const bool looks_at_order = bound.function.GetOrderDependent() == duckdb::AggregateOrderDependent::ORDER_DEPENDENT;
    if (in_order && looks_at_order && !bound.order_bys) {
      return not_incremental(fmt::format("the aggregate {}() over an inner ORDER BY", out.function));
    }
    if (plan::may_be_folded(out.function)) {
      SLUICE_TRY_ASSIGN(const bool folded, fold(bound, child, out));
      if (folded) return out;
    }
    return not_incremental(fmt::format("the aggregate {}({}{})", out.function, out.distinct ? "DISTINCT " : "",
                                       out.arguments.empty() ? "" : out.arguments[0].type.ToString()));
  }

  /// Makes `call` one that DuckDB runs over all rows of a group; false if it cannot.
  Result<bool> fold(const duckdb::BoundAggregateExpression& bound, const Relation& child, plan::Aggregate& call) {
    auto kernel = columnar::AggregateKernel::encode(bound);
    if (!kernel) return false;
    if (bound.order_bys) {
      for (const auto& order : bound.order_bys->orders) {
        SLUICE_TRY_ASSIGN(plan::OrderKey key, order_key(order, child));
        call.order.push_back(std::move(key));
      }
    }
    columnar::RowType arguments;
    for (const Expression& argument : call.arguments) arguments.push_back(argument.type);
    columnar::RowType keys;
    for (const plan::OrderKey& key : call.order) keys.push_back(key.expression.type);
    const bool several_forms = std::ranges::any_of(arguments, columnar::has_several_forms);
    if (call.distinct && several_forms) return false;
    if (!columnar::RowCodec::create(arguments) || !columnar::RowCodec::create_for_keys(keys)) return false;
    call.kernel = std::move(*kernel);
    return true;
  }

  // --- joins

  /// Translates DuckDB's conditions to predicates over the joined row of `left` and `right`.
  Result<std::vector<Expression>> join_conditions(const duckdb::LogicalComparisonJoin& op, const Relation& left,
                                                  const Relation& right) {
    Relation both = left;
    both.columns.insert(both.columns.end(), right.columns.begin(), right.columns.end());
    const ColumnIndex width = left.columns.size();
    const auto find = [&](const ColumnBinding& binding) -> Result<Expression> {
      const auto at = std::ranges::find(both.columns, binding);
      if (at == both.columns.end()) return not_incremental("a join condition over columns that are not there");
      const auto index = static_cast<ColumnIndex>(at - both.columns.begin());
      const auto& type = index < width ? builder_.types(left.node)[index] : builder_.types(right.node)[index - width];
      return Expression::column_ref(index, type);
    };
    std::vector<Expression> out;
    for (const auto& condition : op.conditions) {
      auto comparison = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
          condition.comparison, condition.left->Copy(), condition.right->Copy());
      SLUICE_TRY_ASSIGN(Expression predicate, translate_expression(context_, *comparison, find));
      out.push_back(std::move(predicate));
    }
    if (op.predicate) {
      SLUICE_TRY_ASSIGN(Expression predicate, translate_expression(context_, *op.predicate, find));
      out.push_back(std::move(predicate));
    }
    return out;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> comparison_join(duckdb::LogicalComparisonJoin& op) {
    SLUICE_TRY_ASSIGN(const Relation left, translate(*op.children[0]));
    SLUICE_TRY_ASSIGN(const Relation right, translate(*op.children[1]));
    return join_of(op, left, right);
  }

  Result<Relation> join_of(duckdb::LogicalComparisonJoin& op, const Relation& left, const Relation& right) {
    const bool swap = op.join_type == duckdb::JoinType::RIGHT || op.join_type == duckdb::JoinType::RIGHT_SEMI ||
                      op.join_type == duckdb::JoinType::RIGHT_ANTI;
    const Relation& first = swap ? right : left;
    const Relation& second = swap ? left : right;
    SLUICE_TRY_ASSIGN(const std::vector<Expression> conditions, join_conditions(op, first, second));
    switch (op.join_type) {
      case duckdb::JoinType::INNER: return joins_.plain(plan::JoinType::Inner, first, second, conditions);
      case duckdb::JoinType::LEFT:
      case duckdb::JoinType::RIGHT: return joins_.plain(plan::JoinType::Left, first, second, conditions);
      case duckdb::JoinType::OUTER: return joins_.full(first, second, conditions);
      case duckdb::JoinType::SEMI:
      case duckdb::JoinType::RIGHT_SEMI: return joins_.semi(first, second, conditions);
      case duckdb::JoinType::ANTI:
      case duckdb::JoinType::RIGHT_ANTI: return joins_.anti(first, second, conditions);
      case duckdb::JoinType::SINGLE: return joins_.single(first, second, conditions);
      case duckdb::JoinType::MARK: return joins_.mark(first, second, conditions, {op.mark_index, 0});
      default: return not_incremental(fmt::format("a {} join", duckdb::EnumUtil::ToString(op.join_type)));
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> any_join(duckdb::LogicalAnyJoin& op) {
    SLUICE_TRY_ASSIGN(const Relation left, translate(*op.children[0]));
    SLUICE_TRY_ASSIGN(const Relation right, translate(*op.children[1]));
    const bool swap = op.join_type == duckdb::JoinType::RIGHT;
    const Relation& first = swap ? right : left;
    const Relation& second = swap ? left : right;
    const ColumnIndex width = first.columns.size();
    const auto find = [&](const ColumnBinding& binding) -> Result<Expression> {
      for (const auto& [side, offset] : {std::pair<const Relation*, ColumnIndex>{&first, 0}, {&second, width}}) {
        const auto at = std::ranges::find(side->columns, binding);
        if (at == side->columns.end()) continue;
        const auto index = static_cast<ColumnIndex>(at - side->columns.begin());
        return Expression::column_ref(index + offset, builder_.types(side->node)[index]);
      }
      return not_incremental("a join condition over columns that are not there");
    };
    SLUICE_TRY_ASSIGN(Expression condition, translate_expression(context_, *op.condition, find));
    if (op.join_type == duckdb::JoinType::INNER)
      return joins_.plain(plan::JoinType::Inner, first, second, {std::move(condition)});
    if (op.join_type == duckdb::JoinType::LEFT || swap)
      return joins_.plain(plan::JoinType::Left, first, second, {std::move(condition)});
    return not_incremental(
        fmt::format("a {} join on a condition that is not an equality", duckdb::EnumUtil::ToString(op.join_type)));
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> cross_product(LogicalOperator& op) {
    SLUICE_TRY_ASSIGN(const Relation left, translate(*op.children[0]));
    SLUICE_TRY_ASSIGN(const Relation right, translate(*op.children[1]));
    return joins_.plain(plan::JoinType::Inner, left, right, {});
  }

  // --- decorrelated subqueries

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> delim_join(duckdb::LogicalComparisonJoin& op) {
    LogicalOperator& outer_child = *op.children[op.delim_flipped ? 1 : 0];
    LogicalOperator& inner_child = *op.children[op.delim_flipped ? 0 : 1];
    SLUICE_TRY_ASSIGN(const Relation outer, translate(outer_child));
    if (std::ranges::any_of(op.duplicate_eliminated_columns,
                            [&](const auto& column) { return is_outer_number(*column); })) {
      return rowwise_join(op, outer, inner_child);
    }
    std::vector<Expression> correlated;
    for (const auto& column : op.duplicate_eliminated_columns) {
      SLUICE_TRY_ASSIGN(Expression translated, expression(*column, outer));
      correlated.push_back(std::move(translated));
    }
    delim_nodes_.push_back(builder_.distinct(builder_.project(outer.node, std::move(correlated))));
    auto inner = translate(inner_child);
    delim_nodes_.pop_back();
    if (!inner) return std::move(inner).error();
    return op.delim_flipped ? join_of(op, *inner, outer) : join_of(op, outer, *inner);
  }

  bool is_outer_number(const duckdb::Expression& expression) const {
    return expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF &&
           std::ranges::find(outer_numbers_, expression.Cast<duckdb::BoundColumnRefExpression>().binding) !=
               outer_numbers_.end();
  }

  /// What is computed for each outer row alone (UNNEST of its lists, conditions on the elements) and joined back to it
  /// by its number: computed beside the row instead, and nothing is joined.
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> rowwise_join(duckdb::LogicalComparisonJoin& op, const Relation& outer, LogicalOperator& inner) {
    const bool by_number = op.join_type == duckdb::JoinType::INNER && op.conditions.size() == 1 &&
                           op.conditions[0].comparison == duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM &&
                           !op.predicate &&
                           is_outer_number(op.delim_flipped ? *op.conditions[0].right : *op.conditions[0].left);
    if (!by_number) return not_incremental("a correlated subquery for which outer rows are numbered");
    return beside(inner, outer, op.duplicate_eliminated_columns);
  }

  /// Translates an operator that looks at one outer row at a time: its columns come behind those of the outer row.
  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> beside(LogicalOperator& op, const Relation& outer, const BoundList& correlated) {
    if (op.type == LogicalOperatorType::LOGICAL_DELIM_GET) {
      std::vector<Expression> columns;
      for (const auto& column : correlated) {
        if (is_outer_number(*column)) {
          columns.push_back(Expression::literal(duckdb::Value::BIGINT(0)));
          continue;
        }
        SLUICE_TRY_ASSIGN(Expression translated, expression(*column, outer));
        columns.push_back(std::move(translated));
      }
      return widened(outer, outer.columns.size(), std::move(columns), op.Cast<duckdb::LogicalDelimGet>().table_index);
    }
    if (op.children.size() != 1) return not_incremental("a correlated subquery for which outer rows are numbered");
    SLUICE_TRY_ASSIGN(Relation child, beside(*op.children[0], outer, correlated));
    if (op.type == LogicalOperatorType::LOGICAL_PROJECTION) {
      std::vector<Expression> columns;
      for (const auto& item : op.expressions) {
        SLUICE_TRY_ASSIGN(Expression translated, expression(*item, child));
        columns.push_back(std::move(translated));
      }
      return widened(child, outer.columns.size(), std::move(columns), op.Cast<duckdb::LogicalProjection>().table_index);
    }
    if (op.type == LogicalOperatorType::LOGICAL_FILTER) {
      std::vector<const duckdb::Expression*> conditions;
      for (const auto& item : op.expressions) split_and(*item, conditions);
      return filtered(std::move(child), conditions);
    }
    if (op.type == LogicalOperatorType::LOGICAL_UNNEST)
      return unnested(std::move(child), op.Cast<duckdb::LogicalUnnest>());
    if (op.type == LogicalOperatorType::LOGICAL_GET && is_unnest_call(op))
      return unnest_call(op.Cast<duckdb::LogicalGet>(), std::move(child));
    return not_incremental("a correlated subquery for which outer rows are numbered");
  }

  /// Returns the first `kept` columns of a relation and more behind them.
  Relation widened(const Relation& relation, std::size_t kept, std::vector<Expression> more,
                   std::uint64_t table_index) {
    Relation out;
    std::vector<Expression> expressions;
    for (ColumnIndex i = 0; i < kept; ++i) {
      expressions.push_back(builder_.column(relation.node, i));
      out.columns.push_back(relation.columns[i]);
    }
    for (std::size_t i = 0; i < more.size(); ++i) {
      expressions.push_back(std::move(more[i]));
      out.columns.emplace_back(table_index, i);
    }
    out.node = builder_.project(relation.node, std::move(expressions));
    return out;
  }

  /// UNNEST as a table function over the rows of a child: it takes the child's first column and passes on the others.
  static bool is_unnest_call(const LogicalOperator& op) {
    const auto& call = op.Cast<duckdb::LogicalGet>();
    return call.function.name == "unnest" && call.children.size() == 1 && call.input_table_types.size() == 1 &&
           call.GetColumnIds().size() == 1 && !call.ordinality_idx.IsValid() && call.table_filters.filters.empty();
  }
  Result<Relation> unnest_call(duckdb::LogicalGet& call, Relation child) {
    SLUICE_TRY_ASSIGN(Expression list, find_column(call.children[0]->GetColumnBindings()[0], child));
    if (list.type.id() != duckdb::LogicalTypeId::LIST)
      return not_incremental(fmt::format("UNNEST of a {}", list.type.ToString()));
    child.node = builder_.unnest(child.node, {std::move(list)});
    child.columns.emplace_back(call.table_index, 0);
    return child;
  }

  Result<Relation> delim_get(const duckdb::LogicalDelimGet& op) {
    if (delim_nodes_.empty() || builder_.width(delim_nodes_.back()) != op.chunk_types.size()) {
      return not_incremental("a correlated subquery whose outer columns are not understood");
    }
    Relation out{delim_nodes_.back(), {}};
    for (std::size_t i = 0; i < op.chunk_types.size(); ++i) out.columns.emplace_back(op.table_index, i);
    return out;
  }

  // --- order and duplicates

  Result<plan::OrderKey> order_key(const duckdb::BoundOrderByNode& order, const Relation& child) {
    SLUICE_TRY_ASSIGN(Expression key, expression(*order.expression, child));
    return plan::OrderKey{
        std::move(key),
        {order.type == duckdb::OrderType::DESCENDING, order.null_order == duckdb::OrderByNullType::NULLS_FIRST}};
  }

  Result<std::vector<plan::OrderKey>> order_keys(const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                                                 const Relation& child) {
    std::vector<plan::OrderKey> keys;
    for (const auto& order : orders) {
      SLUICE_TRY_ASSIGN(plan::OrderKey key, order_key(order, child));
      keys.push_back(std::move(key));
    }
    const auto added =
        std::ranges::find_if(orders, [](const auto& order) { return order.expression->GetAlias() == lake::kTieBreak; });
    drop_tie_breaks(keys, static_cast<std::size_t>(added - orders.begin()), builder_.width(child.node));
    return keys;
  }

  /// Takes away the keys behind the query's own if they say what operators do anyway: break ties by all columns of their
  /// input, left to right. Where a join was turned round, its columns stand in another order than the query's.
  static void drop_tie_breaks(std::vector<plan::OrderKey>& keys, std::size_t own_count, std::size_t width) {
    std::vector<bool> known(width, false);
    for (std::size_t i = 0; i < own_count; ++i) {
      if (keys[i].expression.kind == Kind::Column) known[keys[i].expression.column] = true;
    }
    std::size_t next = own_count;
    for (ColumnIndex column = 0; column < width; ++column) {
      if (known[column]) continue;
      const bool is_next =
          next < keys.size() && keys[next].expression.kind == Kind::Column && keys[next].expression.column == column;
      if (!is_next) return;
      ++next;
    }
    if (next == keys.size()) keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(own_count), keys.end());
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> top_n(LogicalOperator& child_op, const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                         std::uint64_t limit, std::uint64_t offset) {
    SLUICE_TRY_ASSIGN(const Relation child, translate(child_op));
    plan::TopNNode body;
    SLUICE_TRY_ASSIGN(body.order, order_keys(orders, child));
    body.limit = limit;
    body.offset = offset;
    return Relation{builder_.top_n(child.node, std::move(body)), child.columns};
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> limit(duckdb::LogicalLimit& op) {
    const auto constant = [](const duckdb::BoundLimitNode& node) {
      return node.Type() == duckdb::LimitNodeType::CONSTANT_VALUE;
    };
    const bool has_limit = op.limit_val.Type() != duckdb::LimitNodeType::UNSET;
    const bool has_offset = op.offset_val.Type() != duckdb::LimitNodeType::UNSET;
    if (!has_limit || !constant(op.limit_val) || (has_offset && !constant(op.offset_val))) {
      return not_incremental(has_limit ? "LIMIT by a share or a computed number of rows" : "OFFSET without LIMIT");
    }
    const std::uint64_t limit = op.limit_val.GetConstantValue();
    const std::uint64_t offset = has_offset ? op.offset_val.GetConstantValue() : 0;
    LogicalOperator& child = *op.children[0];
    if (child.type == LogicalOperatorType::LOGICAL_ORDER_BY && !child.HasProjectionMap()) {
      return top_n(*child.children[0], child.Cast<duckdb::LogicalOrder>().orders, limit, offset);
    }
    if (contains_order(child)) return not_incremental("LIMIT over an inner ORDER BY");
    return top_n(child, {}, limit, offset);
  }

  /// Whether an order that a query asked for reaches this operator.
  static bool contains_order(const LogicalOperator& op) {
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_ORDER_BY:
      case LogicalOperatorType::LOGICAL_TOP_N: return true;
      case LogicalOperatorType::LOGICAL_PROJECTION:
      case LogicalOperatorType::LOGICAL_FILTER:
      case LogicalOperatorType::LOGICAL_LIMIT: return contains_order(*op.children[0]);
      default: return false;
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> ordered(duckdb::LogicalOrder& op) { return translate(*op.children[0]); }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> distinct(duckdb::LogicalDistinct& op) {
    if (op.distinct_type == duckdb::DistinctType::DISTINCT_ON && !op.order_by && contains_order(*op.children[0]))
      return not_incremental("DISTINCT ON over an inner ORDER BY");
    SLUICE_TRY_ASSIGN(Relation child, translate(*op.children[0]));
    std::vector<Expression> targets;
    for (const auto& target : op.distinct_targets) {
      SLUICE_TRY_ASSIGN(Expression translated, expression(*target, child));
      targets.push_back(std::move(translated));
    }
    if (op.distinct_type == duckdb::DistinctType::DISTINCT_ON) {
      plan::TopNNode body;
      body.partition = std::move(targets);
      if (op.order_by) {
        SLUICE_TRY_ASSIGN(body.order, order_keys(op.order_by->orders, child));
      }
      body.limit = 1;
      child.node = builder_.top_n(child.node, std::move(body));
      return child;
    }
    std::vector<bool> covered(builder_.width(child.node), false);
    for (const Expression& target : targets) {
      if (target.kind == Kind::Column) covered[target.column] = true;
    }
    if (!std::ranges::all_of(covered, [](bool yes) { return yes; }))
      return not_incremental("DISTINCT over part of a row");
    child.node = builder_.distinct(child.node);
    return child;
  }

  // --- the rest

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> unnest(duckdb::LogicalUnnest& op) {
    SLUICE_TRY_ASSIGN(Relation child, translate(*op.children[0]));
    return unnested(std::move(child), op);
  }

  Result<Relation> unnested(Relation child, const duckdb::LogicalUnnest& op) {
    std::vector<Expression> lists;
    const Relation below = child;
    for (std::size_t i = 0; i < op.expressions.size(); ++i) {
      SLUICE_TRY_ASSIGN(Expression list,
                        expression(*op.expressions[i]->Cast<duckdb::BoundUnnestExpression>().child, below));
      if (list.type.id() != duckdb::LogicalTypeId::LIST)
        return not_incremental(fmt::format("UNNEST of a {}", list.type.ToString()));
      lists.push_back(std::move(list));
      child.columns.emplace_back(op.unnest_index, i);
    }
    child.node = builder_.unnest(child.node, std::move(lists));
    return child;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> set_operation(duckdb::LogicalSetOperation& op) {
    std::vector<Relation> children;
    for (auto& child : op.children) {
      SLUICE_TRY_ASSIGN(Relation translated, translate_in_order(*child));
      children.push_back(std::move(translated));
    }
    for (const Relation& child : children) {
      if (builder_.types(child.node) != builder_.types(children[0].node))
        return not_incremental("a set operation over different types");
    }
    Relation out;
    for (std::size_t i = 0; i < op.column_count; ++i) out.columns.emplace_back(op.table_index, i);
    if (op.type == LogicalOperatorType::LOGICAL_UNION) {
      std::vector<NodeIndex> nodes;
      for (const Relation& child : children) nodes.push_back(child.node);
      out.node = builder_.union_all(std::move(nodes));
      if (!op.setop_all) out.node = builder_.distinct(out.node);
      return out;
    }
    if (op.setop_all || children.size() != 2)
      return not_incremental(op.type == LogicalOperatorType::LOGICAL_EXCEPT ? "EXCEPT ALL" : "INTERSECT ALL");
    const std::size_t width = builder_.width(children[0].node);
    children[0].node = builder_.distinct(children[0].node);
    std::vector<Expression> conditions;
    for (ColumnIndex i = 0; i < width; ++i) {
      Expression other = builder_.column(children[1].node, i);
      other.column += width;
      conditions.push_back(comparison_of("is_not_distinct", builder_.column(children[0].node, i), std::move(other)));
    }
    auto both = op.type == LogicalOperatorType::LOGICAL_EXCEPT ? joins_.anti(children[0], children[1], conditions)
                                                               : joins_.semi(children[0], children[1], conditions);
    if (!both) return std::move(both).error();
    std::vector<Expression> kept;
    for (ColumnIndex i = 0; i < width; ++i) kept.push_back(builder_.column(both->node, i));
    out.node = builder_.project(both->node, std::move(kept));
    return out;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<Relation> materialized_cte(duckdb::LogicalMaterializedCTE& op) {
    SLUICE_TRY_ASSIGN(const Relation definition, translate_in_order(*op.children[0]));
    ctes_[op.table_index] = definition.node;
    return translate(*op.children[1]);
  }

  Result<Relation> cte_ref(const duckdb::LogicalCTERef& op) {
    const auto found = ctes_.find(op.cte_index);
    if (found == ctes_.end() || builder_.width(found->second) != op.chunk_types.size()) {
      return not_incremental("a common table expression whose columns are not understood");
    }
    Relation out{found->second, {}};
    for (std::size_t i = 0; i < op.chunk_types.size(); ++i) out.columns.emplace_back(op.table_index, i);
    return out;
  }

  // --- expressions

  Result<Expression> find_column(const ColumnBinding& binding, const Relation& relation) const {
    const auto at = std::ranges::find(relation.columns, binding);
    if (at == relation.columns.end()) return not_incremental("an expression over columns that are not there");
    return builder_.column(relation.node, static_cast<ColumnIndex>(at - relation.columns.begin()));
  }
  Result<Expression> expression(const duckdb::Expression& bound, const Relation& relation) {
    return translate_expression(context_, bound,
                                [&](const ColumnBinding& binding) { return find_column(binding, relation); });
  }

  duckdb::ClientContext& context_;
  PlanBuilder builder_;
  JoinBuilder joins_{builder_};
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> uses_;  // how often each column is read, by binding
  std::vector<ColumnBinding> dropped_;                                   // row numbers that nothing reads
  std::vector<ColumnBinding> outer_numbers_;                             // by which DuckDB joins back to outer rows
  std::vector<NodeIndex> delim_nodes_;                                   // of the enclosing duplicate-eliminated joins
  std::map<std::uint64_t, NodeIndex> ctes_;                              // definitions, by index
};

}  // namespace

Result<Translation> translate_plan(duckdb::ClientContext& context, duckdb::LogicalOperator& plan) {
  return PlanTranslator(context).run(plan);
}

}  // namespace sluice::sql
