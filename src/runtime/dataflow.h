#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"
#include "columnar/kernel.h"
#include "engine/operator.h"
#include "engine/partition_query.h"
#include "lake/lake.h"
#include "plan/pipeline.h"

namespace sluice::runtime {

/// A standing query: the operators of a QueryPlan, connected. Changes of the relations it reads go in, changes of its
/// result come out, by the end of end_epoch() complete but not consolidated. Owned by one worker.
class Dataflow {
 public:
  /// Builds the operators. `plan` must be incremental; `context` must outlive the dataflow. `append_only` tells of
  /// which relations rows are never taken back: operators then keep less. `run_query` answers what a plan leaves to
  /// DuckDB. Errors: those of the operators' create; InvalidArgument if the plan is not well formed.
  static Result<std::unique_ptr<Dataflow>> create(const plan::QueryPlan& plan, columnar::KernelContext& context,
                                                  const std::function<bool(const std::string&)>& append_only,
                                                  const engine::RunQuery& run_query);

  /// Passes changes of one relation to every input that reads it. Results that are ready go to `output`.
  Status push(std::string_view relation, columnar::ChangeBatch& changes, engine::Output& output);
  /// Ends the epoch in every operator, inputs before consumers.
  Status end_epoch(Epoch epoch, engine::Output& output);

  /// Types of the rows that come out.
  const columnar::RowType& types() const { return nodes_.back().types; }

 private:
  struct Consumer {
    std::size_t node;
    engine::Port port;
  };
  struct RunningNode {
    std::unique_ptr<engine::Operator> op;        ///< Null for an input.
    std::string relation;                        ///< Of an input.
    std::vector<columnar::ColumnIndex> columns;  ///< Of an input: which of the relation's, in order.
    std::vector<Consumer> consumers;
    columnar::RowType types;
  };
  class NodeOutput;

  Dataflow() = default;
  Status deliver(std::size_t from, columnar::ChangeBatch& changes, engine::Output& output);

  std::vector<RunningNode> nodes_;
};

/// Lets `lake`, which must outlive the function, answer what a plan leaves to DuckDB; `stop` gives the token of the epoch.
engine::RunQuery run_by_lake(lake::Lake& lake, std::function<std::stop_token()> stop);

}  // namespace sluice::runtime
