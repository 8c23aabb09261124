#include "connect/files/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"

namespace sluice::connect {

struct MemoryFileSystem::Content {
  std::string bytes;
  UnixMillis modified;

  PathStatus status() const {
    return PathStatus{.kind = PathStatus::Kind::File, .size_bytes = bytes.size(), .modified = modified};
  }
};

class MemoryFileSystem::OpenFile final : public InputFile {
 public:
  OpenFile(MemoryFileSystem& owner, std::shared_ptr<Content> content, std::string path)
      : owner_(owner), content_(std::move(content)), path_(std::move(path)) {}

  Result<std::size_t> read(std::span<char> into) override {
    SLUICE_TRY_ASSIGN(const std::size_t count, read_at(position_, into));
    position_ += count;
    return count;
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    if (owner_.hook_) SLUICE_TRY(owner_.hook_(path_));
    const std::lock_guard lock(owner_.mutex_);
    const std::string& bytes = content_->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min(into.size(), bytes.size() - offset);
    std::memcpy(into.data(), bytes.data() + offset, count);
    return count;
  }

  Result<PathStatus> status() override {
    const std::lock_guard lock(owner_.mutex_);
    return content_->status();
  }

 private:
  MemoryFileSystem& owner_;
  std::shared_ptr<Content> content_;
  std::string path_;
  std::uint64_t position_ = 0;
};

void MemoryFileSystem::put(const std::string& path, std::string content, UnixMillis modified) {
  const std::lock_guard lock(mutex_);
  files_[path] = std::make_shared<Content>(Content{std::move(content), modified});
}

void MemoryFileSystem::overwrite(const std::string& path, std::string content, UnixMillis modified) {
  const std::lock_guard lock(mutex_);
  *files_.at(path) = Content{std::move(content), modified};
}

void MemoryFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

void MemoryFileSystem::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  folders_[path] = true;
}

void MemoryFileSystem::before_read(std::function<Status(const std::string&)> hook) { hook_ = std::move(hook); }

Result<std::vector<FolderEntry>> MemoryFileSystem::list(const std::string& folder) {
  SLUICE_TRY_ASSIGN(const PathStatus found, status(folder));
  if (found.kind != PathStatus::Kind::Folder) {
    return Error(ErrorCode::InvalidArgument, fmt::format("cannot list {}: not a folder", folder))
        .with_number(kErrorNotAFolder);
  }
  const std::string prefix = folder.empty() || folder.ends_with('/') ? folder : folder + "/";
  const std::lock_guard lock(mutex_);
  std::vector<FolderEntry> entries;
  std::set<std::string> subfolders;
  const auto add_subfolder = [&](std::string_view rest) { subfolders.emplace(rest.substr(0, rest.find('/'))); };
  for (auto at = files_.lower_bound(prefix); at != files_.end() && at->first.starts_with(prefix); ++at) {
    const std::string_view rest = std::string_view(at->first).substr(prefix.size());
    if (rest.find('/') != std::string_view::npos) {
      add_subfolder(rest);
    } else {
      entries.push_back({.name = std::string(rest), .link = false, .status = at->second->status()});
    }
  }
  for (auto at = folders_.lower_bound(prefix); at != folders_.end() && at->first.starts_with(prefix); ++at) {
    if (at->first.size() > prefix.size()) add_subfolder(std::string_view(at->first).substr(prefix.size()));
  }
  for (const std::string& name : subfolders) {
    entries.push_back({.name = name, .link = false, .status = {.kind = PathStatus::Kind::Folder}});
  }
  return entries;
}

Result<PathStatus> MemoryFileSystem::status(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto found = files_.find(path); found != files_.end()) return found->second->status();
  const std::string prefix = path.empty() || path.ends_with('/') ? path : path + "/";
  const auto below = files_.lower_bound(prefix);
  const auto folder_below = folders_.lower_bound(prefix);
  const bool is_folder = path.empty() || folders_.contains(path) ||
                         (below != files_.end() && below->first.starts_with(prefix)) ||
                         (folder_below != folders_.end() && folder_below->first.starts_with(prefix));
  if (is_folder) return PathStatus{.kind = PathStatus::Kind::Folder};
  return Error(ErrorCode::NotFound, fmt::format("cannot inspect {}: no such file or folder", path))
      .with_number(kErrorPathNotFound);
}

Result<std::unique_ptr<InputFile>> MemoryFileSystem::open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) {
    return Error(ErrorCode::NotFound, fmt::format("cannot open {}: no such file", path))
        .with_number(kErrorPathNotFound);
  }
  return std::unique_ptr<InputFile>(std::make_unique<OpenFile>(*this, found->second, path));
}

}  // namespace sluice::connect
