#include "store/local_store.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "store/internal/posix_error.h"

namespace sluice::store {
namespace {

using internal::posix_error;

constexpr std::string_view kTemporaryPrefix = ".sluice-tmp";

/// An open file descriptor, closed on destruction.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

template <typename Call>
auto retry_interrupted(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Descriptor open_file(const std::string& path, int flags) {
  return Descriptor(retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

UnixMillis modified_of(const struct stat& info) {
  return UnixMillis(std::chrono::milliseconds(static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 +
                                              info.st_mtim.tv_nsec / 1'000'000));
}

/// True if errno says that nothing has this name: the object, or a folder above it, is not there.
bool is_absent(int errno_value) { return errno_value == ENOENT || errno_value == ENOTDIR; }

Status sync_folder(const std::string& folder) {
  const Descriptor descriptor = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.valid()) return posix_error("open folder", folder, errno);
  // Some file systems cannot sync a folder and say EINVAL: there the name is as durable as it gets.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) return posix_error("sync folder", folder, errno);
  return ok();
}

Status write_all(int fd, const std::string& path, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (written < 0) return posix_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

class FileReader final : public RandomReader {
 public:
  FileReader(Descriptor descriptor, std::string path, std::uint64_t size_bytes)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), size_bytes_(size_bytes) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }

  Status read(std::uint64_t offset, std::span<char> out) override {
    if (offset > size_bytes_ || out.size() > size_bytes_ - offset) {
      return Error(ErrorCode::InvalidArgument, fmt::format("read of {} bytes at {} ends behind the {} bytes of {}",
                                                           out.size(), offset, size_bytes_, path_));
    }
    while (!out.empty()) {
      const ssize_t count = retry_interrupted(
          [&] { return ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
      if (count < 0) return posix_error("read", path_, errno);
      if (count == 0) return Error(ErrorCode::Corruption, fmt::format("{} became shorter while it was read", path_));
      out = out.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return ok();
  }

 private:
  const Descriptor descriptor_;
  const std::string path_;
  const std::uint64_t size_bytes_;
};

/// Opens a regular file; nullptr if there is none.
Result<std::unique_ptr<FileReader>> open_reader(const std::string& path) {
  Descriptor descriptor = open_file(path, O_RDONLY);
  if (!descriptor.valid()) {
    if (is_absent(errno)) return std::unique_ptr<FileReader>();
    return posix_error("open", path, errno);
  }
  struct stat info {};
  if (::fstat(descriptor.get(), &info) != 0) return posix_error("stat", path, errno);
  if (S_ISDIR(info.st_mode)) return Error(ErrorCode::InvalidArgument, fmt::format("open {}: it is a folder", path));
  return std::make_unique<FileReader>(std::move(descriptor), path, static_cast<std::uint64_t>(info.st_size));
}

/// Calls `visit(name, is_folder)` for every entry of a folder; ok if there is no such folder.
template <typename Visit>
Status for_each_entry(const std::string& folder, Visit&& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), &::closedir);
  if (!stream) {
    if (is_absent(errno)) return ok();
    return posix_error("list", folder, errno);
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) return posix_error("list", folder, errno);
      return ok();
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
      struct stat info {};
      is_folder = ::lstat(fmt::format("{}/{}", folder, name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    }
    SLUICE_TRY(visit(name, is_folder));
  }
}

}  // namespace

/// A file under a name that list() never shows, locked while its writer lives; removed on destruction.
class LocalStore::Temporary {
 public:
  Temporary(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  Status append(BytesView bytes) { return write_all(descriptor_.get(), path_, bytes); }

  /// Makes the content durable.
  Status sync() {
    if (::fsync(descriptor_.get()) != 0) return posix_error("sync", path_, errno);
    return ok();
  }

  /// Gives the file its name, replacing another.
  Status rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return posix_error("put", target, errno);
    path_.clear();
    return ok();
  }

  /// Gives the file its name if nothing has it.
  Result<PutOutcome> link_to(const std::string& target) {
    if (::link(path_.c_str(), target.c_str()) == 0) return PutOutcome::Created;
    const int link_errno = errno;
    if (link_errno == EPERM || link_errno == EOPNOTSUPP || link_errno == ENOSYS || link_errno == EMLINK) {
      return rename_exclusively_to(target);  // a file system without hard links
    }
    if (link_errno != EEXIST) return posix_error("put", target, link_errno);
    // A network file system may have lost the reply to a link that took place: then the file has a second name.
    struct stat info {};
    if (::fstat(descriptor_.get(), &info) == 0 && info.st_nlink > 1) return PutOutcome::Created;
    return PutOutcome::AlreadyExists;
  }

 private:
  Result<PutOutcome> rename_exclusively_to(const std::string& target) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
      path_.clear();
      return PutOutcome::Created;
    }
    if (errno == EEXIST) return PutOutcome::AlreadyExists;
    return posix_error("put", target, errno);
  }

