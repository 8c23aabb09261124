#pragma once

#include <string>

#include <duckdb/function/table_function.hpp>

namespace sluice::lake {

/// Returns the table function that reads a relation of QueryNames, given by number, through its cursor: one thread,
/// rows in the cursor's order, only the columns that the query needs.
duckdb::TableFunction cursor_scan_function(const std::string& name);

}  // namespace sluice::lake
