#include "delta/partition_value.h"

#include <limits>

#include <gtest/gtest.h>

namespace sluice::delta {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

std::string written(const Value& value) {
  const auto text = write_partition_value(value);
  SLUICE_CHECK_OK(text);
  return text->value_or("(absent)");
}

Value typed(const std::string& text, const LogicalType& type) { return Value(text).DefaultCastAs(type); }

TEST(PartitionValueTest, WritesEveryTypeAsTheSpecificationSays) {
  EXPECT_EQ(written(Value::BOOLEAN(true)), "true");
  EXPECT_EQ(written(Value::BIGINT(-7)), "-7");
  EXPECT_EQ(written(typed("42.00", LogicalType::DECIMAL(10, 2))), "42.00");
  EXPECT_EQ(written(Value("a b/\xC3\xA4")), "a b/\xC3\xA4");
  EXPECT_EQ(written(typed("2024-02-29", LogicalType::DATE)), "2024-02-29");
  EXPECT_EQ(written(typed("2024-02-29 01:02:03.000004", LogicalType::TIMESTAMP)), "2024-02-29 01:02:03.000004");
  EXPECT_EQ(written(Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(-1))), "1969-12-31T23:59:59.999999Z");
}

TEST(PartitionValueTest, YearsOfOtherThanFourDigitsHaveASign) {
  EXPECT_EQ(written(typed("10000-01-01", LogicalType::DATE)), "+10000-01-01");
  EXPECT_EQ(written(typed("0044-03-15 (BC)", LogicalType::DATE)), "-0043-03-15");
  EXPECT_EQ(written(typed("0001-12-31 (BC)", LogicalType::DATE)), "0000-12-31");
  EXPECT_EQ(written(typed("12345-06-07 08:09:10", LogicalType::TIMESTAMP)), "+12345-06-07 08:09:10.000000");
  EXPECT_EQ(written(Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(-62'200'000'000'000'000))),
            "-0002-12-17T14:13:20.000000Z");
}

TEST(PartitionValueTest, NullAndEmptyAreAbsent) {
  EXPECT_EQ(written(Value(LogicalType::BIGINT)), "(absent)");
  EXPECT_EQ(written(Value("")), "(absent)");
  for (const auto& type : std::vector<LogicalType>{LogicalType::VARCHAR, LogicalType::BIGINT, LogicalType::TIMESTAMP}) {
    EXPECT_TRUE(read_partition_value(std::nullopt, type)->IsNull());
    EXPECT_TRUE(read_partition_value("", type)->IsNull());
  }
}

TEST(PartitionValueTest, FloatsAreWrittenAsJavaPrintsThem) {
  EXPECT_EQ(written(Value::DOUBLE(1)), "1.0");
  EXPECT_EQ(written(Value::DOUBLE(-0.0)), "0.0");
  EXPECT_EQ(written(Value::DOUBLE(0.001)), "0.001");
  EXPECT_EQ(written(Value::DOUBLE(0.00099)), "9.9E-4");
  EXPECT_EQ(written(Value::DOUBLE(9999999)), "9999999.0");
  EXPECT_EQ(written(Value::DOUBLE(1e7)), "1.0E7");
  EXPECT_EQ(written(Value::DOUBLE(123.456)), "123.456");
  EXPECT_EQ(written(Value::DOUBLE(-1.5e-10)), "-1.5E-10");
  EXPECT_EQ(written(Value::FLOAT(0.1f)), "0.1");
  EXPECT_EQ(written(Value::DOUBLE(std::numeric_limits<double>::infinity())), "Infinity");
  EXPECT_EQ(written(Value::DOUBLE(std::numeric_limits<double>::quiet_NaN())), "NaN");
}

TEST(PartitionValueTest, ReadingIsTheInverseOfWriting) {
  const std::vector<Value> values = {Value::BOOLEAN(false),
                                     Value::TINYINT(-128),
                                     Value::BIGINT(INT64_MIN),
                                     Value::FLOAT(3.4e38f),
                                     Value::DOUBLE(5e-324),
                                     Value::DOUBLE(-std::numeric_limits<double>::infinity()),
                                     typed("0.01", LogicalType::DECIMAL(2, 2)),
                                     typed("-99999999999999999999999999999999999999", LogicalType::DECIMAL(38, 0)),
                                     Value(" x "),
                                     typed("0001-01-01", LogicalType::DATE),
                                     typed("9999-12-31 23:59:59.999999", LogicalType::TIMESTAMP),
                                     typed("10000-01-01", LogicalType::DATE),
                                     typed("262142-12-31", LogicalType::DATE),
                                     typed("0001-12-31 (BC)", LogicalType::DATE),
                                     typed("200000-02-29 08:09:10", LogicalType::TIMESTAMP),
                                     typed("0044-03-15 (BC) 01:02:03", LogicalType::TIMESTAMP),
                                     Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(-62'200'000'000'000'000)),
                                     Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(400'000'000'000'000'000)),
                                     Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(1'700'000'000'123'456)),
                                     Value::BLOB_RAW("bytes")};
  for (const Value& value : values) {
    const auto read = read_partition_value(*write_partition_value(value), value.type());
    ASSERT_TRUE(read) << value.ToString();
    EXPECT_EQ(*read, value) << value.ToString();
  }
}

TEST(PartitionValueTest, TimestampsComeInManySpellings) {
  const Value expected = Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(1'704'164'645'500'000));
  for (const char* text : {"2024-01-02 03:04:05.5", "2024-01-02T03:04:05.500000Z", "2024-01-02T03:04:05.5Z",
                           "2024-01-02T04:04:05.5+01:00"}) {
    const auto value = read_partition_value(std::string(text), LogicalType::TIMESTAMP_TZ);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, expected) << text;
  }
  EXPECT_EQ(read_partition_value("2024-01-02", LogicalType::TIMESTAMP)->ToString(), "2024-01-02 00:00:00");
}

TEST(PartitionValueTest, OtherWritersInfinitiesAreRead) {
  EXPECT_EQ(read_partition_value("inf", LogicalType::DOUBLE)->GetValue<double>(),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(read_partition_value("-Infinity", LogicalType::FLOAT)->GetValue<float>(),
            -std::numeric_limits<float>::infinity());
}

TEST(PartitionValueTest, TextThatIsNotOfTheTypeIsCorrupt) {
  const std::vector<std::pair<std::string, LogicalType>> wrong = {
      {"x", LogicalType::BIGINT},      {"1.5", LogicalType::INTEGER},          {"300", LogicalType::TINYINT},
      {"maybe", LogicalType::BOOLEAN}, {"2024-13-01", LogicalType::DATE},      {"yesterday", LogicalType::TIMESTAMP_TZ},
      {"1_000", LogicalType::DOUBLE},  {"123.45", LogicalType::DECIMAL(4, 2)},
  };
  for (const auto& [text, type] : wrong) {
    const auto value = read_partition_value(text, type);
    ASSERT_FALSE(value) << text << " " << type.ToString();
    EXPECT_EQ(value.error().code(), ErrorCode::Corruption);
  }
}

TEST(PartitionValueTest, ValuesWithoutATextAreRefused) {
  for (const Value& value : {Value::BLOB_RAW("\xFF"), Value::LIST({Value(1)}), typed("262143-01-01", LogicalType::DATE),
                             typed("infinity", LogicalType::DATE), typed("infinity", LogicalType::TIMESTAMP),
                             typed("-infinity", LogicalType::TIMESTAMP)}) {
    const auto text = write_partition_value(value);
    ASSERT_FALSE(text) << value.ToString();
    EXPECT_EQ(text.error().code(), ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace sluice::delta
