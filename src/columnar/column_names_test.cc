#include "columnar/column_names.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {

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

}  // namespace
}  // namespace sluice::columnar
