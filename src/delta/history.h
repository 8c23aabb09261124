#pragma once

#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/snapshot.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Returns when the version was committed: its in-commit timestamp if `properties`, those at that version, ask for them,
/// else when the commit file was written. Corruption if the commit lacks the timestamp it must have. Spec: "In-Commit
/// Timestamps".
Result<UnixMillis> commit_time(store::ObjectStore& store, Version version, std::span<const Action> commit,
                               const TableProperties& properties);

/// Returns the newest version that was committed at `time` or before, of the table that `newest` is. Times of commit
/// files, which may run backwards, are taken to grow by a millisecond at least. NotFound if `time` is before the first
/// commit that is still there, or after the newest: what will be true then is not known yet. A version whose commit is
/// there may lack what came before it, after a clean-up of the log; loading it tells.
/// Cost: one listing, and with in-commit timestamps one read for each halving of the versions.
Result<Version> find_version_at(store::ObjectStore& store, const Snapshot& newest, UnixMillis time);

}  // namespace sluice::delta
