#include "store/local_store.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LocalStoreTest : public ::testing::Test {
 protected:
  LocalStoreTest() {
    folder_ = (std::filesystem::temp_directory_path() / "sluice-local-XXXXXX").string();
    SLUICE_CHECK(::mkdtemp(folder_.data()) != nullptr, "mkdtemp");
    store_ = *LocalStore::create(folder_ + "/lake");
  }
  ~LocalStoreTest() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> files_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string folder_;
  std::unique_ptr<LocalStore> store_;
};

TEST_F(LocalStoreTest, MakesItsRootAndTheFoldersOfAKey) {
  ASSERT_TRUE(store_->put("a/b/c", "x"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder_ + "/lake/a/b/c"));
  EXPECT_EQ(store_->local_path("a/b/c"), folder_ + "/lake/a/b/c");
}

TEST_F(LocalStoreTest, RelativeRootsStartAtTheCurrentFolder) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const auto store = LocalStore::create(std::string("relative/"));
  std::filesystem::current_path(here);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put("a", "x"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/relative/a"));
}

TEST_F(LocalStoreTest, ARootThatIsAFileIsRefused) {
  std::ofstream(folder_ + "/file") << "x";
  EXPECT_EQ(LocalStore::create(folder_ + "/file").error().code(), ErrorCode::InvalidArgument);
}

TEST_F(LocalStoreTest, NoTemporaryOutlivesACall) {
  ASSERT_TRUE(store_->put("t/a", "x"));
  ASSERT_TRUE(store_->put_if_absent("t/b", "x"));
  ASSERT_TRUE(store_->put_if_absent("t/b", "x"));
  { auto dropped = store_->create(std::string_view("t/c")); }
  EXPECT_THAT(files_in(folder_ + "/lake/t"), ElementsAre("a", "b"));
}

TEST_F(LocalStoreTest, PutIfAbsentKeepsAForeignFile) {
  std::filesystem::create_directories(folder_ + "/lake/log");
  std::ofstream(folder_ + "/lake/log/0.json") << "theirs";
  EXPECT_EQ(*store_->put_if_absent("log/0.json", "ours"), PutOutcome::AlreadyExists);
  EXPECT_EQ(*store_->get("log/0.json"), "theirs");
}

TEST_F(LocalStoreTest, AFolderThatWasRemovedBehindItsBackIsMadeAgain) {
  ASSERT_TRUE(store_->put("t/a", "x"));
  std::filesystem::remove_all(folder_ + "/lake/t");
  ASSERT_TRUE(store_->put("t/b", "x"));
  EXPECT_EQ(*store_->get("t/b"), "x");
}

TEST_F(LocalStoreTest, AnAbandonedTemporaryIsNeverListedAndCanBeRemoved) {
  std::filesystem::create_directories(folder_ + "/lake/t");
  std::ofstream(folder_ + "/lake/t/.sluice-tmp-1-1") << "left by a crash";
  auto writer = store_->create(std::string_view("t/part"));  // its temporary is locked: its writer lives
  ASSERT_TRUE((*writer)->append("x"));
  EXPECT_TRUE(store_->list("", "")->empty());
  EXPECT_EQ(*store_->remove_abandoned(), 1u);
  ASSERT_TRUE(std::move(**writer).finish());
  EXPECT_THAT(files_in(folder_ + "/lake/t"), ElementsAre("part"));
}

TEST_F(LocalStoreTest, AFolderIsNoObject) {
  ASSERT_TRUE(store_->put("t/a", "x"));
  EXPECT_EQ(store_->get("t").error().code(), ErrorCode::InvalidArgument);
  EXPECT_FALSE(store_->head("t")->has_value());
  EXPECT_FALSE(store_->put("t", "x"));
  EXPECT_EQ(*store_->get("t/a"), "x");
}

TEST_F(LocalStoreTest, AnObjectIsNoFolder) {
  ASSERT_TRUE(store_->put("t", "x"));
  EXPECT_EQ(*store_->get("t/a"), std::nullopt);
  EXPECT_EQ(store_->put("t/a", "x").error().code(), ErrorCode::InvalidArgument);
}

TEST_F(LocalStoreTest, ListFollowsLinksToFilesAndNotToFolders) {
  std::filesystem::create_directories(folder_ + "/elsewhere");
  std::ofstream(folder_ + "/elsewhere/file") << "x";
  std::filesystem::create_symlink(folder_ + "/elsewhere/file", folder_ + "/lake/linked");
  std::filesystem::create_symlink(folder_ + "/elsewhere", folder_ + "/lake/folder");
  std::filesystem::create_symlink(folder_ + "/nowhere", folder_ + "/lake/dangling");
  std::filesystem::create_symlink(folder_ + "/lake", folder_ + "/lake/loop");
  const auto infos = store_->list("", "");
  ASSERT_TRUE(infos);
  ASSERT_EQ(infos->size(), 1u);
  EXPECT_EQ(infos->front().key, "linked");
}

TEST_F(LocalStoreTest, AFileThatShrinksWhileItIsReadIsCorrupt) {
  ASSERT_TRUE(store_->put("a", "0123456789"));
  const auto reader = store_->open("a");
  std::filesystem::resize_file(folder_ + "/lake/a", 4);
  std::string out(10, ' ');
  EXPECT_EQ((*reader)->read(0, out).error().code(), ErrorCode::Corruption);
}

TEST_F(LocalStoreTest, AFullDiskIsResourceExhaustedAndLeavesTheOldContent) {
  // A limit on the size of files stands in for the full disk: EFBIG takes the same way as ENOSPC.
  ASSERT_TRUE(store_->put("a", "old"));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  rlimit small = limit;
  small.rlim_cur = 4096;
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = store_->put("a", std::string(100'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, before);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::ResourceExhausted);
  EXPECT_THAT(status.error().message(), HasSubstr("write"));
  EXPECT_EQ(*store_->get("a"), "old");
  EXPECT_THAT(files_in(folder_ + "/lake"), ElementsAre("a"));
}

TEST_F(LocalStoreTest, AFolderWithoutRightsIsPermissionDenied) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  ASSERT_TRUE(store_->put("t/a", "x"));
  ::chmod((folder_ + "/lake/t").c_str(), 0500);
  const auto outcome = store_->put_if_absent("t/b", "x");
  ::chmod((folder_ + "/lake/t").c_str(), 0700);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::PermissionDenied);
}

}  // namespace
}  // namespace sluice::store
