#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "delta/log_segment.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta::internal {

/// Finds the files of the log that make one version of a table, and others when their log checkpoint is damaged.
/// Cost: one listing, a short one while `_last_checkpoint` tells the truth.
class SegmentFinder {
 public:
  /// Looks for version `at`, or the newest. `store` must outlive the finder.
  SegmentFinder(store::ObjectStore& store, std::optional<Version> at) : store_(store), at_(at) {}

  /// Lists the log and decides. nullopt: there is no table. Errors: those of decide_log_segment() and of the store; if a
  /// damaged checkpoint is missed, the error says so.
  Result<std::optional<LogSegment>> find();

  /// The segment's checkpoint turned out to be damaged: find() passes it over from now on.
  void pass_over(const LogSegment& segment, Error damage);

  /// Why log checkpoints newer than the one that find() returned last were passed over, each naming the file.
  const std::vector<std::string>& passed_over() const { return passed_over_; }

 private:
  /// Decides, and takes note of empty checkpoints that would have counted.
  Result<std::optional<LogSegment>> decide(const std::vector<store::ObjectInfo>& listing);

  store::ObjectStore& store_;
  const std::optional<Version> at_;
  bool use_hint_ = true;
  std::set<std::string> unreadable_;
  std::optional<Error> damage_;
  std::vector<std::string> passed_over_;
};

}  // namespace sluice::delta::internal
