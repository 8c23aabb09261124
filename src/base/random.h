#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace sluice {

/// Where random numbers and ids come from. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  /// Returns 64 uniformly distributed bits.
  virtual std::uint64_t next() = 0;
  /// Returns a random UUID (RFC 9562, version 4), lower case with dashes.
  std::string uuid();
};

/// Random numbers from the operating system.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

/// A sequence that its seed determines (SplitMix64).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace sluice
