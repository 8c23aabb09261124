#include "delta/live_files.h"

#include <algorithm>
#include <map>
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
  EXPECT_FALSE(second.contains(key_of(marked)));
  EXPECT_EQ(second.find(key_of(marked_more)), marked_more);
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

TEST(LiveFilesTest, NumbersGoByTheOrderOfTheKeys) {
  SeededRandom random(11);
  LiveFiles::Builder builder;
  const auto file = [&](std::uint64_t number) {
    AddFile add = TestTable::file("f" + std::to_string(number), static_cast<std::int64_t>(number));
    add.partition_values = {{"p", std::to_string(number % 3)}};
    if (number % 7 == 0) add.stats.reset();
    return add;
  };
  for (int i = 0; i < 5000; ++i) builder.add_reconciled(file(random.next() % 9000));
  LiveFiles files = std::move(builder).finish();
  for (int round = 0; round < 5; ++round) {
    std::vector<Action> commit;
    std::set<std::uint64_t> touched;  // a commit says one thing of a file
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t number = random.next() % 9000;
      if (!touched.insert(number).second) continue;
      if (random.next() % 2 == 0) {
        commit.emplace_back(TestTable::removal_of(file(number)));
      } else {
        AddFile add = file(number);
        add.size_bytes = 77 + round;
        commit.emplace_back(add);
      }
    }
    files = after(files, commit);
    const LiveFiles::Numbered numbered(files);
    ASSERT_EQ(numbered.size(), files.size());
    std::size_t number = 0;
    AddFile read;
    PartitionValues partition_values;
    for (const AddFile& expected : files) {
      numbered.read(number, read);
      ASSERT_EQ(read, expected);
      ASSERT_EQ(numbered.stats(number), expected.stats);
      numbered.read_partition_values(number, partition_values);
      ASSERT_EQ(partition_values, expected.partition_values);
      if (number > 0 && numbered.share_partition(number - 1, number)) {
        numbered.read_partition_values(number - 1, partition_values);
        ASSERT_EQ(partition_values, expected.partition_values);
      }
      ++number;
    }
  }
}

TEST(LiveFilesTest, FilesOfACheckpointMayComeInAnyOrder) {
  LiveFiles::Builder builder;
  for (const char* path : {"c", "a", "b"}) builder.add_reconciled(TestTable::file(path));
  builder.apply(std::vector<Action>{TestTable::removal_of(TestTable::file("b"))});
  const LiveFiles files = std::move(builder).finish();
  EXPECT_THAT(paths(files), ElementsAre("a", "c"));
  EXPECT_TRUE(files.find_path("c"));
  EXPECT_FALSE(files.find_path("b"));
}

AddFile full_file(std::string path) {
  AddFile file = TestTable::with_vector(TestTable::file(std::move(path), 7), "vector", 2);
  file.partition_values = {{"a", "x"}, {"b", std::nullopt}, {"c", ""}};
  file.size_bytes = 12;
  file.tags = {{"t", "1"}, {"u", std::nullopt}};
  file.base_row_id = 0;
  file.default_row_commit_version = 5;
  file.clustering_provider = "liquid";
  return file;
}

TEST(LiveFilesTest, FilesOfACheckpointStayAsTheyAre) {
  AddFile bare;
  bare.path = "e";
  AddFile escaped = TestTable::file("file:/data/%C3%A4%25");
  escaped.data_change = false;
  escaped.stats = "";
  const std::vector<AddFile> expected = {escaped, TestTable::file("c"), full_file("d"), bare};
  LiveFiles::Builder builder;
  for (const std::size_t i : {2u, 0u, 3u, 1u}) builder.add_reconciled(expected[i]);
  const LiveFiles files = std::move(builder).finish();
  EXPECT_EQ(std::vector<AddFile>(files.begin(), files.end()), expected);
  for (const AddFile& file : expected) EXPECT_EQ(files.find(key_of(file)), file);
  EXPECT_EQ(files.find_path("/data/\xC3\xA4%25"), escaped);
  EXPECT_EQ(files.total_bytes(), 100 + 100 + 12 + 0);
}

