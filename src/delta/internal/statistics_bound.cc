#include "delta/internal/statistics_bound.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <simdjson.h>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/interval.hpp>
#include <duckdb/common/types/timestamp.hpp>

#include "delta/duckdb_schema.h"
#include "delta/partition_value.h"

namespace sluice::delta::internal {
namespace {

using duckdb::Value;

// Statistics give timestamps to the millisecond, cut off: the true maximum may be this much later.
constexpr std::int64_t kTimestampRoundingMicros = 999;

/// True if no digit of the number is lost in a decimal of that scale.
bool fits_scale(const std::string& text, std::int32_t scale) {
  if (text.find_first_of("eE") != std::string::npos) return false;
  const std::size_t point = text.find('.');
  return point == std::string::npos || text.size() - point - 1 <= static_cast<std::size_t>(scale);
}

// Doubles hold decimals of that many digits exactly.
constexpr std::int32_t kDoubleDigits = 15;

// No double is written with more digits than that.
constexpr std::size_t kDoubleTextDigitsMax = 17;

/// Returns how many digits of the number count: without zeros at its ends.
std::size_t significant_digits(std::string text) {
  std::erase_if(text, [](char c) { return c < '0' || c > '9'; });
  const std::size_t first = text.find_first_not_of('0');
  return first == std::string::npos ? 0 : text.find_last_not_of('0') - first + 1;
}

/// Returns the bound as far out as it may be if it went through a double, as with delta-rs, which moreover cuts whole
/// numbers off at 64 bits: nullopt then.
std::optional<Value> widen_decimal(const Value& bound, const std::string& text, const DataType& type, bool is_max) {
  if (type.precision <= kDoubleDigits) return bound;
  if (text == "9223372036854775807" || text == "-9223372036854775808") return std::nullopt;
  if (significant_digits(text) > kDoubleTextDigitsMax) return bound;
  const duckdb::hugeint_t unscaled = duckdb::IntegralValue::Get(bound);
  const duckdb::hugeint_t magnitude = unscaled < 0 ? -unscaled : unscaled;
  const duckdb::hugeint_t error = magnitude / duckdb::Hugeint::POWERS_OF_TEN[kDoubleDigits] + 1;
  const duckdb::hugeint_t outer = is_max ? unscaled + error : unscaled - error;
  const auto precision = static_cast<std::uint8_t>(type.precision);
  const auto scale = static_cast<std::uint8_t>(type.scale);
  if (bound.type().InternalType() == duckdb::PhysicalType::INT128) return Value::DECIMAL(outer, precision, scale);
  return Value::DECIMAL(duckdb::Hugeint::Cast<std::int64_t>(outer), precision, scale);
}

/// Takes `count` digits off the front of a text.
std::optional<std::int32_t> cut_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  std::int32_t number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = 10 * number + (c - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool cut(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes 2024-02-29 off the front of a text; returns the days since 1970.
std::optional<std::int64_t> cut_date(std::string_view& text) {
  const auto year = cut_digits(text, 4);
  if (!year || !cut(text, '-')) return std::nullopt;
  const auto month = cut_digits(text, 2);
  if (!month || !cut(text, '-')) return std::nullopt;
  const auto day = cut_digits(text, 2);
  duckdb::date_t date;
  if (!day || !duckdb::Date::TryFromDate(*year, *month, *day, date)) return std::nullopt;
  return date.days;
}

/// Takes 12:34:56 or 12:34:56.123456 off the front of a text; returns the microseconds.
std::optional<std::int64_t> cut_time(std::string_view& text) {
  constexpr std::size_t kMicrosDigits = 6;
  const auto hour = cut_digits(text, 2);
  if (!hour || *hour > 23 || !cut(text, ':')) return std::nullopt;
  const auto minute = cut_digits(text, 2);
  if (!minute || *minute > 59 || !cut(text, ':')) return std::nullopt;
  const auto second = cut_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  std::int64_t micros = 0;
  if (cut(text, '.')) {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    if (count == 0 || count > kMicrosDigits) return std::nullopt;
    micros = *cut_digits(text, count);
    for (std::size_t i = count; i < kMicrosDigits; ++i) micros *= 10;
  }
  return ((*hour * 60 + *minute) * std::int64_t{60} + *second) * duckdb::Interval::MICROS_PER_SEC + micros;
}

}  // namespace

std::optional<std::string> bound_text(std::string_view json) {
  if (json.front() != '"') return std::string(json);
  if (json.size() > 1 && json.find('\\') == std::string_view::npos) return std::string(json.substr(1, json.size() - 2));
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return std::string(text);
}

std::optional<std::int64_t> read_integer_bound(std::string_view json, const DataType& type, bool is_max) {
  using Kind = DataType::Kind;
  if (type.kind != Kind::Date && type.kind != Kind::Timestamp && type.kind != Kind::TimestampNtz) {
    std::int64_t integer = 0;
    const char* end = json.data() + json.size();
    const auto [rest, code] = std::from_chars(json.data(), end, integer);
    if (code != std::errc() || rest != end) return std::nullopt;
    const bool fits = (type.kind == Kind::Long) ||
                      (type.kind == Kind::Integer && std::in_range<std::int32_t>(integer)) ||
                      (type.kind == Kind::Short && std::in_range<std::int16_t>(integer)) ||
                      (type.kind == Kind::Byte && std::in_range<std::int8_t>(integer));
    return fits ? std::optional(integer) : std::nullopt;
  }
  if (json.size() < 2 || json.front() != '"') return std::nullopt;
  std::string_view text = json.substr(1, json.size() - 2);
  const auto days = cut_date(text);
  if (!days) return std::nullopt;
  if (type.kind == Kind::Date) return text.empty() ? days : std::nullopt;
  if (!cut(text, 'T') && !cut(text, ' ')) return std::nullopt;
  const auto time = cut_time(text);
  // Without a zone it is UTC; a zone where there should be none is for DuckDB to judge.
  if (type.kind == Kind::Timestamp) cut(text, 'Z');
  if (!time || !text.empty()) return std::nullopt;
  return *days * duckdb::Interval::MICROS_PER_DAY + *time + (is_max ? kTimestampRoundingMicros : 0);
}

std::optional<duckdb::Value> read_constant(const std::string& text, const DataType& type) {
  // A partition value has no empty string, but a constant may be one.
  if (text.empty() && type.kind == DataType::Kind::String) return Value("");
  auto value = read_partition_value(text, logical_type(type));
  if (!value || value->IsNull()) return std::nullopt;
  return std::move(*value);
}

std::optional<duckdb::Value> read_bound(const std::optional<std::string>& json, const DataType& type, bool is_max) {
  if (!json || json->empty()) return std::nullopt;
  const auto text = bound_text(*json);
  if (!text) return std::nullopt;
  switch (type.kind) {
    case DataType::Kind::Byte:
    case DataType::Kind::Short:
    case DataType::Kind::Integer:
    case DataType::Kind::Long:
    case DataType::Kind::Date:
    case DataType::Kind::String: return read_constant(*text, type);
    case DataType::Kind::Decimal: {
      if (!fits_scale(*text, type.scale)) return std::nullopt;
      const auto value = read_constant(*text, type);
      return value ? widen_decimal(*value, *text, type, is_max) : std::nullopt;
    }
    case DataType::Kind::Timestamp:
    case DataType::Kind::TimestampNtz: {
      const auto value = read_constant(*text, type);
      if (!value || !is_max) return value;
      const duckdb::timestamp_t latest(value->GetValueUnsafe<duckdb::timestamp_t>().value + kTimestampRoundingMicros);
      return type.kind == DataType::Kind::Timestamp ? Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(latest))
                                                    : Value::TIMESTAMP(latest);
    }
    default: return std::nullopt;
  }
}

}  // namespace sluice::delta::internal
