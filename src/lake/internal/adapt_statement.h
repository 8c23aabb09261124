#pragma once

#include <duckdb/parser/sql_statement.hpp>

#include "lake/internal/query_names.h"

namespace sluice::lake {

/// Makes a parsed query ask us where DuckDB would ask its own catalog: `t AT (VERSION => n)` and `t AT (TIMESTAMP => t)`
/// become names that `names`, those of `client`, know, and SHOW TABLES, which DuckDB limits to its search path, lists all
/// tables with their schema. Throws by QueryNames::fail what AT cannot have. Statements that are no query stay as they
/// are.
void adapt_statement(duckdb::SQLStatement& statement, duckdb::ClientContext& client, QueryNames& names);

}  // namespace sluice::lake
