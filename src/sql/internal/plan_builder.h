#pragma once

#include <string>
#include <vector>

#include "plan/pipeline.h"

namespace sluice::sql {

/// Gathers the nodes of a plan, each with the types and names of its columns, and keeps them few: projections that only
/// pick columns are folded into their neighbours, those that change nothing are not made, equal inputs are shared.
class PlanBuilder {
 public:
  using NodeIndex = plan::NodeIndex;

  const plan::Node& node(NodeIndex index) const { return nodes_[index]; }
  const columnar::RowType& types(NodeIndex index) const { return nodes_[index].types; }
  std::size_t width(NodeIndex index) const { return nodes_[index].types.size(); }
  columnar::Expression column(NodeIndex index, columnar::ColumnIndex column) const;

  NodeIndex input(plan::InputNode body, columnar::RowType types, std::vector<std::string> names);
  NodeIndex filter(NodeIndex child, columnar::Expression predicate);
  /// `names` may be shorter than `expressions`; missing ones are the columns' or the expressions' own.
  NodeIndex project(NodeIndex child, std::vector<columnar::Expression> expressions,
                    std::vector<std::string> names = {});
  NodeIndex unnest(NodeIndex child, std::vector<columnar::Expression> lists);
  NodeIndex aggregate(NodeIndex child, plan::AggregateNode body);
  NodeIndex join(NodeIndex left, NodeIndex right, plan::JoinNode body);
  /// Returns the child itself if its rows are distinct by its form.
  NodeIndex distinct(NodeIndex child);
  /// Passes on only what really changed, for a child whose rows are distinct but may be taken back and added again.
  NodeIndex settled(NodeIndex child);
  NodeIndex top_n(NodeIndex child, plan::TopNNode body);
  NodeIndex partition_query(NodeIndex child, plan::PartitionQueryNode body, columnar::RowType types,
                            std::vector<std::string> names);
  NodeIndex union_all(std::vector<NodeIndex> children);

  /// Whether no two rows of the node can agree on `columns` (NULL equals NULL), by the plan alone.
  bool is_unique(NodeIndex index, const std::vector<columnar::ColumnIndex>& columns) const;

  /// Returns the nodes that `root` needs, with `root` last.
  std::vector<plan::Node> finish(NodeIndex root) &&;

 private:
  NodeIndex add(plan::NodeBody body, std::vector<NodeIndex> inputs, columnar::RowType types,
                std::vector<std::string> names);
  std::string name_of(NodeIndex child, const columnar::Expression& expression) const;

  std::vector<plan::Node> nodes_;
};

}  // namespace sluice::sql
