#include "engine/aggregate.h"

#include <limits>

#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>

#include "columnar/aggregate_kernel.h"
#include "engine/operator_test.h"

namespace sluice::engine {
namespace {

using columnar::Expression;
using columnar::RowType;
using testing::HasSubstr;
using testing::IsEmpty;

class AggregateTest : public OperatorTest {
 protected:
  /// A call over column `argument` of `input`, or over nothing.
  static AggregateCall make_call(std::string function, LogicalType result, const RowType& input, int argument = -1) {
    AggregateCall call;
    call.function = std::move(function);
    call.type = std::move(result);
    if (argument >= 0) {
      const auto index = static_cast<std::size_t>(argument);
      call.arguments.push_back(column(index, input[index]));
    }
    return call;
  }
  static AggregateCall distinct(AggregateCall call) {
    call.distinct = true;
    return call;
  }
  static AggregateCall filtered(AggregateCall call, Expression condition) {
    call.filter = std::move(condition);
    return call;
  }

  std::unique_ptr<Operator> make(std::size_t group_count, const std::vector<AggregateCall>& calls, const RowType& input,
                                 bool append_only = false) {
    Aggregate::Definition definition;
    for (std::size_t i = 0; i < group_count; ++i) definition.groups.push_back(column(i, input[i]));
    definition.calls = calls;
    definition.append_only_input = append_only;
    auto made = Aggregate::create(*context_, std::move(definition), input);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }

