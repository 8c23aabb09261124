#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"

namespace sluice::cli {

/// How rows are shown.
enum class OutputFormat { Table, Json, Ndjson, Csv, Markdown };

/// Returns the format of that name. InvalidArgument with near names otherwise.
Result<OutputFormat> parse_output_format(std::string_view name);

/// Writes a result's rows to a stream as they come. Numbers and booleans stay numbers and booleans in JSON, NULL is
/// null, nested values are JSON; CSV follows RFC 4180 with NULL as an empty field and an empty text as "". Owned by one
/// worker. `out` must outlive the writer.
class ResultWriter {
 public:
  /// Tables hold at most this many rows in memory; what follows is counted, not shown.
  static constexpr std::size_t kTableRowsMax = 10'000;

  /// `width` limits the columns of a table's lines; 0: no limit.
  static std::unique_ptr<ResultWriter> create(OutputFormat format, std::ostream& out, columnar::Schema schema,
                                              std::size_t width);
  virtual ~ResultWriter() = default;
  virtual void write(duckdb::DataChunk& rows) = 0;
  /// Writes what comes after the last row.
  virtual void finish() = 0;
};

}  // namespace sluice::cli
