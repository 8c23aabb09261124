#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "store/object_store.h"

namespace sluice::store {

/// Objects in memory, for tests and the simulator. Thread-safe.
class MemoryStore final : public ObjectStore {
 public:
  /// `clock` dates the objects and must outlive the store.
  explicit MemoryStore(Clock& clock) : clock_(clock) {}

  Result<std::optional<Bytes>> get(std::string_view key) override;
  Result<std::unique_ptr<RandomReader>> open(std::string_view key) override;
  Result<std::optional<ObjectInfo>> head(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view start_after) override;
  Status put(std::string_view key, BytesView bytes) override;
  Result<PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override;
  Status remove(std::string_view key) override;

 private:
  class Writer;
  struct Object {
    std::shared_ptr<const Bytes> bytes;
    UnixMillis modified;
  };

  Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Object, std::less<>> objects_;  // guarded by mutex_
};

}  // namespace sluice::store