  void use_aggregate(std::size_t group_count, const std::vector<AggregateCall>& calls, const RowType& input,
                     bool append_only = false) {
    use(Result<std::unique_ptr<Operator>>(make(group_count, calls, input, append_only)), input);
  }
};

const RowType kSales = {LogicalType::VARCHAR, LogicalType::BIGINT};

TEST_F(AggregateTest, ReplacesTheRowOfAGroupThatChanged) {
  use_aggregate(
      1, {make_call("count_star", LogicalType::BIGINT, kSales), make_call("sum", LogicalType::HUGEINT, kSales, 1)},
      kSales);
  left("+1 | a | 5\n+1 | b | 7\n+1 | a | NULL");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 2 | 5", "+1 | b | 1 | 7"));
  left("+1 | a | 10");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 2 | 5", "+1 | a | 3 | 15"));
  left("-1 | a | 5\n-1 | a | 10");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 3 | 15", "+1 | a | 1 | NULL"));
  left("-1 | a | NULL");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 1 | NULL"));
  EXPECT_THAT(end_epoch(), IsEmpty());
}

TEST_F(AggregateTest, SaysNothingWhenTheResultStaysTheSame) {
  use_aggregate(1, {make_call("max", LogicalType::BIGINT, kSales, 1)}, kSales);
  left("+1 | a | 5\n+1 | a | 7");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 7"));
  left("-1 | a | 5\n+1 | a | 6");
  EXPECT_THAT(end_epoch(), IsEmpty());
  left("+1 | b | 1\n-1 | b | 1");
  EXPECT_THAT(end_epoch(), IsEmpty());
}

TEST_F(AggregateTest, GroupsNullsTogether) {
  use_aggregate(1, {make_call("count_star", LogicalType::BIGINT, kSales)}, kSales);
  left("+1 | NULL | 5\n+2 | NULL | 6\n+1 | a | 1");
  EXPECT_EQ(end_epoch(), changes("+1 | NULL | 3", "+1 | a | 1"));
}

TEST_F(AggregateTest, GivesTheGroupsAloneWithoutFunctions) {
  use_aggregate(1, {}, kSales);
  left("+1 | a | 5\n+1 | a | 6\n+1 | b | 1");
  EXPECT_EQ(end_epoch(), changes("+1 | a", "+1 | b"));
  left("-1 | a | 5\n-1 | b | 1");
  EXPECT_EQ(end_epoch(), changes("-1 | b"));
}

TEST_F(AggregateTest, CountsIntervalsThatAreEqualOnce) {
  const RowType types = {LogicalType::INTERVAL};
  use_aggregate(0, {distinct(make_call("count", LogicalType::BIGINT, types, 0))}, types);
  left("+1 | 30 days\n+1 | 1 month\n+1 | 31 days");
  EXPECT_EQ(end_epoch(), changes("+1 | 2"));
}

TEST_F(AggregateTest, RefusesGroupsOfIntervals) {
  // Whether '45 days' or '1 month 15 days' is the group's value would depend on which came first.
  for (const LogicalType& type : {LogicalType(LogicalType::INTERVAL), LogicalType::LIST(LogicalType::INTERVAL)}) {
    Aggregate::Definition definition;
    definition.groups = {column(0, type)};
    const auto made = Aggregate::create(*context_, std::move(definition), {type});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::Unsupported);
  }
}

TEST_F(AggregateTest, GroupsNumbersThatSqlHoldsEqualTogether) {
  const RowType types = {LogicalType::DOUBLE};
  use_aggregate(1, {make_call("count_star", LogicalType::BIGINT, types)}, types);
  left("+1 | -0.0\n+1 | 0.0\n+1 | -nan\n+1 | nan");
  EXPECT_EQ(end_epoch(), changes("+1 | 0.0 | 2", "+1 | nan | 2"));
}

TEST_F(AggregateTest, ChangesMoreGroupsThanABatchHolds) {
  use_aggregate(
      1, {make_call("count_star", LogicalType::BIGINT, kSales), make_call("max", LogicalType::BIGINT, kSales, 1)},
      kSales);
  const auto push_all = [&](int first, int last, std::int64_t value, std::int64_t weight) {
    for (int begin = first; begin < last; begin += 700) {
      std::vector<InputChange> part;
      for (int g = begin; g < std::min(last, begin + 700); ++g) {
        part.push_back({kOnlyPort, {Value("g" + std::to_string(g)), Value::BIGINT(value)}, weight});
      }
      columnar::ChangeBatch batch = batch_of(kSales, part);
      ASSERT_TRUE(operator_->push(kOnlyPort, batch, *collector_));
    }
  };
  push_all(0, 5000, 1, 1);
  EXPECT_EQ(end_epoch().size(), 5000u);
  push_all(0, 5000, 2, 1);
  push_all(4000, 5000, 1, -1);
  push_all(4000, 5000, 2, -1);
  push_all(5000, 8000, 7, 1);
  const Changes result = end_epoch();
  // 5,000 old rows go, 4,000 of them for a new one, and 3,000 groups are new.
  EXPECT_EQ(result.size(), 5000u + 4000u + 3000u);
  EXPECT_THAT(result, testing::IsSupersetOf({"-1 | g0 | 1 | 1", "+1 | g0 | 2 | 2", "-1 | g3999 | 1 | 1",
                                             "+1 | g3999 | 2 | 2", "-1 | g4999 | 1 | 1", "+1 | g7999 | 1 | 7"}));
}

TEST_F(AggregateTest, AlwaysHasOneRowWithoutGroups) {
  use_aggregate(
      0, {make_call("count_star", LogicalType::BIGINT, kSales), make_call("min", LogicalType::BIGINT, kSales, 1)},
      kSales);
  EXPECT_EQ(end_epoch(), changes("+1 | 0 | NULL"));
  EXPECT_THAT(end_epoch(), IsEmpty());
  left("+1 | a | 5");
  EXPECT_EQ(end_epoch(), changes("-1 | 0 | NULL", "+1 | 1 | 5"));
  left("-1 | a | 5");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | 5", "+1 | 0 | NULL"));
}

TEST_F(AggregateTest, FindsTheNextMinimumWhenTheFirstGoes) {
  use_aggregate(1, {make_call("min", LogicalType::BIGINT, kSales, 1), make_call("max", LogicalType::BIGINT, kSales, 1)},
                kSales);
  left("+1 | a | 5\n+1 | a | 3\n+1 | a | 3\n+1 | a | 9");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 3 | 9"));
  left("-1 | a | 3\n-1 | a | 9");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 3 | 9", "+1 | a | 3 | 5"));
  left("-1 | a | 3");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 3 | 5", "+1 | a | 5 | 5"));
}

TEST_F(AggregateTest, FindsTheSameZeroAsMinimumWhateverComesFirst) {
  const RowType types = {LogicalType::INTEGER, LogicalType::DOUBLE};
  for (const bool append_only : {true, false}) {
    for (const char* rows : {"+1 | 1 | 0.0\n+1 | 1 | -0.0", "+1 | 1 | -0.0\n+1 | 1 | 0.0"}) {
      use_aggregate(1,
                    {make_call("min", LogicalType::DOUBLE, types, 1), make_call("max", LogicalType::DOUBLE, types, 1)},
                    types, append_only);
      left(rows);
      EXPECT_EQ(end_epoch(), changes("+1 | 1 | -0.0 | 0.0"));
    }
  }
}

TEST_F(AggregateTest, TakesBackTheFormOfAResultThatItGave) {
  const RowType types = {LogicalType::INTEGER, LogicalType::INTERVAL};
  use_aggregate(1, {make_call("max", LogicalType::INTERVAL, types, 1)}, types);
  left("+1 | 1 | 30 days");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | 30 days"));
  left("-1 | 1 | 30 days\n+1 | 1 | 1 month");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | 30 days", "+1 | 1 | 1 month"));
  left("-1 | 1 | 1 month");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | 1 month"));
}

TEST_F(AggregateTest, ReportsAGroupThatOverflowsUntilItHeals) {
  const RowType types = {LogicalType::VARCHAR, LogicalType::HUGEINT};
  const std::string most = "170141183460469231731687303715884105727";
  use_aggregate(1, {make_call("sum", LogicalType::HUGEINT, types, 1)}, types);
  left("+1 | a | " + most + "\n+1 | b | 1");
  EXPECT_EQ(end_epoch(), changes("+1 | a | " + most, "+1 | b | 1"));
  left("+1 | a | 1");
  EXPECT_EQ(end_epoch(), changes("-1 | a | " + most));
  EXPECT_EQ(errors(), changes("+1 | (a) | sum(#1) | the sum does not fit HUGEINT"));
  left("+1 | a | 2");
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_EQ(errors().size(), 1u);
  left("-1 | a | 1\n-1 | a | 2\n-1 | a | " + most + "\n+1 | a | 8");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 8"));
  EXPECT_THAT(errors(), IsEmpty());
  left("+1 | c | " + most + "\n+1 | c | " + most);
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_EQ(errors(), changes("+1 | (c) | sum(#1) | the sum does not fit HUGEINT"));
  left("-2 | c | " + most);
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(AggregateTest, LetsHugeSumsPassThroughOverflowWithinAnEpoch) {
  const RowType types = {LogicalType::VARCHAR, LogicalType::DECIMAL(38, 2)};
  const std::string most = "999999999999999999999999999999999999.99";
  use_aggregate(1, {make_call("sum", LogicalType::DECIMAL(38, 2), types, 1)}, types);
  left("+7 | a | " + most + "\n-6 | a | " + most);
  EXPECT_EQ(end_epoch(), changes("+1 | a | " + most));
  left("+1 | a | 0.01");
  EXPECT_EQ(end_epoch(), changes("-1 | a | " + most));
  EXPECT_EQ(errors(), changes("+1 | (a) | sum(#1) | the sum does not fit DECIMAL(38,2)"));
}

TEST_F(AggregateTest, TakesNotFiniteNumbersBack) {
  const RowType types = {LogicalType::VARCHAR, LogicalType::DOUBLE};
  use_aggregate(1, {make_call("sum", LogicalType::DOUBLE, types, 1)}, types);
  left("+1 | a | 1e16\n+1 | a | 1\n+1 | a | inf");
  EXPECT_EQ(end_epoch(), changes("+1 | a | inf"));
  left("+1 | a | -inf");
  EXPECT_EQ(end_epoch(), changes("-1 | a | inf", "+1 | a | nan"));
  left("-1 | a | -inf\n-1 | a | inf\n-1 | a | 1e16");
  EXPECT_EQ(end_epoch(), changes("-1 | a | nan", "+1 | a | 1.0"));
}

TEST_F(AggregateTest, LeavesOutRowsThatCannotBeEvaluated) {
  const RowType types = {LogicalType::VARCHAR, LogicalType::VARCHAR};
  AggregateCall sum = make_call("sum", LogicalType::HUGEINT, types);
  sum.arguments.push_back(Expression::cast(column(1, types[1]), LogicalType::BIGINT));
  use_aggregate(1, {sum, make_call("count_star", LogicalType::BIGINT, types)}, types);
  left("+1 | a | 5\n+2 | a | x\n-1 | a | -6");
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+2 | (a, x) | CAST(#1 AS BIGINT) | Could not convert string 'x'"));
  left("+1 | a | -6");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 5 | 1"));
}

TEST_F(AggregateTest, CountsDistinctValuesUnderEachFilter) {
  const auto cheap = compare("<", column(1, kSales[1]), Expression::literal(Value::BIGINT(5)));
  use_aggregate(1,
                {distinct(make_call("count", LogicalType::BIGINT, kSales, 1)),
                 filtered(distinct(make_call("count", LogicalType::BIGINT, kSales, 1)), cheap),
                 distinct(make_call("sum", LogicalType::HUGEINT, kSales, 1))},
                kSales);
  left("+3 | a | 3\n+1 | a | 7\n+1 | a | NULL");
  EXPECT_EQ(end_epoch(), changes("+1 | a | 2 | 1 | 10"));
  left("-2 | a | 3\n-1 | a | 7");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 2 | 1 | 10", "+1 | a | 1 | 1 | 3"));
  left("-1 | a | 3");
  EXPECT_EQ(end_epoch(), changes("-1 | a | 1 | 1 | 3", "+1 | a | 0 | 0 | NULL"));
}

TEST_F(AggregateTest, RefusesWhatItsInputMustNotDo) {
  use_aggregate(1, {make_call("max", LogicalType::BIGINT, kSales, 1)}, kSales, /*append_only=*/true);
  columnar::ChangeBatch taken = batch_of(kSales, {{kOnlyPort, {Value("a"), Value::BIGINT(1)}, -1}});
  const Status pushed = operator_->push(kOnlyPort, taken, *collector_);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code(), ErrorCode::Internal);

  use_aggregate(1, {make_call("count_star", LogicalType::BIGINT, kSales)}, kSales);
  left("-1 | a | 1");
  const Status ended = operator_->end_epoch(Epoch(1), *collector_);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), ErrorCode::Internal);
}

