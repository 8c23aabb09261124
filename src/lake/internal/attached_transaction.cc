#include "lake/internal/attached_transaction.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <duckdb/main/client_context.hpp>
#include <duckdb/transaction/meta_transaction.hpp>

#include "base/check.h"
#include "columnar/column_names.h"
#include "delta/history.h"
#include "delta/live_files.h"
#include "delta/log_maintenance.h"
#include "delta/transaction.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/query_error.h"
#include "lake/internal/query_names.h"

namespace sluice::lake {
namespace {

std::string key_of_name(const TableName& name) { return columnar::lower_case(name.schema + "." + name.name); }

std::string text_of(const TableName& name) { return name.schema + "." + name.name; }

Error conflict_error(const TableName& table, const delta::Conflict& conflict) {
  return Error(ErrorCode::Conflict, fmt::format("{}: version {}, committed by another writer meanwhile, conflicts "
                                                "with this change ({})",
                                                text_of(table), conflict.winner.value(), to_string(conflict.kind)))
      .with_number(kErrorCommitConflict)
      .with_help("nothing was changed; run the statement again: it will see the other writer's rows");
}

}  // namespace

AttachedTransaction::AttachedTransaction(duckdb::TransactionManager& transactions, duckdb::ClientContext& client,
                                         AttachedFolder& folder)
    : Transaction(transactions, client), folder_(folder) {
  if (client.transaction.IsAutoCommit()) return;
  const auto begun = duckdb::MetaTransaction::Get(client).start_timestamp;
  begun_at_ = std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(begun.value)));
}

AttachedTransaction::~AttachedTransaction() = default;

AttachedTransaction& AttachedTransaction::get(duckdb::ClientContext& client, duckdb::Catalog& catalog) {
  return Transaction::Get(client, catalog).Cast<AttachedTransaction>();
}

Result<std::shared_ptr<const delta::Snapshot>> AttachedTransaction::load_as_begun(const TableName& name,
                                                                                  store::ObjectStore& store) const {
  SLUICE_TRY_ASSIGN(auto newest, folder_.newest(name));
  if (!newest || !begun_at_ || newest->commit_time().value_or(*begun_at_) <= *begun_at_) return newest;
  auto version = delta::find_version_at(store, *newest, *begun_at_);
  if (version) return delta::Snapshot::load(store, *version);
  // It was made after the transaction began.
  if (version.error().code() == ErrorCode::NotFound) return std::shared_ptr<const delta::Snapshot>();
  return std::move(version).error();
}

AttachedTable* AttachedTransaction::add_entry(AttachedSchema& schema, TableInTransaction& table,
                                              std::shared_ptr<const delta::Snapshot> snapshot) {
  table.entries.push_back(AttachedTable::create(schema, table.name, std::move(snapshot), table.store));
  return table.entries.back().get();
}

Result<AttachedTable*> AttachedTransaction::find_table(AttachedSchema& schema, const std::string& name) {
  const std::string key = key_of_name({schema.name, name});
  if (const auto known = tables_.find(key); known != tables_.end()) {
    return known->second.current ? known->second.entries.back().get() : nullptr;
  }
  const auto found = folder_.find_table(schema.name, name);
  if (!found) return nullptr;
  TableInTransaction table;
  table.name = *found;
  table.store = folder_.store_of(*found);
  auto snapshot = load_as_begun(*found, *table.store);
  if (!snapshot) return std::move(snapshot).error().in(text_of(*found));
  table.base = *snapshot;
  table.current = std::move(*snapshot);
  TableInTransaction& kept = tables_.emplace(key, std::move(table)).first->second;
  return kept.current ? add_entry(schema, kept, kept.current) : nullptr;
}

