#include "sql/internal/runnable.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <duckdb.hpp>

#include "columnar/aggregate_kernel.h"
#include "columnar/guard.h"
#include "columnar/row_codec.h"
#include "columnar/variant_encoding.h"
#include "sql/internal/expression_translator.h"

namespace sluice::sql {
namespace {

/// The node's expressions, each group with the row it is evaluated on.
std::vector<std::pair<std::vector<columnar::Expression>, columnar::RowType>> expressions_of(
    const plan::Node& node, const std::vector<plan::Node>& nodes, const columnar::RowType& input) {
  std::vector<columnar::Expression> all;
  const auto add = [&](const std::vector<columnar::Expression>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (const auto* filter = std::get_if<plan::FilterNode>(&node.body)) all.push_back(filter->predicate);
  if (const auto* project = std::get_if<plan::ProjectNode>(&node.body)) add(project->expressions);
  if (const auto* unnest = std::get_if<plan::UnnestNode>(&node.body)) add(unnest->lists);
  if (const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body)) {
    add(aggregate->groups);
    for (const plan::Aggregate& function : aggregate->aggregates) {
      add(function.arguments);
      if (function.filter) all.push_back(*function.filter);
      for (const plan::OrderKey& order : function.order) all.push_back(order.expression);
    }
  }
  if (const auto* top = std::get_if<plan::TopNNode>(&node.body)) {
    add(top->partition);
    for (const plan::OrderKey& order : top->order) all.push_back(order.expression);
  }
  if (const auto* join = std::get_if<plan::JoinNode>(&node.body)) {
    if (join->residual) all.push_back(*join->residual);
    return {{join->left_keys, nodes[node.inputs[0]].types},
            {join->right_keys, nodes[node.inputs[1]].types},
            {std::move(all), input}};
  }
  return {{std::move(all), input}};
}

columnar::RowType types_of(const std::vector<columnar::Expression>& expressions) {
  columnar::RowType types;
  for (const columnar::Expression& expression : expressions) types.push_back(expression.type);
  return types;
}

/// Whether the engine could make the functions that DuckDB runs.
Status check_functions(const plan::Node& node, columnar::KernelContext& kernels) {
  const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body);
  if (aggregate == nullptr) return ok();
  for (const plan::Aggregate& function : aggregate->aggregates) {
    if (function.kernel.empty()) continue;
    if (columnar::holds_variant(
            function.type)) {  // its values are kept one by one, which makes a variant what it holds
      return not_incremental(fmt::format("the aggregate {}() of variants", function.function));
    }
    const auto kernel = columnar::AggregateKernel::create(kernels, function.kernel);
    if (!kernel || (*kernel)->type() != function.type || (*kernel)->arguments() != types_of(function.arguments))
      return not_incremental(fmt::format("the aggregate {}()", function.function));
  }
  return ok();
}

/// Whether DuckDB binds the query that a node leaves to it as the plan says.
Status check_query(const plan::Node& node, const columnar::RowType& input, columnar::KernelContext& kernels) {
  const auto* query = std::get_if<plan::PartitionQueryNode>(&node.body);
  if (query == nullptr) return ok();
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < input.size(); ++i) {
    columns.push_back(fmt::format("CAST(NULL AS {}) AS c{}", input[i].ToString(), i));
  }
  const auto prepared = columnar::guard([&]() -> Result<columnar::RowType> {
    const auto statement =
        kernels.client().Prepare(fmt::format("WITH input AS (SELECT {}) {}", fmt::join(columns, ", "), query->sql));
    if (statement->HasError()) return Error(ErrorCode::Unsupported, statement->GetError());
    const auto& types = statement->GetTypes();
    return columnar::RowType(types.begin(), types.end());
  });
  if (prepared && *prepared == node.types) return ok();
  return not_incremental(fmt::format("the window function {}", query->text));
}

/// Whether the engine could make the node's keys: of groups, distinct rows, partitions, orders and joins.
Status check_keys(const plan::Node& node, const columnar::RowType& input) {
  using columnar::RowCodec;
  std::vector<Result<RowCodec>> codecs;
  const auto keys_of = [](columnar::RowType types) -> Result<RowCodec> {
    if (std::ranges::any_of(types, columnar::holds_variant)) {
      return Error(ErrorCode::Unsupported, "a key of type VARIANT: DuckDB compares variants in several ways");
    }
    return RowCodec::create_for_keys(std::move(types));
  };
  if (const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body)) {
    codecs.push_back(RowCodec::create_for_groups(types_of(aggregate->groups)));
    for (const plan::Aggregate& function : aggregate->aggregates) {
      if (function.distinct) codecs.push_back(keys_of(types_of(function.arguments)));
    }
  }
  if (std::holds_alternative<plan::DistinctNode>(node.body)) {
    codecs.push_back(RowCodec::create_for_groups(node.types));
  }
  if (const auto* top = std::get_if<plan::TopNNode>(&node.body)) {
    codecs.push_back(keys_of(input));  // breaks ties
    codecs.push_back(keys_of(types_of(top->partition)));
    columnar::RowType orders;
    for (const plan::OrderKey& order : top->order) orders.push_back(order.expression.type);
    codecs.push_back(keys_of(std::move(orders)));
  }
  if (const auto* query = std::get_if<plan::PartitionQueryNode>(&node.body)) {
    columnar::RowType keys;
    for (const columnar::ColumnIndex column : query->partition) keys.push_back(input[column]);
    codecs.push_back(keys_of(std::move(keys)));
  }
  if (const auto* join = std::get_if<plan::JoinNode>(&node.body)) {
    codecs.push_back(keys_of(types_of(join->left_keys)));
    codecs.push_back(keys_of(types_of(join->right_keys)));
  }
  for (const Result<RowCodec>& codec : codecs) {
    if (!codec) return not_incremental(codec.error().message());
  }
  return ok();
}

}  // namespace

Status check_runnable(const std::vector<plan::Node>& nodes, columnar::KernelContext& kernels) {
  for (const plan::Node& node : nodes) {
    if (auto codec = columnar::RowCodec::create(node.types); !codec) return not_incremental(codec.error().message());
    columnar::RowType input;
    for (const plan::NodeIndex child : node.inputs) {
      input.insert(input.end(), nodes[child].types.begin(), nodes[child].types.end());
      if (std::holds_alternative<plan::UnionNode>(node.body)) break;
    }
    SLUICE_TRY(check_keys(node, input));
    SLUICE_TRY(check_functions(node, kernels));
    SLUICE_TRY(check_query(node, input, kernels));
    for (auto& [expressions, types] : expressions_of(node, nodes, input)) {
      if (expressions.empty()) continue;
      auto kernel = columnar::Kernel::create(kernels, expressions, types);
      if (!kernel) return not_incremental(kernel.error().message());
      for (std::size_t i = 0; i < expressions.size(); ++i) {
        if ((*kernel)->types()[i] != expressions[i].type)
          return not_incremental(fmt::format("the expression {}", columnar::to_string(expressions[i])));
      }
    }
  }
  return ok();
}

}  // namespace sluice::sql
