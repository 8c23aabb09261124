#include "delta/data_path.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "store/local_store.h"
#include "store/memory_store.h"

namespace sluice::delta {
namespace {

TEST(DataPathTest, DecodesPercentEscapesOnce) {
  EXPECT_EQ(resolve_path("a%20b.parquet")->path, "a b.parquet");
  EXPECT_EQ(resolve_path("p=a%253Ab/x")->path, "p=a%3Ab/x");
  EXPECT_EQ(resolve_path("a+b")->path, "a+b");
  EXPECT_EQ(resolve_path("\xc3\xa4.parquet")->path, "\xc3\xa4.parquet");
}

TEST(DataPathTest, AbsolutePathsKeepWhereTheyLead) {
  EXPECT_EQ(*resolve_path("file:/data/a%20b"), (DataPath{true, "/data/a b"}));
  EXPECT_EQ(*resolve_path("file:///data/a"), (DataPath{true, "/data/a"}));
  EXPECT_EQ(*resolve_path("/data/a"), (DataPath{true, "/data/a"}));
  EXPECT_EQ(*resolve_path("s3://bucket/a%20b"), (DataPath{true, "s3://bucket/a%20b"}));
  EXPECT_EQ(*resolve_path("a/b:c"), (DataPath{false, "a/b:c"}));
}

TEST(DataPathTest, BrokenAndEscapingPathsAreCorrupt) {
  for (const char* path : {"", "a%2", "a%zz", "%", "../x", "a/%2e%2e/b", "a%00b", "file:"}) {
    const auto resolved = resolve_path(path);
    ASSERT_FALSE(resolved) << path;
    EXPECT_EQ(resolved.error().code(), ErrorCode::Corruption) << path;
  }
}

TEST(DataPathTest, EncodingIsTheInverseOfDecoding) {
  for (const char* key : {"part-0.parquet", "p=a%3Ab/x y", "100%", "\xc3\xa4#?", "a+b=c"}) {
    EXPECT_EQ(resolve_path(encode_path(key))->path, key);
  }
  EXPECT_EQ(encode_path("p=a%3Ab/x y"), "p=a%253Ab/x%20y");
}

TEST(DataPathTest, OneFileHasOneCanonicalPath) {
  EXPECT_EQ(canonical_path("file:/x/a%20b"), canonical_path("/x/a b"));
  EXPECT_EQ(canonical_path("file:///x/a"), canonical_path("file:/x/a"));
  EXPECT_EQ(canonical_path("a%2Db"), canonical_path("a-b"));
  EXPECT_NE(canonical_path("a%252Db"), canonical_path("a-b"));
}

TEST(DataPathTest, PartitionFoldersEscapeAsHiveDoes) {
  EXPECT_EQ(partition_folder({}), "");
  EXPECT_EQ(partition_folder({{"day", "2024-01-01"}, {"k", "a:b/c d"}}), "day=2024-01-01/k=a%3Ab%2Fc d/");
  EXPECT_EQ(partition_folder({{"k", std::nullopt}}), "k=__HIVE_DEFAULT_PARTITION__/");
  EXPECT_EQ(partition_folder({{"k", ""}}), "k=__HIVE_DEFAULT_PARTITION__/");
  EXPECT_EQ(encode_path(partition_folder({{"k", "a:b"}})), "k=a%253Ab/");
}

TEST(DataPathTest, PartitionFoldersThatWouldBeTooLongAreHashed) {
  EXPECT_EQ(partition_folder({{"k", std::string(253, 'x')}}), "k=" + std::string(253, 'x') + "/");
  const std::string hashed = partition_folder({{"day", "1"}, {"k", std::string(254, 'x')}});
  EXPECT_EQ(hashed.size(), std::string("long-/").size() + 32);
  EXPECT_TRUE(hashed.starts_with("long-"));
  EXPECT_NE(hashed, partition_folder({{"day", "2"}, {"k", std::string(254, 'x')}}));
  EXPECT_EQ(hashed, partition_folder({{"day", "1"}, {"k", std::string(254, 'x')}}));
  EXPECT_EQ(partition_folder({{"k", std::string(100, '/')}}).size(), hashed.size()) << "escapes count";
  const std::vector<std::pair<std::string, std::optional<std::string>>> many(20, {"name", std::string(40, 'x')});
  EXPECT_EQ(partition_folder(many).size(), hashed.size());
}

TEST(DataPathTest, AnAbsolutePathIsReadWhereTableAndFileAreOnThisMachine) {
  std::string folder = testing::TempDir() + "data_path_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto table = std::move(*store::LocalStore::create(folder + "/table"));
  const auto other = std::move(*store::LocalStore::create(folder + "/other"));
  ASSERT_TRUE(other->put("a b", "content"));

  const DataPath path = *resolve_path("file:" + folder + "/other/a%20b");
  const auto machine = store_of_absolute(path, *table);
  ASSERT_TRUE(machine) << machine.error().message();
  EXPECT_EQ(**(*machine)->get(key_of_absolute(path)), "content");
  std::filesystem::remove_all(folder);

  const auto url = store_of_absolute(*resolve_path("s3://bucket/a"), *table);
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(url.error().message(), testing::HasSubstr("s3://bucket/a"));
  ManualClock clock{UnixMillis()};
  const auto elsewhere = store_of_absolute(path, store::MemoryStore(clock));
  ASSERT_FALSE(elsewhere) << "a path of whichever machine wrote the table";
  EXPECT_EQ(elsewhere.error().code(), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace sluice::delta
