#pragma once

#include <filesystem>

#include "base/result.h"

namespace sluice::cli {

/// The lease of a pipeline on local storage: an advisory lock on `_sluice/lock` that ends with the process, however it
/// ends. It tells a second engine early; what keeps tables correct are the claims of epochs.
class RunLock {
 public:
  /// Fenced if another process holds it; PermissionDenied, ResourceExhausted, Unavailable.
  static Result<RunLock> acquire(const std::filesystem::path& storage);
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;

 private:
  explicit RunLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace sluice::cli
