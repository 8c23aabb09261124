#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/parquet_compression.h"
#include "columnar/schema.h"
#include "store/object_store.h"

namespace duckdb {
class ClientContext;
class Connection;
class DuckDB;
}  // namespace duckdb

namespace sluice::columnar {

/// The DuckDB instance that encodes Parquet: no data, no extensions, one thread. Making one takes about 2 ms, so who
/// writes many files shares one. Owned by one worker; must outlive every writer made with it.
class ParquetContext {
 public:
  static Result<std::unique_ptr<ParquetContext>> create();
  ~ParquetContext();

  duckdb::ClientContext& client();

 private:
  ParquetContext();
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

/// The id by which the schema of a Parquet file knows a column (`field_id`), and those of what is nested in it.
struct FieldIds {
  std::optional<std::int32_t> id;  ///< Absent: none.
  /// As the type's: members of a STRUCT, the element of a LIST, key and value of a MAP. Empty: none.
  std::vector<FieldIds> children;
};

/// How a Parquet file is made.
struct ParquetOptions {
  std::vector<FieldIds> field_ids = {};                ///< Per column; empty: none.
  std::size_t row_group_rows_max = 122'880;            ///< Rows per row group.
  std::size_t row_group_bytes_max = 64 * 1024 * 1024;  ///< Buffered bytes (uncompressed) per row group.
  ParquetCompression compression = ParquetCompression::Zstd;
};

/// Writes one Parquet file (DuckDB's encoder) as an object that becomes visible, whole and durable, at finish().
/// The types must be such that stored_type(type) == type: the writer checks it, because DuckDB would silently write
/// HUGEINT as DOUBLE. VARIANT columns are written unshredded, as the data says nothing of what queries will look for, and
/// DuckDB would shred them by their first rows (variant_encoding.h). Owned by one worker. Without finish() nothing is left in the store.
class ParquetWriter {
 public:
  struct Written {
    std::uint64_t size_bytes = 0;
    std::uint64_t row_count = 0;
  };

  /// `store` must outlive the writer. Errors: those of ObjectStore::create; Unsupported, naming the column, for a type
  /// that Delta lacks.
  static Result<std::unique_ptr<ParquetWriter>> create(store::ObjectStore& store, std::string key, const Schema& schema,
                                                       ParquetOptions options = {});
  /// As above, encoding in `context`, which must outlive the writer.
  static Result<std::unique_ptr<ParquetWriter>> create(ParquetContext& context, store::ObjectStore& store,
                                                       std::string key, const Schema& schema,
                                                       ParquetOptions options = {});
  ~ParquetWriter();

  /// Adds rows of the schema's types. After an error the writer is of no more use and gives that error again.
  Status append(duckdb::DataChunk& rows);
  /// Bytes handed to the store so far plus an estimate of those buffered.
  std::uint64_t size_bytes_estimate() const;
  /// Memory held by rows that are not in the store yet.
  std::uint64_t buffered_bytes() const;
  /// Ends the file and makes it durable. Errors: ResourceExhausted, PermissionDenied, Unavailable: nothing is visible.
  Result<Written> finish() &&;

 private:
  struct Impl;
  explicit ParquetWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::columnar