TEST_F(AggregateTest, RefusesFunctionsItDoesNotKnow) {
  for (const AggregateCall& call :
       {make_call("median", LogicalType::DOUBLE, kSales, 1), make_call("sum", LogicalType::HUGEINT, kSales, 0),
        make_call("sum", LogicalType::BIGINT, kSales, 1)}) {
    const auto made = Aggregate::create(*context_, {{column(0, kSales[0])}, {call}, false}, kSales);
    ASSERT_FALSE(made) << call.function;
    EXPECT_EQ(made.error().code(), ErrorCode::Unsupported);
  }
}

/// Rows over a few groups, of many types, with values that add up exactly in any order.
const RowType kMixed = {LogicalType::INTEGER,        LogicalType::BIGINT,         LogicalType::DOUBLE,
                        LogicalType::VARCHAR,        LogicalType::DECIMAL(10, 2), LogicalType::BOOLEAN,
                        LogicalType::DECIMAL(38, 3), LogicalType::SMALLINT};

Row random_mixed_row(Port, SeededRandom& random) {
  const auto small = [&](int range) {
    return static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(range));
  };
  const auto or_null = [&](Value value, const LogicalType& type) {
    return random.next() % 5 == 0 ? Value(type) : value;
  };
  return {or_null(Value::INTEGER(static_cast<int>(small(4))), kMixed[0]),
          or_null(Value::BIGINT(small(20) - 10), kMixed[1]),
          or_null(Value::DOUBLE(small(8) == 0 ? -0.0 : static_cast<double>(small(64) - 32) / 8), kMixed[2]),
          or_null(Value(std::string(static_cast<std::size_t>(small(4)), static_cast<char>('a' + small(3)))), kMixed[3]),
          or_null(Value::DECIMAL(small(2000) - 1000, 10, 2), kMixed[4]),
          or_null(Value::BOOLEAN(small(2) == 0), kMixed[5]),
          or_null(Value::DECIMAL(duckdb::hugeint_t(small(2000) - 1000), 38, 3), kMixed[6]),
          or_null(Value::SMALLINT(static_cast<std::int16_t>(small(100) - 50)), kMixed[7])};
}

