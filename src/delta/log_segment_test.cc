#include "delta/log_segment.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A listing from the names of log files, each 10 bytes long; "name=0" is an empty file.
std::vector<store::ObjectInfo> listing(std::initializer_list<std::string> names) {
  std::vector<store::ObjectInfo> infos;
  for (std::string name : names) {
    const bool empty = name.ends_with("=0");
    if (empty) name.resize(name.size() - 2);
    infos.push_back({"_delta_log/" + name, empty ? 0u : 10u, UnixMillis()});
  }
  return infos;
}

std::string commit(int version) { return commit_key(Version(version)).substr(kLogFolder.size()); }
std::string classic(int version) { return checkpoint_key(Version(version)).substr(kLogFolder.size()); }
std::string part(int version, int number, int count) {
  return log_key({LogPath::Kind::MultiPartCheckpoint, Version(version), Version(version), number, count, ""})
      .substr(kLogFolder.size());
}

std::vector<std::int64_t> commits_of(const LogSegment& segment) {
  std::vector<std::int64_t> versions;
  for (const LogFile& file : segment.commits) versions.push_back(file.path.version.value());
  return versions;
}

LogSegment decided(const std::vector<store::ObjectInfo>& infos, std::optional<Version> at = std::nullopt,
                   const std::set<std::string>& unreadable = {}) {
  const auto segment = decide_log_segment(infos, at, unreadable);
  SLUICE_CHECK_OK(segment);
  SLUICE_CHECK(segment->has_value(), "no table");
  return **segment;
}

TEST(LogSegmentTest, AFolderWithoutLogFilesIsNoTable) {
  EXPECT_FALSE(decide_log_segment({})->has_value());
  EXPECT_FALSE(decide_log_segment(listing({"_last_checkpoint", "x.json", commit(1) + ".tmp"}))->has_value());
}

TEST(LogSegmentTest, CommitsAloneMakeATable) {
  const LogSegment segment = decided(listing({commit(2), commit(0), commit(1)}));
  EXPECT_EQ(segment.version, Version(2));
  EXPECT_THAT(segment.checkpoint, IsEmpty());
  EXPECT_THAT(commits_of(segment), ElementsAre(0, 1, 2));
  EXPECT_EQ(segment.checkpoint_version(), kNoVersion);
}

TEST(LogSegmentTest, TheNewestCheckpointSparesTheCommitsBefore) {
  const auto infos = listing({commit(0), commit(1), classic(1), commit(2), commit(3), classic(3), commit(4)});
  EXPECT_EQ(decided(infos).checkpoint_version(), Version(3));
  EXPECT_THAT(commits_of(decided(infos)), ElementsAre(4));
  EXPECT_EQ(decided(infos, Version(2)).checkpoint_version(), Version(1));
  EXPECT_THAT(commits_of(decided(infos, Version(2))), ElementsAre(2));
  EXPECT_THAT(commits_of(decided(infos, Version(0))), ElementsAre(0));
}

TEST(LogSegmentTest, ACheckpointAloneIsEnough) {
  const LogSegment segment = decided(listing({classic(7)}));
  EXPECT_EQ(segment.version, Version(7));
  EXPECT_THAT(segment.commits, IsEmpty());
  EXPECT_FALSE(segment.newest.has_value());
}

TEST(LogSegmentTest, TheCommitBesideACheckpointIsKnown) {
  EXPECT_EQ(decided(listing({commit(7), classic(7)})).newest->path.version, Version(7));
}

TEST(LogSegmentTest, GapsAreNamed) {
  const auto segment = decide_log_segment(listing({commit(0), commit(1), commit(4), commit(5)}));
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().code(), ErrorCode::Corruption);
  EXPECT_THAT(segment.error().message(), HasSubstr("versions 2 to 3"));
  EXPECT_THAT(decide_log_segment(listing({commit(1), commit(2)})).error().message(), HasSubstr("version 0 is missing"));
}

TEST(LogSegmentTest, AGapBehindACheckpointIsOneToo) {
  const auto segment = decide_log_segment(listing({classic(3), commit(5)}));
  ASSERT_FALSE(segment);
  EXPECT_THAT(segment.error().message(), HasSubstr("version 4"));
}

