#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace sluice::store {

/// The calls a fault can hit; Read, Append and Finish are those of readers and writers.
enum class Operation { Get, Open, Read, Head, List, Put, PutIfAbsent, Create, Append, Finish, Remove };

/// One failure to come.
struct Fault {
  /// Whether the call had its effect when it fails: After is the lost reply.
  enum class Moment { Before, After };

  Operation operation;
  std::string key_part;   ///< Matches keys that contain it; "" matches all. For List: the prefix asked for.
  std::uint64_t nth = 1;  ///< Fails at this matching call, counting from 1.
  ErrorCode code = ErrorCode::Unavailable;
  Moment moment = Moment::Before;
};

/// A store whose calls fail by schedule. Each fault counts the calls it matches for itself and strikes once.
/// Thread-safe.
class FaultStore final : public ObjectStore {
 public:
  /// `inner` must outlive the store.
  FaultStore(ObjectStore& inner, std::vector<Fault> schedule);

  Result<std::optional<Bytes>> get(std::string_view key) override;
  Result<std::unique_ptr<RandomReader>> open(std::string_view key) override;
  Result<std::optional<ObjectInfo>> head(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix, std::string_view start_after) override;
  Status put(std::string_view key, BytesView bytes) override;
  Result<PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override;
  Status remove(std::string_view key) override;
  std::optional<std::string> local_path(std::string_view key) const override;

  /// Returns how often the operation was called, failed calls included.
  std::uint64_t call_count(Operation operation);
  /// Returns how many faults of the schedule have struck.
  std::size_t struck_count();

 private:
  class Reader;
  class Writer;
  struct Pending {
    Fault fault;
    std::uint64_t remaining;
  };

  /// Counts the call; returns the fault that strikes it, if any.
  std::optional<Fault> strike(Operation operation, std::string_view key);
  /// Runs `call` around the fault that strikes it, if any.
  template <typename Call>
  auto run(Operation operation, std::string_view key, Call&& call) -> decltype(call());

  ObjectStore& inner_;
  std::mutex mutex_;
  std::vector<Pending> pending_;                    // guarded by mutex_
  std::map<Operation, std::uint64_t> call_counts_;  // guarded by mutex_
  std::size_t struck_count_ = 0;                    // guarded by mutex_
};

}  // namespace sluice::store
