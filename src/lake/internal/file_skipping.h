#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include <duckdb/common/types.hpp>
#include <duckdb/planner/expression.hpp>

#include "columnar/schema.h"
#include "delta/file_predicate.h"

namespace sluice::lake {

/// Returns which column of the table the numbered column of a scan is; nullopt: none (a virtual column).
using ColumnOfScan = std::function<std::optional<columnar::ColumnIndex>(std::size_t)>;

/// Returns the conditions that rows of a scan must meet, all of them, in the form that can be decided for whole files:
/// comparisons of columns and members of structs with constants, IN, BETWEEN, IS NULL, prefixes, and what AND, OR and
/// NOT make of them. Anything else is Opaque, so that a file is left out only if no row of it can meet them.
/// `schema` is the table's, as DuckDB sees it. Column references of other tables than `table_index` are Opaque.
delta::FilePredicate file_predicate_of(const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions,
                                       duckdb::idx_t table_index, const columnar::Schema& schema,
                                       const ColumnOfScan& column_of_scan);

}  // namespace sluice::lake
