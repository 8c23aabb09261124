#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "delta/actions.h"
#include "delta/data_file_writer.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::connect {

/// How a table changes.
enum class WriteMode {
  Append,   ///< Rows are only added: streaming tables. No locator is kept.
  Changes,  ///< Rows are added and taken back: materialized views and CDC targets.
};

/// Takes live rows of one data file: all columns, the file's action, and each row's position in the file.
using LiveRowSink = std::function<Status(duckdb::DataChunk& rows, const delta::AddFile& file,
                                         std::span<const std::uint64_t> positions)>;
/// Passes every live row of a snapshot of the table to the sink; `lake::Lake::scan_table` does.
using ScanTable =
    std::function<Status(const std::shared_ptr<const delta::Snapshot>& snapshot, const LiveRowSink& sink)>;

struct TableWriterOptions {
  std::string table;  ///< "schema.name", for messages.
  WriteMode mode = WriteMode::Append;
  delta::DataFileOptions files;  ///< The table's columns and properties after the epoch's commit.
};

/// What an epoch does to a table, ready to be committed: every file it names is durable.
struct PreparedChanges {
  std::vector<delta::Action> actions;  ///< AddFile, RemoveFile, AddCdcFile; empty if the table does not change.
  std::uint64_t rows_added = 0;
  std::uint64_t rows_removed = 0;   ///< Rows marked in deletion vectors or gone with whole files.
  std::uint64_t files_added = 0;    ///< Data files written.
  std::uint64_t files_removed = 0;  ///< Data files that left the table.
  std::uint64_t deletion_vectors_added = 0;
  std::uint64_t bytes_added = 0;
};

/// Turns one table's changes, epoch by epoch, into data files and deletion vectors. Owned by one worker.
///
///     write()* ─ prepare() ─┬─ applied(snapshot)   the commit is in the log
///        │                  └─ abort()             it is not and never will be
///        └─ abort()
///
/// Changes mode: an epoch's changes are consolidated by row (rows are equal as columnar::RowCodec says) before anything
/// is written, so a row that comes and goes leaves no trace; its changed rows are held in memory until prepare(). A row
/// is taken back where it is stored: its position is added to the file's deletion vector, without a scan; which of
/// equal copies goes is decided by RowLocator. A file whose rows are all gone leaves the table. The locator is built at
/// the first row to be taken back, by one scan of the newest snapshot, and follows our own commits from then on.
///
/// Append mode: rows go to files as they come.
///
/// Where the table has a change data feed, an epoch that takes rows back writes its changes into the feed's files, too: a
/// changed row as a deletion and an insertion, as it has no key here. Spec: "Change Data Files". (The deletion vectors
/// tell the same, but not all readers of feeds look at them.) A replaced table's feed is told by its files.
///
/// Data files hold the columns without the partition columns. In a partition column '' and empty BLOB are NULL, as
/// Delta has no other (the row is stored, and later found, so).
class TableWriter {
 public:
  /// `store` is rooted at the table folder; `snapshot` is the newest version, nullptr if the table does not exist yet.
  /// `scan` may be empty in Append mode. `store`, `clock` and `random` must outlive the writer.
  /// Errors: InvalidArgument (a partition column is missing); Unsupported, naming the column (a type that is not
  /// stored).
  static Result<std::unique_ptr<TableWriter>> create(store::ObjectStore& store, Clock& clock, Random& random,
                                                     TableWriterOptions options,
                                                     std::shared_ptr<const delta::Snapshot> snapshot, ScanTable scan);
  ~TableWriter();

  /// Says that this epoch's rows are all the table shall hold: prepare() also removes every file of the snapshot. For
  /// another schema or a full refresh. Before the first write() of the epoch.
  void replace();

  /// Takes changes whose rows have the schema's types, and gives them the form in which the table will give them back, so
  /// that who reads them from memory sees the same. Errors: those of the store; in Append mode Internal for a
  /// negative weight. After an error only abort() makes sense.
  Status write(columnar::ChangeBatch& changes);

  /// Ends the epoch's files and makes them durable. Corruption, naming table and row, if a row is to be taken back that
  /// the table does not hold: an invariant is broken and the pipeline must stop. Other errors: the store's and the
  /// scan's.
  Result<PreparedChanges> prepare();

  /// The actions were committed: `snapshot` is the version that holds them and nothing foreign since the last one.
  void applied(std::shared_ptr<const delta::Snapshot> snapshot);

  /// Forgets the epoch: locator and table are as before, the files written are removed where possible. Never to be
  /// called when the commit may yet be made.
  void abort();

 private:
  struct Impl;
  explicit TableWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::connect
