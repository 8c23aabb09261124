#include "state/ordered_arrangement.h"

#include <map>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::int64_t>> content(const OrderedArrangement& rows, Slot group) {
  std::vector<std::pair<std::string, std::int64_t>> content;
  rows.for_each(group, [&](const OrderedArrangement::Entry& entry) {
    content.emplace_back(entry.row, entry.weight);
    return true;
  });
  return content;
}

TEST(OrderedArrangementTest, KeepsTheRowsOfEachGroupInOrder) {
  OrderedArrangement rows;
  EXPECT_FALSE(rows.first(0));
  rows.add(0, "b", 1);
  rows.add(7, "z", 2);
  rows.add(0, "a", 1);
  rows.add(0, "c", 1);
  rows.add(0, "b", 1);
  EXPECT_THAT(content(rows, 0), ElementsAre(Pair("a", 1), Pair("b", 2), Pair("c", 1)));
  EXPECT_EQ(rows.first(0)->row, "a");
  EXPECT_EQ(rows.last(0)->row, "c");
  rows.add(0, "a", -1);
  rows.add(0, "b", -1);
  EXPECT_THAT(content(rows, 0), ElementsAre(Pair("b", 1), Pair("c", 1)));
  rows.clear(0);
  EXPECT_THAT(content(rows, 0), IsEmpty());
  EXPECT_THAT(content(rows, 7), ElementsAre(Pair("z", 2)));
  EXPECT_EQ(rows.size(), 1u);
}

TEST(OrderedArrangementTest, KeepsTheFirstCopies) {
  OrderedArrangement rows;
  for (int i = 0; i < 2000; ++i) rows.add(1, std::to_string(10000 + i), i % 10 == 0 ? 3 : 1);
  const std::uint64_t kept = rows.keep_first(1, 1203);
  std::int64_t copies = 0;
  for (const auto& [row, weight] : content(rows, 1)) copies += weight;
  EXPECT_EQ(static_cast<std::int64_t>(kept), copies);
  EXPECT_GE(copies, 1203);
  EXPECT_LT(copies, 1203 + 3);
  rows.keep_first(1, 2);
  EXPECT_THAT(content(rows, 1), ElementsAre(Pair("10000", 3)));
  EXPECT_EQ(rows.keep_first(1, 5), 3u);
  EXPECT_THAT(content(rows, 1), ElementsAre(Pair("10000", 3)));
  rows.keep_first(1, 0);
  EXPECT_THAT(content(rows, 1), IsEmpty());
  EXPECT_EQ(rows.size(), 0u);
}

TEST(OrderedArrangementTest, AgreesWithAMapUnderRandomUse) {
  const std::uint64_t seed = 5;
  SCOPED_TRACE(seed);
  SeededRandom random(seed);
  OrderedArrangement rows;
  std::map<Slot, std::map<std::string, std::int64_t>> model;
  for (int step = 0; step < 40'000; ++step) {
    // Group 0 grows over many leaves, the others stay small.
    const Slot group = random.next() % 4 == 0 ? static_cast<Slot>(1 + random.next() % 20) : 0;
    std::string row = std::to_string(random.next() % (group == 0 ? 6000 : 12));
    if (random.next() % 3 == 0) row += "............";
    const std::int64_t weight = random.next() % 2 == 0 ? 1 : -1;
    rows.add(group, row, weight);
    if ((model[group][row] += weight) == 0) model[group].erase(row);
  }
  std::size_t size = 0;
  for (const auto& [group, expected] : model) {
    size += expected.size();
    ASSERT_EQ(content(rows, group),
              (std::vector<std::pair<std::string, std::int64_t>>(expected.begin(), expected.end())));
    if (!expected.empty()) {
      EXPECT_EQ(rows.first(group)->row, expected.begin()->first);
      EXPECT_EQ(rows.last(group)->row, expected.rbegin()->first);
    }
  }
  EXPECT_EQ(rows.size(), size);
}

}  // namespace
}  // namespace sluice::state
