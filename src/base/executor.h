#pragma once

#include <functional>
#include <vector>

namespace sluice {

/// Runs independent pieces of work, perhaps at the same time. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs every task and returns when all have ended. Tasks must not throw.
  virtual void run_all(std::vector<std::function<void()>> tasks) = 0;
};

/// Runs tasks one after another on the caller's thread.
class InlineExecutor final : public Executor {
 public:
  void run_all(std::vector<std::function<void()>> tasks) override;
};

}  // namespace sluice
