#include "store/prefix_store.h"

namespace sluice::store {

// The key is checked before the prefix is put before it: "" and "../x" must not reach the inner store as valid keys.

Result<std::optional<Bytes>> PrefixStore::get(std::string_view key) {
  SLUICE_TRY(check_key(key));
  return inner_.get(prefix_ + std::string(key));
}

Result<std::unique_ptr<RandomReader>> PrefixStore::open(std::string_view key) {
  SLUICE_TRY(check_key(key));
  return inner_.open(prefix_ + std::string(key));
}

Result<std::optional<ObjectInfo>> PrefixStore::head(std::string_view key) {
  SLUICE_TRY(check_key(key));
  SLUICE_TRY_ASSIGN(auto info, inner_.head(prefix_ + std::string(key)));
  if (info) info->key = std::string(key);
  return info;
}

Result<std::vector<ObjectInfo>> PrefixStore::list(std::string_view prefix, std::string_view start_after) {
  const std::string inner_start = start_after.empty() ? std::string() : prefix_ + std::string(start_after);
  SLUICE_TRY_ASSIGN(auto infos, inner_.list(prefix_ + std::string(prefix), inner_start));
  for (ObjectInfo& info : infos) info.key.erase(0, prefix_.size());
  return infos;
}

Status PrefixStore::put(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  return inner_.put(prefix_ + std::string(key), bytes);
}

Result<PutOutcome> PrefixStore::put_if_absent(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  return inner_.put_if_absent(prefix_ + std::string(key), bytes);
}

Result<std::unique_ptr<ObjectWriter>> PrefixStore::create(std::string_view key) {
  SLUICE_TRY(check_key(key));
  return inner_.create(prefix_ + std::string(key));
}

Status PrefixStore::remove(std::string_view key) {
  SLUICE_TRY(check_key(key));
  return inner_.remove(prefix_ + std::string(key));
}

std::optional<std::string> PrefixStore::local_path(std::string_view key) const {
  if (!check_key(key)) return std::nullopt;
  return inner_.local_path(prefix_ + std::string(key));
}

}  // namespace sluice::store
