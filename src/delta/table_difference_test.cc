#include "delta/table_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = ChangeFile::Kind;

class TableDifferenceTest : public testing::Test {
 protected:
  TableDifferenceTest() { table_.create(); }

  /// Puts the commits and returns what they change.
  TableDifference difference_of(const std::vector<std::vector<Action>>& commits, FeedUse feed = FeedUse::Prefer) {
    const auto before = table_.load();
    for (const auto& commit : commits) table_.put(commit);
    auto difference = load_difference(table_.store, before, table_.load(), feed);
    EXPECT_TRUE(difference) << difference.error().message();
    return std::move(*difference);
  }

  std::vector<ChangeFile> files_of(std::vector<Action> commit, FeedUse feed = FeedUse::Prefer) {
    auto difference = difference_of({std::move(commit)}, feed);
    return difference.commits.empty() ? std::vector<ChangeFile>() : std::move(difference.commits.front().files);
  }

  static ChangeFile whole(Kind kind, std::string path) {
    return {kind, std::move(path), {}, std::nullopt, std::nullopt};
  }

  static Metadata with_columns(Metadata metadata, std::vector<StructField> fields) {
    metadata.schema_string = write_schema(DataType::structure(std::move(fields)));
    return metadata;
  }

  TestTable table_;
};

TEST_F(TableDifferenceTest, FilesThatCameAreInsertsAndThoseThatWentDeletes) {
  table_.put({TestTable::file("a")});
  EXPECT_THAT(files_of({TestTable::removal_of(TestTable::file("a")), TestTable::file("b")}),
              ElementsAre(whole(Kind::Delete, "a"), whole(Kind::Insert, "b")));
}

TEST_F(TableDifferenceTest, EachCommitIsForItself) {
  const auto difference = difference_of({{TestTable::file("a")}, {}, {TestTable::removal_of(TestTable::file("a"))}});
  ASSERT_EQ(difference.commits.size(), 2u) << "a commit without changes is left out";
  EXPECT_EQ(difference.commits[0].version, Version(1));
  EXPECT_THAT(difference.commits[0].files, ElementsAre(whole(Kind::Insert, "a")));
  EXPECT_EQ(difference.commits[1].version, Version(3));
  EXPECT_THAT(difference.commits[1].files, ElementsAre(whole(Kind::Delete, "a")));
}

TEST_F(TableDifferenceTest, PathsThatAreEncodedInTheLogAreFound) {
  const AddFile file = TestTable::file("p=a%2520b/a%20b");
  table_.put({file});
  EXPECT_THAT(files_of({TestTable::removal_of(file)}), ElementsAre(whole(Kind::Delete, file.path)));
}

TEST_F(TableDifferenceTest, AFileThatIsAddedAgainIsNoChange) {
  table_.put({TestTable::file("a")});
  EXPECT_THAT(files_of({TestTable::file("a", 11)}), IsEmpty());
}

TEST_F(TableDifferenceTest, WhatWasGoneCannotGo) {
  EXPECT_THAT(files_of({TestTable::removal_of(TestTable::file("a"))}), IsEmpty());
}

TEST_F(TableDifferenceTest, ARemovalOfAnotherDeletionVectorTakesNothing) {
  const AddFile file = TestTable::file("a");
  table_.put({TestTable::with_vector(file, "one", 1)});
  EXPECT_THAT(files_of({TestTable::removal_of(file)}), IsEmpty());
}

TEST_F(TableDifferenceTest, RowsThatDeletionVectorsMarkDifferently) {
  const AddFile file = TestTable::file("a");
  const AddFile less = TestTable::with_vector(file, "one", 1);
  table_.put({file});
  EXPECT_THAT(files_of({TestTable::removal_of(file), less}),
              ElementsAre(ChangeFile{Kind::Delete, "a", {}, less.deletion_vector, std::nullopt}));
  EXPECT_THAT(files_of({TestTable::removal_of(less), file}),
              ElementsAre(ChangeFile{Kind::Insert, "a", {}, less.deletion_vector, std::nullopt}));
}

