#pragma once

#include <optional>
#include <string>

#include <duckdb/planner/expression/bound_function_expression.hpp>

namespace sluice::sql {

/// Returns the separator that binding took out of the arguments of a call such as list_aggregate(l, 'string_agg', '-'),
/// nullopt if it took none. It is hidden in bind data of a type that no header of DuckDB names, so it is read as DuckDB
/// would store it. Throws what DuckDB throws.
std::optional<std::string> bound_separator(const duckdb::BoundFunctionExpression& call);

}  // namespace sluice::sql
