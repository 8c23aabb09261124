#include "delta/type_widening.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "delta/duckdb_schema.h"

namespace sluice::delta {
namespace {

using Kind = DataType::Kind;

/// The digits of a decimal that holds every integer of a type, as the specification counts them.
constexpr std::int32_t kIntegerDigits = 10;
constexpr std::int32_t kLongDigits = 20;

/// Integers, the narrowest first.
constexpr std::array kIntegers = {Kind::Byte, Kind::Short, Kind::Integer, Kind::Long};

bool is_integer(Kind kind) { return std::ranges::find(kIntegers, kind) != kIntegers.end(); }

std::int32_t digits_of(Kind integer) { return integer == Kind::Long ? kLongDigits : kIntegerDigits; }

std::string name_of(const DataType& type) { return logical_type(type).ToString(); }

Error unreadable(const std::string& path, std::string_view json) {
  return Error(ErrorCode::Corruption, fmt::format("the type changes of column {} cannot be read: {}", path, json))
      .with_number(4202);
}

/// Checks the changes that are noted on one field.
Status check_changes(const std::string& path, const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::array changes;
  if (parser.parse(json).get_array().get(changes) != simdjson::SUCCESS) return unreadable(path, json);
  for (const simdjson::dom::element change : changes) {
    std::string_view from_name;
    std::string_view to_name;
    if (change["fromType"].get_string().get(from_name) != simdjson::SUCCESS ||
        change["toType"].get_string().get(to_name) != simdjson::SUCCESS) {
      return unreadable(path, json);
    }
    const auto from = find_primitive(from_name);
    const auto to = find_primitive(to_name);
    if (from && to && (*from == *to || is_widening(*from, *to))) continue;
    return Error(ErrorCode::Unsupported,
                 fmt::format("cannot read the table: the type of column {} was changed from {} to {}, which is no "
                             "widening that we know",
                             path, from_name, to_name))
        .with_number(4204);
  }
  return ok();
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
Status check_type_changes(const DataType& type, const std::string& path) {
  for (const StructField& field : type.fields) {
    const std::string field_path = path.empty() ? field.name : path + "." + field.name;
    if (const auto noted = field.metadata.find(std::string(kTypeChangesKey)); noted != field.metadata.end()) {
      SLUICE_TRY(check_changes(field_path, noted->second));
    }
    SLUICE_TRY(check_type_changes(field.type, field_path));
  }
  for (const DataType& child : type.children) SLUICE_TRY(check_type_changes(child, path));
  return ok();
}

}  // namespace

bool is_widening(const DataType& from, const DataType& to) {
  switch (to.kind) {
    case Kind::Short:
    case Kind::Integer:
    case Kind::Long:
      return is_integer(from.kind) && std::ranges::find(kIntegers, from.kind) < std::ranges::find(kIntegers, to.kind);
    case Kind::Double: return from.kind == Kind::Float || (is_integer(from.kind) && from.kind != Kind::Long);
    case Kind::Decimal: {
      if (is_integer(from.kind)) return to.precision - to.scale >= digits_of(from.kind);
      return from.kind == Kind::Decimal && from != to && to.scale >= from.scale &&
             to.precision - to.scale >= from.precision - from.scale;
    }
    case Kind::TimestampNtz: return from.kind == Kind::Date;
    default: return false;
  }
}

std::string wider_types(const DataType& from) {
  std::string names;
  const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
  if (from.kind == Kind::Decimal) {
    return fmt::format("a DECIMAL of at least {} digits before the point and {} behind it", from.precision - from.scale,
                       from.scale);
  }
  for (const Kind kind : {Kind::Short, Kind::Integer, Kind::Long, Kind::Double, Kind::TimestampNtz}) {
    const DataType to = DataType::primitive(kind);
    if (is_widening(from, to)) add(name_of(to));
  }
  if (is_integer(from.kind)) add(fmt::format("a DECIMAL of at least {} digits before the point", digits_of(from.kind)));
  return names;
}

void note_type_change(StructField& field, const DataType& from, const DataType& to, const std::string& field_path) {
  const std::string path = field_path.empty() ? "" : fmt::format(R"(,"fieldPath":"{}")", field_path);
  const std::string change = fmt::format(R"({{"fromType":{},"toType":{}{}}})", write_type(from), write_type(to), path);
  std::string& changes = field.metadata[std::string(kTypeChangesKey)];
  // As the reader of schemas keeps it: without blanks.
  if (changes.size() <= 2) {
    changes = fmt::format("[{}]", change);
  } else {
    changes.insert(changes.size() - 1, "," + change);
  }
}

Status check_type_changes(const DataType& schema) { return check_type_changes(schema, ""); }

}  // namespace sluice::delta
