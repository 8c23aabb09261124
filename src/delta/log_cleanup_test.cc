#include "delta/log_cleanup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/log_checkpoint.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using std::chrono::hours;
using ::testing::Contains;
using ::testing::ElementsAre;

class LogCleanupTest : public ::testing::Test {
 protected:
  /// Commits `count` versions, with a log checkpoint at each multiple of five, an hour apart.
  void commit(int count) {
    for (int i = 0; i < count; ++i) {
      const Version version = table_.put({TestTable::file("f" + std::to_string(file_count_++))});
      if (version.value() % 5 == 0)
        SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
      table_.clock.advance(hours(1));
    }
  }

  std::size_t clean() {
    auto removed = clean_log(table_.store, *table_.load(), table_.clock);
    SLUICE_CHECK_OK(removed);
    return *removed;
  }

  /// The log's files, without folder and leading zeros.
  std::vector<std::string> files() {
    auto listing = table_.store.list(kLogFolder, "");
    SLUICE_CHECK_OK(listing);
    std::vector<std::string> names;
    for (const auto& info : *listing) {
      const std::string name = info.key.substr(kLogFolder.size());
      const auto begin = std::min(name.find_first_not_of('0'), name.find('.') - 1);
      names.push_back(name.substr(begin));
    }
    return names;
  }

  TestTable table_;
  int file_count_ = 0;
};

TEST_F(LogCleanupTest, KeepsTheNewestExpiredCheckpointItsCommitAndAllThatFollows) {
  table_.create();
  commit(12);
  const auto before = table_.load();
  table_.clock.advance(hours(24 * 31));
  commit(1);
  EXPECT_EQ(clean(), 11U);
  EXPECT_THAT(files(),
              ElementsAre("10.checkpoint.parquet", "10.json", "11.json", "12.json", "13.json", "_last_checkpoint"));
  EXPECT_EQ(TestTable::paths(*table_.load(Version(12))), TestTable::paths(*before));
  EXPECT_EQ(clean(), 0U);
}

TEST_F(LogCleanupTest, TakesNothingThatTheRetentionCovers) {
  table_.create({{"delta.logRetentionDuration", "interval 2 days"}});
  commit(12);
  table_.clock.advance(hours(24));
  commit(1);
  EXPECT_EQ(clean(), 0U);
  // The clock began at 22:13: checkpoints 5 and 10 were written on the second day, and expire with it.
  table_.clock.advance(hours(48));
  EXPECT_EQ(clean(), 11U);
}

TEST_F(LogCleanupTest, DoesNothingIfTheTableSaysSo) {
  table_.create({{"delta.enableExpiredLogCleanup", "false"}});
  commit(12);
  table_.clock.advance(hours(24 * 365));
  EXPECT_EQ(clean(), 0U);
  EXPECT_FALSE(log_cleanup_due(*table_.load()));
}

TEST_F(LogCleanupTest, WithoutAnExpiredCheckpointAllStays) {
  table_.create();
  commit(3);
  table_.clock.advance(hours(24 * 365));
  EXPECT_EQ(clean(), 0U);
}

TEST_F(LogCleanupTest, ADamagedCheckpointIsNoReasonToForgetWhatItStandsFor) {
  table_.create();
  commit(12);
  table_.clock.advance(hours(24 * 365));
  SLUICE_CHECK_OK(table_.store.put(checkpoint_key(Version(10)), "no parquet"));
  table_.clock.advance(hours(24 * 365));
  const auto whole = table_.store.get(checkpoint_key(Version(5)));
  SLUICE_CHECK_OK(table_.store.put(checkpoint_key(Version(5)), "no parquet"));
  table_.clock.advance(hours(24 * 365));
  const auto before = TestTable::paths(*table_.load());
  EXPECT_EQ(clean(), 0U);
  // An older one that is whole stands for what came before it.
  SLUICE_CHECK_OK(table_.store.put(checkpoint_key(Version(5)), **whole));
  table_.clock.advance(hours(24 * 365));
  EXPECT_EQ(clean(), 5U);
  EXPECT_THAT(files(), Contains("5.json"));
  EXPECT_EQ(TestTable::paths(*table_.load()), before);
}

