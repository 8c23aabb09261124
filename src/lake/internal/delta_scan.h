#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <duckdb/function/table_function.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "delta/change_files.h"
#include "delta/commit_rules.h"
#include "delta/delta_schema.h"
#include "delta/file_predicate.h"
#include "delta/live_files.h"
#include "lake/delta_table.h"
#include "lake/internal/object_file_system.h"

namespace sluice::lake {

/// Columns of a scan with row tracking: what the log says of the file that a row is in.
inline constexpr const char* kBaseRowId = "_base_row_id";
inline constexpr const char* kDefaultRowCommitVersion = "_default_row_commit_version";

/// What it takes to read one version of a Delta table, or the changes between two, with DuckDB's Parquet reader: its
/// columns, its files in a fixed order, and a mount that makes them readable. Immutable, shared by all who scan.
class DeltaScan {
 public:
  /// A column whose value is in the log, not in the files, for every file that has its key.
  struct PartitionColumn {
    columnar::ColumnIndex column;
    std::string key;  ///< Of AddFile::partition_values.
  };

  /// A data file, and which of its rows are read.
  struct File {
    /// Its action; in a scan of changes only path, partition values and deletion vector. Rows that the vector marks are
    /// not read.
    delta::AddFile action;
    std::optional<delta::DeletionVectorDescriptor> only = {};  ///< Only rows that this marks; absent: all.
    /// Other columns whose value the log knows for the whole file.
    std::vector<std::pair<columnar::ColumnIndex, duckdb::Value>> constants = {};
  };

  /// What a scan of a table gives beside its columns.
  enum class Extra {
    None,
    /// Behind the table's columns those that make row ids: the two that files may hold (delta/row_tracking.h), then
    /// kBaseRowId and kDefaultRowCommitVersion.
    RowTracking,
  };

  /// Reads of the log's files nothing but their order; the rest when they are opened. InvalidArgument if row tracking is
  /// asked for and the table does not have it, Corruption if it does and a file has no base row id (which looks at each).
  static Result<std::shared_ptr<const DeltaScan>> create(DeltaTable table, ObjectFileSystem& files,
                                                         Extra extra = Extra::None);
  /// A file of a table, and which of its rows are meant.
  struct PartOfFile {
    delta::AddFile file;                                  ///< Rows that its deletion vector marks are not.
    std::optional<delta::DeletionVectorDescriptor> only;  ///< Only rows that this marks; absent: all.
  };
  /// Scans parts of files of the table.
  static Result<std::shared_ptr<const DeltaScan>> create_of_parts(DeltaTable table, std::vector<PartOfFile> parts,
                                                                  ObjectFileSystem& files);
  /// Scans the rows of a change data feed: the table's columns, then what happened to the row (`_change_type`) and when
  /// (`_commit_version`, `_commit_timestamp`). Errors as create().
  static Result<std::shared_ptr<const DeltaScan>> create_changes(DeltaChanges changes, ObjectFileSystem& files);
  /// Scans the rows of change files with the columns of the table, each file's under its number in `changes`. If one is
  /// Recorded, the last column says what happened to the row (`_change_type`). Errors as create().
  static Result<std::shared_ptr<const DeltaScan>> create_changed_rows(DeltaTable table,
                                                                      std::vector<delta::ChangeFile> changes,
                                                                      ObjectFileSystem& files);

  const DeltaTable& table() const { return table_; }
  /// All columns, those beside the table's included.
  const columnar::Schema& schema() const { return schema_; }
  const delta::DataType& fields() const { return fields_; }
  /// True if the rows have the hidden column of file_metadata.h: in scans of whole tables.
  bool has_file_metadata() const { return live_.has_value(); }
  std::size_t file_count() const { return live_ ? live_->size() : files_.size(); }
  /// Returns the file of a number below file_count(). Cost: a copy of its action.
  File file(std::size_t number) const;
  /// Returns those of the numbers whose files may have a row that the predicate is true for. Of changes all.
  std::vector<std::size_t> select(const delta::FilePredicate& predicate, std::span<const std::size_t> numbers) const;
  /// In a scan of changes all columns: the table may have been partitioned otherwise before.
  const std::vector<PartitionColumn>& partition_columns() const { return partition_columns_; }
  Mount& mount() const { return *mount_; }
  /// Rows of the files, if their statistics say; for the optimizer only. Cost: about 50 ns a file.
  std::optional<std::uint64_t> row_count_estimate(std::span<const std::size_t> numbers) const;
  /// Likewise of all files; the first call finds out.
  std::optional<std::uint64_t> row_count_estimate() const;