class AggregateLawTest : public AggregateTest {
 protected:
  std::vector<AggregateCall> linear_calls() {
    const auto positive = compare(">", column(1, kMixed[1]), Expression::literal(Value::BIGINT(0)));
    return {make_call("count_star", LogicalType::BIGINT, kMixed),
            make_call("count", LogicalType::BIGINT, kMixed, 3),
            make_call("sum", LogicalType::HUGEINT, kMixed, 1),
            make_call("sum", LogicalType::DOUBLE, kMixed, 2),
            make_call("sum", LogicalType::DECIMAL(38, 2), kMixed, 4),
            make_call("sum", LogicalType::DECIMAL(38, 3), kMixed, 6),
            make_call("avg", LogicalType::DOUBLE, kMixed, 1),
            make_call("avg", LogicalType::DOUBLE, kMixed, 2),
            make_call("avg", LogicalType::DOUBLE, kMixed, 4),
            make_call("avg", LogicalType::DOUBLE, kMixed, 6),
            make_call("avg", LogicalType::DOUBLE, kMixed, 7),
            make_call("bool_and", LogicalType::BOOLEAN, kMixed, 5),
            make_call("bool_or", LogicalType::BOOLEAN, kMixed, 5),
            filtered(make_call("sum", LogicalType::HUGEINT, kMixed, 1), positive),
            filtered(make_call("count_star", LogicalType::BIGINT, kMixed), positive),
            distinct(make_call("count", LogicalType::BIGINT, kMixed, 3)),
            filtered(distinct(make_call("sum", LogicalType::DECIMAL(38, 2), kMixed, 4)), positive)};
  }
  static constexpr const char* kLinearSql =
      "count(*), count(c3), sum(c1), sum(c2), sum(c4), sum(c6), avg(c1), avg(c2), avg(c4), avg(c6), avg(c7), "
      "bool_and(c5), "
      "bool_or(c5), sum(c1) FILTER (c1 > 0), count(*) FILTER (c1 > 0), count(DISTINCT c3), "
      "sum(DISTINCT c4) FILTER (c1 > 0)";

