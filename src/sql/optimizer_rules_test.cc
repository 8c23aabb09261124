#include "sql/internal/optimizer_rules.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>
#include <duckdb/optimizer/optimizer.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/planner/planner.hpp>

#include "sql/internal/planning_database.h"

namespace sluice::sql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> optimizers_of_duckdb() {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  auto result = connection.Query("SELECT name FROM duckdb_optimizers()");
  std::vector<std::string> names;
  for (duckdb::idx_t row = 0; row < result->RowCount(); ++row) names.push_back(result->GetValue(0, row).ToString());
  return names;
}

TEST(OptimizerRulesTest, EveryOptimizerOfThisDuckDBIsClassified) {
  std::vector<std::string> classified;
  for (const OptimizerRule& rule : optimizer_rules()) {
    classified.emplace_back(rule.name);
    EXPECT_FALSE(rule.reason.empty()) << rule.name;
  }
  EXPECT_THAT(classified, ::testing::UnorderedElementsAreArray(optimizers_of_duckdb()));
}

TEST(OptimizerRulesTest, WhatReadsTodaysDataIsDisabled) {
  for (const char* name : {"statistics_propagation", "empty_result_pullup", "compressed_materialization",
                           "row_group_pruner", "late_materialization", "top_n_window_elimination", "window_self_join",
                           "join_filter_pushdown", "build_side_probe_side", "sampling_pushdown"}) {
    EXPECT_TRUE(std::ranges::any_of(optimizer_rules(), [&](const OptimizerRule& rule) {
      return rule.name == name && !rule.keep;
    })) << name;
  }
}

TEST(OptimizerRulesTest, TheRulesHoldWhileAPlanIsOptimizedAndForNothingElse) {
  auto database = PlanningDatabase::create();
  ASSERT_TRUE(database.has_value());
  const auto text_of = [&](bool by_the_rules) {
    duckdb::Planner planner((*database)->context());
    planner.CreatePlan((*database)->parse("SELECT a FROM range(3) AS t(a) WHERE a IN (1, 3, 5, 7, 9, 11, 13, 15)"));
    auto plan = by_the_rules
                    ? (*database)->optimize(*planner.binder, std::move(planner.plan))
                    : duckdb::Optimizer(*planner.binder, (*database)->context()).Optimize(std::move(planner.plan));
    return plan->ToString();
  };
  const auto error = (*database)->attempt([&] {
    // in_clause turns the list into a join.
    EXPECT_THAT(text_of(true), Not(HasSubstr("JOIN")));
    EXPECT_THAT(text_of(false), HasSubstr("JOIN"));
  });
  EXPECT_FALSE(error.has_value());
}

}  // namespace
}  // namespace sluice::sql
