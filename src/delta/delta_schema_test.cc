#include "delta/delta_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/duckdb_schema.h"

namespace sluice::delta {
namespace {

using duckdb::LogicalType;
using Kind = DataType::Kind;
using ::testing::HasSubstr;

std::string field(const std::string& name, const std::string& type) {
  return R"({"name":")" + name + R"(","type":)" + type + R"(,"nullable":true,"metadata":{}})";
}

std::string structure(const std::string& fields) { return R"({"type":"struct","fields":[)" + fields + "]}"; }

TEST(DeltaSchemaTest, ReadsEveryPrimitiveType) {
  const std::vector<std::pair<std::string, LogicalType>> types = {
      {"string", LogicalType::VARCHAR},
      {"long", LogicalType::BIGINT},
      {"integer", LogicalType::INTEGER},
      {"short", LogicalType::SMALLINT},
      {"byte", LogicalType::TINYINT},
      {"float", LogicalType::FLOAT},
      {"double", LogicalType::DOUBLE},
      {"boolean", LogicalType::BOOLEAN},
      {"binary", LogicalType::BLOB},
      {"date", LogicalType::DATE},
      {"timestamp", LogicalType::TIMESTAMP_TZ},
      {"timestamp_ntz", LogicalType::TIMESTAMP},
      {"decimal(38,18)", LogicalType::DECIMAL(38, 18)},
      {"decimal(5, 2)", LogicalType::DECIMAL(5, 2)},
      {"decimal", LogicalType::DECIMAL(10, 0)},
      {"void", LogicalType::SQLNULL},
      {"variant", LogicalType::VARIANT()},
  };
  for (const auto& [name, type] : types) {
    const auto schema = read_schema(structure(field("c", "\"" + name + "\"")));
    ASSERT_TRUE(schema) << name;
    EXPECT_EQ(columnar_schema(*schema).fields[0].type, type) << name;
  }
}

TEST(DeltaSchemaTest, NestedTypesKeepNullabilityAndMetadata) {
  const std::string json =
      R"({"type":"struct","fields":[{"name":"s","type":{"type":"struct","fields":[{"name":"a","type":"integer",)"
      R"("nullable":false,"metadata":{"delta.columnMapping.id":2,"comment":"x"}}]},"nullable":true,"metadata":{}},)"
      R"({"name":"l","type":{"type":"array","elementType":"string","containsNull":false},"nullable":true,)"
      R"("metadata":{}},{"name":"m","type":{"type":"map","keyType":"long","valueType":{"type":"array",)"
      R"("elementType":"date","containsNull":true},"valueContainsNull":false},"nullable":false,"metadata":{}}]})";
  const auto schema = read_schema(json);
  ASSERT_TRUE(schema);
  EXPECT_FALSE(schema->fields[0].type.fields[0].nullable);
  EXPECT_EQ(schema->fields[0].type.fields[0].metadata.at("delta.columnMapping.id"), "2");
  EXPECT_FALSE(schema->fields[1].type.contains_null);
  EXPECT_FALSE(schema->fields[2].type.contains_null);
  EXPECT_EQ(*read_schema(write_schema(*schema)), *schema);
  EXPECT_EQ(columnar_schema(*schema).fields[2].type,
            LogicalType::MAP(LogicalType::BIGINT, LogicalType::LIST(LogicalType::DATE)));
}

TEST(DeltaSchemaTest, PhysicalNamesComeFromColumnMapping) {
  StructField column{"n", DataType::primitive(Kind::Long), true, {}};
  EXPECT_EQ(column.physical_name(), "n");
  column.metadata["delta.columnMapping.physicalName"] = "\"col-1\"";
  EXPECT_EQ(column.physical_name(), "col-1");
}

TEST(DeltaSchemaTest, UnknownTypesAreRefusedByColumnAndName) {
  for (const char* type : {"\"geometry\"", "\"int\"", "\"Long\"", "\"decimal(39,0)\"", "\"decimal(5,6)\"",
                           "\"decimal(x)\"", R"({"type":"set"})"}) {
    const auto schema = read_schema(structure(field("good", "\"long\"") + "," + field("bad", type)));
    ASSERT_FALSE(schema) << type;
    EXPECT_EQ(schema.error().code(), ErrorCode::Unsupported) << type;
    EXPECT_THAT(schema.error().message(), HasSubstr("\"bad\"")) << type;
  }
}

TEST(DeltaSchemaTest, WhatIsNoSchemaIsCorrupt) {
  for (const std::string& json :
       {std::string(""), std::string("{"), std::string("[]"), std::string("\"long\""),
        std::string(R"({"type":"array"})"), std::string(R"({"type":"struct"})"),
        std::string(R"({"type":"struct","fields":[1]})"), structure(R"({"name":"a","nullable":true})"),
        structure(field("a", "7")), structure(field("a", "\"long\"") + "," + field("A", "\"long\""))}) {
    const auto schema = read_schema(json);
    ASSERT_FALSE(schema) << json;
    EXPECT_EQ(schema.error().code(), ErrorCode::Corruption) << json;
  }
}

TEST(DeltaSchemaTest, BottomlessNestingIsRefused) {
  std::string type = "\"long\"";
  for (int i = 0; i < 300; ++i) type = R"({"type":"array","elementType":)" + type + R"(,"containsNull":true})";
  EXPECT_FALSE(read_schema(structure(field("deep", type))));
}

TEST(DuckdbSchemaTest, TypesThatDeltaHasNotAreMappedAndRemembered) {
  const std::vector<std::pair<LogicalType, Kind>> mapped = {
      {LogicalType::UUID, Kind::String},
      {LogicalType::UBIGINT, Kind::Decimal},
      {LogicalType::HUGEINT, Kind::Decimal},
      {LogicalType::TIME, Kind::String},
      {LogicalType::INTERVAL, Kind::String},
      {LogicalType::UTINYINT, Kind::Short},
      {LogicalType::TIMESTAMP_S, Kind::TimestampNtz},
      {LogicalType::JSON(), Kind::String},
      {LogicalType::LIST(LogicalType::UUID), Kind::Array},
  };
  for (const auto& [type, kind] : mapped) {
    const auto schema = delta_schema(columnar::Schema{{{"c", type, true, {}}}});
    ASSERT_TRUE(schema) << type.ToString();
    EXPECT_EQ(schema->fields[0].type.kind, kind) << type.ToString();
    EXPECT_TRUE(schema->fields[0].metadata.contains(std::string(kOriginalTypeKey))) << type.ToString();
    const auto read_back = read_schema(write_schema(*schema));
    ASSERT_TRUE(read_back);
    EXPECT_EQ(original_type(columnar_schema(*read_back).fields[0]), type) << type.ToString();
  }
}

TEST(DuckdbSchemaTest, TypesThatDeltaHasStayAndCarryNoNote) {
  const columnar::Schema columns{
      {{"a", LogicalType::BIGINT, false, {}},
       {"s", LogicalType::STRUCT({{"x", LogicalType::DOUBLE}}), true, {{"comment", "\"c\""}}},
       {"t", LogicalType::TIMESTAMP, true, {}}}};
  const auto schema = delta_schema(columns);
  ASSERT_TRUE(schema);
  EXPECT_EQ(columnar_schema(*schema), columns);
}

TEST(DuckdbSchemaTest, ANoteThatDoesNotFitTheStoredTypeIsIgnored) {
  columnar::Field column{"c", LogicalType::VARCHAR, true, {{std::string(kOriginalTypeKey), "\"HUGEINT\""}}};
  EXPECT_EQ(original_type(column), LogicalType::VARCHAR);
  column.metadata[std::string(kOriginalTypeKey)] = "\"no such type (\"";
  EXPECT_EQ(original_type(column), LogicalType::VARCHAR);
}

TEST(DuckdbSchemaTest, TypesThatCannotBeStoredAreRefusedByColumn) {
  const auto schema = delta_schema(columnar::Schema{{{"when", LogicalType::TIMESTAMP_NS, true, {}}}});
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(schema.error().message(), HasSubstr("\"when\""));
}

}  // namespace
}  // namespace sluice::delta
