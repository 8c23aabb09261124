#include "delta/file_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/internal/text_bounds.h"

namespace sluice::delta {
namespace {

TEST(FileStatisticsTest, ReadsWhatSparkWrites) {
  const auto statistics = read_statistics(
      R"({"numRecords":2,"minValues":{"id":4,"d":-0.0,"dec":1E-38,"s":"a\"b","st":{"a":1,"b":{"c":"x"}}},)"
      R"("maxValues":{"id":5},"nullCount":{"id":0,"st":{"a":1},"bin":2},"tightBounds":false})");
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->num_records, 2);
  EXPECT_EQ(statistics->tight_bounds, false);
  EXPECT_EQ(*statistics->find({"id"}), (ColumnStatistics{"4", "5", 0}));
  EXPECT_EQ(statistics->find({"d"})->min, "-0.0");
  EXPECT_EQ(statistics->find({"dec"})->min, "1E-38");
  EXPECT_EQ(statistics->find({"s"})->min, "\"a\\\"b\"");
  EXPECT_EQ(statistics->find({"st", "b", "c"})->min, "\"x\"");
  EXPECT_EQ(statistics->find({"st", "a"})->null_count, 1);
  EXPECT_EQ(statistics->find({"bin"})->max, std::nullopt);
  EXPECT_EQ(statistics->find({"st"}), nullptr);
}

TEST(FileStatisticsTest, FindsTheNumberOfRecordsAlone) {
  EXPECT_EQ(read_num_records(R"({"numRecords":12,"minValues":{"numRecords":3}})"), 12);
  EXPECT_EQ(read_num_records(R"({"numRecords":12})"), 12);
  EXPECT_EQ(read_num_records(R"({"numRecords": 12 , "tightBounds":true})"), 12);
  EXPECT_EQ(read_num_records(R"({"minValues":{"numRecords":3},"numRecords":12})"), 12);
  EXPECT_EQ(read_num_records(R"({"numRecords":1.2E1})"), 12);
  EXPECT_EQ(read_num_records(R"({"numRecords":null})"), std::nullopt);
  EXPECT_EQ(read_num_records(R"({"minValues":{"numRecords":3}})"), std::nullopt);
  EXPECT_EQ(read_num_records(R"({"numRecords":1)"), std::nullopt);
  EXPECT_EQ(read_num_records(R"({"numRecords":99999999999999999999})"), std::nullopt);
  EXPECT_EQ(read_num_records("damaged"), std::nullopt);
  EXPECT_EQ(read_num_records(""), std::nullopt);
}

TEST(FileStatisticsTest, DigitsOfDecimalsSurvive) {
  const std::string text = R"({"numRecords":1,"minValues":{"d":12345678901234567890123456789012345678.90},)"
                           R"("maxValues":{},"nullCount":{}})";
  const auto statistics = read_statistics(text);
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->find({"d"})->min, "12345678901234567890123456789012345678.90");
  EXPECT_EQ(write_statistics(*statistics), text);
}

TEST(FileStatisticsTest, WritesNestedColumnsTogether) {
  FileStatistics statistics;
  statistics.num_records = 3;
  statistics.tight_bounds = true;
  statistics.columns = {
      {{"s", "b"}, {"1", "2", 0}}, {{"a"}, {std::nullopt, std::nullopt, 3}}, {{"s", "a"}, {"\"x\"", {}, 1}}};
  EXPECT_EQ(write_statistics(statistics),
            R"({"numRecords":3,"minValues":{"s":{"a":"x","b":1}},"maxValues":{"s":{"b":2}},)"
            R"("nullCount":{"a":3,"s":{"a":1,"b":0}},"tightBounds":true})");
  EXPECT_EQ(*read_statistics(write_statistics(statistics)), statistics);
}

TEST(FileStatisticsTest, NullsListsAndUnknownMembersMeanNothing) {
  const auto statistics = read_statistics(
      R"({"numRecords":null,"minValues":{"a":null,"l":[1,{"x":2}],"o":{}},"future":{"x":[1,2]},"nullCount":{"a":"7"}})");
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->num_records, std::nullopt);
  EXPECT_EQ(statistics->columns.size(), 1u);
}

TEST(FileStatisticsTest, WhatIsNotJsonIsCorrupt) {
  for (const char* text :
       {"", "{", "[]", "7", "{\"numRecords\":1", "{\"numRecords\":1}{}", "{\"minValues\":{\"a\":tru}}",
        "{\"minValues\":{\"a\":1.2.3}}", "{\"minValues\":{\"a\":\"\\x\"}}", "{\"minValues\" 1}"}) {
    const auto statistics = read_statistics(text);
    ASSERT_FALSE(statistics) << text;
    EXPECT_EQ(statistics.error().code(), ErrorCode::Corruption);
  }
}

TEST(FileStatisticsTest, TruncatedTextIsNeverTakenForWhole) {
  const std::string text =
      R"({"numRecords":12,"minValues":{"a":{"b":"x"}},"nullCount":{"a":{"b":0}},"tightBounds":true})";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(read_statistics(text.substr(0, size))) << size;
}

TEST(FileStatisticsTest, ADeletionVectorWidensTheBounds) {
  EXPECT_EQ(*with_wide_bounds(
                R"({"numRecords":3,"minValues":{"a":1},"maxValues":{"a":2},"nullCount":{"a":0},"tightBounds":true})"),
            R"({"numRecords":3,"minValues":{"a":1},"maxValues":{"a":2},"nullCount":{"a":0},"tightBounds":false})");
  EXPECT_EQ(with_wide_bounds("{}").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(with_wide_bounds("x").error().code(), ErrorCode::Corruption);
}

TEST(TextBoundsTest, ShortTextsAreTheirOwnBounds) {
  const std::string text(internal::kBoundCharactersMax, 'a');
  EXPECT_EQ(internal::minimum_bound(text), text);
  EXPECT_EQ(internal::maximum_bound(text), text);
}

TEST(TextBoundsTest, LongTextsAreCutAndTheMaximumGoesUp) {
  const std::string prefix(internal::kBoundCharactersMax, 'a');
  EXPECT_EQ(internal::minimum_bound(prefix + "bc"), prefix);
  EXPECT_EQ(internal::maximum_bound(prefix + "bc"), prefix + "\x7F");
  EXPECT_EQ(internal::maximum_bound(prefix + "\x7F"), prefix + "\xF4\x8F\xBF\xBF");
  EXPECT_EQ(internal::maximum_bound(prefix + "\xC3\xA4x"), prefix + "\xF4\x8F\xBF\xBF");
}

TEST(TextBoundsTest, TheGreatestCharacterHasNoneAboveIt) {
  const std::string prefix(internal::kBoundCharactersMax, 'a');
  const std::string last = "\xF4\x8F\xBF\xBF";
  EXPECT_EQ(internal::maximum_bound(prefix + last + "bc"), prefix + last + "\x7F");
  EXPECT_EQ(internal::maximum_bound(prefix + last), prefix + last);
  std::string many = prefix;
  for (int i = 0; i < 40; ++i) many += last;
  EXPECT_EQ(internal::maximum_bound(many), std::nullopt);
}

TEST(TextBoundsTest, CharactersAreNeverCutApart) {
  std::string umlauts;
  for (int i = 0; i < 40; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(internal::minimum_bound(umlauts).size(), 64u);
  EXPECT_EQ(internal::cut("\xF0\x9F", 1), "\xF0\x9F");
}

}  // namespace
}  // namespace sluice::delta
