#include "delta/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/deletion_vector.h"
#include "delta/delta_test_table.h"
#include "delta/log_checkpoint.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A table of four versions, with a log checkpoint at 2 and a deletion vector, of which every file is there.
class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    table_.create({{"delta.enableDeletionVectors", "true"}});
    for (const char* name : {"a", "b", "c"}) put(name, std::string(100, 'x'));
    table_.put({TestTable::file("a"), TestTable::file("b"), SetTransaction{"app", 7, {}}});
    const std::vector<std::uint64_t> deleted = {3, 9};
    marked_ = TestTable::file("a");
    marked_.deletion_vector = inline_deletion_vector(DeletionVector(deleted));
    table_.put({TestTable::removal_of(TestTable::file("a")), marked_, DomainMetadata{"d", "{}", false}});
    SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
    table_.put({TestTable::file("c"), TestTable::removal_of(TestTable::file("b"))});
  }

  void put(std::string_view key, std::string bytes) { SLUICE_CHECK_OK(table_.store.put(key, bytes)); }
  std::string get(const std::string& key) { return **table_.store.get(key); }

  std::vector<std::string> findings() {
    auto verified = verify_table(table_.store);
    SLUICE_CHECK_OK(verified);
    return (*verified)->findings;
  }

  TestTable table_;
  AddFile marked_;
};

TEST_F(VerifyTest, IsSilentWhenAllIsWell) { EXPECT_THAT(findings(), IsEmpty()); }

TEST_F(VerifyTest, WithoutATableThereIsNothingToSay) {
  store::MemoryStore empty(table_.clock);
  const auto verified = verify_table(empty);
  ASSERT_TRUE(verified);
  EXPECT_EQ(*verified, std::nullopt);
}

TEST_F(VerifyTest, NamesACommitThatIsDamagedOrMissing) {
  const std::string whole = get(commit_key(Version(1)));
  put(commit_key(Version(1)), whole.substr(0, whole.size() / 2));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr(commit_key(Version(1)))));
  SLUICE_CHECK_OK(table_.store.remove(commit_key(Version(1))));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("version 1 is missing")));
}

TEST_F(VerifyTest, ALogThatWasCleanedUpIsWhole) {
  for (const std::int64_t version : {0, 1}) SLUICE_CHECK_OK(table_.store.remove(commit_key(Version(version))));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(VerifyTest, NamesWhatACheckpointHasOtherwiseThanTheCommits) {
  // A checkpoint of another table state under this one's name.
  TestTable other;
  other.create({{"delta.enableDeletionVectors", "true"}, {"note", "another"}});
  other.put({TestTable::file("b"), TestTable::file("z"), SetTransaction{"app", 6, {}}});
  other.put({DomainMetadata{"d", "{\"x\":1}", false}});
  SLUICE_CHECK_OK(write_log_checkpoint(other.store, *other.load(), other.clock, other.random));
  put(checkpoint_key(Version(2)), **other.store.get(checkpoint_key(Version(2))));
  // The commits win where they are there, so only the checkpoint is at fault; but readers go by it.
  EXPECT_THAT(findings(), ::testing::IsSupersetOf({HasSubstr("other metadata"), HasSubstr("lacks the file a"),
                                                   HasSubstr("has the file z"), HasSubstr("transaction version of app"),
                                                   HasSubstr("other domain metadata")}));
  put(checkpoint_key(Version(2)), "no parquet");
  EXPECT_THAT(findings(), ElementsAre(HasSubstr(checkpoint_key(Version(2)))));
}

TEST(VerifySidecarsTest, NamesOnesThatAreMissingDamagedOrOfAnotherSize) {
  TestTable table;
  table.create({{"delta.checkpointPolicy", "v2"}});
  table.put({SetTransaction{"app", 1, {}}, TestTable::file("a")});
  SLUICE_CHECK_OK(table.store.put("a", std::string(100, 'x')));
  SLUICE_CHECK_OK(write_log_checkpoint(table.store, *table.load(), table.clock, table.random));
  const std::string key = (*table.store.list(kSidecarFolder, ""))[0].key;
  const std::string good = **table.store.get(key);
  const auto findings = [&] { return (*verify_table(table.store))->findings; };
  EXPECT_THAT(findings(), IsEmpty());
  SLUICE_CHECK_OK(table.store.put(key, good.substr(0, 4) + std::string(8, ' ') + good.substr(4)));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr(key)));
  SLUICE_CHECK_OK(table.store.remove(key));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr(key)));
  // Whole, but of another size than the manifest says: readers that go by that do not find its end.
  AddFile longer = TestTable::file("a");
  longer.tags = {{"note", std::string(300, 'y')}};
  TestTable same;
  same.create({{"delta.checkpointPolicy", "v2"}});
  same.put({SetTransaction{"app", 1, {}}, longer});
  SLUICE_CHECK_OK(write_log_checkpoint(same.store, *same.load(), same.clock, same.random));
  SLUICE_CHECK_OK(table.store.put(key, **same.store.get((*same.store.list(kSidecarFolder, ""))[0].key)));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("bytes, but it has")));
}

