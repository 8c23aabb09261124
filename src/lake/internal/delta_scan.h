#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duckdb/function/table_function.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "lake/delta_table.h"
#include "lake/internal/object_file_system.h"

namespace sluice::lake {

/// What it takes to read one version of a Delta table with DuckDB's Parquet reader: its columns, its files in a fixed
/// order, and a mount that makes them readable. Immutable, shared by all who scan.
class DeltaScan {
 public:
  /// A partition column: its value comes from the log, not from the files.
  struct PartitionColumn {
    columnar::ColumnIndex column;
    std::string key;  ///< Of AddFile::partition_values.
  };

  /// Unsupported if a file lies outside the table's store; Corruption if a path cannot be decoded.
  static Result<std::shared_ptr<const DeltaScan>> create(DeltaTable table, ObjectFileSystem& files);

  const DeltaTable& table() const { return table_; }
  const columnar::Schema& schema() const { return schema_; }
  const std::vector<const delta::AddFile*>& files() const { return files_; }
  const std::vector<PartitionColumn>& partition_columns() const { return partition_columns_; }
  Mount& mount() const { return *mount_; }
  /// Rows of all files, if their statistics say; for the optimizer only.
  std::optional<std::uint64_t> row_count_estimate() const { return row_count_estimate_; }

 private:
  DeltaScan() = default;

  DeltaTable table_;
  columnar::Schema schema_;
  std::vector<const delta::AddFile*> files_;
  std::vector<PartitionColumn> partition_columns_;
  std::shared_ptr<Mount> mount_;
  std::optional<std::uint64_t> row_count_estimate_;
};

/// Returns DuckDB's Parquet scan as a table function whose bind the caller sets to one that ends in bind_delta_scan().
/// It tells the optimizer no statistics: they would be of the files, deleted rows included.
duckdb::TableFunction delta_scan_function(const std::string& name);

/// Binds a scan: all its columns under their names; `file_row_number` and `file_index` (into DeltaScan::files()) are
/// virtual columns. Deleted rows are left out, columns that a file lacks are NULL.
duckdb::unique_ptr<duckdb::FunctionData> bind_delta_scan(duckdb::ClientContext& client,
                                                         std::shared_ptr<const DeltaScan> scan,
                                                         duckdb::vector<duckdb::LogicalType>& types,
                                                         duckdb::vector<std::string>& names);

/// Runs a scan outside a query, file by file on the calling thread. See Lake::scan_table.
Status run_delta_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                      const LiveRowSink& sink, const std::stop_token& stop);

}  // namespace sluice::lake
