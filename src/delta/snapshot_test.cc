#include "delta/snapshot.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/log_checkpoint.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SnapshotTest : public ::testing::Test {
 protected:
  /// Three commits that add a, b, c after the one that creates the table.
  void create_with_files() {
    table_.create();
    table_.put({TestTable::file("a"), SetTransaction{"app", 1, std::nullopt}});
    table_.put({TestTable::file("b"), SetTransaction{"app", 2, std::nullopt}});
    table_.put({TestTable::file("c"), TestTable::removal_of(TestTable::file("a"))});
  }

  Error load_error(std::optional<Version> at = std::nullopt) {
    const auto snapshot = Snapshot::load(table_.store, at);
    SLUICE_CHECK(!snapshot.has_value(), "an error was expected");
    return snapshot.error();
  }

  void overwrite(Version version, std::string_view text) { ASSERT_TRUE(table_.store.put(commit_key(version), text)); }

  TestTable table_;
};

TEST_F(SnapshotTest, AFolderWithoutALogIsNoTable) {
  ASSERT_TRUE(table_.store.put("part-0.parquet", "x"));
  const auto snapshot = Snapshot::load(table_.store);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(*snapshot, nullptr);
}

TEST_F(SnapshotTest, HoldsWhatTheCommitsSay) {
  create_with_files();
  const auto snapshot = table_.load();
  EXPECT_EQ(snapshot->version(), Version(3));
  EXPECT_THAT(TestTable::paths(*snapshot), ElementsAre("b", "c"));
  EXPECT_EQ(snapshot->transaction_version("app"), 2);
  EXPECT_EQ(snapshot->transaction_version("other"), std::nullopt);
  EXPECT_EQ(snapshot->schema(), TestTable::schema());
  EXPECT_EQ(snapshot->checkpoint_version(), kNoVersion);
}

TEST_F(SnapshotTest, GoesBackToAnyVersion) {
  create_with_files();
  EXPECT_THAT(TestTable::paths(*table_.load(Version(0))), IsEmpty());
  EXPECT_THAT(TestTable::paths(*table_.load(Version(2))), ElementsAre("a", "b"));
  EXPECT_EQ(table_.load(Version(1))->transaction_version("app"), 1);
  EXPECT_EQ(load_error(Version(4)).code(), ErrorCode::NotFound);
}

TEST_F(SnapshotTest, LaterMetadataProtocolAndDomainsReplaceEarlierOnes) {
  table_.create();
  table_.put({DomainMetadata{"d", "1", false}, DomainMetadata{"e", "1", false}});
  Metadata metadata = table_.load()->metadata();
  metadata.configuration = {{"delta.checkpointInterval", "5"}};
  table_.put({metadata, Protocol{1, 4, std::nullopt, std::nullopt}, DomainMetadata{"d", "", true}});
  const auto snapshot = table_.load();
  EXPECT_EQ(snapshot->properties().checkpoint_interval, 5);
  EXPECT_EQ(snapshot->protocol().min_writer_version, 4);
  ASSERT_EQ(snapshot->domains().size(), 1u);
  EXPECT_EQ(snapshot->domains().begin()->first, "e");
}

TEST_F(SnapshotTest, RefreshAppliesOnlyWhatIsNew) {
  create_with_files();
  const auto older = table_.load(Version(1));
  const auto refreshed = Snapshot::refresh(table_.store, older);
  ASSERT_TRUE(refreshed);
  EXPECT_EQ((*refreshed)->version(), Version(3));
  EXPECT_THAT(TestTable::paths(**refreshed), ElementsAre("b", "c"));
  EXPECT_THAT(TestTable::paths(*older), ElementsAre("a"));
  EXPECT_EQ((*refreshed)->transaction_version("app"), 2);
  EXPECT_EQ(*Snapshot::refresh(table_.store, *refreshed), *refreshed);
}

TEST_F(SnapshotTest, RefreshReadsNoCommitTwice) {
  create_with_files();
  store::FaultStore counting(table_.store, {});
  const auto snapshot = *Snapshot::load(counting);
  table_.put({TestTable::file("d")});
  const std::uint64_t before = counting.call_count(store::Operation::Get);
  const std::uint64_t lists_before = counting.call_count(store::Operation::List);
  ASSERT_TRUE(Snapshot::refresh(counting, snapshot));
  EXPECT_EQ(counting.call_count(store::Operation::Get) - before, 2u);  // commit 4, and that there is no 5
  EXPECT_EQ(counting.call_count(store::Operation::List), lists_before);
}

