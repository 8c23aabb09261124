#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "columnar/row_codec.h"
#include "state/byte_store.h"
#include "state/key_index.h"

namespace sluice::state {

/// Rows with weights, arranged by key: one side of a join. Adding and finding a row costs a look-up however many rows
/// its key has; the rows of a key form a list. Owned by one worker.
///
/// A row whose weight is 0 stays until drop_if_zero(), so that a caller can compare an epoch's end with its beginning.
class Arrangement {
 public:
  struct Entry {
    Slot key;
    Slot row;
    bool is_new;  ///< The row was not there: its weight is 0.
  };

  /// Finds the entries of a chunk's rows under their keys, both as bytes, or makes them; replaces the content of
  /// `entries`. The weights are the caller's to add.
  void insert(const columnar::EncodedRows& keys, const columnar::EncodedRows& rows, std::vector<Entry>& entries);
  /// Adds to the weight of a row that is there.
  void add_weight(Slot row, std::int64_t weight) {
    row_entries_[row].weight += weight;
    key_entries_[row_entries_[row].key].weight += weight;
  }
  /// Removes the row if it is there with weight 0, and its key if that was the last row; true if the row was removed.
  bool drop_if_zero(Slot row);

  /// Returns the key's slot, or kNoSlot.
  Slot find_key(std::string_view key) const { return keys_.find(key); }
  /// As find_key(), for every row of a chunk.
  void find_keys(const columnar::EncodedRows& keys, std::vector<Slot>& slots) { keys_.find(keys, slots); }
  std::string_view key(Slot key) const { return keys_.key(key); }
  /// Sum of the weights of the key's rows.
  std::int64_t key_weight(Slot key) const { return key_entries_[key].weight; }

  /// The rows of a key: `for (Slot row = first_row(key); row != kNoSlot; row = next_row(row))`. The latest comes first.
  Slot first_row(Slot key) const { return counted(key_entries_[key].first); }
  Slot next_row(Slot row) const { return counted(row_entries_[row].next); }
  /// Returns the row's bytes, valid until the next change.
  std::string_view row(Slot row) const { return rows_.key(row).substr(sizeof(Slot)); }
  std::int64_t weight(Slot row) const { return row_entries_[row].weight; }
  Slot key_of(Slot row) const { return row_entries_[row].key; }

  /// How many different rows there are.
  std::size_t size() const { return rows_.size(); }
  /// Every row's slot is lower than this.
  Slot row_end() const { return rows_.slot_end(); }
  /// How many keys and rows were looked up, added or walked over so far, for tests of incrementality.
  std::uint64_t reads() const { return keys_.reads() + rows_.reads() + walked_; }
  std::uint64_t bytes() const;

 private:
  struct KeyEntry {
    Slot first = kNoSlot;
    std::int64_t weight = 0;
  };
  struct RowEntry {
    std::int64_t weight = 0;
    Slot key = kNoSlot;
    Slot next = kNoSlot;
    Slot previous = kNoSlot;
  };

  void link(Slot key, Slot row);
  Slot counted(Slot row) const {
    walked_ += row == kNoSlot ? 0 : 1;
    return row;
  }

  KeyIndex keys_;
  std::vector<KeyEntry> key_entries_;  // by slot of keys_
  KeyIndex rows_;                      // slot of the key, then the row's bytes
  std::vector<RowEntry> row_entries_;  // by slot of rows_
  mutable std::uint64_t walked_ = 0;   // rows

  // Of the chunk being inserted.
  std::vector<Slot> key_slots_;
  std::vector<Slot> row_slots_;
  columnar::EncodedRows prefixed_;
};

}  // namespace sluice::state
