#include "delta/history.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "delta/internal/time_text.h"
#include "delta/log_path.h"

namespace sluice::delta {
namespace {

constexpr std::chrono::milliseconds kStep{1};

std::string text_of(UnixMillis time) {
  const std::int64_t millis = time.time_since_epoch().count();
  return internal::timestamp_text_millis(millis).value_or(fmt::format("{} ms", millis));
}

std::optional<std::int64_t> integer_property(const Snapshot& snapshot, const std::string& key) {
  const auto found = snapshot.metadata().configuration.find(key);
  if (found == snapshot.metadata().configuration.end()) return std::nullopt;
  std::int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Result<UnixMillis> in_commit_timestamp(std::span<const Action> commit, Version version) {
  const CommitInfo* info = find_commit_info(commit);
  if (info != nullptr && info->in_commit_timestamp) return *info->in_commit_timestamp;
  return Error(ErrorCode::Corruption, fmt::format("{} has no in-commit timestamp", commit_key(version)))
      .with_number(4202);
}

/// The commits of a table in order, each with the time its file was written; all those behind the last gap.
std::vector<std::pair<Version, UnixMillis>> list_commits(std::span<const store::ObjectInfo> listing, Version newest) {
  std::map<Version, UnixMillis> found;
  for (const store::ObjectInfo& info : listing) {
    const auto path = parse_log_path(info.key);
    if (path && path->kind == LogPath::Kind::Commit) found.emplace(path->version, info.modified);
  }
  std::vector<std::pair<Version, UnixMillis>> commits;
  for (Version version = newest; found.contains(version); version = Version(version.value() - 1)) {
    commits.emplace_back(version, found.at(version));
  }
  std::reverse(commits.begin(), commits.end());
  for (std::size_t i = 1; i < commits.size(); ++i) {
    commits[i].second = std::max(commits[i].second, commits[i - 1].second + kStep);
  }
  return commits;
}

Error outside(std::string_view where, UnixMillis time, UnixMillis end) {
  return Error(ErrorCode::NotFound,
               fmt::format("{} is {} commit that the log holds, which is of {}", text_of(time), where, text_of(end)));
}

}  // namespace

Result<CommitTimes> CommitTimes::load(store::ObjectStore& store, const Snapshot& newest) {
  SLUICE_TRY_ASSIGN(const auto listing, store.list(kLogFolder));
  CommitTimes times;
  times.files_ = list_commits(listing, newest.version());
  times.first_dated_ = times.files_.size();
  if (newest.properties().enable_in_commit_timestamps) {
    const Version enabled(integer_property(newest, "delta.inCommitTimestampEnablementVersion").value_or(0));
    const auto is_undated = [&](const auto& commit) { return commit.first < enabled; };
    times.first_dated_ = static_cast<std::size_t>(std::count_if(times.files_.begin(), times.files_.end(), is_undated));
  }
  return times;
}

Result<UnixMillis> CommitTimes::time_of(Version version, std::span<const Action> commit) const {
  if (files_.empty() || version < files_.front().first || version > files_.back().first) {
    return Error(ErrorCode::NotFound,
                 fmt::format("the log has no {}, or not all commits behind it", commit_key(version)));
  }
  const auto index = static_cast<std::size_t>(version.value() - files_.front().first.value());
  if (index < first_dated_) return files_[index].second;
  return in_commit_timestamp(commit, version);
}

Result<UnixMillis> CommitTimes::load_time_of(store::ObjectStore& store, std::size_t index) const {
  if (index < first_dated_) return files_[index].second;
  SLUICE_TRY_ASSIGN(const auto actions, load_commit(store, files_[index].first));
  return in_commit_timestamp(actions, files_[index].first);
}

Result<Version> find_version_at(store::ObjectStore& store, const Snapshot& newest, UnixMillis time) {
  SLUICE_TRY_ASSIGN(const CommitTimes commits, CommitTimes::load(store, newest));
  if (commits.empty()) {
    return Error(ErrorCode::NotFound, "the log holds no commit, so nothing says when its versions were made");
  }
  const std::size_t first_dated = commits.first_dated();
  const auto time_of = [&](std::size_t index) { return commits.load_time_of(store, index); };

  SLUICE_TRY_ASSIGN(const UnixMillis last, time_of(commits.size() - 1));
  if (time > last) return outside("after the newest", time, last);
  std::size_t begin = 0;
  std::size_t end = commits.size();
  if (first_dated > 0 && first_dated < commits.size()) {
    SLUICE_TRY_ASSIGN(const UnixMillis switched, time_of(first_dated));
    (time < switched ? end : begin) = first_dated;
  }
  // The first commit after `time`, between begin and end: times grow within.
  const std::size_t first = begin;
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    SLUICE_TRY_ASSIGN(const UnixMillis committed, time_of(middle));
    (committed <= time ? begin : end) = committed <= time ? middle + 1 : middle;
  }
  if (begin > first) {
    return commits.version(begin - 1);
  }
  SLUICE_TRY_ASSIGN(const UnixMillis earliest, time_of(first));
  return outside("before the first", time, earliest);
}

}  // namespace sluice::delta
