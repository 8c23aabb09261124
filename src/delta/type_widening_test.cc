#include "delta/type_widening.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::delta {
namespace {

using ::testing::HasSubstr;

DataType type_of(const std::string& name) { return *find_primitive(name); }

TEST(TypeWideningTest, OnlyWhatTheSpecificationListsIsAWidening) {
  const std::vector<std::string> names = {"byte",          "short",         "integer",       "long",
                                          "float",         "double",        "date",          "timestamp",
                                          "timestamp_ntz", "string",        "boolean",       "binary",
                                          "decimal(9,0)",  "decimal(10,0)", "decimal(12,2)", "decimal(19,0)",
                                          "decimal(20,0)", "decimal(22,2)", "decimal(38,28)"};
  std::string allowed;
  for (const std::string& from : names) {
    for (const std::string& to : names) {
      if (is_widening(type_of(from), type_of(to))) allowed += from + " " + to + "\n";
    }
  }
  const auto integers = [](const std::string& from, const std::string& to) {
    std::string text = to;
    for (const char* decimal :
         {"decimal(10,0)", "decimal(12,2)", "decimal(19,0)", "decimal(20,0)", "decimal(22,2)", "decimal(38,28)"}) {
      text += from + " " + decimal + "\n";
    }
    return text;
  };
  EXPECT_EQ(allowed, integers("byte", "byte short\nbyte integer\nbyte long\nbyte double\n") +
                         integers("short", "short integer\nshort long\nshort double\n") +
                         integers("integer", "integer long\ninteger double\n") +
                         "long decimal(20,0)\nlong decimal(22,2)\n"
                         "float double\n"
                         "date timestamp_ntz\n"
                         "decimal(9,0) decimal(10,0)\ndecimal(9,0) decimal(12,2)\ndecimal(9,0) decimal(19,0)\n"
                         "decimal(9,0) decimal(20,0)\ndecimal(9,0) decimal(22,2)\ndecimal(9,0) decimal(38,28)\n"
                         "decimal(10,0) decimal(12,2)\ndecimal(10,0) decimal(19,0)\ndecimal(10,0) decimal(20,0)\n"
                         "decimal(10,0) decimal(22,2)\ndecimal(10,0) decimal(38,28)\n"
                         "decimal(12,2) decimal(22,2)\ndecimal(12,2) decimal(38,28)\n"
                         "decimal(19,0) decimal(20,0)\ndecimal(19,0) decimal(22,2)\n"
                         "decimal(20,0) decimal(22,2)\n");
}

TEST(TypeWideningTest, ChangesAreNotedAsSparkNotesThem) {
  StructField field{"a", DataType::array(type_of("long")), true, {}};
  note_type_change(field, type_of("short"), type_of("integer"), "element");
  note_type_change(field, type_of("integer"), type_of("long"), "element");
  const std::string both = R"([{"fromType":"short","toType":"integer","fieldPath":"element"},)"
                           R"({"fromType":"integer","toType":"long","fieldPath":"element"}])";
  EXPECT_EQ(field.metadata.at("delta.typeChanges"), both);
  StructField plain{"d", type_of("decimal(12,2)"), true, {}};
  note_type_change(plain, type_of("decimal(9,0)"), type_of("decimal(12,2)"), "");
  EXPECT_EQ(plain.metadata.at("delta.typeChanges"), R"j([{"fromType":"decimal(9,0)","toType":"decimal(12,2)"}])j");
}

TEST(TypeWideningTest, TablesWithOtherChangesAreNotRead) {
  const auto checked = [](const std::string& changes) {
    StructField member{"m", type_of("string"), true, {{"delta.typeChanges", changes}}};
    return check_type_changes(DataType::structure({{"l", DataType::array(DataType::structure({member})), true, {}}}));
  };
  EXPECT_TRUE(checked(R"([{"fromType":"byte","toType":"long"},{"fromType":"date","toType":"timestamp_ntz"}])"));
  const Status other = checked(R"([{"fromType":"byte","toType":"long"},{"fromType":"long","toType":"string"}])");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(other.error().message(), HasSubstr("column l.m was changed from long to string"));
  EXPECT_EQ(checked(R"([{"fromType":"byte"}])").error().code(), ErrorCode::Corruption);
  EXPECT_EQ(checked("7").error().code(), ErrorCode::Corruption);
}

}  // namespace
}  // namespace sluice::delta
