#include "delta/live_files.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> paths(const LiveFiles& files) {
  std::vector<std::string> paths;
  for (const AddFile& file : files) paths.push_back(file.path);
  return paths;
}

LiveFiles after(const LiveFiles& older, std::vector<Action> commit) {
  LiveFiles::Builder builder(older);
  builder.apply(commit);
  return std::move(builder).finish();
}

TEST(LiveFilesTest, StartsEmpty) {
  const LiveFiles files;
  EXPECT_TRUE(files.empty());
  EXPECT_EQ(files.begin(), files.end());
}

TEST(LiveFilesTest, AddsAndRemovesInOrderOfPaths) {
  const LiveFiles first = after({}, {TestTable::file("b"), TestTable::file("a"), TestTable::file("c")});
  EXPECT_THAT(paths(first), ElementsAre("a", "b", "c"));
  const LiveFiles second = after(first, {TestTable::removal_of(TestTable::file("b")), TestTable::file("d")});
  EXPECT_THAT(paths(second), ElementsAre("a", "c", "d"));
  EXPECT_EQ(second.size(), 3u);
  EXPECT_THAT(paths(first), ElementsAre("a", "b", "c"));
}

TEST(LiveFilesTest, TheDeletionVectorIsPartOfTheKey) {
  const AddFile plain = TestTable::file("a");
  const AddFile marked = TestTable::with_vector(plain, "one", 1);
  const AddFile marked_more = TestTable::with_vector(plain, "two", 2);
  const LiveFiles first = after(after({}, {plain}), {TestTable::removal_of(plain), marked});
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first.begin()->deletion_vector->cardinality, 1);
  // The order within a commit means nothing.
  const LiveFiles second = after(first, {marked_more, TestTable::removal_of(marked)});
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second.find_path("a")->deletion_vector->cardinality, 2);
  EXPECT_EQ(second.find(key_of(marked)), nullptr);
  // A removal that names another vector removes nothing.
  EXPECT_EQ(after(second, {TestTable::removal_of(plain)}).size(), 1u);
}

TEST(LiveFilesTest, OneFileUnderTwoSpellingsIsOneFile) {
  const LiveFiles files = after(after({}, {TestTable::file("a%20b")}), {TestTable::removal_of(TestTable::file("a b"))});
  EXPECT_TRUE(files.empty());
}

TEST(LiveFilesTest, AddingAPresentKeyReplacesIt) {
  const LiveFiles files =
      after(after({}, {TestTable::file("a", 1)}), {TestTable::file("a", 2), TestTable::file("a", 2)});
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files.begin()->stats, R"({"numRecords":2})");
}

TEST(LiveFilesTest, FilesOfACheckpointMayComeInAnyOrder) {
  LiveFiles::Builder builder;
  for (const char* path : {"c", "a", "b"}) builder.add_reconciled(TestTable::file(path));
  builder.apply(std::vector<Action>{TestTable::removal_of(TestTable::file("b"))});
  const LiveFiles files = std::move(builder).finish();
  EXPECT_THAT(paths(files), ElementsAre("a", "c"));
  EXPECT_NE(files.find_path("c"), nullptr);
  EXPECT_EQ(files.find_path("b"), nullptr);
}

TEST(LiveFilesTest, EqualsASetUnderRandomCommits) {
  SeededRandom random(5);
  LiveFiles files;
  std::set<std::string> expected;
  for (int round = 0; round < 400; ++round) {
    std::vector<Action> commit;
    std::set<std::string> removed;
    // Rounds of many actions take the overlay past the size at which a new base is made.
    const std::uint64_t action_count = round % 50 == 49 ? 3'000 : random.next() % 8;
    for (std::uint64_t i = 0; i < action_count; ++i) {
      const std::string path = std::to_string(random.next() % 6'000);
      if (random.next() % 3 == 0) {
        commit.emplace_back(TestTable::removal_of(TestTable::file(path)));
        removed.insert(path);
      } else {
        commit.emplace_back(TestTable::file(path));
      }
    }
    for (const std::string& path : removed) expected.erase(path);
    for (const Action& action : commit) {
      if (const auto* add = std::get_if<AddFile>(&action)) expected.insert(add->path);
    }
    files = after(files, std::move(commit));
    ASSERT_EQ(files.size(), expected.size());
    ASSERT_EQ(paths(files), std::vector<std::string>(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace sluice::delta