TEST_F(TableDifferenceTest, RearrangedFilesAreFollowedAndAreNoChange) {
  table_.put({TestTable::file("a")});
  AddFile packed = TestTable::file("b");
  packed.data_change = false;
  RemoveFile small = TestTable::removal_of(TestTable::file("a"));
  small.data_change = false;
  const auto difference = difference_of({{small, packed}, {TestTable::removal_of(packed)}});
  ASSERT_EQ(difference.commits.size(), 1u);
  EXPECT_THAT(difference.commits[0].files, ElementsAre(whole(Kind::Delete, "b")));
}

TEST_F(TableDifferenceTest, PartitionValuesThatARemovalLeavesOutAreThoseOfTheFile) {
  AddFile file = TestTable::file("a");
  file.partition_values = {{"id", "7"}};
  table_.put({file});
  RemoveFile removal = TestTable::removal_of(file);
  removal.partition_values = std::nullopt;
  EXPECT_THAT(files_of({removal}),
              ElementsAre(ChangeFile{Kind::Delete, "a", {{"id", "7"}}, std::nullopt, std::nullopt}));
}

TEST_F(TableDifferenceTest, TheFeedStandsForTheFilesIfItIsWanted) {
  table_.put({TestTable::file("a")});
  AddCdcFile recorded;
  recorded.path = "_change_data/c";
  const std::vector<Action> commit = {TestTable::removal_of(TestTable::file("a")), TestTable::file("b"), recorded};
  EXPECT_THAT(files_of(commit), ElementsAre(whole(Kind::Recorded, "_change_data/c")));
  table_.put({TestTable::removal_of(TestTable::file("b")), TestTable::file("a")});
  EXPECT_THAT(files_of(commit, FeedUse::Ignore), ElementsAre(whole(Kind::Delete, "a"), whole(Kind::Insert, "b")));
}

TEST_F(TableDifferenceTest, AVersionThatIsGoneFromTheLogIsNamed) {
  const auto before = table_.load();
  table_.put({TestTable::file("a")});
  table_.put({TestTable::file("b")});
  const auto after = table_.load();
  ASSERT_TRUE(table_.store.remove(commit_key(Version(1))));
  const auto difference = load_difference(table_.store, before, after, FeedUse::Prefer);
  ASSERT_FALSE(difference);
  EXPECT_EQ(difference.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(difference.error().number(), 4210u);
  EXPECT_THAT(difference.error().message(), HasSubstr("version 1 is no longer in the table's log"));
}

TEST_F(TableDifferenceTest, TheFirstVersionThatTookAColumnAwayIsKnown) {
  const Metadata metadata = table_.load()->metadata();
  auto fields = TestTable::schema().fields;
  fields.push_back({"more", DataType::primitive(DataType::Kind::String), true, {}});
  EXPECT_FALSE(difference_of({{with_columns(metadata, fields)}}).column_change) << "columns may come";
  fields.erase(fields.begin());
  const auto difference = difference_of({{}, {with_columns(metadata, fields)}});
  ASSERT_TRUE(difference.column_change);
  EXPECT_EQ(difference.column_change->version, Version(3));
  EXPECT_EQ(difference.column_change->what, "column \"id\" is gone");
}

TEST(ColumnChangeTest, TypesMayGrowMembersAndNothingElse) {
  const auto column = [](DataType type) { return DataType::structure({{"a", std::move(type), true, {}}}); };
  const DataType small = DataType::structure({{"x", DataType::primitive(DataType::Kind::Long), true, {}}});
  DataType large = small;
  large.fields.push_back({"y", DataType::primitive(DataType::Kind::Long), false, {}});
  EXPECT_FALSE(find_column_change(column(small), column(large)));
  EXPECT_FALSE(find_column_change(column(DataType::array(small)), column(DataType::array(large, false))));
  EXPECT_EQ(find_column_change(column(large), column(small)), "column \"a\" has another type");
  EXPECT_EQ(find_column_change(column(DataType::map(small, large)), column(DataType::map(small, small))),
            "column \"a\" has another type");
  EXPECT_EQ(find_column_change(column(DataType::decimal(10, 2)), column(DataType::decimal(12, 2))),
            "column \"a\" has another type");
  DataType mapped = column(small);
  mapped.fields[0].metadata[std::string(kPhysicalNameKey)] = "\"col-1\"";
  EXPECT_EQ(find_column_change(column(small), mapped), "column \"a\" is a new one");
}

}  // namespace
}  // namespace sluice::delta
