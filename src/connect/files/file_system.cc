#include "connect/files/file_system.h"

#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"

namespace sluice::connect {
namespace {

Error system_error(std::string_view attempt, const std::string& path, int number) {
  const std::string message = fmt::format("cannot {} {}: {}", attempt, path, std::strerror(number));
  switch (number) {
    case ENOENT: return Error(ErrorCode::NotFound, message).with_number(kErrorPathNotFound);
    case ENOTDIR: return Error(ErrorCode::InvalidArgument, message).with_number(kErrorNotAFolder);
    case EACCES:
    case EPERM:
      return Error(ErrorCode::PermissionDenied, message)
          .with_number(kErrorPathNotReadable)
          .with_help("give the user that runs sluice the right to read it");
    default: return Error(ErrorCode::Unavailable, message).with_number(kErrorPathNotReadable);
  }
}

PathStatus to_status(const struct stat& raw) {
  PathStatus status;
  if (S_ISREG(raw.st_mode)) status.kind = PathStatus::Kind::File;
  if (S_ISDIR(raw.st_mode)) status.kind = PathStatus::Kind::Folder;
  status.size_bytes = static_cast<std::uint64_t>(raw.st_size);
  const auto since_epoch = std::chrono::seconds(raw.st_mtim.tv_sec) + std::chrono::nanoseconds(raw.st_mtim.tv_nsec);
  status.modified = UnixMillis(std::chrono::floor<std::chrono::milliseconds>(since_epoch));
  return status;
}

class LocalFile final : public InputFile {
 public:
  LocalFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;
  ~LocalFile() override { ::close(descriptor_); }

  Result<std::size_t> read(std::span<char> into) override {
    while (true) {
      const ssize_t count = ::read(descriptor_, into.data(), into.size());
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return system_error("read", path_, errno);
    }
  }

  Result<PathStatus> status() override {
    struct stat raw {};
    if (::fstat(descriptor_, &raw) != 0) return system_error("inspect", path_, errno);
    return to_status(raw);
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count =
          ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (count == 0) break;
      if (count > 0) done += static_cast<std::size_t>(count);
      if (count < 0 && errno != EINTR) return system_error("read", path_, errno);
    }
    return done;
  }

 private:
  int descriptor_;
  std::string path_;
};

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::string LocalFileSystem::full_path(const std::string& path) const {
  if (path.starts_with('/') || root_.empty()) return path;
  if (path.empty()) return root_;
  return root_.ends_with('/') ? root_ + path : root_ + "/" + path;
}

Result<std::vector<FolderEntry>> LocalFileSystem::list(const std::string& folder) {
  const std::string full = full_path(folder);
  const std::unique_ptr<DIR, FolderCloser> handle(::opendir(full.empty() ? "." : full.c_str()));
  if (!handle) return system_error("list", folder, errno);
  std::vector<FolderEntry> entries;
  while (true) {
    errno = 0;
    const dirent* const found = ::readdir(handle.get());
    if (found == nullptr && errno != 0) return system_error("list", folder, errno);
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    FolderEntry entry{.name = std::string(name), .link = false, .status = {}};
    struct stat raw {};
    if (::fstatat(::dirfd(handle.get()), found->d_name, &raw, AT_SYMLINK_NOFOLLOW) != 0) continue;
    entry.link = S_ISLNK(raw.st_mode);
    const bool leads_somewhere = !entry.link || ::fstatat(::dirfd(handle.get()), found->d_name, &raw, 0) == 0;
    if (leads_somewhere) entry.status = to_status(raw);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<PathStatus> LocalFileSystem::status(const std::string& path) {
  struct stat raw {};
  const std::string full = full_path(path);
  if (::stat(full.empty() ? "." : full.c_str(), &raw) != 0) return system_error("inspect", path, errno);
  return to_status(raw);
}

Result<std::unique_ptr<InputFile>> LocalFileSystem::open(const std::string& path) {
  const int descriptor = ::open(full_path(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return system_error("open", path, errno);
  return std::unique_ptr<InputFile>(std::make_unique<LocalFile>(descriptor, path));
}

}  // namespace sluice::connect
