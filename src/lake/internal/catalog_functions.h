#pragma once

#include <vector>

#include <duckdb/function/table_function.hpp>

namespace sluice::lake {

/// Returns `duckdb_tables` and `duckdb_columns` as functions that list the tables of the query's QueryNames. They take the
/// place of DuckDB's own, which know its catalog only; SHOW TABLES, information_schema and pg_catalog are made of them.
std::vector<duckdb::TableFunction> catalog_functions();

}  // namespace sluice::lake