TEST_F(SnapshotTest, RefreshSurvivesACleanedUpLog) {
  create_with_files();
  const auto older = table_.load(Version(1));
  ASSERT_TRUE(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
  for (int version = 0; version < 3; ++version) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  const auto refreshed = Snapshot::refresh(table_.store, older);
  ASSERT_TRUE(refreshed);
  EXPECT_THAT(TestTable::paths(**refreshed), ElementsAre("b", "c"));
}

TEST_F(SnapshotTest, RefreshNoticesAnotherTableInThePlaceOfTheOld) {
  create_with_files();
  const auto older = table_.load();
  TestTable other;
  other.create();
  // As many commits as before, of other content.
  table_.clock.advance(std::chrono::milliseconds(1));
  overwrite(Version(0), **other.store.get(commit_key(Version(0))));
  for (int version = 1; version < 4; ++version) {
    overwrite(Version(version), write_actions(std::vector<Action>{TestTable::file("z")}));
  }
  const auto refreshed = Snapshot::refresh(table_.store, older);
  ASSERT_TRUE(refreshed);
  EXPECT_THAT(TestTable::paths(**refreshed), ElementsAre("z"));
}

TEST_F(SnapshotTest, RefreshOfARemovedTableIsNotFound) {
  create_with_files();
  const auto older = table_.load();
  for (int version = 0; version < 4; ++version) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  EXPECT_EQ(Snapshot::refresh(table_.store, older).error().code(), ErrorCode::NotFound);
}

TEST_F(SnapshotTest, ALogWithoutProtocolOrMetadataIsCorrupt) {
  table_.put({Protocol()});
  EXPECT_THAT(load_error().message(), HasSubstr("metaData"));
  TestTable other;
  other.put({Metadata()});
  EXPECT_THAT(Snapshot::load(other.store).error().message(), HasSubstr("protocol"));
}

TEST_F(SnapshotTest, TwoMetadataInOneCommitAreCorrupt) {
  table_.create();
  const Metadata metadata = table_.load()->metadata();
  table_.put({metadata, metadata});
  EXPECT_EQ(load_error().code(), ErrorCode::Corruption);
}

TEST_F(SnapshotTest, FeaturesWeDoNotKnowAreRefusedByName) {
  table_.create();
  table_.put({Protocol{3, 7, std::set<std::string>{"fancy"}, std::set<std::string>{"fancy"}}});
  EXPECT_EQ(load_error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(load_error().message(), HasSubstr("fancy"));
  EXPECT_EQ(table_.load(Version(0))->version(), Version(0));
}

TEST_F(SnapshotTest, APartitionColumnThatIsNotInTheSchemaIsCorrupt) {
  table_.create();
  Metadata metadata = table_.load()->metadata();
  metadata.partition_columns = {"nowhere"};
  table_.put({metadata});
  EXPECT_THAT(load_error().message(), HasSubstr("nowhere"));
}

// Damage: the right table or an Error that names the file; never a part of a table.

TEST_F(SnapshotTest, AMissingCommitIsAGapThatIsNamed) {
  create_with_files();
  ASSERT_TRUE(table_.store.remove(commit_key(Version(2))));
  EXPECT_EQ(load_error().code(), ErrorCode::Corruption);
  EXPECT_THAT(load_error().message(), HasSubstr("version 2 is missing"));
  EXPECT_EQ(table_.load(Version(1))->version(), Version(1));
}

TEST_F(SnapshotTest, ATornCommitIsNamed) {
  create_with_files();
  const Bytes whole = **table_.store.get(commit_key(Version(2)));
  overwrite(Version(2), BytesView(whole).substr(0, whole.size() / 3));
  EXPECT_EQ(load_error().code(), ErrorCode::Corruption);
  EXPECT_THAT(load_error().message(), HasSubstr("00000000000000000002.json"));
}

TEST_F(SnapshotTest, AFileAddedTwiceIsOneFile) {
  table_.create();
  table_.put({TestTable::file("a"), TestTable::file("a")});
  EXPECT_EQ(table_.load()->files().size(), 1u);
}

TEST_F(SnapshotTest, ForeignFilesInTheLogFolderAreIgnored) {
  create_with_files();
  for (const char* name : {"_delta_log/.00000000000000000009.json.crc", "_delta_log/notes.txt",
                           "_delta_log/00000000000000000009.json.tmp", "_delta_log/9.json"}) {
    ASSERT_TRUE(table_.store.put(name, "garbage"));
  }
  EXPECT_EQ(table_.load()->version(), Version(3));
}

TEST_F(SnapshotTest, AStoreThatFailsIsAnErrorAndNotAnEmptyTable) {
  create_with_files();
  for (const store::Operation operation : {store::Operation::List, store::Operation::Get}) {
    for (std::uint64_t nth = 1; nth <= 4; ++nth) {
      store::FaultStore failing(
          table_.store,
          {{operation, "_delta_log/0", nth, ErrorCode::Unavailable, store::Fault::Moment::Before},
           {store::Operation::List, "_delta_log/", nth, ErrorCode::Unavailable, store::Fault::Moment::Before}});
      const auto snapshot = Snapshot::load(failing);
      if (failing.struck_count() == 0) continue;
      ASSERT_FALSE(snapshot);
      EXPECT_EQ(snapshot.error().code(), ErrorCode::Unavailable);
    }
  }
}

class CheckpointedSnapshotTest : public SnapshotTest {
 protected:
  CheckpointedSnapshotTest() {
    create_with_files();
    SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
    table_.put({TestTable::file("d")});
  }

  void expect_right_table() { EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("b", "c", "d")); }
};

TEST_F(CheckpointedSnapshotTest, StartsAtTheCheckpoint) {
  EXPECT_EQ(table_.load()->checkpoint_version(), Version(3));
  expect_right_table();
  for (int version = 0; version <= 3; ++version) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  expect_right_table();
  EXPECT_EQ(table_.load()->transaction_version("app"), 2);
  EXPECT_EQ(load_error(Version(1)).code(), ErrorCode::NotFound);
}

TEST_F(CheckpointedSnapshotTest, ListsFromTheHintOnly) {
  store::FaultStore counting(table_.store, {});
  ASSERT_TRUE(Snapshot::load(counting));
  EXPECT_EQ(counting.call_count(store::Operation::List), 1u);
  EXPECT_EQ(counting.call_count(store::Operation::Get), 2u);  // the hint and commit 4
}

TEST_F(CheckpointedSnapshotTest, AHintThatLiesIsNotBelieved) {
  for (const char* hint : {"", "garbage", "{}", "{\"version\":99}", "{\"version\":-1}", "{\"version\":1}",
                           "{\"version\":4}", "{\"version\":\"x\"}", "[3]"}) {
    ASSERT_TRUE(table_.store.put(kLastCheckpointKey, hint));
    expect_right_table();
  }
  ASSERT_TRUE(table_.store.remove(kLastCheckpointKey));
  expect_right_table();
}

TEST_F(CheckpointedSnapshotTest, ADamagedCheckpointIsPassedOverWhileTheCommitsAreThere) {
  const Bytes good = **table_.store.get(checkpoint_key(Version(3)));
  SeededRandom random(9);
  for (int round = 0; round < 40; ++round) {
    Bytes bad = good;
    if (round == 0) bad.clear();
    if (round == 1) bad = "garbage";
    if (round > 1 && round < 10) bad.resize(random.next() % bad.size());
    if (round >= 10) bad[bad.size() - 1 - random.next() % 600] = static_cast<char>(random.next());  // the footer
    ASSERT_TRUE(table_.store.put(checkpoint_key(Version(3)), bad));
    expect_right_table();
  }
}

TEST_F(CheckpointedSnapshotTest, WhatIsPassedOverIsTold) {
  ASSERT_TRUE(table_.store.put(checkpoint_key(Version(3)), "garbage"));
  const auto snapshot = Snapshot::load(table_.store);
  ASSERT_TRUE(snapshot);
  ASSERT_EQ((*snapshot)->passed_over().size(), 1u);
  EXPECT_THAT((*snapshot)->passed_over().front(), HasSubstr("00000000000000000003.checkpoint.parquet"));
  ASSERT_TRUE(table_.store.put(checkpoint_key(Version(3)), ""));
  EXPECT_THAT((*Snapshot::load(table_.store))->passed_over(),
              ElementsAre(AllOf(HasSubstr("00000000000000000003.checkpoint.parquet"), HasSubstr("it is empty"))));
  const auto older = Snapshot::load(table_.store, Version(2));
  ASSERT_TRUE(older);
  EXPECT_THAT((*older)->passed_over(), IsEmpty());
}

TEST_F(CheckpointedSnapshotTest, AnEmptyCommitDoesNothing) {
  const auto older = Snapshot::load(table_.store);
  ASSERT_TRUE(older);
  const Version next = (*older)->version().next();
  for (const Bytes& blank : {Bytes(), Bytes("\n")}) {
    ASSERT_TRUE(table_.store.put(commit_key(next), blank));
    for (const auto& newest : {Snapshot::load(table_.store), Snapshot::refresh(table_.store, *older)}) {
      ASSERT_TRUE(newest);
      EXPECT_EQ((*newest)->version(), next);
      EXPECT_EQ(TestTable::paths(**newest), TestTable::paths(**older));
    }
  }
}

TEST_F(CheckpointedSnapshotTest, ADamagedCheckpointWithoutCommitsIsNamed) {
  ASSERT_TRUE(table_.store.put(checkpoint_key(Version(3)), "garbage"));
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  EXPECT_EQ(load_error().code(), ErrorCode::Corruption);
  EXPECT_THAT(load_error().message(), HasSubstr("00000000000000000003.checkpoint.parquet"));
  EXPECT_THAT(load_error().message(), HasSubstr("version 0 is missing"));
}

TEST_F(CheckpointedSnapshotTest, OfManyPartsTheDamagedOneIsNamed) {
  const Bytes good = **table_.store.get(checkpoint_key(Version(3)));
  ASSERT_TRUE(table_.store.remove(checkpoint_key(Version(3))));
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  const auto part_key = [](int part) {
    return fmt::format("_delta_log/00000000000000000003.checkpoint.{:010}.0000000003.parquet", part);
  };
  for (int part = 1; part <= 3; ++part) ASSERT_TRUE(table_.store.put(part_key(part), good));
  expect_right_table();  // what all three say is there once
  EXPECT_EQ(table_.load()->checkpoint_version(), Version(3));
  Bytes bad = good;

  std::fill(bad.begin() + 4, bad.begin() + static_cast<std::ptrdiff_t>(bad.size() / 4), '\xFF');
  ASSERT_TRUE(table_.store.put(part_key(2), bad));
  EXPECT_EQ(load_error().code(), ErrorCode::Corruption);
  EXPECT_THAT(load_error().message(), HasSubstr(part_key(2)));
}

TEST_F(SnapshotTest, ALargeCheckpointIsReadByManyThreadsAndIsTheSameInOrder) {
  constexpr std::int64_t kFiles = 40'000;  // more than a row group
  table_.create();
  SeededRandom random(3);
  std::vector<Action> actions;
  for (std::int64_t i = 0; i < kFiles; ++i) {
    AddFile file = TestTable::file(random.uuid() + random.uuid() + random.uuid() + random.uuid(), i);
    file.partition_values = {{"k", std::to_string(i % 50)}};
    actions.emplace_back(std::move(file));
  }
  table_.put(std::move(actions));
  const auto from_commits = table_.load();
  ASSERT_TRUE(write_log_checkpoint(table_.store, *from_commits, table_.clock, table_.random));
  ASSERT_GT((*table_.store.head(checkpoint_key(Version(1))))->size_bytes, 4u << 20);
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  const auto from_checkpoint = table_.load();
  ASSERT_EQ(from_checkpoint->checkpoint_version(), Version(1));
  ASSERT_EQ(from_checkpoint->files().size(), static_cast<std::size_t>(kFiles));
  EXPECT_EQ(from_checkpoint->files().total_bytes(), 100 * kFiles);
  auto expected = from_commits->files().begin();
  for (const AddFile& file : from_checkpoint->files()) {
    AddFile same = *expected;
    same.data_change = false;  // as log checkpoints have it
    ASSERT_EQ(file, same);
    ++expected;
  }
}

TEST_F(CheckpointedSnapshotTest, AStoreThatFailsWhileTheCheckpointIsReadIsNoDamage) {
  store::FaultStore failing(
      table_.store, {{store::Operation::Read, "checkpoint", 1, ErrorCode::Unavailable, store::Fault::Moment::Before}});
  EXPECT_EQ(Snapshot::load(failing).error().code(), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace sluice::delta
