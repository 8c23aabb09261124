#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/commit_rules.h"
#include "delta/snapshot.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

struct Committed {
  Version version;
};  ///< Our actions are in the log.
struct Conflict {
  Version winner;
  ConflictKind kind;
};  ///< Another writer was first; ours wrote nothing.
struct Unknown {
  Version attempted;
};  ///< The answer was lost; `resolve` finds out by txnId.
using CommitOutcome = std::variant<Committed, Conflict, Unknown>;

/// What a commit is to do. `info` needs operation, parameters and metrics only; prepare() fills in the rest.
struct CommitRequest {
  std::vector<Action> actions;  ///< In any order, without CommitInfo. Undated transaction identifiers get the time.
  CommitInfo info;
  ReadSet reads;
  /// The caller has held the rows that it adds, and will those to come, against the constraints (row_constraints.h).
  bool rows_checked = false;
  IsolationLevel isolation = IsolationLevel::Serializable;  ///< Of this commit; never a property of the table.
};

/// A commit, decided down to its bytes, that is not in the log yet. Plain data: it may be stored and published by
/// another process, any number of times.
struct PreparedCommit {
  Version version;
  Bytes bytes;         ///< Content of <version>.json.
  std::string txn_id;  ///< commitInfo.txnId in `bytes`: how the writer knows its own commit again.

  friend bool operator==(const PreparedCommit&, const PreparedCommit&) = default;
};

/// Makes the commit that follows `base` (nullptr: creates the table; the actions then hold Protocol and Metadata).
/// Where the table asks for in-commit timestamps it gets one, later than that of the version before, whatever the clock
/// says; the commit that turns them on records since when (spec "In-Commit Timestamps").
///
/// Refuses, before anything is written, what would make an invalid table: Unsupported (features we cannot write, by
/// name), InvalidArgument (two actions on one logical file, a removal of a file that is not live, partition values that
/// do not match the partition columns, a deletion vector without numRecords or without its table property, a
/// data-changing removal from an append-only table, two Metadata, …; the message says which).
Result<PreparedCommit> prepare(const Snapshot* base, CommitRequest request, Clock& clock, Random& random);

/// Puts the commit into the log if its version is free. Idempotent: Committed if it is there already (a lost answer, a
/// repetition after a crash); Conflict{VersionTaken} if the version is another's; Unknown if the store did not answer.
/// A version whose commit was cleaned up is never written anew: then the transaction identifiers of the newest snapshot
/// decide, and Conflict means that ours is not in it.
/// Errors: PermissionDenied, ResourceExhausted: most likely not written; publish again to find out.
Result<CommitOutcome> publish(store::ObjectStore& store, const PreparedCommit& commit);

/// Finds out whether the commit is in the log, writing nothing: Committed, Conflict, or nullopt if its version is free.
Result<std::optional<CommitOutcome>> resolve(store::ObjectStore& store, const PreparedCommit& commit);

/// Bounds of Transaction::commit().
struct CommitPolicy {
  std::uint32_t attempts_max = 20;           ///< Versions tried for.
  std::chrono::milliseconds backoff_min{5};  ///< Wait after the first lost race; doubles, with jitter.
  std::chrono::milliseconds backoff_max{1000};
};

/// A change to a table decided on one snapshot and carried over those that others commit first, where the rules allow
/// (commit_rules.h). Owned by one worker.
class Transaction {
 public:
  /// `base` nullptr creates the table. `store`, `clock` and `random` must outlive the transaction.
  Transaction(store::ObjectStore& store, Clock& clock, Random& random, std::shared_ptr<const Snapshot> base)
      : store_(store), clock_(clock), random_(random), base_(std::move(base)) {}

  /// Commits. Committed: durable. Conflict: by the rules, or, as VersionTaken, because attempts ran out. Unknown: the
  /// store stopped answering, and did not say afterwards either. Errors: those of prepare(), publish() and
  /// Snapshot::refresh(); Cancelled if a stop was requested while waiting: the commit is not there then.
  /// After Unknown nothing may be assumed. A new transaction on the same base with the same
  /// `request.info.txn_id` finds out: it never commits twice.
  Result<CommitOutcome> commit(CommitRequest request, const CommitPolicy& policy = {},
                               const std::stop_token& stop = {}) &&;

 private:
  /// Commits, as commit() does; `lost` is set once an answer was lost, after which an error says nothing of the commit.
  Result<CommitOutcome> attempt(CommitRequest request, const CommitPolicy& policy, const std::stop_token& stop,
                                std::optional<Unknown>& lost);
  /// Waits before the next attempt; the next wait is longer.
  Status wait(std::chrono::milliseconds& backoff, const CommitPolicy& policy, const std::stop_token& stop);

  store::ObjectStore& store_;
  Clock& clock_;
  Random& random_;
  std::shared_ptr<const Snapshot> base_;
};

}  // namespace sluice::delta
