#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"

namespace sluice::delta {

/// Finds rows with values that a table cannot hold, though DuckDB has them: infinite dates and timestamps, at any depth;
/// in partition columns, whose values are text, also years that readers do not read (write_partition_value()), and
/// bytes that are no text.
class FiniteTimes {
 public:
  FiniteTimes(const columnar::RowType& types, std::vector<columnar::ColumnIndex> partition);

  /// A row, and the first column in it that holds such a value.
  struct Finding {
    std::uint32_t row;
    columnar::ColumnIndex column;
    bool infinite = true;  ///< Else it has no text.

    friend bool operator==(const Finding&, const Finding&) = default;
  };

  /// What is wrong with the value that was found.
  static std::string_view reason_of(const Finding& finding) {
    return finding.infinite ? "a table cannot hold infinity as a date or time"
                            : "a partition value must have a text: years -262143 to 262142, bytes that are UTF-8";
  }

  /// Returns the rows found, ascending. Flattens nested columns. Cost: a pass over columns of times, none without any.
  std::vector<Finding> find(duckdb::DataChunk& rows) const;

 private:
  std::vector<columnar::ColumnIndex> columns_;    ///< That may hold times.
  std::vector<columnar::ColumnIndex> partition_;  ///< Columns whose values are written as text.
};

}  // namespace sluice::delta