  std::vector<AggregateCall> extreme_calls() {
    std::vector<AggregateCall> calls;
    for (const char* function : {"min", "max"}) {
      for (int argument = 1; argument < 8; ++argument) {
        calls.push_back(make_call(function, kMixed[static_cast<std::size_t>(argument)], kMixed, argument));
      }
    }
    return calls;
  }
  static constexpr const char* kExtremeSql =
      "min(c1), min(c2), min(c3), min(c4), min(c5), min(c6), min(c7), "
      "max(c1), max(c2), max(c3), max(c4), max(c5), max(c6), max(c7)";

  /// A call that DuckDB runs over all rows of a group, which come by the columns `order`, ascending, NULLS LAST.
  AggregateCall folded(const std::string& text, const std::vector<std::size_t>& arguments,
                       const std::vector<std::size_t>& order = {}) {
    duckdb::DuckDB database(nullptr);
    duckdb::Connection connection(database);
    std::string columns;
    for (std::size_t c = 0; c < kMixed.size(); ++c) {
      columns += fmt::format("{}c{} {}", c == 0 ? "" : ", ", c, kMixed[c].ToString());
    }
    EXPECT_FALSE(connection.Query("CREATE TABLE l (" + columns + ")")->HasError());
    const auto plan = connection.ExtractPlan("SELECT " + text + " FROM l");
    const duckdb::LogicalOperator* op = plan.get();
    while (op->type != duckdb::LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY) op = op->children[0].get();
    const auto& bound = op->expressions[0]->Cast<duckdb::BoundAggregateExpression>();
    const auto kernel = columnar::AggregateKernel::encode(bound);
    EXPECT_TRUE(kernel) << kernel.error().message();
    AggregateCall call;
    call.function = bound.function.name;
    call.type = bound.return_type;
    call.kernel = *kernel;
    for (const std::size_t argument : arguments) call.arguments.push_back(column(argument, kMixed[argument]));
    for (const std::size_t key : order) call.order.push_back({column(key, kMixed[key]), {}});
    return call;
  }

