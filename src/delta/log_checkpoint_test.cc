#include "delta/log_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/internal/checkpoint_reader.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogCheckpointTest : public ::testing::Test {
 protected:
  void write() { SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock)); }

  std::vector<Action> read(internal::CheckpointContent content) {
    const LogFile file{*parse_log_path(checkpoint_key(table_.load()->version())), {}};
    LogFile named = file;
    named.info.key = log_key(file.path);
    std::vector<Action> actions;
    SLUICE_CHECK_OK(internal::read_checkpoint(table_.store, std::span(&named, 1), content,
                                              {[&](Action&& action) { actions.push_back(std::move(action)); }}));
    return actions;
  }

  std::vector<std::string> tombstones() {
    std::vector<std::string> paths;
    for (const Action& action : read(internal::CheckpointContent::Tombstones)) {
      paths.push_back(std::get<RemoveFile>(action).path);
    }
    return paths;
  }

  static RemoveFile removed_at(const AddFile& add, UnixMillis time) {
    RemoveFile remove = TestTable::removal_of(add);
    remove.deletion_timestamp = time;
    return remove;
  }

  TestTable table_;
};

TEST_F(LogCheckpointTest, IsDueAtTheTablesInterval) {
  table_.create({{"delta.checkpointInterval", "2"}});
  EXPECT_FALSE(log_checkpoint_due(*table_.load()));
  table_.put({TestTable::file("a")});
  EXPECT_FALSE(log_checkpoint_due(*table_.load()));
  table_.put({TestTable::file("b")});
  EXPECT_TRUE(log_checkpoint_due(*table_.load()));
}

TEST_F(LogCheckpointTest, HoldsExactlyTheStateOfTheSnapshot) {
  table_.create({{"delta.enableDeletionVectors", "true"}, {"sluice.note", "\"quoted\""}});
  AddFile full = TestTable::file("p%20q.parquet");
  full.partition_values = {{"k", std::nullopt}, {"l", "x\xC3\xA4"}};
  full.tags = {{"t", "u"}, {"n", std::nullopt}};
  full.base_row_id = 5;
  full.default_row_commit_version = 6;
  full.clustering_provider = "liquid";
  full.deletion_vector = DeletionVectorDescriptor{'u', "ab^-aqEH.-t@S}K{vb[*k^", 4, 40, 6};
  AddFile bare = TestTable::file("bare");
  bare.stats.reset();
  table_.put({full, bare, SetTransaction{"app", 7, table_.clock.now()}, SetTransaction{"other", 1, std::nullopt}});
  table_.put({Protocol{3, 7, std::set<std::string>{"deletionVectors"},
                       std::set<std::string>{"appendOnly", "deletionVectors", "domainMetadata"}},
              DomainMetadata{"d", "{\"a\":1}", false}, DomainMetadata{"gone", "", true}});
  const auto before = table_.load();
  write();
  for (int version = 0; version <= 2; ++version) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  const auto after = table_.load();
  EXPECT_EQ(after->checkpoint_version(), Version(2));
  EXPECT_EQ(after->version(), before->version());
  EXPECT_EQ(after->protocol(), before->protocol());
  EXPECT_EQ(after->metadata(), before->metadata());
  EXPECT_EQ(after->transactions(), before->transactions());
  EXPECT_EQ(after->domains(), before->domains());
  full.data_change = false;  // a checkpoint changes nothing
  bare.data_change = false;
  std::vector<AddFile> files;
  for (const AddFile& file : after->files()) files.push_back(file);
  EXPECT_THAT(files, ElementsAre(bare, full));
}

