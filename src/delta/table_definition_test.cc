#include "delta/table_definition.h"

#include <map>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/column_assignment.h"
#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Kind = DataType::Kind;

class TableDefinitionTest : public ::testing::Test {
 protected:
  Result<std::vector<Action>> create(TableDefinition definition) {
    return create_table_actions(definition, table_.clock, table_.random);
  }

  TestTable table_;
};

TEST_F(TableDefinitionTest, CreatesWithTheLowestProtocol) {
  const auto actions = create({TestTable::schema(), {"name"}, {{"sluice.uuid", "u"}}, "t", "about"});
  ASSERT_TRUE(actions);
  EXPECT_EQ(std::get<Protocol>((*actions)[0]), Protocol());
  const auto& metadata = std::get<Metadata>((*actions)[1]);
  EXPECT_EQ(metadata.name, "t");
  EXPECT_EQ(metadata.description, "about");
  EXPECT_EQ(metadata.partition_columns, std::vector<std::string>{"name"});
  EXPECT_EQ(metadata.configuration.at("sluice.uuid"), "u");
  EXPECT_EQ(*read_schema(metadata.schema_string), TestTable::schema());
  EXPECT_EQ(metadata.id.size(), 36u);
}

TEST_F(TableDefinitionTest, KnowsWhichPropertiesATableCanHave) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"mine", "anything"},
                                                                     {"delta.enableDeletionVectors", "true"},
                                                                     {"delta.columnMapping.mode", "name"},
                                                                     {"delta.parquet.compression.codec", "zstd"},
                                                                     {"delta.feature.deletionVectors", "supported"},
                                                                     {"delta.constraints.positive", "id > 0"}}) {
    EXPECT_TRUE(check_property(key, value)) << key;
  }
  const auto refusal = [](const std::string& key, const std::string& value) {
    const Status status = check_property(key, value);
    SLUICE_CHECK(!status, fmt::format("{} was to be refused", key));
    return status.error().message() + " | " + status.error().help();
  };
  EXPECT_EQ(refusal("delta.enableDeletionVector", "true"),
            "the property delta.enableDeletionVector is not one that sluice knows | did you mean "
            "delta.enableDeletionVectors?");
  EXPECT_EQ(refusal("delta.appendonly", "true"),
            "the property delta.appendonly is not one that sluice knows | did you mean delta.appendOnly?");
  EXPECT_THAT(refusal("Delta.mine", "true"), HasSubstr("begin with another word"));
  EXPECT_THAT(refusal("delta.checkpointInterval", "often"), HasSubstr("a number of commits"));
  EXPECT_THAT(refusal("delta.enableRowTracking", "true"), HasSubstr("rowTracking"));
  EXPECT_THAT(refusal("delta.feature.rowTracking", "supported"), HasSubstr("rowTracking"));
  EXPECT_THAT(refusal("delta.columnMapping.maxColumnId", "7"), HasSubstr("the protocol's own"));
}

TEST_F(TableDefinitionTest, RefusesWhatIsNoTable) {
  const auto message = [&](TableDefinition definition) {
    const auto actions = create(std::move(definition));
    SLUICE_CHECK(!actions.has_value(), "a refusal was expected");
    EXPECT_EQ(actions.error().code(), ErrorCode::InvalidArgument);
    return actions.error().message();
  };
  const auto named = [](std::string name) {
    return StructField{std::move(name), DataType::primitive(Kind::Long), true, {}};
  };
  const StructField list{"l", DataType::array(DataType::primitive(Kind::Long)), true, {}};
  EXPECT_THAT(message({DataType::structure({}), {}, {}, {}, {}}), HasSubstr("at least one column"));
  EXPECT_THAT(message({DataType::structure({named("a"), named("A")}), {}, {}, {}, {}}), HasSubstr("two columns"));
  EXPECT_THAT(message({DataType::structure({named("É"), named("é")}), {}, {}, {}, {}}), HasSubstr("two columns"));
  EXPECT_THAT(message({DataType::structure({named("count(x)")}), {}, {}, {}, {}}), HasSubstr("count(x)"));
  EXPECT_THAT(message({DataType::structure({named("")}), {}, {}, {}, {}}), HasSubstr("no name"));
  EXPECT_THAT(message({TestTable::schema(), {"nowhere"}, {}, {}, {}}), HasSubstr("nowhere"));
  EXPECT_THAT(message({TestTable::schema(), {"id", "id"}, {}, {}, {}}), HasSubstr("twice"));
  EXPECT_THAT(message({TestTable::schema(), {"id", "name"}, {}, {}, {}}), HasSubstr("not partitioned by"));
  EXPECT_THAT(message({DataType::structure({named("a"), list}), {"l"}, {}, {}, {}}), HasSubstr("nested"));
}

/// Ids and physical names of all fields, in their order.
std::vector<std::string> mapping_of(const DataType& type) {
  std::vector<std::string> found;
  for (const StructField& field : type.fields) {
    found.push_back(field.metadata.at(std::string(kColumnIdKey)) + " " + field.physical_name());
    for (std::string& inner : mapping_of(field.type)) found.push_back(std::move(inner));
  }
  for (const DataType& child : type.children)
    for (std::string& inner : mapping_of(child)) found.push_back(std::move(inner));
  return found;
}

