#include "base/fail_points.h"

#include <csignal>

#include <charconv>

#include <fmt/format.h>

namespace sluice {

std::optional<FailPoints::Action> FailPoints::action_of(std::string_view name) {
  if (name == "kill") return Action::Kill;
  if (name == "stop") return Action::Stop;
  if (name == "fail") return Action::Fail;
  return std::nullopt;
}

Status FailPoints::arm(std::string_view text) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto equals = part.find('=');
    const auto at = part.find('@');
    const std::string_view action = part.substr(equals == std::string_view::npos ? part.size() : equals + 1,
                                                at == std::string_view::npos ? at : at - equals - 1);
    std::uint64_t countdown = 1;
    const std::optional<Action> known = action_of(action);
    bool valid = equals != std::string_view::npos && equals > 0 && known.has_value();
    if (valid && at != std::string_view::npos) {
      const std::string_view number = part.substr(at + 1);
      const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), countdown);
      valid = code == std::errc() && end == number.data() + number.size() && countdown > 0;
    }
    if (!valid) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("'{}' is no fail point: want LABEL=kill|stop|fail[@N]", part));
    }
    const std::lock_guard lock(mutex_);
    armed_[std::string(part.substr(0, equals))] = {*known, countdown};
  }
  return ok();
}

Status FailPoints::hit(std::string_view label) {
  const std::lock_guard lock(mutex_);
  if (armed_.empty()) return ok();
  const auto found = armed_.find(label);
  if (found == armed_.end() || --found->second.countdown > 0) return ok();
  const Action action = found->second.action;
  armed_.erase(found);
  if (action == Action::Kill) std::raise(SIGKILL);
  if (action == Action::Stop) {
    std::raise(SIGSTOP);
    return ok();
  }
  return Error(ErrorCode::Unavailable, fmt::format("fail point {} was armed", label));
}

}  // namespace sluice
