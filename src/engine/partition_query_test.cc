#include "engine/partition_query.h"

#include "engine/operator_test.h"

namespace sluice::engine {
namespace {

using columnar::RowType;
using testing::HasSubstr;
using testing::IsEmpty;

const RowType kSales = {LogicalType::INTEGER, LogicalType::BIGINT, LogicalType::VARCHAR};

class PartitionQueryTest : public OperatorTest {
 protected:
  /// Answers queries by a DuckDB of its own, and counts rows.
  RunQuery run_by_duckdb() {
    return [this](const std::string& sql, const RowType& types,
                  const duckdb::ColumnDataCollection& rows) -> Result<std::unique_ptr<duckdb::ColumnDataCollection>> {
      rows_run_ += rows.Count();
      std::string columns;
      for (std::size_t i = 0; i < types.size(); ++i) {
        columns += fmt::format("{}c{} {}", i == 0 ? "" : ", ", i, types[i].ToString());
      }
      connection_.Query("CREATE OR REPLACE TABLE input (" + columns + ")");
      duckdb::Appender appender(connection_, "input");
      for (auto& chunk : rows.Chunks()) appender.AppendDataChunk(chunk);
      appender.Close();
      auto answer = connection_.Query(sql);
      if (answer->HasError()) return Error(ErrorCode::DataError, answer->GetErrorObject().RawMessage());
      auto collected = std::make_unique<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(),
                                                                      answer->Collection().Types());
      for (auto& chunk : answer->Collection().Chunks()) collected->Append(chunk);
      return collected;
    };
  }

  std::unique_ptr<Operator> make(const std::string& functions, RowType results,
                                 std::vector<columnar::ColumnIndex> partition = {0}) {
    RowType types = kSales;
    types.insert(types.end(), results.begin(), results.end());
    auto made = PartitionQuery::create(
        {std::move(partition), "SELECT *, " + functions + " FROM input", functions, std::move(types), run_by_duckdb()},
        kSales);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  void use_query(const std::string& functions, RowType results) {
    use(Result<std::unique_ptr<Operator>>(make(functions, std::move(results))), kSales);
  }

  duckdb::DuckDB own_database_{nullptr};
  duckdb::Connection connection_{own_database_};
  std::uint64_t rows_run_ = 0;
};

TEST_F(PartitionQueryTest, RowsOfAPartitionThatChangedAreGivenAnew) {
  use_query("lag(c1) OVER (PARTITION BY c0 ORDER BY c1)", {LogicalType::BIGINT});
  left("+1 | 1 | 10 | x\n+1 | 1 | 30 | y\n+1 | NULL | 5 | z");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | 10 | x | NULL", "+1 | 1 | 30 | y | 10", "+1 | NULL | 5 | z | NULL"));
  left("+1 | 1 | 20 | w");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | 20 | w | 10", "-1 | 1 | 30 | y | 10", "+1 | 1 | 30 | y | 20"));
  left("-1 | 1 | 10 | x");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | 10 | x | NULL", "-1 | 1 | 20 | w | 10", "+1 | 1 | 20 | w | NULL"));
}

TEST_F(PartitionQueryTest, WhatComesAndGoesWithinAnEpochLeavesNoTrace) {
  use_query("count(*) OVER (PARTITION BY c0)", {LogicalType::BIGINT});
  left("-1 | 1 | 10 | x\n+1 | 1 | 10 | x");
  EXPECT_THAT(end_epoch(), IsEmpty());
  left("+2 | 1 | 10 | x");
  EXPECT_EQ(end_epoch(), changes("+2 | 1 | 10 | x | 2"));
  left("-2 | 1 | 10 | x");
  EXPECT_EQ(end_epoch(), changes("-2 | 1 | 10 | x | 2"));
}

TEST_F(PartitionQueryTest, APartitionThatFailsHasNoRowsAndOneErrorUntilItHeals) {
  use_query("CAST(max(c2) OVER (PARTITION BY c0) AS BIGINT)", {LogicalType::BIGINT});
  left("+1 | 1 | 0 | 7\n+1 | 2 | 0 | 8");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | 0 | 7 | 7", "+1 | 2 | 0 | 8 | 8"));
  left("+1 | 2 | 1 | x\n+1 | 1 | 1 | 9");
  EXPECT_EQ(end_epoch(),
            changes("-1 | 1 | 0 | 7 | 7", "+1 | 1 | 0 | 7 | 9", "+1 | 1 | 1 | 9 | 9", "-1 | 2 | 0 | 8 | 8"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+1 | (2) | CAST(max(c2)"));
  left("+1 | 2 | 2 | 3");
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_EQ(errors().size(), 1u);
  left("-1 | 2 | 1 | x");
  EXPECT_EQ(end_epoch(), changes("+1 | 2 | 0 | 8 | 8", "+1 | 2 | 2 | 3 | 8"));
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(PartitionQueryTest, OnlyRowsOfPartitionsThatChangedAreRead) {
  use_query("sum(c1) OVER (PARTITION BY c0)", {LogicalType::HUGEINT});
  std::vector<InputChange> rows;
  for (int i = 0; i < 2000; ++i) {
    rows.push_back({kOnlyPort, {Value::INTEGER(i % 100), Value::BIGINT(i), Value("x")}, 1});
  }
  columnar::ChangeBatch batch = batch_of(kSales, rows);
  ASSERT_TRUE(operator_->push(kOnlyPort, batch, *collector_));
  EXPECT_EQ(end_epoch().size(), 2000u);
  rows_run_ = 0;
  left("+1 | 7 | 5 | y");
  EXPECT_EQ(end_epoch().size(), 41u);
  EXPECT_EQ(rows_run_, 41u);
}

TEST_F(PartitionQueryTest, WindowFunctionsObeyTheLaw) {
  const auto random_row = [](Port, SeededRandom& random) -> Row {
    const auto small = [&](std::uint64_t range) { return static_cast<std::int64_t>(random.next() % range); };
    return {random.next() % 6 == 0 ? Value(LogicalType::INTEGER) : Value::INTEGER(static_cast<int>(small(4))),
            random.next() % 6 == 0 ? Value(LogicalType::BIGINT) : Value::BIGINT(small(8)),
            Value(std::string(1, static_cast<char>('a' + small(5))))};
  };
  const std::string functions =
      "row_number() OVER (PARTITION BY c0 ORDER BY c1, c2), rank() OVER (PARTITION BY c0 ORDER BY c1 DESC), "
      "sum(c1) OVER (PARTITION BY c0 ORDER BY c1, c2 ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), "
      "last_value(c2) OVER (PARTITION BY c0 ORDER BY c1, c2)";
  const RowType results = {LogicalType::BIGINT, LogicalType::BIGINT, LogicalType::HUGEINT, LogicalType::VARCHAR};
  const std::vector<std::vector<columnar::ColumnIndex>> partitions = {{0}, {}};
  for (const auto& partition : partitions) {
    check_law({.make = [&] { return make(functions, results, partition); },
               .left = kSales,
               .right = {},
               .sql = "SELECT *, " + functions + " FROM l",
               .random_row = random_row},
              8);
  }
}

}  // namespace
}  // namespace sluice::engine
