#include "connect/files/internal/hashing_stream.h"

#include <vector>

#include <xxhash.h>

namespace sluice::connect {

struct HashingStream::State {
  XXH3_state_t* hash = XXH3_createState();

  State() { XXH3_128bits_reset(hash); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(hash); }
};

HashingStream::HashingStream(ByteStream& source, std::stop_token stop)
    : source_(source), stop_(std::move(stop)), state_(std::make_unique<State>()) {}
HashingStream::~HashingStream() = default;

Result<std::size_t> HashingStream::read(std::span<char> into) {
  if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "reading was stopped");
  SLUICE_TRY_ASSIGN(const std::size_t count, source_.read(into));
  XXH3_128bits_update(state_->hash, into.data(), count);
  size_bytes_ += count;
  return count;
}

Status HashingStream::drain() {
  constexpr std::size_t kDrainBytes = 256 * 1024;
  std::vector<char> buffer(kDrainBytes);
  while (true) {
    SLUICE_TRY_ASSIGN(const std::size_t count, read(buffer));
    if (count == 0) return ok();
  }
}

Hash128 HashingStream::hash() const {
  const XXH128_hash_t digest = XXH3_128bits_digest(state_->hash);
  return {.high = digest.high64, .low = digest.low64};
}

}  // namespace sluice::connect
