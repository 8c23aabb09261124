#include "delta/column_mapping.h"

#include <charconv>
#include <set>
#include <string>

#include <fmt/format.h>

namespace sluice::delta {
namespace {

Status check_fields(const DataType& type, ColumnMappingMode mode, const std::string& path) {
  std::set<std::string> names;
  for (const StructField& field : type.fields) {
    const auto name = field.metadata.find(std::string(kPhysicalNameKey));
    const bool has_name = name != field.metadata.end() && name->second.starts_with('"');
    if (!has_name || (mode == ColumnMappingMode::Id && !column_id(field))) {
      return Error(ErrorCode::Corruption, fmt::format("column \"{}{}\" has no {}, though the table has column mapping",
                                                      path, field.name, has_name ? "field id" : "physical name"))
          .with_number(4202);
    }
    if (!names.insert(field.physical_name()).second) {
      return Error(ErrorCode::Corruption, fmt::format("two columns beside \"{}{}\" have the physical name \"{}\"", path,
                                                      field.name, field.physical_name()))
          .with_number(4202);
    }
    SLUICE_TRY(check_fields(field.type, mode, path + field.name + "."));
  }
  for (const DataType& child : type.children) SLUICE_TRY(check_fields(child, mode, path));
  return ok();
}

}  // namespace

std::string physical_name(const StructField& field, ColumnMappingMode mode) {
  return mode == ColumnMappingMode::None ? field.name : field.physical_name();
}

std::optional<std::int32_t> column_id(const StructField& field) {
  const auto found = field.metadata.find(std::string(kColumnIdKey));
  if (found == field.metadata.end()) return std::nullopt;
  std::int32_t id = 0;
  const std::string& text = found->second;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

Status check_column_mapping(const DataType& schema, ColumnMappingMode mode) {
  return mode == ColumnMappingMode::None ? ok() : check_fields(schema, mode, "");
}

}  // namespace sluice::delta
