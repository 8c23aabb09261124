#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/common/types/value.hpp>

#include "delta/actions.h"
#include "delta/file_statistics.h"
#include "delta/snapshot.h"

namespace sluice::delta {

/// Compares what the log says of the data files of a table with their rows. Owned by one worker.
///
/// A file is wrong if its rows, those a deletion vector marks included, are not numRecords, if a live value lies beyond
/// the bounds of its column, or if a column has another number of NULLs than nullCount (more, if a deletion vector marks
/// rows or bounds are wide). Bounds of floating-point columns are not looked at: NaN is in them or not. Files without
/// statistics are never wrong.
class StatisticsCheck {
 public:
  explicit StatisticsCheck(std::shared_ptr<const Snapshot> snapshot);

  /// Takes live rows of one file: all columns of the table, as logical_type() has them. The rows of a file come one
  /// after the other. Their vectors may come out in another encoding. Cost: one pass per bound.
  void add(duckdb::DataChunk& rows, const AddFile& file);

  /// Ends the check: one sentence for each thing wrong, naming file and column.
  std::vector<std::string> finish() &&;

 private:
  /// A column, or a member of a struct, that is no struct itself.
  struct Leaf {
    std::vector<std::size_t> place;  ///< Index of the column, then of the member at each depth.
    std::string name;                ///< Logical, with dots.
    ColumnPath path;
    const DataType* type;
  };
  /// What the present file's statistics say of a leaf, and what was seen.
  struct Watch {
    const Leaf* leaf;
    std::optional<duckdb::Value> min;
    std::optional<duckdb::Value> max;
    std::optional<std::int64_t> null_count;
    std::int64_t nulls_seen = 0;
    bool is_beyond = false;
  };

  void find_leaves(const DataType& type, Leaf parent);
  void begin(const AddFile& file);
  void end();

  const std::shared_ptr<const Snapshot> snapshot_;
  std::vector<Leaf> leaves_;
  std::optional<AddFile> file_;  // the present one
  std::vector<Watch> watches_;
  std::optional<std::int64_t> num_records_;
  bool has_tight_bounds_ = true;
  std::int64_t rows_seen_ = 0;
  std::set<FileKey> files_seen_;
  std::vector<std::string> findings_;
};

}  // namespace sluice::delta
