#include "delta/log_checkpoint.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "columnar/parquet_writer.h"
#include "delta/features.h"
#include "delta/internal/checkpoint_reader.h"
#include "delta/internal/checkpoint_rows.h"
#include "delta/internal/segment_finder.h"
#include "delta/log_path.h"
#include "delta/log_segment.h"

namespace sluice::delta {
namespace {

using Tombstones = std::map<FileKey, RemoveFile>;

/// Applies the file actions of one commit to what is removed.
void apply_commit(const std::vector<Action>& commit, Tombstones& tombstones) {
  for (const Action& action : commit) {
    if (const auto* remove = std::get_if<RemoveFile>(&action)) tombstones.insert_or_assign(key_of(*remove), *remove);
  }
  for (const Action& action : commit) {
    if (const auto* add = std::get_if<AddFile>(&action)) tombstones.erase(key_of(*add));
  }
}

Result<Tombstones> read_tombstones(store::ObjectStore& store, const LogSegment& segment) {
  Tombstones tombstones;
  if (!segment.checkpoint.empty()) {
    const auto take = [&](Action&& action) {
      auto& remove = std::get<RemoveFile>(action);
      FileKey key = key_of(remove);
      tombstones.insert_or_assign(std::move(key), std::move(remove));
    };
    SLUICE_TRY(internal::read_checkpoint(store, segment.checkpoint, internal::CheckpointContent::Tombstones, {take}));
  }
  for (const LogFile& commit : segment.commits) {
    SLUICE_TRY_ASSIGN(const auto actions, load_commit(store, commit.path.version));
    apply_commit(actions, tombstones);
  }
  return tombstones;
}

/// Collects what the log up to the version remembers as removed. Damaged checkpoints are passed over.
Result<Tombstones> load_tombstones(store::ObjectStore& store, Version version) {
  internal::SegmentFinder finder(store, version);
  while (true) {
    SLUICE_TRY_ASSIGN(const auto segment, finder.find());
    if (!segment) return Error(ErrorCode::NotFound, "the table is gone: its log holds no commit any more");
    auto tombstones = read_tombstones(store, *segment);
    if (tombstones || tombstones.error().code() != ErrorCode::Corruption || segment->checkpoint.empty()) {
      return tombstones;
    }
    finder.pass_over(*segment, std::move(tombstones).error());
  }
}

bool has_expired(const RemoveFile& remove, const TableProperties& properties, UnixMillis now) {
  return remove.deletion_timestamp.value_or(UnixMillis()) + properties.deleted_file_retention <= now;
}

bool has_expired(const SetTransaction& txn, const TableProperties& properties, UnixMillis now) {
  return properties.transaction_retention && txn.last_updated &&
         *txn.last_updated + *properties.transaction_retention <= now;
}

/// Writes actions to a file of the checkpoint, chunk by chunk.
class CheckpointFile {
 public:
  static Result<CheckpointFile> create(store::ObjectStore& store, std::string key, internal::CheckpointPart part,
                                       const internal::CheckpointForm& form) {
    // Row groups are what threads share among them when they read, and what is in memory at once.
    const columnar::ParquetOptions options{.row_group_rows_max = 32'768,
                                           .compression = columnar::ParquetCompression::Snappy};
    SLUICE_TRY_ASSIGN(auto writer, columnar::ParquetWriter::create(store, std::move(key),
                                                                   internal::checkpoint_schema(part, form), options));
    return CheckpointFile(std::move(writer), part, form);
  }

  Status add(const Action& action) {
    if (rows_->full()) SLUICE_TRY(flush());
    rows_->add(action);
    ++action_count_;
    return ok();
  }

  std::size_t action_count() const { return action_count_; }

  Result<columnar::ParquetWriter::Written> finish() && {
    if (!rows_->empty()) SLUICE_TRY(flush());
    return std::move(*writer_).finish();
  }

 private:
  CheckpointFile(std::unique_ptr<columnar::ParquetWriter> writer, internal::CheckpointPart part,
                 const internal::CheckpointForm& form)
      : writer_(std::move(writer)), rows_(std::make_unique<internal::CheckpointRows>(part, form)) {}

  Status flush() { return writer_->append(rows_->take()); }

  std::unique_ptr<columnar::ParquetWriter> writer_;
  std::unique_ptr<internal::CheckpointRows> rows_;
  std::size_t action_count_ = 0;
};

/// Writes one log checkpoint of a snapshot.
class CheckpointWriter {
 public:
  CheckpointWriter(store::ObjectStore& store, const Snapshot& snapshot, const Tombstones& tombstones, UnixMillis now,
                   Random& random)
      : store_(store), snapshot_(snapshot), tombstones_(tombstones), now_(now), random_(random) {
    const TableProperties& properties = snapshot.properties();
    if (!properties.checkpoint_stats_as_struct) return;
    parsed_.emplace(snapshot.schema(), properties.column_mapping_mode, snapshot.metadata().partition_columns);
    form_ = {properties.checkpoint_stats_as_json, &*parsed_};
  }

