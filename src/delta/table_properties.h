#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/parquet_compression.h"

namespace sluice::delta {

/// How the keys of CHECK constraints begin; the constraint's name follows.
inline constexpr std::string_view kConstraintPrefix = "delta.constraints.";

enum class ColumnMappingMode { None, Name, Id };

/// A table's `configuration`, typed. Absent keys have the specification's default, given here. Spec: "Table
/// Properties".
struct TableProperties {
  bool append_only = false;                                         ///< delta.appendOnly
  bool enable_change_data_feed = false;                             ///< delta.enableChangeDataFeed
  bool enable_deletion_vectors = false;                             ///< delta.enableDeletionVectors
  bool enable_in_commit_timestamps = false;                         ///< delta.enableInCommitTimestamps
  bool enable_row_tracking = false;                                 ///< delta.enableRowTracking
  bool enable_type_widening = false;                                ///< delta.enableTypeWidening
  bool enable_variant_shredding = false;                            ///< delta.enableVariantShredding
  ColumnMappingMode column_mapping_mode = ColumnMappingMode::None;  ///< delta.columnMapping.mode
  std::int64_t checkpoint_interval = 10;                            ///< delta.checkpointInterval, commits; at least 1.
  bool v2_checkpoints = false;                                      ///< delta.checkpointPolicy is v2
  bool checkpoint_stats_as_json = true;                             ///< delta.checkpoint.writeStatsAsJson
  bool checkpoint_stats_as_struct = false;                          ///< delta.checkpoint.writeStatsAsStruct
  std::int64_t statistics_columns_max = 32;  ///< delta.dataSkippingNumIndexedCols, leaf columns; -1: all.
  std::optional<std::vector<std::vector<std::string>>> statistics_columns;  ///< delta.dataSkippingStatsColumns, paths.
  std::chrono::milliseconds deleted_file_retention =
      std::chrono::hours(7 * 24);                                         ///< delta.deletedFileRetentionDuration
  std::chrono::milliseconds log_retention = std::chrono::hours(30 * 24);  ///< delta.logRetentionDuration
  bool enable_expired_log_cleanup = true;                                 ///< delta.enableExpiredLogCleanup
  std::optional<std::chrono::milliseconds>
      transaction_retention;  ///< delta.setTransactionRetentionDuration; absent: ever.
  /// delta.targetFileSize, bytes: a data file is closed when it has about this size.
  std::uint64_t file_bytes_target = 128 * 1024 * 1024;
  /// delta.parquet.compression.codec; codecs that we do not write count as not set.
  columnar::ParquetCompression compression = columnar::ParquetCompression::Zstd;
  std::map<std::string, std::string> constraints;  ///< delta.constraints.<name>: Spark SQL.

  friend bool operator==(const TableProperties&, const TableProperties&) = default;
};

/// Reads the properties; keys that are not known are left alone. InvalidArgument, naming key and value, if a known key
/// has a value that means nothing.
Result<TableProperties> read_properties(const std::map<std::string, std::string>& configuration);

/// Returns the key as Delta writes it, of one in any case; nullopt if it is not the key of a property that sluice acts on
/// or that only other writers need. Keys of features that sluice does not write, and of the protocol itself, are none.
std::optional<std::string_view> find_property_key(std::string_view key);

/// Returns the error for a key that begins with "delta." and is none of those; its help names near ones.
Error unknown_property(std::string_view key);

/// Reads "interval 7 days", "INTERVAL '1' WEEK 2 hours", … Months and years are refused: their length varies.
Result<std::chrono::milliseconds> read_interval(std::string_view text);

}  // namespace sluice::delta
