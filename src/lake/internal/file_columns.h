#pragma once

#include <duckdb/common/multi_file/multi_file_data.hpp>
#include <duckdb/common/multi_file/multi_file_states.hpp>
#include <duckdb/planner/table_filter.hpp>

#include "base/result.h"
#include "delta/delta_schema.h"
#include "delta/table_properties.h"

namespace sluice::lake {

using FileColumns = duckdb::vector<duckdb::MultiFileColumnDefinition>;

/// Gives the parts of lists and maps in a file's columns the names that DuckDB's mapping expects: writers differ.
void normalize_names(FileColumns& columns);

/// Returns the table's columns, at every depth, as DuckDB's mapping by name finds them in one data file: the identifier
/// of each is the name it has there, as the mapping mode decides, or a name that nothing there has.
/// `columns` are those of the file, normalized; `wanted` says, for each field of the schema, if it is to be read: types
/// of other columns do not matter. Corruption, naming the column, if a type there cannot be the column's; in mode id
/// also if no column of the file has an id. Spec: "Column Mapping", "Reader Requirements for Type Widening".
Result<FileColumns> find_columns(const delta::DataType& schema, delta::ColumnMappingMode mode,
                                 const FileColumns& columns, const std::vector<bool>& wanted);

/// Makes the reader of one file evaluate conditions on the table's columns that it would have cast to the file's types,
/// when the columns are mapped: a constant may lose what makes it differ (a time of day as a DATE).
void keep_conditions_exact(duckdb::MultiFileReaderData& data, const duckdb::TableFilterSet& conditions);

}  // namespace sluice::lake
