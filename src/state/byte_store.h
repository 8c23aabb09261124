#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::state {

/// Number of an entry of operator state; small and dense, so that what belongs to entries can lie in plain arrays.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = std::numeric_limits<Slot>::max();

/// Byte strings by slot. Short ones lie in the slot itself, longer ones in blocks that are rewritten once more than
/// half of their bytes belong to removed strings. Slots of removed strings are used again. Owned by one worker. No
/// allocation per string.
class ByteStore {
 public:
  /// Returns the slot of the new string. At most 2^32 - 2 strings, each shorter than 4 GiB.
  Slot add(std::string_view bytes);
  /// Requires that `slot` is in use.
  void remove(Slot slot);
  void clear();

  /// Returns the string, valid until the next add(), remove() or clear().
  std::string_view get(Slot slot) const {
    const Entry& entry = entries_[slot];
    return entry.size <= kInlineBytes ? std::string_view(entry.bytes.data(), entry.size)
                                      : std::string_view(pointer(entry), entry.size);
  }
  /// Fetches what get() reads first into the cache. `slot` may be any number.
  void prefetch(Slot slot) const {
    if (slot < entries_.size()) __builtin_prefetch(&entries_[slot]);
  }
  bool in_use(Slot slot) const { return slot < entries_.size() && entries_[slot].size != kFree; }

  std::size_t size() const { return entries_.size() - free_.size(); }
  /// Every slot is lower than this.
  Slot slot_end() const { return static_cast<Slot>(entries_.size()); }
  /// Memory held, about.
  std::uint64_t bytes() const;

 private:
  static constexpr std::uint32_t kInlineBytes = 12;
  static constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kFirstBlockBytes = 4 << 10;
  static constexpr std::size_t kBlockBytesMax = 1 << 20;
  /// Blocks are not rewritten for less.
  static constexpr std::size_t kDeadBytesMin = 64 << 10;

  struct Entry {
    std::uint32_t size = kFree;
    std::array<char, kInlineBytes> bytes;  // the string, or its address in the last eight
  };
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
  };

  static const char* pointer(const Entry& entry) {
    const char* address;
    std::memcpy(&address, entry.bytes.data() + (kInlineBytes - sizeof address), sizeof address);
    return address;
  }
  void place(Entry& entry, std::string_view bytes);
  void rewrite_blocks();

  std::vector<Entry> entries_;
  std::vector<Slot> free_;
  std::vector<Block> blocks_;
  std::uint64_t block_bytes_ = 0;  // of all blocks
  std::uint64_t live_bytes_ = 0;   // in blocks
  std::uint64_t dead_bytes_ = 0;   // in blocks
};

}  // namespace sluice::state
