#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <duckdb/common/types/column/column_data_collection.hpp>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/row_codec.h"
#include "state/multiset.h"

namespace sluice::runtime::internal {

/// Rows of one type and how many copies of each: a relation's content, or what an epoch changes in it. Adding rows sums
/// their copies, so what comes and goes leaves no trace. Owned by one worker.
class RowBag {
 public:
  /// Unsupported, naming the column, if a type has no encoding.
  static Result<RowBag> create(columnar::RowType types);

  Status add(columnar::ChangeBatch& changes);
  /// Adds each row as often as it has negative copies, and the other way round.
  Status subtract(columnar::ChangeBatch& changes);
  /// Takes the content of `other`, a bag of the same type, away.
  Status subtract(const RowBag& other);
  void clear() { rows_.clear(); }

  bool empty() const { return rows_.empty(); }
  /// How many different rows there are.
  std::size_t size() const { return rows_.size(); }

  /// Passes the content on in byte order, so equal content gives equal batches. Stops at the first error.
  Status for_each_batch(const std::function<Status(columnar::ChangeBatch&)>& take) const;
  /// Returns the content, each row as often as there are copies, in byte order. Requires that no weight is negative.
  Result<std::unique_ptr<duckdb::ColumnDataCollection>> collect() const;

 private:
  explicit RowBag(columnar::RowCodec codec) : codec_(std::move(codec)) {}
  Status encode(columnar::ChangeBatch& changes);

  columnar::RowCodec codec_;
  state::Multiset rows_;
  columnar::EncodedRows encoded_;
};

}  // namespace sluice::runtime::internal
