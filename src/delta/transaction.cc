#include "delta/transaction.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "delta/action_json.h"
#include "delta/internal/commit_check.h"
#include "delta/log_path.h"

namespace sluice::delta {
namespace {

constexpr std::string_view kEngineInfo = "sluice";

bool has_txn_id(std::span<const Action> actions, const std::string& txn_id) {
  const CommitInfo* info = find_commit_info(actions);
  return info != nullptr && info->txn_id == txn_id;
}

/// Decides about a commit whose version is gone from the log, because a log checkpoint covers it: only what the
/// snapshot still knows can tell.
Result<CommitOutcome> decide_by_transactions(const PreparedCommit& commit, const Snapshot& snapshot) {
  SLUICE_TRY_ASSIGN(const auto actions, read_actions(commit.bytes, "a prepared commit"));
  bool any = false;
  for (const Action& action : actions) {
    const auto* txn = std::get_if<SetTransaction>(&action);
    if (txn == nullptr) continue;
    any = true;
    const auto present = snapshot.transaction_version(txn->app_id);
    if (!present || *present < txn->version) {
      return CommitOutcome(Conflict{commit.version, ConflictKind::VersionTaken});
    }
  }
  if (any) return CommitOutcome(Committed{commit.version});
  return CommitOutcome(Unknown{commit.version});
}

/// True if the commit before `version` is in the log (for version 0: if the log holds nothing). Then the log was not
/// cleaned up as far as `version`, and if that is free, it truly is.
Result<bool> follows_the_log(store::ObjectStore& store, Version version) {
  if (version > Version(0)) {
    SLUICE_TRY_ASSIGN(const auto previous, store.head(commit_key(version.previous())));
    return previous.has_value();
  }
  SLUICE_TRY_ASSIGN(const auto listing, store.list(kLogFolder));
  return std::none_of(listing.begin(), listing.end(),
                      [](const store::ObjectInfo& info) { return parse_log_path(info.key).has_value(); });
}

Metadata* find_metadata(std::vector<Action>& actions) {
  for (Action& action : actions) {
    if (auto* metadata = std::get_if<Metadata>(&action)) return metadata;
  }
  return nullptr;
}

/// Dates the commit of `version`, if the table it makes asks for that.
Status set_in_commit_timestamp(const Snapshot* base, Version version, UnixMillis now, std::vector<Action>& actions,
                               CommitInfo& info) {
  const bool was_on = base != nullptr && base->properties().enable_in_commit_timestamps;
  Metadata* metadata = find_metadata(actions);
  bool is_on = was_on;
  if (metadata != nullptr) {
    SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata->configuration));
    is_on = properties.enable_in_commit_timestamps;
  }
  info.in_commit_timestamp.reset();
  if (!is_on) return ok();
  const auto before = base == nullptr ? std::nullopt : base->commit_time();
  const UnixMillis time = before ? std::max(now, *before + std::chrono::milliseconds(1)) : now;
  info.in_commit_timestamp = time;
  if (was_on || base == nullptr) return ok();
  metadata->configuration["delta.inCommitTimestampEnablementVersion"] = std::to_string(version.value());
  metadata->configuration["delta.inCommitTimestampEnablementTimestamp"] =
      std::to_string(time.time_since_epoch().count());
  return ok();
}

}  // namespace

