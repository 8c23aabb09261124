#include "lake/internal/attached_folder.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "columnar/column_names.h"
#include "lake/internal/error_numbers.h"
#include "store/prefix_store.h"

namespace sluice::lake {
namespace {

constexpr const char* kLogFolder = "_delta_log";

bool is_same_name(const std::string& left, const std::string& right) {
  return columnar::lower_case(left) == columnar::lower_case(right);
}

bool has_log(const std::filesystem::path& folder) {
  std::error_code failed;
  return std::filesystem::is_directory(folder / kLogFolder, failed);
}

/// Returns the names of the folders in a folder that may be tables or schemas, sorted.
std::vector<std::string> folders_in(const std::filesystem::path& parent) {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto entry = std::filesystem::directory_iterator(parent, failed);
       !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    std::error_code no_folder;
    if (!AttachedFolder::is_folder_name(name) || !entry->is_directory(no_folder)) continue;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> find_name(const std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) != names.end()) return name;
  const auto found = std::ranges::find_if(names, [&](const auto& known) { return is_same_name(known, name); });
  return found == names.end() ? std::nullopt : std::optional(*found);
}

/// Makes a store that keeps the one it stands on alive.
std::shared_ptr<store::ObjectStore> part_of(const std::shared_ptr<store::LocalStore>& store,
                                            const std::string& folder) {
  if (folder.empty()) return store;
  return {new store::PrefixStore(*store, folder), [store](store::PrefixStore* part) { delete part; }};
}

}  // namespace

Result<std::shared_ptr<AttachedFolder>> AttachedFolder::open(const std::string& path, Clock& clock, Random& random) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    return Error(ErrorCode::NotFound, fmt::format("there is no folder {} to attach", path))
        .with_number(kErrorAttach)
        .with_help("make it first (mkdir -p), or correct the path: relative ones start at the project folder");
  }
  SLUICE_TRY_ASSIGN(std::shared_ptr<store::LocalStore> store, store::LocalStore::create(path));
  return std::shared_ptr<AttachedFolder>(new AttachedFolder(std::move(store), clock, random));
}

bool AttachedFolder::is_folder_name(const std::string& name) {
  return !name.starts_with('.') && !name.starts_with('_') && name.find('/') == std::string::npos &&
         store::check_key(name).has_value();
}

bool AttachedFolder::is_one_table() const { return has_log(path()); }

std::vector<std::string> AttachedFolder::schemas() const {
  std::vector<std::string> names = {kDefaultSchema};
  if (is_one_table()) return names;
  for (const std::string& name : folders_in(path())) {
    if (!has_log(std::filesystem::path(path()) / name) && !find_name(names, name)) names.push_back(name);
  }
  const std::lock_guard lock(mutex_);
  for (const std::string& name : new_schemas_) {
    if (!find_name(names, name)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> AttachedFolder::tables(const std::string& schema) const {
  std::vector<std::string> names;
  const std::filesystem::path root = path();
  const bool is_default = is_same_name(schema, kDefaultSchema);
  if (is_one_table()) {
    if (is_default) names.push_back(root.filename().string());
    return names;
  }
  if (is_default) {
    for (const std::string& name : folders_in(root)) {
      if (has_log(root / name)) names.push_back(name);
    }
  }
  if (has_log(root / schema)) return names;
  for (const std::string& name : folders_in(root / schema)) {
    if (has_log(root / schema / name) && !find_name(names, name)) names.push_back(name);
  }
  return names;
}

void AttachedFolder::add_schema(const std::string& name) {
  const std::lock_guard lock(mutex_);
  new_schemas_.push_back(name);
}

std::optional<std::string> AttachedFolder::find_schema(const std::string& name) const {
  return find_name(schemas(), name);
}

std::optional<TableName> AttachedFolder::find_table(const std::string& schema, const std::string& name) const {
  auto found = find_name(tables(schema), name);
  if (!found) return std::nullopt;
  return TableName{schema, std::move(*found)};
}

std::optional<std::string> AttachedFolder::folder_of(const TableName& table) const {
  const std::filesystem::path root = path();
  if (is_one_table()) return table.name == root.filename().string() ? std::optional<std::string>("") : std::nullopt;
  const bool is_default = is_same_name(table.schema, kDefaultSchema);
  // The schema `main` may be a folder like any other, or the tables that are in no schema's.
  std::error_code failed;
  const bool in_root =
      is_default && (has_log(root / table.name) || !std::filesystem::is_directory(root / table.schema, failed));
  std::string folder = in_root ? table.name : table.schema + "/" + table.name;
  if (!is_folder_name(table.name) || !is_folder_name(table.schema)) return std::nullopt;
  return folder;
}

std::shared_ptr<store::ObjectStore> AttachedFolder::store_of(const TableName& table) const {
  const auto folder = folder_of(table);
  return folder ? part_of(store_, *folder) : nullptr;
}

Result<std::shared_ptr<const delta::Snapshot>> AttachedFolder::newest(const TableName& table) {
  const auto folder = folder_of(table);
  if (!folder) return std::shared_ptr<const delta::Snapshot>();
  std::shared_ptr<const delta::Snapshot> known;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = snapshots_.find(*folder); found != snapshots_.end()) known = found->second;
  }
  const auto store = part_of(store_, *folder);
  SLUICE_TRY_ASSIGN(auto snapshot, known ? delta::Snapshot::refresh(*store, known) : delta::Snapshot::load(*store));
  const std::lock_guard lock(mutex_);
  snapshots_[*folder] = snapshot;
  return snapshot;
}

}  // namespace sluice::lake
