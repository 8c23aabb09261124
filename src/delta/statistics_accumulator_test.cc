#include "delta/statistics_accumulator.h"

#include <limits>

#include <gtest/gtest.h>

#include "delta/duckdb_schema.h"

namespace sluice::delta {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using Kind = DataType::Kind;

StructField column(std::string name, DataType type) { return {std::move(name), std::move(type), true, {}}; }

/// Statistics of rows that are given as DuckDB values, in chunks of two.
FileStatistics statistics_of(const DataType& schema, const std::vector<std::vector<Value>>& rows,
                             const TableProperties& properties = {}) {
  StatisticsAccumulator accumulator(schema, properties);
  duckdb::vector<LogicalType> types;
  for (const StructField& field : schema.fields) types.push_back(logical_type(field.type));
  for (std::size_t begin = 0; begin < rows.size(); begin += 2) {
    duckdb::DataChunk chunk;
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), types);
    const std::size_t count = std::min<std::size_t>(2, rows.size() - begin);
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t i = 0; i < types.size(); ++i)
        chunk.SetValue(i, row, rows[begin + row][i].DefaultCastAs(types[i]));
    }
    chunk.SetCardinality(count);
    accumulator.add(chunk);
  }
  return accumulator.finish();
}

/// Statistics of one column.
ColumnStatistics column_statistics(DataType type, const std::vector<Value>& values) {
  std::vector<std::vector<Value>> rows;
  for (const Value& value : values) rows.push_back({value});
  const FileStatistics statistics = statistics_of(DataType::structure({column("c", std::move(type))}), rows);
  return *statistics.find({"c"});
}

ColumnStatistics bounds(std::optional<std::string> min, std::optional<std::string> max, std::int64_t null_count = 0) {
  return {std::move(min), std::move(max), null_count};
}

TEST(StatisticsAccumulatorTest, CountsRowsAndBoundsOfIntegers) {
  const FileStatistics statistics = statistics_of(
      DataType::structure({column("a", DataType::primitive(Kind::Long)), column("b", DataType::primitive(Kind::Byte))}),
      {{Value(7), Value(-1)}, {Value(), Value(3)}, {Value(-5), Value()}});
  EXPECT_EQ(write_statistics(statistics),
            R"({"numRecords":3,"minValues":{"a":-5,"b":-1},"maxValues":{"a":7,"b":3},"nullCount":{"a":1,"b":1},)"
            R"("tightBounds":true})");
}

TEST(StatisticsAccumulatorTest, AllNullHasNoBounds) {
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Integer), {Value(), Value()}), bounds({}, {}, 2));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::String), {Value()}), bounds({}, {}, 1));
}

TEST(StatisticsAccumulatorTest, NumbersThatJsonLacksLeaveNoBounds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const DataType type = DataType::primitive(Kind::Double);
  EXPECT_EQ(column_statistics(type, {Value(1.5), Value(-2.25)}), bounds("-2.25", "1.5"));
  EXPECT_EQ(column_statistics(type, {Value(1.5), Value::DOUBLE(nan)}), bounds({}, {}));
  EXPECT_EQ(column_statistics(type, {Value(1.5), Value::DOUBLE(-infinity)}), bounds({}, {}));
  EXPECT_EQ(column_statistics(type, {Value::DOUBLE(0.0), Value::DOUBLE(-0.0)}), bounds("-0.0", "0.0"));
  EXPECT_EQ(column_statistics(type, {Value::DOUBLE(1e300)}), bounds("1e+300", "1e+300"));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Float), {Value::FLOAT(0.1f)}), bounds("0.1", "0.1"));
}

TEST(StatisticsAccumulatorTest, DecimalsKeepEveryDigit) {
  EXPECT_EQ(column_statistics(DataType::decimal(4, 2), {Value("0.05"), Value("-0.50")}), bounds("-0.50", "0.05"));
  EXPECT_EQ(column_statistics(DataType::decimal(18, 0), {Value("-7")}), bounds("-7", "-7"));
  EXPECT_EQ(column_statistics(DataType::decimal(38, 10), {Value("1234567890123456789012345678.0000000001")}),
            bounds("1234567890123456789012345678.0000000001", "1234567890123456789012345678.0000000001"));
}

TEST(StatisticsAccumulatorTest, DatesAndTimesAreText) {
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Date), {Value("2024-02-29"), Value("0001-01-01")}),
            bounds("\"0001-01-01\"", "\"2024-02-29\""));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::TimestampNtz), {Value("2024-03-31 02:30:00.123")}),
            bounds("\"2024-03-31T02:30:00.123\"", "\"2024-03-31T02:30:00.123\""));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Timestamp), {Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(-1)),
                                                                     Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(1))}),
            bounds("\"1969-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00.001Z\""));
}

TEST(StatisticsAccumulatorTest, TimesWithoutAnAgreedTextHaveNoBound) {
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::TimestampNtz), {Value("infinity"), Value("2024-01-01")}),
            bounds("\"2024-01-01T00:00:00.000\"", {}));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Date), {Value("12000-01-01"), Value("2024-01-01")}),
            bounds("\"2024-01-01\"", {}));
}

