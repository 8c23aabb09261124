#pragma once

#include <cstdint>
#include <vector>

#include "engine/internal/int128.h"

namespace sluice::engine::internal {

/// An exact sum of floating-point numbers, and of their squares: a number of as many bits as it takes. Addition is
/// associative and a number added and taken away leaves nothing behind, so the value does not depend on order or
/// splits.
///
/// The sum is digit[i] · 2^(32·(first + i)), added up; digits are signed 64-bit and carry late, so that adding a number
/// touches three of them. They cover only the range of exponents that was used: about 5 digits for ordinary data, 67
/// for all of double's range. Source: R. Neal, "Fast exact summation using small and large superaccumulators", 2015.
class ExactSum {
 public:
  /// Adds `value` · `weight`. `value` is finite.
  void add(double value, std::int64_t weight);
  /// Adds `value`² · `weight`. `value` is finite.
  void add_square(double value, std::int64_t weight);

  /// Returns the sum, rounded once to the nearest double (ties to even); an infinity if it is out of range.
  double value() const;

  /// Returns count · squares − sum², rounded once: count² times the variance.
  static double scaled_variance(std::int64_t count, const ExactSum& sum, const ExactSum& squares);

  std::uint64_t bytes() const { return digits_.capacity() * sizeof(std::int64_t); }

 private:
  using Wide = Uint128;

  /// Adds ± magnitude · 2^exponent. `magnitude` is below 2^96.
  void add_shifted(Wide magnitude, int exponent, bool negative);
  /// Adds ± magnitude · |weight| · 2^exponent. `magnitude` is below 2^64.
  void add_weighted(std::uint64_t magnitude, std::uint64_t weight, int exponent, bool negative);
  void cover(int first, int count);
  /// Carries, so that every digit but the last lies in [0, 2^32).
  void carry();

  std::vector<std::int64_t> digits_;
  std::int32_t first_ = 0;
  std::uint32_t adds_ = 0;  // since the last carry()
};

}  // namespace sluice::engine::internal
