#pragma once

#include <string>

#include "base/result.h"
#include "delta/snapshot.h"

namespace sluice::delta {

/// Names of the columns in data files that hold what a row had before it was rewritten. A row whose file lacks them, or
/// has NULL there, has the file's base row id plus its position, and the file's default row commit version.
/// Spec: "Row Tracking".
struct RowTrackingColumns {
  std::string row_id;
  std::string row_commit_version;
};

/// Returns the table's columns for row tracking. InvalidArgument if row tracking is not enabled; Corruption if it is and
/// the columns are not named.
Result<RowTrackingColumns> row_tracking_columns(const Snapshot& snapshot);

}  // namespace sluice::delta