TEST_F(LogCheckpointTest, MoreFilesThanOneChunkHolds) {
  table_.create();
  std::vector<Action> adds;
  for (int i = 0; i < 5'000; ++i) adds.emplace_back(TestTable::file(std::to_string(i) + ".parquet", i));
  table_.put(adds);
  const auto before = table_.load();
  write();
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  const auto after = table_.load();
  EXPECT_EQ(TestTable::paths(*after), TestTable::paths(*before));
  EXPECT_EQ(after->files().find_path("4999.parquet")->stats, R"({"numRecords":4999})");
}

TEST_F(LogCheckpointTest, TheHintNamesIt) {
  table_.create();
  table_.put({TestTable::file("a")});
  write();
  const std::string hint = **table_.store.get(kLastCheckpointKey);
  EXPECT_THAT(hint, ::testing::HasSubstr("\"version\":1"));
  EXPECT_THAT(hint, ::testing::HasSubstr("\"size\":3"));
  EXPECT_THAT(hint, ::testing::HasSubstr("\"numOfAddFiles\":1"));
}

TEST_F(LogCheckpointTest, TombstonesStayForTheirRetention) {
  table_.create();
  const AddFile old_file = TestTable::file("old");
  const AddFile new_file = TestTable::file("new");
  const AddFile back = TestTable::file("back");
  table_.put({old_file, new_file, back});
  const UnixMillis start = table_.clock.now();
  table_.put({removed_at(old_file, start), removed_at(back, start)});
  table_.clock.advance(std::chrono::hours(24 * 6));
  table_.put({removed_at(new_file, table_.clock.now()), back});
  write();
  EXPECT_THAT(tombstones(), UnorderedElementsAre("old", "new"));

  // The next checkpoint learns them from this one; the commits are gone.
  for (int version = 0; version <= 3; ++version) ASSERT_TRUE(table_.store.remove(commit_key(Version(version))));
  table_.clock.advance(std::chrono::hours(24 * 2));
  ASSERT_TRUE(table_.store.put(commit_key(Version(4)), write_actions(std::vector<Action>{TestTable::file("z")})));
  write();
  EXPECT_THAT(tombstones(), ElementsAre("new"));
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("back", "z"));
}

TEST_F(LogCheckpointTest, TombstonesKeepWhatVacuumNeeds) {
  table_.create();
  const AddFile marked = TestTable::with_vector(TestTable::file("a"), "x", 1);
  table_.put({marked});
  RemoveFile remove = removed_at(marked, table_.clock.now());
  remove.extended_file_metadata = true;
  remove.partition_values = PartitionValues{};
  remove.size_bytes = 12;
  table_.put({remove});
  write();
  remove.data_change = false;
  EXPECT_THAT(read(internal::CheckpointContent::Tombstones), ElementsAre(Action(remove)));
}

TEST_F(LogCheckpointTest, ExpiredTransactionsAreForgottenOnRequestOnly) {
  table_.create();
  table_.put({SetTransaction{"old", 1, table_.clock.now()}, SetTransaction{"undated", 1, std::nullopt}});
  table_.clock.advance(std::chrono::hours(48));
  write();
  EXPECT_EQ(table_.load()->transactions().size(), 2u);
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.setTransactionRetentionDuration"] = "interval 1 day";
  table_.put({metadata});
  write();
  EXPECT_EQ(table_.load()->transaction_version("old"), std::nullopt);
  EXPECT_EQ(table_.load()->transaction_version("undated"), 1);
}

TEST_F(LogCheckpointTest, AFailureLeavesTheTableAsItWas) {
  table_.create();
  table_.put({TestTable::file("a")});
  for (const store::Operation operation :
       {store::Operation::Create, store::Operation::Append, store::Operation::Finish}) {
    store::FaultStore failing(
        table_.store, {{operation, "checkpoint", 1, ErrorCode::ResourceExhausted, store::Fault::Moment::Before}});
    const Status status = write_log_checkpoint(failing, *table_.load(), table_.clock);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::ResourceExhausted);
    EXPECT_EQ(failing.struck_count(), 1u);
    EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a"));
    EXPECT_EQ(*table_.store.get(kLastCheckpointKey), std::nullopt);
  }
}

TEST_F(LogCheckpointTest, ATableWeMayNotWriteGetsNone) {
  table_.create();
  table_.put({Protocol{1, 7, std::nullopt, std::set<std::string>{"checkpointProtection"}}});
  EXPECT_EQ(write_log_checkpoint(table_.store, *table_.load(), table_.clock).error().code(), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace sluice::delta
