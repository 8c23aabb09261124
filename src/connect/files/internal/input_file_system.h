#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <duckdb/common/file_system.hpp>

#include "base/result.h"
#include "connect/files/file_system.h"

namespace sluice::connect {

/// The file that a DuckDB instance reads, and how reading it went. Outlives the instance.
struct DuckDbInput {
  InputFile* file = nullptr;
  std::uint64_t number = 0;      ///< Of the file among those that were read: part of its name for DuckDB.
  std::optional<Error> failure;  ///< The first error that the file gave: the machine's fault, not the file's.
};

/// An open InputFile as a file that DuckDB may read, under "sluice-input://<number>". So DuckDB reads the very file that
/// is hashed, whatever happens to its name, and an I/O error keeps its code instead of looking like a damaged file.
/// For an instance with one thread: owned by one worker.
class InputFileSystem final : public duckdb::FileSystem {
 public:
  static constexpr std::string_view kScheme = "sluice-input://";

  /// `input` must outlive the file system.
  explicit InputFileSystem(DuckDbInput& input) : input_(input) {}

  /// Returns the name under which DuckDB finds the input's file.
  static std::string path_of(const DuckDbInput& input);

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
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }
  std::string GetName() const override { return "sluice input"; }

 private:
  struct Handle;

  [[noreturn]] void fail(Error error);
  /// Reads up to `byte_count` bytes, fewer only at the end of the file.
  std::size_t read_some(void* buffer, std::int64_t byte_count, std::uint64_t location);

  DuckDbInput& input_;
};

}  // namespace sluice::connect
