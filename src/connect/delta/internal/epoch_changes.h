#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/common/types/data_chunk.hpp>

#include "base/hash.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/parquet_writer.h"
#include "columnar/row_codec.h"

namespace sluice::connect::internal {

/// Hashes rows by what columnar::RowCodec holds equal. Owned by one worker.
class RowHasher {
 public:
  /// Unsupported, naming the column, if a type has no encoding.
  static Result<RowHasher> create(columnar::RowType types);

  /// Replaces `hashes` by one per row.
  Status hash(duckdb::DataChunk& rows, std::vector<Hash128>& hashes);

 private:
  explicit RowHasher(columnar::RowCodec codec) : codec_(std::move(codec)) {}
  columnar::RowCodec codec_;
  columnar::EncodedRows encoded_;
};

/// The changes of an epoch, consolidated: each distinct row once, with the sum of its weights. Owned by one worker.
/// Memory: the distinct rows, and 60 bytes for each.
class EpochChanges {
 public:
  /// A row whose copies are to be taken back.
  struct Removal {
    Hash128 row;
    std::uint64_t copies;
    std::size_t index;  ///< For text_of().
  };

  /// `context` lends the memory and must outlive the changes.
  EpochChanges(columnar::ParquetContext& context, const columnar::RowType& types);

  /// Adds rows with their hashes and weights.
  Status add(duckdb::DataChunk& rows, const columnar::ChangeBatch& weights, const std::vector<Hash128>& hashes);

  /// Returns the rows with a negative sum, in the order in which they first came.
  std::vector<Removal> removals() const;
  enum class Sign {
    Added,    ///< The sum is positive.
    Removed,  ///< The sum is negative.
  };
  /// Passes the rows of which the sum has the sign to `sink`, each as often as the sum says, in the order in which they
  /// first came, with their hashes. A chunk holds at most STANDARD_VECTOR_SIZE rows.
  Status for_each(Sign sign,
                  const std::function<Status(duckdb::DataChunk& rows, const std::vector<Hash128>& hashes)>& sink) const;

  /// Returns the row's values for a message.
  std::string text_of(std::size_t index) const;

 private:
  struct HashOf {
    std::size_t operator()(const Hash128& row) const noexcept { return row.low; }
  };

  duckdb::vector<duckdb::LogicalType> types_;
  duckdb::ColumnDataCollection rows_;  // distinct rows, by index
  duckdb::ColumnDataAppendState append_;
  boost::unordered_flat_map<Hash128, std::size_t, HashOf> index_of_;
  std::vector<Hash128> hashes_;        // by index
  std::vector<std::int64_t> weights_;  // by index
};

/// Passes the rows of a chunk on, row i `copies[i]` times, in chunks of at most STANDARD_VECTOR_SIZE rows; `repeated`
/// says for each passed row which one it was.
Status repeat_rows(
    duckdb::DataChunk& rows, const std::vector<std::uint64_t>& copies,
    const std::function<Status(duckdb::DataChunk& rows, const std::vector<std::uint32_t>& repeated)>& sink);

}  // namespace sluice::connect::internal
