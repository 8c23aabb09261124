#include "connect/files/internal/input_file_system.h"

#include <fmt/format.h>
#include <duckdb/common/exception.hpp>

namespace sluice::connect {

struct InputFileSystem::Handle final : duckdb::FileHandle {
  Handle(duckdb::FileSystem& owner, const std::string& name, duckdb::FileOpenFlags mode, std::uint64_t size)
      : FileHandle(owner, name, mode), size_bytes(size) {}

  void Close() override {}

  const std::uint64_t size_bytes;
  std::uint64_t position = 0;
};

std::string InputFileSystem::path_of(const DuckDbInput& input) { return fmt::format("{}{}", kScheme, input.number); }

void InputFileSystem::fail(Error error) {
  const std::string message = error.message();
  if (!input_.failure) input_.failure = std::move(error);
  throw duckdb::IOException(message);
}

std::size_t InputFileSystem::read_some(void* buffer, std::int64_t byte_count, std::uint64_t location) {
  auto count = input_.file->read_at(location, {static_cast<char*>(buffer), static_cast<std::size_t>(byte_count)});
  if (!count) fail(std::move(count).error());
  return *count;
}

duckdb::unique_ptr<duckdb::FileHandle> InputFileSystem::OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                                 duckdb::optional_ptr<duckdb::FileOpener>) {
  auto status = input_.file->status();
  if (!status) fail(std::move(status).error());
  return duckdb::make_uniq<Handle>(*this, path, flags, status->size_bytes);
}

void InputFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count, duckdb::idx_t location) {
  // A damaged file may lead anywhere, which is no fault of the machine: only places in the file are read.
  const std::uint64_t size = handle.Cast<Handle>().size_bytes;
  const bool inside = byte_count >= 0 && location <= size && static_cast<std::uint64_t>(byte_count) <= size - location;
  if (inside && read_some(buffer, byte_count, location) == static_cast<std::size_t>(byte_count)) return;
  throw duckdb::IOException(
      fmt::format("the file ends before byte {}", location + static_cast<std::uint64_t>(byte_count)));
}

std::int64_t InputFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count) {
  Handle& file = handle.Cast<Handle>();
  if (file.position >= file.size_bytes) return 0;
  const std::size_t count = read_some(buffer, byte_count, file.position);
  file.position += count;
  return static_cast<std::int64_t>(count);
}

std::int64_t InputFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  return static_cast<std::int64_t>(handle.Cast<Handle>().size_bytes);
}

duckdb::timestamp_t InputFileSystem::GetLastModifiedTime(duckdb::FileHandle&) { return duckdb::timestamp_t(0); }

duckdb::FileType InputFileSystem::GetFileType(duckdb::FileHandle&) { return duckdb::FileType::FILE_TYPE_REGULAR; }

bool InputFileSystem::FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  return path == path_of(input_);
}

duckdb::vector<duckdb::OpenFileInfo> InputFileSystem::Glob(const std::string& path, duckdb::FileOpener*) {
  duckdb::vector<duckdb::OpenFileInfo> files;
  if (FileExists(path, nullptr)) files.emplace_back(path);
  return files;
}

void InputFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  handle.Cast<Handle>().position = location;
}

duckdb::idx_t InputFileSystem::SeekPosition(duckdb::FileHandle& handle) { return handle.Cast<Handle>().position; }

}  // namespace sluice::connect
