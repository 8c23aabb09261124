#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/snapshot.h"
#include "lake/delta_table.h"
#include "store/local_store.h"

namespace sluice::lake {

/// A folder of Delta tables that SQL has attached. Thread-safe.
///
/// A folder in it that has a log is a table of schema `main`; one that has none is a schema, and the folders in it that
/// have logs are its tables: so both a plain folder of tables and the storage of a sluice project can be attached. A
/// folder that itself has a log is that one table. Names are compared without regard to case, as in any SQL; folders
/// whose names begin with '.' or '_' are nobody's.
class AttachedFolder {
 public:
  static constexpr const char* kDefaultSchema = "main";

  /// `path` is absolute; clock and random must outlive the folder. NotFound if there is no such folder;
  /// PermissionDenied, Unavailable.
  static Result<std::shared_ptr<AttachedFolder>> open(const std::string& path, Clock& clock, Random& random);

  /// True if a folder in it may be a table or a schema by its name.
  static bool is_folder_name(const std::string& name);

  const std::string& path() const { return store_->root(); }
  Clock& clock() { return clock_; }
  Random& random() { return random_; }

  /// Returns the schemas, `main` first, whether or not they have tables.
  std::vector<std::string> schemas() const;
  /// Returns the tables of a schema, by name, as they are spelled.
  std::vector<std::string> tables(const std::string& schema) const;
  /// Makes a schema known; its folder comes with its first table.
  void add_schema(const std::string& name);
  /// Returns the schema as it is spelled; nullopt if there is none.
  std::optional<std::string> find_schema(const std::string& name) const;
  /// Returns the table as it is spelled; nullopt if there is none.
  std::optional<TableName> find_table(const std::string& schema, const std::string& name) const;

  /// Returns the table's own store, whether or not the table exists; nullptr if the folder is itself a table, which is
  /// another one, or the name cannot be a folder's.
  std::shared_ptr<store::ObjectStore> store_of(const TableName& table) const;
  /// Returns the newest version; nullptr if there is no table. Keeps it, so that the next call only looks for newer
  /// commits.
  Result<std::shared_ptr<const delta::Snapshot>> newest(const TableName& table);

 private:
  AttachedFolder(std::shared_ptr<store::LocalStore> store, Clock& clock, Random& random)
      : store_(std::move(store)), clock_(clock), random_(random) {}

  /// Returns the key of the table's folder; "" for the folder itself.
  std::optional<std::string> folder_of(const TableName& table) const;
  bool is_one_table() const;

  const std::shared_ptr<store::LocalStore> store_;
  Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  std::vector<std::string> new_schemas_;                                     // guarded by mutex_
  std::map<std::string, std::shared_ptr<const delta::Snapshot>> snapshots_;  // by folder, guarded by mutex_
};

}  // namespace sluice::lake
