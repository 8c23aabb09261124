#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <duckdb/function/replacement_scan.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/client_context_state.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "lake/delta_table.h"
#include "lake/internal/delta_scan.h"
#include "lake/internal/object_file_system.h"
#include "lake/internal/statement_text.h"
#include "lake/relation.h"

namespace sluice::lake {

/// What the names of one query mean, and what finding and reading them failed with. DuckDB keeps it with the
/// connection: names that its catalog lacks come here (a replacement scan), and become calls of two table functions of
/// ours with a relation's number. A name found once is the same version for the whole query. Used by the thread that
/// binds the query; failure() also after it has run.
class QueryNames final : public duckdb::ClientContextState {
 public:
  static constexpr const char* kKey = "sluice_names";
  static constexpr const char* kCursorFunction = "sluice_scan_rows";
  static constexpr const char* kDeltaFunction = "sluice_scan_delta";

  /// Which version of a table is meant: the newest if neither is given.
  struct TableVersion {
    std::optional<std::int64_t> version;
    std::optional<UnixMillis> time;  ///< The version that was the newest then.
  };

  /// Opens the table that read_delta() names.
  using OpenTable = std::function<Result<DeltaTable>(const std::string& path, const TableVersion& at)>;
  /// Opens the feed that table_changes() names, to the newest version if `to` is absent.
  using OpenChanges =
      std::function<Result<DeltaChanges>(const std::string& path, std::int64_t from, std::optional<std::int64_t> to)>;

  struct Sources {
    std::string schema;  ///< Where names without a schema live.
    std::vector<Relation> relations;
    FindTable find_table;                               ///< May be empty.
    OpenTable open_table;                               ///< May be empty: read_delta is refused.
    OpenChanges open_changes;                           ///< May be empty: table_changes is refused.
    ListTables list_tables;                             ///< May be empty.
    std::function<void(const std::string&)> warn = {};  ///< May be empty; see LakeOptions.
  };

  QueryNames(Sources sources, ObjectFileSystem& files, StatementExtras extras = {})
      : sources_(std::move(sources)), files_(files), extras_(std::move(extras)) {}

  /// What the statement says beside what DuckDB parses.
  const StatementExtras& extras() const { return extras_; }
  /// Returns the statement's overwrite, if there is one, to who plans it.
  const std::optional<Overwrite>& take_overwrite() {
    overwrite_taken_ = true;
    return extras_.overwrite;
  }
  /// True if the statement has an overwrite that nobody who planned it took.
  bool lacks_overwrite() const { return extras_.overwrite && !overwrite_taken_; }

  /// Returns what stands for the name in a query; nullptr if it is not ours.
  duckdb::unique_ptr<duckdb::TableRef> replace(const duckdb::ReplacementScanInput& name);

  /// Returns a name that means, in this query, the table as it was then. `schema` may be empty; `at` is not.
  std::string name_at(const std::string& schema, const std::string& table, const TableVersion& at);

  /// A table of list_tables, with its columns; none if it cannot be read.
  struct ListedTable {
    TableName name;
    columnar::Schema columns;
    std::string comment;
    std::optional<std::uint64_t> row_count_estimate;
  };
  /// Returns the tables that a query may name. Found once for the whole query.
  const std::vector<ListedTable>& tables();

  /// Returns the numbered relation, which must be a cursor's.
  const Relation& relation(std::size_t number) const { return sources_.relations.at(number); }
  /// Returns the numbered scan.
  std::shared_ptr<const DeltaScan> scan(std::size_t number) const { return scans_.at(number); }
  /// Opens a table for read_delta(), returns its scan's number; throws DuckDB's exception after keeping the error.
  std::size_t open(const std::string& path, const TableVersion& at, DeltaScan::Extra extra);
  /// Likewise for table_changes().
  std::size_t open_changes(const std::string& path, std::int64_t from, std::optional<std::int64_t> to);
  /// Opens a folder's table, at its newest version; throws as open() does.
  DeltaTable open_folder(const std::string& path);
  /// Returns the table that the name means; throws if there is none.
  DeltaTable find(const TableName& name);

  ObjectFileSystem& files() { return files_; }
  /// Makes a scan of a table that the query has found otherwise, and calls so; what it fails with is among failure().
  Result<std::shared_ptr<const DeltaScan>> make_scan(DeltaTable table, const std::string& name);
  void watch(std::shared_ptr<const DeltaScan> scan) { scans_.push_back(std::move(scan)); }

  /// Keeps the error, for who throws DuckDB's exception himself.
  void keep(Error error);
  /// Keeps the error, for which DuckDB's exceptions have no place, and throws.
  [[noreturn]] void fail(Error error);
  /// Returns the first error of names, files or cursors.
  std::optional<Error> failure() const;
  /// Returns what to say of the last name that nobody knew; nullopt if every name meant something.
  std::optional<Error> missing_table() const;

 private:
  std::optional<std::size_t> find_relation(const std::string& qualified, const std::string& bare) const;
  /// Tells what was passed over to load the table, which the query calls so.
  void warn_of(const DeltaTable& table, const std::string& name) const;
  std::size_t add_scan(Result<std::shared_ptr<const DeltaScan>> scan);
  Result<std::optional<DeltaTable>> find_table(const TableName& name);

  struct VersionedName {
    TableName table;
    TableVersion at;
  };

  Sources sources_;
  ObjectFileSystem& files_;
  const StatementExtras extras_;
  bool overwrite_taken_ = false;
  std::vector<std::shared_ptr<const DeltaScan>> scans_;
  std::vector<std::pair<std::string, std::size_t>> scan_of_name_;  // lower case, qualified
  std::map<std::string, VersionedName> versioned_;                 // by the names of name_at()
  std::optional<std::vector<ListedTable>> tables_;
  std::optional<std::string> missing_;  // as the query says it
  mutable std::mutex mutex_;
  std::optional<Error> failure_;  // guarded by mutex_
};

/// Returns the time of a query, a TIMESTAMP WITH TIME ZONE, as a commit states its own; nullopt if it is infinite. A
/// commit of this very millisecond counts, so what is finer is cut off.
std::optional<UnixMillis> commit_time_of(const duckdb::Value& time);

/// Makes the functions and the replacement scan known to an instance.
void register_query_names(duckdb::DatabaseInstance& database);

/// Returns the connection's names; never nullptr in an instance of ours while a query runs.
duckdb::shared_ptr<QueryNames> names_of(duckdb::ClientContext& client);

}  // namespace sluice::lake
