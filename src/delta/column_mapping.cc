#include "delta/column_mapping.h"

#include <charconv>

namespace sluice::delta {

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

}  // namespace sluice::delta
