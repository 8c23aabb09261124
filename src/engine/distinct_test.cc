#include "engine/distinct.h"
#include "engine/operator_test.h"

namespace sluice::engine {
namespace {

using testing::IsEmpty;

const columnar::RowType kTypes = {LogicalType::INTEGER, LogicalType::VARCHAR};

class DistinctTest : public OperatorTest {};

TEST_F(DistinctTest, GivesEachPresentRowOnce) {
  use(Distinct::create(kTypes), kTypes);
  left("+1 | 1 | a\n+3 | 1 | a\n+1 | NULL | NULL\n+1 | NULL | NULL");
  EXPECT_EQ(end_epoch(), changes("+1 | 1 | a", "+1 | NULL | NULL"));
  left("-3 | 1 | a");
  EXPECT_THAT(end_epoch(), IsEmpty());
  left("-1 | 1 | a");
  EXPECT_EQ(end_epoch(), changes("-1 | 1 | a"));
}

TEST_F(DistinctTest, GivesNumbersThatSqlHoldsEqualOnce) {
  use(Distinct::create({LogicalType::DOUBLE}), {LogicalType::DOUBLE});
  left("+1 | -0.0\n+1 | -nan");
  EXPECT_EQ(end_epoch(), changes("+1 | 0.0", "+1 | nan"));
  left("+1 | 0.0\n+1 | nan\n-1 | -0.0\n-1 | -nan");
  EXPECT_THAT(end_epoch(), IsEmpty());
}

TEST_F(DistinctTest, RefusesIntervals) {
  // Whether '45 days' or '1 month 15 days' is the row would depend on which came first.
  const auto made = Distinct::create({LogicalType::INTEGER, LogicalType::INTERVAL});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::Unsupported);
}

TEST_F(DistinctTest, SeesOnlyTheNetChangeOfAnEpoch) {
  use(Distinct::create(kTypes), kTypes);
  left("-1 | 1 | a");
  left("+1 | 1 | a\n+1 | 2 | b");
  EXPECT_EQ(end_epoch(), changes("+1 | 2 | b"));
}

TEST_F(DistinctTest, RefusesToTakeAwayWhatIsNotThere) {
  use(Distinct::create(kTypes), kTypes);
  left("-1 | 1 | a");
  const Status status = operator_->end_epoch(Epoch(1), *collector_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Internal);
}

TEST_F(DistinctTest, ObeysTheLaw) {
  check_law({.make = [] { return std::move(*Distinct::create(kTypes)); },
             .left = kTypes,
             .right = {},
             .sql = "SELECT DISTINCT * FROM l",
             .random_row = [](Port, SeededRandom& random) -> Row {
               return {random.next() % 4 == 0 ? Value(LogicalType::INTEGER)
                                              : Value::INTEGER(static_cast<int>(random.next() % 4)),
                       Value(std::string(1, static_cast<char>('a' + random.next() % 3)))};
             }},
            12);
}

TEST_F(DistinctTest, RowsOfEveryKindObeyTheLaw) {
  for (std::size_t c = 0; c < kKeyTypes.size(); ++c) {
    SCOPED_TRACE(kKeyTypes[c].ToString());
    check_law({.make = [c] { return std::move(*Distinct::create({kKeyTypes[c]})); },
               .left = {kKeyTypes[c]},
               .right = {},
               .sql = "SELECT DISTINCT * FROM l",
               .random_row = [c](Port, SeededRandom& random) -> Row { return {random_keys(random)[c]}; },
               .normal_form = true},
              3);
  }
}

TEST_F(DistinctTest, TouchesStateOncePerChangedRow) {
  use(Distinct::create(kTypes), kTypes);
  std::vector<InputChange> many;
  for (int i = 0; i < 2000; ++i) many.push_back({kOnlyPort, {Value::INTEGER(i), Value("row")}, 1});
  columnar::ChangeBatch batch = batch_of(kTypes, many);
  ASSERT_TRUE(operator_->push(kOnlyPort, batch, *collector_));
  end_epoch();
  EXPECT_GT(operator_->state_bytes(), 2000u * 16u);

  const OperatorCounters before = counters();
  left("-1 | 5 | row\n+1 | 6 | row\n+1 | 7 | row\n+1 | 9000 | row");
  EXPECT_EQ(end_epoch(), changes("-1 | 5 | row", "+1 | 9000 | row"));
  EXPECT_LE(counters().state_reads - before.state_reads, 4u);
  EXPECT_LE(counters().state_writes - before.state_writes, 4u);
}

}  // namespace
}  // namespace sluice::engine
