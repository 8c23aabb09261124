#include "engine/filter.h"
#include "engine/operator_test.h"
#include "engine/project.h"
#include "engine/union.h"
#include "engine/unnest.h"

namespace sluice::engine {
namespace {

using columnar::Expression;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const columnar::RowType kPeople = {LogicalType::INTEGER, LogicalType::VARCHAR};

class FilterTest : public OperatorTest {};

TEST_F(FilterTest, KeepsRowsForWhichTheConditionIsTrue) {
  use(Filter::create(*context_, compare(">", column(0, kPeople[0]), Expression::literal(Value::INTEGER(5))), kPeople),
      kPeople);
  left("+1 | 7 | ann\n+1 | 3 | bob\n+2 | NULL | eve\n-1 | 9 | joe");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann", "-1 | 9 | joe"));
}

TEST_F(FilterTest, ReportsARowThatFailsAndTakesTheErrorBack) {
  use(Filter::create(*context_,
                     compare("=", Expression::cast(column(1, kPeople[1]), LogicalType::INTEGER), column(0, kPeople[0])),
                     kPeople),
      kPeople);
  left("+1 | 7 | 7\n+1 | 8 | ann");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | 7"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+1 | (8, ann) | (CAST(#1 AS INTEGER) = #0) | Could not convert string 'ann'"));
  left("-1 | 8 | ann");
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(FilterTest, ObeysTheLaw) {
  check_law({.make =
                 [&] {
                   return std::move(*Filter::create(
                       *context_, compare("is_distinct", column(0, kPeople[0]), Expression::literal(Value::INTEGER(2))),
                       kPeople));
                 },
             .left = kPeople,
             .right = {},
             .sql = "FROM l WHERE c0 IS DISTINCT FROM 2",
             .random_row = [](Port, SeededRandom& random) -> Row {
               return {random.next() % 4 == 0 ? Value(LogicalType::INTEGER)
                                              : Value::INTEGER(static_cast<int>(random.next() % 4)),
                       Value(std::string(1, static_cast<char>('a' + random.next() % 3)))};
             }},
            5);
}

TEST_F(FilterTest, RefusesAConditionThatIsNotBoolean) {
  const auto made = Filter::create(*context_, column(0, kPeople[0]), kPeople);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::InvalidArgument);
}

class ProjectTest : public OperatorTest {};

TEST_F(ProjectTest, ComputesEachExpressionAndKeepsWeights) {
  use(Project::create(*context_, {call("upper", LogicalType::VARCHAR, {column(1, kPeople[1])}), column(0, kPeople[0])},
                      kPeople),
      kPeople);
  left("+1 | 7 | ann\n-2 | NULL | bob");
  EXPECT_EQ(end_epoch(), changes("+1 | ANN | 7", "-2 | BOB | NULL"));
}

