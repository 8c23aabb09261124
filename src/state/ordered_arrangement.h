#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "state/byte_store.h"

namespace sluice::state {

/// Per group the rows with weights, in byte order: for min, max and Top-N. Groups are named by small numbers, as a
/// KeyIndex gives them. Owned by one worker.
///
/// Per group a sorted sequence of leaves, each a sorted run of at most kLeafRowsMax rows: a look-up is two binary
/// searches, an insertion moves at most one leaf's slots.
class OrderedArrangement {
 public:
  struct Entry {
    std::string_view row;  ///< Valid until the next change.
    std::int64_t weight;
  };

  /// Adds `weight` copies; a row whose weight becomes 0 is removed. Weights may be negative meanwhile.
  void add(Slot group, std::string_view row, std::int64_t weight);
  /// Removes all rows of the group.
  void clear(Slot group);
  /// Removes the rows behind the first `copies` copies; the last row that stays may have more copies than that. Returns
  /// how many copies stay. Requires that no weight of the group is negative.
  std::uint64_t keep_first(Slot group, std::uint64_t copies);

  std::optional<Entry> first(Slot group) const;
  std::optional<Entry> last(Slot group) const;
  /// Calls `visit` with the group's rows in order until it returns false.
  template <typename Visit>
  void for_each(Slot group, Visit&& visit) const {
    if (group >= groups_.size()) return;
    for (const Leaf& leaf : groups_[group]) {
      for (const Slot slot : leaf) {
        ++reads_;
        if (!visit(Entry{rows_.get(slot), weights_[slot]})) return;
      }
    }
  }

  std::size_t size() const { return rows_.size(); }
  /// How many rows were looked up, added or walked over so far, for tests of incrementality.
  std::uint64_t reads() const { return reads_; }
  std::uint64_t bytes() const;

 private:
  static constexpr std::size_t kLeafRowsMax = 512;
  using Leaf = std::vector<Slot>;  // never empty
  struct Place {
    std::size_t leaf;
    std::size_t index;
  };

  /// Returns the place of the first row that is not before `row`; one past the last row of the last leaf if all are.
  Place lower_bound(const std::vector<Leaf>& leaves, std::string_view row) const;
  void insert(std::vector<Leaf>& leaves, Place place, Slot slot);

  ByteStore rows_;
  std::vector<std::int64_t> weights_;      // by slot of rows_
  std::vector<std::vector<Leaf>> groups_;  // by group
  std::uint64_t leaf_count_ = 0;
  mutable std::uint64_t reads_ = 0;
};

}  // namespace sluice::state
