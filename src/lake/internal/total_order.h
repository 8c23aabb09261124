#pragma once

#include <duckdb/planner/logical_operator.hpp>

namespace sluice::lake {

/// Makes the plan's answer depend on its input's rows alone, not on the order in which they come: where SQL leaves a
/// choice, the first row by all columns that reach the operator is taken (left to right, a table's in its own order,
/// ascending, NULLS LAST). So ties of ORDER BY, LIMIT, DISTINCT ON and window functions are broken, an aggregate that
/// looks at order without asking for one gets this one, and one that adds floating-point numbers, but not exactly
/// (exact_sums.h), adds in the order of its arguments.
/// An aggregate over an inner ORDER BY keeps that order. The plan is bound and not yet optimized.
/// Cost: a sort per operator that has such a choice.
void pin_total_order(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

}  // namespace sluice::lake
