#include "store/fault_store.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"

namespace sluice::store {
namespace {

class FaultStoreTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  MemoryStore inner_{clock_};
};

TEST_F(FaultStoreTest, WithoutScheduleEverythingPasses) {
  FaultStore store(inner_, {});
  ASSERT_TRUE(store.put("a", "x"));
  EXPECT_EQ(*store.get("a"), "x");
  EXPECT_EQ(store.struck_count(), 0u);
}

TEST_F(FaultStoreTest, StrikesTheNthMatchingCallOnce) {
  FaultStore store(inner_, {{Operation::Put, "log/", 2, ErrorCode::ResourceExhausted, Fault::Moment::Before}});
  EXPECT_TRUE(store.put("log/0", "x"));
  EXPECT_TRUE(store.put("data/0", "x"));
  EXPECT_EQ(store.put("log/1", "x").error().code(), ErrorCode::ResourceExhausted);
  EXPECT_TRUE(store.put("log/1", "x"));
  EXPECT_EQ(store.struck_count(), 1u);
  EXPECT_EQ(store.call_count(Operation::Put), 4u);
}

TEST_F(FaultStoreTest, AFaultBeforeTheEffectLeavesNothing) {
  FaultStore store(inner_, {{Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, Fault::Moment::Before}});
  EXPECT_FALSE(store.put_if_absent("a", "x"));
  EXPECT_EQ(*inner_.get("a"), std::nullopt);
}

TEST_F(FaultStoreTest, AFaultAfterTheEffectIsALostReply) {
  FaultStore store(inner_, {{Operation::PutIfAbsent, "", 1, ErrorCode::Unavailable, Fault::Moment::After}});
  EXPECT_FALSE(store.put_if_absent("a", "x"));
  EXPECT_EQ(*inner_.get("a"), "x");
  EXPECT_EQ(*store.put_if_absent("a", "x"), PutOutcome::AlreadyExists);
}

TEST_F(FaultStoreTest, ReadersAndWritersFailToo) {
  FaultStore store(inner_, {{Operation::Append, "", 2, ErrorCode::ResourceExhausted, Fault::Moment::Before},
                            {Operation::Finish, "", 1, ErrorCode::Unavailable, Fault::Moment::After},
                            {Operation::Read, "", 1, ErrorCode::Unavailable, Fault::Moment::Before}});
  auto writer = store.create("a");
  ASSERT_TRUE(writer);
  EXPECT_TRUE((*writer)->append("1"));
  EXPECT_FALSE((*writer)->append("2"));
  EXPECT_TRUE((*writer)->append("3"));
  EXPECT_FALSE(std::move(**writer).finish());
  EXPECT_EQ(*inner_.get("a"), "13");

  const auto reader = store.open("a");
  std::string out(2, ' ');
  EXPECT_FALSE((*reader)->read(0, out));
  EXPECT_TRUE((*reader)->read(0, out));
  EXPECT_EQ(out, "13");
}

TEST_F(FaultStoreTest, TwoFaultsOnOneCallCountItBoth) {
  FaultStore store(inner_, {{Operation::Get, "", 1, ErrorCode::Unavailable, Fault::Moment::Before},
                            {Operation::Get, "a", 2, ErrorCode::PermissionDenied, Fault::Moment::Before}});
  EXPECT_EQ(store.get("a").error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(store.get("a").error().code(), ErrorCode::PermissionDenied);
  EXPECT_TRUE(store.get("a"));
}

}  // namespace
}  // namespace sluice::store