  const Descriptor descriptor_;
  std::string path_;  // empty once the file has another name
};

class LocalStore::Writer final : public ObjectWriter {
 public:
  Writer(LocalStore& store, std::unique_ptr<Temporary> temporary, std::string target)
      : store_(store), temporary_(std::move(temporary)), target_(std::move(target)) {}

  Status append(BytesView bytes) override { return temporary_->append(bytes); }
  Status finish() && override { return store_.replace_with(*temporary_, target_); }

 private:
  LocalStore& store_;
  const std::unique_ptr<Temporary> temporary_;
  const std::string target_;
};

Result<std::unique_ptr<LocalStore>> LocalStore::create(std::string root) {
  if (root.empty()) return Error(ErrorCode::InvalidArgument, "the folder of a local store has no name");
  if (root.front() != '/') {
    const std::unique_ptr<char, void (*)(void*)> here(::getcwd(nullptr, 0), &std::free);
    if (!here) return posix_error("find the current folder for", root, errno);
    root = fmt::format("{}/{}", here.get(), root);
  }
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  std::unique_ptr<LocalStore> store(new LocalStore(root));
  SLUICE_TRY(store->ensure_folder(root));
  struct stat info {};
  if (::stat(root.c_str(), &info) != 0) return posix_error("open folder", root, errno);
  if (!S_ISDIR(info.st_mode)) return Error(ErrorCode::InvalidArgument, fmt::format("{} is not a folder", root));
  return store;
}

std::string LocalStore::path_of(std::string_view key) const { return fmt::format("{}/{}", root_, key); }

Status LocalStore::ensure_folder(const std::string& folder) {
  {
    const std::lock_guard lock(mutex_);
    if (durable_folders_.contains(folder)) return ok();
  }
  struct stat info {};
  const bool exists = ::stat(folder.c_str(), &info) == 0;
  const std::string parent = folder_of(folder);
  if (!exists) {
    if (errno != ENOENT) return posix_error("open folder", folder, errno);
    SLUICE_TRY(ensure_folder(parent));
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return posix_error("make folder", folder, errno);
  } else if (folder.size() > root_.size()) {
    SLUICE_TRY(ensure_folder(parent));
  }
  // Another process may have made the folder and not synced it yet, so its name is synced here in any case; above the
  // root only what we made ourselves.
  if (!exists || folder.size() > root_.size()) SLUICE_TRY(sync_folder(parent));
  if (folder.size() < root_.size()) return ok();
  const std::lock_guard lock(mutex_);
  durable_folders_.insert(folder);
  return ok();
}

Result<std::unique_ptr<LocalStore::Temporary>> LocalStore::create_temporary(const std::string& target) {
  static std::atomic<std::uint64_t> next{0};  // names only need to differ; the lock and O_EXCL do the rest
  constexpr int kAttemptsMax = 100;
  const std::string folder = folder_of(target);
  SLUICE_TRY(ensure_folder(folder));
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const std::string path = fmt::format("{}/{}-{}-{}", folder, kTemporaryPrefix, ::getpid(), next++);
    Descriptor descriptor = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    if (!descriptor.valid()) {
      if (errno == EEXIST) continue;  // left by a process that had our id
      if (errno == ENOENT) {          // the folder was removed since it was made
        {
          const std::lock_guard lock(mutex_);
          durable_folders_.erase(folder);
        }
        SLUICE_TRY(ensure_folder(folder));
        continue;
      }
      return posix_error("create a file in", folder, errno);
    }
    // remove_abandoned() of another process may come between; then the lock is taken or the name already gone.
    const bool locked = ::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    struct stat info {};
    if (!locked || (::fstat(descriptor.get(), &info) == 0 && info.st_nlink == 0)) continue;
    return std::make_unique<Temporary>(std::move(descriptor), path);
  }
  return Error(ErrorCode::Unavailable, fmt::format("create a file in {}: no free name for a temporary", folder));
}

