#include "delta/appended_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AppendedFilesTest : public testing::Test {
 protected:
  AppendedFilesTest() { table_.create(); }

  AppendedFiles load(AppendRange range) {
    auto appended = load_appended_files(table_.store, std::move(range));
    EXPECT_TRUE(appended) << appended.error().message();
    return std::move(*appended);
  }
  AppendRange all(bool skip = false) { return {Version(0), table_.load()->version(), std::nullopt, 1000, skip}; }

  static std::vector<std::string> paths(const AppendedFiles& appended) {
    std::vector<std::string> paths;
    for (const CommitChanges& commit : appended.commits) {
      for (const ChangeFile& file : commit.files) {
        paths.push_back(std::to_string(commit.version.value()) + ":" + file.path);
      }
    }
    return paths;
  }

  TestTable table_;
};

TEST_F(AppendedFilesTest, AreThoseThatCommitsAddWithNewRows) {
  table_.put({TestTable::file("a"), TestTable::file("b")});
  AddFile packed = TestTable::file("c");
  packed.data_change = false;
  RemoveFile small = TestTable::removal_of(TestTable::file("a"));
  small.data_change = false;
  table_.put({packed, small});
  table_.put({TestTable::file("d")});
  const AppendedFiles appended = load(all());
  EXPECT_THAT(paths(appended), ElementsAre("1:a", "1:b", "3:d"));
  EXPECT_EQ(appended.last, Version(3));
  EXPECT_EQ(appended.columns, TestTable::schema());
  EXPECT_FALSE(appended.changing);
}

TEST_F(AppendedFilesTest, EndBeforeACommitThatTakesRowsAway) {
  table_.put({TestTable::file("a")});
  table_.put({TestTable::removal_of(TestTable::file("a")), TestTable::with_vector(TestTable::file("a"), "one", 1)});
  table_.put({TestTable::file("b")});
  const AppendedFiles appended = load(all());
  EXPECT_THAT(paths(appended), ElementsAre("1:a"));
  EXPECT_EQ(appended.changing, Version(2));
  EXPECT_EQ(appended.last, Version(1));
}

TEST_F(AppendedFilesTest, SkipSuchCommitsIfTheyShall) {
  table_.put({TestTable::file("a")});
  table_.put({TestTable::removal_of(TestTable::file("a")), TestTable::file("c")});
  table_.put({TestTable::file("b")});
  EXPECT_THAT(paths(load(all(/*skip=*/true))), ElementsAre("1:a", "3:b"));
}

TEST_F(AppendedFilesTest, AreNoMoreThanAskedForButWholeCommits) {
  table_.put({TestTable::file("a")});
  table_.put({TestTable::file("b"), TestTable::file("c")});
  table_.put({TestTable::file("d")});
  AppendRange range = all();
  range.files_max = 2;
  const AppendedFiles appended = load(range);
  EXPECT_THAT(paths(appended), ElementsAre("1:a", "2:b", "2:c"));
  EXPECT_EQ(appended.last, Version(2));
}

TEST_F(AppendedFilesTest, KnowWhichVersionTookAColumnAway) {
  Metadata metadata = table_.load()->metadata();
  metadata.schema_string =
      write_schema(DataType::structure({{"id", DataType::primitive(DataType::Kind::Long), true, {}}}));
  table_.put({metadata});
  const AppendedFiles appended = load({Version(1), Version(1), TestTable::schema(), 1000, false});
  ASSERT_TRUE(appended.column_change);
  EXPECT_EQ(appended.column_change->version, Version(1));
  EXPECT_EQ(appended.column_change->what, "column \"name\" is gone");
  EXPECT_FALSE(load({Version(1), Version(1), std::nullopt, 1000, false}).column_change) << "there is none to compare";
}

TEST_F(AppendedFilesTest, CannotBeHadOfVersionsThatAreGone) {
  table_.put({TestTable::file("a")});
  const AppendRange range = all();
  ASSERT_TRUE(table_.store.remove(commit_key(Version(0))));
  const auto appended = load_appended_files(table_.store, range);
  ASSERT_FALSE(appended);
  EXPECT_THAT(appended.error().message(), HasSubstr("version 0 is no longer"));
}

}  // namespace
}  // namespace sluice::delta
