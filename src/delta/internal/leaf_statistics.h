#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/common/types/validity_mask.hpp>

#include "delta/delta_schema.h"
#include "delta/file_statistics.h"

namespace sluice::delta::internal {

/// Makes a vector flat, and the members of structs within it.
void flatten(duckdb::Vector& vector, std::size_t row_count);

/// Gathers the statistics of one leaf column; a derived class per kind of type keeps the bounds. Owned by one worker.
class LeafStatistics {
 public:
  /// `members` is the position of the top-level column, then of the member in each struct on the way.
  LeafStatistics(ColumnPath path, std::vector<std::size_t> members)
      : path_(std::move(path)), members_(std::move(members)) {}
  virtual ~LeafStatistics() = default;

  const ColumnPath& path() const { return path_; }
  /// Counts the rows in, whose columns are flat.
  void add(duckdb::DataChunk& rows);
  ColumnStatistics finish() const;

 private:
  virtual void add_values(duckdb::Vector&, const duckdb::ValidityMask&, std::size_t) {}
  virtual void finish_bounds(ColumnStatistics&) const {}

  const ColumnPath path_;
  const std::vector<std::size_t> members_;
  std::int64_t null_count_ = 0;
};

/// Returns what gathers statistics for a leaf of this type.
std::unique_ptr<LeafStatistics> make_leaf_statistics(const DataType& type, ColumnPath path,
                                                     std::vector<std::size_t> members);

}  // namespace sluice::delta::internal
