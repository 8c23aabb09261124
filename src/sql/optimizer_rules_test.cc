#include "sql/internal/optimizer_rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "sql/internal/planning_database.h"

namespace sluice::sql {
namespace {

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
  const std::string disabled = "," + disabled_optimizers() + ",";
  for (const char* name : {"statistics_propagation", "empty_result_pullup", "compressed_materialization",
                           "row_group_pruner", "late_materialization", "top_n_window_elimination", "window_self_join",
                           "join_filter_pushdown", "build_side_probe_side", "sampling_pushdown"}) {
    EXPECT_NE(disabled.find(fmt::format(",{},", name)), std::string::npos) << name;
  }
}

TEST(OptimizerRulesTest, ThePlanningDatabaseTakesTheList) { EXPECT_TRUE(PlanningDatabase::create().has_value()); }

}  // namespace
}  // namespace sluice::sql
