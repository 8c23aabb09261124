#include "quality/expectations.h"

#include <gtest/gtest.h>

namespace sluice::quality {
namespace {

using columnar::Expression;
using duckdb::LogicalType;
using duckdb::Value;

/// Rows of one column, `mag DOUBLE`, judged by "mag > 0" under the given action.
class ExpectationsTest : public testing::Test {
 protected:
  ExpectationsTest() {
    auto context = columnar::KernelContext::create();
    EXPECT_TRUE(context);
    context_ = std::move(*context);
  }

  Result<Judgement> judge(plan::OnViolation action, std::vector<std::pair<Value, std::int64_t>> rows) {
    Expression predicate;
    predicate.kind = Expression::Kind::Compare;
    predicate.type = LogicalType::BOOLEAN;
    predicate.name = ">";
    predicate.children = {Expression::column_ref(0, LogicalType::DOUBLE), Expression::literal(Value::DOUBLE(0))};
    const columnar::Schema schema{{{"mag", LogicalType::DOUBLE, true, {}}}};
    auto expectations = Expectations::create(*context_, {{"positive", predicate, "mag > 0", action}}, schema);
    if (!expectations) return expectations.error();
    columnar::ChangeBatch batch(schema.types());
    std::vector<std::int64_t> weights;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      batch.rows().SetValue(0, row, rows[row].first);
      weights.push_back(rows[row].second);
    }
    batch.rows().SetCardinality(rows.size());
    batch.set_weights(weights);
    return (*expectations)->judge(batch);
  }

  std::unique_ptr<columnar::KernelContext> context_;
};

TEST_F(ExpectationsTest, KeepingCountsAndKeeps) {
  const auto judged = judge(plan::OnViolation::Keep, {{Value::DOUBLE(1), 1}, {Value::DOUBLE(-1), 1}});
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->kept.size(), 2u);
  EXPECT_EQ(judged->verdicts, (std::vector<Verdict>{{"positive", "keep", 1, 1}}));
}

TEST_F(ExpectationsTest, NullIsAViolation) {
  const auto judged = judge(plan::OnViolation::DropRow, {{Value(LogicalType::DOUBLE), 1}, {Value::DOUBLE(2), 1}});
  ASSERT_TRUE(judged);
  ASSERT_EQ(judged->kept.size(), 1u);
  EXPECT_EQ(judged->kept.rows().GetValue(0, 0), Value::DOUBLE(2));
  EXPECT_EQ(judged->verdicts.front().failed, 1);
}

TEST_F(ExpectationsTest, TakingARowBackUndoesItsCount) {
  const auto judged =
      judge(plan::OnViolation::DropRow, {{Value::DOUBLE(-3), 1}, {Value::DOUBLE(-3), -1}, {Value::DOUBLE(3), -1}});
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->verdicts, (std::vector<Verdict>{{"positive", "drop row", -1, 0}}));
  ASSERT_EQ(judged->kept.size(), 1u);
  EXPECT_EQ(judged->kept.weight(0), -1);
}

TEST_F(ExpectationsTest, QuarantineSetsTheRowAsideWithItsText) {
  const auto judged = judge(plan::OnViolation::Quarantine, {{Value::DOUBLE(-3), 2}});
  ASSERT_TRUE(judged);
  EXPECT_TRUE(judged->kept.empty());
  EXPECT_EQ(judged->quarantined, (std::vector<QuarantinedRow>{{"positive", R"({"mag":-3.0})", 2}}));
}

TEST_F(ExpectationsTest, FailUpdateNamesRuleAndRowUnlessTheRowGoes) {
  const auto judged = judge(plan::OnViolation::FailUpdate, {{Value::DOUBLE(-3), 1}});
  ASSERT_TRUE(judged);
  ASSERT_TRUE(judged->failure);
  EXPECT_EQ(judged->failure->code(), ErrorCode::DataError);
  EXPECT_NE(judged->failure->message().find("positive"), std::string::npos);
  EXPECT_NE(judged->failure->message().find("-3.0"), std::string::npos);
  EXPECT_FALSE(judge(plan::OnViolation::FailUpdate, {{Value::DOUBLE(-3), -1}})->failure);
}

}  // namespace
}  // namespace sluice::quality
