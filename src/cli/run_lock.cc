#include "cli/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace sluice::cli {

Result<RunLock> RunLock::acquire(const std::filesystem::path& storage) {
  const std::filesystem::path path = storage / "_sluice" / "lock";
  std::error_code code;
  std::filesystem::create_directories(path.parent_path(), code);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    const ErrorCode kind = errno == ENOSPC ? ErrorCode::ResourceExhausted : ErrorCode::PermissionDenied;
    return Error(kind, fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)))
        .with_number(5002)
        .with_help("sluice needs to write to the storage folder");
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return Error(ErrorCode::Fenced, fmt::format("another sluice is running on {}", storage.string()))
        .with_number(4101)
        .with_help("stop it, or give this project a `storage` of its own");
  }
  return RunLock(descriptor);
}

RunLock::RunLock(RunLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace sluice::cli
