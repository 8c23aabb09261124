#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sluice::connect {

/// A file as a listing shows it. Two equal values at different times mean "looks unchanged"; only the content hash that
/// a FilePlan records proves it.
struct FileInfo {
  std::string path;  ///< As the project names it: relative to the project folder unless the glob is absolute.
  std::uint64_t size_bytes = 0;
  UnixMillis modified{};

  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

/// What a path leads to, links followed.
struct PathStatus {
  enum class Kind : std::uint8_t { File, Folder, Other };
  Kind kind = Kind::Other;
  std::uint64_t size_bytes = 0;  ///< Files only.
  UnixMillis modified{};
};

/// A name in a folder.
struct FolderEntry {
  std::string name;   ///< Without the folder.
  bool link = false;  ///< A symbolic link; `status` is of what it leads to.
  PathStatus status;
};

/// Bytes that come one after another. Owned by one worker.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Fills the front of `into`, which is not empty, and returns how many bytes it got; 0 only at the end.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

/// An open file: keeps reading the same file even if another takes its name.
class InputFile : public ByteStream {
 public:
  /// Returns the size and time of the open file as they are now.
  virtual Result<PathStatus> status() = 0;
  /// Fills the front of `into` with the bytes from `offset` on and returns how many there were; fewer than asked for only
  /// at the end. Does not change where read() stands.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) = 0;
};

/// Where input files lie. Thread-safe. Paths use '/'; what a relative path is relative to is the implementation's
/// matter. Errors: NotFound (nothing there), PermissionDenied, Unavailable (I/O error).
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Returns the entries of a folder in no particular order, without "." and "..". A name that vanishes meanwhile is
  /// left out; a link that leads nowhere has kind Other. InvalidArgument if `folder` is not a folder.
  virtual Result<std::vector<FolderEntry>> list(const std::string& folder) = 0;
  virtual Result<PathStatus> status(const std::string& path) = 0;
  virtual Result<std::unique_ptr<InputFile>> open(const std::string& path) = 0;
};

/// The machine's files.
class LocalFileSystem final : public FileSystem {
 public:
  /// Relative paths start at `root`, the project folder.
  explicit LocalFileSystem(std::string root) : root_(std::move(root)) {}

  Result<std::vector<FolderEntry>> list(const std::string& folder) override;
  Result<PathStatus> status(const std::string& path) override;
  Result<std::unique_ptr<InputFile>> open(const std::string& path) override;

 private:
  std::string full_path(const std::string& path) const;

  std::string root_;
};

}  // namespace sluice::connect
