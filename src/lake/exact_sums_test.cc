#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "base/random.h"
#include "columnar/exact_sum.h"
#include "lake/lake.h"

namespace sluice::lake {
namespace {

using columnar::ExactNumbers;
using columnar::ExactSpread;

/// t(g, id, x): values for which ordinary addition depends on the order in almost every case.
class ExactSumsTest : public testing::Test {
 protected:
  static constexpr std::int64_t kRowCount = 5000;

  void SetUp() override {
    auto lake = Lake::create({});
    ASSERT_TRUE(lake) << lake.error().message();
    lake_ = std::move(*lake);
    const duckdb::vector<duckdb::LogicalType> types = {duckdb::LogicalType::INTEGER, duckdb::LogicalType::BIGINT,
                                                       duckdb::LogicalType::DOUBLE};
    rows_ = std::make_unique<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), types);
    SeededRandom random(11);
    duckdb::DataChunk chunk;
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), types);
    for (std::int64_t id = 0; id < kRowCount; ++id) {
      const auto mantissa = static_cast<double>(static_cast<std::int64_t>(random.next()));
      values_.push_back(std::ldexp(mantissa, static_cast<int>(random.next() % 120) - 90));
      const auto row = chunk.size();
      chunk.SetValue(0, row, duckdb::Value::INTEGER(group_of(id)));
      chunk.SetValue(1, row, duckdb::Value::BIGINT(id));
      chunk.SetValue(2, row, duckdb::Value::DOUBLE(values_.back()));
      chunk.SetCardinality(row + 1);
      if (chunk.size() == STANDARD_VECTOR_SIZE || id + 1 == kRowCount) {
        rows_->Append(chunk);
        chunk.Reset();
      }
    }
    schema_.fields = {{"g", types[0], true, {}}, {"id", types[1], true, {}}, {"x", types[2], true, {}}};
  }

  static int group_of(std::int64_t id) { return static_cast<int>(id % 3); }

  /// Runs the query; calls `check` with each row of the answer.
  template <typename Check>
  void for_each_row(const std::string& sql, Check&& check) {
    auto result = lake_->execute(sql, {}, {Relation::of_rows("t", schema_, *rows_)});
    ASSERT_TRUE(result) << result.error().message();
    while (true) {
      auto chunk = (*result)->next();
      ASSERT_TRUE(chunk) << chunk.error().message();
      if (!*chunk) return;
      for (std::size_t row = 0; row < (*chunk)->size(); ++row) {
        std::vector<duckdb::Value> values;
        for (std::size_t c = 0; c < (*chunk)->ColumnCount(); ++c) values.push_back((*chunk)->GetValue(c, row));
        check(values);
      }
    }
  }

  std::unique_ptr<Lake> lake_;
  std::unique_ptr<duckdb::ColumnDataCollection> rows_;
  columnar::Schema schema_;
  std::vector<double> values_;  // by id
};

TEST_F(ExactSumsTest, GiveTheEnginesAnswerToTheLastBit) {
  std::map<int, ExactNumbers> numbers;
  std::map<int, ExactSpread> spreads;
  for (std::int64_t id = 0; id < kRowCount; ++id) {
    numbers[group_of(id)].add(values_[static_cast<std::size_t>(id)], 1);
    spreads[group_of(id)].add(values_[static_cast<std::size_t>(id)], 1);
  }
  std::size_t group_count = 0;
  for_each_row(
      "SELECT g, sum(x), fsum(x), kahan_sum(x), avg(x), favg(x), var_pop(x), var_samp(x), stddev_pop(x), stddev(x) "
      "FROM t GROUP BY g",
      [&](const std::vector<duckdb::Value>& row) {
        ++group_count;
        const int group = row[0].GetValue<int>();
        const ExactSpread& spread = spreads[group];
        const double population = *spread.variance(ExactSpread::Of::Population);
        const double sample = *spread.variance(ExactSpread::Of::Sample);
        const double sum = numbers[group].sum();
        const double average = numbers[group].average();
        const std::vector<double> expected = {
            sum, sum, sum, average, average, population, sample, std::sqrt(population), std::sqrt(sample)};
        for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(row[i + 1].GetValue<double>(), expected[i]) << i;
      });
  EXPECT_EQ(group_count, 3u);
}

TEST_F(ExactSumsTest, AddUpTheFramesOfWindows) {
  std::size_t row_count = 0;
  for_each_row("SELECT id, sum(x) OVER (ORDER BY id ROWS BETWEEN 99 PRECEDING AND CURRENT ROW) FROM t",
               [&](const std::vector<duckdb::Value>& row) {
                 ++row_count;
                 const auto id = row[0].GetValue<std::int64_t>();
                 ExactNumbers frame;
                 for (std::int64_t i = std::max<std::int64_t>(0, id - 99); i <= id; ++i)
                   frame.add(values_[static_cast<std::size_t>(i)], 1);
                 EXPECT_EQ(row[1].GetValue<double>(), frame.sum()) << id;
               });
  EXPECT_EQ(row_count, static_cast<std::size_t>(kRowCount));
}

TEST_F(ExactSumsTest, KeepDuckDbsRulesForNullFilterAndDistinct) {
  std::size_t row_count = 0;
  for_each_row(
      "SELECT sum(x) FILTER (id < 0), var_samp(x) FILTER (id = 1), var_pop(x) FILTER (id = 1), "
      "sum(DISTINCT 1::DOUBLE), sum(x::FLOAT) FILTER (false), avg('inf'::DOUBLE) FROM t",
      [&](const std::vector<duckdb::Value>& row) {
        ++row_count;
        EXPECT_TRUE(row[0].IsNull());
        EXPECT_TRUE(row[1].IsNull());
        EXPECT_EQ(row[2].GetValue<double>(), 0.0);
        EXPECT_EQ(row[3].GetValue<double>(), 1.0);
        EXPECT_TRUE(row[4].IsNull());
        EXPECT_EQ(row[5].GetValue<double>(), HUGE_VAL);
      });
  EXPECT_EQ(row_count, 1u);
  auto result =
      lake_->execute("SELECT stddev(if(id = 3, 'nan', x)) FROM t", {}, {Relation::of_rows("t", schema_, *rows_)});
  const bool fails = !result || !(*result)->next();
  EXPECT_TRUE(fails) << "DuckDB, too, refuses the deviation of what is not a number";
}

}  // namespace
}  // namespace sluice::lake
