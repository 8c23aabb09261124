#pragma once

#include <vector>

#include "base/result.h"
#include "columnar/kernel.h"
#include "plan/pipeline.h"

namespace sluice::sql {

/// Returns Unsupported, with the reason in plain words, if the engine could not hold the rows of a plan's nodes, make
/// their keys or run their expressions: what it would refuse is known before anything runs.
Status check_runnable(const std::vector<plan::Node>& nodes, columnar::KernelContext& kernels);

}  // namespace sluice::sql
