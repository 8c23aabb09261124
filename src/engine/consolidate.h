#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/row_codec.h"
#include "state/multiset.h"

namespace sluice::engine {

/// Sums the weights of equal rows over the batches of an epoch. What comes out depends on the rows alone, not on how
/// they were split or ordered: each row once, in byte order (columnar::RowCodec), those with weight 0 dropped. Owned by
/// one worker. State: the different rows of one epoch.
class Consolidator {
 public:
  using Take = std::function<void(columnar::ChangeBatch&&)>;

  /// Fails with Unsupported if a type has no order.
  static Result<Consolidator> create(columnar::RowType types);

  void add(columnar::ChangeBatch& changes);
  /// Hands over the sum of what was added since the last call, in batches, and forgets it.
  void finish(const Take& take);

  const columnar::RowCodec& codec() const { return codec_; }
  /// The sum so far.
  const state::Multiset& rows() const { return rows_; }
  std::uint64_t bytes() const { return rows_.bytes(); }

 private:
  explicit Consolidator(columnar::RowCodec codec) : codec_(std::move(codec)) {}

  columnar::RowCodec codec_;
  columnar::EncodedRows encoded_;
  state::Multiset rows_;
};

}  // namespace sluice::engine