StructField field_of(std::string name, DataType type = DataType::primitive(Kind::Long)) {
  return {std::move(name), std::move(type), true, {}};
}

TEST_F(TableDefinitionTest, ANameThatFilesCannotCarryAsksForColumnMapping) {
  const DataType schema = DataType::structure({field_of("id"), field_of("a b")});
  const auto actions = create({schema, {}, {}, {}, {}});
  ASSERT_FALSE(actions);
  EXPECT_EQ(actions.error().number(), 4207U);
  EXPECT_TRUE(needs_column_mapping(schema));
  EXPECT_TRUE(needs_column_mapping(
      DataType::structure({field_of("l", DataType::array(DataType::structure({field_of("zip code")})))})));
  EXPECT_FALSE(needs_column_mapping(TestTable::schema()));
}

TEST_F(TableDefinitionTest, ANewMappedTableNamesItsColumnsInFilesByTheirOwnNames) {
  const DataType schema = DataType::structure({field_of("id"), field_of("a b"),
                                               field_of("s", DataType::structure({field_of("x"), field_of("y=")})),
                                               field_of("l", DataType::array(DataType::structure({field_of("e")})))});
  const auto actions = create({schema, {"a b"}, {{"delta.columnMapping.mode", "name"}}, {}, {}});
  ASSERT_TRUE(actions);
  EXPECT_EQ(std::get<Protocol>((*actions)[0]).min_reader_version, 2);
  EXPECT_EQ(std::get<Protocol>((*actions)[0]).min_writer_version, 5);
  const auto& metadata = std::get<Metadata>((*actions)[1]);
  EXPECT_EQ(metadata.configuration.at("delta.columnMapping.maxColumnId"), "7");
  EXPECT_EQ(metadata.partition_columns, std::vector<std::string>{"a b"});
  EXPECT_THAT(mapping_of(*read_schema(metadata.schema_string)),
              ElementsAre("1 id", StartsWith("2 col-"), "3 s", "4 x", StartsWith("5 col-"), "6 l", "7 e"));
}

TEST_F(TableDefinitionTest, ColumnMappingIsTurnedOnForATableAndKeptFromThenOn) {
  table_.put(*create(
      {DataType::structure({field_of("id"), field_of("s", DataType::structure({field_of("x")}))}), {}, {}, {}, {}}));
  // Files know the old columns by their names, and no column may ever get a name that another had.
  const DataType wider = DataType::structure(
      {field_of("a b"), field_of("id"), field_of("s", DataType::structure({field_of("x"), field_of("y")}))});
  const auto mapped =
      alter_table_actions(*table_.load(), {wider, {}, {{"delta.columnMapping.mode", "name"}}, {}, {}}, table_.random);
  ASSERT_TRUE(mapped);
  table_.put(*mapped);
  const auto before = mapping_of(table_.load()->schema());
  EXPECT_THAT(before, ElementsAre(StartsWith("1 col-"), "2 id", "3 s", "4 x", StartsWith("5 col-")));

  const DataType narrower = DataType::structure({field_of("a b"), field_of("new"), field_of("id")});
  table_.put(*replace_table_actions(*table_.load(), {narrower, {}, {}, {}, {}}, table_.random));
  const auto after = mapping_of(table_.load()->schema());
  EXPECT_THAT(after, ElementsAre(before[0], StartsWith("6 col-"), "2 id"));
  EXPECT_EQ(table_.load()->metadata().configuration.at("delta.columnMapping.maxColumnId"), "6");

  for (const char* mode : {"none", "id"}) {
    const auto refused = alter_table_actions(
        *table_.load(), {narrower, {}, {{"delta.columnMapping.mode", mode}}, {}, {}}, table_.random);
    ASSERT_FALSE(refused) << mode;
    EXPECT_THAT(refused.error().message(), HasSubstr("none to name"));
  }
}

TEST_F(TableDefinitionTest, AMappedColumnIsTheSameInAnotherCase) {
  const auto inner = [](std::string name) { return DataType::structure({field_of(std::move(name))}); };
  table_.put(*create({DataType::structure({field_of("a b"), field_of("s", inner("x"))}),
                      {},
                      {{"delta.columnMapping.mode", "name"}},
                      {},
                      {}}));
  const auto before = mapping_of(table_.load()->schema());
  table_.put(*replace_table_actions(*table_.load(),
                                    {DataType::structure({field_of("A B"), field_of("S", inner("X"))}), {}, {}, {}, {}},
                                    table_.random));
  EXPECT_EQ(mapping_of(table_.load()->schema()), before);
  EXPECT_EQ(table_.load()->schema().fields[0].name, "A B");
}

