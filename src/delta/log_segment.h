#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "delta/log_path.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// A file of the log, with what the listing says of it.
struct LogFile {
  LogPath path;
  store::ObjectInfo info;

  friend bool operator==(const LogFile&, const LogFile&) = default;
};

/// The files that make one version of a table: at most one complete log checkpoint and every commit after it.
/// Invariants: commits ascend without a gap, begin right after the checkpoint (or at 0) and end at `version`, unless
/// the checkpoint itself is of `version`: then there are none.
struct LogSegment {
  Version version;
  std::vector<LogFile> checkpoint;  ///< One file, or all parts in order; empty: from commit 0 on.
  std::vector<LogFile> commits;     ///< Ascending.
  std::optional<LogFile> newest;    ///< The commit `version`, if it is there: it need not be beside a checkpoint of it.

  /// Returns the version of the checkpoint, kNoVersion without one.
  Version checkpoint_version() const;

  friend bool operator==(const LogSegment&, const LogSegment&) = default;
};

/// Chooses the files for version `at` (the newest if absent) from a listing of _delta_log/ in any order. Files that are
/// not of the log, empty checkpoints and incomplete multi-part ones do not count, nor do those in `unreadable`
/// (keys of checkpoints that turned out to be damaged). Prefers the newest checkpoint that works. nullopt: the listing
/// holds no commit and no checkpoint at all. Pure.
/// Corruption, naming the missing versions, if there is a gap; NotFound if `at` lies behind the newest version or is no
/// longer there.
Result<std::optional<LogSegment>> decide_log_segment(std::span<const store::ObjectInfo> listing,
                                                     std::optional<Version> at = std::nullopt,
                                                     const std::set<std::string>& unreadable = {});

}  // namespace sluice::delta
