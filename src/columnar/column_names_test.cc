#include "columnar/column_names.h"

#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {

using Names = std::vector<std::string>;

TEST(ColumnNamesTest, KnowsTheLowerCaseOfAllLetters) {
  EXPECT_EQ(lower_case("Abc_1 XYZ[]"), "abc_1 xyz[]");
  EXPECT_EQ(lower_case("ÉÄÖ ĞŁ ЖЯ ΔΣ"), "éäö ğł жя δσ");
  EXPECT_EQ(lower_case("ΟΔΟΣ"), lower_case("οδος"));
  EXPECT_EQ(lower_case("İ"), "i\u0307");
  EXPECT_EQ(lower_case("Größe 尺寸 𐐀 🦆"), "größe 尺寸 𐐨 🦆");
  EXPECT_EQ(lower_case(""), "");
  EXPECT_EQ(lower_case("A\xC3"), "a\xC3");
}

TEST(ColumnNamesTest, KnowsWhatATableCanCarry) {
  for (const char* name : {"a", "Größe", "a-b", "a.b", "\"q\"", "count[1]"})
    EXPECT_TRUE(is_storable_name(name)) << name;
  for (const char* name : {"a b", "a,b", "a;b", "{a", "a}", "count(*)", "a=b", "a\tb", "a\nb"}) {
    EXPECT_FALSE(is_storable_name(name)) << name;
  }
}

TEST(ColumnNamesTest, WritesAStarThatCanBeStored) {
  EXPECT_EQ(select_storable_names(Names{"a", "b"}), "SELECT *");
  EXPECT_EQ(select_storable_names(Names{"id", "a b"}), "SELECT * EXCLUDE (\"a b\"), \"a b\" AS a_b");
  EXPECT_EQ(select_storable_names(Names{"a b", "A_B", "(a;b)", "= \"q\" =", " "}),
            "SELECT * EXCLUDE (\"a b\", \"(a;b)\", \"= \"\"q\"\" =\", \" \"), \"a b\" AS a_b_2, \"(a;b)\" AS a_b_3, "
            "\"= \"\"q\"\" =\" AS \"\"\"q\"\"\", \" \" AS unnamed");
  Names many;
  for (int i = 0; i < 100; ++i) many.push_back(fmt::format("a {}", i));
  EXPECT_TRUE(select_storable_names(many).ends_with("\"a 7\" AS a_7, …"));
}

}  // namespace
}  // namespace sluice::columnar
