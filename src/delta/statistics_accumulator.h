#pragma once

#include <memory>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "delta/delta_schema.h"
#include "delta/file_statistics.h"
#include "delta/table_properties.h"

namespace sluice::delta {

namespace internal {
class LeafStatistics;
}

/// Gathers the statistics of one data file from the chunks written to it. Owned by one worker.
///
/// As Spark writes them: for each of the first `statistics_columns_max` leaf columns (or the named ones) the count of
/// NULLs, and for numbers, dates, timestamps and strings min and max: strings cut to 32 characters (max with a
/// tie-breaker behind, or none if there is no way up), timestamps to milliseconds (max rounded up), NaN and infinity no
/// bound at all, decimals exactly. Members of a NULL struct count as NULL.
class StatisticsAccumulator {
 public:
  /// `schema` is the file's: the table's columns without partition columns, statistics under their physical names.
  StatisticsAccumulator(const DataType& schema, const TableProperties& properties);
  ~StatisticsAccumulator();
  StatisticsAccumulator(StatisticsAccumulator&&) noexcept;

  /// Counts rows in. Their types are those of logical_type(schema); their vectors may come out in another encoding,
  /// with the same values. Cost: one pass per column.
  void add(duckdb::DataChunk& rows);

  /// Returns the statistics of the rows so far.
  FileStatistics finish() const;

 private:
  std::int64_t row_count_ = 0;
  std::vector<std::unique_ptr<internal::LeafStatistics>> columns_;
};

}  // namespace sluice::delta