TEST(LiveFilesTest, AFileThatACheckpointNamesTwiceIsThereOnceTheSameWhateverTheOrder) {
  AddFile older = TestTable::file("a", 1);
  AddFile newer = TestTable::file("a", 2);
  newer.modification_time += std::chrono::seconds(1);
  for (const bool newer_first : {true, false}) {
    LiveFiles::Builder builder;
    builder.add_reconciled(newer_first ? newer : older);
    builder.add_reconciled(TestTable::file("b"));
    builder.add_reconciled(newer_first ? older : newer);
    const LiveFiles files = std::move(builder).finish();
    EXPECT_EQ(files.size(), 2u);
    EXPECT_EQ(files.total_bytes(), 200);
    EXPECT_EQ(files.find_path("a"), newer);
    EXPECT_THAT(paths(files), ElementsAre("a", "b"));
  }
}

/// Paths that share beginnings of any length, some with escapes, some that begin another.
std::string odd_path(std::uint64_t number) {
  std::string path = number % 3 == 0 ? "day=2026-01-01/part-" : number % 3 == 1 ? "day=2026-01-02/" : "d";
  path += std::string(number % 7, 'x') + (number % 5 == 0 ? "%20" : "_") + std::to_string(number / 11);
  return path + std::string(number % 11, '0');
}

TEST(LiveFilesTest, EqualsAMapThatBeganAsACheckpointInAnyOrder) {
  for (const bool in_order : {false, true}) {
    SeededRandom random(7);
    std::map<FileKey, AddFile> expected;
    const auto make = [&](std::uint64_t number) {
      AddFile file = number % 13 == 0 ? full_file(odd_path(number)) : TestTable::file(odd_path(number));
      file.size_bytes = static_cast<std::int64_t>(random.next() % 1000);
      return file;
    };
    std::vector<AddFile> checkpoint;
    for (int i = 0; i < 9'000; ++i) {
      AddFile file = make(random.next() % 20'000);
      if (expected.try_emplace(key_of(file), file).second) checkpoint.push_back(std::move(file));
    }
    if (in_order) std::ranges::sort(checkpoint, {}, [](const AddFile& file) { return key_of(file); });
    LiveFiles::Builder builder;
    for (const AddFile& file : checkpoint) builder.add_reconciled(file);
    LiveFiles files = std::move(builder).finish();
    for (int round = 0; round < 30; ++round) {
      std::vector<Action> commit;
      std::map<FileKey, AddFile> added;
      for (std::uint64_t i = 0; i < (round % 3 == 0 ? 2'000u : 10u); ++i) {
        const AddFile file = make(random.next() % 20'000);
        if (random.next() % 2 == 0) {
          commit.emplace_back(TestTable::removal_of(file));
          expected.erase(key_of(file));
        } else if (added.try_emplace(key_of(file), file).second) {
          commit.emplace_back(file);
        }
      }
      for (const auto& [key, file] : added) expected.insert_or_assign(key, file);
      files = after(files, std::move(commit));
      std::vector<AddFile> all;
      std::int64_t total_bytes = 0;
      for (const auto& [key, file] : expected) {
        all.push_back(file);
        total_bytes += file.size_bytes;
      }
      ASSERT_EQ(files.size(), expected.size());
      ASSERT_EQ(files.total_bytes(), total_bytes);
      // Not in each round: a base that nobody has asked for its order behaves the same.
      if (round % 4 != 2) {
        ASSERT_EQ(std::vector<AddFile>(files.begin(), files.end()), all);
      }
      for (const std::uint64_t number : {random.next() % 20'000, random.next() % 20'000}) {
        const AddFile file = make(number);
        const auto found = expected.find(key_of(file));
        ASSERT_EQ(files.find(key_of(file)), found == expected.end() ? std::nullopt : std::optional(found->second));
      }
    }
  }
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
