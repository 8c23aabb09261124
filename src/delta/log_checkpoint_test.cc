#include "delta/log_checkpoint.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "delta/delta_test_table.h"
#include "delta/file_statistics.h"
#include "delta/internal/checkpoint_reader.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class LogCheckpointTest : public ::testing::Test {
 protected:
  void write() { SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random)); }

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

/// A table of many types whose log checkpoints have statistics in one form or both.
class StructStatisticsTest : public LogCheckpointTest {
 protected:
  using Kind = DataType::Kind;

  static StructField field(std::string name, DataType type) { return {std::move(name), std::move(type), true, {}}; }

  void create(const std::string& as_json, const std::string& policy) {
    const DataType schema = DataType::structure(
        {field("id", DataType::primitive(Kind::Long)), field("b", DataType::primitive(Kind::Byte)),
         field("d", DataType::primitive(Kind::Double)), field("dec", DataType::decimal(38, 2)),
         field("day", DataType::primitive(Kind::Date)), field("at", DataType::primitive(Kind::Timestamp)),
         field("here", DataType::primitive(Kind::TimestampNtz)), field("name", DataType::primitive(Kind::String)),
         field("flag", DataType::primitive(Kind::Boolean)),
         field("r", DataType::structure({field("m", DataType::primitive(Kind::Integer))})),
         field("list", DataType::array(DataType::primitive(Kind::Long))), field("p", DataType::primitive(Kind::Date))});
    auto actions = create_table_actions({schema,
                                         {"p"},
                                         {{"delta.checkpoint.writeStatsAsStruct", "true"},
                                          {"delta.checkpoint.writeStatsAsJson", as_json},
                                          {"delta.enableDeletionVectors", "true"},
                                          {"delta.checkpointPolicy", policy}},
                                         std::nullopt,
                                         std::nullopt},
                                        table_.clock, table_.random);
    SLUICE_CHECK_OK(actions);
    table_.put(std::move(*actions));
  }

  static AddFile file(std::string path, std::optional<std::string> stats, std::optional<std::string> day = {}) {
    AddFile add = TestTable::file(std::move(path));
    add.stats = std::move(stats);
    add.partition_values = {{"p", std::move(day)}};
    return add;
  }

  static constexpr const char* kStats =
      R"({"numRecords":9,"minValues":{"id":-3,"b":-128,"d":-0.5,"dec":-123456789012345678901234567890123456.78,)"
      R"("day":"2024-02-29","at":"1969-12-31T23:59:59.123Z","name":"a\"\\\u0001é","r":{"m":5}},"maxValues":{"id":9007199254740993,)"
      R"("b":127,"d":1e+300,"dec":0.10,"day":"9999-12-31","at":"2024-02-29T12:00:00.456Z","name":"zz","r":{"m":7}},)"
      R"("nullCount":{"id":0,"b":1,"d":2,"dec":3,"day":4,"at":5,"here":6,"name":7,"flag":8,"r":{"m":9},"list":1},"tightBounds":false})";
};

class StructStatisticsInBothFormsTest : public StructStatisticsTest,
                                        public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Policies, StructStatisticsInBothFormsTest, ::testing::Values("classic", "v2"),
                         [](const auto& policy) { return std::string(policy.param); });

TEST_P(StructStatisticsInBothFormsTest, SayWhatTheJsonFormSays) {
  create("false", GetParam());
  AddFile marked =
      TestTable::with_vector(file("marked", R"({"numRecords":4,"tightBounds":false})", "2024-02-29"), "dv", 1);
  table_.put({file("a", kStats, "2024-02-29"), file("b", std::nullopt), file("c", "damaged"), marked,
              TestTable::removal_of(TestTable::file("gone")),
              file("n", R"({"numRecords":1,"minValues":{"b":300,"here":"2024-01-01T00:00:00.001","day":"no day"}})")});
  write();
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  const auto after = table_.load();
  EXPECT_EQ(*read_statistics(*after->files().find_path("a")->stats), *read_statistics(kStats));
  EXPECT_EQ(after->files().find_path("b")->stats, std::nullopt);
  EXPECT_EQ(after->files().find_path("c")->stats, std::nullopt);
  EXPECT_EQ(*read_num_records(*after->files().find_path("marked")->stats), 4);
  // What is no value of the type, or may be one of another zone, is not known.
  EXPECT_EQ(after->files().find_path("n")->stats, R"({"numRecords":1})");
  EXPECT_EQ(after->files().find_path("a")->partition_values, (PartitionValues{{"p", "2024-02-29"}}));
}

