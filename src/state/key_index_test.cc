#include "state/key_index.h"

#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::state {
namespace {

using testing::ElementsAre;

TEST(ByteStoreTest, KeepsShortAndLongStrings) {
  ByteStore store;
  const std::string long_text(100'000, 'x');
  const Slot empty = store.add("");
  const Slot inline_limit = store.add("123456789012");
  const Slot longer = store.add("1234567890123");
  const Slot huge = store.add(long_text);
  EXPECT_EQ(store.get(empty), "");
  EXPECT_EQ(store.get(inline_limit), "123456789012");
  EXPECT_EQ(store.get(longer), "1234567890123");
  EXPECT_EQ(store.get(huge), long_text);
  EXPECT_EQ(store.size(), 4u);

  store.remove(longer);
  EXPECT_FALSE(store.in_use(longer));
  EXPECT_EQ(store.add("again"), longer);
  EXPECT_EQ(store.slot_end(), 4u);
}

TEST(ByteStoreTest, GivesBackTheMemoryOfRemovedStrings) {
  ByteStore store;
  std::vector<Slot> slots;
  for (int i = 0; i < 20'000; ++i) slots.push_back(store.add(std::string(500, static_cast<char>('a' + i % 26))));
  const std::uint64_t full = store.bytes();
  for (int i = 0; i < 20'000; ++i) {
    if (i % 100 != 0) store.remove(slots[static_cast<std::size_t>(i)]);
  }
  EXPECT_LT(store.bytes(), full / 4);
  for (int i = 0; i < 20'000; i += 100) {
    ASSERT_EQ(store.get(slots[static_cast<std::size_t>(i)]), std::string(500, static_cast<char>('a' + i % 26)));
  }
}

TEST(KeyIndexTest, FindsWhatWasInserted) {
  KeyIndex index;
  EXPECT_EQ(index.find("a"), kNoSlot);
  const Slot a = index.insert("a");
  EXPECT_EQ(index.insert("a"), a);
  EXPECT_NE(index.insert("b"), a);
  EXPECT_EQ(index.find("a"), a);
  EXPECT_EQ(index.key(a), "a");
  index.erase(a);
  EXPECT_EQ(index.find("a"), kNoSlot);
  EXPECT_EQ(index.size(), 1u);
}

TEST(KeyIndexTest, AgreesWithAMapUnderRandomUse) {
  const std::uint64_t seed = 42;
  SCOPED_TRACE(seed);
  SeededRandom random(seed);
  KeyIndex index;
  std::map<std::string, Slot> model;
  for (int step = 0; step < 50'000; ++step) {
    // Few short keys and some long ones, so that runs of cells are inserted into and erased from all the time.
    std::string key = std::to_string(random.next() % 3000);
    if (random.next() % 4 == 0) key += std::string(20, '-');
    const auto found = model.find(key);
    if (random.next() % 2 == 0) {
      const Slot slot = index.insert(key);
      ASSERT_TRUE(found == model.end() || found->second == slot);
      model[key] = slot;
    } else if (found != model.end()) {
      index.erase(found->second);
      model.erase(found);
    } else {
      ASSERT_EQ(index.find(key), kNoSlot);
    }
  }
  ASSERT_EQ(index.size(), model.size());
  std::set<Slot> slots;
  for (const auto& [key, slot] : model) {
    ASSERT_EQ(index.find(key), slot);
    ASSERT_EQ(index.key(slot), key);
    slots.insert(slot);
  }
  EXPECT_EQ(slots.size(), model.size());
}

TEST(KeyIndexTest, InsertsAChunkAsRowByRow) {
  columnar::EncodedRows rows;
  rows.arena = "aabac";
  rows.offsets = {0, 1, 2, 3, 4, 5};
  KeyIndex index;
  std::vector<Slot> slots;
  index.insert(rows, slots);
  EXPECT_THAT(slots, ElementsAre(0, 0, 1, 0, 2));
}

TEST(KeyIndexTest, SortsByBytes) {
  KeyIndex index;
  for (const char* key : {"b", "\xFF", "", "a", "ab"}) index.insert(key);
  std::vector<std::string> keys;
  for (const Slot slot : index.sorted()) keys.emplace_back(index.key(slot));
  EXPECT_THAT(keys, ElementsAre("", "a", "ab", "b", "\xFF"));
}

}  // namespace
}  // namespace sluice::state
