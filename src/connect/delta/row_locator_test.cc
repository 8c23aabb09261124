#include "connect/delta/row_locator.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::connect {
namespace {

Hash128 row(const std::string& text) { return hash128(text); }

class RowLocatorTest : public testing::Test {
 protected:
  std::vector<RowLocation> take(const std::string& text, std::uint64_t copies) {
    std::vector<RowLocation> taken;
    EXPECT_TRUE(locator_.take(row(text), copies, taken));
    return taken;
  }
  bool has(const std::string& text, std::uint64_t copies) {
    std::vector<RowLocation> taken;
    const bool enough = locator_.take(row(text), copies, taken);
    for (const RowLocation& place : taken) locator_.insert(row(text), place);
    return enough;
  }

  RowLocator locator_;
};

TEST_F(RowLocatorTest, NumbersFilesInOrder) {
  EXPECT_EQ(locator_.add_file("part-b"), 0u);
  EXPECT_EQ(locator_.add_file("part-a"), 1u);
  EXPECT_EQ(locator_.path(1), "part-a");
}

TEST_F(RowLocatorTest, TakesARowWhereItIs) {
  locator_.insert(row("ann"), {3, 17});
  EXPECT_EQ(take("ann", 1), (std::vector<RowLocation>{{3, 17}}));
  EXPECT_FALSE(has("ann", 1));
}

TEST_F(RowLocatorTest, TakesTheLowestOfEqualCopiesFirst) {
  for (const RowLocation place : {RowLocation{1, 5}, {0, 9}, {2, 0}, {0, 2}}) locator_.insert(row("ann"), place);
  EXPECT_EQ(take("ann", 2), (std::vector<RowLocation>{{0, 2}, {0, 9}}));
  EXPECT_EQ(take("ann", 1), (std::vector<RowLocation>{{1, 5}}));
  locator_.insert(row("ann"), {0, 1});
  EXPECT_EQ(take("ann", 2), (std::vector<RowLocation>{{0, 1}, {2, 0}}));
  EXPECT_FALSE(has("ann", 1));
}

TEST_F(RowLocatorTest, TakesNothingIfThereAreTooFewCopies) {
  locator_.insert(row("ann"), {0, 1});
  EXPECT_FALSE(has("ann", 2));
  EXPECT_FALSE(has("bob", 1));
  locator_.insert(row("ann"), {0, 2});
  EXPECT_FALSE(has("ann", 3));
  EXPECT_TRUE(has("ann", 2));
}

TEST_F(RowLocatorTest, HoldsTheLastFileAndPosition) {
  const RowLocation last{RowLocator::kFilesMax - 1, RowLocator::kPositionsMax - 1};
  locator_.insert(row("ann"), last);
  locator_.insert(row("ann"), {0, 0});
  EXPECT_EQ(take("ann", 2), (std::vector<RowLocation>{{0, 0}, last}));
}

TEST_F(RowLocatorTest, AgreesWithASetOfPlacesUnderRandomChanges) {
  std::mt19937_64 random(7);
  std::map<std::string, std::vector<RowLocation>> model;
  for (std::uint64_t step = 0; step < 20000; ++step) {
    const std::string text = "row " + std::to_string(random() % 50);
    std::vector<RowLocation>& places = model[text];
    if (random() % 5 < 3) {
      const RowLocation place{static_cast<FileNumber>(random() % 9), step};
      locator_.insert(row(text), place);
      places.push_back(place);
      std::sort(places.begin(), places.end());
      continue;
    }
    const std::uint64_t copies = 1 + random() % 4;
    std::vector<RowLocation> taken;
    ASSERT_EQ(locator_.take(row(text), copies, taken), copies <= places.size());
    if (copies > places.size()) continue;
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(copies);
    ASSERT_EQ(taken, std::vector<RowLocation>(places.begin(), end));
    places.erase(places.begin(), end);
  }
}

}  // namespace
}  // namespace sluice::connect
