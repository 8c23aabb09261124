#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace sluice::store {

/// What a listing says of an object.
struct ObjectInfo {
  std::string key;
  std::uint64_t size_bytes = 0;
  UnixMillis modified;  ///< When the present content was put, by the store's clock.

  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

/// How put_if_absent ended.
enum class PutOutcome {
  Created,        ///< The object was absent and now holds our bytes.
  AlreadyExists,  ///< The object was there; it is unchanged and durable.
};

/// Ranged reads of one object, of the content it had when opened (a local file that is replaced keeps its old content).
/// Thread-safe.
class RandomReader {
 public:
  virtual ~RandomReader() = default;
  /// Size of the object in bytes.
  virtual std::uint64_t size_bytes() const = 0;
  /// Fills all of `out` with the bytes from `offset` on. InvalidArgument if that ends behind size_bytes();
  /// Corruption if the object has become shorter since it was opened; Unavailable.
  virtual Status read(std::uint64_t offset, std::span<char> out) = 0;
};

/// A new object under construction. Owned by one worker. Destruction without finish() leaves nothing visible.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  /// Adds bytes at the end. ResourceExhausted, PermissionDenied, Unavailable; the writer is then of no more use.
  virtual Status append(BytesView bytes) = 0;
  /// Makes the object durable and visible at once, replacing one of the same key. To be called once. On an error the
  /// object may or may not be there (a lost reply, a failed sync): the key must not be relied upon nor reused.
  virtual Status finish() && = 0;
};

/// Objects by key: the one place that knows how bytes become durable. Thread-safe.
///
/// A key is relative and '/'-separated: no empty segment, no "." or "..", no NUL byte, and no segment that begins with
/// ".sluice-tmp". Other keys give InvalidArgument. Keys sort by their bytes. An object is never seen in part, and a
/// call that wrote returns only when what it wrote survives power loss.
///
/// Errors of every call: ResourceExhausted (disk or quota full, too many open files), PermissionDenied (read-only or
/// missing rights), Unavailable (I/O error or no answer; a retry may succeed), InvalidArgument (the key is not one, or
/// names a folder). A write that fails may have taken effect.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Returns the whole object; nullopt if there is none.
  virtual Result<std::optional<Bytes>> get(std::string_view key) = 0;
  /// Opens the object for ranged reads. NotFound if there is none.
  virtual Result<std::unique_ptr<RandomReader>> open(std::string_view key) = 0;
  /// Returns what is known of the object without reading it; nullopt if there is none.
  virtual Result<std::optional<ObjectInfo>> head(std::string_view key) = 0;
  /// Returns the objects whose key begins with `prefix` (any text, "" for all, not only whole segments) and is greater
  /// than `start_after`, sorted by key. An object put or removed meanwhile may be listed or not.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view start_after = "") = 0;

  /// Makes the object hold `bytes`, whether or not it existed: readers see the old or the new content, whole.
  virtual Status put(std::string_view key, BytesView bytes) = 0;
  /// Makes the object hold `bytes` if there is none. Of any number of concurrent callers exactly one gets Created.
  virtual Result<PutOutcome> put_if_absent(std::string_view key, BytesView bytes) = 0;
  /// Begins an object of unknown size.
  virtual Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) = 0;
  /// Removes the object; ok if there is none.
  virtual Status remove(std::string_view key) = 0;

  /// Returns where the object is (or would be) as a local file, for readers that need one; nullopt if it has no such
  /// place or `key` is not a key.
  virtual std::optional<std::string> local_path(std::string_view key) const;
};

/// Checks that `key` is one (see ObjectStore).
Status check_key(std::string_view key);

}  // namespace sluice::store
