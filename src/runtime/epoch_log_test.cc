#include "runtime/epoch_log.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "store/memory_store.h"

namespace sluice::runtime {
namespace {

Manifest manifest(std::int64_t epoch) {
  Manifest made;
  made.epoch = Epoch(epoch);
  made.pipeline_id = "pipeline";
  made.engine = "test";
  made.tables["main.t"] = {"id", 2, 5, 7, "print", true, {"a", "b"}};
  made.sources["files"] = {"[\"x\"]", "", "{\"k\":\"\\u0001\"}"};
  return made;
}

CommitIntent intent(std::int64_t epoch, std::string run) {
  return {Epoch(epoch), std::move(run), {{"main.t", 5, "txn", "{\"add\":\"\\n\"}\n", true}}, manifest(epoch)};
}

class EpochLogTest : public testing::Test {
 protected:
  ManualClock clock_{UnixMillis(std::chrono::milliseconds(0))};
  store::MemoryStore store_{clock_};
  FailPoints fail_points_;
  EpochLog log_{store_, fail_points_};
};

TEST_F(EpochLogTest, RecordsComeBackAsTheyWere) {
  EXPECT_EQ(*decode_manifest(encode(manifest(7))), manifest(7));
  EXPECT_EQ(*decode_commit_intent(encode(intent(7, "me"))), intent(7, "me"));
  const OffsetPlan plan{Epoch(7), "me", {{"files", "[1]"}}};
  EXPECT_EQ(*decode_offset_plan(encode(plan)), plan);
}

TEST_F(EpochLogTest, DamagedRecordsAreCorruptionThatNamesTheKey) {
  const std::string text = encode(manifest(7));
  EXPECT_EQ(decode_manifest(text.substr(0, text.size() - 1)).error().code(), ErrorCode::Corruption);
  std::string renamed = text;
  renamed.replace(renamed.find("\"generation\""), 12, "\"generatian\"");
  EXPECT_NE(decode_manifest(renamed).error().message().find("generation"), std::string::npos);
}

TEST_F(EpochLogTest, TheNewestManifestIsTheHighestNumbered) {
  EXPECT_EQ(*log_.newest_manifest(), std::nullopt);
  for (const std::int64_t epoch : {9, 10, 11}) ASSERT_TRUE(log_.put_manifest(manifest(epoch)));
  EXPECT_EQ((*log_.newest_manifest())->epoch, Epoch(11));
}

TEST_F(EpochLogTest, AnEpochIsClaimedOnceAndTheClaimantMayRepeatItself) {
  ASSERT_TRUE(log_.claim_intent(intent(3, "me")));
  EXPECT_TRUE(log_.claim_intent(intent(3, "me")));
  const Status second = log_.claim_intent(intent(3, "other"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::Fenced);
}

TEST_F(EpochLogTest, AnEpochThatIsOverCannotBeClaimedEvenIfItsIntentIsGone) {
  for (const std::int64_t epoch : {7, 8}) {
    ASSERT_TRUE(log_.claim_intent(intent(epoch, "a")));
    ASSERT_TRUE(log_.put_manifest(manifest(epoch)));
    log_.forget_before(Epoch(epoch));
  }
  ASSERT_FALSE(*log_.find_intent(Epoch(7)));
  EXPECT_EQ(log_.claim_intent(intent(7, "b")).error().code(), ErrorCode::Fenced);
}

TEST_F(EpochLogTest, AnotherManifestOfTheEpochFencesUsOff) {
  ASSERT_TRUE(log_.put_manifest(manifest(3)));
  EXPECT_TRUE(log_.put_manifest(manifest(3)));
  Manifest other = manifest(3);
  other.tables["main.t"].version = 6;
  EXPECT_EQ(log_.put_manifest(other).error().code(), ErrorCode::Fenced);
}

TEST_F(EpochLogTest, ForgettingKeepsWhatPositionsAreRebuiltFrom) {
  const std::int64_t base = EpochLog::kPositionInterval;
  for (std::int64_t epoch = 1; epoch <= base + 2; ++epoch) {
    ASSERT_TRUE(log_.claim_intent(intent(epoch, "me")));
    ASSERT_TRUE(log_.put_manifest(manifest(epoch)));
  }
  log_.forget_before(Epoch(base + 2));
  EXPECT_EQ(*log_.find_manifest(Epoch(base - 1)), std::nullopt);
  EXPECT_NE(*log_.find_manifest(Epoch(base)), std::nullopt);
  EXPECT_EQ(*log_.find_intent(Epoch(base + 1)), std::nullopt);
  EXPECT_NE(*log_.find_intent(Epoch(base + 2)), std::nullopt);
}

}  // namespace
}  // namespace sluice::runtime
