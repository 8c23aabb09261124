#include "delta/snapshot.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "delta/action_json.h"
#include "delta/column_mapping.h"
#include "delta/features.h"
#include "delta/internal/checkpoint_reader.h"
#include "delta/internal/segment_finder.h"
#include "delta/log_path.h"
#include "delta/type_widening.h"

namespace sluice::delta {

namespace {

Error without(std::string_view action, Version version) {
  return Error(ErrorCode::Corruption, fmt::format("the log has no {} action up to version {}", action, version.value()))
      .with_number(4202);
}

}  // namespace

Result<std::vector<Action>> load_commit(store::ObjectStore& store, Version version) {
  const std::string key = commit_key(version);
  SLUICE_TRY_ASSIGN(const auto text, store.get(key));
  if (!text) return Error(ErrorCode::NotFound, fmt::format("the log has no {}", key));
  return read_actions(*text, key);
}

/// Replays a log, oldest first.
class Snapshot::Loader {
 public:
  explicit Loader(store::ObjectStore& store) : store_(&store) {}

  /// Goes on from an older snapshot.
  Loader(store::ObjectStore& store, const Snapshot& older) : Loader(older) { store_ = &store; }

  /// Goes on without a store, from `older` or, by default, from nothing.
  Loader() = default;
  explicit Loader(const Snapshot& older)
      : snapshot_(older), files_(older.files_), has_protocol_(true), has_metadata_(true) {
    snapshot_.passed_over_.clear();
  }

  /// Log checkpoints were passed over, for these reasons.
  void pass_over(std::vector<std::string> reasons) { snapshot_.passed_over_ = std::move(reasons); }

  /// Replays the log checkpoint, if there is one. Corruption means that it is of no use.
  Status replay_checkpoint(const LogSegment& segment) {
    if (segment.checkpoint.empty()) return ok();
    const internal::CheckpointSink sink{
        [&](Action&& action) { take_reconciled(std::move(action)); },
        [&](std::shared_ptr<const internal::FileBlock> files) { files_.add_reconciled(std::move(files)); }};
    SLUICE_TRY(internal::read_checkpoint(*store_, segment.checkpoint, internal::CheckpointContent::State, sink));
    if (!has_protocol_ || !has_metadata_) {
      return Error(ErrorCode::Corruption,
                   fmt::format("the log checkpoint {} lacks protocol or metadata", segment.checkpoint.front().info.key))
          .with_number(4203);
    }
    snapshot_.checkpoint_version_ = segment.checkpoint_version();
    return ok();
  }

  /// Replays the commits behind the checkpoint.
  Status replay_commits(const LogSegment& segment) {
    for (const LogFile& commit : segment.commits) {
      SLUICE_TRY_ASSIGN(const auto actions, load_commit(*store_, commit.path.version));
      SLUICE_TRY(apply(actions, commit.info.key));
    }
    if (segment.newest) snapshot_.last_commit_ = segment.newest->info;
    return ok();
  }

  /// Replays the commits that follow `version`, as far as there are any; returns the last one's version.
  Result<Version> replay_following(Version version) {
    while (true) {
      const std::string key = commit_key(version.next());
      SLUICE_TRY_ASSIGN(const auto text, store_->get(key));
      if (!text) break;
      SLUICE_TRY_ASSIGN(const auto actions, read_actions(*text, key));
      SLUICE_TRY(apply(actions, key));
      version = version.next();
    }
    SLUICE_TRY_ASSIGN(snapshot_.last_commit_, store_->head(commit_key(version)));
    return version;
  }

  /// Replays actions that are in no commit: they say nothing about when or by whom.
  Status replay_uncommitted(std::span<const Action> actions) {
    const auto timestamp = snapshot_.in_commit_timestamp_;
    auto txn_id = snapshot_.txn_id_;
    SLUICE_TRY(apply(actions, "the transaction"));
    snapshot_.in_commit_timestamp_ = timestamp;
    snapshot_.txn_id_ = std::move(txn_id);
    return ok();
  }

