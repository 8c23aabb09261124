#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "engine/aggregate.h"
#include "plan/aggregates.h"

namespace sluice::engine {
namespace {

using duckdb::LogicalType;

/// Every function and type for which there could be an incremental form, and some that have none.
constexpr const char* kFunctions[] = {"count",    "sum",      "sum_no_overflow", "avg",         "mean",
                                      "min",      "max",      "bool_and",        "bool_or",     "var_pop",
                                      "var_samp", "variance", "stddev_pop",      "stddev_samp", "stddev",
                                      "median",   "list",     "first",           "fsum"};
constexpr const char* kTypes[] = {"BOOLEAN",       "TINYINT",      "SMALLINT",  "INTEGER",          "BIGINT",
                                  "HUGEINT",       "UTINYINT",     "USMALLINT", "UINTEGER",         "UBIGINT",
                                  "UHUGEINT",      "FLOAT",        "DOUBLE",    "DECIMAL(4,2)",     "DECIMAL(18,3)",
                                  "DECIMAL(38,5)", "DATE",         "TIME",      "TIMETZ",           "TIMESTAMP",
                                  "TIMESTAMPTZ",   "TIMESTAMP_NS", "INTERVAL",  "VARCHAR",          "BLOB",
                                  "BIT",           "UUID",         "INTEGER[]", "STRUCT(a INTEGER)"};

TEST(IncrementalFormsTest, EveryAggregateThatAPlanMayHoldCanBeMade) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  auto context = columnar::KernelContext::create();
  ASSERT_TRUE(context) << context.error().message();
  std::size_t made_count = 0;
  for (const std::string function : kFunctions) {
    for (const std::string type : kTypes) {
      SCOPED_TRACE(function + "(" + type + ")");
      const auto answer = connection.Query("SELECT NULL::" + type + ", " + function + "(NULL::" + type + ")");
      if (answer->HasError()) continue;
      for (const bool is_distinct : {false, true}) {
        for (const bool only_grows : {false, true}) {
          plan::Aggregate aggregate;
          aggregate.function = function;
          aggregate.arguments = {columnar::Expression::column_ref(0, answer->types[0])};
          aggregate.distinct = is_distinct;
          aggregate.type = answer->types[1];
          if (!plan::has_incremental_form(aggregate)) continue;
          Aggregate::Definition definition;
          definition.calls = {{function, aggregate.arguments, is_distinct, std::nullopt, aggregate.type}};
          definition.append_only_input = only_grows;
          const auto made = Aggregate::create(**context, std::move(definition), {answer->types[0]});
          EXPECT_TRUE(made) << made.error().message();
          ++made_count;
        }
      }
    }
  }
  EXPECT_GT(made_count, 200u);
}

}  // namespace
}  // namespace sluice::engine
