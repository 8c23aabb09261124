#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/result.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Files of the log that one clean-up removes.
inline constexpr std::size_t kLogFilesRemovedMax = 10'000;

/// True if the log is to be cleaned up at this version: at every tenth log checkpoint, for it takes a listing of the
/// whole log. Pure.
bool log_cleanup_due(const Snapshot& snapshot);

/// Removes what the log holds of versions that are older than the table keeps them (delta.logRetentionDuration, unless
/// delta.enableExpiredLogCleanup is false), and returns how many files that were: commits, checksums, compactions and
/// log checkpoints before the newest log checkpoint which, with everything before it, was written before the day on
/// which the retention began (midnight, UTC). That one is read through first; if it is damaged, an older one takes its
/// place. At most kLogFilesRemovedMax go at once, so that nobody waits long; the rest goes the next time. Commits go first, oldest first, so that what is left always is a log without a gap.
///
/// Sidecars that no log checkpoint names any more go, too, when they are older than a day before midnight: a younger one
/// may be of a log checkpoint that is being written. They all stay if one of the log checkpoints cannot be read.
///
/// Takes no part in a commit: a failure may be logged and forgotten. Errors: Unsupported if we may not write the table; the store's.
/// Spec: "Metadata Cleanup".
Result<std::size_t> clean_log(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock);

}  // namespace sluice::delta
