#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <duckdb/common/types/hugeint.hpp>

#include "columnar/int128.h"

namespace sluice::engine::internal {

/// A sum of 128-bit integers in 256 bits: whatever the order of additions, it overflows only if the final sum does not
/// fit its result, which is asked of it then.
class WideSum {
 public:
  void add(duckdb::hugeint_t value, std::int64_t weight) {
    const bool negative = (value.upper < 0) != (weight < 0);
    const auto size = static_cast<Wide>(static_cast<std::uint64_t>(value.upper)) << 64 | value.lower;
    const Wide magnitude = value.upper < 0 ? Wide(0) - size : size;
    const std::uint64_t factor =
        weight < 0 ? std::uint64_t(0) - static_cast<std::uint64_t>(weight) : static_cast<std::uint64_t>(weight);
    const Wide low = Wide(static_cast<std::uint64_t>(magnitude)) * factor;
    const Wide high = Wide(static_cast<std::uint64_t>(magnitude >> 64)) * factor + (low >> 64);
    add_limbs(
        {static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high), static_cast<std::uint64_t>(high >> 64), 0},
        negative);
  }

  /// Returns the sum if it fits.
  std::optional<duckdb::hugeint_t> value() const {
    const std::uint64_t sign = (limbs_[1] >> 63) != 0 ? ~std::uint64_t(0) : 0;
    if (limbs_[2] != sign || limbs_[3] != sign) return std::nullopt;
    return duckdb::hugeint_t(static_cast<std::int64_t>(limbs_[1]), limbs_[0]);
  }

  /// Returns the sum, about.
  long double approximate() const {
    long double result = static_cast<long double>(static_cast<std::int64_t>(limbs_[3]));
    for (int i = 2; i >= 0; --i)
      result = result * 18446744073709551616.0L + static_cast<long double>(limbs_[static_cast<std::size_t>(i)]);
    return result;
  }

 private:
  using Wide = columnar::Uint128;

  void add_limbs(std::array<std::uint64_t, 4> other, bool negative) {
    std::uint64_t carry = negative ? 1 : 0;
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
      const Wide sum = Wide(limbs_[i]) + (negative ? ~other[i] : other[i]) + carry;
      limbs_[i] = static_cast<std::uint64_t>(sum);
      carry = static_cast<std::uint64_t>(sum >> 64);
    }
  }

  std::array<std::uint64_t, 4> limbs_{};  // two's complement, lowest first
};

}  // namespace sluice::engine::internal
