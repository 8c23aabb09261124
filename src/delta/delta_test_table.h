#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "delta/action_json.h"
#include "delta/log_path.h"
#include "delta/snapshot.h"
#include "delta/table_definition.h"
#include "store/memory_store.h"

namespace sluice::delta {

/// For tests: a table in memory whose log is written by hand.
class TestTable {
 public:
  /// The files "names" and "values" of every test: id BIGINT, name VARCHAR.
  static DataType schema() {
    return DataType::structure({{"id", DataType::primitive(DataType::Kind::Long), true, {}},
                                {"name", DataType::primitive(DataType::Kind::String), true, {}}});
  }

  static AddFile file(std::string path, std::int64_t row_count = 10) {
    AddFile add;
    add.path = std::move(path);
    add.size_bytes = 100;
    add.modification_time = UnixMillis(std::chrono::milliseconds(1000));
    add.stats = R"({"numRecords":)" + std::to_string(row_count) + "}";
    return add;
  }

  static AddFile with_vector(AddFile add, std::string inline_dv, std::int64_t cardinality) {
    add.deletion_vector = DeletionVectorDescriptor{'i', std::move(inline_dv), std::nullopt, 40, cardinality};
    return add;
  }

  static RemoveFile removal_of(const AddFile& add) {
    RemoveFile remove;
    remove.path = add.path;
    remove.deletion_timestamp = UnixMillis(std::chrono::milliseconds(2000));
    remove.deletion_vector = add.deletion_vector;
    return remove;
  }

  /// Puts the next commit into the log, unchecked. Returns its version.
  Version put(std::vector<Action> actions) {
    const Version version = next_;
    SLUICE_CHECK_OK(store.put(commit_key(version), write_actions(actions)));
    next_ = next_.next();
    return version;
  }

  /// Creates the table.
  void create(std::map<std::string, std::string> properties = {}) {
    auto actions =
        create_table_actions({schema(), {}, std::move(properties), std::nullopt, std::nullopt}, clock, random);
    SLUICE_CHECK_OK(actions);
    put(std::move(*actions));
  }

  std::shared_ptr<const Snapshot> load(std::optional<Version> at = std::nullopt) {
    auto snapshot = Snapshot::load(store, at);
    SLUICE_CHECK_OK(snapshot);
    SLUICE_CHECK(*snapshot != nullptr, "there is no table");
    return *snapshot;
  }

  static std::vector<std::string> paths(const Snapshot& snapshot) {
    std::vector<std::string> paths;
    for (const AddFile& file : snapshot.files()) paths.push_back(file.path);
    return paths;
  }

  ManualClock clock{UnixMillis(std::chrono::milliseconds(1'700'000'000'000))};
  SeededRandom random{1};
  store::MemoryStore store{clock};

 private:
  Version next_{0};
};

}  // namespace sluice::delta
