#pragma once

#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Does what a writer does for the log after its commit, of which `snapshot` is the version: the version checksum, and,
/// where due, a log checkpoint and a clean-up. Each only makes reading faster or the log shorter, so a failure of one
/// waits for the next commit and keeps nothing else from being done; returns the failures, for a log.
/// Cost: one put; with a log checkpoint see write_log_checkpoint(), with a clean-up clean_log().
std::vector<Error> maintain_log(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock, Random& random);

}  // namespace sluice::delta