  Law law(std::size_t groups, const std::vector<AggregateCall>& calls, std::string sql, bool append_only = false) {
    return {.make = [=, this] { return make(groups, calls, kMixed, append_only); },
            .left = kMixed,
            .right = {},
            .sql = std::move(sql),
            .random_row = random_mixed_row,
            .append_only = append_only,
            .normal_form = true};
  }
};

TEST_F(AggregateLawTest, LinearFunctionsObeyTheLaw) {
  check_law(law(1, linear_calls(), std::string("SELECT c0, ") + kLinearSql + " FROM l GROUP BY c0"), 12);
}

TEST_F(AggregateLawTest, LinearFunctionsObeyTheLawWithoutGroups) {
  check_law(law(0, linear_calls(), std::string("SELECT ") + kLinearSql + " FROM l"), 6);
}

TEST_F(AggregateLawTest, MinimaAndMaximaObeyTheLaw) {
  check_law(law(1, extreme_calls(), std::string("SELECT c0, ") + kExtremeSql + " FROM l GROUP BY c0"), 12);
  check_law(law(0, extreme_calls(), std::string("SELECT ") + kExtremeSql + " FROM l"), 6);
}

TEST_F(AggregateLawTest, GroupsOfEveryKindObeyTheLaw) {
  for (std::size_t c = 0; c < kKeyTypes.size(); ++c) {
    SCOPED_TRACE(kKeyTypes[c].ToString());
    const RowType types = {kKeyTypes[c], LogicalType::DOUBLE, LogicalType::INTERVAL};
    const std::vector<AggregateCall> calls = {make_call("count_star", LogicalType::BIGINT, types),
                                              make_call("sum", LogicalType::DOUBLE, types, 1),
                                              make_call("min", LogicalType::DOUBLE, types, 1),
                                              make_call("max", LogicalType::DOUBLE, types, 1),
                                              distinct(make_call("count", LogicalType::BIGINT, types, 1)),
                                              distinct(make_call("count", LogicalType::BIGINT, types, 2))};
    check_law({.make = [&] { return make(1, calls, types); },
               .left = types,
               .right = {},
               .sql = "SELECT c0, count(*), sum(c1), min(c1), max(c1), count(DISTINCT c1), count(DISTINCT c2) FROM l "
                      "GROUP BY c0",
               .random_row = [&](Port, SeededRandom& random) -> Row {
                 static constexpr const char* kIntervals[] = {"1 month", "30 days", "1 day", "24 hours"};
                 return {random_keys(random)[c], random_keys(random)[0],
                         Value(kIntervals[random.next() % 4]).DefaultCastAs(types[2])};
               },
               .normal_form = true},
              3);
  }
}