Status LocalStore::replace_with(Temporary& temporary, const std::string& target) {
  SLUICE_TRY(temporary.sync());
  SLUICE_TRY(temporary.rename_to(target));
  return sync_folder(folder_of(target));
}

Result<std::optional<Bytes>> LocalStore::get(std::string_view key) {
  SLUICE_TRY(check_key(key));
  SLUICE_TRY_ASSIGN(const auto reader, open_reader(path_of(key)));
  if (!reader) return std::optional<Bytes>();
  Bytes bytes(reader->size_bytes(), '\0');
  SLUICE_TRY(reader->read(0, bytes));
  return std::optional<Bytes>(std::move(bytes));
}

Result<std::unique_ptr<RandomReader>> LocalStore::open(std::string_view key) {
  SLUICE_TRY(check_key(key));
  SLUICE_TRY_ASSIGN(auto reader, open_reader(path_of(key)));
  if (!reader) return Error(ErrorCode::NotFound, fmt::format("open {}: no such file", path_of(key)));
  return std::unique_ptr<RandomReader>(std::move(reader));
}

Result<std::optional<ObjectInfo>> LocalStore::head(std::string_view key) {
  SLUICE_TRY(check_key(key));
  struct stat info {};
  if (::stat(path_of(key).c_str(), &info) != 0) {
    if (is_absent(errno)) return std::optional<ObjectInfo>();
    return posix_error("stat", path_of(key), errno);
  }
  if (!S_ISREG(info.st_mode)) return std::optional<ObjectInfo>();
  return std::optional(ObjectInfo{std::string(key), static_cast<std::uint64_t>(info.st_size), modified_of(info)});
}

namespace {

/// Collects the objects below `folder`, whose key is `folder_key` with a slash at its end ("" for the root).
Status collect(const std::string& folder, const std::string& folder_key, std::string_view prefix,
               std::string_view start_after, std::vector<ObjectInfo>& infos) {
  return for_each_entry(folder, [&](std::string_view name, bool is_folder) -> Status {
    if (name.starts_with(kTemporaryPrefix)) return ok();
    std::string key = folder_key + std::string(name);
    const std::string path = fmt::format("{}/{}", folder, name);
    if (is_folder) {
      key += '/';
      const bool may_match = key.starts_with(prefix) || prefix.starts_with(key);
      // Every key below begins with `key`, so all are too small if `key` is smaller and no beginning of start_after.
      const bool may_follow = key > start_after || start_after.starts_with(key);
      return may_match && may_follow ? collect(path, key, prefix, start_after, infos) : ok();
    }
    if (!key.starts_with(prefix) || key <= start_after) return ok();
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      return is_absent(errno) ? ok() : Status(posix_error("stat", path, errno));  // removed meanwhile
    }
    if (S_ISREG(info.st_mode)) {
      infos.push_back({std::move(key), static_cast<std::uint64_t>(info.st_size), modified_of(info)});
    }
    return ok();
  });
}

}  // namespace

