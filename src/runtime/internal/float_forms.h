#pragma once

#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"

namespace sluice::runtime::internal {

/// Gives floating-point numbers that SQL holds equal one form, at any depth: 0.0 for -0.0, one NaN for all. Parquet's
/// dictionaries keep the form that comes first for all of them, so a table read again would not hold the rows that were
/// written.
class FloatForms {
 public:
  explicit FloatForms(const columnar::RowType& types);

  /// Replaces columns that hold other forms; memory shared with others stays as it is. Cost: a pass over columns with
  /// such numbers, a copy of those that need it.
  void unify(duckdb::DataChunk& rows) const;

 private:
  std::vector<columnar::ColumnIndex> columns_;  ///< That may hold floating-point numbers.
};

}  // namespace sluice::runtime::internal
