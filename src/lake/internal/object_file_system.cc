#include "lake/internal/object_file_system.h"

#include <charconv>
#include <cstring>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <duckdb/common/exception.hpp>

#include "base/check.h"
#include "lake/internal/error_numbers.h"

namespace sluice::lake {
namespace {

/// Reads the number before the first slash; nullopt if there is none.
std::optional<std::uint64_t> cut_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length == 0 || length == text.size() || *end != '/') return std::nullopt;
  text.remove_prefix(length + 1);
  return number;
}

}  // namespace

Error missing_as_damage(Error error) {
  if (error.code() != ErrorCode::NotFound) return error;
  return Error(ErrorCode::Corruption, error.message())
      .with_number(kErrorDataFileMissing)
      .with_help(
          "the table's log names this file: restore it from a backup, or let a table of the pipeline be computed "
          "anew with `sluice run --once --full-refresh=TABLE`");
}

Result<std::string> Mount::path(std::size_t number) const {
  SLUICE_TRY_ASSIGN(const Object object, find_(number));
  return fmt::format("{}{}/{}/{}", ObjectFileSystem::kScheme, id_, number, object.key);
}

std::size_t Mount::number_of(std::string_view path) {
  path.remove_prefix(std::string_view(ObjectFileSystem::kScheme).size());
  const bool has_mount = cut_number(path).has_value();
  const auto number = has_mount ? cut_number(path) : std::nullopt;
  SLUICE_CHECK(number, "a path is one that path() made");
  return *number;
}

Result<std::unique_ptr<store::RandomReader>> Mount::open(std::string_view number_and_key) const {
  const auto number = cut_number(number_and_key);
  if (!number || *number >= object_count_) return std::unique_ptr<store::RandomReader>();
  SLUICE_TRY_ASSIGN(const Object object, find_(*number));
  if (object.key != number_and_key) return std::unique_ptr<store::RandomReader>();
  return object.store->open(object.key);
}

void Mount::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

std::optional<Error> Mount::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

struct ObjectFileSystem::Handle final : duckdb::FileHandle {
  Handle(ObjectFileSystem& system, std::string handle_path, duckdb::FileOpenFlags open_flags,
         std::shared_ptr<Mount> of_mount, std::unique_ptr<store::RandomReader> of_reader)
      : FileHandle(system, std::move(handle_path), open_flags),
        mount(std::move(of_mount)),
        reader(std::move(of_reader)) {}
  void Close() override {}

  /// Gives the error to the query and ends DuckDB's call.
  [[noreturn]] void fail(Error error) {
    const std::string message = error.message();
    mount->fail(std::move(error));
    throw duckdb::IOException(message);
  }

  std::shared_ptr<Mount> mount;
  std::unique_ptr<store::RandomReader> reader;
  duckdb::idx_t position = 0;
};

std::shared_ptr<Mount> ObjectFileSystem::mount(std::size_t object_count, Mount::Find find) {
  const std::lock_guard lock(mutex_);
  std::erase_if(mounts_, [](const auto& entry) { return entry.second.expired(); });
  auto made = std::make_shared<Mount>(next_id_, object_count, std::move(find));
  mounts_.emplace(next_id_++, made);
  return made;
}

std::shared_ptr<Mount> ObjectFileSystem::find_mount(std::string_view path, std::string_view& number_and_key) {
  const std::string_view scheme = kScheme;
  if (!path.starts_with(scheme)) return nullptr;
  path.remove_prefix(scheme.size());
  const auto id = cut_number(path);
  if (!id) return nullptr;
  number_and_key = path;
  const std::lock_guard lock(mutex_);
  const auto found = mounts_.find(*id);
  return found == mounts_.end() ? nullptr : found->second.lock();
}

duckdb::unique_ptr<duckdb::FileHandle> ObjectFileSystem::OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                                  duckdb::optional_ptr<duckdb::FileOpener>) {
  std::string_view number_and_key;
  const auto owner = find_mount(path, number_and_key);
  if (flags.OpenForWriting() || !owner) throw duckdb::PermissionException("no query may open '%s'", path);
  auto reader = owner->open(number_and_key);
  if (!reader) {
    owner->fail(missing_as_damage(std::move(reader).error()).in("data file"));
    throw duckdb::IOException("cannot open '%s'", path);
  }
  if (!*reader) throw duckdb::PermissionException("no query may open '%s'", path);
  return duckdb::make_uniq<Handle>(*this, path, flags, owner, std::move(*reader));
}

void ObjectFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count, duckdb::idx_t location) {
  auto& object = handle.Cast<Handle>();
  const std::span<char> out(static_cast<char*>(buffer), static_cast<std::size_t>(byte_count));
  if (location + out.size() > object.reader->size_bytes()) {
    object.fail(Error(ErrorCode::Corruption,
                      fmt::format("data file {} ends before byte {}", object.path, location + out.size())));
  }
  if (Status done = object.reader->read(location, out); !done) object.fail(std::move(done).error());
}

std::int64_t ObjectFileSystem::Read(duckdb::FileHandle& handle, void* buffer, std::int64_t byte_count) {
  auto& object = handle.Cast<Handle>();
  const std::uint64_t rest = object.reader->size_bytes() - std::min(object.position, object.reader->size_bytes());
  const auto count = static_cast<std::int64_t>(std::min(rest, static_cast<std::uint64_t>(byte_count)));
  Read(handle, buffer, count, object.position);
  object.position += static_cast<duckdb::idx_t>(count);
  return count;
}

std::int64_t ObjectFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  return static_cast<std::int64_t>(handle.Cast<Handle>().reader->size_bytes());
}

duckdb::timestamp_t ObjectFileSystem::GetLastModifiedTime(duckdb::FileHandle&) { return duckdb::timestamp_t(0); }

std::string ObjectFileSystem::GetVersionTag(duckdb::FileHandle&) { return ""; }

duckdb::FileType ObjectFileSystem::GetFileType(duckdb::FileHandle&) { return duckdb::FileType::FILE_TYPE_REGULAR; }

void ObjectFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  handle.Cast<Handle>().position = location;
}

duckdb::idx_t ObjectFileSystem::SeekPosition(duckdb::FileHandle& handle) { return handle.Cast<Handle>().position; }

bool ObjectFileSystem::CanHandleFile(const std::string& path) { return path.starts_with(kScheme); }

bool ObjectFileSystem::FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  std::string_view number_and_key;
  return find_mount(path, number_and_key) != nullptr;
}

duckdb::vector<duckdb::OpenFileInfo> ObjectFileSystem::Glob(const std::string& path, duckdb::FileOpener*) {
  return {duckdb::OpenFileInfo(path)};
}

}  // namespace sluice::lake
