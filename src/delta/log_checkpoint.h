#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// True if the table's checkpoint interval asks for a log checkpoint at this version. Pure.
bool log_checkpoint_due(const Snapshot& snapshot);

/// Writes a classic log checkpoint (version 1 content) of the snapshot, then the hint `_last_checkpoint`.
/// Tombstones older than the table's retention and expired transactions, by `clock`, are left out; an existing
/// checkpoint of the version is replaced by an equal one. Takes no part in a commit: a failure may be logged and
/// forgotten. Reads the log from the checkpoint before to collect the tombstones. Errors: Unsupported if we may not
/// write the table; those of Snapshot::load() and of the store.
Status write_log_checkpoint(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock);

}  // namespace sluice::delta
