#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/internal/file_block.h"
#include "delta/log_segment.h"
#include "store/object_store.h"

namespace sluice::delta::internal {

/// How many threads read one log checkpoint at most.
inline constexpr std::size_t kCheckpointThreadsMax = 8;

/// Which actions of a log checkpoint to read.
enum class CheckpointContent {
  State,       ///< Everything a snapshot holds: all but tombstones.
  Tombstones,  ///< RemoveFile only.
  Sidecars,    ///< Only which sidecars it names; they are not read.
};

/// What becomes of the actions of a log checkpoint. Calls come one at a time, but from any thread.
struct CheckpointSink {
  std::function<void(Action&&)> take;
  /// Takes AddFile actions by the block, in no certain order; absent: `take` gets them one by one.
  std::function<void(std::shared_ptr<const FileBlock>)> take_files = {};
};

/// Reads a log checkpoint (classic, multi-part, v2 with sidecars; Parquet or JSON) and passes its actions on. `files`
/// are the parts, as in LogSegment::checkpoint. Of Parquet only the columns that are asked for are read; large ones by
/// up to kCheckpointThreadsMax threads of DuckDB, a row group each.
///
/// Every error but those of the store itself (Unavailable, PermissionDenied, ResourceExhausted) means that this
/// checkpoint cannot be used (Corruption, naming the file); what was passed on by then is to be forgotten. Whatever
/// DuckDB throws on hostile bytes ends here, INTERNAL errors too: the instance is made for one call and thrown away.
Status read_checkpoint(store::ObjectStore& store, std::span<const LogFile> files, CheckpointContent content,
                       const CheckpointSink& sink);

}  // namespace sluice::delta::internal