TEST(LogSegmentTest, AGapBeforeACheckpointDoesNotMatter) {
  EXPECT_THAT(commits_of(decided(listing({commit(0), commit(3), classic(3), commit(4)}))), ElementsAre(4));
}

TEST(LogSegmentTest, AnOlderCheckpointHelpsPastAGap) {
  // Nothing leads from checkpoint 1 to 4 or from 0, but checkpoint 3 does.
  const auto infos = listing({classic(1), commit(3), classic(3), commit(4), classic(6)});
  EXPECT_EQ(decided(infos, Version(4)).checkpoint_version(), Version(3));
}

TEST(LogSegmentTest, VersionsThatAreNotThereAreNotFound) {
  EXPECT_EQ(decide_log_segment(listing({commit(0)}), Version(1)).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(decide_log_segment(listing({commit(0)}), Version(-1)).error().code(), ErrorCode::NotFound);
  const auto cleaned = decide_log_segment(listing({classic(5), commit(5), commit(6)}), Version(3));
  EXPECT_EQ(cleaned.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(cleaned.error().message(), HasSubstr("cleaned up to version 5"));
}

TEST(LogSegmentTest, AllPartsOrNone) {
  const auto complete = decided(listing({part(2, 2, 2), part(2, 1, 2), commit(3)}));
  ASSERT_EQ(complete.checkpoint.size(), 2u);
  EXPECT_EQ(complete.checkpoint[0].path.part, 1);
  EXPECT_FALSE(decide_log_segment(listing({part(2, 1, 2), commit(3)})));
  EXPECT_THAT(commits_of(decided(listing({commit(0), commit(1), part(1, 1, 3), part(1, 3, 3)}))), ElementsAre(0, 1));
  // Parts of two attempts do not make one checkpoint.
  EXPECT_FALSE(decide_log_segment(listing({part(2, 1, 2), part(2, 2, 3), part(2, 3, 3), commit(3)})));
}

TEST(LogSegmentTest, EmptyAndUnreadableCheckpointsArePassedOver) {
  EXPECT_THAT(commits_of(decided(listing({commit(0), commit(1), classic(1) + "=0"}))), ElementsAre(0, 1));
  const auto infos = listing({commit(0), commit(1), classic(1), commit(2), classic(2)});
  EXPECT_EQ(decided(infos, std::nullopt, {checkpoint_key(Version(2))}).checkpoint_version(), Version(1));
  EXPECT_THAT(commits_of(decided(infos, std::nullopt, {checkpoint_key(Version(2)), checkpoint_key(Version(1))})),
              ElementsAre(0, 1, 2));
}

TEST(LogSegmentTest, ASingleFileIsPreferredToParts) {
  const auto infos = listing({part(2, 1, 1), classic(2), commit(2)});
  EXPECT_EQ(decided(infos).checkpoint.front().path.kind, LogPath::Kind::ClassicCheckpoint);
}

TEST(LogSegmentTest, CompactionsAndChecksumsAreNoCommits) {
  const auto infos =
      listing({commit(0), "00000000000000000001.00000000000000000002.compacted.json", "00000000000000000003.crc"});
  EXPECT_EQ(decided(infos).version, Version(0));
}

TEST(LogSegmentTest, WhateverItDecidesHoldsItsInvariants) {
  SeededRandom random(11);
  for (int round = 0; round < 5'000; ++round) {
    std::vector<store::ObjectInfo> infos;
    for (int version = 0; version < 8; ++version) {
      if (random.next() % 4 != 0) infos.push_back({commit_key(Version(version)), 10, UnixMillis()});
      if (random.next() % 4 == 0) infos.push_back({checkpoint_key(Version(version)), random.next() % 3, UnixMillis()});
    }
    const Version at(static_cast<std::int64_t>(random.next() % 8));
    const auto segment = decide_log_segment(infos, at);
    if (!segment || !*segment) continue;
    EXPECT_EQ((*segment)->version, at);
    Version expected = (*segment)->checkpoint_version();
    for (const LogFile& file : (*segment)->commits) {
      expected = expected.next();
      EXPECT_EQ(file.path.version, expected);
    }
    EXPECT_EQ(expected, at);
    for (const LogFile& file : (*segment)->checkpoint) EXPECT_GT(file.info.size_bytes, 0u);
  }
}

}  // namespace
}  // namespace sluice::delta
