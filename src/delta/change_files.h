#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "columnar/schema.h"
#include "delta/actions.h"
#include "delta/snapshot.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Name of the column in a file of the change data feed that says what happened to each row.
inline constexpr std::string_view kChangeTypeColumn = "_change_type";
/// Names of the columns that readers of the feed add: when it happened.
inline constexpr std::string_view kCommitVersionColumn = "_commit_version";
inline constexpr std::string_view kCommitTimestampColumn = "_commit_timestamp";

/// Ok if a table with these columns can have a change data feed. InvalidArgument if one has a name of the feed's own.
Status check_change_feed_columns(const columnar::Schema& columns);

/// A data file rows of which one commit changed. Spec: "Change Data Files", "Reader Requirements for AddCDCFile".
struct ChangeFile {
  enum class Kind {
    Insert,    ///< The commit added these rows.
    Delete,    ///< The commit took these rows away.
    Recorded,  ///< The file itself says, in the column kChangeTypeColumn.
  };

  Kind kind = Kind::Insert;
  std::string path;                  ///< As in the log.
  PartitionValues partition_values;  ///< Of the columns by which the table was partitioned when the file was written.
  std::optional<DeletionVectorDescriptor> only;     ///< Only rows that this marks; absent: all.
  std::optional<DeletionVectorDescriptor> without;  ///< No row that this marks.

  friend bool operator==(const ChangeFile&, const ChangeFile&) = default;
};

/// What one commit changed.
struct CommitChanges {
  Version version;
  UnixMillis timestamp;  ///< As CommitTimes has it: the time by which find_version_at() finds the version.
  std::vector<ChangeFile> files;
};

/// Returns the files that hold the commit's changes: those of the feed if it has any, else its added and removed files
/// whose data changed, of which a file that changed its deletion vector gives only the rows in which the vectors
/// differ. Corruption, naming the file, if a removed file lacks its partition values although the table was partitioned.
Result<std::vector<ChangeFile>> decide_change_files(std::span<const Action> commit, bool was_partitioned);

/// The change data feed of a table between two versions.
struct TableChanges {
  /// Its schema is that of all changes: the table at its newest version or, under column mapping, at the last of the
  /// feed, as Spark has it.
  std::shared_ptr<const Snapshot> table;
  std::vector<CommitChanges> commits;  ///< One per version, in order.
};

/// Loads the feed from version `from` to version `to`, both included; if `to` is absent or still to come, to the newest.
/// nullopt if there is no table. InvalidArgument if there is no version between the two, or the feed was off at one of
/// them (the message names the first); NotFound if a version is not, or no longer, there; else as Snapshot::load().
/// Cost: up to three snapshots, a listing and a read per version; holds the file actions of all versions.
Result<std::optional<TableChanges>> load_changes(store::ObjectStore& store, Version from, std::optional<Version> to);

}  // namespace sluice::delta