TEST_F(AggregateLawTest, MinimaAndMaximaObeyTheLawWhereRowsOnlyCome) {
  check_law(law(1, extreme_calls(), std::string("SELECT c0, ") + kExtremeSql + " FROM l GROUP BY c0", true), 6);
  check_law(law(0, extreme_calls(), std::string("SELECT ") + kExtremeSql + " FROM l", true), 4);
}

TEST_F(AggregateLawTest, FunctionsThatNeedAllRowsOfAGroupObeyTheLaw) {
  const auto positive = compare(">", column(1, kMixed[1]), Expression::literal(Value::BIGINT(0)));
  const std::vector<AggregateCall> calls = {folded("median(c1)", {1}),
                                            folded("quantile_disc(c4, [0.3, 0.9])", {4}),
                                            folded("mode(c7)", {7}, {7}),
                                            folded("list(c3)", {3}, {3}),
                                            filtered(folded("list(c1)", {1}, {3, 1}), positive),
                                            folded("string_agg(c3, '-')", {3}, {3}),
                                            folded("arg_max(c3, c1)", {3, 1}, {3}),
                                            distinct(folded("list(c7)", {7})),
                                            folded("bit_xor(c1)", {1}),
                                            folded("histogram(c5)", {5}),
                                            make_call("count_star", LogicalType::BIGINT, kMixed)};
  const std::string sql =
      "median(c1), quantile_disc(c4, [0.3, 0.9]), mode(c7 ORDER BY c7), list(c3 ORDER BY c3), "
      "list(c1 ORDER BY c3, c1) FILTER (c1 > 0), string_agg(c3, '-' ORDER BY c3), arg_max(c3, c1 ORDER BY c3), "
      "list(DISTINCT c7 ORDER BY c7), bit_xor(c1), histogram(c5), count(*) FROM l";
  check_law(law(1, calls, "SELECT c0, " + sql + " GROUP BY c0"), 8);
  check_law(law(0, calls, "SELECT " + sql), 4);
}

TEST_F(AggregateLawTest, OnlyGroupsThatChangedAreRunAgain) {
  use_aggregate(1, {folded("median(c1)", {1})}, kMixed);
  std::vector<InputChange> rows;
  for (std::int64_t i = 0; i < 2000; ++i) {
    Row row;
    for (const LogicalType& type : kMixed) row.emplace_back(type);
    row[0] = Value::INTEGER(static_cast<int>(i % 100));
    row[1] = Value::BIGINT(i);
    rows.push_back({kOnlyPort, std::move(row), 1});
  }
  columnar::ChangeBatch batch = batch_of(kMixed, rows);
  ASSERT_TRUE(operator_->push(kOnlyPort, batch, *collector_));
  EXPECT_EQ(end_epoch().size(), 100u);
  const std::uint64_t before = counters().state_reads;
  columnar::ChangeBatch one = batch_of(kMixed, {rows[0]});
  ASSERT_TRUE(operator_->push(kOnlyPort, one, *collector_));
  EXPECT_EQ(end_epoch().size(), 2u);
  EXPECT_LT(counters().state_reads - before, 100u);
}

TEST_F(AggregateLawTest, VariancesObeyTheLaw) {
  std::vector<AggregateCall> calls;
  for (const char* function : {"var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev"}) {
    calls.push_back(make_call(function, LogicalType::DOUBLE, kMixed, 2));
  }
  Law variances = law(1, calls,
                      "SELECT c0, var_pop(c2), var_samp(c2), variance(c2), stddev_pop(c2), stddev_samp(c2), stddev(c2) "
                      "FROM l GROUP BY c0");
  variances.approximate = true;
  check_law(variances, 8);
}

TEST_F(AggregateLawTest, ManyGroupColumnsAndManyGroupsObeyTheLaw) {
  Law many = law(4, {make_call("count_star", LogicalType::BIGINT, kMixed), make_call("max", kMixed[7], kMixed, 7)},
                 "SELECT c0, c1, c2, c3, count(*), max(c7) FROM l GROUP BY ALL");
  check_law(many, 3, 4, 300);
}

