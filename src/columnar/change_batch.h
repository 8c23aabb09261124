#pragma once

#include <cstdint>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"

namespace sluice::columnar {

/// Up to kBatchRowsMax rows and how many copies of each are added (+) or taken away (-).
///
/// The rows are a DuckDB chunk, so all of DuckDB's kernels work on them. An append-only batch carries no weights at
/// all: each row counts +1. Owned by one worker; movable. Vectors may be in any of DuckDB's encodings.
class ChangeBatch {
 public:
  /// DuckDB's vector size; a chunk never holds more.
  static constexpr std::size_t kBatchRowsMax = STANDARD_VECTOR_SIZE;

  /// Makes an empty batch with room for kBatchRowsMax rows.
  explicit ChangeBatch(const RowType& types);
  /// Takes the rows over; all weights +1.
  explicit ChangeBatch(duckdb::DataChunk&& rows);
  /// Takes rows and weights over; `weights` has one entry per row, none 0.
  ChangeBatch(duckdb::DataChunk&& rows, std::vector<std::int64_t> weights);
  ChangeBatch(ChangeBatch&& other) noexcept;
  ChangeBatch& operator=(ChangeBatch&& other) noexcept;

  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.size() == 0; }
  duckdb::DataChunk& rows() { return rows_; }
  const duckdb::DataChunk& rows() const { return rows_; }

  /// True if every row counts +1.
  bool insert_only() const { return weights_.empty(); }
  std::int64_t weight(std::size_t row) const { return weights_.empty() ? 1 : weights_[row]; }
  /// Empty when insert_only(), else one entry per row.
  const std::vector<std::int64_t>& weights() const { return weights_; }
  /// Sets one weight per row; collapses to the insert-only form if all are +1.
  void set_weights(std::vector<std::int64_t> weights);

  /// Returns a batch that shares no memory with this one.
  ChangeBatch copy() const;

 private:
  duckdb::DataChunk rows_;
  std::vector<std::int64_t> weights_;
};

}  // namespace sluice::columnar
