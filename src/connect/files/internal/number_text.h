#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::connect {

/// Integers up to here, positive or negative, are exact as DOUBLE: 2^53.
inline constexpr std::int64_t kExactIntegerMax = std::int64_t{1} << 53;

inline bool is_exact_as_double(std::int64_t value) { return value >= -kExactIntegerMax && value <= kExactIntegerMax; }

/// Room that any number's text needs.
inline constexpr std::size_t kNumberTextBytesMax = 48;

/// Writes the one text that stands for a DOUBLE, and returns its length: an integral value up to 2^53 as the integer it
/// is (so "3" whether it was stored as BIGINT, DOUBLE or text first), others with the fewest digits that give the value
/// back, in scientific form below 1e-5 and above 2^53.
std::size_t write_double(double value, char* out);
/// Writes the digits of an integer and returns their count, with the sign.
std::size_t write_integer(std::int64_t value, char* out);

}  // namespace sluice::connect
