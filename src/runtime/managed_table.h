#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"
#include "columnar/schema.h"
#include "connect/delta/table_writer.h"
#include "delta/snapshot.h"
#include "lake/lake.h"
#include "runtime/epoch_records.h"
#include "store/object_store.h"

namespace sluice::runtime {

/// The property by which a table's metadata names the pipeline that owns it.
inline constexpr std::string_view kPipelineProperty = "sluice.pipeline";

/// Ok if the tables of a pipeline can have the property. Errors: delta::check_property(); Unsupported for constraints,
/// which expectations stand in for.
Status check_table_property(const std::string& key, const std::string& value);

/// What the pipeline wants a table to be.
struct TableSpec {
  std::string key;  ///< "schema.table".
  columnar::Schema schema;
  std::vector<std::string> partition_columns;
  std::map<std::string, std::string> properties;  ///< As the user wrote them.
  std::string comment;
  connect::WriteMode mode = connect::WriteMode::Append;
};

/// What the tables of one pipeline share. Everything must outlive the tables.
struct TableEnvironment {
  lake::Lake& lake;
  Clock& clock;
  Random& random;
  std::string pipeline_id;
  bool has_manifest = false;  ///< The pipeline has completed an epoch, so its id is the one in its tables.
};

/// How a table compares with what the manifest says of it.
enum class TableStanding {
  New,     ///< Neither in the manifest nor in storage.
  AsLeft,  ///< At the version that our last epoch made.
  Ahead,   ///< Someone else committed to it since.
  Behind,  ///< Older than our last epoch: its folder was restored from a copy.
  Gone,    ///< Its folder is no table any more.
};

/// One Delta table that the pipeline writes, and only the pipeline. Owned by one worker.
///
///     begin_epoch ─ write* ─ prepare ─┬─ applied    its commit is in the log
///                                     └─ abort
class ManagedTable {
 public:
  /// Opens the table, which may not exist yet. `state` is the manifest's, nullptr if the pipeline never wrote it.
  /// Errors: Conflict if someone else made it, or put another in its place; Corruption if it holds our transactions
  /// while the manifest does not name it.
  static Result<std::unique_ptr<ManagedTable>> open(TableEnvironment& environment,
                                                    std::shared_ptr<store::ObjectStore> store, std::string key,
                                                    const TableState* state);

  const std::string& key() const { return key_; }
  /// The version that holds the last epoch; nullptr before the first commit.
  const std::shared_ptr<const delta::Snapshot>& snapshot() const { return snapshot_; }
  /// Returns Delta's id of the table: of the present one, or, from begin_epoch on, of the one to be made.
  std::string table_id() const;
  TableStanding standing() const { return standing_; }
  /// Returns why the table may not be built upon: it is Ahead (Conflict), Behind or Gone (Corruption). Only a full
  /// refresh, which gives it all its rows anew, is then right.
  /// `full_refresh` is what the way out is to name.
  std::optional<Error> out_of_step(std::string_view full_refresh) const;
  /// Columns as stored; empty before the first commit.
  columnar::Schema stored_schema() const;
  /// Passes every live row to `sink`, in stored types, as insert-only batches of at most kBatchRowsMax rows.
  Status scan(const std::function<Status(columnar::ChangeBatch&)>& sink);

  /// Begins an epoch in which the table is to be as `wanted` says, but for the case of column names that it has. With `replace` the epoch's rows are all it shall hold.
  Status begin_epoch(const TableSpec& wanted, bool replace);
  /// Gives the changes the form in which the table will give them back (connect::TableWriter::write).
  Status write(columnar::ChangeBatch& changes);
  /// Makes the epoch's files durable and returns the commit, or nullopt if the table does not change.
  /// `app_id` and `epoch` become its transaction identifier; `operation` its name in the table's history.
  Result<std::optional<PlannedCommit>> prepare(const std::string& app_id, Epoch epoch, const std::string& operation);
  /// What the last prepare() counted.
  const connect::PreparedChanges& prepared() const { return prepared_; }
  /// The commit that prepare() returned is in the log.
  Status applied();
  /// The epoch never happened.
  void abort();

 private:
  ManagedTable(TableEnvironment& environment, std::shared_ptr<store::ObjectStore> store, std::string key)
      : environment_(environment), store_(std::move(store)), key_(std::move(key)) {}
  /// A table keeps the spelling of its columns while it keeps its rows: files and other readers go by it.
  TableSpec with_stored_spelling(TableSpec spec) const;
  Status make_writer(const TableSpec& spec);
  /// The table's metadata after the epoch's commit.
  const delta::Metadata& metadata_to_be() const;

  TableEnvironment& environment_;
  std::shared_ptr<store::ObjectStore> store_;
  std::string key_;
  std::shared_ptr<const delta::Snapshot> snapshot_;
  std::unique_ptr<connect::TableWriter> writer_;
  TableStanding standing_ = TableStanding::New;
  std::int64_t version_left_ = -1;  ///< By our last epoch.
  std::vector<delta::Action> definition_actions_;
  connect::PreparedChanges prepared_;
};

/// Returns the error for a table at `found` that this pipeline left at `expected`: Conflict, with the way out, a full
/// refresh of the datasets in `full_refresh`.
Error foreign_commit_error(const std::string& key, std::int64_t found, std::int64_t expected,
                           std::string_view full_refresh);

/// Returns whether the version that the commit is for is in the log already.
Result<bool> is_version_taken(store::ObjectStore& store, const PlannedCommit& commit);

/// Puts the commit into its table's log; idempotent. A blind append that finds its version taken by a foreign commit
/// that changed neither schema nor protocol moves to the next free version, so that a decided epoch can be completed;
/// returns how many versions it moved by. Errors: Fenced if another engine on this pipeline wrote there; Conflict if a
/// foreign commit came first and ours cannot follow it; Unavailable after bounded retries.
Result<int> publish_commit(store::ObjectStore& store, const PlannedCommit& commit);

}  // namespace sluice::runtime
