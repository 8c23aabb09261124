#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace sluice::cli {

/// Turns SIGINT and SIGTERM into a stop request: the first asks for a clean drain, the second ends the process at once
/// with 128 + its number. To be made before any other thread, once per process: those inherit the blocked signals.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// Number of the first signal, 0 if none came.
  int received() const { return received_; }

 private:
  std::stop_source stop_;
  std::atomic<int> received_{0};
  std::atomic<bool> ending_{false};
  std::jthread waiter_;
};

}  // namespace sluice::cli
