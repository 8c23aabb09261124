#include "sql/internal/plan_builder.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice::sql {
namespace {

using columnar::ColumnIndex;
using columnar::Expression;
using Kind = columnar::Expression::Kind;

bool is_column(const Expression& expression) { return expression.kind == Kind::Column; }

/// Puts `inner`'s expressions in place of the columns of `outer`.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression.
Expression compose(const Expression& outer, const std::vector<Expression>& inner) {
  if (is_column(outer)) return inner[outer.column];
  Expression out = outer;
  for (Expression& child : out.children) child = compose(child, inner);
  return out;
}

/// Whether `outer` over `inner` may become one projection without computing anything twice.
bool can_fold(const std::vector<Expression>& inner, const std::vector<Expression>& outer) {
  const bool inner_is_cheap = std::ranges::all_of(
      inner, [](const Expression& expression) { return is_column(expression) || expression.kind == Kind::Constant; });
  std::set<ColumnIndex> picked;
  const bool picks_once = std::ranges::all_of(outer, [&](const Expression& expression) {
    return is_column(expression) && picked.insert(expression.column).second;
  });
  return inner_is_cheap || picks_once;
}

/// Gives the columns in the expression their names.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression.
void name_columns(Expression& expression, const std::vector<std::string>& names) {
  if (is_column(expression)) expression.name = names[expression.column];
  for (Expression& child : expression.children) name_columns(child, names);
}

void name_columns(std::vector<Expression>& expressions, const std::vector<std::string>& names) {
  for (Expression& expression : expressions) name_columns(expression, names);
}

/// Gives the columns in all expressions of a node the names that its inputs have for them, for messages.
struct ColumnNamer {
  const std::vector<std::string>& left;
  const std::vector<std::string>& right;  ///< Of a join; else the same.

  void operator()(plan::FilterNode& body) const { name_columns(body.predicate, left); }
  void operator()(plan::ProjectNode& body) const { name_columns(body.expressions, left); }
  void operator()(plan::UnnestNode& body) const { name_columns(body.lists, left); }
  void operator()(plan::AggregateNode& body) const {
    name_columns(body.groups, left);
    for (plan::Aggregate& aggregate : body.aggregates) {
      name_columns(aggregate.arguments, left);
      if (aggregate.filter) name_columns(*aggregate.filter, left);
      for (plan::OrderKey& key : aggregate.order) name_columns(key.expression, left);
    }
  }
  void operator()(plan::JoinNode& body) const {
    name_columns(body.left_keys, left);
    name_columns(body.right_keys, right);
    if (!body.residual) return;
    std::vector<std::string> both = left;
    both.insert(both.end(), right.begin(), right.end());
    name_columns(*body.residual, both);
  }
  void operator()(plan::TopNNode& body) const {
    name_columns(body.partition, left);
    for (plan::OrderKey& key : body.order) name_columns(key.expression, left);
  }
  template <typename Body>
  void operator()(Body&) const {}  // has no expressions
};

}  // namespace

Expression PlanBuilder::column(NodeIndex index, ColumnIndex column) const {
  return Expression::column_ref(column, nodes_[index].types[column]);
}

