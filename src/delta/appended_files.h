#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "delta/change_files.h"
#include "delta/delta_schema.h"
#include "delta/table_difference.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Which commits of a table to read, for a reader that takes each row once.
struct AppendRange {
  Version first;
  Version last;                        ///< At least `first`.
  std::optional<DataType> columns;     ///< Before `first`, if known.
  std::uint64_t files_max = 0;         ///< Stop behind the commit that brings the number of files to this.
  bool skip_changing_commits = false;  ///< Commits that take rows away count as empty, else they end the reading.
};

/// Files with rows that were added to a table.
struct AppendedFiles {
  Version last;                        ///< Of the commits read, whether they added anything or not.
  std::vector<CommitChanges> commits;  ///< Those that added rows, in order; Insert files alone, without timestamps.
  std::optional<DataType> columns;     ///< After `last`, if known.
  std::optional<Version> changing;     ///< The first commit that takes rows away: it and all after it were not read.
  std::optional<TableDifference::ColumnChange> column_change;  ///< The first up to `last`.
};

/// Reads what commits add. A commit takes rows away if it removes a file, or changes its deletion vector, other than to
/// rearrange rows. Errors: NotFound, naming the version (4210), if one is no longer in the log; else as load_commit().
/// Cost: one read per version.
Result<AppendedFiles> load_appended_files(store::ObjectStore& store, AppendRange range);

}  // namespace sluice::delta