TEST(StatisticsAccumulatorTest, TextIsBoundByItsBeginning) {
  const std::string prefix(32, 'x');
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::String), {Value("b"), Value("a"), Value(prefix + "yz")}),
            bounds("\"a\"", "\"" + prefix + "\x7F\""));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::String), {Value(prefix + "yz")}).min, "\"" + prefix + "\"");
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::String), {Value("")}), bounds("\"\"", "\"\""));
}

TEST(StatisticsAccumulatorTest, OtherTypesAreCountedOnly) {
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Boolean), {Value(true), Value()}), bounds({}, {}, 1));
  EXPECT_EQ(column_statistics(DataType::primitive(Kind::Binary), {Value::BLOB_RAW("x")}), bounds({}, {}));
  EXPECT_EQ(column_statistics(DataType::array(DataType::primitive(Kind::Long)), {Value()}), bounds({}, {}, 1));
}

TEST(StatisticsAccumulatorTest, MembersOfANullStructCountAsNull) {
  const DataType schema = DataType::structure({column(
      "s", DataType::structure({column("a", DataType::primitive(Kind::Long)),
                                column("t", DataType::structure({column("b", DataType::primitive(Kind::String))}))}))});
  const Value inner = Value::STRUCT({{"b", Value("x")}});
  const FileStatistics statistics =
      statistics_of(schema, {{Value::STRUCT({{"a", Value::BIGINT(4)}, {"t", inner}})},
                             {Value(logical_type(schema.fields[0].type))},
                             {Value::STRUCT({{"a", Value(LogicalType::BIGINT)}, {"t", Value(inner.type())}})}});
  EXPECT_EQ(*statistics.find({"s", "a"}), bounds("4", "4", 2));
  EXPECT_EQ(*statistics.find({"s", "t", "b"}), bounds("\"x\"", "\"x\"", 2));
  EXPECT_EQ(statistics.columns.size(), 2u);
}

TEST(StatisticsAccumulatorTest, TheLimitCountsLeaves) {
  const DataType schema =
      DataType::structure({column("s", DataType::structure({column("a", DataType::primitive(Kind::Long)),
                                                            column("b", DataType::primitive(Kind::Long))})),
                           column("c", DataType::primitive(Kind::Long))});
  const std::vector<std::vector<Value>> rows = {
      {Value::STRUCT({{"a", Value::BIGINT(1)}, {"b", Value::BIGINT(2)}}), Value::BIGINT(3)}};
  TableProperties properties;
  properties.statistics_columns_max = 2;
  EXPECT_EQ(statistics_of(schema, rows, properties).find({"c"}), nullptr);
  EXPECT_NE(statistics_of(schema, rows, properties).find({"s", "b"}), nullptr);
  properties.statistics_columns_max = 0;
  EXPECT_TRUE(statistics_of(schema, rows, properties).columns.empty());
  properties.statistics_columns_max = -1;
  EXPECT_EQ(statistics_of(schema, rows, properties).columns.size(), 3u);
  properties.statistics_columns = {{"S"}};
  EXPECT_EQ(statistics_of(schema, rows, properties).columns.size(), 2u);
}

TEST(StatisticsAccumulatorTest, ColumnsGoByTheirPhysicalNames) {
  DataType schema = DataType::structure({column("a", DataType::primitive(Kind::Long))});
  schema.fields[0].metadata[std::string(kPhysicalNameKey)] = "\"col-1\"";
  TableProperties mapped;
  mapped.column_mapping_mode = ColumnMappingMode::Name;
  EXPECT_NE(statistics_of(schema, {{Value(1)}}, mapped).find({"col-1"}), nullptr);
  // What is left over in a table that is not mapped says nothing.
  EXPECT_NE(statistics_of(schema, {{Value(1)}}).find({"a"}), nullptr);
}

TEST(StatisticsAccumulatorTest, ConstantAndDictionaryVectorsCountAsTheirRows) {
  const DataType schema = DataType::structure({column("a", DataType::primitive(Kind::Long))});
  StatisticsAccumulator accumulator(schema, {});
  duckdb::DataChunk chunk;
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::BIGINT});
  chunk.data[0].Reference(Value::BIGINT(9));
  chunk.SetCardinality(5);
  accumulator.add(chunk);
  duckdb::DataChunk sliced;
  sliced.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::BIGINT});
  for (duckdb::idx_t row = 0; row < 4; ++row) sliced.SetValue(0, row, Value::BIGINT(static_cast<std::int64_t>(row)));
  sliced.SetCardinality(4);
  duckdb::SelectionVector selection(2);
  selection.set_index(0, 1);
  selection.set_index(1, 2);
  sliced.Slice(selection, 2);
  accumulator.add(sliced);
  const FileStatistics statistics = accumulator.finish();
  EXPECT_EQ(statistics.num_records, 7);
  EXPECT_EQ(*statistics.find({"a"}), bounds("1", "9", 0));
}

}  // namespace
}  // namespace sluice::delta
