#include "delta/history.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/change_files.h"
#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::HasSubstr;

UnixMillis at(std::int64_t seconds) { return UnixMillis(std::chrono::seconds(1'700'000'000 + seconds)); }

class HistoryTest : public ::testing::Test {
 protected:
  /// Commits ten seconds after the last commit.
  void commit(std::vector<Action> actions) {
    table_.clock.advance(std::chrono::seconds(10));
    table_.put(std::move(actions));
  }

  std::string version_at(UnixMillis time) {
    const auto version = find_version_at(table_.store, *table_.load(), time);
    return version ? std::to_string(version->value()) : version.error().message();
  }

  static CommitInfo dated(UnixMillis time) {
    CommitInfo info;
    info.in_commit_timestamp = time;
    return info;
  }

  TestTable table_;
};

TEST_F(HistoryTest, AVersionHoldsFromItsCommitToTheNext) {
  table_.create();
  commit({TestTable::file("a")});
  commit({TestTable::file("b")});
  EXPECT_EQ(version_at(at(0)), "0");
  EXPECT_EQ(version_at(at(9)), "0");
  EXPECT_EQ(version_at(at(10)), "1");
  EXPECT_EQ(version_at(at(20)), "2");
  EXPECT_THAT(version_at(at(21)), HasSubstr("after the newest"));
  EXPECT_THAT(version_at(at(-1)), HasSubstr("before the first"));
}

TEST_F(HistoryTest, CommitFilesWhoseTimeRunsBackwardsComeOneAfterTheOther) {
  table_.create();
  table_.put({TestTable::file("a")});
  commit({TestTable::file("b")});
  EXPECT_EQ(version_at(at(0)), "0");
  EXPECT_EQ(version_at(at(0) + std::chrono::milliseconds(1)), "1");
  EXPECT_EQ(version_at(at(9)), "1");
}

TEST_F(HistoryTest, InCommitTimestampsGoBeforeTimesOfFiles) {
  table_.create({{"delta.appendOnly", "false"}});
  commit({TestTable::file("a")});
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.enableInCommitTimestamps"] = "true";
  metadata.configuration["delta.inCommitTimestampEnablementVersion"] = "2";
  commit({dated(at(1000)), metadata});
  commit({dated(at(2000)), TestTable::file("b")});
  EXPECT_EQ(version_at(at(0)), "0");
  EXPECT_EQ(version_at(at(15)), "1");
  EXPECT_EQ(version_at(at(999)), "1");
  EXPECT_EQ(version_at(at(1000)), "2");
  EXPECT_EQ(version_at(at(2000)), "3");
  EXPECT_THAT(version_at(at(2001)), HasSubstr("after the newest"));
}

/// What the change data feed says of when versions were committed is what finds them.
TEST_F(HistoryTest, ChangesAreDatedByTheTimeThatFindsTheirVersion) {
  const std::map<std::string, std::string> properties = {{"delta.enableChangeDataFeed", "true"}};
  table_.create();
  Metadata metadata = table_.load()->metadata();
  metadata.configuration = properties;
  table_.put({Protocol{1, 4, std::nullopt, std::nullopt}, metadata});
  table_.put({TestTable::file("a")});  // at the same time, by the clock
  table_.put({TestTable::file("b")});
  commit({TestTable::file("c")});
  const auto expect_found = [&](std::int64_t from) {
    const auto changes = load_changes(table_.store, Version(from), std::nullopt);
    ASSERT_TRUE(changes) << changes.error().message();
    for (const CommitChanges& change : (*changes)->commits) {
      EXPECT_EQ(version_at(change.timestamp), std::to_string(change.version.value()));
    }
  };
  expect_found(1);
  expect_found(3);
  // Switched on: from here on commits say their time. Switched off: what they said does not count any more.
  metadata.configuration["delta.enableInCommitTimestamps"] = "true";
  metadata.configuration["delta.inCommitTimestampEnablementVersion"] = "5";
  commit({dated(at(1000)), metadata});
  commit({dated(at(2000)), TestTable::file("d")});
  expect_found(1);
  metadata.configuration = properties;
  commit({metadata});
  expect_found(1);
}

TEST_F(HistoryTest, ACommitWithoutTheTimestampItMustHaveIsDamaged) {
  table_.create();
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.enableInCommitTimestamps"] = "true";
  commit({metadata});
  EXPECT_THAT(version_at(at(5)), HasSubstr("00000000000000000001.json has no in-commit timestamp"));
}

}  // namespace
}  // namespace sluice::delta