TEST_F(TableDefinitionTest, IdsAreNeverGivenTwiceWhateverTheTableStates) {
  auto actions = *create(
      {DataType::structure({field_of("a b"), field_of("c")}), {}, {{"delta.columnMapping.mode", "name"}}, {}, {}});
  auto& metadata = std::get<Metadata>(actions[1]);
  metadata.configuration["delta.columnMapping.maxColumnId"] = "1x";
  table_.put(actions);
  const DataType wider = DataType::structure({field_of("a b"), field_of("c"), field_of("d")});
  const auto altered = alter_table_actions(*table_.load(), {wider, {}, {}, {}, {}}, table_.random);
  ASSERT_TRUE(altered);
  table_.put(*altered);
  EXPECT_THAT(mapping_of(table_.load()->schema()), ElementsAre(StartsWith("1 col-"), "2 c", StartsWith("3 col-")));
  EXPECT_EQ(create({wider, {}, {{"delta.columnMapping.maxColumnId", "0"}}, {}, {}}).error().number(), 4206u);
}

TEST_F(TableDefinitionTest, AMappedColumnWithoutAnIdCannotBeWritten) {
  auto actions = *create(
      {DataType::structure({field_of("a b"), field_of("c")}), {}, {{"delta.columnMapping.mode", "name"}}, {}, {}});
  auto& metadata = std::get<Metadata>(actions[1]);
  DataType schema = *read_schema(metadata.schema_string);
  schema.fields[1].metadata.erase(std::string(kColumnIdKey));
  metadata.schema_string = write_schema(schema);
  table_.put(actions);
  const auto altered = alter_table_actions(
      *table_.load(), {DataType::structure({field_of("a b"), field_of("c")}), {}, {}, {}, {}}, table_.random);
  ASSERT_FALSE(altered);
  EXPECT_EQ(altered.error().code(), ErrorCode::Corruption);
}

TEST_F(TableDefinitionTest, AlteringToTheSameDoesNothing) {
  table_.create({{"delta.enableDeletionVectors", "true"}});
  const auto actions = alter_table_actions(*table_.load(), {TestTable::schema(), {}, {}, {}, {}}, table_.random);
  ASSERT_TRUE(actions);
  EXPECT_THAT(*actions, IsEmpty());
}

TEST_F(TableDefinitionTest, AlteringKeepsTheIdAndWhatOthersNoted) {
  DataType schema = TestTable::schema();
  schema.fields[0].metadata["comment"] = "\"theirs\"";
  table_.put(*create({schema, {}, {{"theirs", "1"}, {"ours", "1"}}, {}, {}}));
  const auto before = table_.load();
  DataType wider = TestTable::schema();
  wider.fields.push_back({"at", DataType::primitive(Kind::TimestampNtz), true, {}});
  const auto actions = alter_table_actions(*before, {wider, {}, {{"ours", "2"}}, {}, {}}, table_.random);
  ASSERT_TRUE(actions);
  table_.put(*actions);
  const auto after = table_.load();
  EXPECT_EQ(after->metadata().id, before->metadata().id);
  EXPECT_EQ(after->schema().fields[0].metadata.at("comment"), "\"theirs\"");
  EXPECT_EQ(after->schema().fields.size(), 3u);
  EXPECT_EQ(after->metadata().configuration, (std::map<std::string, std::string>{{"ours", "2"}, {"theirs", "1"}}));
  EXPECT_TRUE(after->protocol().reader_features->contains("timestampNtz"));
}

TEST_F(TableDefinitionTest, AlteringKeepsWhatIsNotedOnMembersAndHowTypesWereWidened) {
  const std::string changes = R"([{"fromType":"integer","toType":"long"}])";
  const auto table_of = [&](Kind of_id, std::map<std::string, std::string> id_metadata,
                            std::map<std::string, std::string> member_metadata) {
    return DataType::structure({{"id", DataType::primitive(of_id), true, std::move(id_metadata)},
                                {"l",
                                 DataType::array(DataType::structure(
                                     {{"m", DataType::primitive(Kind::Long), true, std::move(member_metadata)}})),
                                 true,
                                 {}}});
  };
  const std::map<std::string, std::string> noted = {{"delta.typeChanges", changes}};
  table_.put(*create({table_of(Kind::Long, noted, noted), {}, {}, {}, {}}));
  const auto before = table_.load();
  EXPECT_THAT(*alter_table_actions(*before, {table_of(Kind::Long, {}, {}), {}, {}, {}, {}}, table_.random), IsEmpty());
  const auto actions = replace_table_actions(*before, {table_of(Kind::String, {}, {}), {}, {}, {}, {}}, table_.random);
  ASSERT_TRUE(actions);
  table_.put(*actions);
  EXPECT_EQ(table_.load()->schema(), table_of(Kind::String, {}, noted));
}

TEST_F(TableDefinitionTest, PartitionColumnsCannotChange) {
  table_.create();
  EXPECT_EQ(
      alter_table_actions(*table_.load(), {TestTable::schema(), {"name"}, {}, {}, {}}, table_.random).error().code(),
      ErrorCode::InvalidArgument);
  const auto replaced =
      replace_table_actions(*table_.load(), {TestTable::schema(), {"name"}, {}, {}, {}}, table_.random);
  ASSERT_TRUE(replaced);
  EXPECT_EQ(std::get<Metadata>(replaced->at(0)).partition_columns, std::vector<std::string>{"name"});
}

}  // namespace
}  // namespace sluice::delta