TEST_F(ProjectTest, LeavesOutRowsThatFail) {
  use(Project::create(*context_, {Expression::cast(column(1, kPeople[1]), LogicalType::TINYINT)}, kPeople), kPeople);
  left("+3 | 1 | 12\n-1 | 2 | 1000\n+2 | 3 | 13");
  EXPECT_EQ(end_epoch(), changes("+3 | 12", "+2 | 13"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("-1 | (2, 1000) | CAST(#1 AS TINYINT)"));
}

TEST_F(ProjectTest, CutsTheTextOfLongRowsButKeepsThemApart) {
  use(Project::create(*context_, {Expression::cast(column(1, kPeople[1]), LogicalType::TINYINT)}, kPeople), kPeople);
  left("+1 | 1 | " + std::string(5000, 'x') + "\n+1 | 1 | " + std::string(5000, 'x') + "y");
  end_epoch();
  ASSERT_EQ(errors().size(), 2u);
  EXPECT_THAT(errors()[0], HasSubstr("bytes"));
  EXPECT_LT(errors()[0].substr(0, errors()[0].find(" | CAST")).size(), 1100u);
}

TEST_F(ProjectTest, ObeysTheLaw) {
  const columnar::RowType types = {LogicalType::DOUBLE, LogicalType::INTERVAL};
  check_law({.make =
                 [&] {
                   return std::move(*Project::create(
                       *context_,
                       {Expression::cast(column(0, types[0]), LogicalType::VARCHAR),
                        Expression::cast(column(1, types[1]), LogicalType::VARCHAR), column(0, types[0])},
                       types));
                 },
             .left = types,
             .right = {},
             .sql = "SELECT c0::VARCHAR, c1::VARCHAR, c0 FROM l",
             .random_row = [&](Port, SeededRandom& random) -> Row {
               static constexpr const char* kIntervals[] = {"1 month", "30 days", "1 day", "24 hours"};
               return {random_keys(random)[0], Value(kIntervals[random.next() % 4]).DefaultCastAs(types[1])};
             }},
            5);
}

class UnionTest : public OperatorTest {};

TEST_F(UnionTest, PassesEveryInputOn) {
  use(Union::create(kPeople), kPeople, kPeople);
  left("+1 | 1 | ann");
  right("+1 | 1 | ann\n-1 | 2 | bob");
  EXPECT_EQ(end_epoch(), changes("+2 | 1 | ann", "-1 | 2 | bob"));
}

TEST_F(UnionTest, ObeysTheLaw) {
  check_law({.make = [&] { return std::move(*Union::create(kKeyTypes)); },
             .left = kKeyTypes,
             .right = kKeyTypes,
             .sql = "FROM l UNION ALL FROM r",
             .random_row = [](Port, SeededRandom& random) { return random_keys(random); }},
            5);
}

class UnnestTest : public OperatorTest {
 protected:
  const LogicalType numbers = LogicalType::LIST(LogicalType::INTEGER);
  const LogicalType words = LogicalType::LIST(LogicalType::VARCHAR);
};

TEST_F(UnnestTest, GivesARowPerElementOfTheLongestList) {
  const columnar::RowType types = {LogicalType::VARCHAR, numbers, words};
  use(Unnest::create(*context_, {column(1, numbers), column(2, words)}, types), types);
  left("+1 | a | [1, 2, 3] | [x]\n+2 | b | [] | NULL\n-1 | c | NULL | [y, NULL]\n+1 | d | [4] | []");
  EXPECT_EQ(end_epoch(), changes("+1 | a | [1, 2, 3] | [x] | 1 | x", "+1 | a | [1, 2, 3] | [x] | 2 | NULL",
                                 "+1 | a | [1, 2, 3] | [x] | 3 | NULL", "-1 | c | NULL | [y, NULL] | NULL | y",
                                 "-1 | c | NULL | [y, NULL] | NULL | NULL", "+1 | d | [4] | [] | 4 | NULL"));
}

TEST_F(UnnestTest, SplitsLongListsIntoBatches) {
  const columnar::RowType types = {numbers};
  use(Unnest::create(*context_, {column(0, numbers)}, types), types);
  duckdb::vector<Value> elements;
  for (int i = 0; i < 5000; ++i) elements.push_back(Value::INTEGER(i));
  columnar::ChangeBatch batch = batch_of(types, {{kOnlyPort, {Value::LIST(LogicalType::INTEGER, elements)}, -1}});

  struct Elements final : Output {
    void emit(columnar::ChangeBatch&& changes) override {
      sizes.push_back(changes.size());
      for (std::size_t i = 0; i < changes.size(); ++i) {
        EXPECT_EQ(changes.rows().GetValue(1, i), Value::INTEGER(next++));
        EXPECT_EQ(changes.weight(i), -1);
      }
    }
    void fail(EvaluationError) override { FAIL(); }
    std::vector<std::size_t> sizes;
    int next = 0;
  } output;
  ASSERT_TRUE(operator_->push(kOnlyPort, batch, output));
  EXPECT_THAT(output.sizes, ElementsAre(2048, 2048, 904));
}

TEST_F(UnnestTest, UnnestsAComputedListOfStructs) {
  const auto item = LogicalType::STRUCT({{"sku", LogicalType::VARCHAR}, {"n", LogicalType::INTEGER}});
  const columnar::RowType types = {LogicalType::LIST(item)};
  const auto bound = [](std::int64_t at) { return Expression::literal(Value::BIGINT(at)); };
  use(Unnest::create(*context_, {call("array_slice", types[0], {column(0, types[0]), bound(2), bound(3)})}, types),
      types);
  left("+1 | [{'sku': z, 'n': 9}, {'sku': a, 'n': 1}, NULL]");
  EXPECT_EQ(end_epoch(), changes("+1 | [{'sku': z, 'n': 9}, {'sku': a, 'n': 1}, NULL] | NULL",
                                 "+1 | [{'sku': z, 'n': 9}, {'sku': a, 'n': 1}, NULL] | {'sku': a, 'n': 1}"));
}

TEST_F(UnnestTest, ObeysTheLaw) {
  const columnar::RowType types = {LogicalType::INTEGER, numbers};
  check_law({.make = [&] { return std::move(*Unnest::create(*context_, {column(1, numbers)}, types)); },
             .left = types,
             .right = {},
             .sql = "SELECT c0, c1, unnest(c1) FROM l",
             .random_row = [](Port, SeededRandom& random) -> Row {
               duckdb::vector<Value> elements;
               for (auto n = random.next() % 4; n > 0; --n)
                 elements.push_back(Value::INTEGER(static_cast<int>(random.next() % 3)));
               const Value list = random.next() % 5 == 0 ? Value(LogicalType::LIST(LogicalType::INTEGER))
                                                         : Value::LIST(LogicalType::INTEGER, elements);
               return {Value::INTEGER(static_cast<int>(random.next() % 3)), list};
             }},
            5);
}

}  // namespace
}  // namespace sluice::engine
