#include "delta/internal/parsed_columns.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "base/log.h"
#include "delta/column_mapping.h"
#include "delta/duckdb_schema.h"
#include "delta/internal/statistics_bound.h"
#include "delta/internal/statistics_scan.h"
#include "delta/internal/time_text.h"
#include "delta/partition_value.h"

namespace sluice::delta::internal {
namespace {

using duckdb::FlatVector;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::StructVector;
using duckdb::Vector;

bool has_bounds(DataType::Kind kind) {
  switch (kind) {
    case DataType::Kind::Byte:
    case DataType::Kind::Short:
    case DataType::Kind::Integer:
    case DataType::Kind::Long:
    case DataType::Kind::Float:
    case DataType::Kind::Double:
    case DataType::Kind::Decimal:
    case DataType::Kind::Date:
    case DataType::Kind::Timestamp:
    case DataType::Kind::TimestampNtz:
    case DataType::Kind::String: return true;
    default: return false;
  }
}

/// Returns the member of a struct vector.
Vector& member(Vector& vector, std::string_view name) {
  const auto& types = duckdb::StructType::GetChildTypes(vector.GetType());
  const auto found = std::ranges::find(types, name, [](const auto& child) -> std::string_view { return child.first; });
  return *StructVector::GetEntries(vector)[static_cast<std::size_t>(found - types.begin())];
}

Vector* find_member(Vector& vector, std::string_view name, LogicalTypeId type) {
  if (vector.GetType().id() != LogicalTypeId::STRUCT) return nullptr;
  for (const auto& [child, child_type] : duckdb::StructType::GetChildTypes(vector.GetType())) {
    if (child == name && child_type.id() == type) return &member(vector, name);
  }
  return nullptr;
}

/// JSON of the values of one leaf, or of the members of a struct.
class JsonColumn {
 public:
  JsonColumn(Vector& values, std::size_t row_count) : text_(LogicalType::VARCHAR), type_(values.GetType().id()) {
    switch (type_) {
      case LogicalTypeId::STRUCT: {
        const auto& types = duckdb::StructType::GetChildTypes(values.GetType());
        for (std::size_t i = 0; i < types.size(); ++i) {
          members_.emplace_back(json_quote(types[i].first),
                                std::make_unique<JsonColumn>(*StructVector::GetEntries(values)[i], row_count));
        }
        values.ToUnifiedFormat(row_count, format_);
        break;
      }
      case LogicalTypeId::TIMESTAMP_TZ: values.ToUnifiedFormat(row_count, format_); break;
      case LogicalTypeId::FLOAT:
      case LogicalTypeId::DOUBLE:
      case LogicalTypeId::TINYINT:
      case LogicalTypeId::SMALLINT:
      case LogicalTypeId::INTEGER:
      case LogicalTypeId::BIGINT:
      case LogicalTypeId::DECIMAL:
      case LogicalTypeId::BOOLEAN:
      case LogicalTypeId::DATE:
      case LogicalTypeId::VARCHAR: {
        Vector text(LogicalType::VARCHAR, row_count);
        duckdb::VectorOperations::DefaultCast(values, text, row_count);
        text_.Reference(text);
        text_.ToUnifiedFormat(row_count, texts_);
        break;
      }
      default: type_ = LogicalTypeId::INVALID; break;
    }
  }

  /// Appends the value; false, and nothing is appended, if it is NULL or has no JSON that statistics use.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
  bool write(std::size_t row, std::string& out) const {
    switch (type_) {
      case LogicalTypeId::INVALID: return false;
      case LogicalTypeId::STRUCT: {
        if (!is_valid(format_, row)) return false;
        const std::size_t begin = out.size();
        for (const auto& [name, column] : members_) {
          const std::size_t before = out.size();
          out += before == begin ? '{' : ',';
          out += name;
          out += ':';
          if (!column->write(row, out)) out.resize(before);
        }
        if (out.size() == begin) return false;
        out += '}';
        return true;
      }
      case LogicalTypeId::TIMESTAMP_TZ: {
        if (!is_valid(format_, row)) return false;
        const auto micros = duckdb::UnifiedVectorFormat::GetData<std::int64_t>(format_)[format_.sel->get_index(row)];
        const auto text = timestamp_text_millis(
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds(micros)).count());
        if (!text) return false;
        out += '"' + *text + "Z\"";
        return true;
      }
      case LogicalTypeId::DATE:
        // Years outside 0001 to 9999 are spelt otherwise.
        if (!is_valid(texts_, row) || text(row).size() != 10) return false;
        out += '"';
        out += text(row);
        out += '"';
        return true;
      case LogicalTypeId::VARCHAR:
        if (!is_valid(texts_, row)) return false;
        out += json_quote(text(row));
        return true;
      default:
        // inf and nan are no JSON.
        if (!is_valid(texts_, row) || text(row).find('n') != std::string_view::npos) return false;
        out += text(row);
        return true;
    }
  }

