#include "delta/internal/store_file_system.h"

#include <algorithm>

#include <duckdb/common/exception.hpp>

namespace sluice::delta::internal {

struct StoreFileSystem::Handle final : duckdb::FileHandle {
  Handle(duckdb::FileSystem& owner, std::string name, duckdb::FileOpenFlags mode,
         std::unique_ptr<store::RandomReader> object)
      : FileHandle(owner, std::move(name), mode), reader(std::move(object)) {}

  void Close() override {}

  std::unique_ptr<store::RandomReader> reader;
  std::uint64_t position = 0;
};

void StoreFileSystem::fail(Error error) {
  const std::string message = error.message();
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(error);
  }
  throw duckdb::IOException(message);
}

std::optional<Error> StoreFileSystem::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

duckdb::unique_ptr<duckdb::FileHandle> StoreFileSystem::OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                                 duckdb::optional_ptr<duckdb::FileOpener>) {
  auto reader = store_.open(std::string_view(path).substr(kScheme.size()));
  if (!reader) fail(std::move(reader).error());
  return duckdb::make_uniq<Handle>(*this, path, flags, std::move(*reader));
}

void StoreFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count, duckdb::idx_t location) {
  auto status = handle.Cast<Handle>().reader->read(
      location, std::span(static_cast<char*>(buffer), static_cast<std::size_t>(byte_count)));
  if (!status) fail(std::move(status).error());
}

std::int64_t StoreFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count) {
  Handle& file = handle.Cast<Handle>();
  const std::uint64_t left = file.reader->size_bytes() - std::min(file.position, file.reader->size_bytes());
  const auto count = static_cast<std::int64_t>(std::min<std::uint64_t>(left, static_cast<std::uint64_t>(byte_count)));
  Read(handle, buffer, count, file.position);
  file.position += static_cast<std::uint64_t>(count);
  return count;
}

std::int64_t StoreFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  return static_cast<std::int64_t>(handle.Cast<Handle>().reader->size_bytes());
}

duckdb::timestamp_t StoreFileSystem::GetLastModifiedTime(duckdb::FileHandle&) { return duckdb::timestamp_t(0); }

duckdb::FileType StoreFileSystem::GetFileType(duckdb::FileHandle&) { return duckdb::FileType::FILE_TYPE_REGULAR; }

bool StoreFileSystem::FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  auto info = store_.head(std::string_view(path).substr(kScheme.size()));
  if (!info) fail(std::move(info).error());
  return info->has_value();
}

duckdb::vector<duckdb::OpenFileInfo> StoreFileSystem::Glob(const std::string& path, duckdb::FileOpener*) {
  duckdb::vector<duckdb::OpenFileInfo> files;
  if (FileExists(path, nullptr)) files.emplace_back(path);
  return files;
}

void StoreFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  handle.Cast<Handle>().position = location;
}

duckdb::idx_t StoreFileSystem::SeekPosition(duckdb::FileHandle& handle) { return handle.Cast<Handle>().position; }

}  // namespace sluice::delta::internal
