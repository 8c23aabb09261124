#pragma once

#include <mutex>
#include <optional>
#include <string>

#include <duckdb/common/file_system.hpp>

#include "base/result.h"
#include "store/object_store.h"

namespace sluice::delta::internal {

/// The objects of a store as files that DuckDB may read, under "sluice-log://<key>". Keeps the store's first error,
/// which has the right code, while DuckDB only sees an exception. Thread-safe, as DuckDB asks of a file system.
class StoreFileSystem final : public duckdb::FileSystem {
 public:
  static constexpr std::string_view kScheme = "sluice-log://";

  /// `store` must outlive the file system.
  explicit StoreFileSystem(store::ObjectStore& store) : store_(store) {}

  using duckdb::FileSystem::Glob;
  using duckdb::FileSystem::OpenFile;
  using duckdb::FileSystem::Read;

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  void Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count, duckdb::idx_t location) override;
  std::int64_t Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count) override;
  std::int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle& handle) override;
  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener* opener) override;
  bool CanHandleFile(const std::string& path) override { return path.starts_with(kScheme); }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }
  std::string GetName() const override { return "sluice log"; }

  /// Returns the first error the store gave, if any.
  std::optional<Error> failure();

 private:
  struct Handle;

  [[noreturn]] void fail(Error error);

  store::ObjectStore& store_;
  std::mutex mutex_;
  std::optional<Error> failure_;  // guarded by mutex_
};

}  // namespace sluice::delta::internal
