#include "delta/log_cleanup.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "delta/data_path.h"
#include "delta/features.h"
#include "delta/internal/checkpoint_reader.h"
#include "delta/log_segment.h"

namespace sluice::delta {
namespace {

constexpr std::int64_t kCheckpointsPerCleanup = 10;

/// The start of the day in which the retention begins.
UnixMillis cutoff_of(const Snapshot& snapshot, UnixMillis now) {
  return std::chrono::floor<std::chrono::days>(now - snapshot.properties().log_retention);
}

/// Returns the log checkpoints that, with all before them, are past the retention, newest first.
std::vector<LogSegment> find_anchors(const std::vector<store::ObjectInfo>& listing, UnixMillis cutoff) {
  std::map<Version, UnixMillis> written;  // the last time that anything of the version was
  std::set<Version> checkpoints;
  for (const store::ObjectInfo& info : listing) {
    const auto path = parse_log_path(info.key);
    if (!path) continue;
    UnixMillis& last = written[path->version];
    last = std::max(last, info.modified);
    if (path->is_checkpoint()) checkpoints.insert(path->version);
  }
  Version expired = kNoVersion;  // with all before it
  for (const auto& [version, time] : written) {
    if (time >= cutoff) break;
    expired = version;
  }
  std::vector<LogSegment> anchors;
  for (auto version = checkpoints.rbegin(); version != checkpoints.rend(); ++version) {
    if (*version > expired) continue;
    const auto segment = decide_log_segment(listing, *version);
    if (segment && *segment && (*segment)->checkpoint_version() == *version) anchors.push_back(**segment);
  }
  return anchors;
}

/// The keys of what the log holds of versions before `version`, commits first; at most kLogFilesRemovedMax.
std::vector<std::string> files_before(const std::vector<store::ObjectInfo>& listing, Version version) {
  std::vector<std::string> commits;
  std::vector<std::string> others;
  for (const store::ObjectInfo& info : listing) {  // ascending
    const auto path = parse_log_path(info.key);
    if (!path || path->last_version >= version) continue;
    (path->kind == LogPath::Kind::Commit ? commits : others).push_back(info.key);
  }
  commits.insert(commits.end(), others.begin(), others.end());
  if (commits.size() > kLogFilesRemovedMax) commits.resize(kLogFilesRemovedMax);
  return commits;
}

/// The names of the sidecars that the log checkpoints in the listing name; nullopt if one of them cannot be read.
Result<std::optional<std::set<std::string>>> named_sidecars(store::ObjectStore& store,
                                                            const std::vector<store::ObjectInfo>& listing) {
  std::set<std::string> names;
  const auto take = [&](Action&& action) { names.insert(canonical_path(std::get<Sidecar>(action).path)); };
  for (const store::ObjectInfo& info : listing) {
    const auto path = parse_log_path(info.key);
    if (!path || !path->is_checkpoint() || path->kind == LogPath::Kind::MultiPartCheckpoint) continue;
    const LogFile file{*path, info};
    const Status read =
        internal::read_checkpoint(store, std::span(&file, 1), internal::CheckpointContent::Sidecars, {take});
    if (!read && read.error().code() == ErrorCode::Corruption) return std::optional<std::set<std::string>>();
    SLUICE_TRY(Status(read));
  }
  return std::optional(std::move(names));
}

/// Removes old sidecars that no log checkpoint names; returns how many.
Result<std::size_t> remove_sidecars(store::ObjectStore& store, UnixMillis now, std::size_t count_max) {
  SLUICE_TRY_ASSIGN(const auto sidecars, store.list(kSidecarFolder));
  if (sidecars.empty()) return std::size_t{0};
  // Listed after the sidecars: what a log checkpoint that is younger names cannot be among them and old.
  SLUICE_TRY_ASSIGN(const auto listing, store.list(kLogFolder));
  SLUICE_TRY_ASSIGN(const auto named, named_sidecars(store, listing));
  if (!named) return std::size_t{0};
  const UnixMillis cutoff = std::chrono::floor<std::chrono::days>(now) - std::chrono::days(1);
  std::size_t count = 0;
  for (const store::ObjectInfo& info : sidecars) {
    const std::string_view name = std::string_view(info.key).substr(kSidecarFolder.size());
    if (count == count_max || info.modified >= cutoff || named->contains(std::string(name))) continue;
    SLUICE_TRY(store.remove(info.key));
    ++count;
  }
  return count;
}

/// Removes what is past the retention, but sidecars; returns how many.
Result<std::size_t> remove_expired(store::ObjectStore& store, const Snapshot& snapshot, UnixMillis now) {
  SLUICE_TRY_ASSIGN(const auto listing, store.list(kLogFolder));
  for (const LogSegment& anchor : find_anchors(listing, cutoff_of(snapshot, now))) {
    const std::vector<std::string> keys = files_before(listing, anchor.version);
    if (keys.empty()) break;
    const internal::CheckpointSink nowhere{[](Action&&) {}, [](const auto&) {}};
    const Status readable =
        internal::read_checkpoint(store, anchor.checkpoint, internal::CheckpointContent::State, nowhere);
    if (!readable && readable.error().code() == ErrorCode::Corruption) continue;
    SLUICE_TRY(Status(readable));
    for (const std::string& key : keys) SLUICE_TRY(store.remove(key));
    return keys.size();
  }
  return std::size_t{0};
}

}  // namespace

bool log_cleanup_due(const Snapshot& snapshot) {
  const std::int64_t interval = snapshot.properties().checkpoint_interval;
  const std::int64_t version = snapshot.version().value();
  return snapshot.properties().enable_expired_log_cleanup && version > 0 && version % interval == 0 &&
         version / interval % kCheckpointsPerCleanup == 0;
}

Result<std::size_t> clean_log(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock) {
  SLUICE_TRY(check_writable(snapshot.protocol(), snapshot.metadata(), snapshot.schema()));
  if (!snapshot.properties().enable_expired_log_cleanup) return std::size_t{0};
  const UnixMillis now = clock.now();
  SLUICE_TRY_ASSIGN(const std::size_t expired, remove_expired(store, snapshot, now));
  SLUICE_TRY_ASSIGN(const std::size_t sidecars, remove_sidecars(store, now, kLogFilesRemovedMax - expired));
  return expired + sidecars;
}

}  // namespace sluice::delta
