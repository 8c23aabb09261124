#include "columnar/internal/value_json.h"

#include <bit>
#include <charconv>
#include <type_traits>

#include <fmt/format.h>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/uhugeint.hpp>
#include <duckdb/common/types/vector.hpp>

namespace sluice::columnar::internal {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::Value;
using simdjson::dom::element;

Error not_ours(std::string_view what) {
  return Error(ErrorCode::Corruption, fmt::format("a stored expression holds {} that was not written by us", what));
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

Result<std::string> from_hex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return not_ours("binary");
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return not_ours("binary");
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

template <typename T>
Result<T> from_text(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return not_ours("a number");
  return value;
}

Result<std::string> read_string(const element& json) {
  std::string_view text;
  if (json.get_string().get(text) != simdjson::SUCCESS) return not_ours("something other than text");
  return std::string(text);
}

Result<std::vector<element>> read_array(const element& json) {
  simdjson::dom::array array;
  if (json.get_array().get(array) != simdjson::SUCCESS) return not_ours("something other than an array");
  return std::vector<element>(array.begin(), array.end());
}

/// Calls `visit` with the integer type that holds values of `type` inside DuckDB; false if it is no such type.
template <typename Visit>
bool visit_integer(const LogicalType& type, Visit&& visit) {
  switch (type.InternalType()) {
    case PhysicalType::INT8: visit(std::type_identity<std::int8_t>()); return true;
    case PhysicalType::INT16: visit(std::type_identity<std::int16_t>()); return true;
    case PhysicalType::INT32: visit(std::type_identity<std::int32_t>()); return true;
    case PhysicalType::INT64: visit(std::type_identity<std::int64_t>()); return true;
    case PhysicalType::UINT8: visit(std::type_identity<std::uint8_t>()); return true;
    case PhysicalType::UINT16: visit(std::type_identity<std::uint16_t>()); return true;
    case PhysicalType::UINT32: visit(std::type_identity<std::uint32_t>()); return true;
    case PhysicalType::UINT64: visit(std::type_identity<std::uint64_t>()); return true;
    default: return false;
  }
}

template <typename T>
T raw(const Value& value) {
  duckdb::Vector vector(value);
  return duckdb::ConstantVector::GetData<T>(vector)[0];
}

template <typename T>
Value from_raw(const LogicalType& type, T bits) {
  duckdb::Vector vector(type, duckdb::idx_t(1));
  duckdb::FlatVector::GetData<T>(vector)[0] = bits;
  return vector.GetValue(0);
}

const duckdb::vector<Value>& children_of(const Value& value) {
  switch (value.type().InternalType()) {
    case PhysicalType::STRUCT: return duckdb::StructValue::GetChildren(value);
    case PhysicalType::ARRAY: return duckdb::ArrayValue::GetChildren(value);
    default: return duckdb::ListValue::GetChildren(value);
  }
}

Result<LogicalType> read_parameterised(std::string_view kind, const element& json) {
  if (kind == "list") {
    SLUICE_TRY_ASSIGN(auto child, read_type(json));
    return LogicalType::LIST(child);
  }
  if (kind == "collate") {
    SLUICE_TRY_ASSIGN(auto collation, read_string(json));
    return LogicalType::VARCHAR_COLLATION(collation);
  }
  SLUICE_TRY_ASSIGN(auto parts, read_array(json));
  if (kind == "decimal" && parts.size() == 2) {
    std::int64_t width = 0;
    std::int64_t scale = 0;
    if (parts[0].get(width) != simdjson::SUCCESS || parts[1].get(scale) != simdjson::SUCCESS || width < 1 ||
        width > duckdb::DecimalType::MaxWidth() || scale < 0 || scale > width) {
      return not_ours("a decimal type");
    }
    return LogicalType::DECIMAL(static_cast<std::uint8_t>(width), static_cast<std::uint8_t>(scale));
  }
  if (kind == "array" && parts.size() == 2) {
    SLUICE_TRY_ASSIGN(auto child, read_type(parts[0]));
    std::uint64_t size = 0;
    if (parts[1].get(size) != simdjson::SUCCESS || size == 0 || size > duckdb::ArrayType::MAX_ARRAY_SIZE) {
      return not_ours("an array type");
    }
    return LogicalType::ARRAY(child, duckdb::optional_idx(size));
  }
  if (kind == "map" && parts.size() == 2) {
    SLUICE_TRY_ASSIGN(auto key, read_type(parts[0]));
    SLUICE_TRY_ASSIGN(auto value, read_type(parts[1]));
    return LogicalType::MAP(key, value);
  }
  if (kind == "enum") {
    duckdb::Vector names(LogicalType::VARCHAR, std::max<std::size_t>(parts.size(), 1));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      SLUICE_TRY_ASSIGN(auto name, read_string(parts[i]));
      names.SetValue(i, Value(name));
    }
    return LogicalType::ENUM(names, parts.size());
  }
  if (kind == "struct" || kind == "union") {
    duckdb::child_list_t<LogicalType> members;
    for (const element& part : parts) {
      SLUICE_TRY_ASSIGN(auto pair, read_array(part));
      if (pair.size() != 2) return not_ours("a struct type");
      SLUICE_TRY_ASSIGN(auto name, read_string(pair[0]));
      SLUICE_TRY_ASSIGN(auto type, read_type(pair[1]));
      members.emplace_back(std::move(name), std::move(type));
    }
    return kind == "struct" ? LogicalType::STRUCT(std::move(members)) : LogicalType::UNION(std::move(members));
  }
  return not_ours("a type");
}

void append_members(std::string& out, std::string_view kind, const duckdb::child_list_t<LogicalType>& members) {
  out += fmt::format("{{\"{}\":[", kind);
  for (std::size_t i = 0; i < members.size(); ++i) {
    out += i == 0 ? "[" : ",[";
    append_json_string(out, members[i].first);
    out += ',';
    append_json(out, members[i].second);
    out += ']';
  }
  out += "]}";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json(std::string& out, const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::DECIMAL:
      out += fmt::format("{{\"decimal\":[{},{}]}}", duckdb::DecimalType::GetWidth(type),
                         duckdb::DecimalType::GetScale(type));
      return;
    case LogicalTypeId::LIST:
      out += "{\"list\":";
      append_json(out, duckdb::ListType::GetChildType(type));
      out += '}';
      return;
    case LogicalTypeId::ARRAY:
      out += "{\"array\":[";
      append_json(out, duckdb::ArrayType::GetChildType(type));
      out += fmt::format(",{}]}}", duckdb::ArrayType::GetSize(type));
      return;
    case LogicalTypeId::MAP:
      out += "{\"map\":[";
      append_json(out, duckdb::MapType::KeyType(type));
      out += ',';
      append_json(out, duckdb::MapType::ValueType(type));
      out += "]}";
      return;
    case LogicalTypeId::STRUCT: append_members(out, "struct", duckdb::StructType::GetChildTypes(type)); return;
    case LogicalTypeId::UNION: append_members(out, "union", duckdb::UnionType::CopyMemberTypes(type)); return;
    case LogicalTypeId::ENUM: {
      out += "{\"enum\":[";
      const auto size = duckdb::EnumType::GetSize(type);
      for (duckdb::idx_t i = 0; i < size; ++i) {
        if (i > 0) out += ',';
        append_json_string(out, duckdb::EnumType::GetString(type, i).GetString());
      }
      out += "]}";
      return;
    }
    case LogicalTypeId::VARCHAR:
      if (type.IsJSONType()) {
        out += "\"JSON\"";
      } else if (const auto collation = duckdb::StringType::GetCollation(type); !collation.empty()) {
        out += "{\"collate\":";
        append_json_string(out, collation);
        out += '}';
      } else {
        out += "\"VARCHAR\"";
      }
      return;
    default: append_json_string(out, duckdb::LogicalTypeIdToString(type.id()));
  }
}

Result<LogicalType> read_type(const element& json) {
  simdjson::dom::object object;
  if (json.get_object().get(object) == simdjson::SUCCESS) {
    if (object.size() != 1) return not_ours("a type");
    const auto field = *object.begin();
    return read_parameterised(field.key, field.value);
  }
  SLUICE_TRY_ASSIGN(auto name, read_string(json));
  if (name == LogicalType::JSON_TYPE_NAME) return LogicalType::JSON();
  if (name == "NULL") return LogicalType(LogicalTypeId::SQLNULL);
  const LogicalTypeId id = duckdb::TransformStringToLogicalTypeId(name);
  const LogicalType type(id);
  if (id == LogicalTypeId::UNBOUND || !type.IsComplete() || duckdb::LogicalTypeIdToString(id) != name) {
    return not_ours("a type");
  }
  return type;
}

void append_json(std::string& out, const Value& value) {
  if (value.IsNull()) {
    out += "null";
    return;
  }
  const LogicalType& type = value.type();
  if (visit_integer(type, [&]<typename T>(std::type_identity<T>) { out += fmt::format("\"{}\"", raw<T>(value)); })) {
    return;
  }
  switch (type.InternalType()) {
    case PhysicalType::BOOL: out += raw<bool>(value) ? "true" : "false"; return;
    case PhysicalType::FLOAT: out += fmt::format("\"{:08x}\"", std::bit_cast<std::uint32_t>(raw<float>(value))); return;
    case PhysicalType::DOUBLE:
      out += fmt::format("\"{:016x}\"", std::bit_cast<std::uint64_t>(raw<double>(value)));
      return;
    case PhysicalType::INT128: {
      const auto bits = raw<duckdb::hugeint_t>(value);
      out += fmt::format("[\"{}\",\"{}\"]", bits.upper, bits.lower);
      return;
    }
    case PhysicalType::UINT128: {
      const auto bits = raw<duckdb::uhugeint_t>(value);
      out += fmt::format("[\"{}\",\"{}\"]", bits.upper, bits.lower);
      return;
    }
    case PhysicalType::INTERVAL: {
      const auto parts = raw<duckdb::interval_t>(value);
      out += fmt::format("[\"{}\",\"{}\",\"{}\"]", parts.months, parts.days, parts.micros);
      return;
    }
    case PhysicalType::VARCHAR: {
      const std::string& text = duckdb::StringValue::Get(value);
      append_json_string(out, type.id() == LogicalTypeId::VARCHAR ? text : hex(text));
      return;
    }
    default: {
      out += '[';
      bool first = true;
      for (const Value& child : children_of(value)) {
        if (!first) out += ',';
        first = false;
        append_json(out, child);
      }
      out += ']';
    }
  }
}

namespace {

Result<Value> read_nested(const element& json, const LogicalType& type) {
  SLUICE_TRY_ASSIGN(auto parts, read_array(json));
  duckdb::vector<Value> children;
  const auto read_all = [&](const LogicalType& child_type) -> Status {
    for (const element& part : parts) {
      SLUICE_TRY_ASSIGN(auto child, read_value(part, child_type));
      children.push_back(std::move(child));
    }
    return ok();
  };
  switch (type.id()) {
    case LogicalTypeId::STRUCT: {
      const auto& members = duckdb::StructType::GetChildTypes(type);
      if (members.size() != parts.size()) return not_ours("a struct");
      for (std::size_t i = 0; i < parts.size(); ++i) {
        SLUICE_TRY_ASSIGN(auto child, read_value(parts[i], members[i].second));
        children.push_back(std::move(child));
      }
      return Value::STRUCT(type, std::move(children));
    }
    case LogicalTypeId::LIST:
      SLUICE_TRY(read_all(duckdb::ListType::GetChildType(type)));
      return Value::LIST(duckdb::ListType::GetChildType(type), std::move(children));
    case LogicalTypeId::MAP:
      SLUICE_TRY(read_all(duckdb::ListType::GetChildType(type)));
      return Value::MAP(duckdb::ListType::GetChildType(type), std::move(children));
    case LogicalTypeId::ARRAY:
      if (parts.size() != duckdb::ArrayType::GetSize(type)) return not_ours("an array");
      SLUICE_TRY(read_all(duckdb::ArrayType::GetChildType(type)));
      return Value::ARRAY(duckdb::ArrayType::GetChildType(type), std::move(children));
    default: return not_ours("a value");
  }
}

/// Reads the numbers of a value that has several.
template <typename... T>
Result<std::tuple<T...>> read_numbers(const element& json) {
  SLUICE_TRY_ASSIGN(auto parts, read_array(json));
  if (parts.size() != sizeof...(T)) return not_ours("a value");
  std::tuple<T...> numbers;
  bool good = true;
  std::size_t index = 0;
  const auto read_one = [&](auto& number) {
    auto text = read_string(parts[index++]);
    if (!text) return void(good = false);
    auto value = from_text<std::remove_reference_t<decltype(number)>>(*text);
    if (!value) return void(good = false);
    number = *value;
  };
  std::apply([&](auto&... number) { (read_one(number), ...); }, numbers);
  if (!good) return not_ours("a number");
  return numbers;
}

}  // namespace

Result<Value> read_value(const element& json, const LogicalType& type) {
  if (json.is_null()) return Value(type);
  switch (type.InternalType()) {
    case PhysicalType::BOOL: {
      bool value = false;
      if (json.get_bool().get(value) != simdjson::SUCCESS) return not_ours("a truth value");
      return Value::BOOLEAN(value);
    }
    case PhysicalType::INT128: {
      SLUICE_TRY_ASSIGN(auto parts, (read_numbers<std::int64_t, std::uint64_t>(json)));
      return from_raw(type, duckdb::hugeint_t(std::get<0>(parts), std::get<1>(parts)));
    }
    case PhysicalType::UINT128: {
      SLUICE_TRY_ASSIGN(auto parts, (read_numbers<std::uint64_t, std::uint64_t>(json)));
      return from_raw(type, duckdb::uhugeint_t(std::get<0>(parts), std::get<1>(parts)));
    }
    case PhysicalType::INTERVAL: {
      SLUICE_TRY_ASSIGN(auto parts, (read_numbers<std::int32_t, std::int32_t, std::int64_t>(json)));
      return Value::INTERVAL(std::get<0>(parts), std::get<1>(parts), std::get<2>(parts));
    }
    case PhysicalType::STRUCT:
    case PhysicalType::LIST:
    case PhysicalType::ARRAY: return read_nested(json, type);
    default: break;
  }
  SLUICE_TRY_ASSIGN(auto text, read_string(json));
  switch (type.InternalType()) {
    case PhysicalType::FLOAT: {
      SLUICE_TRY_ASSIGN(auto bits, from_text<std::uint32_t>(text, 16));
      return from_raw(type, std::bit_cast<float>(bits));
    }
    case PhysicalType::DOUBLE: {
      SLUICE_TRY_ASSIGN(auto bits, from_text<std::uint64_t>(text, 16));
      return from_raw(type, std::bit_cast<double>(bits));
    }
    case PhysicalType::VARCHAR: {
      if (type.id() == LogicalTypeId::VARCHAR) {
        Value value(text);
        value.Reinterpret(type);
        return value;
      }
      SLUICE_TRY_ASSIGN(auto bytes, from_hex(text));
      Value value = Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(bytes.data()), bytes.size());
      value.Reinterpret(type);
      return value;
    }
    default: break;
  }
  Result<Value> result = not_ours("a value");
  visit_integer(type, [&]<typename T>(std::type_identity<T>) {
    auto number = from_text<T>(text);
    if (!number) {
      result = std::move(number).error();
    } else if (type.id() == LogicalTypeId::ENUM &&
               static_cast<std::uint64_t>(*number) >= duckdb::EnumType::GetSize(type)) {
      result = not_ours("an enumerator");
    } else {
      result = from_raw(type, *number);
    }
  });
  return result;
}

}  // namespace sluice::columnar::internal
