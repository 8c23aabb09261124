#pragma once

#include <chrono>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "runtime/progress.h"

namespace sluice::cli {

/// Returns what is going on, for a person, without a line break: "epoch 3: reading 2 files into events, 14,336 rows".
std::string to_text(const runtime::Progress& progress);

/// The last line of a terminal, which says where a long epoch is; nothing for epochs that are done at once. Owned by one
/// worker. `out` and `clock` must outlive it.
class ProgressLine {
 public:
  static constexpr std::chrono::milliseconds kPatience{500};  ///< Before the first line of an epoch.
  static constexpr std::chrono::milliseconds kInterval{100};  ///< Between two of them.

  /// `width` is the terminal's, in columns; 0: there is none, and nothing is ever shown.
  ProgressLine(std::ostream& out, Clock& clock, std::size_t width) : out_(out), clock_(clock), width_(width) {}
  ~ProgressLine() { clear(); }

  /// Shows the progress, if enough time has passed.
  void show(const runtime::Progress& progress);
  /// Takes the line away, before anything else is written to the terminal.
  void clear();

 private:
  std::ostream& out_;
  Clock& clock_;
  const std::size_t width_;
  Epoch epoch_{-1};
  std::chrono::nanoseconds next_{0};
  bool shown_ = false;
};

}  // namespace sluice::cli