Result<std::vector<ObjectInfo>> LocalStore::list(std::string_view prefix, std::string_view start_after) {
  // The walk begins at the deepest folder that holds all keys with this prefix.
  const std::size_t slash = prefix.rfind('/');
  const std::string folder_key(slash == std::string_view::npos ? "" : prefix.substr(0, slash + 1));
  if (!folder_key.empty()) SLUICE_TRY(check_key(std::string_view(folder_key).substr(0, slash)));
  const std::string folder = slash == std::string_view::npos ? root_ : path_of(prefix.substr(0, slash));
  std::vector<ObjectInfo> infos;
  SLUICE_TRY(collect(folder, folder_key, prefix, start_after, infos));
  std::sort(infos.begin(), infos.end(), [](const auto& left, const auto& right) { return left.key < right.key; });
  return infos;
}

Status LocalStore::put(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  const std::string target = path_of(key);
  SLUICE_TRY_ASSIGN(const auto temporary, create_temporary(target));
  SLUICE_TRY(temporary->append(bytes));
  return replace_with(*temporary, target);
}

Result<PutOutcome> LocalStore::put_if_absent(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  const std::string target = path_of(key);
  const std::string folder = folder_of(target);
  PutOutcome outcome = PutOutcome::AlreadyExists;
  {
    SLUICE_TRY_ASSIGN(const auto temporary, create_temporary(target));
    SLUICE_TRY(temporary->append(bytes));
    SLUICE_TRY(temporary->sync());
    SLUICE_TRY_ASSIGN(outcome, temporary->link_to(target));
  }
  // Also when another was first: whoever acts on its object must not see it vanish with the power. The object is there
  // now, whatever the error: to the caller that is a lost answer.
  if (const Status synced = sync_folder(folder); !synced) {
    return Error(ErrorCode::Unavailable, synced.error().message());
  }
  return outcome;
}

Result<std::unique_ptr<ObjectWriter>> LocalStore::create(std::string_view key) {
  SLUICE_TRY(check_key(key));
  std::string target = path_of(key);
  SLUICE_TRY_ASSIGN(auto temporary, create_temporary(target));
  return std::unique_ptr<ObjectWriter>(std::make_unique<Writer>(*this, std::move(temporary), std::move(target)));
}

Status LocalStore::remove(std::string_view key) {
  SLUICE_TRY(check_key(key));
  const std::string path = path_of(key);
  if (::unlink(path.c_str()) != 0) {
    if (is_absent(errno)) return ok();
    return posix_error("remove", path, errno);
  }
  return sync_folder(folder_of(path));
}

std::optional<std::string> LocalStore::local_path(std::string_view key) const {
  if (!check_key(key)) return std::nullopt;
  return path_of(key);
}

namespace {

Status remove_abandoned_in(const std::string& folder, std::size_t& removed_count) {
  return for_each_entry(folder, [&](std::string_view name, bool is_folder) -> Status {
    const std::string path = fmt::format("{}/{}", folder, name);
    if (is_folder) return remove_abandoned_in(path, removed_count);
    if (!name.starts_with(kTemporaryPrefix)) return ok();
    const Descriptor descriptor = open_file(path, O_RDONLY);
    if (!descriptor.valid()) return is_absent(errno) ? ok() : Status(posix_error("open", path, errno));
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) return ok();  // its writer lives
    if (::unlink(path.c_str()) == 0) {
      ++removed_count;
    } else if (!is_absent(errno)) {
      return posix_error("remove", path, errno);
    }
    return ok();
  });
}

}  // namespace

Result<std::size_t> LocalStore::remove_abandoned() {
  std::size_t removed_count = 0;
  SLUICE_TRY(remove_abandoned_in(root_, removed_count));
  return removed_count;
}

}  // namespace sluice::store