PlanBuilder::NodeIndex PlanBuilder::add(plan::NodeBody body, std::vector<NodeIndex> inputs, columnar::RowType types,
                                        std::vector<std::string> names) {
  SLUICE_CHECK(types.size() == names.size(), "a node's columns have one name each");
  plan::Node node;
  node.body = std::move(body);
  node.inputs = std::move(inputs);
  node.types = std::move(types);
  node.names = std::move(names);
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

std::string PlanBuilder::name_of(NodeIndex child, const Expression& expression) const {
  if (is_column(expression)) return nodes_[child].names[expression.column];
  return columnar::to_string(expression, nodes_[child].names);
}

PlanBuilder::NodeIndex PlanBuilder::input(plan::InputNode body, columnar::RowType types,
                                          std::vector<std::string> names) {
  for (NodeIndex i = 0; i < nodes_.size(); ++i) {
    const auto* other = std::get_if<plan::InputNode>(&nodes_[i].body);
    if (other != nullptr && other->relation == body.relation && other->stream == body.stream &&
        other->columns == body.columns)
      return i;
  }
  return add(std::move(body), {}, std::move(types), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::filter(NodeIndex child, Expression predicate) {
  return add(plan::FilterNode{std::move(predicate)}, {child}, types(child), nodes_[child].names);
}

PlanBuilder::NodeIndex PlanBuilder::project(NodeIndex child, std::vector<Expression> expressions,
                                            std::vector<std::string> names) {
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    if (i >= names.size()) names.emplace_back();
    if (names[i].empty()) names[i] = name_of(child, expressions[i]);
  }
  const bool only_picks = std::ranges::all_of(expressions, is_column);
  bool identity = only_picks && expressions.size() == width(child);
  for (std::size_t i = 0; identity && i < expressions.size(); ++i) identity = expressions[i].column == i;
  if (identity && names == nodes_[child].names) return child;

  if (const auto* inner = std::get_if<plan::ProjectNode>(&nodes_[child].body)) {
    if (can_fold(inner->expressions, expressions)) {
      const std::vector<Expression> below = inner->expressions;
      for (Expression& expression : expressions) expression = compose(expression, below);
      return project(nodes_[child].inputs[0], std::move(expressions), std::move(names));
    }
  }
  if (const auto* input_node = std::get_if<plan::InputNode>(&nodes_[child].body); input_node != nullptr && only_picks) {
    std::set<ColumnIndex> picked;
    plan::InputNode body = *input_node;
    body.columns.clear();
    for (const Expression& expression : expressions) {
      picked.insert(expression.column);
      body.columns.push_back(input_node->columns[expression.column]);
    }
    if (picked.size() == expressions.size() && !expressions.empty()) {
      columnar::RowType picked_types;
      for (const Expression& expression : expressions) picked_types.push_back(expression.type);
      return input(std::move(body), std::move(picked_types), std::move(names));
    }
  }
  columnar::RowType out;
  for (const Expression& expression : expressions) out.push_back(expression.type);
  return add(plan::ProjectNode{std::move(expressions)}, {child}, std::move(out), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::unnest(NodeIndex child, std::vector<Expression> lists) {
  columnar::RowType out = types(child);
  std::vector<std::string> names = nodes_[child].names;
  for (const Expression& list : lists) {
    out.push_back(duckdb::ListType::GetChildType(list.type));
    names.push_back(fmt::format("unnest({})", columnar::to_string(list, nodes_[child].names)));
  }
  return add(plan::UnnestNode{std::move(lists)}, {child}, std::move(out), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::aggregate(NodeIndex child, plan::AggregateNode body) {
  // An aggregate reads columns by its expressions alone, so a projection that only picks some is of no use to it.
  if (const auto* picks = std::get_if<plan::ProjectNode>(&nodes_[child].body);
      picks != nullptr && std::ranges::all_of(picks->expressions, is_column)) {
    const std::vector<Expression> below = picks->expressions;
    for (Expression& group : body.groups) group = compose(group, below);
    for (plan::Aggregate& function : body.aggregates) {
      for (Expression& argument : function.arguments) argument = compose(argument, below);
      if (function.filter) function.filter = compose(*function.filter, below);
      for (plan::OrderKey& key : function.order) key.expression = compose(key.expression, below);
    }
    child = nodes_[child].inputs[0];
  }
  columnar::RowType out;
  std::vector<std::string> names;
  for (const Expression& group : body.groups) {
    out.push_back(group.type);
    names.push_back(name_of(child, group));
  }
  for (const plan::Aggregate& aggregate : body.aggregates) {
    out.push_back(aggregate.type);
    std::vector<std::string> arguments;
    for (const Expression& argument : aggregate.arguments) arguments.push_back(name_of(child, argument));
    names.push_back(
        fmt::format("{}({}{})", aggregate.function, aggregate.distinct ? "DISTINCT " : "", fmt::join(arguments, ", ")));
  }
  return add(std::move(body), {child}, std::move(out), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::join(NodeIndex left, NodeIndex right, plan::JoinNode body) {
  columnar::RowType out = types(left);
  out.insert(out.end(), types(right).begin(), types(right).end());
  std::vector<std::string> names = nodes_[left].names;
  names.insert(names.end(), nodes_[right].names.begin(), nodes_[right].names.end());
  return add(std::move(body), {left, right}, std::move(out), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::distinct(NodeIndex child) {
  std::vector<ColumnIndex> all(width(child));
  std::iota(all.begin(), all.end(), ColumnIndex{0});
  return is_unique(child, all) ? child : settled(child);
}

PlanBuilder::NodeIndex PlanBuilder::settled(NodeIndex child) {
  return add(plan::DistinctNode{}, {child}, types(child), nodes_[child].names);
}

PlanBuilder::NodeIndex PlanBuilder::top_n(NodeIndex child, plan::TopNNode body) {
  columnar::RowType out = types(child);
  std::vector<std::string> names = nodes_[child].names;
  if (body.emit_rank) {
    out.push_back(duckdb::LogicalType::BIGINT);
    names.emplace_back("row_number()");
  }
  return add(std::move(body), {child}, std::move(out), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::partition_query(NodeIndex child, plan::PartitionQueryNode body,
                                                    columnar::RowType types, std::vector<std::string> names) {
  return add(std::move(body), {child}, std::move(types), std::move(names));
}

PlanBuilder::NodeIndex PlanBuilder::union_all(std::vector<NodeIndex> children) {
  const NodeIndex first = children.front();
  columnar::RowType out = types(first);
  std::vector<std::string> names = nodes_[first].names;
  return add(plan::UnionNode{}, std::move(children), std::move(out), std::move(names));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the plan.
bool PlanBuilder::is_unique(NodeIndex index, const std::vector<ColumnIndex>& columns) const {
  const auto has = [&](ColumnIndex column) { return std::ranges::find(columns, column) != columns.end(); };
  const plan::Node& node = nodes_[index];
  const auto all_below = [&](std::size_t count) {
    for (ColumnIndex column = 0; column < count; ++column) {
      if (!has(column)) return false;
    }
    return true;
  };
  if (const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body)) return all_below(aggregate->groups.size());
  if (std::holds_alternative<plan::FilterNode>(node.body)) return is_unique(node.inputs[0], columns);
  if (std::holds_alternative<plan::DistinctNode>(node.body))
    return all_below(node.types.size()) || is_unique(node.inputs[0], columns);
  if (const auto* top = std::get_if<plan::TopNNode>(&node.body)) {
    const bool one_each = top->limit == 1 && std::ranges::all_of(top->partition, [&](const Expression& expression) {
                            return is_column(expression) && has(expression.column);
                          });
    std::vector<ColumnIndex> below;
    std::ranges::copy_if(columns, std::back_inserter(below),
                         [&](ColumnIndex column) { return column < width(node.inputs[0]); });
    return one_each || is_unique(node.inputs[0], below);
  }
  if (const auto* project = std::get_if<plan::ProjectNode>(&node.body)) {
    std::vector<ColumnIndex> below;
    for (const ColumnIndex column : columns) {
      if (is_column(project->expressions[column])) below.push_back(project->expressions[column].column);
    }
    return is_unique(node.inputs[0], below);
  }
  if (const auto* join = std::get_if<plan::JoinNode>(&node.body)) {
    // A join whose right side has one row per key does not multiply rows of the left.
    std::vector<ColumnIndex> keys;
    for (const Expression& key : join->right_keys) {
      if (is_column(key)) keys.push_back(key.column);
    }
    std::vector<ColumnIndex> left;
    std::ranges::copy_if(columns, std::back_inserter(left),
                         [&](ColumnIndex column) { return column < width(node.inputs[0]); });
    return is_unique(node.inputs[1], keys) && is_unique(node.inputs[0], left);
  }
  return false;
}

std::vector<plan::Node> PlanBuilder::finish(NodeIndex root) && {
  std::vector<bool> needed(nodes_.size(), false);
  needed[root] = true;
  for (NodeIndex i = root + 1; i-- > 0;) {
    if (!needed[i]) continue;
    for (const NodeIndex child : nodes_[i].inputs) needed[child] = true;
  }
  std::vector<NodeIndex> moved(nodes_.size(), 0);
  std::vector<plan::Node> out;
  for (NodeIndex i = 0; i <= root; ++i) {
    if (!needed[i]) continue;
    for (NodeIndex& child : nodes_[i].inputs) child = moved[child];
    moved[i] = out.size();
    plan::Node& node = out.emplace_back(std::move(nodes_[i]));
    if (node.inputs.empty()) continue;
    const auto& left = out[node.inputs.front()].names;
    std::visit(ColumnNamer{left, out[node.inputs.back()].names}, node.body);
  }
  return out;
}

}  // namespace sluice::sql
