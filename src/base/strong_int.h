#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace sluice {

/// A 64-bit integer with a meaning: two tags never mix. `using Version = StrongInt<struct VersionTag>;`
template <typename Tag>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }
  constexpr StrongInt next() const { return StrongInt(value_ + 1); }
  constexpr StrongInt previous() const { return StrongInt(value_ - 1); }

  friend constexpr auto operator<=>(const StrongInt&, const StrongInt&) = default;

 private:
  std::int64_t value_ = 0;
};

/// The engine's logical time, the unit of visibility. The first epoch is 1; 0 means "before the first".
using Epoch = StrongInt<struct EpochTag>;

}  // namespace sluice

template <typename Tag>
struct std::hash<sluice::StrongInt<Tag>> {
  std::size_t operator()(const sluice::StrongInt<Tag>& value) const noexcept {
    return std::hash<std::int64_t>()(value.value());
  }
};
