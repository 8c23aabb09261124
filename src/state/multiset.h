#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "columnar/change_batch.h"
#include "columnar/row_codec.h"
#include "state/key_index.h"

namespace sluice::state {

/// Rows, as encoded by a RowCodec, and how many copies of each there are. A row with weight 0 is not in it; weights may
/// be negative, so that a multiset can also be a change. Owned by one worker.
class Multiset {
 public:
  /// Adds `weight` copies of the row; returns the row's weight after it.
  std::int64_t add(std::string_view row, std::int64_t weight);
  /// Adds every row of a chunk; `weights` has one entry per row, or none: each +1.
  void add(const columnar::EncodedRows& rows, std::span<const std::int64_t> weights);
  void clear();

  /// Returns 0 if the row is not in it.
  std::int64_t weight(std::string_view row) const;
  /// How many different rows there are.
  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.size() == 0; }
  /// Memory held, about.
  std::uint64_t bytes() const { return rows_.bytes() + weights_.capacity() * sizeof(std::int64_t); }

  /// Calls `visit` with each row and its weight, in byte order. Cost: a sort.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Slot slot : rows_.sorted()) visit(rows_.key(slot), weights_[slot]);
  }

 private:
  KeyIndex rows_;
  std::vector<std::int64_t> weights_;  // by slot
  std::vector<Slot> slots_;            // of the chunk being added
};

/// Returns what must be added to `from` to make it `to`.
Multiset difference(const Multiset& from, const Multiset& to);

/// Calls `take` with the content of `rows` as batches of at most ChangeBatch::kBatchRowsMax, in byte order.
void for_each_batch(const Multiset& rows, const columnar::RowCodec& codec,
                    const std::function<void(columnar::ChangeBatch&&)>& take);

}  // namespace sluice::state
