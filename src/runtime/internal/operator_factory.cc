#include "runtime/internal/operator_factory.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/aggregate.h"
#include "engine/distinct.h"
#include "engine/filter.h"
#include "engine/join.h"
#include "engine/project.h"
#include "engine/top_n.h"
#include "engine/union.h"
#include "engine/unnest.h"

namespace sluice::runtime::internal {
namespace {

using Made = Result<std::unique_ptr<engine::Operator>>;

template <typename Operator>
Made upcast(Result<std::unique_ptr<Operator>> made) {
  if (!made) return std::move(made).error();
  return std::unique_ptr<engine::Operator>(std::move(*made));
}

/// One branch per kind of node.
struct Maker {
  const std::vector<EdgeProperties>& inputs;
  const columnar::RowType& types;  ///< Of the node.
  columnar::KernelContext& context;
  const engine::RunQuery& run_query;

  Made operator()(const plan::InputNode&) const {
    return Error(ErrorCode::InvalidArgument, "an input has no operator");
  }
  Made operator()(const plan::FilterNode& node) const {
    return upcast(engine::Filter::create(context, node.predicate, inputs[0].types));
  }
  Made operator()(const plan::ProjectNode& node) const {
    return upcast(engine::Project::create(context, node.expressions, inputs[0].types));
  }
  Made operator()(const plan::UnnestNode& node) const {
    return upcast(engine::Unnest::create(context, node.lists, inputs[0].types));
  }
  Made operator()(const plan::AggregateNode& node) const {
    engine::Aggregate::Definition definition;
    definition.groups = node.groups;
    for (const plan::Aggregate& call : node.aggregates) {
      definition.calls.push_back(
          {call.function, call.arguments, call.distinct, call.filter, call.type, call.kernel, {}});
      for (const plan::OrderKey& key : call.order) {
        definition.calls.back().order.push_back({key.expression, key.order});
      }
    }
    definition.append_only_input = inputs[0].append_only;
    return upcast(engine::Aggregate::create(context, std::move(definition), inputs[0].types));
  }
  Made operator()(const plan::JoinNode& node) const {
    engine::Join::Definition definition;
    definition.type = node.type == plan::JoinType::Left ? engine::Join::Type::Left : engine::Join::Type::Inner;
    definition.left_keys = node.left_keys;
    definition.right_keys = node.right_keys;
    definition.null_safe = node.null_safe;
    definition.residual = node.residual;
    return upcast(engine::Join::create(context, std::move(definition), inputs[0].types, inputs[1].types));
  }
  Made operator()(const plan::DistinctNode&) const { return upcast(engine::Distinct::create(inputs[0].types)); }
  Made operator()(const plan::TopNNode& node) const {
    engine::TopN::Definition definition;
    definition.partition = node.partition;
    for (const plan::OrderKey& key : node.order) definition.order.push_back({key.expression, key.order});
    definition.limit = node.limit;
    definition.offset = node.offset;
    definition.emit_rank = node.emit_rank;
    definition.append_only_input = inputs[0].append_only;
    return upcast(engine::TopN::create(context, std::move(definition), inputs[0].types));
  }
  Made operator()(const plan::PartitionQueryNode& node) const {
    return upcast(
        engine::PartitionQuery::create({node.partition, node.sql, node.text, types, run_query}, inputs[0].types));
  }
  Made operator()(const plan::UnionNode&) const { return upcast(engine::Union::create(inputs[0].types)); }
};

}  // namespace

Result<std::unique_ptr<engine::Operator>> make_operator(const plan::Node& node,
                                                        const std::vector<EdgeProperties>& inputs,
                                                        columnar::KernelContext& context,
                                                        const engine::RunQuery& run_query) {
  const bool join = std::holds_alternative<plan::JoinNode>(node.body);
  const bool any_number = std::holds_alternative<plan::UnionNode>(node.body);
  if (inputs.empty() || (!any_number && inputs.size() != (join ? 2u : 1u))) {
    return Error(ErrorCode::InvalidArgument, fmt::format("a plan node has {} inputs", inputs.size()));
  }
  return std::visit(Maker{inputs, node.types, context, run_query}, node.body);
}

bool keeps_append_only(const plan::Node& node, const std::vector<EdgeProperties>& inputs) {
  const bool grows =
      std::all_of(inputs.begin(), inputs.end(), [](const EdgeProperties& edge) { return edge.append_only; });
  if (std::holds_alternative<plan::AggregateNode>(node.body) || std::holds_alternative<plan::TopNNode>(node.body) ||
      std::holds_alternative<plan::PartitionQueryNode>(node.body))
    return false;
  // A left join takes the row without a match back when the match comes.
  const auto* join = std::get_if<plan::JoinNode>(&node.body);
  return grows && (join == nullptr || join->type == plan::JoinType::Inner);
}

}  // namespace sluice::runtime::internal
