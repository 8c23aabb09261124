#include "cli/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace sluice::cli {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([this] {
    const sigset_t waited = stop_set();
    const timespec interval{0, 100'000'000};
    while (!ending_) {
      const int signal = sigtimedwait(&waited, nullptr, &interval);
      if (signal <= 0) continue;
      if (received_ != 0) _exit(128 + signal);
      received_ = signal;
      stop_.request_stop();
    }
  });
}

StopSignals::~StopSignals() { ending_ = true; }

}  // namespace sluice::cli
