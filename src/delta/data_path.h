#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "delta/actions.h"
#include "store/object_store.h"

/// Paths of data files, deletion vectors and change files as the log writes them: URIs, relative to the table root or
/// absolute. Spec: "Add File and Remove File" (RFC 2396); reference traps 1-7.
namespace sluice::delta {

/// Where a path of the log leads.
struct DataPath {
  bool absolute = false;
  std::string path;  ///< Decoded: a key of the table's store, or, if absolute, a local path or a URL with its scheme.

  friend bool operator==(const DataPath&, const DataPath&) = default;
};

/// Decodes a path of the log: percent escapes once ("+" is a plus sign), `file:` URIs to local paths.
/// Corruption if an escape is broken, the path is empty or leads out of the table folder.
Result<DataPath> resolve_path(std::string_view log_path);

/// Returns the store that holds the file of an absolute path, as a shallow clone has them: a path of this machine, for
/// tables that are folders of this machine themselves. Unsupported, naming the path, for all others.
Result<std::unique_ptr<store::ObjectStore>> store_of_absolute(const DataPath& path, const store::ObjectStore& table);
/// Returns the key of the file in that store.
std::string key_of_absolute(const DataPath& path);

/// Encodes a key of the table's store for the log. resolve_path() is its inverse.
std::string encode_path(std::string_view key);

/// Returns the form in which two paths of the log that mean one file are equal (encoded or not, file:/x, file:///x,
/// /x). A path that cannot be decoded is returned as it is.
std::string canonical_path(std::string_view log_path);

/// Returns the folder for files with these partition values, in the given column order, as a key with its slash at the
/// end: "day=2024-01-01/k=a%3Ab/"; "" without columns. NULL and "" become __HIVE_DEFAULT_PARTITION__. If a name would be
/// longer than file systems take, or the whole as long as a key of an object store may be, it is a hash of that instead,
/// "long-<32 digits>/": a folder says nothing, the log holds the values.
std::string partition_folder(const std::vector<std::pair<std::string, std::optional<std::string>>>& values);

}  // namespace sluice::delta
