#include "state/multiset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::state {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<std::string, std::int64_t>> content(const Multiset& rows) {
  std::vector<std::pair<std::string, std::int64_t>> content;
  rows.for_each([&](std::string_view row, std::int64_t weight) { content.emplace_back(row, weight); });
  return content;
}

TEST(MultisetTest, SumsWeightsAndForgetsZeros) {
  Multiset rows;
  EXPECT_EQ(rows.add("b", 2), 2);
  EXPECT_EQ(rows.add("a", -1), -1);
  EXPECT_EQ(rows.add("b", -1), 1);
  EXPECT_THAT(content(rows), ElementsAre(Pair("a", -1), Pair("b", 1)));
  EXPECT_EQ(rows.add("a", 1), 0);
  EXPECT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.weight("a"), 0);
  EXPECT_EQ(rows.weight("b"), 1);
  EXPECT_EQ(rows.add("b", 0), 1);
  EXPECT_EQ(rows.add("c", 0), 0);
  EXPECT_EQ(rows.size(), 1u);
}

TEST(MultisetTest, TakesAChunkThatCancelsItself) {
  columnar::EncodedRows chunk;
  chunk.arena = "xyxx";
  chunk.offsets = {0, 1, 2, 3, 4};
  Multiset rows;
  rows.add(chunk, std::vector<std::int64_t>{2, 1, -1, -1});
  EXPECT_THAT(content(rows), ElementsAre(Pair("y", 1)));
  rows.add(chunk, {});
  EXPECT_THAT(content(rows), ElementsAre(Pair("x", 3), Pair("y", 2)));
}

TEST(MultisetTest, DifferenceLeadsFromOneToTheOther) {
  Multiset from;
  from.add("gone", 2);
  from.add("less", 3);
  from.add("same", 1);
  Multiset to;
  to.add("less", 1);
  to.add("same", 1);
  to.add("new", 4);
  EXPECT_THAT(content(difference(from, to)), ElementsAre(Pair("gone", -2), Pair("less", -2), Pair("new", 4)));
  EXPECT_TRUE(difference(to, to).empty());
}

TEST(MultisetTest, GivesItsRowsInFullBatchesInOrder) {
  const auto codec = columnar::RowCodec::create({LogicalType::INTEGER});
  ASSERT_TRUE(codec);
  duckdb::DataChunk chunk;
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::INTEGER});
  Multiset rows;
  for (int batch = 0; batch < 3; ++batch) {
    for (int i = 0; i < 1000; ++i)
      chunk.SetValue(0, static_cast<std::size_t>(i), Value::INTEGER(3000 - (batch * 1000 + i)));
    chunk.SetCardinality(1000);
    columnar::EncodedRows encoded;
    codec->encode(chunk, {}, encoded);
    rows.add(encoded, {});
  }
  std::vector<std::size_t> sizes;
  int next = 1;
  for_each_batch(rows, *codec, [&](columnar::ChangeBatch&& batch) {
    sizes.push_back(batch.size());
    EXPECT_TRUE(batch.insert_only());
    for (std::size_t i = 0; i < batch.size(); ++i) ASSERT_EQ(batch.rows().GetValue(0, i), Value::INTEGER(next++));
  });
  EXPECT_THAT(sizes, ElementsAre(2048, 952));
}

}  // namespace
}  // namespace sluice::state
