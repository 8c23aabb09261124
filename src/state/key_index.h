#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "columnar/row_codec.h"
#include "state/byte_store.h"

namespace sluice::state {

/// A hash index from byte strings to slots: the keys of a grouping, the rows of a multiset.
/// Owned by one worker. Look-ups touch one cell and one entry as a rule; batches are prefetched.
class KeyIndex {
 public:
  /// Returns the key's slot, adding the key if it is absent.
  Slot insert(std::string_view key);
  /// As insert(), for every row of a chunk; replaces the content of `slots`.
  void insert(const columnar::EncodedRows& keys, std::vector<Slot>& slots);
  /// Returns the key's slot, or kNoSlot.
  Slot find(std::string_view key) const;
  /// As find(), for every row of a chunk; replaces the content of `slots`.
  void find(const columnar::EncodedRows& keys, std::vector<Slot>& slots);
  /// Removes the key that stands in `slot`.
  void erase(Slot slot);
  void clear();

  /// Returns the key in `slot`, valid until the next insert or erase.
  std::string_view key(Slot slot) const { return keys_.get(slot); }
  bool in_use(Slot slot) const { return keys_.in_use(slot); }
  std::size_t size() const { return keys_.size(); }
  Slot slot_end() const { return keys_.slot_end(); }
  /// Returns the slots in use, in byte order of their keys. Cost: a sort.
  std::vector<Slot> sorted() const;
  /// How many keys were looked up, added or listed so far, for tests of incrementality.
  std::uint64_t reads() const { return reads_; }
  std::uint64_t bytes() const { return keys_.bytes() + cells_.capacity() * sizeof(Cell); }

 private:
  // Linear probing. The tag is part of the key's hash: it gives the home cell, and saves most looks at other keys.
  struct Cell {
    std::uint32_t tag = 0;
    Slot slot = kNoSlot;
  };

  Slot insert_hashed(std::string_view key, std::uint32_t tag);
  Slot find_hashed(std::string_view key, std::uint32_t tag) const;
  template <typename Look>
  void for_each_hashed(const columnar::EncodedRows& keys, Look&& look);
  void grow();

  std::vector<Cell> cells_;  // a power of two, or none
  ByteStore keys_;
  std::vector<std::uint32_t> tags_;  // of the batch being inserted
  mutable std::uint64_t reads_ = 0;
};

}  // namespace sluice::state
