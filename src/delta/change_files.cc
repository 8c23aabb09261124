#include "delta/change_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "delta/data_path.h"
#include "delta/features.h"
#include "delta/history.h"
#include "delta/table_properties.h"

namespace sluice::delta {
namespace {

/// The same data file before and after a commit; one of them may be missing.
struct FilePair {
  const RemoveFile* before = nullptr;
  const AddFile* after = nullptr;
};

Status check_partition_values(const RemoveFile& file, bool was_partitioned) {
  if (file.partition_values || !was_partitioned) return ok();
  return Error(ErrorCode::Corruption,
               fmt::format("the removal of {} does not say which partition the file was in", file.path));
}

void add_pair(const FilePair& pair, std::vector<ChangeFile>& files) {
  const auto& before = pair.before->deletion_vector;
  const auto& after = pair.after->deletion_vector;
  if (before == after) return;
  // Rows marked since are gone; rows marked no longer are back.
  if (after) files.push_back({ChangeFile::Kind::Delete, pair.after->path, pair.after->partition_values, after, before});
  if (before) {
    files.push_back({ChangeFile::Kind::Insert, pair.after->path, pair.after->partition_values, before, after});
  }
}

}  // namespace

Status check_change_feed_columns(const columnar::Schema& columns) {
  for (const std::string_view name : {kChangeTypeColumn, kCommitVersionColumn, kCommitTimestampColumn}) {
    if (!columns.find(name)) continue;
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("a table with a change data feed cannot have a column {}: the feed has one", name))
        .with_number(4206)
        .with_help("give the column another name, or do without delta.enableChangeDataFeed");
  }
  return ok();
}

Result<std::vector<ChangeFile>> decide_change_files(std::span<const Action> commit, bool was_partitioned) {
  std::vector<ChangeFile> files;
  for (const Action& action : commit) {
    if (const auto* recorded = std::get_if<AddCdcFile>(&action)) {
      files.push_back(
          {ChangeFile::Kind::Recorded, recorded->path, recorded->partition_values, std::nullopt, std::nullopt});
    }
  }
  if (!files.empty()) return files;

  std::map<std::string, FilePair> pairs;
  for (const Action& action : commit) {
    if (const auto* add = std::get_if<AddFile>(&action); add != nullptr && add->data_change) {
      pairs[canonical_path(add->path)].after = add;
    } else if (const auto* remove = std::get_if<RemoveFile>(&action); remove != nullptr && remove->data_change) {
      pairs[canonical_path(remove->path)].before = remove;
    }
  }
  for (const auto& [path, pair] : pairs) {
    if (pair.before != nullptr && pair.after != nullptr) {
      add_pair(pair, files);
    } else if (pair.after != nullptr) {
      files.push_back({ChangeFile::Kind::Insert, pair.after->path, pair.after->partition_values, std::nullopt,
                       pair.after->deletion_vector});
    } else {
      SLUICE_TRY(check_partition_values(*pair.before, was_partitioned));
      files.push_back({ChangeFile::Kind::Delete, pair.before->path,
                       pair.before->partition_values.value_or(PartitionValues()), std::nullopt,
                       pair.before->deletion_vector});
    }
  }
  return files;
}

Result<std::optional<TableChanges>> load_changes(store::ObjectStore& store, Version from, std::optional<Version> to) {
  TableChanges changes;
  SLUICE_TRY_ASSIGN(changes.table, Snapshot::load(store));
  if (!changes.table) return std::optional<TableChanges>();
  const std::shared_ptr<const Snapshot> newest = changes.table;
  const Version last = std::min(to.value_or(changes.table->version()), changes.table->version());
  if (last < from) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("the changes end at version {}, before they begin, at {}", last.value(), from.value()));
  }
  const bool is_mapped = changes.table->properties().column_mapping_mode != ColumnMappingMode::None;
  if (is_mapped && last < changes.table->version()) {
    SLUICE_TRY_ASSIGN(changes.table, Snapshot::load(store, last));
  }
  SLUICE_TRY_ASSIGN(const auto begin, Snapshot::load(store, from));
  if (!begin) return std::optional<TableChanges>();  // gone meanwhile
  SLUICE_TRY_ASSIGN(const CommitTimes times, CommitTimes::load(store, *newest));
  TableProperties properties = begin->properties();
  bool is_partitioned = !begin->metadata().partition_columns.empty();
  for (Version version = from; version <= last; version = version.next()) {
    SLUICE_TRY_ASSIGN(const auto commit, load_commit(store, version));
    const bool was_partitioned = is_partitioned;
    for (const Action& action : commit) {
      if (const auto* protocol = std::get_if<Protocol>(&action)) SLUICE_TRY(check_readable(*protocol));
      if (const auto* metadata = std::get_if<Metadata>(&action)) {
        SLUICE_TRY_ASSIGN(properties, read_properties(metadata->configuration));
        is_partitioned = !metadata->partition_columns.empty();
      }
    }
    if (!properties.enable_change_data_feed) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("the change data feed was off at version {}", version.value()))
          .with_number(4209)
          .with_help("ask for versions at which the table's delta.enableChangeDataFeed was true");
    }
    CommitChanges entry{version, {}, {}};
    SLUICE_TRY_ASSIGN(entry.timestamp, times.time_of(version, commit));
    SLUICE_TRY_ASSIGN(entry.files, decide_change_files(commit, was_partitioned));
    changes.commits.push_back(std::move(entry));
  }
  return std::optional(std::move(changes));
}

}  // namespace sluice::delta
