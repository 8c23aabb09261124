#include "connect/files/discovery.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connect/files/error_numbers.h"
#include "connect/files/internal/glob.h"
#include "connect/files/memory_file_system.h"

namespace sluice::connect {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr UnixMillis at(std::int64_t ms) { return UnixMillis(std::chrono::milliseconds(ms)); }

class DiscoveryTest : public ::testing::Test {
 protected:
  void put(const std::string& path) { files_.put(path, "x", at(1)); }

  std::vector<std::string> find(std::string_view pattern) {
    const auto found = discover(files_, pattern);
    if (!found) return {"error " + std::to_string(found.error().number())};
    std::vector<std::string> paths;
    for (const FileInfo& file : *found) paths.push_back(file.path);
    return paths;
  }

  MemoryFileSystem files_;
};

TEST_F(DiscoveryTest, ListsMatchesInTheOrderOfTheirBytes) {
  for (const char* name : {"in/b.jsonl", "in/a.jsonl", "in/B.jsonl", "in/a.json", "in/sub/c.jsonl", "other/d.jsonl"})
    put(name);
  EXPECT_THAT(find("in/*.jsonl"), ElementsAre("in/B.jsonl", "in/a.jsonl", "in/b.jsonl"));
}

TEST_F(DiscoveryTest, KnowsTheWildcards) {
  for (const char* name : {"in/a1.j", "in/a2.j", "in/b1.j", "in/ab1.j", "in/[x].j"}) put(name);
  EXPECT_THAT(find("in/a?.j"), ElementsAre("in/a1.j", "in/a2.j"));
  EXPECT_THAT(find("in/[ab]1.j"), ElementsAre("in/a1.j", "in/b1.j"));
  EXPECT_THAT(find("in/[!a]1.j"), ElementsAre("in/b1.j"));
  EXPECT_THAT(find("in/a[1-1].j"), ElementsAre("in/a1.j"));
  EXPECT_THAT(find("in/{a,b}1.j"), ElementsAre("in/a1.j", "in/b1.j"));
  EXPECT_THAT(find("in/*1*"), ElementsAre("in/a1.j", "in/ab1.j", "in/b1.j"));
  EXPECT_THAT(find("in/[[]x].j"), ElementsAre("in/[x].j"));
  EXPECT_THAT(find("i?/b1.j"), ElementsAre("in/b1.j"));
}

TEST_F(DiscoveryTest, TakesAFolderWhole) {
  for (const char* name : {"in/a", "in/sub/b", "in/sub/deep/c", "in/.hidden/d", "in/_tmp/e", "in/.f", "in/_SUCCESS"})
    put(name);
  EXPECT_THAT(find("in"), ElementsAre("in/a", "in/sub/b", "in/sub/deep/c"));
  EXPECT_THAT(find("in/"), ElementsAre("in/a", "in/sub/b", "in/sub/deep/c"));
  EXPECT_THAT(find("in/*"), ElementsAre("in/a", "in/sub/b", "in/sub/deep/c"));
  EXPECT_THAT(find("in/s*"), ElementsAre("in/sub/b", "in/sub/deep/c"));
}

TEST_F(DiscoveryTest, LetsTwoStarsStandForAnyNumberOfFolders) {
  for (const char* name : {"in/a.j", "in/x/a.j", "in/x/y/a.j", "in/x/y/b.k", "in/x/_y/a.j"}) put(name);
  EXPECT_THAT(find("in/**/a.j"), ElementsAre("in/a.j", "in/x/a.j", "in/x/y/a.j"));
  EXPECT_THAT(find("in/**/**/y/*"), ElementsAre("in/x/y/a.j", "in/x/y/b.k"));
  EXPECT_THAT(find("in/**"), ElementsAre("in/a.j", "in/x/a.j", "in/x/y/a.j", "in/x/y/b.k"));
  EXPECT_THAT(find("**/*.k"), ElementsAre("in/x/y/b.k"));
}

TEST_F(DiscoveryTest, IgnoresHiddenNamesUnlessWrittenOut) {
  for (const char* name : {"in/.a.j", "in/_b.j", ".cache/c.j"}) put(name);
  EXPECT_THAT(find("in/*.j"), IsEmpty());
  EXPECT_THAT(find("in/{.a,_b}.j"), ElementsAre("in/.a.j", "in/_b.j"));
  EXPECT_THAT(find(".cache/*.j"), ElementsAre(".cache/c.j"));
}

TEST_F(DiscoveryTest, TellsAMissingFolderFromAnEmptyOne) {
  put("file");
  files_.make_folder("empty");
  EXPECT_THAT(find("empty"), IsEmpty());
  EXPECT_THAT(find("empty/*.jsonl"), IsEmpty());
  EXPECT_THAT(find("empty/no/*.jsonl"), ElementsAre("error 2001"));
  EXPECT_THAT(find("missing/*.jsonl"), ElementsAre("error 2001"));
  EXPECT_THAT(find("missing.jsonl"), ElementsAre("error 2001"));
  EXPECT_THAT(find("file/*.jsonl"), ElementsAre("error 2002"));
  EXPECT_THAT(find("{missing,file}"), ElementsAre("file"));
}

TEST_F(DiscoveryTest, RefusesPatternsItCannotRead) {
  EXPECT_THAT(find(""), ElementsAre("error 2004"));
  EXPECT_THAT(find("in/[ab"), ElementsAre("error 2001")) << "the folder comes first";
  files_.make_folder("in");
  EXPECT_THAT(find("in/[ab"), ElementsAre("error 2004"));
  EXPECT_THAT(find("in/{a,b"), ElementsAre("error 2004"));
  EXPECT_THAT(find("in/" + std::string("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")),
              ElementsAre("error 2004"));
  EXPECT_THAT(find("s3://bucket/x"), ElementsAre("error 2007"));
}

TEST(GlobTest, MatchesManyStarsInLinearSteps) {
  const std::string name(20'000, 'a');
  EXPECT_FALSE(matches_component("*a*a*a*a*a*a*a*a*a*a*b", name));
  EXPECT_TRUE(matches_component("*a*a*a*a*a*a*a*a*a*a*", name));
}

TEST(SettlingTest, HoldsAFileBackUntilItStandsStill) {
  Settling settling(std::chrono::milliseconds(1000));
  const FileInfo growing{.path = "a", .size_bytes = 1, .modified = at(5)};
  const FileInfo grown{.path = "a", .size_bytes = 2, .modified = at(5)};
  const auto ms = [](std::int64_t count) { return std::chrono::nanoseconds(std::chrono::milliseconds(count)); };
  EXPECT_THAT(settling.settled({growing}, ms(0)), IsEmpty());
  EXPECT_TRUE(settling.waiting());
  EXPECT_THAT(settling.settled({grown}, ms(999)), IsEmpty());
  EXPECT_THAT(settling.settled({grown}, ms(1998)), IsEmpty());
  EXPECT_THAT(settling.settled({grown}, ms(1999)), ElementsAre(grown));
  EXPECT_FALSE(settling.waiting());
  EXPECT_THAT(settling.settled({}, ms(2000)), IsEmpty());
  EXPECT_THAT(settling.settled({grown}, ms(2001)), IsEmpty()) << "it was gone in between";
}

TEST(SettlingTest, TakesEveryFileAtOnceWithoutSettleTime) {
  Settling settling(std::chrono::milliseconds(0));
  const FileInfo file{.path = "a", .size_bytes = 1, .modified = at(5)};
  EXPECT_THAT(settling.settled({file}, std::chrono::nanoseconds(0)), ElementsAre(file));
}

class LocalFileSystemTest : public ::testing::Test {
 protected:
  LocalFileSystemTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice_files_XXXXXX").string();
    SLUICE_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    root_ = pattern;
  }
  ~LocalFileSystemTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  std::filesystem::path root_;
};

TEST_F(LocalFileSystemTest, FindsAndReadsFilesRelativeToItsRoot) {
  write("in/a.j", "first");
  write("in/b.j", "second");
  LocalFileSystem files(root_.string());
  const auto found = discover(files, "in/*.j");
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[1].path, "in/b.j");
  EXPECT_EQ((*found)[1].size_bytes, 6U);
  EXPECT_GT((*found)[1].modified, at(1'600'000'000'000));
  auto file = files.open("in/b.j").value();
  std::string text(100, '\0');
  text.resize(file->read(text).value());
  EXPECT_EQ(text, "second");
  EXPECT_EQ(file->read(text).value(), 0U);
  EXPECT_EQ(file->status()->size_bytes, 6U);
  EXPECT_EQ(discover(files, root_.string() + "/in/a.j").value()[0].path, root_.string() + "/in/a.j");
}

TEST_F(LocalFileSystemTest, FollowsLinksToFilesButNotToFoldersInsideAFolder) {
  write("data/a.j", "x");
  write("in/b.j", "y");
  std::filesystem::create_symlink("../data/a.j", root_ / "in/linked.j");
  std::filesystem::create_symlink("nowhere", root_ / "in/broken.j");
  std::filesystem::create_directory_symlink("..", root_ / "in/loop");
  LocalFileSystem files(root_.string());
  const auto found = discover(files, "in");
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[1].path, "in/linked.j");
  EXPECT_EQ((*found)[1].size_bytes, 1U);
  EXPECT_EQ(discover(files, "in/loop/data/*").value()[0].path, "in/loop/data/a.j");
}

TEST_F(LocalFileSystemTest, NamesWhatIsMissing) {
  LocalFileSystem files(root_.string());
  EXPECT_EQ(files.open("no").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(files.status("no").error().number(), kErrorPathNotFound);
  write("file", "x");
  EXPECT_EQ(files.list("file").error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace sluice::connect
