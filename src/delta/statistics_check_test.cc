#include "delta/statistics_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/deletion_vector.h"
#include "delta/delta_test_table.h"
#include "delta/duckdb_schema.h"

namespace sluice::delta {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A table (id BIGINT, r STRUCT(m DECIMAL(20, 2))) with one file of the rows (1, {1.50}), (2, NULL), (NULL, {NULL}).
class StatisticsCheckTest : public ::testing::Test {
 protected:
  static DataType schema() {
    return DataType::structure({{"id", DataType::primitive(DataType::Kind::Long), true, {}},
                                {"r", DataType::structure({{"m", DataType::decimal(20, 2), true, {}}}), true, {}}});
  }

  std::vector<std::string> check(const std::string& stats, std::vector<std::uint64_t> deleted = {}) {
    TestTable table;
    table.put(*create_table_actions({schema(), {}, {{"delta.enableDeletionVectors", "true"}}, {}, {}}, table.clock,
                                    table.random));
    AddFile file = TestTable::file("f");
    file.stats = stats;
    if (!deleted.empty()) file.deletion_vector = inline_deletion_vector(DeletionVector(deleted));
    table.put({file});
    StatisticsCheck check(table.load());

    const auto types = columnar_schema(schema()).types();
    duckdb::DataChunk rows;
    rows.Initialize(duckdb::Allocator::DefaultAllocator(),
                    duckdb::vector<duckdb::LogicalType>(types.begin(), types.end()));
    const auto record = [&](const duckdb::Value& member) { return duckdb::Value::STRUCT({{"m", member}}); };
    const duckdb::Value null_member(duckdb::LogicalType::DECIMAL(20, 2));
    rows.SetValue(0, 0, duckdb::Value::BIGINT(1));
    rows.SetValue(1, 0, record(duckdb::Value::DECIMAL(duckdb::hugeint_t(150), 20, 2)));
    rows.SetValue(0, 1, duckdb::Value::BIGINT(2));
    rows.SetValue(1, 1, duckdb::Value(types[1]));
    rows.SetValue(0, 2, duckdb::Value(types[0]));
    rows.SetValue(1, 2, record(null_member));
    rows.SetCardinality(3);
    check.add(rows, file);
    return std::move(check).finish();
  }
};

TEST_F(StatisticsCheckTest, IsSilentOverWhatIsTrue) {
  EXPECT_THAT(check("{}"), IsEmpty());
  EXPECT_THAT(check(R"({"numRecords":3,"minValues":{"id":1,"r":{"m":1.50}},"maxValues":{"id":2,"r":{"m":1.50}},)"
                    R"("nullCount":{"id":1,"r":{"m":2}}})"),
              IsEmpty());
  // Of rows that are gone bounds and counts may still speak.
  EXPECT_THAT(check(R"({"numRecords":5,"tightBounds":false,"minValues":{"id":-7},"nullCount":{"id":3}})", {0, 4}),
              IsEmpty());
}

TEST_F(StatisticsCheckTest, NamesFileAndColumnOfWhatIsNot) {
  EXPECT_THAT(check(R"({"numRecords":4})"),
              ElementsAre("the statistics of f are not true: numRecords is 4, but there are 3 rows"));
  EXPECT_THAT(check(R"({"numRecords":3})", {5}), ElementsAre(HasSubstr("numRecords is 3, but there are 4 rows")));
  EXPECT_THAT(check(R"({"minValues":{"id":2}})"), ElementsAre(HasSubstr("a value of id lies beyond")));
  EXPECT_THAT(check(R"({"maxValues":{"id":1}})"), ElementsAre(HasSubstr("a value of id lies beyond")));
  EXPECT_THAT(check(R"({"minValues":{"r":{"m":1.60}}})"), ElementsAre(HasSubstr("a value of r.m lies beyond")));
  EXPECT_THAT(check(R"({"nullCount":{"id":0}})"), ElementsAre(HasSubstr("nullCount of id is 0, but 1 live")));
  EXPECT_THAT(check(R"({"nullCount":{"id":2}})"), ElementsAre(HasSubstr("nullCount of id is 2, but 1 live")));
  EXPECT_THAT(check(R"({"numRecords":4,"nullCount":{"id":0}})", {3}), ElementsAre(HasSubstr("nullCount of id is 0")));
  EXPECT_THAT(check(R"({"nullCount":{"r":{"m":1}}})"), ElementsAre(HasSubstr("nullCount of r.m is 1, but 2 live")));
  EXPECT_THAT(check("{"), ElementsAre(HasSubstr("the statistics of f cannot be read")));
}

TEST_F(StatisticsCheckTest, AFileWithoutLiveRowsIsCheckedToo) {
  TestTable table;
  table.create();
  table.put({TestTable::file("empty", 3)});
  EXPECT_THAT(StatisticsCheck(table.load()).finish(), ElementsAre(HasSubstr("numRecords is 3, but there are 0 rows")));
}

}  // namespace
}  // namespace sluice::delta
