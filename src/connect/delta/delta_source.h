#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/schema.h"
#include "connect/delta/change_reader.h"
#include "delta/appended_files.h"
#include "delta/change_files.h"
#include "delta/snapshot.h"
#include "delta/table_difference.h"
#include "plan/pipeline.h"
#include "store/object_store.h"

namespace sluice::connect {

/// Where a source of a Delta table stands: it has taken in all versions up to this one.
struct DeltaPosition {
  std::string table_id;
  delta::Version version;

  /// JSON that says of itself what it is.
  std::string encode() const;
  /// Corruption if the text is not of encode().
  static Result<DeltaPosition> decode(std::string_view text);
  /// Whether the text is such a position, rather than that of a source of another kind.
  static bool is_one(std::string_view text);

  friend bool operator==(const DeltaPosition&, const DeltaPosition&) = default;
};

/// By column: whether its values are read; NULL stands for others. Columns behind the last entry are read.
using NeededColumns = std::vector<bool>;

/// Opens folders of tables and reads their rows; the runtime has it done by lake::Lake. Must outlive who uses it.
class DeltaTables {
 public:
  using Store = std::shared_ptr<store::ObjectStore>;
  using Snapshot = std::shared_ptr<const delta::Snapshot>;

  virtual ~DeltaTables() = default;
  /// NotFound if there is no such folder.
  virtual Result<Store> open_folder(const std::string& path) = 0;
  /// See lake::Lake::scan_changed_rows.
  virtual Status scan_changed_rows(const Snapshot& columns, const Store& store,
                                   const std::vector<delta::ChangeFile>& files, const NeededColumns& needed,
                                   const ChangedRowSink& sink, const std::stop_token& stop) = 0;
  /// See lake::Lake::scan_feed.
  virtual Status scan_feed(delta::TableChanges changes, const Store& store, const NeededColumns& needed,
                           const ChangedRowSink& sink, const std::stop_token& stop) = 0;
};

/// A `read_delta` call: which version of the table was taken, which is to be next, and the rows between the two.
///
///     create ─ restore? ─┬─ look ─ read_* ─ advance ─┐
///                        └───────────────────────────┘
///
/// A tracked source (plan::Source::stream is false) stands for the table as it is now, or at the version or time asked
/// for. What it gives is how rows changed since the version taken, exactly, whoever changed them (gives_changes()). That
/// cannot be had at the first look, nor if the log or the files in between are gone or a column is no longer what it was:
/// then all rows are read anew.
///
/// A streaming source takes each row once: first the table as it is, or the commits from startingVersion or
/// startingTimestamp on, then each new commit. Commits that rearrange rows (dataChange=false) are passed over. One that
/// takes rows away is an error, or passed over with skipChangeCommits. With readChangeFeed it takes the rows of the
/// change data feed instead, behind whose columns stand `_change_type`, `_commit_version` and `_commit_timestamp`.
///
/// Options honoured, by lower-case name: version, as_of (milliseconds since 1970); of streaming sources skipchangecommits,
/// readchangefeed, startingversion (a number or latest), startingtimestamp (milliseconds), maxfilespertrigger (1000,
/// commits are not split). Owned by one worker.
class DeltaSource {
 public:
  static constexpr std::uint64_t kFilesPerTriggerMax = 1000;

  /// A property of tables, and its value in those that may not be read.
  struct Refused {
    std::string property;
    std::string value;  ///< Empty: none is refused.
  };

  /// `refused`: tables that the pipeline itself writes would be read an epoch late, and might never come to rest.
  static Result<std::unique_ptr<DeltaSource>> create(plan::Source source, DeltaTables& tables, Refused refused = {});
  ~DeltaSource();

  /// Goes on from where an earlier run stood: position() and schema_text(). Corruption if they are not ours.
  Status restore(std::string_view position, std::string_view schema);

  /// From now on only these columns of schema() are read, the others are NULL. Rows that differ in others alone are equal.
  void need(NeededColumns columns);

  /// Loads the table as it is to be read, for its columns alone. Errors: NotFound (2030) if there is none; DataError
  /// (2035) if the version or time asked for is not there; InvalidArgument (2036) if the table is a refused one; those of
  /// delta::Snapshot::load().
  Status look_at_columns();
  /// Looks for versions that were not taken. Errors: as look_at_columns(), and DataError: the table is another one
  /// (2032); of streaming sources also if commits are gone (2031), took rows away (2033) or a column away (2034).
  /// Cost: a head if there is nothing new, else a read per commit; at the first look a snapshot.
  Status look();

  /// A version is there that was not taken, even if it changes no row.
  bool has_pending() const;
  /// Of a tracked source: what is pending can be read as changes of the rows taken.
  bool gives_changes() const;
  const columnar::Schema& schema() const;
  /// Of the versions taken and pending.
  std::string next_position() const;
  std::string next_schema_text() const;
  /// Of the versions taken alone.
  std::string position() const;
  /// How many versions are pending, for people.
  std::uint64_t pending_version_count() const;
  /// Returns what came up since the last call that a user should know.
  std::vector<std::string> take_notes();

  /// Gives the sink what is pending: rows of a stream, changes of a tracked source, for which gives_changes() must hold.
  Status read_pending(const ChangedRowSink& sink, const std::stop_token& stop);
  /// Of a tracked source: gives the sink all rows of the version that is pending, or else was taken last.
  Status read_all(const ChangedRowSink& sink, const std::stop_token& stop);
  /// Of a tracked source: gives the sink all rows of the version taken last, with the columns of schema().
  Status read_taken(const ChangedRowSink& sink, const std::stop_token& stop);

  /// What is pending is now taken.
  void advance();

 private:
  struct Impl;
  explicit DeltaSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::connect
