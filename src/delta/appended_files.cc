#include "delta/appended_files.h"

#include <algorithm>
#include <utility>

#include "delta/features.h"

namespace sluice::delta {
namespace {

bool takes_rows_away(std::span<const Action> commit) {
  return std::ranges::any_of(commit, [](const Action& action) {
    const auto* remove = std::get_if<RemoveFile>(&action);
    return remove != nullptr && remove->data_change;
  });
}

std::vector<ChangeFile> added_files(std::span<const Action> commit) {
  std::vector<ChangeFile> files;
  for (const Action& action : commit) {
    const auto* add = std::get_if<AddFile>(&action);
    if (add == nullptr || !add->data_change) continue;
    files.push_back({ChangeFile::Kind::Insert, add->path, add->partition_values, std::nullopt, add->deletion_vector});
  }
  return files;
}

Status take_metadata(std::span<const Action> commit, Version version, AppendedFiles& appended) {
  for (const Action& action : commit) {
    if (const auto* protocol = std::get_if<Protocol>(&action)) SLUICE_TRY(check_readable(*protocol));
    const auto* metadata = std::get_if<Metadata>(&action);
    if (metadata == nullptr) continue;
    SLUICE_TRY_ASSIGN(DataType columns, columns_of(*metadata));
    if (appended.columns && !appended.column_change) {
      if (auto what = find_column_change(*appended.columns, columns)) {
        appended.column_change = {version, std::move(*what)};
      }
    }
    appended.columns = std::move(columns);
  }
  return ok();
}

}  // namespace

Result<AppendedFiles> load_appended_files(store::ObjectStore& store, AppendRange range) {
  AppendedFiles appended{range.first, {}, std::move(range.columns), std::nullopt, std::nullopt};
  std::uint64_t file_count = 0;
  for (Version version = range.first; version <= range.last && file_count < range.files_max; version = version.next()) {
    SLUICE_TRY_ASSIGN(const auto commit, load_commit_there(store, version));
    const bool is_changing = takes_rows_away(commit);
    if (is_changing && !range.skip_changing_commits) {
      appended.changing = version;
      return appended;
    }
    SLUICE_TRY(take_metadata(commit, version, appended));
    appended.last = version;
    if (is_changing) continue;
    CommitChanges changes{version, {}, added_files(commit)};
    file_count += changes.files.size();
    if (!changes.files.empty()) appended.commits.push_back(std::move(changes));
  }
  return appended;
}

}  // namespace sluice::delta
