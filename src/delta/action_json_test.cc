#include "delta/action_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::delta {
namespace {

using ::testing::HasSubstr;

UnixMillis millis(std::int64_t value) { return UnixMillis(std::chrono::milliseconds(value)); }

/// Reads one action; stops the test if there is not exactly one.
Action read_one(std::string_view line) {
  const auto actions = read_actions(line, "0.json");
  SLUICE_CHECK_OK(actions);
  SLUICE_CHECK(actions->size() == 1, "one action was expected");
  return actions->front();
}

TEST(ActionJsonTest, ReadsAnAddWithEveryField) {
  const auto add = std::get<AddFile>(read_one(
      R"({"add":{"path":"p=1/a.parquet","partitionValues":{"p":"1","q":null},"size":12,"modificationTime":3,)"
      R"("dataChange":false,"stats":"{\"numRecords\":1}","tags":{"t":"u"},"baseRowId":7,"defaultRowCommitVersion":8,)"
      R"("clusteringProvider":"liquid","deletionVector":{"storageType":"u","pathOrInlineDv":"ab","offset":1,)"
      R"("sizeInBytes":34,"cardinality":2}}})"));
  EXPECT_EQ(add.path, "p=1/a.parquet");
  EXPECT_EQ(add.partition_values, (PartitionValues{{"p", "1"}, {"q", std::nullopt}}));
  EXPECT_EQ(add.size_bytes, 12);
  EXPECT_EQ(add.modification_time, millis(3));
  EXPECT_FALSE(add.data_change);
  EXPECT_EQ(add.stats, "{\"numRecords\":1}");
  EXPECT_EQ(add.tags, (Tags{{"t", "u"}}));
  EXPECT_EQ(add.base_row_id, 7);
  EXPECT_EQ(add.default_row_commit_version, 8);
  EXPECT_EQ(add.clustering_provider, "liquid");
  ASSERT_TRUE(add.deletion_vector.has_value());
  EXPECT_EQ(add.deletion_vector->unique_id(), "uab@1");
  EXPECT_EQ(add.deletion_vector->cardinality, 2);
}

TEST(ActionJsonTest, NumbersMayBeWrittenInOtherWays) {
  const auto add = std::get<AddFile>(read_one(
      R"({"add":{"path":"a","partitionValues":{},"size":1.0E3,"modificationTime":"17","dataChange":"true"}})"));
  EXPECT_EQ(add.size_bytes, 1000);
  EXPECT_EQ(add.modification_time, millis(17));
  EXPECT_TRUE(add.data_change);
}

TEST(ActionJsonTest, UnknownActionsAndFieldsAreIgnored) {
  const auto actions = read_actions(
      "{\"fancy\":{\"a\":[1]}}\n"
      "{\"txn\":{\"appId\":\"a\",\"version\":3,\"new\":{\"x\":1}},\"commitInfo\":null}\n",
      "0.json");
  ASSERT_TRUE(actions);
  ASSERT_EQ(actions->size(), 1u);
  EXPECT_EQ(actions->front(), Action(SetTransaction{"a", 3, std::nullopt}));
}

TEST(ActionJsonTest, BlankLinesOtherEndsAndAnEmptyFileAreFine) {
  EXPECT_TRUE(read_actions("", "0.json")->empty());
  EXPECT_EQ(read_actions("\n  \r\n{\"txn\":{\"appId\":\"a\",\"version\":1}}\r\n\n"
                         "{\"txn\":{\"appId\":\"b\",\"version\":1}}",
                         "0.json")
                ->size(),
            2u);
}

TEST(ActionJsonTest, OfEqualNamesInCommitInfoTheFirstCounts) {
  const auto actions = read_actions(
      R"({"commitInfo":{"operation":"WRITE","isBlindAppend":{"mode":"Append"},"isBlindAppend":true}})", "7.json");
  ASSERT_TRUE(actions) << actions.error().message();
  const auto& info = std::get<CommitInfo>(actions->front());
  EXPECT_EQ(info.is_blind_append, std::nullopt);
  EXPECT_EQ(info.other.at("isBlindAppend"), R"({"mode":"Append"})");
  EXPECT_EQ(*read_actions(write_actions(*actions), "7.json"), *actions);
}

TEST(ActionJsonTest, CommitInfoTakesAnythingAndKeepsIt) {
  const auto info = std::get<CommitInfo>(read_one(
      R"({"commitInfo":{"timestamp":5,"operation":"WRITE","operationParameters":{"mode":"Append","n":3,"l":[1,2]},)"
      R"("readVersion":"x","isBlindAppend":true,"engineInfo":"e","txnId":"t","custom":{"a":1},"tags":7}})"));
  EXPECT_EQ(info.timestamp, millis(5));
  EXPECT_EQ(info.operation_parameters,
            (std::map<std::string, std::string>{{"l", "[1,2]"}, {"mode", "Append"}, {"n", "3"}}));
  EXPECT_EQ(info.read_version, std::nullopt);
  EXPECT_EQ(info.txn_id, "t");
  EXPECT_EQ(info.other.at("custom"), "{\"a\":1}");
  EXPECT_EQ(info.other.at("readVersion"), "\"x\"");
}

TEST(ActionJsonTest, EveryActionReadsBackEqual) {
  AddFile add;
  add.path = "a%20\"b\".parquet";
  add.partition_values = {{"p", std::nullopt}, {"q", "\xc3\xa4\n"}};
  add.size_bytes = INT64_MAX;
  add.modification_time = millis(-1);
  add.data_change = false;
  add.stats = "{\"numRecords\":1,\"minValues\":{\"s\":\"\\u0001\"}}";
  add.tags = {{"t", std::nullopt}};
  add.deletion_vector = DeletionVectorDescriptor{'i', "0r#", std::nullopt, 4, 1};
  add.base_row_id = 0;
  RemoveFile bare;
  bare.path = "gone";
  RemoveFile full;
  full.path = "gone";
  full.deletion_timestamp = millis(9);
  full.data_change = false;
  full.extended_file_metadata = true;
  full.partition_values = PartitionValues{};
  full.size_bytes = 3;
  full.stats = "{}";
  full.deletion_vector = DeletionVectorDescriptor{'u', "x", 1, 2, 3};
  Metadata metadata;
  metadata.id = "id";
  metadata.name = "n";
  metadata.schema_string = "{\"type\":\"struct\",\"fields\":[]}";
  metadata.partition_columns = {"b", "a"};
  metadata.configuration = {{"k", "v"}};
  metadata.created_time = millis(4);
  CommitInfo info;
  info.timestamp = millis(1);
  info.operation = "WRITE";
  info.operation_parameters = {{"mode", "\"Append\""}};
  info.operation_metrics = {{"numOutputRows", "3"}};
  info.read_version = Version(4);
  info.is_blind_append = false;
  info.other = {{"sluice", "{\"epoch\":3}"}};

  const std::vector<Action> actions = {
      info,
      Protocol{3, 7, std::set<std::string>{"deletionVectors"}, std::set<std::string>{"appendOnly", "deletionVectors"}},
      Protocol{1, 2, std::nullopt, std::nullopt},
      metadata,
      SetTransaction{"app", 12, millis(5)},
      DomainMetadata{"d", "{}", true},
      bare,
      full,
      add,
      AddCdcFile{"_change_data/x", {{"p", "1"}}, 5, false, {}},
      Sidecar{"s.parquet", 6, millis(7), {}},
      CheckpointMetadata{Version(8), {}},
  };
  EXPECT_EQ(*read_actions(write_actions(actions), "0.json"), actions);
}

TEST(ActionJsonTest, DamageIsNamedWithFileAndLine) {
  const std::string good = "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n";
  for (const char* bad : {"{\"add\":{\"path\":\"a", "nonsense", "[1]", "{\"add\":7}", "{\"add\":{\"size\":1}}",
                          "{\"add\":{\"path\":\"a\"}}", "{\"add\":{\"path\":\"a\",\"size\":\"many\"}}",
                          "{\"txn\":{\"appId\":\"a\",\"version\":1.5}}", "{\"txn\":{\"appId\":\"\xff\",\"version\":1}}",
                          "{\"protocol\":{\"minReaderVersion\":1}}", "{} {}"}) {
    const auto actions = read_actions(good + bad, "_delta_log/00000000000000000003.json");
    ASSERT_FALSE(actions) << bad;
    EXPECT_EQ(actions.error().code(), ErrorCode::Corruption) << bad;
    EXPECT_THAT(actions.error().message(), HasSubstr("00000000000000000003.json, line 2")) << bad;
  }
}

TEST(ActionJsonTest, EveryTruncationIsAnErrorOrAShorterCommit) {
  const std::string commit = "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"add\":{\"path\":\"x\",\"size\":1}}\n";
  const std::size_t first_line = commit.find('\n');
  for (std::size_t size = 0; size < commit.size(); ++size) {
    const auto actions = read_actions(std::string_view(commit).substr(0, size), "0.json");
    const bool whole_lines = size == 0 || size == first_line || size == first_line + 1 || size == commit.size() - 1;
    EXPECT_EQ(actions.has_value(), whole_lines) << size;
  }
}

TEST(ActionJsonTest, FlippedBitsNeverCrash) {
  AddFile add;
  add.path = "part-0.parquet";
  add.stats = "{\"numRecords\":1}";
  const Bytes commit = write_actions(std::vector<Action>{Action(add), Action(SetTransaction{"a", 1, std::nullopt})});
  for (std::size_t at = 0; at < commit.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = commit;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      const auto actions = read_actions(flipped, "0.json");
      if (!actions) {
        EXPECT_EQ(actions.error().code(), ErrorCode::Corruption);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::delta
