#include "connect/files/discovery.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"
#include "connect/files/internal/glob.h"

namespace sluice::connect {
namespace {

bool is_hidden(std::string_view name) { return name.starts_with('.') || name.starts_with('_'); }

std::string join(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  return folder.ends_with('/') ? fmt::format("{}{}", folder, name) : fmt::format("{}/{}", folder, name);
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    const bool repeats = part == "**" && !parts.empty() && parts.back() == "**";
    if (!part.empty() && part != "." && !repeats) parts.push_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

/// Walks the folders for one pattern without braces.
class Walk {
 public:
  Walk(FileSystem& files, std::vector<FileInfo>& found) : files_(files), found_(found) {}

  /// `base` exists; the files are those that `parts` names below it, or in it if there are none.
  Status run(const std::string& base, const PathStatus& status, std::span<const std::string_view> parts) {
    return parts.empty() ? take(base, status, 0) : match(base, parts, 0);
  }

 private:
  /// Lists a folder below the base. One that vanished or is closed to us in the meantime holds no files for us to miss:
  /// the first is like a listing a moment later, the second is an error.
  Result<std::vector<FolderEntry>> list(const std::string& folder) {
    auto entries = files_.list(folder);
    if (!entries && entries.error().code() == ErrorCode::NotFound) return std::vector<FolderEntry>();
    return entries;
  }

  /// Adds the file, or every file below the folder.
  Status take(const std::string& path, const PathStatus& status, std::size_t depth) {
    if (status.kind == PathStatus::Kind::File) {
      if (found_.size() >= kFilesMax) {
        return Error(ErrorCode::ResourceExhausted, fmt::format("more than {} files match", kFilesMax))
            .with_number(kErrorTooManyFiles)
            .with_help("use a narrower pattern, or move files that were read to another folder");
      }
      found_.push_back({.path = path, .size_bytes = status.size_bytes, .modified = status.modified});
      return ok();
    }
    if (status.kind != PathStatus::Kind::Folder) return ok();
    SLUICE_TRY(check_depth(path, depth));
    SLUICE_TRY_ASSIGN(const std::vector<FolderEntry> entries, list(path));
    for (const FolderEntry& entry : entries) {
      const bool linked_folder = entry.link && entry.status.kind == PathStatus::Kind::Folder;
      if (is_hidden(entry.name) || linked_folder) continue;
      SLUICE_TRY(take(join(path, entry.name), entry.status, depth + 1));
    }
    return ok();
  }

  /// Matches `parts`, of which there is at least one, inside `folder`.
  Status match(const std::string& folder, std::span<const std::string_view> parts, std::size_t depth) {
    SLUICE_TRY(check_depth(folder, depth));
    const bool last = parts.size() == 1;
    if (parts[0] == "**") {
      if (last) return take(folder, {.kind = PathStatus::Kind::Folder}, depth);
      SLUICE_TRY(match(folder, parts.subspan(1), depth));
      SLUICE_TRY_ASSIGN(const std::vector<FolderEntry> entries, list(folder));
      for (const FolderEntry& entry : entries) {
        if (entry.status.kind != PathStatus::Kind::Folder || entry.link || is_hidden(entry.name)) continue;
        SLUICE_TRY(match(join(folder, entry.name), parts, depth + 1));
      }
      return ok();
    }
    if (!has_wildcard(parts[0])) {
      const std::string path = join(folder, parts[0]);
      const auto status = files_.status(path);
      if (!status) return status.error().code() == ErrorCode::NotFound ? ok() : Status(status.error());
      if (last) return take(path, *status, depth);
      return status->kind == PathStatus::Kind::Folder ? match(path, parts.subspan(1), depth + 1) : ok();
    }
    SLUICE_TRY_ASSIGN(const std::vector<FolderEntry> entries, list(folder));
    for (const FolderEntry& entry : entries) {
      if (is_hidden(entry.name) || !matches_component(parts[0], entry.name)) continue;
      const std::string path = join(folder, entry.name);
      if (last) {
        SLUICE_TRY(take(path, entry.status, depth + 1));
      } else if (entry.status.kind == PathStatus::Kind::Folder) {
        SLUICE_TRY(match(path, parts.subspan(1), depth + 1));
      }
    }
    return ok();
  }

  static Status check_depth(const std::string& folder, std::size_t depth) {
    if (depth <= kFolderDepthMax) return ok();
    return Error(ErrorCode::ResourceExhausted,
                 fmt::format("folders lie more than {} deep: {}", kFolderDepthMax, folder))
        .with_number(kErrorTooManyFiles);
  }

  FileSystem& files_;
  std::vector<FileInfo>& found_;
};

/// The part of a pattern that is written out: it must exist.
struct Base {
  std::string path;
  std::size_t component_count = 0;
  PathStatus status;
};

Result<Base> find_base(FileSystem& files, std::string_view pattern) {
  const std::vector<std::string_view> parts = components(pattern);
  Base base{.path = pattern.starts_with('/') ? "/" : "", .component_count = 0, .status = {}};
  for (const std::string_view part : parts) {
    if (has_wildcard(part)) break;
    base.path = join(base.path, part);
    ++base.component_count;
  }
  auto status = files.status(base.path);
  if (!status && status.error().code() == ErrorCode::NotFound) {
    return Error(ErrorCode::NotFound, fmt::format("there is no file or folder {}", base.path))
        .with_number(kErrorPathNotFound)
        .with_help("create the folder or correct the path; relative paths start at the project folder");
  }
  if (!status) return std::move(status).error();
  if (base.component_count < parts.size() && status->kind != PathStatus::Kind::Folder) {
    return Error(ErrorCode::InvalidArgument, fmt::format("{} is not a folder", base.path))
        .with_number(kErrorNotAFolder)
        .with_help(fmt::format("the part of the pattern before '{}' must name a folder", parts[base.component_count]));
  }
  base.status = *status;
  return base;
}

}  // namespace

Result<std::vector<FileInfo>> discover(FileSystem& files, std::string_view pattern) {
  if (const std::size_t scheme = pattern.find("://"); scheme != std::string_view::npos) {
    return Error(ErrorCode::Unsupported,
                 fmt::format("files at {} addresses cannot be read yet: {}", pattern.substr(0, scheme + 3), pattern))
        .with_number(kErrorFormatUnsupported)
        .with_help("give a path of the local file system");
  }
  if (components(pattern).empty() && !pattern.starts_with('/') && !pattern.starts_with('.')) {
    return Error(ErrorCode::InvalidArgument, "the file pattern is empty").with_number(kErrorGlobInvalid);
  }
  SLUICE_TRY_ASSIGN(const Base base, find_base(files, pattern));
  SLUICE_TRY_ASSIGN(const std::vector<std::string> plain_patterns, expand_braces(pattern));
  std::vector<FileInfo> found;
  Walk walk(files, found);
  for (const std::string& plain : plain_patterns) {
    // Braces stand behind the fixed components, so these are the same in every alternative.
    const std::vector<std::string_view> parts = components(plain);
    SLUICE_TRY(walk.run(base.path, base.status, std::span(parts).subspan(base.component_count)));
  }
  std::sort(found.begin(), found.end(), [](const FileInfo& a, const FileInfo& b) { return a.path < b.path; });
  // Alternatives, and `**` beside itself, may reach a file twice.
  found.erase(std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path == b.path; }),
              found.end());
  return found;
}

std::vector<FileInfo> Settling::settled(std::vector<FileInfo> found, std::chrono::nanoseconds now) {
  waiting_ = false;
  if (settle_time_.count() == 0) return found;
  std::map<std::string, Sighting> seen;
  std::vector<FileInfo> result;
  for (FileInfo& file : found) {
    const auto before = sightings_.find(file.path);
    const bool unchanged = before != sightings_.end() && before->second.file == file;
    const std::chrono::nanoseconds since = unchanged ? before->second.since : now;
    seen.emplace(file.path, Sighting{file, since});
    if (now - since >= settle_time_) {
      result.push_back(std::move(file));
    } else {
      waiting_ = true;
    }
  }
  sightings_ = std::move(seen);
  return result;
}

}  // namespace sluice::connect