Result<PreparedCommit> prepare(const Snapshot* base, CommitRequest request, Clock& clock, Random& random) {
  SLUICE_TRY(internal::check_commit(base, request.actions, request.rows_checked));
  CommitInfo info = std::move(request.info);
  if (info.operation.empty()) return Error(ErrorCode::InvalidArgument, "a commit needs an operation");
  const Version version = base == nullptr ? Version(0) : base->version().next();
  info.timestamp = clock.now();
  SLUICE_TRY(set_in_commit_timestamp(base, version, *info.timestamp, request.actions, info));
  if (base != nullptr) info.read_version = base->version();
  if (!info.isolation_level) info.isolation_level = std::string(to_string(request.isolation));
  if (!info.engine_info) info.engine_info = std::string(kEngineInfo);
  if (!info.txn_id) info.txn_id = random.uuid();
  info.is_blind_append = request.reads.empty() && only_adds_files(request.actions);

  PreparedCommit commit;
  commit.version = version;
  commit.txn_id = *info.txn_id;
  std::vector<Action> actions;
  actions.reserve(request.actions.size() + 1);
  actions.emplace_back(std::move(info));
  for (Action& action : request.actions) {
    // Without a date an identifier could never expire.
    if (auto* txn = std::get_if<SetTransaction>(&action); txn != nullptr && !txn->last_updated) {
      txn->last_updated = clock.now();
    }
    actions.push_back(std::move(action));
  }
  // Kinds in the order of Action's alternatives; within a kind the caller's order stays.
  std::stable_sort(actions.begin(), actions.end(),
                   [](const Action& left, const Action& right) { return left.index() < right.index(); });
  commit.bytes = write_actions(actions);
  return commit;
}

Result<std::optional<CommitOutcome>> resolve(store::ObjectStore& store, const PreparedCommit& commit) {
  const std::string key = commit_key(commit.version);
  SLUICE_TRY_ASSIGN(const auto present, store.get(key));
  if (present) {
    if (*present == commit.bytes) return std::optional<CommitOutcome>(Committed{commit.version});
    SLUICE_TRY_ASSIGN(const auto actions, read_actions(*present, key));
    if (has_txn_id(actions, commit.txn_id)) return std::optional<CommitOutcome>(Committed{commit.version});
    return std::optional<CommitOutcome>(Conflict{commit.version, ConflictKind::VersionTaken});
  }
  SLUICE_TRY_ASSIGN(const auto snapshot, Snapshot::load(store));
  if (!snapshot || snapshot->version() < commit.version) return std::optional<CommitOutcome>();
  SLUICE_TRY_ASSIGN(CommitOutcome outcome, decide_by_transactions(commit, *snapshot));
  return std::optional(std::move(outcome));
}

Result<CommitOutcome> publish(store::ObjectStore& store, const PreparedCommit& commit) {
  SLUICE_TRY_ASSIGN(const bool follows, follows_the_log(store, commit.version));
  if (!follows) {
    SLUICE_TRY_ASSIGN(auto outcome, resolve(store, commit));
    if (outcome) return std::move(*outcome);
    SLUICE_TRY_ASSIGN(const auto snapshot, Snapshot::load(store));
    const Version newest = snapshot ? snapshot->version() : kNoVersion;
    if (newest != commit.version.previous()) {
      return Error(ErrorCode::InvalidArgument, fmt::format("version {} cannot be committed: the table's newest is {}",
                                                           commit.version.value(), newest.value()));
    }
  }
  const auto put = store.put_if_absent(commit_key(commit.version), commit.bytes);
  if (!put) {
    if (put.error().code() == ErrorCode::Unavailable) return CommitOutcome(Unknown{commit.version});
    // It says that nothing was done; whoever removes data files because of it had better be sure.
    const auto found = resolve(store, commit);
    if (!found) return CommitOutcome(Unknown{commit.version});
    return *found ? Result<CommitOutcome>(**found) : put.error();
  }
  if (*put == store::PutOutcome::Created) return CommitOutcome(Committed{commit.version});
  SLUICE_TRY_ASSIGN(auto outcome, resolve(store, commit));
  if (!outcome) return CommitOutcome(Unknown{commit.version});  // cleaned up between the two calls
  return std::move(*outcome);
}

