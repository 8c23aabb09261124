#include "delta/log_segment.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace sluice::delta {
namespace {

/// What a listing holds, sorted out.
struct Found {
  std::map<Version, LogFile> commits;
  /// Complete checkpoints by version; several of one version in order of preference, best last.
  std::map<Version, std::vector<std::vector<LogFile>>> checkpoints;
  bool any = false;  ///< There is a commit or something that is, or was to be, a checkpoint.
};

/// Single files first (UUID-named ones last, they are the newer kind), then multi-part ones.
int preference_of(LogPath::Kind kind) {
  switch (kind) {
    case LogPath::Kind::MultiPartCheckpoint: return 0;
    case LogPath::Kind::ClassicCheckpoint: return 1;
    default: return 2;
  }
}

Found sort_out(std::span<const store::ObjectInfo> listing, const std::set<std::string>& unreadable) {
  Found found;
  std::map<std::pair<Version, std::int32_t>, std::map<std::int32_t, LogFile>> parts;  // by version and part count
  for (const store::ObjectInfo& info : listing) {
    const auto path = parse_log_path(info.key);
    if (!path) continue;
    LogFile file{*path, info};
    if (path->kind == LogPath::Kind::Commit) {
      found.any = true;
      found.commits.emplace(path->version, std::move(file));
    } else if (path->is_checkpoint()) {
      found.any = true;
      if (info.size_bytes == 0 || unreadable.contains(info.key)) continue;
      if (path->kind == LogPath::Kind::MultiPartCheckpoint) {
        parts[{path->version, path->part_count}].emplace(path->part, std::move(file));
      } else {
        found.checkpoints[path->version].push_back({std::move(file)});
      }
    }
  }
  for (auto& [group, files] : parts) {
    if (files.size() != static_cast<std::size_t>(group.second)) continue;  // incomplete: as good as none
    std::vector<LogFile> checkpoint;
    for (auto& [part, file] : files) checkpoint.push_back(std::move(file));
    found.checkpoints[group.first].push_back(std::move(checkpoint));
  }
  for (auto& [version, candidates] : found.checkpoints) {
    std::sort(candidates.begin(), candidates.end(), [](const auto& left, const auto& right) {
      const auto rank = [](const std::vector<LogFile>& files) {
        return std::pair(preference_of(files.front().path.kind), files.front().info.key);
      };
      return rank(left) < rank(right);
    });
  }
  return found;
}

/// Returns the first version from `begin` to `end` that has no commit.
std::optional<Version> first_missing(const Found& found, Version begin, Version end) {
  for (Version version = begin; version <= end; version = version.next()) {
    if (!found.commits.contains(version)) return version;
  }
  return std::nullopt;
}

Error gap(const Found& found, Version first, Version target) {
  Version last = first;
  while (last < target && !found.commits.contains(last.next())) last = last.next();
  const std::string missing = first == last ? fmt::format("version {} is", first.value())
                                            : fmt::format("versions {} to {} are", first.value(), last.value());
  return Error(
             ErrorCode::Corruption,
             fmt::format("the log cannot be read up to version {}: {} missing, and no log checkpoint that can be read "
                         "stands behind",
                         target.value(), missing))
      .with_number(4201)
      .with_help("restore the missing files of _delta_log from a backup");
}

}  // namespace

Version LogSegment::checkpoint_version() const {
  return checkpoint.empty() ? kNoVersion : checkpoint.front().path.version;
}

Result<std::optional<LogSegment>> decide_log_segment(std::span<const store::ObjectInfo> listing,
                                                     std::optional<Version> at,
                                                     const std::set<std::string>& unreadable) {
  const Found found = sort_out(listing, unreadable);
  if (!found.any) return std::optional<LogSegment>();

  Version newest = kNoVersion;
  if (!found.commits.empty()) newest = found.commits.rbegin()->first;
  if (!found.checkpoints.empty()) newest = std::max(newest, found.checkpoints.rbegin()->first);
  if (newest == kNoVersion) {
    return Error(ErrorCode::Corruption, "the log holds no commit and no log checkpoint that can be read")
        .with_number(4203);
  }
  const Version target = at.value_or(newest);
  if (target > newest || target < Version(0)) {
    return Error(ErrorCode::NotFound,
                 fmt::format("the table has no version {}; its newest is {}", target.value(), newest.value()));
  }

  LogSegment segment;
  segment.version = target;
  // The newest checkpoint wins, but an older one, or none, does as well if a commit behind the newest is missing.
  auto candidate = found.checkpoints.upper_bound(target);
  std::optional<Version> missing;
  while (candidate != found.checkpoints.begin()) {
    --candidate;
    missing = first_missing(found, candidate->first.next(), target);
    if (missing) continue;
    segment.checkpoint = candidate->second.back();
    break;
  }
  if (segment.checkpoint.empty()) {
    const auto from_start = first_missing(found, Version(0), target);
    if (from_start) {
      const bool starts_later = at && *from_start == Version(0) && !found.checkpoints.empty();
      if (starts_later && found.checkpoints.begin()->first > target) {
        return Error(ErrorCode::NotFound,
                     fmt::format("version {} of the table is no longer there: the log was cleaned up to version {}",
                                 target.value(), found.checkpoints.begin()->first.value()));
      }
      return gap(found, missing.value_or(*from_start), target);
    }
  }
  for (Version version = segment.checkpoint_version().next(); version <= target; version = version.next()) {
    segment.commits.push_back(found.commits.at(version));
  }
  if (const auto newest_commit = found.commits.find(target); newest_commit != found.commits.end()) {
    segment.newest = newest_commit->second;
  }
  return std::optional(std::move(segment));
}

}  // namespace sluice::delta
