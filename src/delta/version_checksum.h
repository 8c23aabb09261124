#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Transactions or domains that a version checksum lists; more are left out, by the specification as unknown.
inline constexpr std::size_t kChecksumEntriesMax = 100;

/// Returns the content of <version>.crc: sizes, protocol, metadata and what else the snapshot knows without looking at
/// its files. Pure. Spec: "Version Checksum File".
std::string version_checksum(const Snapshot& snapshot);

/// Writes the version checksum of the snapshot, unless the version has one: that stays as it is. Other readers check
/// their replay of the log by it, or spare themselves a part of it. Takes no part in a commit: a failure may be logged
/// and forgotten. Errors: Unsupported if we may not write the table; the store's. Cost: one put; the files are not
/// looked at.
Status write_version_checksum(store::ObjectStore& store, const Snapshot& snapshot);

}  // namespace sluice::delta
