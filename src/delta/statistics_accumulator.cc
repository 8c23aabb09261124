#include "delta/statistics_accumulator.h"

#include <algorithm>

#include <duckdb/common/string_util.hpp>

#include "delta/column_mapping.h"
#include "delta/internal/leaf_statistics.h"

namespace sluice::delta {
namespace {

/// A leaf of the schema, as statistics see it: arrays and maps are leaves, void columns are not in the file.
struct Leaf {
  const DataType* type;
  ColumnPath names;  ///< Logical.
  ColumnPath path;   ///< Physical.
  std::vector<std::size_t> members;
};

void collect_leaves(const DataType& type, ColumnMappingMode mode, const Leaf& parent, std::vector<Leaf>& leaves) {
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const StructField& field = type.fields[i];
    Leaf leaf = parent;
    leaf.type = &field.type;
    leaf.names.push_back(field.name);
    leaf.path.push_back(physical_name(field, mode));
    leaf.members.push_back(i);
    if (field.type.kind == DataType::Kind::Struct) {
      collect_leaves(field.type, mode, leaf, leaves);
    } else if (field.type.kind != DataType::Kind::Void) {
      leaves.push_back(std::move(leaf));
    }
  }
}

/// True if one of the paths is the leaf or leads to it.
bool is_named(const Leaf& leaf, const std::vector<std::vector<std::string>>& paths) {
  return std::any_of(paths.begin(), paths.end(), [&](const std::vector<std::string>& path) {
    return path.size() <= leaf.names.size() &&
           std::equal(path.begin(), path.end(), leaf.names.begin(),
                      [](const auto& left, const auto& right) { return duckdb::StringUtil::CIEquals(left, right); });
  });
}

}  // namespace

StatisticsAccumulator::StatisticsAccumulator(const DataType& schema, const TableProperties& properties) {
  std::vector<Leaf> leaves;
  collect_leaves(schema, properties.column_mapping_mode, Leaf{nullptr, {}, {}, {}}, leaves);
  std::size_t limit = leaves.size();
  if (!properties.statistics_columns && properties.statistics_columns_max >= 0) {
    limit = std::min(limit, static_cast<std::size_t>(properties.statistics_columns_max));
  }
  for (std::size_t i = 0; i < limit; ++i) {
    Leaf& leaf = leaves[i];
    if (properties.statistics_columns && !is_named(leaf, *properties.statistics_columns)) continue;
    columns_.push_back(internal::make_leaf_statistics(*leaf.type, std::move(leaf.path), std::move(leaf.members)));
  }
}

StatisticsAccumulator::~StatisticsAccumulator() = default;
StatisticsAccumulator::StatisticsAccumulator(StatisticsAccumulator&&) noexcept = default;

void StatisticsAccumulator::add(duckdb::DataChunk& rows) {
  row_count_ += static_cast<std::int64_t>(rows.size());
  for (auto& vector : rows.data) internal::flatten(vector, rows.size());
  for (const auto& column : columns_) column->add(rows);
}

FileStatistics StatisticsAccumulator::finish() const {
  FileStatistics statistics;
  statistics.num_records = row_count_;
  statistics.tight_bounds = true;
  for (const auto& column : columns_) statistics.columns.emplace(column->path(), column->finish());
  return statistics;
}

}  // namespace sluice::delta