TEST_F(StructStatisticsTest, AreTypedColumnsThatDuckDbReads) {
  create("true", "classic");
  table_.put({file("a", kStats, "2024-02-29"), file("b", std::nullopt, std::nullopt)});
  write();
  const auto folder = std::filesystem::path(::testing::TempDir()) / "struct_statistics";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "c.parquet", std::ios::binary) << **table_.store.get(checkpoint_key(table_.load()->version()));
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  const auto result = connection.Query(
      "SELECT \"add\".stats, \"add\".stats_parsed.numRecords, \"add\".stats_parsed.minValues.dec, "
      "\"add\".stats_parsed.maxValues.at, \"add\".stats_parsed.minValues.name, \"add\".stats_parsed.nullCount.list, "
      "\"add\".stats_parsed.maxValues.r.m, \"add\".partitionValues_parsed.p FROM '" +
      (folder / "c.parquet").string() + "' WHERE \"add\".path IS NOT NULL ORDER BY \"add\".path");
  ASSERT_FALSE(result->HasError()) << result->GetError();
  ASSERT_EQ(result->RowCount(), 2u);
  EXPECT_EQ(result->GetValue(0, 0), duckdb::Value(kStats));
  EXPECT_EQ(result->GetValue(1, 0), duckdb::Value::BIGINT(9));
  EXPECT_EQ(result->GetValue(2, 0).ToString(), "-123456789012345678901234567890123456.78");
  EXPECT_EQ(result->types[3], duckdb::LogicalType::TIMESTAMP_TZ);
  EXPECT_EQ(result->GetValue(3, 0).GetValueUnsafe<std::int64_t>(), 1'709'208'000'456'000);
  EXPECT_EQ(result->GetValue(4, 0), duckdb::Value("a\"\\\x01é"));
  EXPECT_EQ(result->GetValue(5, 0), duckdb::Value::BIGINT(1));
  EXPECT_EQ(result->GetValue(6, 0), duckdb::Value::INTEGER(7));
  EXPECT_EQ(result->GetValue(7, 0), duckdb::Value::DATE(2024, 2, 29));
  for (duckdb::idx_t column = 0; column < 8; ++column) EXPECT_TRUE(result->GetValue(column, 1).IsNull()) << column;
  std::filesystem::remove_all(folder);
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
    const Status status = write_log_checkpoint(failing, *table_.load(), table_.clock, table_.random);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::ResourceExhausted);
    EXPECT_EQ(failing.struck_count(), 1u);
    EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a"));
    EXPECT_EQ(*table_.store.get(kLastCheckpointKey), std::nullopt);
  }
}

/// Tables with delta.checkpointPolicy v2.
class V2LogCheckpointTest : public LogCheckpointTest {
 protected:
  V2LogCheckpointTest() { table_.create({{"delta.checkpointPolicy", "v2"}}); }

  std::vector<std::string> sidecars() {
    std::vector<std::string> keys;
    auto listing = table_.store.list(kSidecarFolder, "");
    SLUICE_CHECK_OK(listing);
    for (const auto& info : *listing) keys.push_back(info.key);
    return keys;
  }

  void remove_commits(int last) {
    for (int version = 0; version <= last; ++version)
      SLUICE_CHECK_OK(table_.store.remove(commit_key(Version(version))));
  }
};

TEST_F(V2LogCheckpointTest, HoldsTheStateInAManifestAndASidecar) {
  const AddFile gone = TestTable::file("gone");
  table_.put({TestTable::file("a"), TestTable::file("b"), gone, SetTransaction{"app", 7, std::nullopt}});
  table_.put({removed_at(gone, table_.clock.now())});
  const auto before = table_.load();
  ASSERT_THAT(*before->protocol().reader_features, ::testing::Contains("v2Checkpoint"));
  write();
  ASSERT_EQ(sidecars().size(), 1u);
  const auto named = read(internal::CheckpointContent::Sidecars);
  ASSERT_EQ(named.size(), 1u);
  EXPECT_EQ(std::string(kSidecarFolder) + std::get<Sidecar>(named[0]).path, sidecars()[0]);
  EXPECT_EQ(std::get<Sidecar>(named[0]).size_bytes,
            static_cast<std::int64_t>((*table_.store.head(sidecars()[0]))->size_bytes));
  remove_commits(2);
  const auto after = table_.load();
  EXPECT_EQ(after->checkpoint_version(), Version(2));
  EXPECT_EQ(after->protocol(), before->protocol());
  EXPECT_EQ(after->metadata(), before->metadata());
  EXPECT_EQ(after->transactions(), before->transactions());
  EXPECT_THAT(TestTable::paths(*after), ElementsAre("a", "b"));
  EXPECT_THAT(tombstones(), ElementsAre("gone"));
  // checkpointMetadata, protocol, metaData, txn and sidecar; two files and a tombstone.
  EXPECT_THAT(**table_.store.get(kLastCheckpointKey), ::testing::HasSubstr("\"size\":8"));
}

