#include "plan/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/aggregates.h"

namespace sluice::plan {
namespace {

using columnar::Expression;
using duckdb::LogicalType;
using ::testing::ElementsAre;

Node input(std::string relation, columnar::RowType types, std::vector<std::string> names) {
  InputNode body{std::move(relation), false, {}};
  for (std::size_t i = 0; i < types.size(); ++i) body.columns.push_back(i);
  return {body, {}, std::move(types), std::move(names)};
}

Expression compare(std::string name, Expression left, Expression right) {
  Expression out{Expression::Kind::Compare, LogicalType::BOOLEAN, 0, duckdb::Value(), std::move(name), {}};
  out.children.push_back(std::move(left));
  out.children.push_back(std::move(right));
  return out;
}

/// bids with price above 5, counted by channel.
QueryPlan counted_bids() {
  QueryPlan plan;
  plan.nodes.push_back(input("bids", {LogicalType::BIGINT, LogicalType::VARCHAR}, {"price", "channel"}));
  const Expression price = Expression::column_ref(0, LogicalType::BIGINT);
  plan.nodes.push_back({FilterNode{compare(">", price, Expression::literal(duckdb::Value::BIGINT(5)))},
                        {0},
                        plan.nodes[0].types,
                        plan.nodes[0].names});
  AggregateNode body;
  body.groups = {Expression::column_ref(1, LogicalType::VARCHAR)};
  body.aggregates = {{"count_star", {}, false, std::nullopt, LogicalType::BIGINT},
                     {"max", {price}, false, std::nullopt, LogicalType::BIGINT}};
  plan.nodes.push_back(
      {body, {1}, {LogicalType::VARCHAR, LogicalType::BIGINT, LogicalType::BIGINT}, {"channel", "n", "best"}});
  plan.inputs = {"bids"};
  return plan;
}

TEST(PipelineTest, DatasetsAreFoundWithoutRegardToCaseAndSourcesByTheirKey) {
  Pipeline pipeline;
  pipeline.datasets.resize(2);
  pipeline.datasets[0].name = "Bids";
  pipeline.datasets[1].name = "people";
  pipeline.sources.resize(1);
  pipeline.sources[0].key = "bids:landing/*.json";

  EXPECT_EQ(pipeline.find_dataset("bids"), &pipeline.datasets[0]);
  EXPECT_EQ(pipeline.find_dataset("PEOPLE"), &pipeline.datasets[1]);
  EXPECT_EQ(pipeline.find_dataset("bid"), nullptr);
  EXPECT_EQ(pipeline.find_source("bids:landing/*.json"), &pipeline.sources[0]);
  EXPECT_EQ(pipeline.find_source("BIDS:landing/*.json"), nullptr);
}

TEST(PipelineTest, EqualPlansHaveEqualTextWhateverTheirColumnsAreCalled) {
  const QueryPlan plan = counted_bids();
  QueryPlan renamed = plan;
  renamed.nodes[2].names = {"a", "b", "c"};
  EXPECT_EQ(encode(plan), encode(renamed));
}

TEST(PipelineTest, EveryPartOfAPlanThatDecidesRowsChangesItsText) {
  const std::string text = encode(counted_bids());
  const auto changed = [&](auto&& change) {
    QueryPlan plan = counted_bids();
    change(plan);
    return encode(plan) != text;
  };
  EXPECT_TRUE(changed([](QueryPlan& plan) { std::get<InputNode>(plan.nodes[0].body).relation = "asks"; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { std::get<InputNode>(plan.nodes[0].body).stream = true; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { std::get<InputNode>(plan.nodes[0].body).columns = {1, 0}; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { std::get<FilterNode>(plan.nodes[1].body).predicate.name = ">="; }));
  EXPECT_TRUE(
      changed([](QueryPlan& plan) { std::get<AggregateNode>(plan.nodes[2].body).aggregates[1].distinct = true; }));
  EXPECT_TRUE(
      changed([](QueryPlan& plan) { std::get<AggregateNode>(plan.nodes[2].body).aggregates[1].function = "min"; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { plan.nodes[2].inputs = {0}; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { plan.nodes[2].types[1] = LogicalType::HUGEINT; }));
  EXPECT_TRUE(changed([](QueryPlan& plan) { plan.sql = "SELECT 1"; }));
}

TEST(PipelineTest, OrdersLimitsAndJoinsAreWrittenOut) {
  TopNNode top;
  top.order = {{Expression::column_ref(0, LogicalType::BIGINT), {true, false}}};
  top.limit = 3;
  JoinNode join;
  join.left_keys = {Expression::column_ref(0, LogicalType::BIGINT)};
  join.right_keys = join.left_keys;
  join.null_safe = {false};
  QueryPlan plan;
  plan.nodes.push_back(input("a", {LogicalType::BIGINT}, {"id"}));
  plan.nodes.push_back({top, {0}, {LogicalType::BIGINT}, {"id"}});
  plan.nodes.push_back({join, {0, 1}, {LogicalType::BIGINT, LogicalType::BIGINT}, {"id", "id"}});

  const std::string text = encode(plan);
  EXPECT_THAT(text, ::testing::HasSubstr(R"("limit":3,"offset":0,"emit_rank":false)"));
  EXPECT_THAT(text, ::testing::HasSubstr(R"("descending":true,"nulls_first":false)"));
  EXPECT_THAT(text, ::testing::HasSubstr(R"("null_safe":[false])"));
  QueryPlan safe = plan;
  std::get<JoinNode>(safe.nodes[2].body).null_safe = {true};
  EXPECT_NE(encode(safe), text);
}

TEST(PipelineTest, APlanIsDescribedRootFirstWithNames) {
  EXPECT_THAT(describe(counted_bids()), ElementsAre("aggregate count_star(), max(price) by channel",
                                                    "  filter (price > 5)", "    input bids (price, channel)"));
}

TEST(PipelineTest, AnOperatorReadTwiceIsDescribedOnce) {
  QueryPlan plan = counted_bids();
  UnionNode both;
  plan.nodes.push_back({both, {2, 2}, plan.nodes[2].types, plan.nodes[2].names});
  EXPECT_THAT(describe(plan), ElementsAre("union all", "  aggregate count_star(), max(price) by channel [1]",
                                          "    filter (price > 5)", "      input bids (price, channel)", "  see [1]"));
}

TEST(PipelineTest, APlanWithoutNamesIsDescribedByPositions) {
  QueryPlan plan = counted_bids();
  for (Node& node : plan.nodes) node.names.clear();
  EXPECT_THAT(describe(plan),
              ElementsAre("aggregate count_star(), max(#0) by #1", "  filter (#0 > 5)", "    input bids (#0, #1)"));
}

TEST(PipelineTest, APlanThatIsRecomputedSaysFromWhat) {
  QueryPlan plan;
  plan.inputs = {"bids", "people"};
  EXPECT_THAT(describe(plan), ElementsAre("recompute from bids, people"));
}

Aggregate aggregate(std::string function, std::vector<LogicalType> arguments, bool distinct = false) {
  Aggregate out{
      std::move(function), {}, distinct, std::nullopt, arguments.empty() ? LogicalType::BIGINT : arguments[0]};
  for (const LogicalType& type : arguments) out.arguments.push_back(Expression::column_ref(0, type));
  return out;
}

TEST(AggregatesTest, OnlyWhatTheEngineComputesHasAnIncrementalForm) {
  EXPECT_TRUE(has_incremental_form(aggregate("count_star", {})));
  EXPECT_TRUE(has_incremental_form(aggregate("count", {LogicalType::VARCHAR}, true)));
  EXPECT_TRUE(has_incremental_form(aggregate("sum", {LogicalType::BIGINT})));
  EXPECT_TRUE(has_incremental_form(aggregate("avg", {LogicalType::DECIMAL(10, 2)})));
  EXPECT_TRUE(has_incremental_form(aggregate("min", {LogicalType::VARCHAR})));
  EXPECT_TRUE(has_incremental_form(aggregate("bool_or", {LogicalType::BOOLEAN})));

  EXPECT_TRUE(has_incremental_form(aggregate("stddev", {LogicalType::DOUBLE})));
  EXPECT_FALSE(has_incremental_form(aggregate("var_pop", {LogicalType::BIGINT})));

  EXPECT_TRUE(has_incremental_form(aggregate("sum", {LogicalType::BIGINT}, true)));
  EXPECT_FALSE(has_incremental_form(aggregate("sum", {LogicalType::INTERVAL})));
  EXPECT_FALSE(has_incremental_form(aggregate("avg", {LogicalType::TIMESTAMP})));
  EXPECT_FALSE(has_incremental_form(aggregate("max", {LogicalType::LIST(LogicalType::BIGINT)})));
  EXPECT_FALSE(has_incremental_form(aggregate("max", {LogicalType::BIGINT, LogicalType::BIGINT})));
  EXPECT_FALSE(has_incremental_form(aggregate("median", {LogicalType::DOUBLE})));
  EXPECT_FALSE(has_incremental_form(aggregate("list", {LogicalType::DOUBLE})));
  EXPECT_TRUE(may_be_folded("median"));
  EXPECT_FALSE(may_be_folded("approx_quantile"));
}

}  // namespace
}  // namespace sluice::plan
