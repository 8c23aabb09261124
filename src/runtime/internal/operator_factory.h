#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "columnar/kernel.h"
#include "engine/operator.h"
#include "engine/partition_query.h"
#include "plan/pipeline.h"

namespace sluice::runtime::internal {

/// What flows along an edge of the plan.
struct EdgeProperties {
  columnar::RowType types;
  bool append_only = false;  ///< Rows are never taken back.
};

/// Makes the operator that a plan node stands for; the node is not an InputNode. `inputs` has one entry per input.
/// Errors: those of the operator's create; InvalidArgument if the number of inputs is not the operator's.
Result<std::unique_ptr<engine::Operator>> make_operator(const plan::Node& node,
                                                        const std::vector<EdgeProperties>& inputs,
                                                        columnar::KernelContext& context,
                                                        const engine::RunQuery& run_query);

/// Returns whether the node's output only grows, given its inputs. Pure.
bool keeps_append_only(const plan::Node& node, const std::vector<EdgeProperties>& inputs);

}  // namespace sluice::runtime::internal
