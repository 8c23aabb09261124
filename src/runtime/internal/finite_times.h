#pragma once

#include <cstdint>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"

namespace sluice::runtime::internal {

/// Finds rows with an infinite date or timestamp, at any depth: DuckDB has such values, and no table can hold them.
class FiniteTimes {
 public:
  explicit FiniteTimes(const columnar::RowType& types);

  /// A row, and the first column in it that holds such a value.
  struct Finding {
    std::uint32_t row;
    columnar::ColumnIndex column;

    friend bool operator==(const Finding&, const Finding&) = default;
  };

  /// Returns the rows found, ascending. Flattens nested columns. Cost: a pass over columns of times, none without any.
  std::vector<Finding> find(duckdb::DataChunk& rows) const;

 private:
  std::vector<columnar::ColumnIndex> columns_;  ///< That may hold times.
};

}  // namespace sluice::runtime::internal
