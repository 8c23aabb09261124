#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/file_system.h"
#include "connect/files/row_sink.h"

namespace sluice::connect {

/// Reads Parquet files into rows of a schema, by DuckDB's reader in an instance of its own: one thread, UTC, no
/// extension but those built in. Rows come in file order. Owned by one worker. Memory: DuckDB's, about a row group.
///
/// A file's columns fill the columns of their names, without regard to case. A value of another type is cast if casting
/// it back gives the same value; else it goes to `_rescued_data`, as does a value of a column that the schema lacks
/// (see kRescuedColumn), and the row stays. A missing column is NULL.
class ParquetReader {
 public:
  static Result<std::unique_ptr<ParquetReader>> create();
  ~ParquetReader();

  /// Returns the columns of a file; nullopt if its bytes are not Parquet that can be read. Errors: those of the file,
  /// ResourceExhausted.
  Result<std::optional<columnar::Schema>> find_schema(InputFile& file);

  /// Reads the whole file. `path` names it in dead letters and rescued data. A file whose bytes are not good Parquet, or
  /// not to their end, becomes one dead letter (line 0); rows before the damage stay. Errors: those of the file and the
  /// sink, ResourceExhausted, Cancelled; what the sink got must then be forgotten.
  Status read(InputFile& file, const std::string& path, std::uint64_t size_bytes, const columnar::Schema& schema,
              RowSink& sink, const std::stop_token& stop);

  /// Returns the stored form of a schema without `_rescued_data`: JSON with a format version, types as SQL.
  static std::string encode_schema(const columnar::Schema& schema);
  /// Reads what encode_schema() wrote; the empty text is a schema without columns. Corruption if it is something else.
  Result<columnar::Schema> decode_schema(std::string_view text);

 private:
  struct Impl;
  explicit ParquetReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::connect
