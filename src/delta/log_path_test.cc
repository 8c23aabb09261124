#include "delta/log_path.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::delta {
namespace {

using Kind = LogPath::Kind;

constexpr const char* kUuid = "e8fa2696-9728-4e9c-b285-634743fdd4fb";

TEST(LogPathTest, TellsEveryKindOfFileByItsName) {
  const auto kind_of = [](const std::string& name) {
    const auto path = parse_log_path("_delta_log/00000000000000000007" + name);
    return path ? std::optional(path->kind) : std::nullopt;
  };
  EXPECT_EQ(kind_of(".json"), Kind::Commit);
  EXPECT_EQ(kind_of(".crc"), Kind::Checksum);
  EXPECT_EQ(kind_of(".checkpoint.parquet"), Kind::ClassicCheckpoint);
  EXPECT_EQ(kind_of(".checkpoint.0000000001.0000000003.parquet"), Kind::MultiPartCheckpoint);
  EXPECT_EQ(kind_of(std::string(".checkpoint.") + kUuid + ".json"), Kind::UuidCheckpointJson);
  EXPECT_EQ(kind_of(std::string(".checkpoint.") + kUuid + ".parquet"), Kind::UuidCheckpointParquet);
  EXPECT_EQ(kind_of(".00000000000000000009.compacted.json"), Kind::Compaction);
}

TEST(LogPathTest, ReadsTheNumbers) {
  const auto part = parse_log_path("_delta_log/00000000000000000012.checkpoint.0000000002.0000000003.parquet");
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->version, Version(12));
  EXPECT_EQ(part->part, 2);
  EXPECT_EQ(part->part_count, 3);
  const auto compaction = parse_log_path("_delta_log/00000000000000000004.00000000000000000009.compacted.json");
  ASSERT_TRUE(compaction.has_value());
  EXPECT_EQ(compaction->version, Version(4));
  EXPECT_EQ(compaction->last_version, Version(9));
}

TEST(LogPathTest, IgnoresWhatIsNotExactlyALogFile) {
  for (const char* key : {
           "00000000000000000007.json",
           "_delta_log/_last_checkpoint",
           "_delta_log/7.json",
           "_delta_log/000000000000000000007.json",
           "_delta_log/.00000000000000000007.json.crc",
           "_delta_log/00000000000000000007.json.tmp",
           "_delta_log/_commit_00000000000000000007.json.tmp",
           "_delta_log/sub/00000000000000000007.json",
           "_delta_log/_staged_commits/00000000000000000007.e8fa2696-9728-4e9c-b285-634743fdd4fb.json",
           "_delta_log/99999999999999999999.json",
           "_delta_log/-0000000000000000007.json",
           "_delta_log/00000000000000000007.checkpoint.0000000004.0000000003.parquet",
           "_delta_log/00000000000000000007.checkpoint.0000000000.0000000003.parquet",
           "_delta_log/00000000000000000007.checkpoint.1.3.parquet",
           "_delta_log/00000000000000000007.checkpoint.e8fa2696.json",
           "_delta_log/00000000000000000007.checkpoint.e8fa2696-9728-4e9c-b285-634743fdd4fb.avro",
           "_delta_log/00000000000000000009.00000000000000000004.compacted.json",
           "_delta_log/00000000000000000007",
           "_delta_log/",
           "",
       }) {
    EXPECT_FALSE(parse_log_path(key).has_value()) << key;
  }
}

TEST(LogPathTest, FormattingIsTheInverseOfParsing) {
  for (const LogPath& path : {
           LogPath{Kind::Commit, Version(0), Version(0), 0, 0, ""},
           LogPath{Kind::Commit, Version(INT64_MAX), Version(INT64_MAX), 0, 0, ""},
           LogPath{Kind::ClassicCheckpoint, Version(3), Version(3), 0, 0, ""},
           LogPath{Kind::MultiPartCheckpoint, Version(3), Version(3), 1, 2147483647, ""},
           LogPath{Kind::UuidCheckpointJson, Version(3), Version(3), 0, 0, kUuid},
           LogPath{Kind::UuidCheckpointParquet, Version(3), Version(3), 0, 0, kUuid},
           LogPath{Kind::Compaction, Version(3), Version(5), 0, 0, ""},
           LogPath{Kind::Checksum, Version(3), Version(3), 0, 0, ""},
       }) {
    EXPECT_EQ(parse_log_path(log_key(path)), path) << log_key(path);
  }
}

TEST(LogPathTest, ListingFromAVersionSkipsAllEarlierOnes) {
  EXPECT_LT(log_key({Kind::Compaction, Version(9), Version(10), 0, 0, ""}), list_from_key(Version(10)));
  EXPECT_LT(log_key({Kind::Commit, Version(9), Version(9), 0, 0, ""}), list_from_key(Version(10)));
  EXPECT_LT(list_from_key(Version(10)), checkpoint_key(Version(10)));
}

TEST(LogPathTest, SurvivesRandomNames) {
  constexpr std::string_view kAlphabet = "0123456789.-abcdefjsonparquetcheckpoint/";
  SeededRandom random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string key = "_delta_log/";
    for (std::uint64_t length = random.next() % 60; length > 0; --length)
      key += kAlphabet[random.next() % kAlphabet.size()];
    const auto path = parse_log_path(key);
    if (path) {
      EXPECT_EQ(log_key(*path), key);
    }
  }
}

}  // namespace
}  // namespace sluice::delta
