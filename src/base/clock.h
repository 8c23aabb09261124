#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace sluice {

/// Milliseconds since 1970-01-01T00:00:00Z, as Delta writes times.
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;

/// Where time comes from. Thread-safe. The simulator and tests give their own.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Returns the wall-clock time, which may jump.
  virtual UnixMillis now() = 0;
  /// Returns a time that never goes back; only differences mean something.
  virtual std::chrono::nanoseconds monotonic() = 0;
  /// Waits for `duration` or until a stop is requested. Returns false if stopped.
  virtual bool sleep(std::chrono::milliseconds duration, const std::stop_token& stop) = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
 public:
  UnixMillis now() override;
  std::chrono::nanoseconds monotonic() override;
  bool sleep(std::chrono::milliseconds duration, const std::stop_token& stop) override;
};

/// A clock that moves only when told; sleeping moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixMillis start) : now_(start) {}

  void advance(std::chrono::milliseconds duration);
  UnixMillis now() override;
  std::chrono::nanoseconds monotonic() override;
  bool sleep(std::chrono::milliseconds duration, const std::stop_token& stop) override;

 private:
  std::mutex mutex_;
  UnixMillis now_;
};

}  // namespace sluice
