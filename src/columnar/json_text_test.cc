#include "columnar/json_text.h"

#include <limits>

#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

TEST(JsonTextTest, KeepsNumbersAndBooleansWhatTheyAre) {
  EXPECT_EQ(json_text(Value::BOOLEAN(true)), "true");
  EXPECT_EQ(json_text(Value::BIGINT(-7)), "-7");
  EXPECT_EQ(json_text(Value::DOUBLE(0.1)), "0.1");
  EXPECT_EQ(json_text(Value::HUGEINT(duckdb::hugeint_t(1) << 100)), "1267650600228229401496703205376");
  EXPECT_EQ(json_text(Value::DECIMAL(std::int64_t(12345), 10, 2)), "123.45");
  EXPECT_EQ(json_text(Value(LogicalType::VARCHAR)), "null");
}

TEST(JsonTextTest, WritesWhatJsonHasNoWordForAsText) {
  EXPECT_EQ(json_text(Value::DOUBLE(std::numeric_limits<double>::infinity())), "\"inf\"");
  EXPECT_EQ(json_text(Value::DOUBLE(std::numeric_limits<double>::quiet_NaN())), "\"nan\"");
  EXPECT_EQ(json_text(Value::DATE(2024, 2, 29)), "\"2024-02-29\"");
  EXPECT_EQ(json_text(Value::TIMESTAMP(2024, 2, 29, 12, 30, 0, 1)), "\"2024-02-29 12:30:00.000001\"");
}

TEST(JsonTextTest, WritesNestedValuesAsObjectsAndArrays) {
  const Value place = Value::STRUCT({{"town", Value("ulm")}, {"zip", Value(LogicalType::BIGINT)}});
  EXPECT_EQ(json_text(place), "{\"town\":\"ulm\",\"zip\":null}");
  EXPECT_EQ(json_text(Value::LIST({Value::INTEGER(1), Value(LogicalType::INTEGER)})), "[1,null]");
  EXPECT_EQ(json_text(Value::LIST(LogicalType::INTEGER, {})), "[]");
  EXPECT_EQ(json_text(Value::MAP(LogicalType::INTEGER, LogicalType::VARCHAR, {Value::INTEGER(1)}, {Value("x")})),
            "{\"1\":\"x\"}");
}

TEST(JsonTextTest, WritesVariantsAsWhatTheyHold) {
  const auto variant = [](const Value& value) { return value.DefaultCastAs(LogicalType::VARIANT()); };
  const Value place = Value::STRUCT({{"town", Value("say \"ulm\"")}, {"zip", Value::LIST({Value::DOUBLE(0.5)})}});
  EXPECT_EQ(json_text(variant(place)), R"({"town":"say \"ulm\"","zip":[0.5]})");
  EXPECT_EQ(json_text(variant(Value::BIGINT(7))), "7");
  EXPECT_EQ(json_text(variant(Value::DATE(2024, 2, 29))), "\"2024-02-29\"");
  EXPECT_EQ(json_text(Value::LIST({variant(Value("x"))})), "[\"x\"]");
  EXPECT_EQ(json_text(Value(LogicalType::VARIANT())), "null");
  EXPECT_EQ(json_text(variant(Value::DOUBLE(std::numeric_limits<double>::infinity()))).front(), '"');
}

TEST(JsonTextTest, WritesARowAsOneObject) {
  duckdb::DataChunk rows;
  rows.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::VARCHAR, LogicalType::BIGINT});
  rows.SetValue(0, 0, Value("say \"hi\"\n"));
  rows.SetValue(1, 0, Value(LogicalType::BIGINT));
  rows.SetCardinality(1);
  EXPECT_EQ(json_text({{{"a b", LogicalType::VARCHAR, true, {}}, {"n", LogicalType::BIGINT, true, {}}}}, rows, 0),
            R"({"a b":"say \"hi\"\n","n":null})");
}

}  // namespace
}  // namespace sluice::columnar
