#include "delta/version_checksum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/features.h"
#include "delta/log_checkpoint.h"
#include "delta/transaction.h"
#include "delta/verify.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class VersionChecksumTest : public ::testing::Test {
 protected:
  VersionChecksumTest() {
    table_.create({{"delta.enableDeletionVectors", "true"}});
    for (const char* name : {"a", "b"}) SLUICE_CHECK_OK(table_.store.put(name, std::string(100, 'x')));
  }

  void write() { SLUICE_CHECK_OK(write_version_checksum(table_.store, *table_.load())); }
  std::string key() { return checksum_key(table_.load()->version()); }
  std::string written() { return **table_.store.get(key()); }

  std::vector<std::string> findings() {
    auto verified = verify_table(table_.store);
    SLUICE_CHECK_OK(verified);
    return (*verified)->findings;
  }

  TestTable table_;
};

TEST_F(VersionChecksumTest, SaysWhatTheVersionIs) {
  CommitInfo info;
  info.operation = "WRITE";
  info.txn_id = "the-commit";
  table_.put({info,
              Protocol{3, 7, std::set<std::string>{"deletionVectors"},
                       std::set<std::string>{"deletionVectors", "domainMetadata"}},
              TestTable::file("a"), TestTable::file("b"), SetTransaction{"app", 7, std::nullopt},
              DomainMetadata{"d", "{}", false}});
  write();
  EXPECT_THAT(written(),
              testing::StartsWith(R"({"txnId":"the-commit","tableSizeBytes":200,"numFiles":2,"numMetadata":1,)"
                                  R"("numProtocol":1,"setTransactions":[{"appId":"app","version":7}],)"
                                  R"("domainMetadata":[{"domain":"d","configuration":"{}","removed":false}],)"
                                  R"("metadata":{"id":)"));
  EXPECT_THAT(written(), testing::EndsWith(R"("protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
                                           R"("readerFeatures":["deletionVectors"],)"
                                           R"("writerFeatures":["deletionVectors","domainMetadata"]}})"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(VersionChecksumTest, FollowsTheTableWhereverItWasLoadedFrom) {
  table_.put({TestTable::file("a"), TestTable::file("b")});
  const auto older = table_.load();
  SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *older, table_.clock, table_.random));
  table_.put({TestTable::removal_of(TestTable::file("a"))});
  const auto refreshed = Snapshot::refresh(table_.store, older);
  ASSERT_TRUE(refreshed);
  EXPECT_THAT(version_checksum(**refreshed), HasSubstr(R"("tableSizeBytes":100,"numFiles":1,)"));
  EXPECT_EQ(version_checksum(**refreshed), version_checksum(*table_.load()));
}

TEST_F(VersionChecksumTest, StatesTheInCommitTimestamp) {  // a millisecond after the commit before
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.enableInCommitTimestamps"] = "true";
  Transaction transaction(table_.store, table_.clock, table_.random, table_.load());
  CommitRequest request;
  request.actions = {metadata, upgraded_protocol(table_.load()->protocol(), {"inCommitTimestamp"})};
  request.info.operation = "SET TBLPROPERTIES";
  const auto outcome = std::move(transaction).commit(std::move(request));
  ASSERT_TRUE(outcome) << outcome.error().message();
  write();
  EXPECT_THAT(written(), HasSubstr(R"("inCommitTimestampOpt":1700000000001,)"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(VersionChecksumTest, LeavesOutListsThatAreLong) {
  std::vector<Action> many;
  for (std::size_t i = 0; i <= kChecksumEntriesMax; ++i)
    many.emplace_back(SetTransaction{"app" + std::to_string(i), 1, std::nullopt});
  table_.put(std::move(many));
  write();
  EXPECT_THAT(written(), Not(HasSubstr("setTransactions")));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(VersionChecksumTest, NeverReplacesOne) {
  ASSERT_TRUE(table_.store.put(key(), "another's"));
  write();
  EXPECT_EQ(written(), "another's");
}

TEST_F(VersionChecksumTest, ATableWeMayNotWriteGetsNone) {
  table_.put({Protocol{1, 7, std::nullopt, std::set<std::string>{"checkpointProtection"}}});
  EXPECT_EQ(write_version_checksum(table_.store, *table_.load()).error().code(), ErrorCode::Unsupported);
}

TEST_F(VersionChecksumTest, AFailureIsOfNoConsequence) {
  for (const auto moment : {store::Fault::Moment::Before, store::Fault::Moment::After}) {
    store::FaultStore failing(table_.store, {{store::Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, moment}});
    EXPECT_EQ(write_version_checksum(failing, *table_.load()).error().code(), ErrorCode::Unavailable);
    EXPECT_THAT(findings(), IsEmpty());
  }
}

TEST_F(VersionChecksumTest, VerifyNamesEachThingThatIsNotSo) {
  CommitInfo info;
  info.operation = "WRITE";
  info.txn_id = "the-commit";
  table_.put({info, Protocol{1, 7, std::nullopt, std::set<std::string>{"domainMetadata"}}, TestTable::file("a"),
              SetTransaction{"app", 7, std::nullopt}, DomainMetadata{"d", "{}", false}});
  const std::string good = version_checksum(*table_.load());
  const std::pair<const char*, const char*> damages[] = {{"the-commit", "a-commit"},
                                                         {"\"tableSizeBytes\":100", "\"tableSizeBytes\":99"},
                                                         {"\"numFiles\":1", "\"numFiles\":2"},
                                                         {"\"numProtocol\":1", "\"numProtocol\":2"},
                                                         {"\"version\":7", "\"version\":8"},
                                                         {"\"configuration\":\"{}\"", "\"configuration\":\"{ }\""},
                                                         {"parquet", "orc"},
                                                         {"\"minWriterVersion\":7", "\"minWriterVersion\":6"},
                                                         {"[{\"appId\":\"app\",\"version\":7}]", "[]"}};
  for (const auto& [from, to] : damages) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    ASSERT_TRUE(table_.store.put(key(), bad.replace(at, std::string_view(from).size(), to)));
    EXPECT_THAT(findings(), ElementsAre(HasSubstr(key()))) << to;
  }
  ASSERT_TRUE(table_.store.put(key(), good));
  EXPECT_THAT(findings(), IsEmpty());
}

}  // namespace
}  // namespace sluice::delta
