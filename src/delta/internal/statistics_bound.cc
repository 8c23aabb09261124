#include "delta/internal/statistics_bound.h"

#include <cstddef>
#include <cstdint>

#include <simdjson.h>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/timestamp.hpp>

#include "delta/duckdb_schema.h"
#include "delta/partition_value.h"

namespace sluice::delta::internal {
namespace {

using duckdb::Value;

// Statistics give timestamps to the millisecond, cut off: the true maximum may be this much later.
constexpr std::int64_t kTimestampRoundingMicros = 999;

/// Returns the text of a bound that is a JSON scalar.
std::optional<std::string> scalar_text(const std::string& json) {
  if (json.empty() || json.front() != '"') return json;
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json).get(element) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return std::string(text);
}

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

}  // namespace

std::optional<duckdb::Value> read_constant(const std::string& text, const DataType& type) {
  // A partition value has no empty string, but a constant may be one.
  if (text.empty() && type.kind == DataType::Kind::String) return Value("");
  auto value = read_partition_value(text, logical_type(type));
  if (!value || value->IsNull()) return std::nullopt;
  return std::move(*value);
}

std::optional<duckdb::Value> read_bound(const std::optional<std::string>& json, const DataType& type, bool is_max) {
  if (!json) return std::nullopt;
  const auto text = scalar_text(*json);
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
