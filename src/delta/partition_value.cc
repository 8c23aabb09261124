#include "delta/partition_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/timestamp.hpp>

#include "columnar/guard.h"
#include "delta/internal/time_text.h"

namespace sluice::delta {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

Error not_of_type(const std::string& text, const LogicalType& type) {
  return Error(ErrorCode::Corruption, fmt::format("the partition value \"{}\" is not a {}", text, type.ToString()));
}

/// True for a number and for the words for those that have no digits, as Java and others spell them. DuckDB alone would
/// also take blanks and underscores.
bool is_floating_text(std::string_view text) {
  static constexpr std::string_view kWords[] = {"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"};
  const std::string lower = duckdb::StringUtil::Lower(std::string(text));
  return std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords) ||
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

/// True if the text ends with a zone: Z, or +hh:mm and the like behind the time.
bool has_zone(std::string_view text) {
  const std::size_t time = text.find_first_of("T :");
  if (time == std::string_view::npos) return false;
  return text.ends_with('Z') || text.ends_with('z') || text.find('+', time) != std::string_view::npos ||
         text.find('-', time) != std::string_view::npos;
}

/// Prints a number as Java's Double.toString does: at least one decimal, exponents outside [1e-3, 1e7).
template <typename T>
std::string java_text(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return "0.0";  // also for -0.0: one value, one partition
  // The shortest digits that give the number back, and the decimal point behind the first.
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  const bool negative = text.front() == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  int exponent = 0;
  const std::size_t exponent_at = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + exponent_at, text.data() + text.size(), exponent);

  std::string result = negative ? "-" : "";
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      result += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    } else {
      const auto whole = static_cast<std::size_t>(exponent) + 1;
      if (digits.size() < whole + 1) digits.append(whole + 1 - digits.size(), '0');
      result += digits.substr(0, whole) + "." + digits.substr(whole);
    }
  } else {
    if (digits.size() == 1) digits += '0';
    result += fmt::format("{}.{}E{}", digits.substr(0, 1), digits.substr(1), exponent);
  }
  return result;
}

Error cannot_write(const Value& value, std::string_view why) {
  return Error(ErrorCode::InvalidArgument,
               fmt::format("a value of type {} cannot be a partition value: {}", value.type().ToString(), why));
}

constexpr std::string_view kNoSuchYear = "its year is not within -262143 to 262142";

}  // namespace

Result<Value> read_partition_value(const std::optional<std::string>& text, const LogicalType& type) {
  if (!text || text->empty()) return Value(type);
  switch (type.id()) {
    case LogicalTypeId::VARCHAR: return Value(*text);
    case LogicalTypeId::BLOB: return Value::BLOB_RAW(*text);
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
      if (!is_floating_text(*text)) return not_of_type(*text, type);
      break;
    default: break;
  }
  return columnar::guard([&]() -> Result<Value> {
    std::string spelling = *text;
    // DuckDB knows no plus before a year.
    if (type.IsTemporal() && spelling.front() == '+') spelling.erase(0, 1);
    // Text without a zone is local time of a writer we do not know: UTC.
    if (type.id() == LogicalTypeId::TIMESTAMP_TZ && !has_zone(spelling)) spelling += 'Z';
    const Value value(spelling);
    Value result;
    std::string error;
    if (!value.DefaultTryCastAs(type, result, &error, /*strict=*/true)) return not_of_type(*text, type);
    return result;
  });
}

Result<std::optional<std::string>> write_partition_value(const Value& value) {
  if (value.IsNull()) return std::optional<std::string>();
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN: return std::optional<std::string>(value.GetValue<bool>() ? "true" : "false");
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::DECIMAL: return std::optional(value.ToString());
    case LogicalTypeId::FLOAT: return std::optional(java_text(value.GetValueUnsafe<float>()));
    case LogicalTypeId::DOUBLE: return std::optional(java_text(value.GetValueUnsafe<double>()));
    case LogicalTypeId::DATE: {
      auto text = internal::partition_date_text(value.GetValueUnsafe<duckdb::date_t>().days);
      if (!text) return cannot_write(value, kNoSuchYear);
      return text;
    }
    case LogicalTypeId::TIMESTAMP: {
      // delta-rs reads no "T" here.
      auto text = internal::partition_timestamp_text(value.GetValueUnsafe<duckdb::timestamp_t>().value, ' ');
      if (!text) return cannot_write(value, kNoSuchYear);
      return text;
    }
    case LogicalTypeId::TIMESTAMP_TZ: {
      auto text = internal::partition_timestamp_text(value.GetValueUnsafe<duckdb::timestamp_tz_t>().value, 'T');
      if (!text) return cannot_write(value, kNoSuchYear);
      return std::optional(*text + "Z");
    }
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB: {
      const std::string& text = duckdb::StringValue::Get(value);
      if (!simdjson::validate_utf8(text)) return cannot_write(value, "it is not UTF-8 text");
      if (text.empty()) return std::optional<std::string>();
      return std::optional(text);
    }
    default: return cannot_write(value, "partition columns are of simple types");
  }
}

}  // namespace sluice::delta
