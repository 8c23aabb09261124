#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "connect/files/file_system.h"

namespace sluice::connect {

/// A file as it is to be read, or was: exactly these bytes.
struct PlannedFile {
  FileInfo info;
  Hash128 hash;  ///< Of the content.

  friend bool operator==(const PlannedFile&, const PlannedFile&) = default;
};

/// The input of one epoch, fixed before it is read.
struct FilePlan {
  std::vector<PlannedFile> files;  ///< In the order in which they are read.
  bool whole = false;              ///< The files are all there are (tracked files), not those that are new.

  /// Returns the stored form: JSON with a format version.
  std::string encode() const;
  /// Reads what encode() wrote; the empty text is a plan without files. Corruption if it is something else.
  static Result<FilePlan> decode(std::string_view text);

  friend bool operator==(const FilePlan&, const FilePlan&) = default;
};

/// The files that a source has read: what its position is. Memory: about 150 bytes a file.
struct FileLog {
  std::map<std::string, PlannedFile> files;  ///< By path.

  /// Adds what an epoch has read; a whole plan replaces what was there.
  void add(const FilePlan& plan);

  /// Stored form and its reading, as for FilePlan.
  std::string encode() const;
  static Result<FileLog> decode(std::string_view text);

  friend bool operator==(const FileLog&, const FileLog&) = default;
};

}  // namespace sluice::connect
