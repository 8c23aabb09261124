#include "delta/delta_schema.h"

#include <cctype>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/internal/json_reader.h"
#include "delta/internal/json_writer.h"

namespace sluice::delta {
namespace {

using internal::JsonFields;
using internal::JsonObjectWriter;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;
using Kind = DataType::Kind;

/// Names as Spark writes them; compared with regard to case.
constexpr std::pair<std::string_view, Kind> kPrimitives[] = {
    {"string", Kind::String}, {"long", Kind::Long},           {"integer", Kind::Integer},
    {"short", Kind::Short},   {"byte", Kind::Byte},           {"float", Kind::Float},
    {"double", Kind::Double}, {"boolean", Kind::Boolean},     {"binary", Kind::Binary},
    {"date", Kind::Date},     {"timestamp", Kind::Timestamp}, {"timestamp_ntz", Kind::TimestampNtz},
    {"void", Kind::Void},     {"null", Kind::Void},           {"variant", Kind::Variant},
};

/// Reads "decimal", "decimal(p)" or "decimal(p,s)".
std::optional<DataType> parse_decimal(std::string_view name) {
  constexpr std::string_view kDecimal = "decimal";
  if (!name.starts_with(kDecimal)) return std::nullopt;
  name.remove_prefix(kDecimal.size());
  if (name.empty()) return DataType::decimal(10, 0);
  if (name.front() != '(' || name.back() != ')') return std::nullopt;
  name = name.substr(1, name.size() - 2);
  const auto number = [](std::string_view text) -> std::optional<std::int32_t> {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    std::int32_t value = 0;
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const std::size_t comma = name.find(',');
  const auto precision = number(name.substr(0, comma));
  const auto scale = comma == std::string_view::npos ? std::optional<std::int32_t>(0) : number(name.substr(comma + 1));
  if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 || *scale > *precision) {
    return std::nullopt;
  }
  return DataType::decimal(*precision, *scale);
}

/// Reads types from the innermost out; `path` names the column in errors.
class SchemaReader {
 public:
  Result<DataType> read_struct(object json, const std::string& path, std::size_t depth) {
    const JsonFields fields(json, where(path));
    element list;
    if (json["fields"].get(list) != simdjson::SUCCESS || list.type() != element_type::ARRAY) {
      return fields.wrong("fields", "a list");
    }
    DataType type = DataType::structure({});
    std::set<std::string> names;
    for (const element item : simdjson::dom::array(list)) {
      if (item.type() != element_type::OBJECT) return fields.wrong("fields", "a list of objects");
      SLUICE_TRY_ASSIGN(StructField field, read_field(object(item), path, depth));
      std::string lower = field.name;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (!names.insert(std::move(lower)).second) {
        return Error(ErrorCode::Corruption, fmt::format("the schema has two columns named \"{}\"", path + field.name));
      }
      type.fields.push_back(std::move(field));
    }
    return type;
  }

 private:
  static std::string_view where(const std::string& path) {
    return path.empty() ? std::string_view("the schema") : path;
  }

  Result<StructField> read_field(object json, const std::string& path, std::size_t depth) {
    const JsonFields fields(json, where(path));
    StructField field;
    SLUICE_TRY_ASSIGN(field.name, fields.require_text("name"));
    SLUICE_TRY_ASSIGN(const auto nullable, fields.boolean("nullable"));
    field.nullable = nullable.value_or(true);
    SLUICE_TRY_ASSIGN(const auto metadata, fields.object("metadata"));
    if (metadata) {
      for (const auto [key, value] : *metadata) field.metadata.emplace(key, simdjson::minify(value));
    }
    SLUICE_TRY_ASSIGN(field.type, read_type(json, "type", path + field.name, depth + 1));
    return field;
  }

  /// Reads the type that is the member `name` of `parent`.
  Result<DataType> read_type(object parent, std::string_view name, const std::string& path, std::size_t depth) {
    if (depth > kSchemaDepthMax) {
      return Error(ErrorCode::Unsupported, fmt::format("the type of {} nests deeper than {}", path, kSchemaDepthMax));
    }
    element json;
    if (parent.at_key(name).get(json) != simdjson::SUCCESS) return JsonFields(parent, path).wrong(name, "a type");
    if (json.type() == element_type::STRING) return read_primitive(std::string_view(json), path);
    if (json.type() != element_type::OBJECT) return JsonFields(parent, path).wrong(name, "a type");

    const object members(json);
    const JsonFields fields(members, path);
    SLUICE_TRY_ASSIGN(const std::string kind, fields.require_text("type"));
    if (kind == "struct") return read_struct(members, path + ".", depth);
    if (kind == "array") {
      SLUICE_TRY_ASSIGN(DataType element_type, read_type(members, "elementType", path + ".element", depth + 1));
      SLUICE_TRY_ASSIGN(const auto contains_null, fields.boolean("containsNull"));
      return DataType::array(std::move(element_type), contains_null.value_or(true));
    }
    if (kind == "map") {
      SLUICE_TRY_ASSIGN(DataType key, read_type(members, "keyType", path + ".key", depth + 1));
      SLUICE_TRY_ASSIGN(DataType value, read_type(members, "valueType", path + ".value", depth + 1));
      SLUICE_TRY_ASSIGN(const auto contains_null, fields.boolean("valueContainsNull"));
      return DataType::map(std::move(key), std::move(value), contains_null.value_or(true));
    }
    return unknown(kind, path);
  }

