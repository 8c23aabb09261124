#include "columnar/json_text.h"

#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalTypeId;
using duckdb::Value;

std::string json_children(const std::vector<std::string>& names, const duckdb::vector<Value>& values) {
  std::string out = "{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    out += fmt::format("{}{}:{}", i == 0 ? "" : ",", json_quote(names[i]), json_text(values[i]));
  }
  return out + "}";
}

std::string json_list(const duckdb::vector<Value>& values) {
  std::string out = "[";
  for (std::size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ",") + json_text(values[i]);
  return out + "]";
}

/// Returns what a variant is in JSON; as text what JSON has no word for.
std::string json_variant(const Value& value) {
  Value json;
  std::string why_not;
  if (!value.DefaultTryCastAs(duckdb::LogicalType::JSON(), json, &why_not)) return json_quote(value.ToString());
  const std::string& text = duckdb::StringValue::Get(json);
  simdjson::dom::parser parser;
  return parser.parse(text).error() == simdjson::SUCCESS ? text : json_quote(value.ToString());
}

}  // namespace

std::string json_text(const Value& value) {
  if (value.IsNull()) return "null";
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN: return value.GetValue<bool>() ? "true" : "false";
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      // JSON has no word for these.
      return std::isfinite(value.GetValue<double>()) ? value.ToString() : json_quote(value.ToString());
    case LogicalTypeId::STRUCT: {
      std::vector<std::string> names;
      for (const auto& member : duckdb::StructType::GetChildTypes(value.type())) names.push_back(member.first);
      return json_children(names, duckdb::StructValue::GetChildren(value));
    }
    case LogicalTypeId::VARIANT: return json_variant(value);
    case LogicalTypeId::LIST: return json_list(duckdb::ListValue::GetChildren(value));
    case LogicalTypeId::ARRAY: return json_list(duckdb::ArrayValue::GetChildren(value));
    case LogicalTypeId::MAP: {
      std::vector<std::string> names;
      duckdb::vector<Value> values;
      for (const Value& entry : duckdb::MapValue::GetChildren(value)) {
        names.push_back(duckdb::StructValue::GetChildren(entry)[0].ToString());
        values.push_back(duckdb::StructValue::GetChildren(entry)[1]);
      }
      return json_children(names, values);
    }
    default: return value.type().IsNumeric() ? value.ToString() : json_quote(value.ToString());
  }
}

std::string json_text(const Schema& schema, const duckdb::DataChunk& rows, std::size_t row) {
  std::string out = "{";
  for (std::size_t column = 0; column < schema.fields.size(); ++column) {
    out += fmt::format("{}{}:{}", column == 0 ? "" : ",", json_quote(schema.fields[column].name),
                       json_text(rows.GetValue(column, row)));
  }
  return out + "}";
}

}  // namespace sluice::columnar
