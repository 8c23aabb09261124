#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "base/hash.h"
#include "connect/files/file_system.h"

namespace sluice::connect {

/// Passes a stream's bytes on and hashes them: after the end the hash is hash128() of the whole content.
class HashingStream final : public ByteStream {
 public:
  /// `source` must outlive it. Reading fails with Cancelled once a stop is requested.
  HashingStream(ByteStream& source, std::stop_token stop);
  ~HashingStream() override;

  Result<std::size_t> read(std::span<char> into) override;
  /// Reads on to the end, for the hash alone.
  Status drain();

  std::uint64_t size_bytes() const { return size_bytes_; }
  Hash128 hash() const;

 private:
  struct State;
  ByteStream& source_;
  std::stop_token stop_;
  std::unique_ptr<State> state_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace sluice::connect
