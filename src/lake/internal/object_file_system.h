#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <duckdb/common/file_system.hpp>

#include "base/error.h"
#include "base/result.h"
#include "store/object_store.h"

namespace sluice::lake {

/// Objects that a scan may read, by number, each found when it is asked for, and the first error that reading one gave:
/// DuckDB carries exceptions, which have no place for an Error's code. Thread-safe.
class Mount {
 public:
  struct Object {
    std::shared_ptr<store::ObjectStore> store;
    std::string key;
  };

  /// Finds the object of a number; called by any thread. What it uses must outlive the mount's use.
  using Find = std::function<Result<Object>(std::size_t number)>;

  Mount(std::uint64_t id, std::size_t object_count, Find find)
      : id_(id), object_count_(object_count), find_(std::move(find)) {}

  /// Returns the path under which DuckDB opens the object: "sluice://<mount>/<number>/<key>". Fails as Find does.
  Result<std::string> path(std::size_t number) const;
  /// Returns the number of a path() of this mount.
  static std::size_t number_of(std::string_view path);
  /// Opens the object of a path(); nullptr if the path is none of this mount. Fails with the store's errors.
  Result<std::unique_ptr<store::RandomReader>> open(std::string_view number_and_key) const;

  /// Keeps the first error.
  void fail(Error error);
  std::optional<Error> failure() const;

 private:
  const std::uint64_t id_;
  const std::size_t object_count_;
  const Find find_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;  // guarded by mutex_
};

/// Turns the absence of a file that a table's log names into Corruption; leaves other errors as they are.
Error missing_as_damage(Error error);

/// What a locked-down DuckDB instance can read: the objects of the mounts that are alive, and nothing else. A path is a
/// capability: only what a query of ours mounted can be opened, for as long as the mount lives. Thread-safe.
class ObjectFileSystem final : public duckdb::FileSystem {
 public:
  static constexpr const char* kScheme = "sluice://";

  /// Makes the objects readable while the mount lives.
  std::shared_ptr<Mount> mount(std::size_t object_count, Mount::Find find);

  using duckdb::FileSystem::Glob;
  using duckdb::FileSystem::OpenFile;
  using duckdb::FileSystem::Read;

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  void Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count, duckdb::idx_t location) override;
  std::int64_t Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count) override;
  std::int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  std::string GetVersionTag(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle& handle) override;
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }
  bool CanHandleFile(const std::string& path) override;
  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  bool IsPipe(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return false; }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener* opener) override;
  std::string CanonicalizePath(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    return path;
  }
  std::string GetName() const override { return "sluice objects"; }

 private:
  struct Handle;

  /// Returns the mount of a path and what follows it there; nullptr if it is not alive.
  std::shared_ptr<Mount> find_mount(std::string_view path, std::string_view& number_and_key);

  std::mutex mutex_;
  std::uint64_t next_id_ = 1;                                       // guarded by mutex_
  std::unordered_map<std::uint64_t, std::weak_ptr<Mount>> mounts_;  // guarded by mutex_
};

}  // namespace sluice::lake
