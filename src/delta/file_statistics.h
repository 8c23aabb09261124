#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::delta {

/// Path to a leaf column: physical names from the top.
using ColumnPath = std::vector<std::string>;

/// What a file's statistics say of one column.
struct ColumnStatistics {
  std::optional<std::string> min;  ///< JSON text of a scalar: no value of the file is less. Absent: unknown.
  std::optional<std::string> max;  ///< Likewise, no value is greater; strings and timestamps may be rounded outwards.
  std::optional<std::int64_t> null_count;

  friend bool operator==(const ColumnStatistics&, const ColumnStatistics&) = default;
};

/// Statistics of a data file. Spec: "Per-file Statistics".
struct FileStatistics {
  std::optional<std::int64_t> num_records;  ///< Rows in the file, those a deletion vector marks included.
  std::optional<bool> tight_bounds;         ///< Absent means true. False: bounds hold, but need not be reached.
  std::map<ColumnPath, ColumnStatistics> columns;

  /// Returns the column's statistics, if any.
  const ColumnStatistics* find(const ColumnPath& path) const;

  friend bool operator==(const FileStatistics&, const FileStatistics&) = default;
};

/// Reads the `stats` of a file action. Bounds keep their text, so decimals lose no digit. Corruption if it is not JSON.
Result<FileStatistics> read_statistics(std::string_view json);

/// Returns how many rows the `stats` of a file action say that the file has; nullopt if they do not, or are damaged. Of
/// damaged ones it may find the number all the same. Cost: a few nanoseconds as all writers write them.
std::optional<std::int64_t> read_num_records(std::string_view json);

/// Writes statistics for the `stats` of a file action, columns nested as their paths say.
std::string write_statistics(const FileStatistics& statistics);

/// Returns the statistics that a file has once a deletion vector marks some of its rows: bounds are no longer tight.
/// Corruption if `stats` is not JSON; InvalidArgument if it lacks numRecords, which a file with a vector must state.
Result<std::string> with_wide_bounds(std::string_view stats);

}  // namespace sluice::delta
