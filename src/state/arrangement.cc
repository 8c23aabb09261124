#include "state/arrangement.h"

namespace sluice::state {

void Arrangement::insert(const columnar::EncodedRows& keys, const columnar::EncodedRows& rows,
                         std::vector<Entry>& entries) {
  keys_.insert(keys, key_slots_);
  if (key_entries_.size() < keys_.slot_end()) key_entries_.resize(keys_.slot_end());

  prefixed_.arena.clear();
  prefixed_.arena.reserve(rows.arena.size() + rows.size() * sizeof(Slot));
  prefixed_.offsets.assign(1, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    prefixed_.arena.append(reinterpret_cast<const char*>(&key_slots_[i]), sizeof(Slot));
    prefixed_.arena.append(rows.row(i));
    prefixed_.offsets.push_back(prefixed_.arena.size());
  }
  rows_.insert(prefixed_, row_slots_);
  if (row_entries_.size() < rows_.slot_end()) row_entries_.resize(rows_.slot_end());

  entries.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Slot row = row_slots_[i];
    const bool is_new = row_entries_[row].key == kNoSlot;
    if (is_new) link(key_slots_[i], row);
    entries.push_back({key_slots_[i], row, is_new});
  }
}

/// Puts a new row at the head of its key's list.
void Arrangement::link(Slot key, Slot row) {
  RowEntry& entry = row_entries_[row];
  entry.key = key;
  entry.next = key_entries_[key].first;
  if (entry.next != kNoSlot) row_entries_[entry.next].previous = row;
  key_entries_[key].first = row;
}

bool Arrangement::drop_if_zero(Slot row) {
  const RowEntry entry = row_entries_[row];
  if (entry.key == kNoSlot || entry.weight != 0) return false;
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
