#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/strong_int.h"

namespace sluice::runtime {

/// Where a running epoch is.
struct Progress {
  enum class Step : std::uint8_t {
    Reading,     ///< `dataset` takes in `total` files; `done` rows so far.
    Computing,   ///< `dataset`, number `done` of `total`, finishes its changes.
    Committing,  ///< `done` of `total` tables are committed.
  };
  Epoch epoch;
  Step step = Step::Reading;
  std::string dataset;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// Is called by the running epoch, once per batch of rows and dataset: it must return at once.
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace sluice::runtime
