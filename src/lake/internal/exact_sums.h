#pragma once

#include <duckdb/function/aggregate_function.hpp>
#include <duckdb/planner/logical_operator.hpp>

namespace sluice::lake {

/// Replaces the aggregate functions of the plan that add floating-point numbers by ones that add exactly and round
/// once, as the engine's do: sum, fsum, kahan_sum, sumkahan; avg, mean, favg; var_*, variance, stddev* over DOUBLE (and
/// FLOAT, which DuckDB casts), grouped and over windows. Their answer does not depend on the order of rows, and is the
/// incremental one to the last bit. The plan is bound and not yet optimized.
void use_exact_sums(duckdb::LogicalOperator& plan);

/// Whether the function is one of ours.
bool is_exact(const duckdb::AggregateFunction& function);

}  // namespace sluice::lake
