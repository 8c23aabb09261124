#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace sluice::columnar {

/// The unsigned integer of a FLOAT's or DOUBLE's width.
template <typename Float>
using FloatBits = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;

/// Numbers whose order is SQL's of the values: -inf, numbers, inf, NaN. Values that SQL holds equal but that have
/// different bits (-0.0 and 0.0, the NaNs) have different numbers and are neighbours. One to one, so that nothing is
/// lost.
template <typename Float>
struct FloatOrder {
  using Bits = FloatBits<Float>;

  static Bits number_of(Float value) { return static_cast<Bits>(folded(std::bit_cast<Bits>(value)) - kLowest); }

  static Float value_of(Bits number) {
    const auto bits = static_cast<Bits>(number + kLowest);
    return std::bit_cast<Float>((bits & kSign) != 0 ? static_cast<Bits>(bits ^ kSign) : static_cast<Bits>(~bits));
  }

 private:
  static constexpr Bits kSign = Bits(1) << (sizeof(Float) * 8 - 1);

  /// Negative numbers have all bits inverted, others the sign bit set: unsigned order is numeric order, but for NaNs
  /// with a sign, which stand below -inf.
  static Bits folded(Bits bits) {
    return (bits & kSign) != 0 ? static_cast<Bits>(~bits) : static_cast<Bits>(bits | kSign);
  }
  /// Where -inf stands; counted from there the NaNs below it wrap around to the top.
  static constexpr Bits kLowest = static_cast<Bits>(~std::bit_cast<Bits>(-std::numeric_limits<Float>::infinity()));
};

/// Returns the one form of the values that SQL holds equal to `value`: 0.0 for -0.0, one NaN for all.
template <typename Float>
Float normal_form(Float value) {
  if (std::isnan(value)) return std::numeric_limits<Float>::quiet_NaN();
  return value == Float(0) ? Float(0) : value;
}

}  // namespace sluice::columnar
