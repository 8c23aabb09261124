#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "store/object_store.h"

namespace sluice::columnar {

/// Limits of a Parquet file.
struct ParquetOptions {
  std::size_t row_group_rows_max = 122'880;               ///< Rows per row group.
  std::size_t row_group_bytes_max = 64 * 1024 * 1024;     ///< Buffered bytes (uncompressed) per row group.
};

/// Writes one Parquet file (zstd, DuckDB's encoder) as an object that becomes visible, whole and durable, at finish().
/// The types must be such that stored_type(type) == type: the writer checks it, because DuckDB would silently write
/// HUGEINT as DOUBLE. Owned by one worker. Without finish() nothing is left in the store.
class ParquetWriter {
 public:
  struct Written {
    std::uint64_t size_bytes = 0;
    std::uint64_t row_count = 0;
  };

  /// `store` must outlive the writer. Errors: those of ObjectStore::create.
  static Result<std::unique_ptr<ParquetWriter>> create(store::ObjectStore& store, std::string key, const Schema& schema,
                                                       ParquetOptions options = {});
  ~ParquetWriter();

  /// Adds rows of the schema's types.
  Status append(duckdb::DataChunk& rows);
  /// Bytes handed to the store so far plus an estimate of those buffered.
  std::uint64_t size_bytes_estimate() const;
  /// Ends the file and makes it durable. Errors: ResourceExhausted, PermissionDenied, Unavailable: nothing is visible.
  Result<Written> finish() &&;

 private:
  struct Impl;
  explicit ParquetWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::columnar
