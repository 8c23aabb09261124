#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// A 128-bit XXH3 hash: wide enough to stand for a row.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  /// Returns 32 lower-case hexadecimal digits.
  std::string hex() const;

  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

/// Returns XXH3-128 of the bytes; stable across machines and releases, so it may be stored.
Hash128 hash128(std::string_view bytes);
/// Returns XXH3-64 of the bytes; stable across machines and releases.
std::uint64_t hash64(std::string_view bytes);

}  // namespace sluice

template <>
struct std::hash<sluice::Hash128> {
  std::size_t operator()(const sluice::Hash128& value) const noexcept { return value.low; }
};
