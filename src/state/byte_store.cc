#include "state/byte_store.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::state {

Slot ByteStore::add(std::string_view bytes) {
  SLUICE_CHECK(bytes.size() < kFree, "a row of 4 GiB or more");
  Slot slot = 0;
  if (free_.empty()) {
    SLUICE_CHECK(entries_.size() < kNoSlot, "more than 2^32 entries of state");
    slot = static_cast<Slot>(entries_.size());
    entries_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  place(entries_[slot], bytes);
  return slot;
}

void ByteStore::place(Entry& entry, std::string_view bytes) {
  entry.size = static_cast<std::uint32_t>(bytes.size());
  if (bytes.size() <= kInlineBytes) {
    std::copy(bytes.begin(), bytes.end(), entry.bytes.begin());
    return;
  }
  if (blocks_.empty() || blocks_.back().size - blocks_.back().used < bytes.size()) {
    const std::size_t usual = blocks_.empty() ? kFirstBlockBytes : std::min(kBlockBytesMax, 2 * blocks_.back().size);
    const std::size_t size = std::max(usual, bytes.size());
    blocks_.push_back(Block{std::make_unique_for_overwrite<char[]>(size), size, 0});
    block_bytes_ += size;
  }
  Block& block = blocks_.back();
  char* const address = block.bytes.get() + block.used;
  std::copy(bytes.begin(), bytes.end(), address);
  block.used += bytes.size();
  live_bytes_ += bytes.size();
  std::memcpy(entry.bytes.data() + (kInlineBytes - sizeof address), &address, sizeof address);
}

void ByteStore::remove(Slot slot) {
  SLUICE_CHECK(in_use(slot), "the slot is not in use");
  Entry& entry = entries_[slot];
  if (entry.size > kInlineBytes) {
    live_bytes_ -= entry.size;
    dead_bytes_ += entry.size;
  }
  entry.size = kFree;
  free_.push_back(slot);
  if (dead_bytes_ > live_bytes_ && dead_bytes_ > kDeadBytesMin) rewrite_blocks();
}

void ByteStore::rewrite_blocks() {
  const std::vector<Block> old = std::move(blocks_);
  blocks_.clear();
  block_bytes_ = 0;
  live_bytes_ = 0;
  dead_bytes_ = 0;
  for (Entry& entry : entries_) {
    if (entry.size != kFree && entry.size > kInlineBytes) place(entry, std::string_view(pointer(entry), entry.size));
  }
}

void ByteStore::clear() { *this = ByteStore(); }

std::uint64_t ByteStore::bytes() const {
  return entries_.capacity() * sizeof(Entry) + free_.capacity() * sizeof(Slot) + block_bytes_;
}

}  // namespace sluice::state
