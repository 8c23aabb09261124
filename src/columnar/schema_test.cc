#include "columnar/schema.h"

#include <gtest/gtest.h>
#include <duckdb/common/exception/conversion_exception.hpp>

#include "columnar/change_batch.h"
#include "columnar/guard.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;

TEST(SchemaTest, FindsColumnsWithoutRegardToCase) {
  const Schema schema{{{"id", LogicalType::BIGINT, false, {}}, {"Magnitude", LogicalType::DOUBLE, true, {}}}};
  EXPECT_EQ(schema.find("MAGNITUDE"), 1u);
  EXPECT_EQ(schema.find("depth"), std::nullopt);
  EXPECT_EQ(to_string(schema), "id BIGINT NOT NULL, Magnitude DOUBLE");
}

TEST(StoredTypeTest, MapsWhatDeltaLacksAndKeepsTheRest) {
  EXPECT_EQ(stored_type(LogicalType::HUGEINT), LogicalType::DECIMAL(38, 0));
  EXPECT_EQ(stored_type(LogicalType::UBIGINT), LogicalType::DECIMAL(20, 0));
  EXPECT_EQ(stored_type(LogicalType::UINTEGER), LogicalType::BIGINT);
  EXPECT_EQ(stored_type(LogicalType::UUID), LogicalType::VARCHAR);
  EXPECT_EQ(stored_type(LogicalType::TIMESTAMP_MS), LogicalType::TIMESTAMP);
  EXPECT_EQ(stored_type(LogicalType::DECIMAL(10, 2)), LogicalType::DECIMAL(10, 2));
}

TEST(StoredTypeTest, MapsNestedTypesMemberByMember) {
  const auto nested = LogicalType::STRUCT({{"a", LogicalType::LIST(LogicalType::UTINYINT)}});
  EXPECT_EQ(stored_type(nested), LogicalType::STRUCT({{"a", LogicalType::LIST(LogicalType::SMALLINT)}}));
}

TEST(StoredTypeTest, RefusesWhatWouldLoseValues) {
  EXPECT_EQ(stored_type(LogicalType::TIMESTAMP_NS), std::nullopt);
  EXPECT_EQ(stored_type(LogicalType::LIST(LogicalType::TIMESTAMP_NS)), std::nullopt);
}

TEST(GuardTest, TurnsDuckDbExceptionsIntoErrors) {
  const Status status = guard([] { throw duckdb::ConversionException("no number: 'x'"); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::DataError);
  EXPECT_NE(status.error().message().find("no number"), std::string::npos);
  EXPECT_EQ(*guard([] { return 7; }), 7);
}

TEST(ChangeBatchTest, WeightsOfOneCollapseToInsertOnly) {
  ChangeBatch batch({LogicalType::BIGINT});
  batch.rows().SetValue(0, 0, duckdb::Value::BIGINT(1));
  batch.rows().SetValue(0, 1, duckdb::Value::BIGINT(2));
  batch.rows().SetCardinality(2);
  EXPECT_TRUE(batch.insert_only());
  batch.set_weights({1, -1});
  EXPECT_EQ(batch.weight(1), -1);
  batch.set_weights({1, 1});
  EXPECT_TRUE(batch.insert_only());
}

}  // namespace
}  // namespace sluice::columnar
