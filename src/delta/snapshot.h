#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/live_files.h"
#include "delta/log_segment.h"
#include "delta/table_properties.h"
#include "delta/version.h"
#include "store/object_store.h"

namespace sluice::delta {

/// A Delta table at a version: protocol, metadata, live files, transactions, domains. Immutable, so it is shared
/// between threads as shared_ptr<const Snapshot> and needs no store once loaded.
///
/// Every snapshot has been checked to be readable by this version of sluice (features.h); whether it may be written is
/// for a Transaction to find out.
class Snapshot {
 public:
  /// Loads version `at`, or the newest, of the table whose root is the root of `store`; nullptr if there is no table.
  ///
  /// A damaged or incomplete log checkpoint is passed over for an older one or the commits, if they are all there
  /// (passed_over() tells of the damaged); a damaged or missing commit is an error: no part of a table is ever left out
  /// silently. A commit file without a line does nothing, as to Spark.
  /// Errors: NotFound (no such version), Corruption (the log is damaged; the message names the file or the missing
  /// versions), Unsupported (a feature or type we do not know, by name), and the store's.
  /// Cost: one listing (short if `_last_checkpoint` tells the truth), one read per commit after the checkpoint.
  static Result<std::shared_ptr<const Snapshot>> load(store::ObjectStore& store,
                                                      std::optional<Version> at = std::nullopt);

  /// Returns the newest version: `older` itself if nothing was committed since, else `older` with the new commits
  /// applied (or, if the log was cleaned up behind it or the folder holds another table now, loaded afresh). Errors as
  /// load(); NotFound if the table is gone. Cost: one head and one read more than there are new commits; no listing.
  static Result<std::shared_ptr<const Snapshot>> refresh(store::ObjectStore& store,
                                                         std::shared_ptr<const Snapshot> older);

  /// Returns what the table would be if `actions` were committed on `base` (nullptr: they create it): how a transaction
  /// sees its own changes. Its version is that of `base`, kNoVersion without one. Errors as load(). No I/O.
  static Result<std::shared_ptr<const Snapshot>> preview(const Snapshot* base, std::span<const Action> actions);

  Version version() const { return version_; }
  const Protocol& protocol() const { return protocol_; }
  const Metadata& metadata() const { return metadata_; }
  /// The table's columns, logical names; see duckdb_schema.h for the way to DuckDB's types.
  const DataType& schema() const { return schema_; }
  const TableProperties& properties() const { return properties_; }

  /// The logical files; their paths go through resolve_path(), their deletion vectors through load_deletion_vector().
  const LiveFiles& files() const { return files_; }

  /// Returns the newest transaction version that the application committed (spec "Transaction Identifiers").
  std::optional<std::int64_t> transaction_version(std::string_view app_id) const;
  const std::map<std::string, SetTransaction, std::less<>>& transactions() const { return transactions_; }
  /// Domains by name, without tombstones.
  const std::map<std::string, DomainMetadata, std::less<>>& domains() const { return domains_; }

  /// When this version was committed: its in-commit timestamp if the table has them, else when the commit file was
  /// written. nullopt if the commit is no longer there.
  std::optional<UnixMillis> commit_time() const;

  /// The in-commit timestamp of this version; nullopt if the table has none, or it is no longer known.
  const std::optional<UnixMillis>& in_commit_timestamp() const { return in_commit_timestamp_; }

  /// commitInfo.txnId of this version; nullopt if it has none or came from a log checkpoint alone.
  const std::optional<std::string>& txn_id() const { return txn_id_; }

  /// Why log checkpoints were passed over to load this, each naming the file; what follows by refresh() does not repeat
  /// it.
  const std::vector<std::string>& passed_over() const { return passed_over_; }

  /// Version of the log checkpoint this was loaded from, kNoVersion if from commits alone.
  Version checkpoint_version() const { return checkpoint_version_; }

 private:
  class Loader;
  Snapshot() = default;

  Version version_ = kNoVersion;
  Version checkpoint_version_ = kNoVersion;
  Protocol protocol_;
  Metadata metadata_;
  DataType schema_;
  TableProperties properties_;
  LiveFiles files_;
  std::map<std::string, SetTransaction, std::less<>> transactions_;
  std::map<std::string, DomainMetadata, std::less<>> domains_;
  std::optional<UnixMillis> in_commit_timestamp_;
  std::optional<std::string> txn_id_;
  std::vector<std::string> passed_over_;
  std::optional<store::ObjectInfo> last_commit_;  // of version_, unless that came from a log checkpoint alone
};

/// Reads the actions of one commit. NotFound if there is no such commit; Corruption if it is damaged.
Result<std::vector<Action>> load_commit(store::ObjectStore& store, Version version);

}  // namespace sluice::delta
