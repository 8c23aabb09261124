#include "connect/delta/delta_source.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connect/delta/error_numbers.h"
#include "delta/delta_test_table.h"

namespace sluice::connect {
namespace {

using delta::TestTable;
using delta::Version;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = delta::ChangeFile::Kind;

/// Says which files are read, in place of their rows.
class RecordingTables final : public DeltaTables {
 public:
  explicit RecordingTables(store::ObjectStore& store) : store_(&store, [](store::ObjectStore*) {}) {}

  Result<Store> open_folder(const std::string& path) override {
    if (path == "tables/t") return store_;
    return Error(ErrorCode::NotFound, "no such folder");
  }
  Status scan_changed_rows(const Snapshot&, const Store&, const std::vector<delta::ChangeFile>& files,
                           const NeededColumns&, const ChangedRowSink&, const std::stop_token&) override {
    for (const delta::ChangeFile& file : files) read.push_back((file.kind == Kind::Delete ? "-" : "+") + file.path);
    return ok();
  }
  Status scan_feed(delta::TableChanges changes, const Store&, const NeededColumns&, const ChangedRowSink&,
                   const std::stop_token&) override {
    for (const delta::CommitChanges& commit : changes.commits) {
      for (const delta::ChangeFile& file : commit.files) {
        read.push_back(std::to_string(commit.version.value()) + ":" + file.path);
      }
    }
    return ok();
  }

  std::vector<std::string> read;

 private:
  Store store_;
};

class DeltaSourceTest : public testing::Test {
 protected:
  DeltaSourceTest() : tables_(table_.store) { table_.create({{"some.property", "yes"}}); }

  std::unique_ptr<DeltaSource> open(bool stream, std::map<std::string, std::string> options = {}) {
    plan::Source source;
    source.kind = plan::SourceKind::Delta;
    source.path = "tables/t";
    source.dataset = "v";
    source.stream = stream;
    source.options = std::move(options);
    auto opened = DeltaSource::create(source, tables_);
    EXPECT_TRUE(opened) << opened.error().message();
    return std::move(*opened);
  }

  /// Puts the file into table and store.
  delta::AddFile add(const std::string& path) {
    const delta::AddFile file = TestTable::file(path);
    SLUICE_CHECK_OK(table_.store.put(path, "rows"));
    table_.put({file});
    return file;
  }

  /// Looks, reads what is pending and takes it. Returns what was read.
  std::vector<std::string> epoch(DeltaSource& source) {
    const Status looked = source.look();
    EXPECT_TRUE(looked) << looked.error().message();
    tables_.read.clear();
    EXPECT_TRUE(source.read_pending(nothing_, {}));
    source.advance();
    return tables_.read;
  }
  std::vector<std::string> taken(DeltaSource& source) {
    tables_.read.clear();
    EXPECT_TRUE(source.read_taken(nothing_, {}));
    return tables_.read;
  }
  static std::uint32_t number_of(const Status& status) { return status ? 0 : status.error().number(); }

