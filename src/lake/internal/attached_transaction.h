#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duckdb/main/attached_database.hpp>
#include <duckdb/transaction/transaction.hpp>
#include <duckdb/transaction/transaction_manager.hpp>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/commit_rules.h"
#include "delta/snapshot.h"
#include "lake/delta_table.h"
#include "lake/internal/attached_folder.h"
#include "lake/internal/table_change.h"

namespace sluice::lake {

class AttachedCatalog;
class AttachedSchema;
class AttachedTable;

/// What a transaction has read and changed of one table.
struct TableInTransaction {
  TableName name;
  std::shared_ptr<store::ObjectStore> store;
  std::shared_ptr<const delta::Snapshot> base;     ///< As the transaction found it; nullptr: it is made by it.
  std::shared_ptr<const delta::Snapshot> current;  ///< With the transaction's own changes; nullptr: there is none.
  /// DuckDB's entries of all states that the transaction went through: its plans refer to them. The last is `current`'s.
  std::vector<std::unique_ptr<AttachedTable>> entries;
  std::vector<std::shared_ptr<ScanReads>> reads;  ///< Of each scan.
};

/// A SQL transaction on an attached folder. It reads each table as it was when the transaction began, with its own
/// changes, and may change one table, in one commit. Used by the thread that binds and ends statements.
class AttachedTransaction final : public duckdb::Transaction {
 public:
  AttachedTransaction(duckdb::TransactionManager& transactions, duckdb::ClientContext& client, AttachedFolder& folder);
  ~AttachedTransaction() override;

  static AttachedTransaction& get(duckdb::ClientContext& client, duckdb::Catalog& catalog);

  /// Returns the table; nullptr if there is none. Errors: Snapshot::load()'s.
  Result<AttachedTable*> find_table(AttachedSchema& schema, const std::string& name);
  /// Returns the table as it was at another version or time. Errors: also NotFound, if there is no such version.
  Result<AttachedTable*> find_table_at(AttachedSchema& schema, const std::string& name,
                                       const std::optional<delta::Version>& version,
                                       const std::optional<UnixMillis>& time);

  /// Returns what the transaction has of the table, which find_table() has found or start_table() begun.
  TableInTransaction& state_of(const AttachedTable& table);
  /// Begins a table that is not there yet.
  Result<TableInTransaction*> start_table(const TableName& name);

  /// Ok if the transaction may change the table; InvalidArgument, naming both, if it has changed another.
  Status check_may_change(const TableInTransaction& table) const;
  /// Makes a change part of the transaction. `info` says what operation it is. InvalidArgument if the commit would have
  /// rows of several statements in its change data feed: it tells one change of a row, not those on the way.
  Status add_actions(AttachedSchema& schema, TableInTransaction& table, std::vector<delta::Action> actions,
                     delta::CommitInfo info);
  /// Keeps what wrote files, so that they go if the transaction does.
  void keep(std::unique_ptr<TableChange> change) { changes_.push_back(std::move(change)); }

  /// Commits what was changed. Conflict, saying with what; Unavailable, if storage did not say how it ended.
  Status commit();
  /// Removes the files written, as far as that succeeds.
  void roll_back();

 private:
  Status check_one_feed(const TableInTransaction& table, std::span<const delta::Action> actions) const;
  Result<std::shared_ptr<const delta::Snapshot>> load_as_begun(const TableName& name, store::ObjectStore& store) const;
  AttachedTable* add_entry(AttachedSchema& schema, TableInTransaction& table,
                           std::shared_ptr<const delta::Snapshot> snapshot);
  /// Returns what the table's actions come to in one commit: a file that came and went is in neither list.
  std::vector<delta::Action> net_actions() const;

  AttachedFolder& folder_;
  /// When BEGIN was; nullopt: each statement is a transaction of its own.
  std::optional<UnixMillis> begun_at_;
  std::map<std::string, TableInTransaction> tables_;  // by schema and name in lower case; never moved
  TableInTransaction* changed_ = nullptr;
  std::vector<delta::Action> actions_;  // all, in order
  delta::CommitInfo info_;
  std::vector<std::unique_ptr<TableChange>> changes_;
};

/// Begins and ends the transactions of one attached folder.
class AttachedTransactions final : public duckdb::TransactionManager {
 public:
  AttachedTransactions(duckdb::AttachedDatabase& database, std::shared_ptr<AttachedFolder> folder)
      : TransactionManager(database), folder_(std::move(folder)) {}

  duckdb::Transaction& StartTransaction(duckdb::ClientContext& client) override;
  duckdb::ErrorData CommitTransaction(duckdb::ClientContext& client, duckdb::Transaction& transaction) override;
  void RollbackTransaction(duckdb::Transaction& transaction) override;
  void Checkpoint(duckdb::ClientContext&, bool) override {}

 private:
  void forget(duckdb::Transaction& transaction);

  const std::shared_ptr<AttachedFolder> folder_;
  std::mutex mutex_;
  std::map<duckdb::Transaction*, std::unique_ptr<AttachedTransaction>> running_;  // guarded by mutex_
};

}  // namespace sluice::lake
