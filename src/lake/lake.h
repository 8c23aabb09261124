#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "lake/delta_table.h"
#include "lake/relation.h"
#include "lake/rows.h"
#include "store/object_store.h"

namespace sluice::lake {

/// A statement of a script, without its semicolon, and where it begins there.
struct ScriptPart {
  std::size_t begin = 0;
  std::string text;
};

/// Moves an error's place from the statement that begins at `begin` to the script. Its file stays "query".
Error in_script(Error error, std::string_view script, std::size_t begin);

struct LakeOptions {
  std::uint32_t thread_count = 0;      ///< For ad-hoc queries; 0: one per core. execute() always uses one.
  std::uint64_t memory_bytes_max = 0;  ///< Per instance (there are at most two); 0: 80 % of the machine's.
  std::string spill_folder = {};     ///< Where queries larger than memory spill; "": they fail with ResourceExhausted.
  std::string working_folder = ".";  ///< Relative paths in queries start here.
  std::string schema = "main";       ///< Names without a schema live here; so `main.t` is `t`.
  FindTable find_table = {};         ///< Finds what query() names; may be empty: no names.
  ListTables list_tables = {};       ///< May be empty: SHOW TABLES shows none, and no near names are shown.
  /// Takes what a user should know of the tables that queries read, once each; called by any thread. May be empty.
  std::function<void(const std::string& warning)> warn = {};
  /// What ATTACH 'folder' (TYPE delta) makes changes with; nullptr: ATTACH is refused. Both must outlive the Lake.
  Clock* clock = nullptr;
  Random* random = nullptr;
};

/// A sequence of ad-hoc statements, in which what one leaves the next finds: attached folders, temporary objects, a
/// transaction. Used by one thread at a time. Ends with its last statement's Rows or with itself, whichever is later.
class LakeSession {
 public:
  virtual ~LakeSession() = default;
  /// As Lake::query(). The Rows of the statement before are over.
  virtual Result<std::unique_ptr<Rows>> query(std::string_view sql, std::stop_token stop = {}) = 0;
};

/// Runs SQL over Delta tables and rows in memory. Owns the DuckDB instances that do.
///
/// Two instances, each made when first needed: one for ad-hoc queries, whose INTERNAL errors are reported and followed
/// by a new instance; one for the pipeline, where they stop the process (style §7). Both are locked down: no file,
/// network or extension is reachable but through find_table, relations, `read_delta('path' …)` and
/// `table_changes('path' …)`; no setting can be changed; time zone UTC. `t AT (VERSION => n)` and
/// `t AT (TIMESTAMP => time)` read an older version; SHOW TABLES, SHOW ALL TABLES and information_schema show what
/// list_tables gives. Ad-hoc statements may be in the forms of Spark's that docs/sql.md lists. Thread-safe.
class Lake {
 public:
  static Result<std::unique_ptr<Lake>> create(LakeOptions options);
  ~Lake();

  /// Splits a script into its statements; empty ones are left out. InvalidArgument, with location, if one does not parse.
  Result<std::vector<ScriptPart>> split(std::string_view script);

  /// Opens a session of ad-hoc statements. What is attached is the session's.
  Result<std::unique_ptr<LakeSession>> open_session();

  /// Runs one ad-hoc statement in a session of its own. Errors: InvalidArgument (with location in `sql` where DuckDB gives one), DataError,
  /// ResourceExhausted, those of find_table; Internal: a bug of DuckDB, the next query runs in a new instance.
  Result<std::unique_ptr<Rows>> query(std::string_view sql, std::stop_token stop = {});

  /// Runs a dataset's query over `relations`, nothing else: find_table is not asked. The answer, as a bag, depends on
  /// the relations' rows alone, not on their order: where SQL leaves a choice, the total order of design §4 makes it
  /// (total_order.h). Its own order depends on the arguments alone (one thread, UTC). `views` may name relations
  /// and earlier views. The relations' rows must outlive the result. Errors as query(); INTERNAL stops the process.
  Result<std::unique_ptr<Rows>> execute(std::string_view sql, const std::vector<View>& views,
                                        std::vector<Relation> relations, std::stop_token stop = {});

  /// Opens the folder that read_delta('path' …) names; there need be no table in it. NotFound if there is no such folder,
  /// Unsupported if it is not of this machine.
  Result<std::shared_ptr<store::ObjectStore>> open_folder(std::string_view path) const;

  /// Passes every live row of the table to `sink`, data file by data file in the order of the snapshot, each in file
  /// order. Errors: Corruption or NotFound, naming the data file; Cancelled; the sink's.
  Status scan_table(const DeltaTable& table, const LiveRowSink& sink, std::stop_token stop = {});

  /// Passes the rows of change files to `sink`, file by file, with the columns of `table`: -1 for each row of a Delete
  /// file and each that a Recorded file says went, +1 for the others. Not consolidated.
  /// Errors: as scan_table(); Corruption, naming the file, if a Recorded file says something else of a row.
  Status scan_changed_rows(const DeltaTable& table, const std::vector<delta::ChangeFile>& files,
                           const NeededColumns& needed, const ChangedRowSink& sink, std::stop_token stop = {});

  /// Passes the rows of a change data feed to `sink`, each with weight +1: the table's columns, then `_change_type`,
  /// `_commit_version` and `_commit_timestamp`. Errors: as scan_table(); InvalidArgument if the table has such a column.
  Status scan_feed(DeltaChanges changes, const NeededColumns& needed, const ChangedRowSink& sink,
                   std::stop_token stop = {});

 private:
  struct Impl;
  explicit Lake(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::lake
