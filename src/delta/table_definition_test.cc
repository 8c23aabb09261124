#include "delta/table_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/delta_test_table.h"

namespace sluice::delta {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

TEST_F(TableDefinitionTest, TellsHowToNameAColumnThatATableCannotCarry) {
  const auto help = [&](DataType schema) {
    const auto actions = create({std::move(schema), {}, {}, {}, {}});
    SLUICE_CHECK(!actions.has_value(), "a refusal was expected");
    EXPECT_EQ(actions.error().number(), 4207U);
    return actions.error().help();
  };
  const auto named = [](std::string name) {
    return StructField{std::move(name), DataType::primitive(Kind::Long), true, {}};
  };
  EXPECT_THAT(help(DataType::structure({named("id"), named("a b")})),
              HasSubstr("SELECT * EXCLUDE (\"a b\"), \"a b\" AS a_b"));
  const StructField place{"place", DataType::array(DataType::structure({named("zip code")})), true, {}};
  EXPECT_THAT(help(DataType::structure({named("a"), place})), HasSubstr("to_json(\"place\")::VARCHAR AS \"place\""));
}

TEST_F(TableDefinitionTest, AlteringToTheSameDoesNothing) {
  table_.create({{"delta.enableDeletionVectors", "true"}});
  const auto actions = alter_table_actions(*table_.load(), {TestTable::schema(), {}, {}, {}, {}});
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
  const auto actions = alter_table_actions(*before, {wider, {}, {{"ours", "2"}}, {}, {}});
  ASSERT_TRUE(actions);
  table_.put(*actions);
  const auto after = table_.load();
  EXPECT_EQ(after->metadata().id, before->metadata().id);
  EXPECT_EQ(after->schema().fields[0].metadata.at("comment"), "\"theirs\"");
  EXPECT_EQ(after->schema().fields.size(), 3u);
  EXPECT_EQ(after->metadata().configuration, (std::map<std::string, std::string>{{"ours", "2"}, {"theirs", "1"}}));
  EXPECT_TRUE(after->protocol().reader_features->contains("timestampNtz"));
}

TEST_F(TableDefinitionTest, PartitionColumnsCannotChange) {
  table_.create();
  EXPECT_EQ(alter_table_actions(*table_.load(), {TestTable::schema(), {"name"}, {}, {}, {}}).error().code(),
            ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace sluice::delta
