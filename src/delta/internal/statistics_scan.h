#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "delta/file_statistics.h"

namespace sluice::delta::internal {

/// Reads what the statistics of many files say of certain columns, passing over the rest: a fraction of what
/// read_statistics() costs, and without allocation. Used by one thread at a time.
class StatisticsScan {
 public:
  struct Column {
    std::string_view min;  ///< JSON text of a scalar; "": unknown.
    std::string_view max;
    std::optional<std::int64_t> null_count;
  };

  /// The columns are different ones.
  explicit StatisticsScan(const std::vector<ColumnPath>& columns);
  ~StatisticsScan();
  StatisticsScan(const StatisticsScan&) = delete;
  StatisticsScan& operator=(const StatisticsScan&) = delete;

  /// Reads the `stats` of a file action; false, and nothing is known, if they are damaged. What lies between the columns
  /// may be damaged without being noticed.
  bool read(std::string_view json);

  /// What the last read() found; texts are valid until the next one.
  const std::optional<std::int64_t>& num_records() const { return num_records_; }
  const std::optional<bool>& tight_bounds() const { return tight_bounds_; }
  const Column& column(std::size_t index) const { return columns_[index]; }

 private:
  class Reader;

  std::vector<Column> columns_;
  std::optional<std::int64_t> num_records_;
  std::optional<bool> tight_bounds_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace sluice::delta::internal