  /// One file.
  Status write_classic() {
    SLUICE_TRY_ASSIGN(CheckpointFile file, create(checkpoint_key(snapshot_.version()), CheckpointPart::Classic));
    SLUICE_TRY(add_state(file));
    SLUICE_TRY(each_file([&](const Action& action) { return file.add(action); }));
    return finish(std::move(file));
  }

  /// Sidecars first, then the manifest that names them: until that is there, they do not count.
  Status write_v2() {
    std::vector<Sidecar> sidecars;
    std::optional<CheckpointFile> file;
    std::string name;
    const auto end_sidecar = [&]() -> Status {
      SLUICE_TRY(finish(std::move(*file)));
      file.reset();
      SLUICE_TRY_ASSIGN(const auto info, store_.head(std::string(kSidecarFolder) + name));
      if (!info)
        return Error(ErrorCode::Unavailable, fmt::format("the sidecar {} is gone that was just written", name));
      sidecars.push_back({name, static_cast<std::int64_t>(info->size_bytes), info->modified, {}});
      return ok();
    };
    const auto add_to_sidecar = [&](const Action& action) -> Status {
      if (file && file->action_count() == kSidecarActionsMax) SLUICE_TRY(end_sidecar());
      if (!file) {
        name = random_.uuid() + ".parquet";
        SLUICE_TRY_ASSIGN(file, create(std::string(kSidecarFolder) + name, CheckpointPart::Sidecar));
      }
      return file->add(action);
    };
    SLUICE_TRY(each_file(add_to_sidecar));
    if (file) SLUICE_TRY(end_sidecar());
    SLUICE_TRY_ASSIGN(CheckpointFile manifest, create(checkpoint_key(snapshot_.version()), CheckpointPart::Manifest));
    SLUICE_TRY(manifest.add(CheckpointMetadata{snapshot_.version(), {}}));
    SLUICE_TRY(add_state(manifest));
    for (const Sidecar& sidecar : sidecars) SLUICE_TRY(manifest.add(sidecar));
    return finish(std::move(manifest));
  }

  /// Content of `_last_checkpoint`, after writing: of all files together.
  std::string hint() const {
    return fmt::format(R"({{"version":{},"size":{},"sizeInBytes":{},"numOfAddFiles":{}}})", snapshot_.version().value(),
                       action_count_, size_bytes_, snapshot_.files().size());
  }

 private:
  using CheckpointPart = internal::CheckpointPart;

  Result<CheckpointFile> create(std::string key, CheckpointPart part) {
    return CheckpointFile::create(store_, std::move(key), part, form_);
  }

  Status finish(CheckpointFile file) {
    SLUICE_TRY_ASSIGN(const auto written, std::move(file).finish());
    action_count_ += written.row_count;
    size_bytes_ += written.size_bytes;
    return ok();
  }

  /// Adds all that is not about files.
  Status add_state(CheckpointFile& file) {
    SLUICE_TRY(file.add(snapshot_.protocol()));
    SLUICE_TRY(file.add(snapshot_.metadata()));
    for (const auto& [app_id, txn] : snapshot_.transactions()) {
      if (!has_expired(txn, snapshot_.properties(), now_)) SLUICE_TRY(file.add(txn));
    }
    for (const auto& [name, domain] : snapshot_.domains()) SLUICE_TRY(file.add(domain));
    return ok();
  }

  /// Calls `add` with each live file and each tombstone that is still needed.
  template <typename Add>
  Status each_file(const Add& add) {
    const TableProperties& properties = snapshot_.properties();
    for (AddFile file : snapshot_.files()) {
      // A file with a deletion vector must state numRecords, whatever the property says.
      if (!properties.checkpoint_stats_as_json && !parsed_ && !file.deletion_vector) file.stats.reset();
      SLUICE_TRY(add(Action(std::move(file))));
    }
    for (const auto& [key, remove] : tombstones_) {
      if (!snapshot_.files().contains(key) && !has_expired(remove, properties, now_)) SLUICE_TRY(add(Action(remove)));
    }
    return ok();
  }

  store::ObjectStore& store_;
  const Snapshot& snapshot_;
  const Tombstones& tombstones_;
  const UnixMillis now_;
  Random& random_;
  std::optional<internal::ParsedColumns> parsed_;
  internal::CheckpointForm form_;
  std::uint64_t action_count_ = 0;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace

bool log_checkpoint_due(const Snapshot& snapshot) {
  return snapshot.version() > Version(0) && snapshot.version().value() % snapshot.properties().checkpoint_interval == 0;
}

Status write_log_checkpoint(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock, Random& random) {
  SLUICE_TRY(check_writable(snapshot.protocol(), snapshot.metadata(), snapshot.schema()));
  SLUICE_TRY_ASSIGN(const Tombstones tombstones, load_tombstones(store, snapshot.version()));
  const bool is_v2 =
      snapshot.properties().v2_checkpoints && feature_names(snapshot.protocol()).contains("v2Checkpoint");
  CheckpointWriter writer(store, snapshot, tombstones, clock.now(), random);
  SLUICE_TRY(columnar::guard([&] { return is_v2 ? writer.write_v2() : writer.write_classic(); }));
  return store.put(kLastCheckpointKey, writer.hint());
}

}  // namespace sluice::delta
