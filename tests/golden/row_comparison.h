#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <duckdb.hpp>

#include "base/result.h"
#include "lake/lake.h"

namespace sluice::golden {

/// Reads rows through a Lake and compares them, as a bag, with Parquet files that a plain DuckDB reads.
class RowComparison {
 public:
  RowComparison();

  /// Runs the query in the lake and keeps its rows. Fails as the query does.
  Status take(const std::string& sql);
  /// Compares the rows taken last with those of the files: names, types and values. Timestamps have no zone in the
  /// files, and columns that Parquet could not hold (variants, columns that are always NULL) are there as JSON text, in
  /// structs without members that are NULL. Returns what differs; "" if nothing does.
  std::string compare(const std::vector<std::filesystem::path>& files, const std::set<std::string>& json_columns = {});
  /// Asks the table in a folder, the newest version of which has the rows taken last, for those that conditions on each
  /// column, and on members of structs, select, and compares their number with that among the rows taken. Returns what
  /// differs; "" if nothing does.
  std::string compare_filters(const std::filesystem::path& table);
  /// Runs a query in the lake that gives one value, and returns it as text.
  Result<std::string> count(const std::string& sql);

 private:
  duckdb::unique_ptr<duckdb::MaterializedQueryResult> run(const std::string& sql);
  /// Returns conditions on what the rows taken have in each column.
  std::vector<std::string> conditions();
  /// Returns how many rows of `opened_` each condition selects.
  Result<std::vector<std::string>> count_in_table(const std::vector<std::string>& conditions);

  std::optional<lake::DeltaTable> opened_;  // what names in queries mean
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_;
  std::unique_ptr<lake::Lake> lake_;
  std::vector<std::string> names_;
  std::vector<duckdb::LogicalType> types_;
};

}  // namespace sluice::golden