 private:
  static bool is_valid(const duckdb::UnifiedVectorFormat& format, std::size_t row) {
    return format.validity.RowIsValid(format.sel->get_index(row));
  }
  std::string_view text(std::size_t row) const {
    const auto& found = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(texts_)[texts_.sel->get_index(row)];
    return {found.GetData(), found.GetSize()};
  }

  Vector text_;
  LogicalTypeId type_;
  duckdb::UnifiedVectorFormat format_;
  duckdb::UnifiedVectorFormat texts_;
  std::vector<std::pair<std::string, std::unique_ptr<JsonColumn>>> members_;
};

}  // namespace

ParsedColumns::ParsedColumns(const DataType& schema, ColumnMappingMode mode,
                             const std::vector<std::string>& partition_columns) {
  ColumnPath path;
  add_fields(schema, mode, partition_columns, path, bounds_, counts_);
  duckdb::child_list_t<LogicalType> members = {{"numRecords", LogicalType::BIGINT},
                                               {"tightBounds", LogicalType::BOOLEAN}};
  if (!bounds_.children.empty()) {
    members.emplace_back("minValues", type_of(bounds_, false));
    members.emplace_back("maxValues", type_of(bounds_, false));
  }
  if (!counts_.children.empty()) members.emplace_back("nullCount", type_of(counts_, true));
  statistics_type_ = LogicalType::STRUCT(std::move(members));

  duckdb::child_list_t<LogicalType> values;
  for (const std::string& name : partition_columns) {
    const auto field = std::ranges::find(schema.fields, name, &StructField::name);
    if (field == schema.fields.end()) continue;
    partition_columns_.push_back({physical_name(*field, mode), logical_type(field->type)});
    values.emplace_back(partition_columns_.back().name, partition_columns_.back().type);
  }
  if (!values.empty()) partition_values_type_ = LogicalType::STRUCT(std::move(values));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema.
void ParsedColumns::add_fields(const DataType& type, ColumnMappingMode mode, const std::vector<std::string>& left_out,
                               ColumnPath& path, Node& bounds, Node& counts) {
  for (const StructField& field : type.fields) {
    if (field.type.kind == DataType::Kind::Void) continue;
    if (path.empty() && std::ranges::find(left_out, field.name) != left_out.end()) continue;
    path.push_back(physical_name(field, mode));
    if (field.type.kind == DataType::Kind::Struct) {
      Node inner_bounds{path.back(), {}, 0};
      Node inner_counts{path.back(), {}, 0};
      add_fields(field.type, mode, left_out, path, inner_bounds, inner_counts);
      if (!inner_bounds.children.empty()) bounds.children.push_back(std::move(inner_bounds));
      if (!inner_counts.children.empty()) counts.children.push_back(std::move(inner_counts));
    } else {
      const bool bounded = has_bounds(field.type.kind);
      leaves_.push_back({path, bounded ? logical_type(field.type) : LogicalType::BIGINT, bounded});
      if (bounded) bounds.children.push_back({path.back(), {}, leaves_.size() - 1});
      counts.children.push_back({path.back(), {}, leaves_.size() - 1});
    }
    path.pop_back();
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
LogicalType ParsedColumns::type_of(const Node& node, bool is_count) const {
  duckdb::child_list_t<LogicalType> members;
  for (const Node& child : node.children) {
    const LogicalType leaf = is_count ? LogicalType::BIGINT : leaves_[child.leaf].type;
    members.emplace_back(child.name, child.children.empty() ? leaf : type_of(child, is_count));
  }
  return LogicalType::STRUCT(std::move(members));
}

void ParsedColumns::write_statistics(std::span<const std::optional<std::string>> stats, Vector& out) const {
  std::vector<ColumnPath> paths;
  for (const Leaf& leaf : leaves_) paths.push_back(leaf.path);
  StatisticsScan scan(paths);
  struct Texts {
    Vector min{LogicalType::VARCHAR};
    Vector max{LogicalType::VARCHAR};
    Vector null_count{LogicalType::BIGINT};
  };
  std::vector<std::unique_ptr<Texts>> texts;
  for (std::size_t i = 0; i < leaves_.size(); ++i) texts.push_back(std::make_unique<Texts>());
  const auto put_text = [](Vector& vector, std::size_t row, std::string_view json) {
    const auto text = json.empty() ? std::nullopt : bound_text(json);
    if (!text) return FlatVector::SetNull(vector, row, true);
    FlatVector::GetData<duckdb::string_t>(vector)[row] = duckdb::StringVector::AddString(vector, *text);
  };
  Vector& num_records = member(out, "numRecords");
  Vector& tight_bounds = member(out, "tightBounds");
  for (std::size_t row = 0; row < stats.size(); ++row) {
    const bool is_known = stats[row] && scan.read(*stats[row]);
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      const StatisticsScan::Column none;
      const StatisticsScan::Column& column = is_known ? scan.column(i) : none;
      put_text(texts[i]->min, row, column.min);
      put_text(texts[i]->max, row, column.max);
      if (column.null_count) {
        FlatVector::GetData<std::int64_t>(texts[i]->null_count)[row] = *column.null_count;
      } else {
        FlatVector::SetNull(texts[i]->null_count, row, true);
      }
    }
    if (!is_known) continue;
    if (scan.num_records()) {
      FlatVector::GetData<std::int64_t>(num_records)[row] = *scan.num_records();
    } else {
      FlatVector::SetNull(num_records, row, true);
    }
    if (scan.tight_bounds()) {
      FlatVector::GetData<bool>(tight_bounds)[row] = *scan.tight_bounds();
    } else {
      FlatVector::SetNull(tight_bounds, row, true);
    }
  }
  // NOLINTNEXTLINE(misc-no-recursion)
  const auto fill = [&](const auto& self, const Node& node, Vector& into, const auto& source_of) -> void {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      Vector& child = *StructVector::GetEntries(into)[i];
      if (!node.children[i].children.empty()) {
        self(self, node.children[i], child, source_of);
        continue;
      }
      // What is no value of the type becomes NULL.
      std::string error;
      duckdb::VectorOperations::DefaultTryCast(source_of(*texts[node.children[i].leaf]), child, stats.size(), &error,
                                               /*strict=*/true);
      child.Flatten(stats.size());
    }
  };
  if (!bounds_.children.empty()) {
    fill(fill, bounds_, member(out, "minValues"), [](Texts& of) -> Vector& { return of.min; });
    fill(fill, bounds_, member(out, "maxValues"), [](Texts& of) -> Vector& { return of.max; });
  }
  if (!counts_.children.empty()) {
    fill(fill, counts_, member(out, "nullCount"), [](Texts& of) -> Vector& { return of.null_count; });
  }
  for (std::size_t row = 0; row < stats.size(); ++row) {
    if (!stats[row] || !scan.read(*stats[row])) FlatVector::SetNull(out, row, true);
  }
}

void ParsedColumns::write_partition_values(std::span<const PartitionValues* const> values, Vector& out) const {
  auto& columns = StructVector::GetEntries(out);
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values[row] == nullptr) {
      FlatVector::SetNull(out, row, true);
      continue;
    }
    for (std::size_t i = 0; i < partition_columns_.size(); ++i) {
      const auto found = values[row]->find(partition_columns_[i].name);
      auto value = found == values[row]->end() ? Result<duckdb::Value>(duckdb::Value(partition_columns_[i].type))
                                               : read_partition_value(found->second, partition_columns_[i].type);
      columns[i]->SetValue(row, value ? *value : duckdb::Value(partition_columns_[i].type));
    }
  }
}

