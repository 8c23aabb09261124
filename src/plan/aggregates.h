#pragma once

#include <string_view>
#include <vector>

#include "plan/pipeline.h"

namespace sluice::plan {

/// Returns whether the engine keeps this aggregate up to date by changes. This is the contract between who makes plans
/// and who runs them: a plan holds no other aggregate, and the engine computes all of these.
///
/// count_star(); count(any); sum and sum_no_overflow(integers, DECIMAL, FLOAT, DOUBLE); avg(integers, DECIMAL, FLOAT,
/// DOUBLE); var_pop, var_samp, variance, stddev_pop, stddev_samp and stddev(DOUBLE); min
/// and max(any type but nested ones); bool_and and bool_or(BOOLEAN). Each with or without FILTER and, but for
/// count_star, DISTINCT. Function names are DuckDB's, as in Aggregate::function.
bool has_incremental_form(const Aggregate& aggregate);

/// Returns whether the function may be run by DuckDB over all rows of a group (Aggregate::kernel): its result depends on
/// the rows and their order alone.
bool may_be_folded(std::string_view function);

}  // namespace sluice::plan
