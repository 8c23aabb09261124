#include "state/arrangement.h"

#include <map>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::state {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

columnar::EncodedRows encoded(std::string_view bytes) {
  columnar::EncodedRows rows;
  rows.arena = bytes;
  rows.offsets = {0, bytes.size()};
  return rows;
}

Arrangement::Entry add(Arrangement& rows, std::string_view key, std::string_view row, std::int64_t weight) {
  std::vector<Arrangement::Entry> entries;
  rows.insert(encoded(key), encoded(row), entries);
  rows.add_weight(entries[0].row, weight);
  return entries[0];
}

std::map<std::string, std::int64_t> rows_of(const Arrangement& rows, std::string_view key) {
  std::map<std::string, std::int64_t> found;
  const Slot slot = rows.find_key(key);
  if (slot == kNoSlot) return found;
  for (Slot row = rows.first_row(slot); row != kNoSlot; row = rows.next_row(row)) {
    found.emplace(rows.row(row), rows.weight(row));
  }
  return found;
}

TEST(ArrangementTest, FindsTheRowsOfAKey) {
  Arrangement rows;
  add(rows, "k", "x", 1);
  add(rows, "k", "y", 2);
  add(rows, "other", "x", 1);
  const auto added = add(rows, "k", "x", 1);
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("x", 2), Pair("y", 2)));
  EXPECT_EQ(rows.key_weight(added.key), 4);
  EXPECT_FALSE(added.is_new);
  EXPECT_TRUE(add(rows, "k", "z", 0).is_new);
  EXPECT_EQ(rows.key(added.key), "k");
  EXPECT_EQ(rows.row(added.row), "x");
  EXPECT_THAT(rows_of(rows, "nothing"), IsEmpty());
}

TEST(ArrangementTest, DropsRowsAndKeysOnRequest) {
  Arrangement rows;
  const Slot x = add(rows, "k", "x", 1).row;
  const Slot y = add(rows, "k", "y", 1).row;
  EXPECT_FALSE(rows.drop_if_zero(x));
  add(rows, "k", "x", -1);
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("x", 0), Pair("y", 1)));
  EXPECT_TRUE(rows.drop_if_zero(x));
  EXPECT_FALSE(rows.drop_if_zero(x));
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("y", 1)));
  add(rows, "k", "y", -1);
  EXPECT_TRUE(rows.drop_if_zero(y));
  EXPECT_EQ(rows.find_key("k"), kNoSlot);
  EXPECT_EQ(rows.size(), 0u);
}

TEST(ArrangementTest, InsertsAChunkAsRowByRow) {
  columnar::EncodedRows keys;
  keys.arena = "kkjk";
  keys.offsets = {0, 1, 2, 3, 4};
  columnar::EncodedRows new_rows;
  new_rows.arena = "xyxx";
  new_rows.offsets = {0, 1, 2, 3, 4};
  Arrangement rows;
  std::vector<Arrangement::Entry> entries;
  rows.insert(keys, new_rows, entries);
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].row, entries[3].row);
  EXPECT_FALSE(entries[3].is_new);
  EXPECT_NE(entries[0].key, entries[2].key);
  EXPECT_EQ(rows.size(), 3u);
  std::vector<Slot> found;
  rows.find_keys(keys, found);
  EXPECT_EQ(found, (std::vector<Slot>{entries[0].key, entries[0].key, entries[2].key, entries[0].key}));
}

TEST(ArrangementTest, AgreesWithAMapUnderRandomUse) {
  const std::uint64_t seed = 17;
  SCOPED_TRACE(seed);
  SeededRandom random(seed);
  Arrangement rows;
  std::map<std::string, std::map<std::string, std::int64_t>> model;
  for (int step = 0; step < 30'000; ++step) {
    const std::string key = "key" + std::to_string(random.next() % 200 % 60);
    const std::string row = std::to_string(random.next() % 40) + (random.next() % 2 == 0 ? "" : "-a-longer-row");
    const std::int64_t weight = random.next() % 2 == 0 ? 1 : -1;
    rows.drop_if_zero(add(rows, key, row, weight).row);
    if ((model[key][row] += weight) == 0) model[key].erase(row);
  }
  std::size_t size = 0;
  for (const auto& [key, expected] : model) {
    ASSERT_EQ(rows_of(rows, key), expected);
    size += expected.size();
    std::int64_t sum = 0;
    for (const auto& [row, weight] : expected) sum += weight;
    ASSERT_EQ(expected.empty() ? 0 : rows.key_weight(rows.find_key(key)), sum);
  }
  EXPECT_EQ(rows.size(), size);
}

}  // namespace
}  // namespace sluice::state
