#include "delta/duckdb_schema.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"
#include "columnar/guard.h"
#include "delta/column_mapping.h"

namespace sluice::delta {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using Kind = DataType::Kind;

Result<DataType> delta_type(const LogicalType& type, const std::string& path);

Result<DataType> delta_struct(const LogicalType& type, const std::string& path) {
  DataType result = DataType::structure({});
  for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
    StructField field;
    field.name = name;
    SLUICE_TRY_ASSIGN(field.type, delta_type(member, path + "." + name));
    result.fields.push_back(std::move(field));
  }
  return result;
}

/// Maps a type that stored_type() returned.
Result<DataType> delta_type(const LogicalType& type, const std::string& path) {
  switch (type.id()) {
    case LogicalTypeId::VARCHAR: return DataType::primitive(Kind::String);
    case LogicalTypeId::BIGINT: return DataType::primitive(Kind::Long);
    case LogicalTypeId::INTEGER: return DataType::primitive(Kind::Integer);
    case LogicalTypeId::SMALLINT: return DataType::primitive(Kind::Short);
    case LogicalTypeId::TINYINT: return DataType::primitive(Kind::Byte);
    case LogicalTypeId::FLOAT: return DataType::primitive(Kind::Float);
    case LogicalTypeId::DOUBLE: return DataType::primitive(Kind::Double);
    case LogicalTypeId::BOOLEAN: return DataType::primitive(Kind::Boolean);
    case LogicalTypeId::BLOB: return DataType::primitive(Kind::Binary);
    case LogicalTypeId::DATE: return DataType::primitive(Kind::Date);
    case LogicalTypeId::TIMESTAMP_TZ: return DataType::primitive(Kind::Timestamp);
    case LogicalTypeId::TIMESTAMP: return DataType::primitive(Kind::TimestampNtz);
    case LogicalTypeId::DECIMAL:
      return DataType::decimal(duckdb::DecimalType::GetWidth(type), duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::VARIANT: return DataType::primitive(Kind::Variant);
    case LogicalTypeId::STRUCT: return delta_struct(type, path);
    case LogicalTypeId::LIST: {
      SLUICE_TRY_ASSIGN(DataType element, delta_type(duckdb::ListType::GetChildType(type), path + ".element"));
      return DataType::array(std::move(element));
    }
    case LogicalTypeId::MAP: {
      SLUICE_TRY_ASSIGN(DataType key, delta_type(duckdb::MapType::KeyType(type), path + ".key"));
      SLUICE_TRY_ASSIGN(DataType value, delta_type(duckdb::MapType::ValueType(type), path + ".value"));
      return DataType::map(std::move(key), std::move(value));
    }
    default:
      return Error(ErrorCode::Unsupported,
                   fmt::format("column \"{}\" has type {}, which a Delta table cannot hold", path, type.ToString()))
          .with_help("cast it in the query, for example to VARCHAR");
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
void use_physical_names(DataType& type) {
  for (StructField& field : type.fields) {
    field.name = field.physical_name();
    use_physical_names(field.type);
  }
  for (DataType& child : type.children) use_physical_names(child);
}

}  // namespace

LogicalType logical_type(const DataType& type) {
  switch (type.kind) {
    case Kind::String: return LogicalType::VARCHAR;
    case Kind::Long: return LogicalType::BIGINT;
    case Kind::Integer: return LogicalType::INTEGER;
    case Kind::Short: return LogicalType::SMALLINT;
    case Kind::Byte: return LogicalType::TINYINT;
    case Kind::Float: return LogicalType::FLOAT;
    case Kind::Double: return LogicalType::DOUBLE;
    case Kind::Boolean: return LogicalType::BOOLEAN;
    case Kind::Binary: return LogicalType::BLOB;
    case Kind::Date: return LogicalType::DATE;
    case Kind::Timestamp: return LogicalType::TIMESTAMP_TZ;
    case Kind::TimestampNtz: return LogicalType::TIMESTAMP;
    case Kind::Decimal:
      return LogicalType::DECIMAL(static_cast<std::uint8_t>(type.precision), static_cast<std::uint8_t>(type.scale));
    case Kind::Void: return LogicalType::SQLNULL;
    case Kind::Variant: return LogicalType::VARIANT();
    case Kind::Struct: {
      duckdb::child_list_t<LogicalType> members;
      for (const StructField& field : type.fields) members.emplace_back(field.name, logical_type(field.type));
      return LogicalType::STRUCT(std::move(members));
    }
    case Kind::Array: return LogicalType::LIST(logical_type(type.children.at(0)));
    case Kind::Map: return LogicalType::MAP(logical_type(type.children.at(0)), logical_type(type.children.at(1)));
  }
  return LogicalType::INVALID;
}

columnar::Schema columnar_schema(const DataType& schema) {
  columnar::Schema columns;
  for (const StructField& field : schema.fields) {
    columns.fields.push_back({field.name, logical_type(field.type), field.nullable, field.metadata});
  }
  return columns;
}

columnar::Schema physical_schema(const DataType& schema) {
  DataType physical = schema;
  use_physical_names(physical);
  return columnar_schema(physical);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
std::vector<columnar::FieldIds> field_ids(const DataType& schema) {
  std::vector<columnar::FieldIds> ids;
  for (const StructField& field : schema.fields) ids.push_back({column_id(field), field_ids(field.type)});
  for (const DataType& child : schema.children) ids.push_back({std::nullopt, field_ids(child)});
  return ids;
}

Result<DataType> delta_schema(const columnar::Schema& schema) {
  DataType result = DataType::structure({});
  for (const columnar::Field& column : schema.fields) {
    const auto stored = columnar::stored_type(column.type);
    if (!stored) {
      return Error(ErrorCode::Unsupported, fmt::format("column \"{}\" has type {}, which a Delta table cannot hold",
                                                       column.name, column.type.ToString()))
          .with_help("cast it in the query, for example to VARCHAR");
    }
    StructField field;
    field.name = column.name;
    field.nullable = column.nullable;
    field.metadata = column.metadata;
    if (*stored != column.type) field.metadata[std::string(kOriginalTypeKey)] = json_quote(column.type.ToString());
    SLUICE_TRY_ASSIGN(field.type, delta_type(*stored, column.name));
    result.fields.push_back(std::move(field));
  }
  return result;
}

LogicalType original_type(const columnar::Field& field) {
  const auto found = field.metadata.find(std::string(kOriginalTypeKey));
  if (found == field.metadata.end()) return field.type;
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(found->second).get(text) != simdjson::SUCCESS) return field.type;
  if (text == LogicalType::JSON_TYPE_NAME) return LogicalType::JSON();  // not one of the parser's own
  // The name is ours, but the log may be anybody's: a type that does not parse, or is not stored like this column, is
  // as good as none.
  const auto parsed = columnar::guard([&] { return duckdb::UnboundType::TryParseAndDefaultBind(std::string(text)); });
  if (!parsed) return field.type;
  const LogicalType& type = *parsed;
  if (type.id() == LogicalTypeId::UNBOUND || type.id() == LogicalTypeId::INVALID) return field.type;
  const auto stored = columnar::stored_type(type);
  return stored && *stored == field.type ? type : field.type;
}

}  // namespace sluice::delta
