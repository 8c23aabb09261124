// Whichever way a log is read, commit by commit or from a log checkpoint, it says the same.

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "delta/file_statistics.h"
#include "delta/log_path.h"
#include "delta/snapshot.h"
#include "store/memory_store.h"
#include "tests/golden/golden_table.h"

namespace sluice::golden {
namespace {

using delta::Snapshot;
using delta::Version;

/// What a snapshot says, as text: protocol, metadata, live files, transactions, domains.
std::string described(const Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const delta::AddFile& file : snapshot.files()) {
    const auto statistics = delta::read_statistics(file.stats.value_or("{}"));
    SLUICE_CHECK_OK(statistics);
    const std::string rows = statistics->num_records ? std::to_string(*statistics->num_records) : "?";
    std::string line = fmt::format("file {}, {} bytes, {} rows", delta::key_of(file).path, file.size_bytes, rows);
    if (file.deletion_vector) line += " less " + file.deletion_vector->unique_id();
    for (const auto& [column, value] : file.partition_values)
      line += fmt::format(", {}={}", column, value.value_or(""));
    lines.push_back(line);
  }
  for (const auto& [id, transaction] : snapshot.transactions()) {
    lines.push_back(fmt::format("transaction {} of {}", transaction.version, id));
  }
  for (const auto& [name, domain] : snapshot.domains()) {
    lines.push_back(fmt::format("domain {}: {}", name, domain.configuration));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("version {}\nreader version {}\nschema {}\n{}", snapshot.version().value(),
                     snapshot.protocol().min_reader_version, snapshot.metadata().schema_string, fmt::join(lines, "\n"));
}

class GoldenLogTest : public testing::Test {
 protected:
  /// Runs `test` on the log of each table, in a store of its own.
  template <typename Test>
  void for_each_log(Test&& test) {
    for (const Table& table : all_tables()) {
      SCOPED_TRACE(table.id());
      const std::filesystem::path root = table.delta();
      if (!std::filesystem::exists(root / "_delta_log")) continue;
      store::MemoryStore store(clock_);
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "_delta_log")) {
        if (!entry.is_regular_file()) continue;
        SLUICE_CHECK_OK(store.put(std::filesystem::relative(entry.path(), root).string(), read_file(entry.path())));
      }
      test(store);
    }
  }

  SystemClock clock_;
};

TEST_F(GoldenLogTest, EveryVersionIsTheOneBeforeRefreshed) {
  std::size_t version_count = 0;
  for_each_log([&](store::MemoryStore& log) {
    // A store whose log grows commit by commit, for as long as the commits are there and whole.
    store::MemoryStore growing(clock_);
    std::shared_ptr<const Snapshot> refreshed;
    for (Version version(0);; version = version.next()) {
      const auto commit = *log.get(delta::commit_key(version));
      const auto loaded = Snapshot::load(log, version);
      if (!commit || !loaded) break;
      ASSERT_TRUE(growing.put(delta::commit_key(version), *commit));
      const auto next = refreshed ? Snapshot::refresh(growing, refreshed) : Snapshot::load(growing);
      ASSERT_TRUE(next) << next.error().message();
      refreshed = *next;
      ASSERT_EQ(described(*refreshed), described(**loaded));
      ++version_count;
    }
  });
  EXPECT_GT(version_count, 500u);
}

TEST_F(GoldenLogTest, ACheckpointStandsForTheCommitsItCovers) {
  std::size_t table_count = 0;
  for_each_log([&](store::MemoryStore& log) {
    const auto whole = Snapshot::load(log);
    if (!whole || !*whole || (*whole)->checkpoint_version() < Version(0)) return;
    for (Version version(0); version <= (*whole)->checkpoint_version(); version = version.next()) {
      ASSERT_TRUE(log.remove(delta::commit_key(version)));
    }
    const auto rest = Snapshot::load(log);
    ASSERT_TRUE(rest) << rest.error().message();
    EXPECT_EQ(described(**rest), described(**whole));
    ++table_count;
  });
  EXPECT_GT(table_count, 20u);
}

}  // namespace
}  // namespace sluice::golden
