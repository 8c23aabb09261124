#pragma once

#include <span>
#include <string_view>

namespace sluice::sql {

/// What a standing query does with one of DuckDB's optimizers.
struct OptimizerRule {
  std::string_view name;  ///< As in duckdb_optimizers().
  bool keep = false;
  std::string_view reason;
};

/// One rule for each optimizer of the DuckDB we are built with, in its order. A test fails when DuckDB has another one:
/// decide here whether it is right for a plan that outlives today's data.
std::span<const OptimizerRule> optimizer_rules();

}  // namespace sluice::sql
