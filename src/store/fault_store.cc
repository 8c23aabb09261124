#include "store/fault_store.h"

#include <fmt/format.h>

namespace sluice::store {
namespace {

Error error_of(const Fault& fault, std::string_view key) {
  return Error(fault.code, fmt::format("injected fault {} the effect on {}",
                                       fault.moment == Fault::Moment::Before ? "before" : "after", key));
}

}  // namespace

FaultStore::FaultStore(ObjectStore& inner, std::vector<Fault> schedule) : inner_(inner) {
  for (Fault& fault : schedule) {
    SLUICE_CHECK(fault.nth > 0, "faults count calls from 1");
    const std::uint64_t nth = fault.nth;
    pending_.push_back({std::move(fault), nth});
  }
}

std::optional<Fault> FaultStore::strike(Operation operation, std::string_view key) {
  const std::lock_guard lock(mutex_);
  ++call_counts_[operation];
  std::optional<Fault> struck;
  for (Pending& pending : pending_) {
    if (pending.remaining == 0 || pending.fault.operation != operation) continue;
    if (key.find(pending.fault.key_part) == std::string_view::npos) continue;
    if (--pending.remaining == 0 && !struck) {
      ++struck_count_;
      struck = pending.fault;
    }
  }
  return struck;
}

template <typename Call>
auto FaultStore::run(Operation operation, std::string_view key, Call&& call) -> decltype(call()) {
  const std::optional<Fault> fault = strike(operation, key);
  if (!fault) return call();
  if (fault->moment == Fault::Moment::After) {
    auto result = call();
    if (!result) return result;
  }
  return error_of(*fault, key);
}

class FaultStore::Reader final : public RandomReader {
 public:
  Reader(FaultStore& store, std::string key, std::unique_ptr<RandomReader> inner)
      : store_(store), key_(std::move(key)), inner_(std::move(inner)) {}

  std::uint64_t size_bytes() const override { return inner_->size_bytes(); }
  Status read(std::uint64_t offset, std::span<char> out) override {
    return store_.run(Operation::Read, key_, [&] { return inner_->read(offset, out); });
  }

 private:
  FaultStore& store_;
  const std::string key_;
  const std::unique_ptr<RandomReader> inner_;
};

class FaultStore::Writer final : public ObjectWriter {
 public:
  Writer(FaultStore& store, std::string key, std::unique_ptr<ObjectWriter> inner)
      : store_(store), key_(std::move(key)), inner_(std::move(inner)) {}

  Status append(BytesView bytes) override {
    return store_.run(Operation::Append, key_, [&] { return inner_->append(bytes); });
  }
  Status finish() && override {
    return store_.run(Operation::Finish, key_, [&] { return std::move(*inner_).finish(); });
  }

 private:
  FaultStore& store_;
  const std::string key_;
  const std::unique_ptr<ObjectWriter> inner_;
};

Result<std::optional<Bytes>> FaultStore::get(std::string_view key) {
  return run(Operation::Get, key, [&] { return inner_.get(key); });
}

Result<std::unique_ptr<RandomReader>> FaultStore::open(std::string_view key) {
  return run(Operation::Open, key, [&]() -> Result<std::unique_ptr<RandomReader>> {
    SLUICE_TRY_ASSIGN(auto reader, inner_.open(key));
    return std::unique_ptr<RandomReader>(std::make_unique<Reader>(*this, std::string(key), std::move(reader)));
  });
}

Result<std::optional<ObjectInfo>> FaultStore::head(std::string_view key) {
  return run(Operation::Head, key, [&] { return inner_.head(key); });
}

Result<std::vector<ObjectInfo>> FaultStore::list(std::string_view prefix, std::string_view start_after) {
  return run(Operation::List, prefix, [&] { return inner_.list(prefix, start_after); });
}

Status FaultStore::put(std::string_view key, BytesView bytes) {
  return run(Operation::Put, key, [&] { return inner_.put(key, bytes); });
}

Result<PutOutcome> FaultStore::put_if_absent(std::string_view key, BytesView bytes) {
  return run(Operation::PutIfAbsent, key, [&] { return inner_.put_if_absent(key, bytes); });
}

Result<std::unique_ptr<ObjectWriter>> FaultStore::create(std::string_view key) {
  return run(Operation::Create, key, [&]() -> Result<std::unique_ptr<ObjectWriter>> {
    SLUICE_TRY_ASSIGN(auto writer, inner_.create(key));
    return std::unique_ptr<ObjectWriter>(std::make_unique<Writer>(*this, std::string(key), std::move(writer)));
  });
}

Status FaultStore::remove(std::string_view key) {
  return run(Operation::Remove, key, [&] { return inner_.remove(key); });
}

std::optional<std::string> FaultStore::local_path(std::string_view key) const { return inner_.local_path(key); }

std::uint64_t FaultStore::call_count(Operation operation) {
  const std::lock_guard lock(mutex_);
  return call_counts_[operation];
}

std::size_t FaultStore::struck_count() {
  const std::lock_guard lock(mutex_);
  return struck_count_;
}

}  // namespace sluice::store
