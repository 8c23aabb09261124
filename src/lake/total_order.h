#pragma once

#include <string>
#include <vector>

#include <duckdb/planner/logical_operator.hpp>

namespace sluice::lake {

// What SQL leaves open, one total order decides (design §4): all columns that reach the operator, left to right, a
// table's in its own order, ascending, NULLS LAST, variants by their text. These passes write it into a plan that is bound and not yet optimized,
// so that its answer depends on its input's rows alone, not on the order in which they come, and whoever runs the plan,
// DuckDB or our operators, gives the same. An ORDER BY inside the query whose order reaches an operator is kept.

/// Alias of the sort keys that a pass adds, so that a reader of the plan can tell them from the query's own.
inline constexpr const char* kTieBreak = " tie break";

/// Whether the operator takes the value of a scalar subquery: DuckDB takes it as first(value), and the row count to raise
/// an error if it is above one. Only that error tells it from a query that asks for first() and count() itself.
bool is_scalar_guard(const duckdb::LogicalOperator& op);

/// Breaks the ties of ORDER BY, LIMIT, DISTINCT ON and window functions. Returns, in plain words, where the query gave no
/// order at all.
std::vector<std::string> pin_ties(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

/// Does the same for aggregates: one that looks at order without asking for one gets this one, and one that adds
/// floating-point numbers, but not exactly (internal/exact_sums.h), adds in the order of its arguments.
/// Cost: a sort per aggregate that has such a choice.
void pin_aggregates(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

}  // namespace sluice::lake