  /// Checks what was replayed, completes it by what the newest commit says, and makes it a snapshot.
  Result<std::shared_ptr<const Snapshot>> finish(Version version) && {
    SLUICE_TRY(check(version));
    if (!snapshot_.properties_.enable_in_commit_timestamps) {
      snapshot_.in_commit_timestamp_.reset();  // left over
    } else if (!snapshot_.in_commit_timestamp_ && snapshot_.last_commit_) {
      // The log checkpoint of this version does not say it. What the table holds does not depend on it, so the commit
      // may be damaged or gone.
      const auto commit = load_commit(*store_, version);
      const bool lost =
          !commit && (commit.error().code() == ErrorCode::Corruption || commit.error().code() == ErrorCode::NotFound);
      if (!commit && !lost) return commit.error();
      if (commit) take_info(*commit);
    }
    return std::move(*this).seal(version);
  }

  /// As finish(), of what is in no commit.
  Result<std::shared_ptr<const Snapshot>> finish_preview(Version version) && {
    SLUICE_TRY(check(version));
    return std::move(*this).seal(version);
  }

 private:
  Status check(Version version) {
    if (!has_protocol_) return without("protocol", version);
    if (!has_metadata_) return without("metaData", version);
    SLUICE_TRY(check_readable(snapshot_.protocol_));
    snapshot_.schema_ = DataType::structure({});
    if (!snapshot_.metadata_.schema_string.empty()) {
      SLUICE_TRY_ASSIGN(snapshot_.schema_, read_schema(snapshot_.metadata_.schema_string));
    }
    SLUICE_TRY(check_type_changes(snapshot_.schema_));
    SLUICE_TRY_ASSIGN(snapshot_.properties_, read_properties(snapshot_.metadata_.configuration));
    SLUICE_TRY(check_column_mapping(snapshot_.schema_, snapshot_.properties_.column_mapping_mode));
    for (const std::string& name : snapshot_.metadata_.partition_columns) {
      const auto& fields = snapshot_.schema_.fields;
      const auto has_name = [&](const StructField& field) { return field.name == name; };
      if (std::none_of(fields.begin(), fields.end(), has_name)) {
        return Error(ErrorCode::Corruption, fmt::format("the schema lacks the partition column \"{}\"", name));
      }
    }
    return ok();
  }

  Result<std::shared_ptr<const Snapshot>> seal(Version version) && {
    snapshot_.version_ = version;
    snapshot_.files_ = std::move(files_).finish();
    return std::shared_ptr<const Snapshot>(new Snapshot(std::move(snapshot_)));
  }

  void take_reconciled(Action&& action) {
    if (auto* add = std::get_if<AddFile>(&action)) {
      files_.add_reconciled(std::move(*add));
    } else {
      take(std::move(action));
    }
  }

  /// Takes what the commit says of itself.
  void take_info(std::span<const Action> commit) {
    const CommitInfo* info = find_commit_info(commit);
    snapshot_.in_commit_timestamp_ = info == nullptr ? std::nullopt : info->in_commit_timestamp;
    snapshot_.txn_id_ = info == nullptr ? std::nullopt : info->txn_id;
  }

  /// Takes an action that is not about files.
  void take(Action&& action) {
    if (auto* protocol = std::get_if<Protocol>(&action)) {
      snapshot_.protocol_ = std::move(*protocol);
      has_protocol_ = true;
    } else if (auto* metadata = std::get_if<Metadata>(&action)) {
      snapshot_.metadata_ = std::move(*metadata);
      has_metadata_ = true;
    } else if (auto* txn = std::get_if<SetTransaction>(&action)) {
      snapshot_.transactions_.insert_or_assign(txn->app_id, std::move(*txn));
    } else if (auto* domain = std::get_if<DomainMetadata>(&action)) {
      if (domain->removed) {
        snapshot_.domains_.erase(domain->domain);
      } else {
        snapshot_.domains_.insert_or_assign(domain->domain, std::move(*domain));
      }
    }
  }

