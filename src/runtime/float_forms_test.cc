#include "runtime/internal/float_forms.h"

#include <bit>

#include <gtest/gtest.h>
#include <duckdb.hpp>

namespace sluice::runtime::internal {
namespace {

std::vector<std::string> unified(const std::string& query) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  auto result = connection.Query(query);
  EXPECT_FALSE(result->HasError()) << result->GetError();
  auto rows = result->Fetch();
  FloatForms(columnar::RowType(result->types.begin(), result->types.end())).unify(*rows);
  std::vector<std::string> texts;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    std::string text;
    for (std::size_t column = 0; column < rows->ColumnCount(); ++column)
      text += (column == 0 ? "" : "|") + rows->GetValue(column, row).ToString();
    texts.push_back(text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(FloatFormsTest, GivesZeroOneFormAndKeepsTheRest) {
  EXPECT_EQ(unified("SELECT x::DOUBLE, x::FLOAT FROM (VALUES ('-0.0'), ('0.0'), (NULL), ('-1.5'), ('-inf')) t(x)"),
            (Texts{"0.0|0.0", "0.0|0.0", "NULL|NULL", "-1.5|-1.5", "-inf|-inf"}));
}

TEST(FloatFormsTest, GivesAllNansOneForm) {
  duckdb::DataChunk rows;
  rows.Initialize(duckdb::Allocator::DefaultAllocator(), {duckdb::LogicalType::DOUBLE});
  auto* values = duckdb::FlatVector::GetData<double>(rows.data[0]);
  values[0] = std::bit_cast<double>(std::uint64_t{0xFFF8000000000001});
  values[1] = std::bit_cast<double>(std::uint64_t{0x7FF8000000000000});
  rows.SetCardinality(2);
  FloatForms({duckdb::LogicalType::DOUBLE}).unify(rows);
  const auto* unified_values = duckdb::FlatVector::GetData<double>(rows.data[0]);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(unified_values[0]), std::bit_cast<std::uint64_t>(unified_values[1]));
}

TEST(FloatFormsTest, ReachesIntoNestedValuesAndLeavesSharedMemoryAlone) {
  EXPECT_EQ(
      unified(
          "SELECT [{'x': -0.0::DOUBLE, 's': 'a'}, NULL], MAP {'k': -0.0::FLOAT}, CASE WHEN i = 1 THEN [-0.0::DOUBLE] "
          "END FROM range(2) r(i)"),
      (Texts{"[{'x': 0.0, 's': a}, NULL]|{k=0.0}|NULL", "[{'x': 0.0, 's': a}, NULL]|{k=0.0}|[0.0]"}));
  duckdb::DataChunk rows;
  rows.Initialize(duckdb::Allocator::DefaultAllocator(), {duckdb::LogicalType::DOUBLE});
  duckdb::Vector shared(duckdb::LogicalType::DOUBLE);
  duckdb::FlatVector::GetData<double>(shared)[0] = -0.0;
  rows.data[0].Reference(shared);
  rows.SetCardinality(1);
  FloatForms({duckdb::LogicalType::DOUBLE}).unify(rows);
  EXPECT_EQ(rows.GetValue(0, 0).ToString(), "0.0");
  EXPECT_EQ(shared.GetValue(0).ToString(), "-0.0");
}

}  // namespace
}  // namespace sluice::runtime::internal
