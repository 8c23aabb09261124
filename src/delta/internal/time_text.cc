#include "delta/internal/time_text.h"

#include <chrono>
#include <cstdlib>
#include <string_view>

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

struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

Date date_of(std::int64_t days) {
  // std::chrono knows years to 32767 only; the calendar repeats itself.
  constexpr std::int64_t kCycleYears = 400;
  constexpr std::int64_t kCycleDays = 146'097;
  const auto [cycles, day] = divide(days, kCycleDays);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return {static_cast<int>(date.year()) + cycles * kCycleYears, static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day())};
}

using DateText = std::optional<std::string> (*)(std::int64_t days);

/// `units_per_second` has `digits` zeros.
std::optional<std::string> timestamp_text(std::int64_t value, std::int64_t units_per_second, int digits,
                                          DateText text_of_date, char separator) {
  constexpr std::int64_t kSecondsPerDay = 86'400;
  const auto [seconds, fraction] = divide(value, units_per_second);
  const auto [days, second] = divide(seconds, kSecondsPerDay);
  const auto date = text_of_date(days);
  if (!date) return std::nullopt;
  return fmt::format("{}{}{:02}:{:02}:{:02}.{:0{}}", *date, separator, second / 3600, second / 60 % 60, second % 60,
                     fraction, digits);
}

}  // namespace

std::optional<std::string> date_text(std::int64_t days) {
  const Date date = date_of(days);
  if (date.year < 1 || date.year > 9999) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::optional<std::string> timestamp_text_millis(std::int64_t millis) {
  return timestamp_text(millis, 1'000, 3, date_text, 'T');
}

std::optional<std::string> partition_date_text(std::int64_t days) {
  constexpr std::int64_t kYearMin = -262'143;
  constexpr std::int64_t kYearMax = 262'142;
  const Date date = date_of(days);
  if (date.year < kYearMin || date.year > kYearMax) return std::nullopt;
  const std::string_view sign = date.year < 0 ? "-" : date.year > 9999 ? "+" : "";
  return fmt::format("{}{:04}-{:02}-{:02}", sign, std::abs(date.year), date.month, date.day);
}

std::optional<std::string> partition_timestamp_text(std::int64_t micros, char separator) {
  return timestamp_text(micros, 1'000'000, 6, partition_date_text, separator);
}

}  // namespace sluice::delta::internal
