#pragma once

#include <functional>
#include <string>

#include <duckdb/planner/expression/bound_window_expression.hpp>

#include "base/result.h"

namespace sluice::sql {

/// Gives the name of the column that holds the expression's values.
using NameColumn = std::function<Result<std::string>(const duckdb::Expression&)>;

/// Writes a window function as SQL over plain columns, every expression in it being one. Unsupported, with the reason in
/// plain words, if its bound form does not tell all that was written.
Result<std::string> window_text(const duckdb::BoundWindowExpression& window, const NameColumn& name_column);

}  // namespace sluice::sql
