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
  rows.add("k", "x", 1);
  rows.add("k", "y", 2);
  rows.add("other", "x", 1);
  const auto added = rows.add("k", "x", 1);
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("x", 2), Pair("y", 2)));
  EXPECT_EQ(rows.key_weight(added.key), 4);
  EXPECT_EQ(rows.key(added.key), "k");
  EXPECT_EQ(rows.row(added.row), "x");
  EXPECT_THAT(rows_of(rows, "nothing"), IsEmpty());
}

TEST(ArrangementTest, DropsRowsAndKeysOnRequest) {
  Arrangement rows;
  const Slot x = rows.add("k", "x", 1).row;
  const Slot y = rows.add("k", "y", 1).row;
  EXPECT_FALSE(rows.drop_if_zero(x));
  rows.add("k", "x", -1);
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("x", 0), Pair("y", 1)));
  EXPECT_TRUE(rows.drop_if_zero(x));
  EXPECT_THAT(rows_of(rows, "k"), UnorderedElementsAre(Pair("y", 1)));
  rows.add("k", "y", -1);
  EXPECT_TRUE(rows.drop_if_zero(y));
  EXPECT_EQ(rows.find_key("k"), kNoSlot);
  EXPECT_EQ(rows.size(), 0u);
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
    rows.drop_if_zero(rows.add(key, row, weight).row);
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
