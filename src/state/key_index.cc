#include "state/key_index.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"

namespace sluice::state {
namespace {

constexpr std::size_t kCellsMin = 16;
/// How many keys ahead a batch fetches cells, and then the entries they name, into the cache.
constexpr std::size_t kCellsAhead = 16;
constexpr std::size_t kEntriesAhead = 8;

std::uint32_t tag_of(std::string_view key) { return static_cast<std::uint32_t>(hash64(key)); }

}  // namespace

Slot KeyIndex::insert(std::string_view key) { return insert_hashed(key, tag_of(key)); }

/// Calls `look` with the place, bytes and tag of each key, while what the next ones need is on its way.
template <typename Look>
void KeyIndex::for_each_hashed(const columnar::EncodedRows& keys, Look&& look) {
  const std::size_t count = keys.size();
  tags_.resize(count);
  for (std::size_t i = 0; i < count; ++i) tags_[i] = tag_of(keys.row(i));
  for (std::size_t i = 0; i < count; ++i) {
    if (!cells_.empty()) {
      const std::size_t mask = cells_.size() - 1;
      if (i + kCellsAhead < count) __builtin_prefetch(&cells_[tags_[i + kCellsAhead] & mask]);
      if (i + kEntriesAhead < count) keys_.prefetch(cells_[tags_[i + kEntriesAhead] & mask].slot);
    }
    look(i, keys.row(i), tags_[i]);
  }
}

void KeyIndex::insert(const columnar::EncodedRows& keys, std::vector<Slot>& slots) {
  slots.resize(keys.size());
  for_each_hashed(keys,
                  [&](std::size_t i, std::string_view key, std::uint32_t tag) { slots[i] = insert_hashed(key, tag); });
}

void KeyIndex::find(const columnar::EncodedRows& keys, std::vector<Slot>& slots) {
  slots.resize(keys.size());
  for_each_hashed(keys,
                  [&](std::size_t i, std::string_view key, std::uint32_t tag) { slots[i] = find_hashed(key, tag); });
}

Slot KeyIndex::insert_hashed(std::string_view key, std::uint32_t tag) {
  ++reads_;
  if (cells_.size() * 5 <= (keys_.size() + 1) * 8) grow();
  const std::size_t mask = cells_.size() - 1;
  std::size_t at = tag & mask;
  for (; cells_[at].slot != kNoSlot; at = (at + 1) & mask) {
    if (cells_[at].tag == tag && keys_.get(cells_[at].slot) == key) return cells_[at].slot;
  }
  const Slot slot = keys_.add(key);
  cells_[at] = Cell{tag, slot};
  return slot;
}

Slot KeyIndex::find(std::string_view key) const { return find_hashed(key, tag_of(key)); }

Slot KeyIndex::find_hashed(std::string_view key, std::uint32_t tag) const {
  ++reads_;
  if (cells_.empty()) return kNoSlot;
  const std::size_t mask = cells_.size() - 1;
  for (std::size_t at = tag & mask; cells_[at].slot != kNoSlot; at = (at + 1) & mask) {
    if (cells_[at].tag == tag && keys_.get(cells_[at].slot) == key) return cells_[at].slot;
  }
  return kNoSlot;
}

void KeyIndex::erase(Slot slot) {
  SLUICE_CHECK(keys_.in_use(slot), "the slot is not in use");
  const std::size_t mask = cells_.size() - 1;
  std::size_t hole = tag_of(keys_.get(slot)) & mask;
  while (cells_[hole].slot != slot) hole = (hole + 1) & mask;
  // Moves cells of the same run back, so that no look-up stops at the hole too early.
  for (std::size_t at = (hole + 1) & mask; cells_[at].slot != kNoSlot; at = (at + 1) & mask) {
    const std::size_t home = cells_[at].tag & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      cells_[hole] = cells_[at];
      hole = at;
    }
  }
  cells_[hole] = Cell();
  keys_.remove(slot);
}

void KeyIndex::grow() {
  const std::vector<Cell> old = std::move(cells_);
  cells_.assign(std::max(kCellsMin, old.size() * 2), Cell());
  const std::size_t mask = cells_.size() - 1;
  for (const Cell& cell : old) {
    if (cell.slot == kNoSlot) continue;
    std::size_t at = cell.tag & mask;
    while (cells_[at].slot != kNoSlot) at = (at + 1) & mask;
    cells_[at] = cell;
  }
}

void KeyIndex::clear() {
  cells_.clear();
  keys_.clear();
}

std::vector<Slot> KeyIndex::sorted() const {
  std::vector<Slot> slots;
  slots.reserve(size());
  reads_ += size();
  for (Slot slot = 0; slot < slot_end(); ++slot) {
    if (in_use(slot)) slots.push_back(slot);
  }
  std::sort(slots.begin(), slots.end(), [&](Slot a, Slot b) { return key(a) < key(b); });
  return slots;
}

}  // namespace sluice::state
