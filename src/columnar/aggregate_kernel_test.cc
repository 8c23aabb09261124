#include "columnar/aggregate_kernel.h"

#include <gtest/gtest.h>
#include <duckdb.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>

namespace sluice::columnar {
namespace {

/// Binds aggregates by DuckDB's planner and runs them by kernels, over the columns of one table.
class AggregateKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = KernelContext::create();
    ASSERT_TRUE(made) << made.error().message();
    context_ = std::move(*made);
    ASSERT_FALSE(connection_.Query("CREATE TABLE t (a BIGINT, s VARCHAR, d DECIMAL(9,2))")->HasError());
  }

  std::string encode(const std::string& call) {
    auto plan = connection_.ExtractPlan("SELECT " + call + " FROM t");
    const duckdb::LogicalOperator* op = plan.get();
    while (op->type != duckdb::LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY) op = op->children[0].get();
    auto encoded = AggregateKernel::encode(op->expressions[0]->Cast<duckdb::BoundAggregateExpression>());
    EXPECT_TRUE(encoded) << encoded.error().message();
    return *encoded;
  }

  /// Runs the call over rows that a query gives; they must be the call's arguments.
  std::string run(const std::string& call, const std::string& rows) {
    auto kernel = AggregateKernel::create(*context_, encode(call));
    EXPECT_TRUE(kernel) << kernel.error().message();
    auto answer = connection_.Query(rows);
    EXPECT_FALSE(answer->HasError()) << answer->GetError();
    EXPECT_EQ(RowType(answer->types.begin(), answer->types.end()), (*kernel)->arguments());
    (*kernel)->begin();
    while (auto chunk = answer->Fetch()) (*kernel)->add(*chunk);
    duckdb::Vector out((*kernel)->type());
    (*kernel)->finish(out, 3);
    return out.GetValue(3).ToString();
  }

  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
  std::unique_ptr<KernelContext> context_;
};

TEST_F(AggregateKernelTest, RunsOverTheRowsInTheirOrder) {
  const std::string rows = "SELECT unnest(['b', NULL, 'a', 'b'])";
  EXPECT_EQ(run("list(s)", rows), "[b, NULL, a, b]");
  EXPECT_EQ(run("first(s)", rows), "b");
  EXPECT_EQ(run("mode(s)", rows), "b");
  EXPECT_EQ(run("median(a)", "SELECT range FROM range(5000)"), "2499.5");
}

TEST_F(AggregateKernelTest, KeepsWhatBindingMadeOfConstants) {
  EXPECT_EQ(run("quantile_cont(a, 0.25)", "SELECT unnest([1, 2, 3, 4, 5])::BIGINT"), "2.0");
  EXPECT_EQ(run("quantile_disc(d, [0.1, 0.9])", "SELECT unnest([1, 2, 3])::DECIMAL(9,2)"), "[1.00, 3.00]");
  EXPECT_EQ(run("string_agg(s, ' / ')", "SELECT unnest(['b', NULL, 'a'])"), "b / a");
  EXPECT_EQ(run("arg_max(s, a)", "SELECT * FROM (VALUES ('x', 2::BIGINT), ('y', 9), ('z', 3))"), "y");
}

TEST_F(AggregateKernelTest, AGroupWithoutRowsHasTheValueThatDuckDbGivesIt) {
  EXPECT_EQ(run("median(a)", "SELECT 1::BIGINT WHERE false"), "NULL");
  EXPECT_EQ(run("regr_count(a, a)", "SELECT 1::DOUBLE, 1::DOUBLE WHERE false"), "0");
}

TEST_F(AggregateKernelTest, WhatIsNoStoredFunctionIsRefused) {
  EXPECT_EQ(AggregateKernel::create(*context_, "zz").error().code(), ErrorCode::Corruption);
  EXPECT_EQ(AggregateKernel::create(*context_, "123").error().code(), ErrorCode::Corruption);
}

}  // namespace
}  // namespace sluice::columnar
