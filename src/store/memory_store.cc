#include "store/memory_store.h"

#include <cstring>

#include <fmt/format.h>

namespace sluice::store {
namespace {

class MemoryReader final : public RandomReader {
 public:
  explicit MemoryReader(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) {}

  std::uint64_t size_bytes() const override { return bytes_->size(); }

  Status read(std::uint64_t offset, std::span<char> out) override {
    if (offset > bytes_->size() || out.size() > bytes_->size() - offset) {
      return Error(ErrorCode::InvalidArgument, fmt::format("read of {} bytes at {} ends behind the object's {} bytes",
                                                           out.size(), offset, bytes_->size()));
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_->data() + offset, out.size());
    return ok();
  }

 private:
  const std::shared_ptr<const Bytes> bytes_;
};

}  // namespace

class MemoryStore::Writer final : public ObjectWriter {
 public:
  Writer(MemoryStore& store, std::string key) : store_(store), key_(std::move(key)) {}

  Status append(BytesView bytes) override {
    bytes_ += bytes;
    return ok();
  }

  Status finish() && override { return store_.put(key_, bytes_); }

 private:
  MemoryStore& store_;
  const std::string key_;
  Bytes bytes_;
};

Result<std::optional<Bytes>> MemoryStore::get(std::string_view key) {
  SLUICE_TRY(check_key(key));
  std::shared_ptr<const Bytes> bytes;
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return std::optional<Bytes>();
    bytes = found->second.bytes;
  }
  return std::optional<Bytes>(*bytes);
}

Result<std::unique_ptr<RandomReader>> MemoryStore::open(std::string_view key) {
  SLUICE_TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(ErrorCode::NotFound, fmt::format("open {}: no such object", key));
  return std::unique_ptr<RandomReader>(std::make_unique<MemoryReader>(found->second.bytes));
}

Result<std::optional<ObjectInfo>> MemoryStore::head(std::string_view key) {
  SLUICE_TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::optional<ObjectInfo>();
  return std::optional(ObjectInfo{found->first, found->second.bytes->size(), found->second.modified});
}

Result<std::vector<ObjectInfo>> MemoryStore::list(std::string_view prefix, std::string_view start_after) {
  std::vector<ObjectInfo> infos;
  const std::lock_guard lock(mutex_);
  auto at = start_after < prefix ? objects_.lower_bound(prefix) : objects_.upper_bound(start_after);
  for (; at != objects_.end() && at->first.starts_with(prefix); ++at) {
    infos.push_back({at->first, at->second.bytes->size(), at->second.modified});
  }
  return infos;
}

Status MemoryStore::put(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  Object object{std::make_shared<const Bytes>(bytes), clock_.now()};
  const std::lock_guard lock(mutex_);
  objects_.insert_or_assign(std::string(key), std::move(object));
  return ok();
}

Result<PutOutcome> MemoryStore::put_if_absent(std::string_view key, BytesView bytes) {
  SLUICE_TRY(check_key(key));
  Object object{std::make_shared<const Bytes>(bytes), clock_.now()};
  const std::lock_guard lock(mutex_);
  const bool created = objects_.try_emplace(std::string(key), std::move(object)).second;
  return created ? PutOutcome::Created : PutOutcome::AlreadyExists;
}

Result<std::unique_ptr<ObjectWriter>> MemoryStore::create(std::string_view key) {
  SLUICE_TRY(check_key(key));
  return std::unique_ptr<ObjectWriter>(std::make_unique<Writer>(*this, std::string(key)));
}

Status MemoryStore::remove(std::string_view key) {
  SLUICE_TRY(check_key(key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found != objects_.end()) objects_.erase(found);
  return ok();
}

}  // namespace sluice::store
