#include "connect/files/widen.h"

#include <gtest/gtest.h>

#include "connect/files/reader_test_rows.h"

namespace sluice::connect {
namespace {

using testing::connection;

duckdb::LogicalType type_of(const std::string& text) { return testing::schema_of("v " + text).fields[0].type; }

/// Widens the SQL value and returns it as SQL.
std::string widened(const std::string& sql, const std::string& target) {
  auto result = connection().Query("SELECT unnest([" + sql + "])");
  SLUICE_CHECK(!result->HasError(), result->GetError());
  const auto chunk = result->Fetch();
  duckdb::Vector to(type_of(target));
  const Status status = widen(chunk->data[0], to, chunk->size());
  return status ? to.GetValue(chunk->size() - 1).ToSQLString() : "error: " + status.error().message();
}

TEST(WidenTest, GivesIntegersAndDoublesOfEqualValueTheSameText) {
  EXPECT_EQ(widened("3::BIGINT", "VARCHAR"), "'3'");
  EXPECT_EQ(widened("3.0::DOUBLE", "VARCHAR"), "'3'");
  EXPECT_EQ(widened("9007199254740992::BIGINT", "VARCHAR"), "'9007199254740992'");
  EXPECT_EQ(widened("9007199254740992::DOUBLE", "VARCHAR"), "'9007199254740992'");
  EXPECT_EQ(widened("100000::DOUBLE", "VARCHAR"), "'100000'");
}

TEST(WidenTest, WritesDoublesWithTheFewestDigits) {
  EXPECT_EQ(widened("0.1::DOUBLE", "VARCHAR"), "'0.1'");
  EXPECT_EQ(widened("-0.0::DOUBLE", "VARCHAR"), "'0'");
  EXPECT_EQ(widened("1e16::DOUBLE", "VARCHAR"), "'1e+16'");
  EXPECT_EQ(widened("123456.789::DOUBLE", "VARCHAR"), "'123456.789'");
  EXPECT_EQ(widened("1.5e-7::DOUBLE", "VARCHAR"), "'1.5e-07'");
  EXPECT_EQ(widened("0.00001::DOUBLE", "VARCHAR"), "'0.00001'");
  EXPECT_EQ(widened("1.7976931348623157e308::DOUBLE", "VARCHAR"), "'1.7976931348623157e+308'");
}

TEST(WidenTest, CastsScalarsAndKeepsNull) {
  EXPECT_EQ(widened("5::BIGINT, -7", "DOUBLE"), "-7.0");
  EXPECT_EQ(widened("true, false", "VARCHAR"), "'false'");
  EXPECT_EQ(widened("1::BIGINT, NULL", "DOUBLE"), "NULL");
  EXPECT_EQ(widened("1.5::DOUBLE, NULL", "VARCHAR"), "NULL");
  EXPECT_EQ(widened("NULL::VARCHAR", "BIGINT[]"), "NULL");
}

TEST(WidenTest, WidensStructsByNameAndListsByElement) {
  EXPECT_EQ(widened("{'a': 1::BIGINT, 'b': 2::BIGINT}", "STRUCT(b DOUBLE, a VARCHAR, c VARCHAR[])"),
            "{'b': 2.0, 'a': '1', 'c': NULL}");
  EXPECT_EQ(widened("NULL::STRUCT(a BIGINT)", "STRUCT(a DOUBLE, b BIGINT)"), "NULL");
  EXPECT_EQ(widened("[1::BIGINT], [2, NULL, 3]", "DOUBLE[]"), "[2.0, NULL, 3.0]");
  EXPECT_EQ(widened("[{'x': [1::BIGINT]}, NULL]", "STRUCT(x VARCHAR[], y BOOLEAN)[]"),
            "[{'x': ['1'], 'y': NULL}, NULL]");
  EXPECT_EQ(widened("[NULL::VARCHAR]", "STRUCT(x BIGINT)[]"), "[NULL]");
}

TEST(WidenTest, RefusesValuesThatInferenceWouldNotWiden) {
  EXPECT_TRUE(widened("'x'", "BIGINT").starts_with("error: a stored VARCHAR column cannot become BIGINT"));
  EXPECT_TRUE(widened("9007199254740993::BIGINT", "DOUBLE").starts_with("error: a stored BIGINT"));
}

TEST(WidenTest, KnowsWhichTypesWiden) {
  EXPECT_TRUE(can_widen(type_of("STRUCT(a BIGINT)"), type_of("STRUCT(b VARCHAR, a DOUBLE)")));
  EXPECT_FALSE(can_widen(type_of("STRUCT(a BIGINT, b BIGINT)"), type_of("STRUCT(a BIGINT)")));
  EXPECT_FALSE(can_widen(type_of("DOUBLE"), type_of("BIGINT")));
  EXPECT_FALSE(can_widen(type_of("BIGINT[]"), type_of("VARCHAR")));
  EXPECT_FALSE(can_widen(type_of("BOOLEAN"), type_of("BIGINT")));
}

}  // namespace
}  // namespace sluice::connect
