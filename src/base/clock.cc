#include "base/clock.h"

#include <condition_variable>

namespace sluice {

UnixMillis SystemClock::now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::chrono::nanoseconds SystemClock::monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

bool SystemClock::sleep(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

void ManualClock::advance(std::chrono::milliseconds duration) {
  const std::lock_guard lock(mutex_);
  now_ += duration;
}

UnixMillis ManualClock::now() {
  const std::lock_guard lock(mutex_);
  return now_;
}

std::chrono::nanoseconds ManualClock::monotonic() { return now().time_since_epoch(); }

bool ManualClock::sleep(std::chrono::milliseconds duration, const std::stop_token& stop) {
  advance(duration);
  return !stop.stop_requested();
}

}  // namespace sluice
