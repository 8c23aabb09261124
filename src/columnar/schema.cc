#include "columnar/schema.h"

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

namespace sluice::columnar {

std::optional<ColumnIndex> Schema::find(std::string_view name) const {
  for (ColumnIndex i = 0; i < fields.size(); ++i) {
    if (duckdb::StringUtil::CIEquals(fields[i].name, std::string(name))) return i;
  }
  return std::nullopt;
}

RowType Schema::types() const {
  RowType types;
  types.reserve(fields.size());
  for (const Field& field : fields) types.push_back(field.type);
  return types;
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

std::string to_string(const Schema& schema) {
  std::string text;
  for (const Field& field : schema.fields) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}{}", field.name, field.type.ToString(), field.nullable ? "" : " NOT NULL");
  }
  return text;
}

namespace {

std::optional<duckdb::LogicalType> stored_struct(const duckdb::LogicalType& type) {
  duckdb::child_list_t<duckdb::LogicalType> members;
  for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
    auto stored = stored_type(member);
    if (!stored) return std::nullopt;
    members.emplace_back(name, std::move(*stored));
  }
  if (members.empty()) return std::nullopt;
  return duckdb::LogicalType::STRUCT(std::move(members));
}

}  // namespace

std::optional<duckdb::LogicalType> stored_type(const duckdb::LogicalType& type) {
  using duckdb::LogicalType;
  using duckdb::LogicalTypeId;
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::VARIANT: return type;
    case LogicalTypeId::VARCHAR: return LogicalType(LogicalTypeId::VARCHAR);  // drops the JSON alias and collations
    case LogicalTypeId::UTINYINT: return LogicalType::SMALLINT;
    case LogicalTypeId::USMALLINT: return LogicalType::INTEGER;
    case LogicalTypeId::UINTEGER: return LogicalType::BIGINT;
    case LogicalTypeId::UBIGINT: return LogicalType::DECIMAL(20, 0);
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT: return LogicalType::DECIMAL(38, 0);
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS: return LogicalType::TIMESTAMP;
    case LogicalTypeId::UUID:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::BIT:
    case LogicalTypeId::ENUM:
    case LogicalTypeId::SQLNULL: return LogicalType::VARCHAR;
    case LogicalTypeId::STRUCT: return stored_struct(type);
    case LogicalTypeId::LIST: {
      auto child = stored_type(duckdb::ListType::GetChildType(type));
      if (!child) return std::nullopt;
      return LogicalType::LIST(*child);
    }
    case LogicalTypeId::ARRAY: {
      auto child = stored_type(duckdb::ArrayType::GetChildType(type));
      if (!child) return std::nullopt;
      return LogicalType::LIST(*child);
    }
    case LogicalTypeId::MAP: {
      auto key = stored_type(duckdb::MapType::KeyType(type));
      auto value = stored_type(duckdb::MapType::ValueType(type));
      if (!key || !value) return std::nullopt;
      return LogicalType::MAP(*key, *value);
    }
    default: return std::nullopt;
  }
}

}  // namespace sluice::columnar