  static Result<DataType> read_primitive(std::string_view name, const std::string& path) {
    if (auto primitive = find_primitive(name)) return std::move(*primitive);
    return unknown(name, path);
  }

  static Error unknown(std::string_view type, const std::string& path) {
    return Error(ErrorCode::Unsupported, fmt::format("column \"{}\" has the unknown type \"{}\"", path, type))
        .with_number(4204);
  }
};

void write_type(std::string& out, const DataType& type);

void write_struct(std::string& out, const DataType& type) {
  JsonObjectWriter json(out);
  json.text("type", std::string_view("struct"));
  json.key("fields");
  out += '[';
  for (const StructField& field : type.fields) {
    if (&field != &type.fields.front()) out += ',';
    JsonObjectWriter member(out);
    member.text("name", std::string_view(field.name));
    member.key("type");
    write_type(out, field.type);
    member.boolean("nullable", field.nullable);
    member.key("metadata");
    JsonObjectWriter metadata(out);
    for (const auto& [key, value] : field.metadata) metadata.raw(key, value);
    metadata.close();
    member.close();
  }
  out += ']';
  json.close();
}

void write_type(std::string& out, const DataType& type) {
  switch (type.kind) {
    case Kind::Struct: write_struct(out, type); return;
    case Kind::Decimal: out += fmt::format("\"decimal({},{})\"", type.precision, type.scale); return;
    case Kind::Array: {
      JsonObjectWriter json(out);
      json.text("type", std::string_view("array"));
      json.key("elementType");
      write_type(out, type.children.at(0));
      json.boolean("containsNull", type.contains_null);
      json.close();
      return;
    }
    case Kind::Map: {
      JsonObjectWriter json(out);
      json.text("type", std::string_view("map"));
      json.key("keyType");
      write_type(out, type.children.at(0));
      json.key("valueType");
      write_type(out, type.children.at(1));
      json.boolean("valueContainsNull", type.contains_null);
      json.close();
      return;
    }
    default:
      for (const auto& [name, kind] : kPrimitives) {
        if (kind == type.kind) {
          out += json_quote(name);
          return;
        }
      }
  }
}

}  // namespace

DataType DataType::primitive(Kind kind) {
  DataType type;
  type.kind = kind;
  return type;
}

DataType DataType::decimal(std::int32_t precision, std::int32_t scale) {
  DataType type = primitive(Kind::Decimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}

DataType DataType::structure(std::vector<StructField> fields) {
  DataType type = primitive(Kind::Struct);
  type.fields = std::move(fields);
  return type;
}

DataType DataType::array(DataType element, bool contains_null) {
  DataType type = primitive(Kind::Array);
  type.children.push_back(std::move(element));
  type.contains_null = contains_null;
  return type;
}

DataType DataType::map(DataType key, DataType value, bool contains_null) {
  DataType type = primitive(Kind::Map);
  type.children.push_back(std::move(key));
  type.children.push_back(std::move(value));
  type.contains_null = contains_null;
  return type;
}

// Written out, because clang (14 to 19) loses itself in defaulted ones of types that hold each other.
bool operator==(const DataType& left, const DataType& right) {
  return left.kind == right.kind && left.precision == right.precision && left.scale == right.scale &&
         left.contains_null == right.contains_null && left.fields == right.fields && left.children == right.children;
}
bool operator==(const StructField& left, const StructField& right) {
  return left.name == right.name && left.type == right.type && left.nullable == right.nullable &&
         left.metadata == right.metadata;
}

std::string StructField::physical_name() const {
  const auto found = metadata.find(std::string(kPhysicalNameKey));
  if (found == metadata.end()) return name;
  simdjson::dom::parser parser;
  element value;
  if (parser.parse(found->second).get(value) != simdjson::SUCCESS) return name;
  return internal::to_text(value);
}

std::optional<std::string> comment_of(const std::map<std::string, std::string>& field_metadata) {
  const auto found = field_metadata.find("comment");
  if (found == field_metadata.end()) return std::nullopt;
  simdjson::dom::parser parser;
  element value;
  if (parser.parse(found->second).get(value) != simdjson::SUCCESS) return std::nullopt;
  return internal::to_text(value);
}

Result<DataType> read_schema(std::string_view json) {
  simdjson::dom::parser parser;
  element document;
  if (const auto code = parser.parse(simdjson::padded_string(json)).get(document)) {
    return Error(ErrorCode::Corruption, fmt::format("the schema is not JSON: {}", simdjson::error_message(code)));
  }
  if (document.type() != element_type::OBJECT) return Error(ErrorCode::Corruption, "the schema is not a JSON object");
  const object members(document);
  SLUICE_TRY_ASSIGN(const std::string type, JsonFields(members, "the schema").require_text("type"));
  if (type != "struct") return Error(ErrorCode::Corruption, "the schema is not of type struct");
  return SchemaReader().read_struct(members, "", 0);
}

std::string write_schema(const DataType& schema) { return write_type(schema); }

std::optional<DataType> find_primitive(std::string_view name) {
  for (const auto& [primitive_name, kind] : kPrimitives) {
    if (name == primitive_name) return DataType::primitive(kind);
  }
  return parse_decimal(name);
}

std::string write_type(const DataType& type) {
  std::string out;
  write_type(out, type);
  return out;
}

}  // namespace sluice::delta
