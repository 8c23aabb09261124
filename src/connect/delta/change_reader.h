#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "delta/change_files.h"
#include "delta/snapshot.h"
#include "delta/table_difference.h"

namespace sluice::connect {

/// Takes rows that came or went; they are the sink's during the call only.
using ChangedRowSink = std::function<Status(columnar::ChangeBatch& changes)>;
/// Passes the rows of change files to the sink, with the columns of the snapshot: -1 for those that went, +1 for those
/// that came; `lake::Lake::scan_changed_rows` does.
using ScanChangedRows = std::function<Status(const std::shared_ptr<const delta::Snapshot>& columns,
                                             const std::vector<delta::ChangeFile>& files, const ChangedRowSink& sink)>;

/// Reads how the rows of a table changed, commit by commit: what `after` has more and less than `before`, exactly, as a
/// bag. Rows that a commit rewrote as they were are left out.
///
/// To find these, the rows that a commit took away are held, as many of them as fit into the memory limit, while those
/// that it brought are read; what does not fit is left to another pass over the same files, and so on. A commit that
/// only brings or only takes rows, and one with a change data feed, is read once and held not at all.
/// Owned by one worker.
class ChangeReader {
 public:
  /// Held rows of one pass. On top come, briefly, one batch of rows and the slots that put them in order.
  static constexpr std::uint64_t kMemoryBytesMax = std::uint64_t{256} << 20U;

  explicit ChangeReader(ScanChangedRows scan, std::uint64_t memory_bytes_max = kMemoryBytesMax)
      : scan_(std::move(scan)), memory_bytes_max_(memory_bytes_max) {}

  /// Errors: those of scan and sink. Cost: one read of the changed files, times (rows taken away / memory limit) where a
  /// commit both brings and takes rows.
  Status read(const delta::TableDifference& difference, const ChangedRowSink& sink);

 private:
  ScanChangedRows scan_;
  std::uint64_t memory_bytes_max_;
};

}  // namespace sluice::connect
