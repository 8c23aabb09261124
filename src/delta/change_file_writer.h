#pragma once

#include <memory>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/parquet_writer.h"
#include "delta/actions.h"
#include "delta/data_file_writer.h"
#include "store/object_store.h"

namespace sluice::delta {

/// What happened to a row, as the change data feed has it.
enum class RowChange {
  Insert,
  Delete,
  UpdatePreimage,   ///< The row before an update.
  UpdatePostimage,  ///< The row after it.
};

/// Writes files of the change data feed: rows of the table and, as the last column, what happened to each. If a commit
/// has such files, they are all that readers of the feed look at: every change of the commit must be in them.
/// Spec: "Change Data Files". Memory: kBufferedBytesMax. Owned by one worker.
class ChangeFileWriter {
 public:
  /// Rows of open files held in memory.
  static constexpr std::uint64_t kBufferedBytesMax = 64 * 1024 * 1024;

  /// `table` says what the table's data files are like. The references must outlive the writer. InvalidArgument if the
  /// table has a column of the feed's own; errors of DataFileWriter::create().
  static Result<std::unique_ptr<ChangeFileWriter>> create(store::ObjectStore& store, Clock& clock, Random& random,
                                                          columnar::ParquetContext& context,
                                                          const DataFileOptions& table);

  /// Writes rows of all the table's columns, normalised as its data files' are, to which the same has happened.
  Status write(const duckdb::DataChunk& rows, RowChange change);
  /// Closes all files. Returns an action per file; all are durable. Then comes keep() or discard().
  Result<std::vector<AddCdcFile>> finish();
  /// The files belong to the table now; begins anew.
  void keep() { files_->keep(); }
  /// Forgets the files and removes those that were closed, where that succeeds; begins anew.
  void discard() { files_->discard(); }

 private:
  explicit ChangeFileWriter(std::unique_ptr<DataFileWriter> files) : files_(std::move(files)) {}

  std::unique_ptr<DataFileWriter> files_;
};

}  // namespace sluice::delta
