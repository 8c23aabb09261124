#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "columnar/int128.h"

namespace sluice::columnar {

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
  /// Adds all that was added to `other`.
  void combine(const ExactSum& other);

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

/// The numbers of a group, as their sum and average need them. Those that are not finite are counted apart: they make
/// the sum what it is while they are there.
class ExactNumbers {
 public:
  /// Adds `weight` copies; a negative weight takes copies away.
  void add(double value, std::int64_t weight);
  void combine(const ExactNumbers& other);

  std::int64_t count() const { return count_; }
  /// Rounded once; an infinity if it is out of range.
  double sum() const;
  /// The rounded sum by the count, as DuckDB divides. Requires a count above 0.
  double average() const { return sum() / static_cast<double>(count_); }

  std::uint64_t bytes() const { return sizeof(*this) + sum_.bytes(); }

 private:
  std::int64_t count_ = 0;
  std::int64_t nan_ = 0;
  std::int64_t plus_infinity_ = 0;
  std::int64_t minus_infinity_ = 0;
  ExactSum sum_;
};

/// The numbers of a group, as their variance needs them.
class ExactSpread {
 public:
  enum class Of : std::uint8_t { Population, Sample };

  /// Adds `weight` copies; a negative weight takes copies away.
  void add(double value, std::int64_t weight);
  void combine(const ExactSpread& other);

  std::int64_t count() const { return count_; }
  /// Returns the variance, or nothing if it is out of range. Requires a count above 0, above 1 for a sample. The
  /// numerator is exact; it and the quotient are rounded.
  std::optional<double> variance(Of what) const;

  std::uint64_t bytes() const { return sizeof(*this) + sum_.bytes() + squares_.bytes(); }

 private:
  std::int64_t count_ = 0;
  std::int64_t not_finite_ = 0;
  ExactSum sum_;
  ExactSum squares_;
};

}  // namespace sluice::columnar