TEST_F(AggregateLawTest, DoubleSumsAreTheSameToTheLastBitForEverySplit) {
  // Values for which ordinary addition depends on the order in almost every case. DuckDB's sum does, so it has no say.
  const RowType types = {LogicalType::INTEGER, LogicalType::DOUBLE};
  const std::vector<AggregateCall> calls = {make_call("sum", LogicalType::DOUBLE, types, 1),
                                            make_call("avg", LogicalType::DOUBLE, types, 1),
                                            make_call("var_samp", LogicalType::DOUBLE, types, 1)};
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    std::vector<InputChange> script;
    for (int i = 0; i < 200; ++i) {
      const auto mantissa = static_cast<double>(static_cast<std::int64_t>(random.next()));
      const double value = std::ldexp(mantissa, static_cast<int>(random.next() % 120) - 90);
      const Row row = {Value::INTEGER(static_cast<int>(random.next() % 3)), Value::DOUBLE(value)};
      script.push_back({kOnlyPort, row, 1});
      if (i % 3 == 0) script.push_back({kOnlyPort, row, -1});
    }
    Changes first;
    for (const std::size_t batch_rows : {std::size_t(1000), std::size_t(1), std::size_t(17)}) {
      use_aggregate(1, calls, types);
      state::Multiset sum;
      for (std::size_t begin = 0; begin < script.size(); begin += batch_rows) {
        const auto end = std::min(script.size(), begin + batch_rows);
        columnar::ChangeBatch batch = batch_of(types, {script.begin() + static_cast<std::ptrdiff_t>(begin),
                                                       script.begin() + static_cast<std::ptrdiff_t>(end)});
        ASSERT_TRUE(operator_->push(kOnlyPort, batch, *collector_));
        if (begin % 3 == 0) {
          ASSERT_TRUE(operator_->end_epoch(Epoch(1), *collector_));
        }
      }
      ASSERT_TRUE(operator_->end_epoch(Epoch(2), *collector_));
      const Changes result = as_text(collector_->rows(), collector_->codec());
      ASSERT_FALSE(result.empty());
      if (first.empty()) first = result;
      EXPECT_EQ(result, first);
    }
  }
}

TEST_F(AggregateTest, TouchesStateInProportionToWhatChanged) {
  use_aggregate(1,
                {make_call("count_star", LogicalType::BIGINT, kSales), make_call("max", LogicalType::BIGINT, kSales, 1),
                 distinct(make_call("count", LogicalType::BIGINT, kSales, 1))},
                kSales);
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<InputChange> many;
    for (int i = 0; i < 2000; ++i)
      many.push_back({kOnlyPort, {Value("g" + std::to_string(i % 1000)), Value::BIGINT(batch * 2000 + i)}, 1});
    columnar::ChangeBatch rows = batch_of(kSales, many);
    ASSERT_TRUE(operator_->push(kOnlyPort, rows, *collector_));
  }
  end_epoch();
  EXPECT_GT(operator_->state_bytes(), 10'000u * 20u);

  const OperatorCounters before = counters();
  left("-1 | g7 | 9007\n+1 | g8 | 3\n+1 | new | 1");
  EXPECT_EQ(end_epoch(), changes("-1 | g7 | 10 | 9007 | 10", "+1 | g7 | 9 | 8007 | 9", "-1 | g8 | 10 | 9008 | 10",
                                 "+1 | g8 | 11 | 9008 | 11", "+1 | new | 1 | 1 | 1"));
  // Per changed row: the group, the value in the order of max and the maxima before and after, the distinct value.
  EXPECT_LE(counters().state_reads - before.state_reads, 3u * 5u);
  EXPECT_LE(counters().state_writes - before.state_writes, 3u * 3u);
  EXPECT_EQ(counters().rows_in - before.rows_in, 3u);
}

}  // namespace
}  // namespace sluice::engine
