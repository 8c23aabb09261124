#include "connect/files/internal/number_text.h"

#include <charconv>
#include <cmath>

namespace sluice::connect {

std::size_t write_integer(std::int64_t value, char* out) {
  return static_cast<std::size_t>(std::to_chars(out, out + kNumberTextBytesMax, value).ptr - out);
}

std::size_t write_double(double value, char* out) {
  const double magnitude = std::fabs(value);
  constexpr auto exact_max = static_cast<double>(kExactIntegerMax);
  if (magnitude <= exact_max && std::trunc(value) == value) return write_integer(static_cast<std::int64_t>(value), out);
  const bool fixed = magnitude >= 1e-5 && magnitude <= exact_max;
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  return static_cast<std::size_t>(std::to_chars(out, out + kNumberTextBytesMax, value, format).ptr - out);
}

}  // namespace sluice::connect
