#pragma once

#include <functional>

#include <duckdb/planner/column_binding.hpp>
#include <duckdb/planner/expression.hpp>

#include "base/result.h"
#include "columnar/expression.h"

namespace duckdb {
class ClientContext;
}

namespace sluice::sql {

/// Finds what a bound column stands for in the row an expression is evaluated on: a column of it, or a constant.
using ColumnFinder = std::function<Result<columnar::Expression>(const duckdb::ColumnBinding&)>;

/// Turns DuckDB's bound expression into ours, which needs no catalog. Unsupported, with the reason in plain words, if
/// it has no such form: lambdas, window functions and subqueries that are left, collations, functions whose overload
/// does not follow from their name and argument types. Never guesses. Throws what DuckDB throws.
Result<columnar::Expression> translate_expression(duckdb::ClientContext& context, const duckdb::Expression& expression,
                                                  const ColumnFinder& find_column);

/// Returns Unsupported as an error whose message is a reason for `explain`.
Error not_incremental(std::string reason);

}  // namespace sluice::sql