  Status apply(std::span<const Action> commit, const std::string& key) {
    std::size_t protocol_count = 0;
    std::size_t metadata_count = 0;
    for (const Action& action : commit) {
      protocol_count += std::holds_alternative<Protocol>(action) ? 1 : 0;
      metadata_count += std::holds_alternative<Metadata>(action) ? 1 : 0;
    }
    if (protocol_count > 1 || metadata_count > 1) {
      return Error(ErrorCode::Corruption, fmt::format("{} has more than one protocol or metaData action", key))
          .with_number(4202);
    }
    files_.apply(commit);
    take_info(commit);
    for (const Action& action : commit) {
      if (!std::holds_alternative<AddFile>(action) && !std::holds_alternative<RemoveFile>(action)) take(Action(action));
    }
    return ok();
  }

  store::ObjectStore* store_ = nullptr;  // only for what is in the log
  Snapshot snapshot_;
  LiveFiles::Builder files_;
  bool has_protocol_ = false;
  bool has_metadata_ = false;
};

Result<std::shared_ptr<const Snapshot>> Snapshot::load(store::ObjectStore& store, std::optional<Version> at) {
  // A log that is cleaned up while we read may lose a file between listing and reading: one fresh listing settles that.
  constexpr int kListingsMax = 2;
  int vanished_count = 0;
  internal::SegmentFinder finder(store, at);
  while (true) {
    SLUICE_TRY_ASSIGN(const auto segment, finder.find());
    if (!segment) return std::shared_ptr<const Snapshot>();
    Loader loader(store);
    if (auto checkpoint = loader.replay_checkpoint(*segment); !checkpoint) {
      if (checkpoint.error().code() != ErrorCode::Corruption) return std::move(checkpoint).error();
      finder.pass_over(*segment, std::move(checkpoint).error());
      continue;
    }
    const Status commits = loader.replay_commits(*segment);
    loader.pass_over(finder.passed_over());
    if (commits) return std::move(loader).finish(segment->version);
    if (commits.error().code() != ErrorCode::NotFound || ++vanished_count == kListingsMax) return commits.error();
  }
}

Result<std::shared_ptr<const Snapshot>> Snapshot::refresh(store::ObjectStore& store,
                                                          std::shared_ptr<const Snapshot> older) {
  // While our newest commit is there as we know it, the folder holds the same table, and the log was not cleaned up as
  // far as the next version: if that is absent, there is nothing new. No listing is needed, however long the log.
  const Version version = older->version();
  SLUICE_TRY_ASSIGN(const auto newest, store.head(commit_key(version)));
  if (newest && older->last_commit_ == newest) {
    Loader loader(store, *older);
    SLUICE_TRY_ASSIGN(const Version reached, loader.replay_following(version));
    return reached == version ? Result<std::shared_ptr<const Snapshot>>(std::move(older))
                              : std::move(loader).finish(reached);
  }
  SLUICE_TRY_ASSIGN(auto fresh, load(store));
  if (!fresh) return Error(ErrorCode::NotFound, "the table is gone: its log holds no commit any more");
  return fresh;
}

Result<std::shared_ptr<const Snapshot>> Snapshot::preview(const Snapshot* base, std::span<const Action> actions) {
  auto loader = base == nullptr ? Loader() : Loader(*base);
  SLUICE_TRY(loader.replay_uncommitted(actions));
  return std::move(loader).finish_preview(base == nullptr ? kNoVersion : base->version());
}

std::optional<UnixMillis> Snapshot::commit_time() const {
  if (in_commit_timestamp_) return in_commit_timestamp_;
  return last_commit_ ? std::optional(last_commit_->modified) : std::nullopt;
}

std::optional<std::int64_t> Snapshot::transaction_version(std::string_view app_id) const {
  const auto found = transactions_.find(app_id);
  if (found == transactions_.end()) return std::nullopt;
  return found->second.version;
}

}  // namespace sluice::delta
