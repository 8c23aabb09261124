#include "runtime/dataflow.h"

#include <fmt/format.h>

#include "columnar/guard.h"
#include "runtime/internal/operator_factory.h"

namespace sluice::runtime {

/// Sends what a node emits on to its consumers; keeps the first error, as Output has no way to return one.
class Dataflow::NodeOutput final : public engine::Output {
 public:
  NodeOutput(Dataflow& dataflow, std::size_t node, engine::Output& output)
      : dataflow_(dataflow), node_(node), output_(output) {}

  void emit(columnar::ChangeBatch&& changes) override {
    if (changes.empty() || !status_) return;
    status_ = dataflow_.deliver(node_, changes, output_);
  }
  void fail(engine::EvaluationError error) override { output_.fail(std::move(error)); }

  Status take_status() { return std::move(status_); }

 private:
  Dataflow& dataflow_;
  std::size_t node_;
  engine::Output& output_;
  Status status_;
};

Result<std::unique_ptr<Dataflow>> Dataflow::create(const plan::QueryPlan& plan, columnar::KernelContext& context,
                                                   const std::function<bool(const std::string&)>& append_only,
                                                   const engine::RunQuery& run_query) {
  std::unique_ptr<Dataflow> dataflow(new Dataflow());
  std::vector<internal::EdgeProperties> edges;  // what each node gives
  for (std::size_t index = 0; index < plan.nodes.size(); ++index) {
    const plan::Node& node = plan.nodes[index];
    RunningNode running;
    running.types = node.types;
    std::vector<internal::EdgeProperties> inputs;
    for (std::size_t port = 0; port < node.inputs.size(); ++port) {
      if (node.inputs[port] >= index) {
        return Error(ErrorCode::InvalidArgument, fmt::format("plan node {} reads node {}", index, node.inputs[port]));
      }
      // A union takes any number of inputs, all through its only port.
      const bool second = port == 1 && !std::holds_alternative<plan::UnionNode>(node.body);
      dataflow->nodes_[node.inputs[port]].consumers.push_back(
          {index, second ? engine::Port::Right : engine::Port::Left});
      inputs.push_back(edges[node.inputs[port]]);
    }
    if (const auto* input = std::get_if<plan::InputNode>(&node.body)) {
      running.relation = input->relation;
      running.columns = input->columns;
      edges.push_back({node.types, append_only(input->relation)});
    } else {
      SLUICE_TRY_ASSIGN(running.op, internal::make_operator(node, inputs, context, run_query));
      SLUICE_CHECK(running.op->types() == node.types, "an operator gives the types its plan node says");
      edges.push_back({node.types, internal::keeps_append_only(node, inputs)});
    }
    dataflow->nodes_.push_back(std::move(running));
  }
  if (dataflow->nodes_.empty()) return Error(ErrorCode::InvalidArgument, "a plan without operators");
  return dataflow;
}

engine::RunQuery run_by_lake(lake::Lake& lake, std::function<std::stop_token()> stop) {
  return [&lake, stop = std::move(stop)](
             const std::string& sql, const columnar::RowType& types,
             const duckdb::ColumnDataCollection& rows) -> Result<std::unique_ptr<duckdb::ColumnDataCollection>> {
    columnar::Schema schema;
    for (std::size_t i = 0; i < types.size(); ++i) schema.fields.push_back({fmt::format("c{}", i), types[i], true, {}});
    SLUICE_TRY_ASSIGN(const auto answer,
                      lake.execute(sql, {}, {lake::Relation::of_rows("input", std::move(schema), rows)}, stop()));
    return lake::collect(*answer);
  };
}

Status Dataflow::push(std::string_view relation, columnar::ChangeBatch& changes, engine::Output& output) {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    const RunningNode& node = nodes_[index];
    if (node.op || node.relation != relation) continue;
    duckdb::DataChunk rows;
    SLUICE_TRY(columnar::guard([&] {
      duckdb::vector<duckdb::LogicalType> types(node.types.begin(), node.types.end());
      rows.InitializeEmpty(types);
      for (std::size_t column = 0; column < node.columns.size(); ++column) {
        rows.data[column].Reference(changes.rows().data[node.columns[column]]);
      }
      rows.SetCardinality(changes.size());
    }));
    columnar::ChangeBatch projected(std::move(rows));
    if (!changes.insert_only()) projected.set_weights(changes.weights());
    SLUICE_TRY(deliver(index, projected, output));
  }
  return ok();
}

Status Dataflow::deliver(std::size_t from, columnar::ChangeBatch& changes, engine::Output& output) {
  if (from + 1 == nodes_.size()) output.emit(std::move(changes));
  for (const Consumer& consumer : nodes_[from].consumers) {
    NodeOutput next(*this, consumer.node, output);
    SLUICE_TRY(nodes_[consumer.node].op->push(consumer.port, changes, next));
    SLUICE_TRY(next.take_status());
  }
  return ok();
}

Status Dataflow::end_epoch(Epoch epoch, engine::Output& output) {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (!nodes_[index].op) continue;
    NodeOutput next(*this, index, output);
    SLUICE_TRY(nodes_[index].op->end_epoch(epoch, next));
    SLUICE_TRY(next.take_status());
  }
  return ok();
}

}  // namespace sluice::runtime
