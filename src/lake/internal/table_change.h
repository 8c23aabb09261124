#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/main/client_context.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/parquet_writer.h"
#include "delta/actions.h"
#include "delta/change_file_writer.h"
#include "delta/data_file_writer.h"
#include "delta/deletion_vector.h"
#include "delta/finite_times.h"
#include "delta/snapshot.h"
#include "lake/internal/delta_scan.h"
#include "lake/internal/object_file_system.h"
#include "lake/internal/required_values.h"
#include "lake/internal/row_check.h"
#include "store/object_store.h"

namespace sluice::lake {

/// The table that a statement changes.
struct ChangedTable {
  std::string name;  ///< For messages.
  std::shared_ptr<const delta::Snapshot> snapshot;
  std::shared_ptr<store::ObjectStore> store;
  std::shared_ptr<const DeltaScan> scan;  ///< Whose files row ids mean; may be nullptr if no rows are taken.
  bool takes_rows = false;                ///< The statement may take rows.
};

/// How many rows a statement changed, and how.
struct ChangeCounts {
  std::uint64_t rows_inserted = 0;
  std::uint64_t rows_updated = 0;
  std::uint64_t rows_deleted = 0;
  std::uint64_t rows_copied = 0;  ///< Into new files, because their file could not be marked.
  std::uint64_t files_added = 0;
  std::uint64_t files_removed = 0;
  std::uint64_t bytes_added = 0;
  std::uint64_t deletion_vectors_added = 0;
  std::uint64_t change_files_added = 0;
};

/// What one statement does to one table: rows come, rows go, and finish() says by which actions. Rows that come are
/// written to data files as they come; of rows that go the places are kept, a bitmap per file. Where the table has
/// deletion vectors they are marked, else the rest of their files is copied, file by file: the memory for both does not
/// grow with the table.
///
/// Where the table has a change data feed and the statement's actions do not say by themselves, to every reader, which
/// rows changed, all of them are written to its files, too: new rows as they come, rows that go by reading them once
/// more in finish().
///
/// add_rows() and take_rows() may be called by many threads at once; the rest by one.
class TableChange {
 public:
  /// What happens to a row.
  enum class Kind { Insert, Update, Delete };

  /// `client`, whose query this is, `files`, `clock` and `random` must outlive the change.
  /// Unsupported, naming what, if rows of the table cannot be written.
  static Result<std::unique_ptr<TableChange>> create(duckdb::ClientContext& client, ObjectFileSystem& files,
                                                     ChangedTable table, Clock& clock, Random& random);
  ~TableChange();

  /// Takes new rows, or, for Update, the new form of rows that take_rows() is also called with. All columns of the
  /// table, in its order. DataError if a column that must not be NULL is, a table cannot hold a value, or a row does not meet
  /// a constraint; the store's errors.
  Status add_rows(duckdb::DataChunk& rows, Kind kind);
  /// Takes the places of rows that go: for each the number of its file in the scan, and its number there. A row may be
  /// deleted twice, but updated once: InvalidArgument, showing the row, if the statement has two answers for it.
  Status take_rows(std::span<const std::uint64_t> files, std::span<const std::int64_t> rows, Kind kind);

  /// Rows of the table's scan: for each file by number the rows in it.
  using Places = std::map<std::uint64_t, delta::DeletionVector>;
  /// Passes rows of the table, as they are before the change, to `sink`, which they are not counted as read for.
  Status read_rows(const Places& places, const LiveRowSink& sink) const;

  /// Makes everything durable and returns the actions that commit it: AddFile, RemoveFile and AddCdcFile.
  Result<std::vector<delta::Action>> finish();
  /// After finish().
  const ChangeCounts& counts() const { return counts_; }
  const ChangedTable& table() const { return table_; }
  /// Returns a row of the table as messages show it.
  std::string text_of(const duckdb::DataChunk& rows, std::size_t row) const;

  /// The actions will never be committed: removes the files written, as far as that succeeds.
  void discard();

 private:
  struct TakenRows {
    delta::DeletionVector deleted;
    delta::DeletionVector updated;
  };
  /// A writer of data files. Used by one thread at a time.
  struct Writer {
    std::unique_ptr<columnar::ParquetContext> context;
    std::unique_ptr<delta::DataFileWriter> rows;
    RowChecker checker;
    std::unique_ptr<delta::ChangeFileWriter> feed;  // if has_feed()
  };

  TableChange(duckdb::ClientContext& client, ObjectFileSystem& files, ChangedTable table, Clock& clock, Random& random)
      : client_(client), files_(files), table_(std::move(table)), clock_(clock), random_(random) {}

  Status check_not_null(duckdb::DataChunk& rows) const;
  Status check_storable(duckdb::DataChunk& rows) const;
  Status check_constraints(duckdb::DataChunk& rows, RowChecker& checker) const;
  /// Returns a writer that no other thread has.
  Result<std::unique_ptr<Writer>> borrow_writer();
  void give_back(std::unique_ptr<Writer> writer);
  Result<std::unique_ptr<Writer>> make_writer();
  /// Returns what to say of a row that the statement has two answers for.
  Error two_answers(std::uint64_t file, std::uint64_t row);
  /// Ok if rows that are written anew, or to the change data feed, keep their variants: see check_variant_nulls().
  Status check_variants_stay(bool is_recorded) const;
  /// Marks the rows taken of files that can be marked, copies the others' rest.
  Status remove_rows(std::vector<delta::Action>& actions);
  Status copy_rest(std::vector<DeltaScan::PartOfFile> parts);
  /// True if what the statement does to rows may have to go into the change data feed.
  bool has_feed() const { return table_.takes_rows && table_.snapshot->properties().enable_change_data_feed; }
  /// True if the feed's readers see the changes by the files added and removed: rows go only with whole files. (Not all
  /// readers look at deletion vectors, so files that have some do not count.)
  bool is_feed_implied() const;
  Status write_taken_to_feed();

  duckdb::ClientContext& client_;
  ObjectFileSystem& files_;
  const ChangedTable table_;
  Clock& clock_;
  Random& random_;
  delta::DataFileOptions options_;
  std::optional<RequiredValues> required_;
  std::optional<delta::FiniteTimes> finite_times_;
  std::shared_ptr<const RowCheck> constraints_;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Writer>> writers_;    // guarded by mutex_; those that are not borrowed
  std::map<std::uint64_t, TakenRows> taken_;        // by file of the scan, guarded by mutex_
  std::optional<std::string> deletion_vector_key_;  // of the file that remove_rows() made
  std::atomic<std::uint64_t> rows_inserted_ = 0;
  ChangeCounts counts_;
};

}  // namespace sluice::lake
