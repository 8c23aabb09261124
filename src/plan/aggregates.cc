#include "plan/aggregates.h"

#include <algorithm>
#include <array>

namespace sluice::plan {
namespace {

bool is_number(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::TINYINT:
    case duckdb::LogicalTypeId::SMALLINT:
    case duckdb::LogicalTypeId::INTEGER:
    case duckdb::LogicalTypeId::BIGINT:
    case duckdb::LogicalTypeId::HUGEINT:
    case duckdb::LogicalTypeId::UTINYINT:
    case duckdb::LogicalTypeId::USMALLINT:
    case duckdb::LogicalTypeId::UINTEGER:
    case duckdb::LogicalTypeId::UBIGINT:
    case duckdb::LogicalTypeId::DECIMAL:
    case duckdb::LogicalTypeId::FLOAT:
    case duckdb::LogicalTypeId::DOUBLE: return true;
    default: return false;
  }
}

}  // namespace

bool has_incremental_form(const Aggregate& aggregate) {
  const std::string_view function = aggregate.function;
  const std::size_t count = aggregate.arguments.size();
  if (function == "count_star") return count == 0 && !aggregate.distinct;
  if (count != 1) return false;
  const duckdb::LogicalType& argument = aggregate.arguments[0].type;
  if (function == "count") return true;
  if (function == "sum" || function == "sum_no_overflow" || function == "avg") return is_number(argument);
  static constexpr std::array<std::string_view, 6> kSpreads = {"var_pop",    "var_samp",    "variance",
                                                               "stddev_pop", "stddev_samp", "stddev"};
  if (std::find(kSpreads.begin(), kSpreads.end(), function) != kSpreads.end())
    return argument.id() == duckdb::LogicalTypeId::DOUBLE;
  if (function == "min" || function == "max") return !argument.IsNested() && argument == aggregate.type;
  if (function == "bool_and" || function == "bool_or") return argument.id() == duckdb::LogicalTypeId::BOOLEAN;
  return false;
}

bool may_be_folded(std::string_view function) {
  static constexpr auto kFunctions =
      std::to_array<std::string_view>({"any_value",     "arg_max",        "arg_max_null", "arg_min",
                                       "arg_min_null",  "array_agg",      "avg",          "bit_and",
                                       "bit_or",        "bit_xor",        "corr",         "covar_pop",
                                       "covar_samp",    "entropy",        "first",        "geomean",
                                       "group_concat",  "histogram",      "kurtosis",     "kurtosis_pop",
                                       "last",          "list",           "listagg",      "mad",
                                       "max",           "max_by",         "median",       "min",
                                       "min_by",        "mode",           "product",      "quantile",
                                       "quantile_cont", "quantile_disc",  "regr_avgx",    "regr_avgy",
                                       "regr_count",    "regr_intercept", "regr_r2",      "regr_slope",
                                       "regr_sxx",      "regr_sxy",       "regr_syy",     "sem",
                                       "skewness",      "string_agg",     "sum"});
  return std::find(kFunctions.begin(), kFunctions.end(), function) != kFunctions.end();
}

}  // namespace sluice::plan