 private:
  DeltaScan() = default;

  static Result<std::shared_ptr<DeltaScan>> start(DeltaTable table, std::vector<delta::StructField> extra_fields);
  /// Makes its files readable, for as long as the scan lives. Unsupported, when one is opened, if it lies outside what
  /// can be read; Corruption if its path cannot be decoded.
  static void mount_files(const std::shared_ptr<DeltaScan>& scan, ObjectFileSystem& files);
  Status find_partition_columns();
  /// The first so many columns are partition columns of whichever file has a value for them.
  void allow_partition_values(columnar::ColumnIndex column_count);
  File& add_change(const delta::ChangeFile& change);

  DeltaTable table_;
  delta::DataType fields_;
  columnar::Schema schema_;
  std::optional<delta::LiveFiles::Numbered> live_;           // in a scan of a whole table, else files_
  std::optional<columnar::ColumnIndex> base_row_id_column_;  // with row tracking; the version's is the next
  std::vector<File> files_;
  mutable std::once_flag row_count_once_;
  mutable std::optional<std::uint64_t> row_count_;  // written once, under row_count_once_
  std::vector<PartitionColumn> partition_columns_;
  std::shared_ptr<Mount> mount_;
};

/// What a scan within a transaction reads: filled in when the query is planned.
struct ScanReads {
  std::shared_ptr<const DeltaScan> scan;
  bool is_narrowed = false;                      ///< By conditions; else all rows are read.
  std::vector<delta::FilePredicate> conditions;  ///< All of them hold for the rows that count.
  std::vector<std::size_t> files;                ///< Numbers of those that may have such rows.

  /// Adds it to what a transaction has read.
  void add_to(delta::ReadSet& reads) const;
};

/// What a scan is for, beyond reading.
struct ScanPurpose {
  std::shared_ptr<ScanReads> reads = {};       ///< Takes what is read; may be nullptr.
  duckdb::TableCatalogEntry* table = nullptr;  ///< The table as DuckDB's catalog has it.
};

/// Returns DuckDB's Parquet scan as a table function whose bind the caller sets to one that ends in bind_delta_scan().
/// It tells the optimizer no statistics: they would be of the files, deleted rows included.
duckdb::TableFunction delta_scan_function(const std::string& name);

/// Binds a scan: all its columns under their names; `file_row_number`, `file_index` (of DeltaScan::file()) and `_metadata`
/// (file_metadata.h) are virtual columns. Deleted rows are left out, columns that a file lacks are NULL. Files whose partition values or
/// statistics say that no row meets the query's conditions, those that a join's other side makes included, are not
/// opened; EXPLAIN shows how many are left.
duckdb::unique_ptr<duckdb::FunctionData> bind_delta_scan(duckdb::ClientContext& client,
                                                         std::shared_ptr<const DeltaScan> scan,
                                                         duckdb::vector<duckdb::LogicalType>& types,
                                                         duckdb::vector<std::string>& names, ScanPurpose purpose = {});

/// Runs a scan within a query of the client, file by file on the calling thread.
Status scan_files(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan, const LiveRowSink& sink);

/// Runs a scan outside a query, file by file on the calling thread. See Lake::scan_table.
Status run_delta_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                      const LiveRowSink& sink, const std::stop_token& stop);

/// Takes rows of one file: all columns of the scan, and the file's number.
using FileRowSink = std::function<Status(duckdb::DataChunk& rows, std::size_t file)>;
/// As above, for scans of changes too, and of some columns alone.
Status run_file_scan(duckdb::ClientContext& client, const std::shared_ptr<const DeltaScan>& scan,
                     const NeededColumns& needed, const FileRowSink& sink, const std::stop_token& stop);

}  // namespace sluice::lake
