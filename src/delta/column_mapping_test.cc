#include "delta/column_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::delta {
namespace {

using ::testing::HasSubstr;

/// A field with JSON texts for its physical name and id; "" leaves one out.
StructField field(std::string name, const std::string& physical_name, const std::string& id,
                  DataType type = DataType::primitive(DataType::Kind::Long)) {
  StructField made{std::move(name), std::move(type), true, {}};
  if (!physical_name.empty()) made.metadata[std::string(kPhysicalNameKey)] = physical_name;
  if (!id.empty()) made.metadata[std::string(kColumnIdKey)] = id;
  return made;
}

std::string problem(const DataType& schema, ColumnMappingMode mode) {
  const Status checked = check_column_mapping(schema, mode);
  return checked ? "" : checked.error().message();
}

TEST(ColumnMappingTest, WithoutMappingNamesLeftOverMeanNothing) {
  const StructField column = field("a", "\"col-1\"", "1");
  EXPECT_EQ(physical_name(column, ColumnMappingMode::None), "a");
  EXPECT_EQ(physical_name(column, ColumnMappingMode::Name), "col-1");
  EXPECT_EQ(physical_name(column, ColumnMappingMode::Id), "col-1");
}

TEST(ColumnMappingTest, AnIdIsAnInteger) {
  EXPECT_EQ(column_id(field("a", "", "7")), 7);
  EXPECT_EQ(column_id(field("a", "", "")), std::nullopt);
  EXPECT_EQ(column_id(field("a", "", "\"7\"")), std::nullopt);
  EXPECT_EQ(column_id(field("a", "", "99999999999")), std::nullopt);
}

TEST(ColumnMappingTest, FieldsWithoutNameOrIdAreRefusedAtEveryDepth) {
  const DataType named = DataType::structure({field("a", "\"col-1\"", "")});
  EXPECT_EQ(problem(named, ColumnMappingMode::Name), "");
  EXPECT_THAT(problem(named, ColumnMappingMode::Id), HasSubstr("\"a\" has no field id"));
  const DataType bare = DataType::structure({field("a", "", "1")});
  EXPECT_EQ(problem(bare, ColumnMappingMode::None), "");
  EXPECT_THAT(problem(bare, ColumnMappingMode::Name), HasSubstr("\"a\" has no physical name"));
  const DataType nested = DataType::structure(
      {field("list", "\"col-1\"", "1", DataType::array(DataType::structure({field("b", "", "2")})))});
  EXPECT_THAT(problem(nested, ColumnMappingMode::Id), HasSubstr("\"list.b\" has no physical name"));
}

TEST(ColumnMappingTest, PhysicalNamesAreTextsThatDiffer) {
  const auto named = [](std::string name, std::string physical) {
    StructField field{std::move(name), DataType::primitive(DataType::Kind::Long), true, {}};
    field.metadata[std::string(kPhysicalNameKey)] = std::move(physical);
    return field;
  };
  EXPECT_TRUE(
      check_column_mapping(DataType::structure({named("a", "\"x\""), named("b", "\"y\"")}), ColumnMappingMode::Name));
  for (const char* physical : {"5", "{}", "null", "\"x\""}) {
    const auto checked =
        check_column_mapping(DataType::structure({named("a", "\"x\""), named("b", physical)}), ColumnMappingMode::Name);
    ASSERT_FALSE(checked) << physical;
    EXPECT_EQ(checked.error().code(), ErrorCode::Corruption);
  }
}

}  // namespace
}  // namespace sluice::delta