Result<AttachedTable*> AttachedTransaction::find_table_at(AttachedSchema& schema, const std::string& name,
                                                          const std::optional<delta::Version>& version,
                                                          const std::optional<UnixMillis>& time) {
  SLUICE_TRY_ASSIGN(const AttachedTable* now, find_table(schema, name));
  if (now == nullptr) return nullptr;
  TableInTransaction& table = state_of(*now);
  if (!table.base) return Error(ErrorCode::NotFound, fmt::format("{} has no version yet", text_of(table.name)));
  auto at = version ? Result<delta::Version>(*version) : delta::find_version_at(*table.store, *table.base, *time);
  if (!at) return version_error(std::move(at).error()).in(text_of(table.name));
  auto snapshot = delta::Snapshot::load(*table.store, *at);
  if (!snapshot) return version_error(std::move(snapshot).error()).in(text_of(table.name));
  // Not the last entry, which is the present one's.
  auto entry = AttachedTable::create(schema, table.name, std::move(*snapshot), table.store);
  AttachedTable* then = entry.get();
  table.entries.insert(table.entries.begin(), std::move(entry));
  return then;
}

TableInTransaction& AttachedTransaction::state_of(const AttachedTable& table) {
  const auto found = tables_.find(key_of_name(table.table_name()));
  SLUICE_CHECK(found != tables_.end(), "a table's entry is made by the transaction");
  return found->second;
}

Result<TableInTransaction*> AttachedTransaction::start_table(const TableName& name) {
  TableInTransaction table;
  table.name = name;
  table.store = folder_.store_of(name);
  if (!table.store) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("a table {} cannot be made in {}", text_of(name), folder_.path()))
        .with_number(kErrorAttach)
        .with_help(
            "its name is its folder's: without '/', and not beginning with '.' or '_'; a folder that is itself a "
            "table holds no others");
  }
  return &tables_.insert_or_assign(key_of_name(name), std::move(table)).first->second;
}

Status AttachedTransaction::check_may_change(const TableInTransaction& table) const {
  if (changed_ == nullptr || changed_ == &table) return ok();
  return Error(ErrorCode::InvalidArgument,
               fmt::format("a transaction changes one table: this one has changed {} and cannot change {}",
                           text_of(changed_->name), text_of(table.name)))
      .with_number(kErrorOneTable)
      .with_help("a Delta log knows one table; COMMIT first, or do without BEGIN");
}

Status AttachedTransaction::check_one_feed(const TableInTransaction& table,
                                           std::span<const delta::Action> actions) const {
  const auto is_change = [](const delta::Action& action) { return std::holds_alternative<delta::AddCdcFile>(action); };
  const auto is_file = [&](const delta::Action& action) {
    return is_change(action) || std::holds_alternative<delta::AddFile>(action) ||
           std::holds_alternative<delta::RemoveFile>(action);
  };
  if (std::ranges::none_of(actions_, is_file) || std::ranges::none_of(actions, is_file)) return ok();
  if (std::ranges::none_of(actions_, is_change) && std::ranges::none_of(actions, is_change)) return ok();
  return Error(ErrorCode::InvalidArgument,
               fmt::format("{} has a change data feed, so a transaction can update or delete rows there by one "
                           "statement only",
                           text_of(table.name)))
      .with_number(kErrorOneTable)
      .with_help("the feed tells one change of each row in a version; COMMIT first, or make it one MERGE");
}

Status AttachedTransaction::add_actions(AttachedSchema& schema, TableInTransaction& table,
                                        std::vector<delta::Action> actions, delta::CommitInfo info) {
  SLUICE_TRY(check_may_change(table));
  SLUICE_TRY(check_one_feed(table, actions));
  SLUICE_TRY_ASSIGN(table.current, delta::Snapshot::preview(table.current.get(), actions));
  changed_ = &table;
  std::ranges::move(actions, std::back_inserter(actions_));
  if (info_.operation.empty()) {
    info_ = std::move(info);
  } else if (info_.operation != info.operation) {
    info_.operation_parameters = {{"statements", info_.operation + ", " + info.operation}};
    info_.operation_metrics.clear();
    info_.operation = "TRANSACTION";
  }
  add_entry(schema, table, table.current);
  return ok();
}

