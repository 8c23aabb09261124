#include "engine/top_n.h"

#include "engine/operator_test.h"

namespace sluice::engine {
namespace {

using columnar::ColumnOrder;
using columnar::Expression;
using columnar::RowType;
using testing::HasSubstr;
using testing::IsEmpty;

const RowType kQuakes = {LogicalType::VARCHAR, LogicalType::INTEGER, LogicalType::VARCHAR};

class TopNTest : public OperatorTest {
 protected:
  /// The strongest of each day: partition by column 0, order by column 1 descending.
  static TopN::Definition strongest(std::uint64_t limit, std::uint64_t offset = 0) {
    TopN::Definition definition;
    definition.partition = {column(0, kQuakes[0])};
    definition.order = {{column(1, kQuakes[1]), ColumnOrder{.descending = true, .nulls_first = false}}};
    definition.limit = limit;
    definition.offset = offset;
    return definition;
  }
  void use_top(TopN::Definition definition) { use(TopN::create(*context_, std::move(definition), kQuakes), kQuakes); }
};

TEST_F(TopNTest, ShowsTheFirstRowsOfEachPartition) {
  use_top(strongest(2));
  left("+1 | mon | 5 | a\n+1 | mon | 7 | b\n+1 | mon | 6 | c\n+1 | tue | 1 | d\n+1 | mon | NULL | e");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 7 | b", "+1 | mon | 6 | c", "+1 | tue | 1 | d"));
  left("+1 | mon | 9 | f");
  EXPECT_EQ(end_epoch(), changes("-1 | mon | 6 | c", "+1 | mon | 9 | f"));
  left("-1 | mon | 7 | b\n-1 | mon | 9 | f");
  EXPECT_EQ(end_epoch(), changes("-1 | mon | 7 | b", "-1 | mon | 9 | f", "+1 | mon | 6 | c", "+1 | mon | 5 | a"));
  left("-1 | mon | 5 | a\n-1 | mon | 6 | c");
  EXPECT_EQ(end_epoch(), changes("-1 | mon | 6 | c", "-1 | mon | 5 | a", "+1 | mon | NULL | e"));
  left("-1 | tue | 1 | d");
  EXPECT_EQ(end_epoch(), changes("-1 | tue | 1 | d"));
}

TEST_F(TopNTest, BreaksTiesByTheWholeRow) {
  use_top(strongest(1));
  left("+1 | mon | 5 | b");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 5 | b"));
  left("+1 | mon | 5 | a\n+1 | mon | 5 | c");
  EXPECT_EQ(end_epoch(), changes("-1 | mon | 5 | b", "+1 | mon | 5 | a"));
}

TEST_F(TopNTest, TakesOrderKeysThatSqlHoldsEqualAsTies) {
  const RowType types = {LogicalType::INTERVAL, LogicalType::DOUBLE, LogicalType::INTEGER};
  TopN::Definition definition;
  definition.order = {{column(0, types[0]), ColumnOrder{.descending = true, .nulls_first = false}},
                      {column(1, types[1]), ColumnOrder{}},
                      {column(2, types[2]), ColumnOrder{}}};
  definition.limit = 1;
  use(TopN::create(*context_, std::move(definition), types), types);
  left("+1 | 1 month | 0.0 | 5\n+1 | 30 days | -0.0 | 6");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 month | 0.0 | 5"));
  left("+1 | 30 days | 0.0 | 4");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 month | 0.0 | 5", "+1 | 30 days | 0.0 | 4"));
  left("+1 | 1 month | -0.0 | 3\n-1 | 30 days | 0.0 | 4");
  EXPECT_EQ(end_epoch(), changes("-1 | 30 days | 0.0 | 4", "+1 | 1 month | -0.0 | 3"));
}

TEST_F(TopNTest, BreaksTiesAsSqlComparesTheColumns) {
  const RowType types = {LogicalType::DOUBLE, LogicalType::INTEGER};
  TopN::Definition definition;
  definition.limit = 1;
  use(TopN::create(*context_, std::move(definition), types), types);
  left("+1 | -0.0 | 2\n+1 | 0.0 | 1");
  EXPECT_EQ(end_epoch(), changes("+1 | 0.0 | 1"));
}

TEST_F(TopNTest, CountsCopiesAsPositions) {
  use_top(strongest(3, 1));
  left("+3 | mon | 7 | a\n+4 | mon | 6 | b");
  EXPECT_EQ(end_epoch(), changes("+2 | mon | 7 | a", "+1 | mon | 6 | b"));
  left("-2 | mon | 7 | a");
  EXPECT_EQ(end_epoch(), changes("-2 | mon | 7 | a", "+2 | mon | 6 | b"));
}

TEST_F(TopNTest, GivesPositionsIfAsked) {
  TopN::Definition definition = strongest(3);
  definition.emit_rank = true;
  use_top(std::move(definition));
  left("+1 | mon | 7 | a\n+2 | mon | 6 | b");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 7 | a | 1", "+1 | mon | 6 | b | 2", "+1 | mon | 6 | b | 3"));
  left("+1 | mon | 9 | c");
  EXPECT_EQ(end_epoch(),
            changes("+1 | mon | 9 | c | 1", "-1 | mon | 7 | a | 1", "+1 | mon | 7 | a | 2", "-1 | mon | 6 | b | 2"));
}

TEST_F(TopNTest, WorksWithoutPartitionAndWithoutOrder) {
  TopN::Definition definition;
  definition.limit = 2;
  use_top(std::move(definition));
  left("+1 | tue | 1 | x\n+1 | mon | 2 | y\n+1 | mon | 1 | z");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 1 | z", "+1 | mon | 2 | y"));
}

TEST_F(TopNTest, ShowsNothingWithALimitOfZeroAndAllWithout) {
  use_top(strongest(0));
  left("+1 | mon | 1 | x");
  EXPECT_THAT(end_epoch(), IsEmpty());
  use_top(strongest(std::numeric_limits<std::uint64_t>::max(), 1));
  left("+1 | mon | 1 | x\n+1 | mon | 2 | y\n+1 | mon | 3 | z");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 2 | y", "+1 | mon | 1 | x"));
}

TEST_F(TopNTest, KeepsOnlyWhatCanStillBeShownWhereRowsOnlyCome) {
  TopN::Definition definition = strongest(3);
  definition.append_only_input = true;
  use_top(std::move(definition));
  std::uint64_t bytes = 0;
  for (int epoch = 0; epoch < 20; ++epoch) {
    std::string rows;
    for (int i = 0; i < 500; ++i)
      rows += "+1 | mon | " + std::to_string(epoch * 500 + i) + " | a text that is not inlined\n";
    left(rows);
    end_epoch();
    if (epoch == 1) bytes = operator_->state_bytes();
  }
  EXPECT_LE(operator_->state_bytes(), 2 * bytes);
  const OperatorCounters before = counters();
  left("+1 | mon | 3 | weak");
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_EQ(counters().state_writes, before.state_writes);
}

TEST_F(TopNTest, LeavesOutRowsWhoseOrderFails) {
  TopN::Definition definition = strongest(1);
  definition.order[0].expression = Expression::cast(column(2, kQuakes[2]), LogicalType::INTEGER);
  use_top(std::move(definition));
  left("+1 | mon | 1 | 5\n+1 | mon | 2 | x");
  EXPECT_EQ(end_epoch(), changes("+1 | mon | 1 | 5"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+1 | (mon, 2, x)"));
}

TEST_F(TopNTest, RefusesToTakeAwayWhatIsNotThere) {
  use_top(strongest(1));
  left("-1 | mon | 1 | x");
  const Status ended = operator_->end_epoch(Epoch(1), *collector_);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), ErrorCode::Internal);
}

Row random_quake(Port, SeededRandom& random) {
  const auto or_null = [&](Value value, const LogicalType& type) {
    return random.next() % 6 == 0 ? Value(type) : value;
  };
  return {or_null(Value(std::string(1, static_cast<char>('a' + random.next() % 3))), kQuakes[0]),
          or_null(Value::INTEGER(static_cast<int>(random.next() % 5)), kQuakes[1]),
          Value(std::string(1, static_cast<char>('a' + random.next() % 4)))};
}

class TopNLawTest : public TopNTest {
 protected:
  Law law(TopN::Definition definition, std::string sql) {
    return {.make = [=, this] { return std::move(*TopN::create(*context_, definition, kQuakes)); },
            .left = kQuakes,
            .right = {},
            .sql = std::move(sql),
            .random_row = random_quake,
            .append_only = definition.append_only_input};
  }
  static constexpr const char* kTies = "c0 NULLS LAST, c1 NULLS LAST, c2 NULLS LAST";
};

TEST_F(TopNLawTest, RankedRowsObeyTheLaw) {
  for (const auto& [limit, offset] : {std::pair(1, 0), std::pair(3, 0), std::pair(2, 2), std::pair(7, 1)}) {
    TopN::Definition definition = strongest(static_cast<std::uint64_t>(limit), static_cast<std::uint64_t>(offset));
    definition.emit_rank = true;
    const std::string row_number =
        fmt::format("row_number() OVER (PARTITION BY c0 ORDER BY c1 DESC NULLS LAST, {})", kTies);
    check_law(law(definition, fmt::format("SELECT *, {0} FROM l QUALIFY {0} > {1} AND {0} <= {2}", row_number, offset,
                                          offset + limit)),
              4);
  }
}

TEST_F(TopNLawTest, LimitObeysTheLaw) {
  TopN::Definition definition;
  definition.order = {{column(2, kQuakes[2]), ColumnOrder{}},
                      {column(1, kQuakes[1]), ColumnOrder{.descending = true, .nulls_first = true}}};
  definition.limit = 5;
  definition.offset = 3;
  check_law(law(definition, fmt::format("FROM l ORDER BY c2, c1 DESC NULLS FIRST, {} LIMIT 5 OFFSET 3", kTies)), 8);
}

TEST_F(TopNLawTest, OrdersByIntervalsAndNumbersObeyTheLaw) {
  const RowType types = {LogicalType::INTERVAL, LogicalType::DOUBLE, LogicalType::INTEGER};
  TopN::Definition definition;
  definition.order = {{column(0, types[0]), ColumnOrder{.descending = true, .nulls_first = false}},
                      {column(1, types[1]), ColumnOrder{}}};
  definition.limit = 4;
  definition.offset = 1;
  check_law({.make = [&] { return std::move(*TopN::create(*context_, definition, types)); },
             .left = types,
             .right = {},
             .sql = "FROM l ORDER BY c0 DESC NULLS LAST, c1 NULLS LAST, c2 LIMIT 4 OFFSET 1",
             .random_row = [&](Port, SeededRandom& random) -> Row {
               // How a row is written follows from its last column, so rows that tie in all columns are the same.
               const auto last = random.next() % 4;
               static constexpr const char* kMonths[] = {"1 month", "30 days", "720 hours", "29 days 24 hours"};
               static constexpr const char* kDays[] = {"1 day", "24 hours", "1 day", "23 hours 60 minutes"};
               const Value interval((random.next() % 2 == 0 ? kMonths : kDays)[last]);
               return {interval.DefaultCastAs(types[0]), Value::DOUBLE(last % 2 == 0 ? 0.0 : -0.0),
                       Value::INTEGER(static_cast<int>(last))};
             }},
            6);
}

TEST_F(TopNLawTest, RowsThatOnlyComeObeyTheLaw) {
  TopN::Definition definition = strongest(2, 1);
  definition.append_only_input = true;
  check_law(
      law(definition, fmt::format("FROM l QUALIFY row_number() OVER (PARTITION BY c0 ORDER BY c1 DESC NULLS LAST, {}) "
                                  "BETWEEN 2 AND 3",
                                  kTies)),
      8);
}

TEST_F(TopNTest, TouchesStateInProportionToChangesAndLimit) {
  use_top(strongest(3));
  for (int batch = 0; batch < 5; ++batch) {
    std::string rows;
    for (int i = 0; i < 2000; ++i) rows += fmt::format("+1 | d{} | {} | q\n", i % 10, batch * 2000 + i);
    left(rows);
  }
  end_epoch();
  EXPECT_GT(operator_->state_bytes(), 10'000u * 16u);

  const OperatorCounters before = counters();
  left("-1 | d7 | 9997 | q\n+1 | d8 | 20000 | q");
  EXPECT_EQ(end_epoch(),
            changes("-1 | d7 | 9997 | q", "+1 | d7 | 9967 | q", "-1 | d8 | 9978 | q", "+1 | d8 | 20000 | q"));
  // Per changed row its partition and itself; for each of two partitions three rows before, three after, and whether
  // there are any.
  EXPECT_LE(counters().state_reads - before.state_reads, 2u * 2u + 2u * (3u + 3u + 1u));
  EXPECT_LE(counters().state_writes - before.state_writes, 2u);
}

}  // namespace
}  // namespace sluice::engine
