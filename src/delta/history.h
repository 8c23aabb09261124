#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/snapshot.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// When the versions of a table were committed: by the commits themselves from the version on at which in-commit
/// timestamps were switched on, if they are on in the newest; before that, by when the commit files were written. These
/// times may run backwards and are taken to grow by a millisecond at least. Immutable. Spec: "In-Commit Timestamps".
class CommitTimes {
 public:
  /// Knows the commits behind the last gap, up to that of `newest`, as far as they are there. Cost: one listing.
  static Result<CommitTimes> load(store::ObjectStore& store, const Snapshot& newest);

  bool empty() const { return files_.empty(); }
  std::size_t size() const { return files_.size(); }
  Version version(std::size_t index) const { return files_[index].first; }
  /// Where those begin that say their time themselves; size() if none does.
  std::size_t first_dated() const { return first_dated_; }

  /// Returns the time of a version whose commit the caller has read. NotFound if the version is not among them;
  /// Corruption if the commit lacks the timestamp that it must have.
  Result<UnixMillis> time_of(Version version, std::span<const Action> commit) const;
  /// As above, reading the commit if its time is in it.
  Result<UnixMillis> load_time_of(store::ObjectStore& store, std::size_t index) const;

 private:
  std::vector<std::pair<Version, UnixMillis>> files_;  // ascending without a gap; when they were written, growing
  std::size_t first_dated_ = 0;
};

/// Returns the newest version that was committed at `time` or before, of the table that `newest` is. See
/// CommitTimes. NotFound if `time` is before the first
/// commit that is still there, or after the newest: what will be true then is not known yet. A version whose commit is
/// there may lack what came before it, after a clean-up of the log; loading it tells.
/// Cost: one listing, and with in-commit timestamps one read for each halving of the versions.
Result<Version> find_version_at(store::ObjectStore& store, const Snapshot& newest, UnixMillis time);

}  // namespace sluice::delta
