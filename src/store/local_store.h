#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "store/object_store.h"

namespace sluice::store {

/// Objects as files below a folder: key "a/b" is the file <root>/a/b. Thread-safe, also between processes.
///
/// Writing: the bytes go to a temporary beside the target, which is synced, then named: by link(2) for put_if_absent
/// (fails if the name exists; never a rename that could replace), by rename(2) for put and finish. Then the folder is
/// synced, and so is, once per process, every folder above it up to the root. A failed sync fails that write: the
/// kernel may drop dirty pages and report it only once, so nothing is retried; the next attempt writes a new temporary.
///
/// A crash may leave a temporary behind (".sluice-tmp…", never listed); remove_abandoned() takes those away.
/// list() follows no symbolic link to a folder.
class LocalStore final : public ObjectStore {
 public:
  /// Attaches to `root` and makes it, durably, if missing. InvalidArgument if it is not a folder.
  static Result<std::unique_ptr<LocalStore>> create(std::string root);

  Result<std::optional<Bytes>> get(std::string_view key) override;
  Result<std::unique_ptr<RandomReader>> open(std::string_view key) override;
  Result<std::optional<ObjectInfo>> head(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view start_after) override;
  Status put(std::string_view key, BytesView bytes) override;
  Result<PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override;
  Status remove(std::string_view key) override;
  std::optional<std::string> local_path(std::string_view key) const override;

  /// Removes temporaries whose writer no longer runs (it holds a lock on each while it does). Returns how many.
  Result<std::size_t> remove_abandoned();

  /// The root folder, absolute.
  const std::string& root() const { return root_; }

 private:
  class Temporary;
  class Writer;

  explicit LocalStore(std::string root) : root_(std::move(root)) {}

  std::string path_of(std::string_view key) const;
  /// Makes the folder of `path` and those above it, and syncs what this process has not synced yet.
  Status ensure_folder(const std::string& folder);
  Result<std::unique_ptr<Temporary>> create_temporary(const std::string& target);
  Status replace_with(Temporary& temporary, const std::string& target);

  const std::string root_;
  std::mutex mutex_;
  std::set<std::string> durable_folders_;  // guarded by mutex_
};

}  // namespace sluice::store
