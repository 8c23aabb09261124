#include "delta/internal/time_text.h"

#include <chrono>

#include <fmt/format.h>

namespace sluice::delta::internal {
namespace {

/// Splits `value` into whole multiples of `unit`, rounded down, and the rest.
std::pair<std::int64_t, std::int64_t> divide(std::int64_t value, std::int64_t unit) {
  std::int64_t quotient = value / unit;
  std::int64_t rest = value % unit;
  if (rest < 0) {
    --quotient;
    rest += unit;
  }
  return {quotient, rest};
}

/// `units_per_second` has `digits` zeros.
std::optional<std::string> timestamp_text(std::int64_t value, std::int64_t units_per_second, int digits) {
  constexpr std::int64_t kSecondsPerDay = 86'400;
  const auto [seconds, fraction] = divide(value, units_per_second);
  const auto [days, second] = divide(seconds, kSecondsPerDay);
  const auto date = date_text(days);
  if (!date) return std::nullopt;
  return fmt::format("{}T{:02}:{:02}:{:02}.{:0{}}", *date, second / 3600, second / 60 % 60, second % 60, fraction,
                     digits);
}

}  // namespace

std::optional<std::string> date_text(std::int64_t days) {
  // 0001-01-01 and 9999-12-31.
  constexpr std::int64_t kDaysMin = -719'162;
  constexpr std::int64_t kDaysMax = 2'932'896;
  if (days < kDaysMin || days > kDaysMax) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<std::string> timestamp_text_millis(std::int64_t millis) { return timestamp_text(millis, 1'000, 3); }

std::optional<std::string> timestamp_text_micros(std::int64_t micros) { return timestamp_text(micros, 1'000'000, 6); }

}  // namespace sluice::delta::internal