namespace {

/// Looks through the commits that came between `base` and `newest`: what became of ours, if they decide it.
Result<std::optional<CommitOutcome>> compare_with_winners(store::ObjectStore& store, const Snapshot* base,
                                                          Version newest, const CommitRequest& request) {
  std::optional<ReadTable> table;
  if (base != nullptr) table = ReadTable{base->protocol(), base->metadata(), base->schema()};
  const Version first = base == nullptr ? Version(0) : base->version().next();
  for (Version version = first; version <= newest; version = version.next()) {
    const auto theirs = load_commit(store, version);
    if (!theirs) {
      // Cleaned up meanwhile: what it did can no longer be known.
      if (theirs.error().code() != ErrorCode::NotFound) return theirs.error();
      return std::optional<CommitOutcome>(Conflict{version, ConflictKind::VersionTaken});
    }
    if (has_txn_id(*theirs, *request.info.txn_id)) return std::optional<CommitOutcome>(Committed{version});
    const OvertakenCommit ours{request.actions, request.reads, request.isolation, table ? &*table : nullptr};
    if (const auto kind = find_conflict(ours, *theirs)) {
      return std::optional<CommitOutcome>(Conflict{version, *kind});
    }
    SLUICE_TRY_ASSIGN(table, follow(std::move(*table), *theirs));
  }
  return std::optional<CommitOutcome>();
}

}  // namespace

Result<CommitOutcome> Transaction::commit(CommitRequest request, const CommitPolicy& policy,
                                          const std::stop_token& stop) && {
  std::optional<Unknown> lost;
  auto outcome = attempt(std::move(request), policy, stop, lost);
  if (!outcome && lost) return CommitOutcome(*lost);
  return outcome;
}

Result<CommitOutcome> Transaction::attempt(CommitRequest request, const CommitPolicy& policy,
                                           const std::stop_token& stop, std::optional<Unknown>& lost) {
  if (!request.info.txn_id) request.info.txn_id = random_.uuid();
  std::chrono::milliseconds backoff = policy.backoff_min;
  Version winner = kNoVersion;
  for (std::uint32_t attempt = 0; attempt < policy.attempts_max; ++attempt) {
    SLUICE_TRY_ASSIGN(const PreparedCommit prepared, prepare(base_.get(), request, clock_, random_));
    SLUICE_TRY_ASSIGN(CommitOutcome outcome, publish(store_, prepared));
    if (const auto* unknown = std::get_if<Unknown>(&outcome)) {
      lost = *unknown;
      const auto resolved = resolve(store_, prepared);
      if (!resolved) return outcome;
      // A version that is free may yet be taken by the put whose answer was lost. Trying again is safe all the same:
      // one of the two puts finds the other's commit, and knows it by its txnId.
      if (!*resolved) {
        if (attempt + 1 == policy.attempts_max) return outcome;
        SLUICE_TRY(wait(backoff, policy, stop));
        continue;
      }
      outcome = **resolved;
    }
    if (!std::holds_alternative<Conflict>(outcome)) return outcome;

    winner = prepared.version;
    SLUICE_TRY_ASSIGN(auto newest, base_ ? Snapshot::refresh(store_, base_) : Snapshot::load(store_));
    if (!newest) return Error(ErrorCode::NotFound, "the table is gone: its log holds no commit any more");
    SLUICE_TRY_ASSIGN(auto decided, compare_with_winners(store_, base_.get(), newest->version(), request));
    if (decided) return std::move(*decided);
    base_ = std::move(newest);

    SLUICE_TRY(wait(backoff, policy, stop));
  }
  return CommitOutcome(Conflict{winner, ConflictKind::VersionTaken});
}

Status Transaction::wait(std::chrono::milliseconds& backoff, const CommitPolicy& policy, const std::stop_token& stop) {
  const auto jitter = static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(backoff.count() + 1));
  if (!clock_.sleep(std::chrono::milliseconds(backoff.count() / 2 + jitter / 2), stop)) {
    return Error(ErrorCode::Cancelled, "the commit was stopped while it waited for its next attempt");
  }
  backoff = std::min(backoff * 2, policy.backoff_max);
  return ok();
}

}  // namespace sluice::delta