  TestTable table_;
  RecordingTables tables_;
  ChangedRowSink nothing_ = [](columnar::ChangeBatch&) { return ok(); };
};

TEST_F(DeltaSourceTest, ATrackedTableIsReadAsAWholeFirstAndByItsChangesThen) {
  const auto source = open(/*stream=*/false);
  const auto first = add("a");
  ASSERT_TRUE(source->look());
  EXPECT_TRUE(source->has_pending());
  EXPECT_FALSE(source->gives_changes());
  ASSERT_TRUE(source->read_all(nothing_, {}));
  EXPECT_THAT(tables_.read, ElementsAre("+a"));
  source->advance();
  ASSERT_TRUE(source->look());
  EXPECT_FALSE(source->has_pending());

  add("b");
  table_.put({TestTable::removal_of(first)});
  ASSERT_TRUE(source->look());
  EXPECT_TRUE(source->gives_changes());
  EXPECT_THAT(taken(*source), ElementsAre("+a"));
  EXPECT_THAT(epoch(*source), ElementsAre("+b", "-a"));
  EXPECT_THAT(taken(*source), ElementsAre("+b"));
}

TEST_F(DeltaSourceTest, AnotherProcessGoesOnFromThePosition) {
  const auto source = open(false);
  add("a");
  epoch(*source);
  add("b");
  ASSERT_TRUE(source->look());
  const auto next = open(false);
  ASSERT_TRUE(next->restore(source->position(), ""));
  EXPECT_THAT(epoch(*next), ElementsAre("+b"));
  const auto after = open(false);
  ASSERT_TRUE(after->restore(source->next_position(), ""));
  ASSERT_TRUE(after->look());
  EXPECT_FALSE(after->has_pending());
  EXPECT_EQ(open(false)->restore("{}", "").error().code(), ErrorCode::Corruption);
}

TEST_F(DeltaSourceTest, WhatCannotBeHadAsChangesIsReadAnewAndSaysWhy) {
  const auto source = open(false);
  const auto file = add("a");
  epoch(*source);
  table_.put({TestTable::removal_of(file)});
  ASSERT_TRUE(table_.store.remove("a"));
  ASSERT_TRUE(source->look());
  EXPECT_TRUE(source->has_pending());
  EXPECT_FALSE(source->gives_changes());
  EXPECT_THAT(source->take_notes(), ElementsAre(HasSubstr("read anew for v: the changes after version 1 cannot be had "
                                                          "(file a is gone)")));
  source->advance();
  add("b");
  add("c");
  const auto late = open(false);
  ASSERT_TRUE(late->restore(source->position(), ""));
  ASSERT_TRUE(late->look_at_columns());
  ASSERT_TRUE(table_.store.remove(delta::commit_key(Version(3))));
  ASSERT_TRUE(late->look());
  EXPECT_FALSE(late->gives_changes());
  EXPECT_THAT(late->take_notes(), ElementsAre(HasSubstr("version 3 is no longer in the table's log")));
}

TEST_F(DeltaSourceTest, AStreamTakesTheRowsThatAreThereAndThenEachCommit) {
  const auto source = open(/*stream=*/true);
  add("a");
  EXPECT_THAT(epoch(*source), ElementsAre("+a"));
  add("b");
  add("c");
  EXPECT_THAT(epoch(*source), ElementsAre("+b", "+c"));
  EXPECT_THAT(epoch(*source), IsEmpty());
}

TEST_F(DeltaSourceTest, AnEpochOfAStreamEndsBehindTheCommitThatMakesItFull) {
  const auto source = open(true, {{"startingversion", "0"}, {"maxfilespertrigger", "2"}});
  for (const char* name : {"a", "b", "c"}) add(name);
  EXPECT_THAT(epoch(*source), ElementsAre("+a", "+b"));
  EXPECT_THAT(epoch(*source), ElementsAre("+c"));
}

TEST_F(DeltaSourceTest, AStreamTakesWhatStandsBeforeACommitThatTakesRowsAwayAndThenStops) {
  const auto source = open(true);
  const auto file = add("a");
  epoch(*source);
  add("b");
  table_.put({TestTable::removal_of(file)});
  add("c");
  EXPECT_THAT(epoch(*source), ElementsAre("+b"));
  const Status stopped = source->look();
  EXPECT_EQ(number_of(stopped), kErrorRowsChanged);
  EXPECT_THAT(stopped.error().message(), HasSubstr("version 3 deletes or updates rows"));
  EXPECT_FALSE(source->has_pending());

  const auto skipping = open(true, {{"skipchangecommits", "true"}});
  ASSERT_TRUE(skipping->restore(source->position(), ""));
  EXPECT_THAT(epoch(*skipping), ElementsAre("+c"));
}

TEST_F(DeltaSourceTest, AStreamBeginsWhereItShall) {
  add("a");
  add("b");
  EXPECT_THAT(epoch(*open(true, {{"startingversion", "2"}})), ElementsAre("+b"));
  const auto latest = open(true, {{"startingversion", "latest"}});
  EXPECT_THAT(epoch(*latest), IsEmpty());
  EXPECT_NE(latest->position(), "") << "from now on it stands somewhere";
  add("c");
  EXPECT_THAT(epoch(*latest), ElementsAre("+c"));
  EXPECT_EQ(number_of(open(true, {{"startingversion", "9"}})->look()), kErrorVersionNotThere);
  EXPECT_THAT(epoch(*open(true, {{"startingtimestamp", "0"}})), ElementsAre("+a", "+b", "+c"));
  EXPECT_EQ(number_of(open(true, {{"startingtimestamp", "9000000000000"}})->look()), kErrorVersionNotThere);
}

TEST_F(DeltaSourceTest, AStreamThatLagsBehindTheLogStops) {
  add("a");
  const auto source = open(true, {{"startingversion", "0"}});
  ASSERT_TRUE(source->look_at_columns());
  ASSERT_TRUE(table_.store.remove(delta::commit_key(Version(0))));
  const Status stopped = source->look();
  EXPECT_EQ(number_of(stopped), kErrorVersionsGone);
  EXPECT_EQ(stopped.error().code(), ErrorCode::DataError) << "to wait for it would be of no use";
}

TEST_F(DeltaSourceTest, AColumnThatGoesStopsAStreamAndMakesATrackedTableBeReadAnew) {
  const auto stream = open(true);
  const auto tracked = open(false);
  epoch(*stream);
  epoch(*tracked);
  const auto restarted = open(true);
  ASSERT_TRUE(restarted->restore(stream->position(), stream->next_schema_text()));
  delta::Metadata metadata = table_.load()->metadata();
  metadata.schema_string = delta::write_schema(
      delta::DataType::structure({{"id", delta::DataType::primitive(delta::DataType::Kind::Long), true, {}}}));
  table_.put({metadata});
  for (DeltaSource* source : {stream.get(), restarted.get()}) {
    const Status stopped = source->look();
    EXPECT_EQ(number_of(stopped), kErrorColumnChanged);
    EXPECT_THAT(stopped.error().message(), HasSubstr("column \"name\" is gone since version 1"));
  }
  ASSERT_TRUE(tracked->look());
  EXPECT_FALSE(tracked->gives_changes());
  EXPECT_THAT(tracked->schema().names(), ElementsAre("id"));
}

TEST_F(DeltaSourceTest, TheFeedBeginsWithTheRowsThatAreThere) {
  table_.put({[this] {
    delta::Metadata metadata = table_.load()->metadata();
    metadata.configuration["delta.enableChangeDataFeed"] = "true";
    return metadata;
  }()});
  add("a");
  const auto source = open(true, {{"readchangefeed", "true"}});
  ASSERT_TRUE(source->look());
  EXPECT_THAT(source->schema().names(),
              ElementsAre("id", "name", "_change_type", "_commit_version", "_commit_timestamp"));
  EXPECT_THAT(epoch(*source), ElementsAre("2:a"));
  table_.put({TestTable::removal_of(TestTable::file("a"))});
  EXPECT_THAT(epoch(*source), ElementsAre("3:a"));
}

TEST_F(DeltaSourceTest, AVersionThatIsAskedForIsReadOnce) {
  add("a");
  add("b");
  const auto source = open(false, {{"version", "1"}});
  ASSERT_TRUE(source->look());
  ASSERT_TRUE(source->read_all(nothing_, {}));
  EXPECT_THAT(tables_.read, ElementsAre("+a"));
  source->advance();
  add("c");
  ASSERT_TRUE(source->look());
  EXPECT_FALSE(source->has_pending());
  EXPECT_EQ(number_of(open(false, {{"version", "9"}})->look()), kErrorVersionNotThere);
}

TEST_F(DeltaSourceTest, ARefusedTableIsNotRead) {
  plan::Source source;
  source.path = "tables/t";
  const std::string property = "some.property";
  EXPECT_EQ(number_of((*DeltaSource::create(source, tables_, {property, "yes"}))->look()), kErrorOwnTable);
  EXPECT_TRUE((*DeltaSource::create(source, tables_, {property, "another"}))->look());
  EXPECT_TRUE((*DeltaSource::create(source, tables_, {property, ""}))->look());
}

TEST_F(DeltaSourceTest, AnotherTableInItsPlaceIsAnError) {
  const auto source = open(false);
  ASSERT_TRUE(source->restore(DeltaPosition{"another", Version(0)}.encode(), ""));
  EXPECT_EQ(number_of(source->look()), kErrorTableReplaced);
  const auto older = open(false);
  ASSERT_TRUE(older->restore(DeltaPosition{table_.load()->metadata().id, Version(7)}.encode(), ""));
  EXPECT_EQ(number_of(older->look()), kErrorTableReplaced);
}

}  // namespace
}  // namespace sluice::connect