TEST_F(VerifyTest, NamesDataFilesThatAreMissingOrOfAnotherSize) {
  SLUICE_CHECK_OK(table_.store.remove("a"));
  put("c", "short");
  EXPECT_THAT(findings(),
              ElementsAre("the data file a is missing", "the data file c has 5 bytes, and the log says 100"));
}

TEST_F(VerifyTest, NamesDeletionVectorsThatAreNotWhatTheLogSays) {
  AddFile wrong = marked_;
  wrong.deletion_vector->cardinality = 3;
  table_.put({TestTable::removal_of(marked_), wrong});
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("the deletion vector of a")));
  AddFile beyond = marked_;
  beyond.deletion_vector = inline_deletion_vector(DeletionVector(std::vector<std::uint64_t>{10}));
  table_.put({TestTable::removal_of(wrong), beyond});
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("marks row 10")));
}

TEST_F(VerifyTest, NamesActionsThatMakeNoSense) {
  table_.put({TestTable::removal_of(TestTable::file("nowhere"))});
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("removes nowhere, which is not in the table")));
}

TEST_F(VerifyTest, NamesAFileThatIsInTheTableTwice) {
  AddFile second = TestTable::file("c");
  second.deletion_vector = inline_deletion_vector(DeletionVector(std::vector<std::uint64_t>{1}));
  table_.put({second});
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("leaves c in the table twice")));
}

TEST_F(VerifyTest, ATableThatWeDoNotKnowIsNoDamage) {
  Protocol protocol;
  protocol.min_reader_version = 99;
  table_.put({protocol});
  const auto verified = verify_table(table_.store);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code(), ErrorCode::Unsupported);
}

TEST_F(VerifyTest, ComparesVersionChecksums) {
  const std::string key = "_delta_log/00000000000000000003.crc";
  put(key, R"({"tableSizeBytes":200,"numFiles":2,"numMetadata":1,"numProtocol":1})");
  EXPECT_THAT(findings(), IsEmpty());
  put(key, R"({"tableSizeBytes":100,"numFiles":2,"numMetadata":1,"numProtocol":1})");
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("tableSizeBytes 200")));
  put(key, "{");
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("is not JSON")));
}

TEST_F(VerifyTest, AStoreThatDoesNotAnswerIsAnErrorAndNoFinding) {
  // The first get is of the hint for a recent checkpoint, which nobody needs.
  for (const store::Fault& fault :
       {store::Fault{store::Operation::List, "", 1}, store::Fault{store::Operation::Get, "", 2},
        store::Fault{store::Operation::Head, "", 1}}) {
    store::FaultStore faulty(table_.store, {fault});
    const auto verified = verify_table(faulty);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().code(), ErrorCode::Unavailable);
  }
}

}  // namespace
}  // namespace sluice::delta
