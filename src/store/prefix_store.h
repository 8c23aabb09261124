#pragma once

#include <string>

#include "store/object_store.h"

namespace sluice::store {

/// The part of a store below a folder: key "k" here is "<folder>/k" there. So a table knows only its own keys.
/// As thread-safe as the store it stands on, which must outlive it.
class PrefixStore final : public ObjectStore {
 public:
  /// `folder` is a key, without a slash at its end.
  PrefixStore(ObjectStore& inner, std::string_view folder) : inner_(inner), prefix_(std::string(folder) + "/") {}

  Result<std::optional<Bytes>> get(std::string_view key) override;
  Result<std::unique_ptr<RandomReader>> open(std::string_view key) override;
  Result<std::optional<ObjectInfo>> head(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view start_after) override;
  Status put(std::string_view key, BytesView bytes) override;
  Result<PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override;
  Status remove(std::string_view key) override;
  std::optional<std::string> local_path(std::string_view key) const override;

 private:
  ObjectStore& inner_;
  const std::string prefix_;
};

}  // namespace sluice::store
