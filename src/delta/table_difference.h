#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "delta/change_files.h"
#include "delta/snapshot.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Which files hold how the rows of one table changed from a version to a later one, whoever wrote them and whether or
/// not the change data feed was on:
///
///     rows of `before` + rows of the Insert files - rows of the Delete files = rows of `after`
///
/// as bags, commit by commit, all read with the columns of `after`. A commit that only rearranges rows
/// (dataChange=false) has no files. What a commit rewrote stands as Delete and as Insert: who reads cancels it.
struct TableDifference {
  std::shared_ptr<const Snapshot> before;
  std::shared_ptr<const Snapshot> after;
  std::vector<CommitChanges> commits;  ///< Those that changed rows, in order; without timestamps.

  /// The first commit that took a column away, renamed it or gave it another type.
  struct ColumnChange {
    Version version;
    std::string what;  ///< As a sentence about a column.
  };
  std::optional<ColumnChange> column_change;
};

/// Whether a commit's change data feed, where it has one, stands for its added and removed files.
enum class FeedUse {
  Prefer,  ///< Recorded files give only rows that changed: less to read.
  Ignore,  ///< Insert and Delete files alone.
};

/// Loads the difference between two snapshots of the table in the store, `before` the older.
/// What is live decides: a file that is added again, or removed when it is gone, is no change. Where a removal leaves
/// out the file's partition values they are those of the file when it was added.
/// Errors: NotFound, naming the version (4210), if a commit between the two is no longer in the log; else as
/// load_commit(). Cost: one read per version; holds the file actions of all of them.
Result<TableDifference> load_difference(store::ObjectStore& store, std::shared_ptr<const Snapshot> before,
                                        std::shared_ptr<const Snapshot> after, FeedUse feed);

/// Returns what of the columns `before` is no longer so in `after`, as a sentence about the first such column; nullopt
/// if columns, or members of structs, only came. A column that may be NULL from now on, or no longer, is the same.
std::optional<std::string> find_column_change(const DataType& before, const DataType& after);

/// Returns the columns that the metadata gives a table. Errors as read_schema().
Result<DataType> columns_of(const Metadata& metadata);

/// As load_commit(), but a commit that is not there is NotFound with number 4210, naming the version.
Result<std::vector<Action>> load_commit_there(store::ObjectStore& store, Version version);

}  // namespace sluice::delta
