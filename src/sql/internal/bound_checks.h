#pragma once

#include <vector>

#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/planner/expression.hpp>
#include <duckdb/planner/logical_operator.hpp>

#include "sql/internal/duckdb_error.h"

namespace sluice::sql {

/// Appends an error for each name of a value of the session, which DuckDB folds to a constant when it binds:
/// current_user, getvariable('x'). A column of that name in `context` is one.
void refuse_session_values(const ErrorContext& context, duckdb::SelectStatement& tree, std::vector<Error>& errors);

/// Appends an error for each function whose value does not follow from the row: random(), now() (design §3).
void refuse_impure_functions(const ErrorContext& context, duckdb::LogicalOperator& plan, std::vector<Error>& errors);
void refuse_impure_functions(const ErrorContext& context, const duckdb::Expression& expression,
                             std::vector<Error>& errors);

/// Does the same for what DuckDB computes while it binds: arguments of table functions, LIMIT and OFFSET. Throws what
/// binding throws.
void refuse_impure_arguments(const ErrorContext& context, duckdb::ClientContext& client, duckdb::SelectStatement& tree,
                             std::vector<Error>& errors);

/// Appends an error if the plan of a streaming table holds what needs a watermark: aggregation, DISTINCT, ORDER BY or
/// LIMIT, windows, joins.
void refuse_stateful_operators(const ErrorContext& context, const duckdb::LogicalOperator& plan,
                               std::vector<Error>& errors);

/// Appends an error for each constant that cannot be what its place needs, such as 'abc' beside a number.
void refuse_bad_constants(const ErrorContext& context, duckdb::ClientContext& client, duckdb::LogicalOperator& plan,
                          std::vector<Error>& errors);

}  // namespace sluice::sql