TEST_F(V2LogCheckpointTest, TheManifestHasTheColumnsOfFilesToo) {
  table_.put({TestTable::file("a")});
  write();
  // Spark fails on a log checkpoint without the columns add and remove, the only ones with a member baseRowId.
  EXPECT_THAT(**table_.store.get(checkpoint_key(Version(1))), ::testing::HasSubstr("baseRowId"));
}

TEST_F(V2LogCheckpointTest, AnEmptyTableNeedsNoSidecar) {
  write();
  EXPECT_THAT(sidecars(), IsEmpty());
  remove_commits(0);
  EXPECT_TRUE(table_.load()->files().empty());
}

TEST_F(V2LogCheckpointTest, ManyFilesFillManySidecars) {
  std::vector<Action> adds;
  for (std::size_t i = 0; i <= kSidecarActionsMax; ++i) {
    AddFile file;
    file.path = std::to_string(i);
    adds.emplace_back(std::move(file));
  }
  table_.put(std::move(adds));
  write();
  EXPECT_EQ(sidecars().size(), 2u);
  remove_commits(1);
  EXPECT_EQ(table_.load()->files().size(), kSidecarActionsMax + 1);
}

TEST_F(V2LogCheckpointTest, IsReplacedWhole) {
  table_.put({TestTable::file("a")});
  write();
  write();
  EXPECT_EQ(sidecars().size(), 2u);  // a reader may be at the first one
  remove_commits(1);
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a"));
}

TEST_F(V2LogCheckpointTest, WithoutASoundSidecarItIsPassedOverOrNamed) {
  table_.put({TestTable::file("a"), TestTable::file("b")});
  write();
  const std::string key = sidecars()[0];
  const Bytes good = **table_.store.get(key);
  for (const bool commits_there : {true, false}) {
    if (!commits_there) remove_commits(1);
    for (const std::optional<Bytes>& bad :
         {std::optional<Bytes>(), std::optional<Bytes>(""), std::optional<Bytes>(good.substr(0, good.size() / 2)),
          std::optional<Bytes>(good.substr(1))}) {
      ASSERT_TRUE(bad ? table_.store.put(key, *bad) : table_.store.remove(key));
      const auto loaded = Snapshot::load(table_.store);
      if (commits_there) {
        ASSERT_TRUE(loaded);
        EXPECT_EQ(TestTable::paths(**loaded), (std::vector<std::string>{"a", "b"}));
      } else {
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().code(), ErrorCode::Corruption);
        EXPECT_THAT(loaded.error().message(), ::testing::HasSubstr(key));
      }
    }
  }
}

TEST_F(V2LogCheckpointTest, AFailureLeavesTheTableAsItWas) {
  table_.put({TestTable::file("a")});
  for (const char* part : {"_sidecars/", ".checkpoint.parquet"}) {
    for (const auto operation : {store::Operation::Create, store::Operation::Append, store::Operation::Finish}) {
      store::FaultStore failing(table_.store,
                                {{operation, part, 1, ErrorCode::ResourceExhausted, store::Fault::Moment::Before}});
      const Status status = write_log_checkpoint(failing, *table_.load(), table_.clock, table_.random);
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().code(), ErrorCode::ResourceExhausted);
      EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a"));
      EXPECT_EQ(table_.load()->checkpoint_version(), kNoVersion);
    }
  }
}

TEST_F(LogCheckpointTest, ThePolicyAloneAsksForNoFormThatTheProtocolDoesNotName) {
  table_.create();
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.checkpointPolicy"] = "v2";
  table_.put({metadata, TestTable::file("a")});
  write();
  EXPECT_THAT(read(internal::CheckpointContent::Sidecars), IsEmpty());
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a"));
}

TEST_F(LogCheckpointTest, ATableWeMayNotWriteGetsNone) {
  table_.create();
  table_.put({Protocol{1, 7, std::nullopt, std::set<std::string>{"checkpointProtection"}}});
  EXPECT_EQ(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random).error().code(),
            ErrorCode::Unsupported);
}

}  // namespace
}  // namespace sluice::delta
