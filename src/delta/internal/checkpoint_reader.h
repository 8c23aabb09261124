#pragma once

#include <functional>
#include <span>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/log_segment.h"
#include "store/object_store.h"

namespace sluice::delta::internal {

/// Which actions of a log checkpoint to read.
enum class CheckpointContent {
  State,       ///< Everything a snapshot holds: all but tombstones.
  Tombstones,  ///< RemoveFile only.
};

/// Reads a log checkpoint (classic, multi-part, v2 with sidecars; Parquet or JSON) and passes its actions on, in the
/// order of its files. `files` are the parts, as in LogSegment::checkpoint.
///
/// Every error but those of the store itself (Unavailable, PermissionDenied, ResourceExhausted) means that this
/// checkpoint cannot be used (Corruption, naming the file); what was passed on by then is to be forgotten. Whatever
/// DuckDB throws on hostile bytes ends here, INTERNAL errors too: the instance is made for one call and thrown away.
Status read_checkpoint(store::ObjectStore& store, std::span<const LogFile> files, CheckpointContent content,
                       const std::function<void(Action&&)>& take);

}  // namespace sluice::delta::internal