std::vector<std::optional<std::string>> read_parsed_statistics(Vector& parsed, std::size_t row_count) {
  std::vector<std::optional<std::string>> stats(row_count);
  parsed.Flatten(row_count);
  Vector* num_records = find_member(parsed, "numRecords", LogicalTypeId::BIGINT);
  if (num_records == nullptr) return stats;
  std::vector<std::pair<std::string_view, std::unique_ptr<JsonColumn>>> members;
  const auto add = [&](std::string_view name, LogicalTypeId type) {
    Vector* found = find_member(parsed, name, type);
    if (found != nullptr) members.emplace_back(name, std::make_unique<JsonColumn>(*found, row_count));
  };
  add("minValues", LogicalTypeId::STRUCT);
  add("maxValues", LogicalTypeId::STRUCT);
  add("nullCount", LogicalTypeId::STRUCT);
  add("tightBounds", LogicalTypeId::BOOLEAN);
  duckdb::UnifiedVectorFormat counts;
  num_records->ToUnifiedFormat(row_count, counts);
  for (std::size_t row = 0; row < row_count; ++row) {
    const auto index = counts.sel->get_index(row);
    if (!counts.validity.RowIsValid(index)) continue;
    std::string json =
        "{\"numRecords\":" + std::to_string(duckdb::UnifiedVectorFormat::GetData<std::int64_t>(counts)[index]);
    for (const auto& [name, column] : members) {
      const std::size_t before = json.size();
      json += ",\"";
      json += name;
      json += "\":";
      if (!column->write(row, json)) json.resize(before);
    }
    json += '}';
    stats[row] = std::move(json);
  }
  return stats;
}

}  // namespace sluice::delta::internal
