#pragma once

#include <vector>

#include <duckdb/function/table_function.hpp>

namespace sluice::lake {

/// What DESCRIBE HISTORY and DESCRIBE DETAIL become (statement_text.h).
inline constexpr const char* kTableHistoryFunction = "sluice_table_history";
inline constexpr const char* kTableDetailFunction = "sluice_table_detail";

/// Returns both functions, for a table's name in parts (VARCHAR[]) and for its folder (VARCHAR). The columns are those
/// of Spark's commands, as far as they mean something here.
///
/// The history has a row per commit that is still in the log, newest first; it reads them all. The detail is one row
/// about the newest version.
std::vector<duckdb::TableFunctionSet> inspection_functions();

}  // namespace sluice::lake
