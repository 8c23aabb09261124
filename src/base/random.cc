#include "base/random.h"

#include <sys/random.h>

#include <fmt/format.h>

#include "base/check.h"

namespace sluice {

std::string Random::uuid() {
  std::uint64_t high = next();
  std::uint64_t low = next();
  high = (high & ~0xF000ULL) | 0x4000ULL;                        // version 4
  low = (low & ~0xC000000000000000ULL) | 0x8000000000000000ULL;  // variant of RFC 9562
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFFULL);
}

std::uint64_t SystemRandom::next() {
  std::uint64_t bits = 0;
  SLUICE_CHECK(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits),
               "the system gave no random bytes");
  return bits;
}

std::uint64_t SeededRandom::next() {
  const std::lock_guard lock(mutex_);
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace sluice
