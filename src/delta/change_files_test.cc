#include "delta/change_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = ChangeFile::Kind;

const AddFile kFile = TestTable::file("a");
const AddFile kLess = TestTable::with_vector(kFile, "one", 1);
const AddFile kLeast = TestTable::with_vector(kFile, "two", 2);

std::vector<ChangeFile> decide(const std::vector<Action>& commit) {
  auto files = decide_change_files(commit, /*was_partitioned=*/false);
  EXPECT_TRUE(files);
  return std::move(*files);
}

TEST(ChangeFilesTest, AddedFilesAreInsertsAndRemovedOnesDeletes) {
  EXPECT_THAT(decide({TestTable::file("b"), TestTable::removal_of(kLess)}),
              ElementsAre(ChangeFile{Kind::Delete, "a", {}, std::nullopt, kLess.deletion_vector},
                          ChangeFile{Kind::Insert, "b", {}, std::nullopt, std::nullopt}));
}

TEST(ChangeFilesTest, FilesOfTheFeedSayItAll) {
  AddCdcFile recorded;
  recorded.path = "_change_data/c";
  EXPECT_THAT(decide({TestTable::file("b"), TestTable::removal_of(kFile), recorded}),
              ElementsAre(ChangeFile{Kind::Recorded, "_change_data/c", {}, std::nullopt, std::nullopt}));
}

TEST(ChangeFilesTest, RowsThatOnlyMovedAreNoChange) {
  AddFile moved = TestTable::file("b");
  moved.data_change = false;
  RemoveFile gone = TestTable::removal_of(kFile);
  gone.data_change = false;
  EXPECT_THAT(decide({moved, gone}), IsEmpty());
}

TEST(ChangeFilesTest, AFileWithAnotherDeletionVectorGivesTheRowsThatDiffer) {
  EXPECT_THAT(decide({TestTable::removal_of(kFile), kLess}),
              ElementsAre(ChangeFile{Kind::Delete, "a", {}, kLess.deletion_vector, std::nullopt}));
  EXPECT_THAT(decide({TestTable::removal_of(kLess), kLeast}),
              ElementsAre(ChangeFile{Kind::Delete, "a", {}, kLeast.deletion_vector, kLess.deletion_vector},
                          ChangeFile{Kind::Insert, "a", {}, kLess.deletion_vector, kLeast.deletion_vector}));
  EXPECT_THAT(decide({TestTable::removal_of(kLess), kFile}),
              ElementsAre(ChangeFile{Kind::Insert, "a", {}, kLess.deletion_vector, std::nullopt}));
  EXPECT_THAT(decide({TestTable::removal_of(kLess), kLess}), IsEmpty());
}

TEST(ChangeFilesTest, ARemovalWithoutPartitionValuesCannotBeRead) {
  const std::vector<Action> commit = {TestTable::removal_of(kFile)};
  const auto files = decide_change_files(commit, /*was_partitioned=*/true);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code(), ErrorCode::Corruption);
}

TEST(ChangeFilesTest, NamesTheVersionAtWhichTheFeedWasOff) {
  TestTable table;
  table.create({{"delta.enableChangeDataFeed", "false"}});
  Metadata metadata = table.load()->metadata();
  metadata.configuration["delta.enableChangeDataFeed"] = "true";
  table.put({metadata});
  table.put({TestTable::file("a")});
  metadata.configuration.erase("delta.enableChangeDataFeed");
  table.put({metadata});

  const auto on = load_changes(table.store, Version(1), Version(2));
  ASSERT_TRUE(on) << on.error().message();
  const TableChanges& changes_while_on = **on;
  ASSERT_EQ(changes_while_on.commits.size(), 2u);
  EXPECT_THAT(changes_while_on.commits[0].files, IsEmpty());
  EXPECT_EQ(changes_while_on.commits[1].version, Version(2));
  EXPECT_EQ(changes_while_on.commits[1].files.size(), 1u);
  EXPECT_EQ(changes_while_on.table->version(), Version(3));
  for (const auto& [from, to, off] : {std::tuple(0, 2, 0), std::tuple(2, 3, 3)}) {
    const auto changes = load_changes(table.store, Version(from), Version(to));
    ASSERT_FALSE(changes);
    EXPECT_EQ(changes.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(changes.error().number(), 4209u);
    EXPECT_THAT(changes.error().message(), HasSubstr("off at version " + std::to_string(off)));
  }
  EXPECT_EQ(load_changes(table.store, Version(1), Version(9)).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(load_changes(table.store, Version(2), Version(1)).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(load_changes(table.store, Version(9), std::nullopt).error().code(), ErrorCode::InvalidArgument);
}

TEST(ChangeFilesTest, AFolderWithoutATableHasNoFeed) {
  TestTable table;
  const auto changes = load_changes(table.store, Version(0), std::nullopt);
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_FALSE(changes->has_value());
}

}  // namespace
}  // namespace sluice::delta
