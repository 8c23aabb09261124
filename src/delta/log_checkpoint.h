#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// True if the table's checkpoint interval asks for a log checkpoint at this version. Pure.
bool log_checkpoint_due(const Snapshot& snapshot);

/// Actions in one sidecar of a v2 log checkpoint.
inline constexpr std::size_t kSidecarActionsMax = 65'536;

/// Writes a log checkpoint of the snapshot, then the hint `_last_checkpoint`. With `delta.checkpointPolicy` v2 and the
/// feature v2Checkpoint it is a v2 log checkpoint under the classic name, its files in sidecars; else a classic one. With
/// `delta.checkpoint.writeStatsAsStruct` statistics and partition values are columns as well.
/// Tombstones older than the table's retention and expired transactions, by `clock`, are left out; an existing
/// checkpoint of the version is replaced by an equal one (its sidecars, which a reader may be at, stay until the log is
/// cleaned up). Takes no part in a commit: a failure may be logged and
/// forgotten. Reads the log from the checkpoint before to collect the tombstones. Errors: Unsupported if we may not
/// write the table; those of Snapshot::load() and of the store.
Status write_log_checkpoint(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock, Random& random);

}  // namespace sluice::delta
