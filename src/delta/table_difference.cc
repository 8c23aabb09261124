#include "delta/table_difference.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "delta/data_path.h"
#include "delta/features.h"

namespace sluice::delta {
namespace {

/// The files of a table, of which those that commits name are kept by path.
class LivePaths {
 public:
  explicit LivePaths(const LiveFiles& base) : base_(base) {}

  /// Returns the live file with the path, as in the log.
  std::optional<AddFile> find(const std::string& path) const {
    const auto known = since_.find(canonical_path(path));
    return known == since_.end() ? base_.find_path(path) : known->second;
  }

  void apply(std::span<const Action> commit) {
    for (const Action& action : commit) {
      const auto* remove = std::get_if<RemoveFile>(&action);
      if (remove == nullptr) continue;
      const auto live = find(remove->path);
      if (live && key_of(*live) == key_of(*remove)) since_[canonical_path(remove->path)] = std::nullopt;
    }
    for (const Action& action : commit) {
      if (const auto* add = std::get_if<AddFile>(&action)) since_[canonical_path(add->path)] = *add;
    }
  }

 private:
  const LiveFiles& base_;
  std::map<std::string, std::optional<AddFile>> since_;  // by canonical path
};

/// Returns the paths of which the commit says that their rows changed, each once, as in the log.
std::vector<std::string> changed_paths(std::span<const Action> commit) {
  std::map<std::string, std::string> paths;  // by canonical path
  for (const Action& action : commit) {
    if (const auto* add = std::get_if<AddFile>(&action); add != nullptr && add->data_change) {
      paths.emplace(canonical_path(add->path), add->path);
    } else if (const auto* remove = std::get_if<RemoveFile>(&action); remove != nullptr && remove->data_change) {
      paths.emplace(canonical_path(remove->path), remove->path);
    }
  }
  std::vector<std::string> each;
  for (auto& [canonical, path] : paths) each.push_back(std::move(path));
  return each;
}

ChangeFile part_of(const AddFile& file, ChangeFile::Kind kind, std::optional<DeletionVectorDescriptor> only,
                   std::optional<DeletionVectorDescriptor> without) {
  return {kind, file.path, file.partition_values, std::move(only), std::move(without)};
}

void add_changes(const std::optional<AddFile>& before, const std::optional<AddFile>& after,
                 std::vector<ChangeFile>& files) {
  using Kind = ChangeFile::Kind;
  if (before && after) {
    const auto& old_vector = before->deletion_vector;
    const auto& new_vector = after->deletion_vector;
    if (old_vector == new_vector) return;
    // Rows marked since are gone; rows marked no longer are back.
    if (new_vector) files.push_back(part_of(*after, Kind::Delete, new_vector, old_vector));
    if (old_vector) files.push_back(part_of(*after, Kind::Insert, old_vector, new_vector));
  } else if (before) {
    files.push_back(part_of(*before, Kind::Delete, std::nullopt, before->deletion_vector));
  } else if (after) {
    files.push_back(part_of(*after, Kind::Insert, std::nullopt, after->deletion_vector));
  }
}

std::vector<ChangeFile> recorded_files(std::span<const Action> commit) {
  std::vector<ChangeFile> files;
  for (const Action& action : commit) {
    if (const auto* recorded = std::get_if<AddCdcFile>(&action)) {
      files.push_back(
          {ChangeFile::Kind::Recorded, recorded->path, recorded->partition_values, std::nullopt, std::nullopt});
    }
  }
  return files;
}

/// Applies the commit and returns how it changed rows.
std::vector<ChangeFile> take_commit(std::span<const Action> commit, FeedUse feed, LivePaths& live) {
  std::vector<ChangeFile> files = feed == FeedUse::Prefer ? recorded_files(commit) : std::vector<ChangeFile>();
  std::vector<std::pair<std::string, std::optional<AddFile>>> before;
  if (files.empty()) {
    for (std::string& path : changed_paths(commit)) {
      auto file = live.find(path);
      before.emplace_back(std::move(path), std::move(file));
    }
  }
  live.apply(commit);
  for (const auto& [path, file] : before) add_changes(file, live.find(path), files);
  return files;
}

/// Whether values of the type are no longer those of a column, or have lost a member.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
bool is_other_type(const DataType& before, const DataType& after) {
  if (before.kind != after.kind) return true;
  if (before.kind == DataType::Kind::Decimal) {
    return before.precision != after.precision || before.scale != after.scale;
  }
  return find_column_change(before, after).has_value() ||
         !std::ranges::equal(before.children, after.children,
                             [](const DataType& left, const DataType& right) { return !is_other_type(left, right); });
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as deep as the types.
std::optional<std::string> find_column_change(const DataType& before, const DataType& after) {
  for (const StructField& field : before.fields) {
    const auto now = std::ranges::find(after.fields, field.name, &StructField::name);
    if (now == after.fields.end()) return fmt::format("column \"{}\" is gone", field.name);
    if (now->physical_name() != field.physical_name()) return fmt::format("column \"{}\" is a new one", field.name);
    if (is_other_type(field.type, now->type)) return fmt::format("column \"{}\" has another type", field.name);
  }
  return std::nullopt;
}

Result<DataType> columns_of(const Metadata& metadata) {
  if (metadata.schema_string.empty()) return DataType::structure({});
  return read_schema(metadata.schema_string);
}

Result<std::vector<Action>> load_commit_there(store::ObjectStore& store, Version version) {
  auto commit = load_commit(store, version);
  if (commit || commit.error().code() != ErrorCode::NotFound) return commit;
  return Error(ErrorCode::NotFound, fmt::format("version {} is no longer in the table's log", version.value()))
      .with_number(4210);
}

Result<TableDifference> load_difference(store::ObjectStore& store, std::shared_ptr<const Snapshot> before,
                                        std::shared_ptr<const Snapshot> after, FeedUse feed) {
  TableDifference difference{std::move(before), std::move(after), {}, std::nullopt};
  LivePaths live(difference.before->files());
  DataType schema = difference.before->schema();
  for (Version version = difference.before->version().next(); version <= difference.after->version();
       version = version.next()) {
    SLUICE_TRY_ASSIGN(const auto commit, load_commit_there(store, version));
    for (const Action& action : commit) {
      if (const auto* protocol = std::get_if<Protocol>(&action)) SLUICE_TRY(check_readable(*protocol));
      const auto* metadata = std::get_if<Metadata>(&action);
      if (metadata == nullptr) continue;
      SLUICE_TRY_ASSIGN(DataType next, columns_of(*metadata));
      if (auto what = find_column_change(schema, next); what && !difference.column_change) {
        difference.column_change = {version, std::move(*what)};
      }
      schema = std::move(next);
    }
    CommitChanges changes{version, {}, take_commit(commit, feed, live)};
    if (!changes.files.empty()) difference.commits.push_back(std::move(changes));
  }
  return difference;
}

}  // namespace sluice::delta
