#include "delta/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"
#include "delta/log_checkpoint.h"
#include "store/fault_store.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TransactionTest : public ::testing::Test {
 protected:
  CommitRequest request(std::vector<Action> actions, ReadSet reads = {}) {
    CommitRequest request;
    request.actions = std::move(actions);
    request.info.operation = "WRITE";
    request.reads = std::move(reads);
    return request;
  }

  Result<PreparedCommit> prepared(std::vector<Action> actions) {
    const auto snapshot = *Snapshot::load(table_.store);
    return prepare(snapshot.get(), request(std::move(actions)), table_.clock, table_.random);
  }

  Result<CommitOutcome> commit(std::shared_ptr<const Snapshot> base, CommitRequest what) {
    return Transaction(table_.store, table_.clock, table_.random, std::move(base)).commit(std::move(what));
  }

  Error refusal(std::vector<Action> actions) {
    const auto result = prepared(std::move(actions));
    SLUICE_CHECK(!result.has_value(), "a refusal was expected");
    return result.error();
  }

  CommitInfo commit_info(Version version) { return std::get<CommitInfo>(load_commit(table_.store, version)->front()); }

  TestTable table_;
};

TEST_F(TransactionTest, CreatesATable) {
  const auto actions = create_table_actions({TestTable::schema(), {}, {}, {}, {}}, table_.clock, table_.random);
  const auto outcome = commit(nullptr, request(*actions));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(std::get<Committed>(*outcome).version, Version(0));
  EXPECT_EQ(table_.load()->schema(), TestTable::schema());
  EXPECT_EQ(commit_info(Version(0)).read_version, std::nullopt);
}

TEST_F(TransactionTest, OneOfTwoCreatorsWins) {
  const auto actions = create_table_actions({TestTable::schema(), {}, {}, {}, {}}, table_.clock, table_.random);
  ASSERT_TRUE(commit(nullptr, request(*actions)));
  const auto second = commit(nullptr, request(*actions));
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<Conflict>(*second).kind, ConflictKind::TableCreated);
}

TEST_F(TransactionTest, TheCommitSaysWhoDidWhat) {
  table_.create();
  CommitRequest what = request({TestTable::file("a"), SetTransaction{"app", 1, {}}});
  what.info.operation_parameters = {{"mode", "\"Append\""}};
  what.info.operation_metrics = {{"numFiles", "1"}};
  ASSERT_TRUE(commit(table_.load(), what));
  const auto actions = *load_commit(table_.store, Version(1));
  const auto& info = std::get<CommitInfo>(actions.front());
  EXPECT_EQ(info.operation, "WRITE");
  EXPECT_EQ(info.read_version, Version(0));
  EXPECT_EQ(info.is_blind_append, true);
  EXPECT_EQ(info.isolation_level, "Serializable");
  EXPECT_EQ(info.timestamp, table_.clock.now());
  EXPECT_EQ(info.operation_metrics.at("numFiles"), "1");
  EXPECT_TRUE(info.txn_id.has_value());
  EXPECT_EQ(table_.load()->transaction_version("app"), 1);
}

TEST_F(TransactionTest, RowsThatNobodyHeldAgainstTheConstraintsAreRefused) {
  table_.create();
  Metadata metadata = table_.load()->metadata();
  metadata.configuration["delta.constraints.positive"] = "id > 0";
  table_.put({std::move(metadata)});
  CommitRequest append = request({TestTable::file("a")});
  const auto refused = commit(table_.load(), append);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().number(), 4204u);
  EXPECT_THAT(refused.error().message(), HasSubstr("constraint positive (id > 0)"));
  append.rows_checked = true;
  EXPECT_TRUE(commit(table_.load(), append));
  // Nor does such a writer make a table that it could not write.
  Metadata another = table_.load()->metadata();
  another.configuration["delta.constraints.named"] = "name IS NOT NULL";
  EXPECT_FALSE(commit(table_.load(), request({std::move(another)})));
}

