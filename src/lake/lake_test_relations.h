#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "lake/relation.h"

namespace sluice::lake {

/// For tests: rows in memory, made by queries of a plain DuckDB. Must outlive what reads the relations.
class TestRelations {
 public:
  Relation make(const std::string& name, const std::string& sql) {
    results_.push_back(connection_.Query(sql));
    auto& result = results_.back()->Cast<duckdb::MaterializedQueryResult>();
    EXPECT_FALSE(result.HasError()) << result.GetError();
    columnar::Schema schema;
    for (std::size_t i = 0; i < result.types.size(); ++i) {
      schema.fields.push_back({result.names[i], result.types[i], true, {}});
    }
    return Relation::of_rows(name, std::move(schema), result.Collection());
  }

  duckdb::Connection& connection() { return connection_; }

 private:
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
  std::vector<duckdb::unique_ptr<duckdb::QueryResult>> results_;
};

}  // namespace sluice::lake
