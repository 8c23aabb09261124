#include "delta/log_checkpoint.h"

#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "columnar/parquet_writer.h"
#include "delta/features.h"
#include "delta/internal/checkpoint_reader.h"
#include "delta/internal/checkpoint_rows.h"
#include "delta/internal/segment_finder.h"
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

/// Writes actions to the checkpoint's file, chunk by chunk.
class CheckpointFile {
 public:
  static Result<CheckpointFile> create(store::ObjectStore& store, Version version) {
    // Row groups are what threads share among them when they read, and what is in memory at once.
    const columnar::ParquetOptions options{.row_group_rows_max = 32'768,
                                           .compression = columnar::ParquetCompression::Snappy};
    SLUICE_TRY_ASSIGN(auto writer, columnar::ParquetWriter::create(store, checkpoint_key(version),
                                                                   internal::checkpoint_schema(), options));
    return CheckpointFile(std::move(writer));
  }

  Status add(const Action& action) {
    if (rows_->full()) SLUICE_TRY(flush());
    rows_->add(action);
    return ok();
  }

  Result<columnar::ParquetWriter::Written> finish() && {
    if (!rows_->empty()) SLUICE_TRY(flush());
    return std::move(*writer_).finish();
  }

 private:
  explicit CheckpointFile(std::unique_ptr<columnar::ParquetWriter> writer)
      : writer_(std::move(writer)), rows_(std::make_unique<internal::CheckpointRows>()) {}

  Status flush() { return writer_->append(rows_->take()); }

  std::unique_ptr<columnar::ParquetWriter> writer_;
  std::unique_ptr<internal::CheckpointRows> rows_;
};

Status write_actions_of(const Snapshot& snapshot, const Tombstones& tombstones, UnixMillis now, CheckpointFile& file) {
  const TableProperties& properties = snapshot.properties();
  SLUICE_TRY(file.add(snapshot.protocol()));
  SLUICE_TRY(file.add(snapshot.metadata()));
  for (const auto& [app_id, txn] : snapshot.transactions()) {
    if (!has_expired(txn, properties, now)) SLUICE_TRY(file.add(txn));
  }
  for (const auto& [name, domain] : snapshot.domains()) SLUICE_TRY(file.add(domain));
  for (AddFile add : snapshot.files()) {
    // A file with a deletion vector must state numRecords, whatever the property says.
    if (!properties.checkpoint_stats_as_json && !add.deletion_vector) add.stats.reset();
    SLUICE_TRY(file.add(std::move(add)));
  }
  for (const auto& [key, remove] : tombstones) {
    const bool is_live = snapshot.files().contains(key);
    if (!is_live && !has_expired(remove, properties, now)) SLUICE_TRY(file.add(remove));
  }
  return ok();
}

}  // namespace

bool log_checkpoint_due(const Snapshot& snapshot) {
  return snapshot.version() > Version(0) && snapshot.version().value() % snapshot.properties().checkpoint_interval == 0;
}

Status write_log_checkpoint(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock) {
  SLUICE_TRY(check_writable(snapshot.protocol(), snapshot.metadata(), snapshot.schema()));
  SLUICE_TRY_ASSIGN(const Tombstones tombstones, load_tombstones(store, snapshot.version()));
  const auto written = columnar::guard([&]() -> Result<columnar::ParquetWriter::Written> {
    SLUICE_TRY_ASSIGN(CheckpointFile file, CheckpointFile::create(store, snapshot.version()));
    SLUICE_TRY(write_actions_of(snapshot, tombstones, clock.now(), file));
    return std::move(file).finish();
  });
  if (!written) return written.error();
  return store.put(kLastCheckpointKey, fmt::format(R"({{"version":{},"size":{},"sizeInBytes":{},"numOfAddFiles":{}}})",
                                                   snapshot.version().value(), written->row_count, written->size_bytes,
                                                   snapshot.files().size()));
}

}  // namespace sluice::delta
