#include "state/arrangement.h"

#include <array>
#include <cstring>

namespace sluice::state {

Arrangement::Added Arrangement::add(std::string_view key, std::string_view row, std::int64_t weight) {
  const Slot key_slot = keys_.insert(key);
  if (key_slot >= key_entries_.size()) key_entries_.resize(keys_.slot_end());

  std::array<char, sizeof(Slot)> prefix;
  std::memcpy(prefix.data(), &key_slot, sizeof key_slot);
  scratch_.assign(prefix.data(), prefix.size());
  scratch_.append(row);
  const Slot row_slot = rows_.insert(scratch_);
  if (row_slot >= row_entries_.size()) row_entries_.resize(rows_.slot_end());

  RowEntry& entry = row_entries_[row_slot];
  KeyEntry& key_entry = key_entries_[key_slot];
  if (entry.key == kNoSlot) {
    entry.key = key_slot;
    entry.next = key_entry.first;
    if (entry.next != kNoSlot) row_entries_[entry.next].previous = row_slot;
    key_entry.first = row_slot;
  }
  entry.weight += weight;
  key_entry.weight += weight;
  return {key_slot, row_slot};
}

bool Arrangement::drop_if_zero(Slot row) {
  const RowEntry entry = row_entries_[row];
  if (entry.weight != 0) return false;
  KeyEntry& key_entry = key_entries_[entry.key];
  if (entry.previous == kNoSlot) {
    key_entry.first = entry.next;
  } else {
    row_entries_[entry.previous].next = entry.next;
  }
  if (entry.next != kNoSlot) row_entries_[entry.next].previous = entry.previous;
  if (key_entry.first == kNoSlot) {
    key_entry = KeyEntry();
    keys_.erase(entry.key);
  }
  row_entries_[row] = RowEntry();
  rows_.erase(row);
  return true;
}

std::uint64_t Arrangement::bytes() const {
  return keys_.bytes() + rows_.bytes() + key_entries_.capacity() * sizeof(KeyEntry) +
         row_entries_.capacity() * sizeof(RowEntry);
}

}  // namespace sluice::state