TEST_F(LogCleanupTest, InterruptedAnywhereItLeavesATable) {
  for (std::uint64_t failing = 1;; ++failing) {
    TestTable table;
    table.create();
    for (int i = 0; i < 12; ++i) {
      const Version version = table.put({TestTable::file("f" + std::to_string(i))});
      if (version.value() % 5 == 0)
        SLUICE_CHECK_OK(write_log_checkpoint(table.store, *table.load(), table.clock, table.random));
    }
    const auto before = TestTable::paths(*table.load());
    table.clock.advance(hours(24 * 365));
    store::FaultStore faulty(table.store, {{store::Operation::Remove, "", failing}});
    const auto removed = clean_log(faulty, *table.load(), table.clock);
    EXPECT_EQ(TestTable::paths(*table.load()), before) << failing;
    // Whatever versions can still be read are as they were.
    for (std::int64_t version = 0; version <= 12; ++version) {
      const auto loaded = Snapshot::load(table.store, Version(version));
      if (loaded && *loaded) {
        EXPECT_EQ((*loaded)->files().size(), static_cast<std::size_t>(version)) << failing;
      }
    }
    if (removed) break;
  }
}

TEST_F(LogCleanupTest, IsDueAtEveryTenthCheckpoint) {
  table_.create({{"delta.checkpointInterval", "1"}});
  std::vector<std::int64_t> due;
  for (int i = 0; i < 25; ++i) {
    const Version version = table_.put({TestTable::file("f" + std::to_string(i))});
    if (log_cleanup_due(*table_.load())) due.push_back(version.value());
  }
  EXPECT_THAT(due, ElementsAre(10, 20));
}

class SidecarCleanupTest : public ::testing::Test {
 protected:
  SidecarCleanupTest() {
    table_.create({{"delta.checkpointPolicy", "v2"}});
    table_.put({TestTable::file("a")});
    for (int i = 0; i < 2; ++i) write();  // the second leaves the first one's sidecar behind
    SLUICE_CHECK(sidecar_count() == 2, "each has its own");
  }

  void write() { SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random)); }

  std::size_t sidecar_count() {
    auto listing = table_.store.list(kSidecarFolder, "");
    SLUICE_CHECK_OK(listing);
    return listing->size();
  }

  std::size_t clean() {
    auto removed = clean_log(table_.store, *table_.load(), table_.clock);
    SLUICE_CHECK_OK(removed);
    return *removed;
  }

  TestTable table_;
};

TEST_F(SidecarCleanupTest, RemovesOldOnesThatNoLogCheckpointNames) {
  EXPECT_EQ(clean(), 0u);  // they may be of one that is being written
  table_.clock.advance(hours(49));
  EXPECT_EQ(clean(), 1u);
  EXPECT_EQ(sidecar_count(), 1u);
  for (const int version : {0, 1}) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  EXPECT_EQ(TestTable::paths(*table_.load()), std::vector<std::string>{"a"});
  EXPECT_EQ(clean(), 0u);
}

TEST_F(SidecarCleanupTest, WithALogCheckpointItsSidecarsGo) {
  table_.clock.advance(hours(24 * 31));
  table_.put({TestTable::file("b")});
  write();
  table_.clock.advance(hours(24 * 31));
  EXPECT_EQ(clean(), 2u + 1u + 2u);  // two commits, a log checkpoint, its sidecar and the orphan
  EXPECT_EQ(sidecar_count(), 1u);
  EXPECT_EQ(TestTable::paths(*table_.load()), (std::vector<std::string>{"a", "b"}));
}

TEST_F(SidecarCleanupTest, StaysAwayWhileALogCheckpointCannotBeRead) {
  ASSERT_TRUE(table_.store.put(checkpoint_key(Version(1)), "damaged"));
  table_.clock.advance(hours(49));
  EXPECT_EQ(clean(), 0u);
  EXPECT_EQ(sidecar_count(), 2u);
}

}  // namespace
}  // namespace sluice::delta
