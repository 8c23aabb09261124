#include "engine/join.h"
#include "engine/operator_test.h"

namespace sluice::engine {
namespace {

using columnar::Expression;
using columnar::RowType;
using testing::HasSubstr;
using testing::IsEmpty;

const RowType kPeople = {LogicalType::INTEGER, LogicalType::VARCHAR};
const RowType kBooks = {LogicalType::INTEGER, LogicalType::VARCHAR};

class JoinTest : public OperatorTest {
 protected:
  /// A join on the first column of both sides.
  static Join::Definition on_id(Join::Type type) {
    Join::Definition definition;
    definition.type = type;
    definition.left_keys = {column(0, LogicalType::INTEGER)};
    definition.right_keys = {column(0, LogicalType::INTEGER)};
    definition.null_safe = {false};
    return definition;
  }
  void use_join(Join::Definition definition) {
    use(Join::create(*context_, std::move(definition), kPeople, kBooks), kPeople, kBooks);
  }
};

class InnerJoinTest : public JoinTest {
 protected:
  void SetUp() override {
    JoinTest::SetUp();
    use_join(on_id(Join::Type::Inner));
  }
};

TEST_F(InnerJoinTest, PairsRowsWithEqualKeys) {
  left("+1 | 7 | ann\n+1 | 8 | bob");
  right("+1 | 7 | book\n+1 | 9 | map");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | 7 | book"));
  right("+1 | 8 | pen");
  left("+1 | 7 | eve");
  EXPECT_EQ(end_epoch(), changes("+1 | 8 | bob | 8 | pen", "+1 | 7 | eve | 7 | book"));
}

TEST_F(InnerJoinTest, RetractingALeftRowWithdrawsItsMatches) {
  left("+1 | 7 | ann");
  right("+1 | 7 | book");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | 7 | book"));

  left("-1 | 7 | ann");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | 7 | book"));
  right("+1 | 7 | pen");
  EXPECT_THAT(end_epoch(), IsEmpty());
}

TEST_F(InnerJoinTest, MultipliesWeights) {
  left("+2 | 7 | ann");
  right("+3 | 7 | book");
  EXPECT_EQ(end_epoch(), changes("+6 | 7 | ann | 7 | book"));
  left("-1 | 7 | ann");
  right("-1 | 7 | book");
  EXPECT_EQ(end_epoch(), changes("-4 | 7 | ann | 7 | book"));
}

TEST_F(InnerJoinTest, NullMatchesNothing) {
  left("+1 | NULL | ann");
  right("+1 | NULL | book");
  EXPECT_THAT(end_epoch(), IsEmpty());
}

TEST_F(InnerJoinTest, NullMatchesNullWhereAsked) {
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.null_safe = {true};
  use_join(std::move(definition));
  left("+1 | NULL | ann\n+1 | 7 | bob");
  right("+1 | NULL | book");
  EXPECT_EQ(end_epoch(), changes("+1 | NULL | ann | NULL | book"));
}

TEST_F(InnerJoinTest, PairsEveryRowWithoutKeys) {
  use_join({.type = Join::Type::Inner, .left_keys = {}, .right_keys = {}, .null_safe = {}, .residual = {}});
  left("+1 | 1 | ann\n+1 | NULL | bob");
  right("+1 | 2 | book");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | ann | 2 | book", "+1 | NULL | bob | 2 | book"));
  right("-1 | 2 | book");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | ann | 2 | book", "-1 | NULL | bob | 2 | book"));
}

TEST_F(JoinTest, PassesValuesOnAsTheyCameWhicheverSideComesFirst) {
  const RowType readings = {LogicalType::INTEGER, LogicalType::DOUBLE};
  for (const bool left_first : {true, false}) {
    use(Join::create(*context_, on_id(Join::Type::Inner), readings, kBooks), readings, kBooks);
    if (left_first) left("+1 | 7 | -0.0\n+1 | 7 | -nan");
    right("+1 | 7 | book");
    if (!left_first) left("+1 | 7 | -0.0\n+1 | 7 | -nan");
    EXPECT_EQ(end_epoch(), changes("+1 | 7 | -0.0 | 7 | book", "+1 | 7 | -nan | 7 | book"));
    if (left_first) left("-1 | 7 | -0.0\n-1 | 7 | -nan");
    right("-1 | 7 | book");
    if (!left_first) left("-1 | 7 | -0.0\n-1 | 7 | -nan");
    EXPECT_EQ(end_epoch(), changes("-1 | 7 | -0.0 | 7 | book", "-1 | 7 | -nan | 7 | book"));
  }
}

TEST_F(JoinTest, MatchesKeysThatSqlHoldsEqual) {
  const RowType types = {LogicalType::DOUBLE};
  Join::Definition definition;
  definition.left_keys = {column(0, types[0])};
  definition.right_keys = {column(0, types[0])};
  definition.null_safe = {false};
  use(Join::create(*context_, std::move(definition), types, types), types, types);
  left("+1 | -0.0\n+1 | nan");
  right("+1 | 0.0\n+1 | -nan");
  EXPECT_EQ(end_epoch(), changes("+1 | -0.0 | 0.0", "+1 | nan | -nan"));
}

TEST_F(InnerJoinTest, JoinsManyMatchesInBatches) {
  std::string people;
  for (int i = 0; i < 100; ++i) people += "+1 | 7 | p" + std::to_string(i) + "\n";
  std::string books;
  for (int i = 0; i < 50; ++i) books += "+1 | 7 | b" + std::to_string(i) + "\n";
  left(people);
  right(books);
  EXPECT_EQ(end_epoch().size(), 5000u);
}

TEST_F(InnerJoinTest, ReportsAPairThatFailsAndTakesTheErrorBack) {
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.residual = compare(">", Expression::cast(column(3, LogicalType::VARCHAR), LogicalType::INTEGER),
                                Expression::literal(Value::INTEGER(5)));
  use_join(std::move(definition));
  left("+2 | 7 | ann");
  right("+1 | 7 | 6\n+1 | 7 | 4\n+1 | 7 | x");
  EXPECT_EQ(end_epoch(), changes("+2 | 7 | ann | 7 | 6"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+2 | (7, ann, 7, x) | (CAST(#3 AS INTEGER) > 5) | Could not convert string 'x'"));
  right("-1 | 7 | x");
  EXPECT_THAT(end_epoch(), IsEmpty());
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(InnerJoinTest, ReportsAKeyThatFails) {
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.right_keys = {Expression::cast(column(1, LogicalType::VARCHAR), LogicalType::INTEGER)};
  use_join(std::move(definition));
  left("+1 | 7 | ann");
  right("+1 | 0 | x\n+1 | 1 | 7");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | 1 | 7"));
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_THAT(errors()[0], HasSubstr("+1 | (0, x)"));
}

TEST_F(InnerJoinTest, RefusesKeysThatDoNotPairUp) {
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.right_keys = {column(1, LogicalType::VARCHAR)};
  auto made = Join::create(*context_, std::move(definition), kPeople, kBooks);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::InvalidArgument);
  EXPECT_THAT(made.error().message(), HasSubstr("INTEGER on the left, VARCHAR on the right"));
}

class LeftJoinTest : public JoinTest {
 protected:
  void SetUp() override {
    JoinTest::SetUp();
    use_join(on_id(Join::Type::Left));
  }
  static Join::Definition with_residual() {
    Join::Definition definition = on_id(Join::Type::Left);
    definition.residual = compare(">", Expression::cast(column(3, LogicalType::VARCHAR), LogicalType::INTEGER),
                                  Expression::literal(Value::INTEGER(5)));
    return definition;
  }
};

TEST_F(LeftJoinTest, KeepsLeftRowsWithoutMatch) {
  left("+1 | 7 | ann\n+2 | 8 | bob\n+1 | NULL | eve");
  right("+1 | 7 | book\n+1 | NULL | map");
  EXPECT_EQ(end_epoch(),
            changes("+1 | 7 | ann | 7 | book", "+2 | 8 | bob | NULL | NULL", "+1 | NULL | eve | NULL | NULL"));
}

TEST_F(LeftJoinTest, ReplacesTheLoneRowWhenAMatchComesAndBack) {
  left("+1 | 7 | ann");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | NULL | NULL"));
  right("+1 | 7 | book");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | NULL | NULL", "+1 | 7 | ann | 7 | book"));
  right("+1 | 7 | map");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | 7 | map"));
  right("-1 | 7 | map\n-1 | 7 | book");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | 7 | map", "-1 | 7 | ann | 7 | book", "+1 | 7 | ann | NULL | NULL"));
}

TEST_F(LeftJoinTest, SeesBothSidesChangeInOneEpoch) {
  left("+1 | 7 | ann\n+1 | 7 | bob");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | NULL | NULL", "+1 | 7 | bob | NULL | NULL"));
  left("-1 | 7 | ann\n+1 | 7 | eve");
  right("+1 | 7 | book");
  left("+1 | 8 | joe");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | NULL | NULL", "-1 | 7 | bob | NULL | NULL", "+1 | 7 | bob | 7 | book",
                                 "+1 | 7 | eve | 7 | book", "+1 | 8 | joe | NULL | NULL"));
}

TEST_F(LeftJoinTest, DoesNotEmitALoneRowThatTheSameEpochMatches) {
  left("+1 | 7 | ann");
  right("+1 | 7 | book");
  end_epoch();
  EXPECT_EQ(counters().rows_out, 1u);
}

TEST_F(LeftJoinTest, CountsOnlyMatchesThatPassTheResidual) {
  use_join(with_residual());
  left("+1 | 7 | ann");
  right("+1 | 7 | 3");
  EXPECT_EQ(end_epoch(), changes("+1 | 7 | ann | NULL | NULL"));
  right("+1 | 7 | 6\n-1 | 7 | 3");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | NULL | NULL", "+1 | 7 | ann | 7 | 6"));
  left("-1 | 7 | ann");
  left("+1 | 7 | ann");
  right("-1 | 7 | 6\n+1 | 7 | x");
  EXPECT_EQ(end_epoch(), changes("-1 | 7 | ann | 7 | 6", "+1 | 7 | ann | NULL | NULL"));
  EXPECT_EQ(errors().size(), 1u);
}

TEST_F(LeftJoinTest, RefusesToTakeAwayARightRowThatIsNotThere) {
  left("+1 | 7 | ann");
  right("-1 | 7 | book");
  const Status ended = operator_->end_epoch(Epoch(1), *collector_);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), ErrorCode::Internal);
}

class JoinLawTest : public JoinTest {
 protected:
  static Row random_row(Port port, SeededRandom& random) {
    const Value id =
        random.next() % 6 == 0 ? Value(LogicalType::INTEGER) : Value::INTEGER(static_cast<int>(random.next() % 5));
    // The right side's names are numbers, so that a residual can compare them.
    const auto letter = random.next() % 4;
    return {id, port == Port::Left ? Value(std::string(1, static_cast<char>('a' + letter)))
                                   : Value(std::to_string(letter))};
  }
  Law law(Join::Definition definition, std::string sql) {
    return {.make = [=, this] { return std::move(*Join::create(*context_, definition, kPeople, kBooks)); },
            .left = kPeople,
            .right = kBooks,
            .sql = std::move(sql),
            .random_row = random_row};
  }
  static Expression residual() {
    return compare(">", Expression::cast(column(3, LogicalType::VARCHAR), LogicalType::INTEGER),
                   Expression::literal(Value::INTEGER(1)));
  }
};

TEST_F(JoinLawTest, InnerJoinsObeyTheLaw) {
  check_law(law(on_id(Join::Type::Inner), "SELECT * FROM l JOIN r ON l.c0 = r.c0"), 10);
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.residual = residual();
  check_law(law(definition, "SELECT * FROM l JOIN r ON l.c0 = r.c0 AND r.c1::INTEGER > 1"), 6);
}

TEST_F(JoinLawTest, NullSafeJoinsObeyTheLaw) {
  Join::Definition definition = on_id(Join::Type::Inner);
  definition.null_safe = {true};
  check_law(law(definition, "SELECT * FROM l JOIN r ON l.c0 IS NOT DISTINCT FROM r.c0"), 6);
}

TEST_F(JoinLawTest, JoinsWithSeveralKeysObeyTheLaw) {
  Join::Definition definition = on_id(Join::Type::Left);
  definition.left_keys.push_back(call("length", LogicalType::BIGINT, {column(1, LogicalType::VARCHAR)}));
  definition.right_keys.push_back(Expression::cast(column(1, LogicalType::VARCHAR), LogicalType::BIGINT));
  definition.null_safe = {true, false};
  check_law(
      law(definition, "SELECT * FROM l LEFT JOIN r ON l.c0 IS NOT DISTINCT FROM r.c0 AND length(l.c1) = r.c1::BIGINT"),
      6);
}

TEST_F(JoinLawTest, KeysOfEveryKindObeyTheLaw) {
  for (std::size_t c = 0; c < kKeyTypes.size(); ++c) {
    SCOPED_TRACE(kKeyTypes[c].ToString());
    const RowType types = {kKeyTypes[c], LogicalType::DOUBLE};
    for (const auto type : {Join::Type::Inner, Join::Type::Left}) {
      Join::Definition definition;
      definition.type = type;
      definition.left_keys = {column(0, types[0])};
      definition.right_keys = {column(0, types[0])};
      definition.null_safe = {false};
      // Rows say which zero they hold, so every answer must be DuckDB's to the letter; but for nested keys, where it
      // shows the left side's for both.
      check_law({.make = [&] { return std::move(*Join::create(*context_, definition, types, types)); },
                 .left = types,
                 .right = types,
                 .sql = fmt::format("SELECT * FROM l {} JOIN r ON l.c0 = r.c0", type == Join::Type::Left ? "LEFT" : ""),
                 .random_row = [c](Port, SeededRandom& random) -> Row {
                   return {random_keys(random)[c], random_keys(random)[0]};
                 },
                 .normal_form = kKeyTypes[c].IsNested()},
                2, 4, 30);
    }
  }
}

TEST_F(JoinLawTest, CrossJoinsObeyTheLaw) {
  Join::Definition definition;
  check_law(law(definition, "SELECT * FROM l, r"), 4, 4, 20);
  definition.type = Join::Type::Left;
  check_law(law(definition, "SELECT * FROM l LEFT JOIN r ON true"), 4, 4, 10);
}

TEST_F(JoinLawTest, LeftJoinsObeyTheLaw) {
  check_law(law(on_id(Join::Type::Left), "SELECT * FROM l LEFT JOIN r ON l.c0 = r.c0"), 12);
}

TEST_F(JoinLawTest, LeftJoinsWithAResidualObeyTheLaw) {
  Join::Definition definition = on_id(Join::Type::Left);
  definition.residual = residual();
  check_law(law(definition, "SELECT * FROM l LEFT JOIN r ON l.c0 = r.c0 AND r.c1::INTEGER > 1"), 12);
}

TEST_F(JoinTest, TouchesStateInProportionToChangesAndMatches) {
  const auto residual = compare("<>", column(3, LogicalType::VARCHAR), Expression::literal(Value("z")));
  for (const bool is_left : {false, true}) {
    for (const bool has_residual : {false, true}) {
      SCOPED_TRACE(fmt::format("{} join {} residual", is_left ? "left" : "inner", has_residual ? "with" : "without"));
      Join::Definition definition = on_id(is_left ? Join::Type::Left : Join::Type::Inner);
      if (has_residual) definition.residual = residual;
      use_join(std::move(definition));
      for (int i = 0; i < 5; ++i) {
        std::string people;
        std::string books;
        for (int id = i * 400; id < (i + 1) * 400; ++id) {
          people += fmt::format("+1 | {} | p\n", id);
          if (id % 2 == 0) books += fmt::format("+1 | {0} | b\n+1 | {0} | c\n", id);
        }
        left(people);
        right(books);
      }
      end_epoch();
      EXPECT_GT(operator_->state_bytes(), 4000u * 16u);

      const OperatorCounters before = counters();
      left("-1 | 100 | p\n+1 | 101 | q");
      right("+1 | 7 | b\n-1 | 200 | b");
      Changes expected =
          changes("-1 | 100 | p | 100 | b", "-1 | 100 | p | 100 | c", "+1 | 7 | p | 7 | b", "-1 | 200 | p | 200 | b");
      if (is_left) {
        expected.push_back("+1 | 101 | q | NULL | NULL");
        expected.push_back("-1 | 7 | p | NULL | NULL");
        std::sort(expected.begin(), expected.end());
      }
      EXPECT_EQ(end_epoch(), expected);
      // Four changed rows, four matches, one left row whose key got its first match; a few look-ups for each.
      EXPECT_LE(counters().state_reads - before.state_reads, 4u * (4u + 4u + 1u));
      EXPECT_GE(counters().state_reads - before.state_reads, 4u + 4u);
      EXPECT_LE(counters().state_writes - before.state_writes, 4u);
    }
  }
}

}  // namespace
}  // namespace sluice::engine
