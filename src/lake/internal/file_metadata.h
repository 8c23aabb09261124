#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <duckdb/common/types.hpp>
#include <duckdb/common/types/value.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/planner/expression.hpp>

#include "delta/actions.h"
#include "store/object_store.h"

namespace sluice::lake {

/// The hidden column of a scan that says which data file a row is in, as Spark's tables have it. A column of the table's
/// own of that name takes its place.
inline constexpr const char* kFileMetadata = "_metadata";
/// Its number among the columns of a scan; those of tables are far below, DuckDB's own hidden ones just below.
inline constexpr duckdb::column_t kFileMetadataColumn = (duckdb::column_t{1} << 63) + 4096;

/// Returns its type: STRUCT(file_path VARCHAR, file_name VARCHAR, file_size BIGINT in bytes, file_block_start BIGINT,
/// file_block_length BIGINT, file_modification_time TIMESTAMPTZ). A file is one block.
duckdb::LogicalType file_metadata_type();

/// Returns the value for all rows of a file. The path is a URL, encoded as the log has it, where the store's objects are
/// files of this machine, else as the log has it. Size and time are those that the log states.
duckdb::Value file_metadata(const delta::AddFile& file, const store::ObjectStore& store);

/// Returns which of the conditions on a scan are on its `_metadata` alone, which then stands as the only column of a
/// chunk. `column_ids` are the scan's, `table_index` its number in the plan.
duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> conditions_on_files(
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions, duckdb::idx_t table_index,
    const duckdb::vector<duckdb::column_t>& column_ids);

/// Returns those of the numbers for whose file all conditions are true; all of them if a condition cannot be evaluated.
/// `value_of` returns the file's `_metadata`. Cost: about 3 µs a file.
std::vector<std::size_t> select_files(duckdb::ClientContext& client,
                                      const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& conditions,
                                      std::span<const std::size_t> numbers,
                                      const std::function<duckdb::Value(std::size_t)>& value_of);

}  // namespace sluice::lake
