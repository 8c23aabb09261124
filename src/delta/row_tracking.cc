#include "delta/row_tracking.h"

#include <fmt/format.h>

namespace sluice::delta {
namespace {

Result<std::string> required_property(const Snapshot& snapshot, const std::string& key) {
  const auto found = snapshot.metadata().configuration.find(key);
  if (found != snapshot.metadata().configuration.end()) return found->second;
  return Error(ErrorCode::Corruption, fmt::format("the table has row tracking, but no property {}", key));
}

}  // namespace

Result<RowTrackingColumns> row_tracking_columns(const Snapshot& snapshot) {
  if (!snapshot.properties().enable_row_tracking) {
    return Error(ErrorCode::InvalidArgument, "the table has no row tracking: delta.enableRowTracking is not true");
  }
  RowTrackingColumns columns;
  SLUICE_TRY_ASSIGN(columns.row_id, required_property(snapshot, "delta.rowTracking.materializedRowIdColumnName"));
  SLUICE_TRY_ASSIGN(columns.row_commit_version,
                    required_property(snapshot, "delta.rowTracking.materializedRowCommitVersionColumnName"));
  return columns;
}

}  // namespace sluice::delta