TEST_F(TransactionTest, AnAppendFollowsTheAppendsThatCameFirst) {
  table_.create();
  const auto base = table_.load();
  table_.put({TestTable::file("a")});
  table_.put({TestTable::file("b")});
  const auto outcome = commit(base, request({TestTable::file("c")}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(std::get<Committed>(*outcome).version, Version(3));
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a", "b", "c"));
  EXPECT_EQ(commit_info(Version(3)).read_version, Version(2));
}

TEST_F(TransactionTest, AConflictWritesNothing) {
  table_.create();
  const auto base = table_.load();
  table_.put({TestTable::file("a"), SetTransaction{"app", 5, {}}});
  const auto outcome = commit(base, request({TestTable::file("b"), SetTransaction{"app", 5, {}}}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(std::get<Conflict>(*outcome).winner, Version(1));
  EXPECT_EQ(std::get<Conflict>(*outcome).kind, ConflictKind::TransactionAhead);
  EXPECT_EQ(table_.load()->version(), Version(1));
}

TEST_F(TransactionTest, RacesEndAfterTheAllowedAttempts) {
  table_.create();
  /// Another writer that takes every version just before we do.
  class Rival final : public store::ObjectStore {
   public:
    explicit Rival(store::ObjectStore& inner) : inner_(inner) {}
    Result<std::optional<Bytes>> get(std::string_view key) override { return inner_.get(key); }
    Result<std::unique_ptr<store::RandomReader>> open(std::string_view key) override { return inner_.open(key); }
    Result<std::optional<store::ObjectInfo>> head(std::string_view key) override { return inner_.head(key); }
    Result<std::vector<store::ObjectInfo>> list(std::string_view prefix, std::string_view after) override {
      return inner_.list(prefix, after);
    }
    Status put(std::string_view key, BytesView bytes) override { return inner_.put(key, bytes); }
    Result<store::PutOutcome> put_if_absent(std::string_view key, BytesView bytes) override {
      ++attempt_count;
      SLUICE_TRY(inner_.put_if_absent(key, write_actions(std::vector<Action>{TestTable::file(std::string(key))})));
      return inner_.put_if_absent(key, bytes);
    }
    Result<std::unique_ptr<store::ObjectWriter>> create(std::string_view key) override { return inner_.create(key); }
    Status remove(std::string_view key) override { return inner_.remove(key); }
    int attempt_count = 0;

   private:
    store::ObjectStore& inner_;
  };
  Rival rival(table_.store);
  CommitPolicy policy;
  policy.attempts_max = 4;
  const UnixMillis before = table_.clock.now();
  const auto outcome =
      Transaction(rival, table_.clock, table_.random, table_.load()).commit(request({TestTable::file("ours")}), policy);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(std::get<Conflict>(*outcome).kind, ConflictKind::VersionTaken);
  EXPECT_EQ(rival.attempt_count, 4);
  EXPECT_GT(table_.clock.now(), before);
}

TEST_F(TransactionTest, AStopEndsTheWait) {
  table_.create();
  const auto base = table_.load();
  table_.put({TestTable::file("a")});
  std::stop_source stop;
  stop.request_stop();
  const auto outcome = Transaction(table_.store, table_.clock, table_.random, base)
                           .commit(request({TestTable::file("b")}), CommitPolicy(), stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::Cancelled);
}

TEST_F(TransactionTest, PublishingTwiceCommitsOnce) {
  table_.create();
  const auto ours = prepared({TestTable::file("a"), SetTransaction{"app", 1, {}}});
  ASSERT_TRUE(ours);
  EXPECT_EQ(std::get<Committed>(*publish(table_.store, *ours)).version, Version(1));
  EXPECT_EQ(std::get<Committed>(*publish(table_.store, *ours)).version, Version(1));
  ASSERT_TRUE(table_.store.put(commit_key(Version(2)), write_actions(std::vector<Action>{TestTable::file("b")})));
  EXPECT_EQ(std::get<Committed>(*publish(table_.store, *ours)).version, Version(1));
  EXPECT_EQ(table_.load()->files().size(), 2u);
}

TEST_F(TransactionTest, AnothersCommitIsAConflict) {
  table_.create();
  const auto ours = prepared({TestTable::file("a")});
  const auto theirs = prepared({TestTable::file("b")});
  ASSERT_TRUE(publish(table_.store, *theirs));
  EXPECT_EQ(std::get<Conflict>(*publish(table_.store, *ours)).kind, ConflictKind::VersionTaken);
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("b"));
}

TEST_F(TransactionTest, ALostReplyIsUnknownUntilResolved) {
  table_.create();
  const auto ours = prepared({TestTable::file("a")});
  for (const store::Fault::Moment moment : {store::Fault::Moment::Before, store::Fault::Moment::After}) {
    store::FaultStore failing(table_.store, {{store::Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, moment}});
    const auto outcome = publish(failing, *ours);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(std::get<Unknown>(*outcome).attempted, Version(1));
    const auto resolved = resolve(failing, *ours);
    ASSERT_TRUE(resolved);
    EXPECT_EQ(resolved->has_value(), moment == store::Fault::Moment::After);
  }
  EXPECT_TRUE(std::holds_alternative<Committed>(*publish(table_.store, *ours)));
}

TEST_F(TransactionTest, AFullDiskIsAnErrorAndCanBeTriedAgain) {
  table_.create();
  const auto ours = prepared({TestTable::file("a")});
  store::FaultStore failing(table_.store, {{store::Operation::PutIfAbsent, "", 1, ErrorCode::ResourceExhausted,
                                            store::Fault::Moment::Before}});
  EXPECT_EQ(publish(failing, *ours).error().code(), ErrorCode::ResourceExhausted);
  EXPECT_TRUE(std::holds_alternative<Committed>(*publish(failing, *ours)));
}

TEST_F(TransactionTest, AnErrorAfterTheEffectIsNoFailure) {
  table_.create();
  const auto ours = prepared({TestTable::file("a")});
  store::FaultStore failing(table_.store, {{store::Operation::PutIfAbsent, "", 1, ErrorCode::ResourceExhausted,
                                            store::Fault::Moment::After}});
  const auto outcome = publish(failing, *ours);
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(std::holds_alternative<Committed>(*outcome));
}

TEST_F(TransactionTest, AnErrorAfterALostAnswerIsUnknown) {
  table_.create();
  store::FaultStore failing(
      table_.store,
      {{store::Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, store::Fault::Moment::Before},
       {store::Operation::PutIfAbsent, "", 2, ErrorCode::ResourceExhausted, store::Fault::Moment::Before}});
  const auto outcome =
      Transaction(failing, table_.clock, table_.random, table_.load()).commit(request({TestTable::file("a")}));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(std::holds_alternative<Unknown>(*outcome));
}

class CleanedUpLogTest : public TransactionTest {
 protected:
  /// Commits on, checkpoints, and removes the commits up to and with `last`.
  void clean_up(int last) {
    SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
    for (int version = 0; version <= last; ++version)
      SLUICE_CHECK_OK(table_.store.remove(commit_key(Version(version))));
  }
};

TEST_F(CleanedUpLogTest, ACommitThatACheckpointCoversIsKnownByItsTransaction) {
  table_.create();
  const auto ours = prepared({TestTable::file("a"), SetTransaction{"app", 1, {}}});
  ASSERT_TRUE(publish(table_.store, *ours));
  clean_up(1);
  EXPECT_TRUE(std::holds_alternative<Committed>(*publish(table_.store, *ours)));
  EXPECT_FALSE(table_.store.head(commit_key(Version(1)))->has_value());
}

TEST_F(CleanedUpLogTest, ALostCommitIsNeverWrittenBehindACheckpoint) {
  table_.create();
  const auto ours = prepared({TestTable::file("a"), SetTransaction{"app", 1, {}}});
  table_.put({TestTable::file("b")});
  clean_up(1);
  EXPECT_TRUE(std::holds_alternative<Conflict>(*publish(table_.store, *ours)));
  EXPECT_FALSE(table_.store.head(commit_key(Version(1)))->has_value());
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("b"));
}

TEST_F(CleanedUpLogTest, ALostCreationIsNeverWrittenBehindACheckpoint) {
  const auto actions = create_table_actions({TestTable::schema(), {}, {}, {}, {}}, table_.clock, table_.random);
  const auto ours = prepare(nullptr, request(*actions), table_.clock, table_.random);
  ASSERT_TRUE(ours);
  table_.create();
  table_.put({TestTable::file("b")});
  clean_up(1);
  EXPECT_FALSE(std::holds_alternative<Committed>(*publish(table_.store, *ours)));
  EXPECT_FALSE(table_.store.head(commit_key(Version(0)))->has_value());
}

TEST_F(CleanedUpLogTest, TheVersionRightAfterACheckpointIsFree) {
  table_.create();
  table_.put({TestTable::file("a")});
  clean_up(1);
  const auto ours = prepared({TestTable::file("b")});
  EXPECT_TRUE(std::holds_alternative<Committed>(*publish(table_.store, *ours)));
  EXPECT_THAT(TestTable::paths(*table_.load()), ElementsAre("a", "b"));
}

TEST_F(CleanedUpLogTest, AVersionFarAheadIsRefused) {
  table_.create();
  auto ours = prepared({TestTable::file("b")});
  ours->version = Version(7);
  EXPECT_EQ(publish(table_.store, *ours).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(table_.load()->version(), Version(0));
}

// Whichever call to the store fails, and whether before or after its effect: the commit is made once or not at all, and
// whoever asks again with the same txnId gets it made.

using store::Fault;
using store::Operation;

struct Strike {
  Operation operation;
  std::uint64_t nth;
  Fault::Moment moment;
};

std::vector<Strike> all_strikes() {
  std::vector<Strike> strikes;
  for (const Operation operation : {Operation::Get, Operation::Head, Operation::List, Operation::PutIfAbsent}) {
    for (std::uint64_t nth = 1; nth <= 12; ++nth) {
      strikes.push_back({operation, nth, Fault::Moment::Before});
      strikes.push_back({operation, nth, Fault::Moment::After});
    }
  }
  return strikes;
}

/// How many commits of the log carry the txnId.
int count_commits(store::ObjectStore& store, const std::string& txn_id) {
  int count = 0;
  const auto listing = *store.list(kLogFolder);
  for (const auto& info : listing) {
    const auto path = parse_log_path(info.key);
    if (!path || path->kind != LogPath::Kind::Commit) continue;
    const auto actions = *load_commit(store, path->version);
    const auto* commit = actions.empty() ? nullptr : std::get_if<CommitInfo>(&actions.front());
    if (commit != nullptr && commit->txn_id == txn_id) ++count;
  }
  return count;
}

TEST(TransactionFaultTest, ACommitIsMadeOnceWhateverFails) {
  std::size_t struck = 0;
  for (const int winners : {0, 1, 2}) {
    for (const Strike& strike : all_strikes()) {
      SCOPED_TRACE(testing::Message() << "winners " << winners << ", operation " << static_cast<int>(strike.operation)
                                      << ", call " << strike.nth << ", moment " << static_cast<int>(strike.moment));
      TestTable table;
      table.create();
      const auto base = table.load();
      for (int i = 0; i < winners; ++i) table.put({TestTable::file("theirs" + std::to_string(i))});
      store::FaultStore store(table.store,
                              {Fault{strike.operation, "", strike.nth, ErrorCode::Unavailable, strike.moment}});
      CommitRequest request;
      request.actions = {TestTable::file("ours")};
      request.info.operation = "WRITE";
      request.info.txn_id = "our-id";
      const auto outcome = Transaction(store, table.clock, table.random, base).commit(request);
      struck += store.struck_count();

      const int made = count_commits(table.store, "our-id");
      EXPECT_LE(made, 1);
      const bool committed = outcome && std::holds_alternative<Committed>(*outcome);
      EXPECT_TRUE(!committed || made == 1);
      EXPECT_FALSE(outcome && std::holds_alternative<Conflict>(*outcome));

      const auto again = Transaction(table.store, table.clock, table.random, base).commit(request);
      ASSERT_TRUE(again);
      ASSERT_TRUE(std::holds_alternative<Committed>(*again));
      EXPECT_EQ(count_commits(table.store, "our-id"), 1);
      EXPECT_EQ(table.load()->files().size(), static_cast<std::size_t>(winners) + 1);
    }
  }
  EXPECT_GE(struck, 40U);  // or the calls are others than those listed
}

TEST(TransactionFaultTest, APutWhoseAnswerIsLostIsFoundByItsTxnId) {
  for (const auto moment : {Fault::Moment::Before, Fault::Moment::After}) {
    TestTable table;
    table.create();
    store::FaultStore store(table.store, {Fault{Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, moment}});
    CommitRequest request;
    request.actions = {TestTable::file("ours")};
    request.info.operation = "WRITE";
    const auto outcome = Transaction(store, table.clock, table.random, table.load()).commit(request);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(std::get<Committed>(*outcome).version, Version(1));
    EXPECT_EQ(store.struck_count(), 1U);
  }
}

TEST_F(TransactionTest, AReadOfAPartitionFollowsAppendsToOthers) {
  table_.put(*create_table_actions({TestTable::schema(), {"id"}, {}, {}, {}}, table_.clock, table_.random));
  const auto in_partition = [](std::string path, std::string id) {
    AddFile add = TestTable::file(std::move(path));
    add.partition_values = {{"id", std::move(id)}};
    return add;
  };
  table_.put({in_partition("a", "1")});
  const auto base = table_.load();
  table_.put({in_partition("b", "2")});
  const auto update = [&](std::string id) {
    RemoveFile remove = TestTable::removal_of(in_partition("a", "1"));
    return request({remove, in_partition("c", "1")}, ReadSet{false, {FilePredicate::equal("id", id)}, {"a"}, {}});
  };
  EXPECT_EQ(std::get<Conflict>(*commit(base, update("2"))).kind, ConflictKind::FilesAdded);
  const auto outcome = commit(base, update("1"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(std::get<Committed>(*outcome).version, Version(3));
  EXPECT_EQ(commit_info(Version(3)).is_blind_append, false);
}

TEST_F(TransactionTest, TheIsolationOfATransactionIsItsOwn) {
  table_.create();
  table_.put({TestTable::file("a")});
  const auto base = table_.load();
  ASSERT_TRUE(commit(base, request({TestTable::file("b")})));
  CommitRequest deletion = request({TestTable::removal_of(TestTable::file("a"))}, ReadSet{true, {}, {}, {}});
  EXPECT_EQ(std::get<Conflict>(*commit(base, deletion)).kind, ConflictKind::FilesAdded);
  deletion.isolation = IsolationLevel::WriteSerializable;
  ASSERT_TRUE(std::holds_alternative<Committed>(*commit(base, deletion)));
  EXPECT_EQ(commit_info(Version(3)).isolation_level, "WriteSerializable");
}

// What would make an invalid table is refused before anything is written.

TEST_F(TransactionTest, RefusesContradictions) {
  table_.create();
  table_.put({TestTable::file("a")});
  const AddFile a = TestTable::file("a");
  EXPECT_THAT(refusal({TestTable::file("b"), TestTable::file("b")}).message(), HasSubstr("added twice"));
  EXPECT_THAT(refusal({TestTable::file("b"), TestTable::file("%62")}).message(), HasSubstr("added twice"));
  EXPECT_THAT(refusal({TestTable::removal_of(a), TestTable::removal_of(a)}).message(), HasSubstr("removed twice"));
  EXPECT_THAT(refusal({TestTable::removal_of(a), a}).message(), HasSubstr("both added and removed"));
  EXPECT_THAT(refusal({TestTable::removal_of(TestTable::file("gone"))}).message(), HasSubstr("not in the table"));
  EXPECT_THAT(refusal({SetTransaction{"x", 1, {}}, SetTransaction{"x", 2, {}}}).message(), HasSubstr("twice"));
  EXPECT_THAT(refusal({CommitInfo()}).message(), HasSubstr("commitInfo"));
  EXPECT_THAT(refusal({AddCdcFile{"_change_data/x", {}, 1, false, {}}}).message(),
              HasSubstr("delta.enableChangeDataFeed is not on"));
}

TEST_F(TransactionTest, FilesOfTheFeedAreHeldAgainstTheTable) {
  table_.create({{"delta.enableChangeDataFeed", "true"}});
  const AddCdcFile change{"_change_data/x", {}, 1, false, {}};
  EXPECT_THAT(refusal({change, change}).message(), HasSubstr("added twice"));
  EXPECT_THAT(refusal({AddCdcFile{"_change_data/x", {{"p", "1"}}, 1, false, {}}}).message(),
              HasSubstr("partition values of _change_data/x"));
  EXPECT_THAT(refusal({AddCdcFile{"_change_data/x", {}, 1, true, {}}}).message(), HasSubstr("repeats changes"));
  EXPECT_THAT(refusal({AddCdcFile{"_change_data/x", {}, -1, false, {}}}).message(), HasSubstr("negative size"));
  EXPECT_THAT(refusal({AddCdcFile{"b", {}, 1, false, {}}, TestTable::file("b")}).message(), HasSubstr("both data and"));
  table_.put({TestTable::file("b"), change});
  EXPECT_EQ(table_.load()->version(), Version(1));
}

TEST_F(TransactionTest, RefusesATransactionThatDoesNotAdvance) {
  table_.create();
  table_.put({SetTransaction{"app", 4, {}}});
  EXPECT_THAT(refusal({SetTransaction{"app", 4, {}}}).message(), HasSubstr("at 4 already"));
  EXPECT_TRUE(prepared({SetTransaction{"app", 5, {}}}));
}

TEST_F(TransactionTest, RefusesDeletionVectorsThatAreNotAllowedOrIncomplete) {
  table_.create();
  table_.put({TestTable::file("a")});
  const AddFile a = TestTable::file("a");
  const AddFile marked = TestTable::with_vector(a, "x", 2);
  EXPECT_THAT(refusal({TestTable::removal_of(a), marked}).message(), HasSubstr("enableDeletionVectors"));

  TestTable with_vectors;
  with_vectors.create({{"delta.enableDeletionVectors", "true"}});
  with_vectors.put({a});
  const auto base = with_vectors.load();
  const auto attempt = [&](std::vector<Action> actions) {
    return prepare(base.get(), request(std::move(actions)), with_vectors.clock, with_vectors.random);
  };
  EXPECT_TRUE(attempt({TestTable::removal_of(a), marked}));
  EXPECT_THAT(attempt({marked}).error().message(), HasSubstr("not removed"));
  AddFile without_count = marked;
  without_count.stats.reset();
  EXPECT_THAT(attempt({TestTable::removal_of(a), without_count}).error().message(), HasSubstr("numRecords"));
}

TEST_F(TransactionTest, RefusesPartitionValuesOfOtherColumns) {
  const auto actions = create_table_actions({TestTable::schema(), {"name"}, {}, {}, {}}, table_.clock, table_.random);
  table_.put(*actions);
  AddFile add = TestTable::file("name=x/a");
  EXPECT_THAT(refusal({add}).message(), HasSubstr("partition values"));
  add.partition_values = {{"name", "x"}};
  EXPECT_TRUE(prepared({add}));
}

TEST_F(TransactionTest, AppendOnlyTablesKeepTheirRows) {
  table_.create({{"delta.appendOnly", "true"}});
  table_.put({TestTable::file("a")});
  RemoveFile remove = TestTable::removal_of(TestTable::file("a"));
  EXPECT_THAT(refusal({remove}).message(), HasSubstr("append-only"));
  remove.data_change = false;
  EXPECT_TRUE(prepared({remove}));
}

TEST_F(TransactionTest, FeaturesWeDoNotWriteForbidTheCommit) {
  table_.create();
  table_.put({Protocol{1, 7, std::nullopt, std::set<std::string>{"fancy"}}});
  EXPECT_EQ(refusal({TestTable::file("a")}).code(), ErrorCode::Unsupported);
  EXPECT_THAT(refusal({TestTable::file("a")}).message(), HasSubstr("fancy"));
}

TEST_F(TransactionTest, InCommitTimestampsGrowWhateverTheClockSays) {
  const auto actions = create_table_actions(
      {TestTable::schema(), {}, {{"delta.enableInCommitTimestamps", "true"}}, {}, {}}, table_.clock, table_.random);
  ASSERT_TRUE(actions);
  EXPECT_TRUE(std::get<Protocol>(actions->front()).writer_features->contains("inCommitTimestamp"));
  ASSERT_TRUE(commit(nullptr, request(*actions)));
  const UnixMillis begin = table_.clock.now();
  ASSERT_TRUE(commit(table_.load(), request({TestTable::file("a")})));
  ASSERT_TRUE(commit(table_.load(), request({TestTable::file("b")})));
  table_.clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(commit(table_.load(), request({TestTable::file("c")})));
  for (std::int64_t version = 0; version < 3; ++version)
    EXPECT_EQ(commit_info(Version(version)).in_commit_timestamp, begin + std::chrono::milliseconds(version));
  EXPECT_EQ(commit_info(Version(3)).in_commit_timestamp, begin + std::chrono::hours(1));
  EXPECT_EQ(table_.load()->commit_time(), begin + std::chrono::hours(1));
  EXPECT_FALSE(table_.load()->metadata().configuration.contains("delta.inCommitTimestampEnablementVersion"));
}

TEST_F(TransactionTest, InCommitTimestampsTurnedOnLaterSaySinceWhen) {
  table_.create();
  table_.put({TestTable::file("a")});
  const auto actions = alter_table_actions(
      *table_.load(), {TestTable::schema(), {}, {{"delta.enableInCommitTimestamps", "true"}}, {}, {}}, table_.random);
  ASSERT_TRUE(actions);
  // The commit before was written at this very time.
  ASSERT_TRUE(commit(table_.load(), request(*actions)));
  const UnixMillis time = table_.clock.now() + std::chrono::milliseconds(1);
  EXPECT_EQ(commit_info(Version(2)).in_commit_timestamp, time);
  const auto after = table_.load();
  const auto& configuration = after->metadata().configuration;
  EXPECT_EQ(configuration.at("delta.inCommitTimestampEnablementVersion"), "2");
  EXPECT_EQ(configuration.at("delta.inCommitTimestampEnablementTimestamp"),
            std::to_string(time.time_since_epoch().count()));
}

TEST_F(TransactionTest, AnInCommitTimestampIsFoundBesideItsCheckpoint) {
  table_.put(*create_table_actions({TestTable::schema(), {}, {{"delta.enableInCommitTimestamps", "true"}}, {}, {}},
                                   table_.clock, table_.random));
  ASSERT_TRUE(commit(table_.load(), request({TestTable::file("a")})));
  ASSERT_TRUE(commit(table_.load(), request({TestTable::file("b")})));
  const auto before = table_.load()->commit_time();
  SLUICE_CHECK_OK(write_log_checkpoint(table_.store, *table_.load(), table_.clock, table_.random));
  EXPECT_EQ(table_.load()->checkpoint_version(), Version(2));
  EXPECT_EQ(table_.load()->commit_time(), before);
  SLUICE_CHECK_OK(table_.store.put(commit_key(Version(2)), "no commit"));
  EXPECT_EQ(table_.load()->files().size(), 2u);
}

TEST_F(TransactionTest, PreparingTheSameGivesTheSameBytes) {
  table_.create();
  const auto base = table_.load();
  const auto bytes = [&] {
    SeededRandom random(4);
    CommitRequest what = request({TestTable::file("b"), TestTable::file("a"), SetTransaction{"app", 1, {}}});
    return prepare(base.get(), std::move(what), table_.clock, random)->bytes;
  };
  EXPECT_EQ(bytes(), bytes());
}

}  // namespace
}  // namespace sluice::delta
