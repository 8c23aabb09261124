#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// Labelled places where a test stops the process or makes a step fail (labels: docs/architecture.md, "Fail points").
///
/// Text form, comma separated: `LABEL=kill` (SIGKILL at once), `LABEL=stop` (SIGSTOP: the process stands still until
/// SIGCONT, then goes on), `LABEL=fail` (the step returns Unavailable), each with an optional `@N`: at the Nth time the
/// label is passed, counting from 1 (default 1). Thread-safe.
class FailPoints {
 public:
  /// No label is armed.
  FailPoints() = default;
  /// Fails with InvalidArgument, naming the part, if `text` is not as described above.
  Status arm(std::string_view text);
  /// Passes the label: does what was armed for it, else returns ok.
  Status hit(std::string_view label);

 private:
  enum class Action { Kill, Stop, Fail };
  static std::optional<Action> action_of(std::string_view name);
  struct Armed {
    Action action;
    std::uint64_t countdown;
  };
  std::mutex mutex_;
  std::map<std::string, Armed, std::less<>> armed_;
};

}  // namespace sluice
