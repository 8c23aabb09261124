#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types.hpp>
#include <duckdb/common/types/vector.hpp>

#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/file_statistics.h"
#include "delta/table_properties.h"

/// What log checkpoints may say of files as typed columns, beside or in place of texts. Spec: "Checkpoint Schema".
namespace sluice::delta::internal {

/// `add.stats_parsed` and `add.partitionValues_parsed` of a table's log checkpoints, to be written. Statistics that are no
/// value of the column's type, or of columns without bounds (boolean, binary, lists), are NULL.
class ParsedColumns {
 public:
  ParsedColumns(const DataType& schema, ColumnMappingMode mode, const std::vector<std::string>& partition_columns);

  const duckdb::LogicalType& statistics_type() const { return statistics_type_; }
  /// nullopt: the table is not partitioned.
  const std::optional<duckdb::LogicalType>& partition_values_type() const { return partition_values_type_; }

  /// Fills a flat vector of statistics_type(), a row for each of the `stats` of file actions; absent or damaged: NULL.
  void write_statistics(std::span<const std::optional<std::string>> stats, duckdb::Vector& out) const;
  /// Fills a flat vector of partition_values_type(); nullptr: NULL.
  void write_partition_values(std::span<const PartitionValues* const> values, duckdb::Vector& out) const;

 private:
  struct Leaf {
    ColumnPath path;
    duckdb::LogicalType type;
    bool has_bounds = false;
  };
  /// A column of minValues and maxValues, or of nullCount: a leaf, or a struct of columns.
  struct Node {
    std::string name;
    std::vector<Node> children;
    std::size_t leaf = 0;
  };
  struct PartitionColumn {
    std::string name;
    duckdb::LogicalType type;
  };

  void add_fields(const DataType& type, ColumnMappingMode mode, const std::vector<std::string>& left_out,
                  ColumnPath& path, Node& bounds, Node& counts);
  duckdb::LogicalType type_of(const Node& node, bool is_count) const;

  std::vector<Leaf> leaves_;
  Node bounds_;
  Node counts_;
  std::vector<PartitionColumn> partition_columns_;
  duckdb::LogicalType statistics_type_;
  std::optional<duckdb::LogicalType> partition_values_type_;
};

/// Returns the `stats` of file actions that the rows of a `stats_parsed` column stand for; nullopt for those that do not
/// say how many rows there are. Bounds of timestamps without a zone are left out: it may be that the file has lost it.
std::vector<std::optional<std::string>> read_parsed_statistics(duckdb::Vector& parsed, std::size_t row_count);

}  // namespace sluice::delta::internal