std::vector<delta::Action> AttachedTransaction::net_actions() const {
  std::vector<delta::Action> net;
  std::map<delta::FileKey, delta::AddFile> added;
  std::optional<delta::Protocol> protocol;
  std::optional<delta::Metadata> metadata;
  for (const delta::Action& action : actions_) {
    if (const auto* add = std::get_if<delta::AddFile>(&action)) {
      added.insert_or_assign(delta::key_of(*add), *add);
    } else if (const auto* remove = std::get_if<delta::RemoveFile>(&action)) {
      if (added.erase(delta::key_of(*remove)) == 0) net.push_back(action);
    } else if (const auto* new_protocol = std::get_if<delta::Protocol>(&action)) {
      protocol = *new_protocol;
    } else if (const auto* new_metadata = std::get_if<delta::Metadata>(&action)) {
      metadata = *new_metadata;
    } else {
      net.push_back(action);
    }
  }
  if (protocol) net.emplace_back(std::move(*protocol));
  if (metadata) net.emplace_back(std::move(*metadata));
  for (auto& [key, file] : added) net.emplace_back(std::move(file));
  return net;
}

Status AttachedTransaction::commit() {
  if (changed_ == nullptr) return ok();
  delta::CommitRequest request;
  request.actions = net_actions();
  // Nothing is left of it, or there was nothing to change.
  if (request.actions.empty()) return ok();
  request.info = std::move(info_);
  request.rows_checked = true;  // by TableChange
  for (const auto& read : changed_->reads) {
    read->add_to(request.reads);
  }
  auto outcome = delta::Transaction(*changed_->store, folder_.clock(), folder_.random(), changed_->base)
                     .commit(std::move(request));
  if (!outcome) {
    roll_back();
    return std::move(outcome).error().in(text_of(changed_->name));
  }
  if (const auto* conflict = std::get_if<delta::Conflict>(&*outcome)) {
    roll_back();
    return conflict_error(changed_->name, *conflict);
  }
  if (std::holds_alternative<delta::Unknown>(*outcome)) {
    // The files stay: they may be the table's.
    return Error(ErrorCode::Unavailable,
                 fmt::format("{}: storage did not answer, so the change may or may not have been made",
                             text_of(changed_->name)))
        .with_number(kErrorNoAnswer)
        .with_help("look at the table before you run the statement again");
  }
  const auto newest = folder_.newest(changed_->name);
  if (newest && *newest) {
    // The change is made; what fails here is done after the next one.
    delta::maintain_log(*changed_->store, **newest, folder_.clock(), folder_.random());
  }
  return ok();
}

void AttachedTransaction::roll_back() {
  for (const auto& change : changes_) change->discard();
  changes_.clear();
}

duckdb::Transaction& AttachedTransactions::StartTransaction(duckdb::ClientContext& client) {
  auto transaction = std::make_unique<AttachedTransaction>(*this, client, *folder_);
  duckdb::Transaction& started = *transaction;
  const std::lock_guard lock(mutex_);
  running_.emplace(&started, std::move(transaction));
  return started;
}

duckdb::ErrorData AttachedTransactions::CommitTransaction(duckdb::ClientContext& client,
                                                          duckdb::Transaction& transaction) {
  Status committed = transaction.Cast<AttachedTransaction>().commit();
  forget(transaction);
  if (committed) return {};
  const std::string message = committed.error().message();
  names_of(client)->keep(std::move(committed).error());
  return duckdb::ErrorData(duckdb::ExceptionType::TRANSACTION, message);
}

void AttachedTransactions::RollbackTransaction(duckdb::Transaction& transaction) {
  transaction.Cast<AttachedTransaction>().roll_back();
  forget(transaction);
}

void AttachedTransactions::forget(duckdb::Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  running_.erase(&transaction);
}

}  // namespace sluice::lake
