#include "connect/files/internal/json_values.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <duckdb/common/operator/cast_operators.hpp>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <duckdb/common/types/value.hpp>

#include "connect/files/internal/number_text.h"

namespace sluice::connect {

using Form = DecoderNode::Form;

namespace {

template <typename T>
void store(DecoderNode& node, duckdb::idx_t row, T value) {
  reinterpret_cast<T*>(node.data)[row] = value;
  // The row may hold the NULL of a line that failed half way.
  node.validity->SetValid(row);
}

template <typename T>
bool store_integer(DecoderNode& node, duckdb::idx_t row, std::int64_t value) {
  if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) return false;
  store(node, row, static_cast<T>(value));
  return true;
}

bool store_any_integer(DecoderNode& node, duckdb::idx_t row, std::int64_t value) {
  switch (node.form) {
    case Form::Int8: return store_integer<std::int8_t>(node, row, value);
    case Form::Int16: return store_integer<std::int16_t>(node, row, value);
    case Form::Int32: return store_integer<std::int32_t>(node, row, value);
    default: return store_integer<std::int64_t>(node, row, value);
  }
}

/// Returns the integer that the number is, if it is one: 3, 3.0 and 0.3e1 are.
std::optional<std::int64_t> to_integer(const NumberToken& number) {
  if (number.kind == NumberToken::Kind::Integer) return number.integer;
  const bool integral = number.kind == NumberToken::Kind::Double && std::trunc(number.real) == number.real &&
                        std::fabs(number.real) <= static_cast<double>(kExactIntegerMax);
  return integral ? std::optional(static_cast<std::int64_t>(number.real)) : std::nullopt;
}

std::optional<double> to_double(const NumberToken& number) {
  if (number.kind == NumberToken::Kind::Integer) return static_cast<double>(number.integer);
  if (number.kind == NumberToken::Kind::Double) return number.real;
  double value = 0;
  const auto parsed = std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
  return parsed.ec == std::errc() ? std::optional(value) : std::nullopt;
}

void write_number_text(DecoderNode& node, duckdb::idx_t row, const NumberToken& number) {
  char text[kNumberTextBytesMax];
  switch (number.kind) {
    // The digits stand for themselves, but for -0.
    case NumberToken::Kind::Integer: return write_text(node, row, number.text == "-0" ? "0" : number.text);
    case NumberToken::Kind::Double: return write_text(node, row, {text, write_double(number.real, text)});
    case NumberToken::Kind::Wide: return write_text(node, row, number.text);
  }
}

/// True if a number, written as text, is what DuckDB's cast to the type means.
bool takes_numbers(const duckdb::LogicalType& type) { return type.IsNumeric(); }

}  // namespace

void bind(DecoderNode& node, duckdb::Vector& vector, duckdb::idx_t capacity) {
  node.vector = &vector;
  node.data = duckdb::FlatVector::GetData(vector);
  node.validity = &duckdb::FlatVector::Validity(vector);
  node.heap = nullptr;
  if (node.form == Form::Struct) {
    auto& members = duckdb::StructVector::GetEntries(vector);
    for (std::size_t i = 0; i < node.children.size(); ++i) bind(node.children[i], *members[i], capacity);
  } else if (node.form == Form::List || node.form == Form::Map) {
    node.capacity = duckdb::ListVector::GetListCapacity(vector);
    bind(node.children[0], duckdb::ListVector::GetEntry(vector), node.capacity);
  }
}

void write_null(DecoderNode& node, duckdb::idx_t row) {
  node.validity->SetInvalid(row);
  if (node.form == Form::Struct) {
    for (DecoderNode& child : node.children) write_null(child, row);
  } else if (node.form == Form::List || node.form == Form::Map) {
    reinterpret_cast<duckdb::list_entry_t*>(node.data)[row] = {0, 0};
  }
}

void write_text(DecoderNode& node, duckdb::idx_t row, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  if (size <= duckdb::string_t::INLINE_LENGTH) return store(node, row, duckdb::string_t(text.data(), size));
  if (node.heap == nullptr) node.heap = &duckdb::StringVector::GetStringBuffer(*node.vector);
  store(node, row, node.heap->AddBlob(duckdb::string_t(text.data(), size)));
}

bool write_number(DecoderNode& node, duckdb::idx_t row, const NumberToken& number) {
  switch (node.form) {
    case Form::Int8:
    case Form::Int16:
    case Form::Int32:
    case Form::Int64: {
      const auto integer = to_integer(number);
      return integer && store_any_integer(node, row, *integer);
    }
    case Form::Double: {
      const auto value = to_double(number);
      if (value) store(node, row, *value);
      return value.has_value();
    }
    case Form::Float: {
      const auto value = to_double(number);
      if (!value || std::fabs(*value) > static_cast<double>(std::numeric_limits<float>::max())) return false;
      store(node, row, static_cast<float>(*value));
      return true;
    }
    case Form::Text: write_number_text(node, row, number); return true;
    case Form::RawJson: write_text(node, row, number.text); return true;
    case Form::Cast: return takes_numbers(node.type) && write_cast(node, row, number.text);
    default: return false;
  }
}

bool write_boolean(DecoderNode& node, duckdb::idx_t row, bool value) {
  switch (node.form) {
    case Form::Boolean: store(node, row, value); return true;
    case Form::Text:
    case Form::RawJson: write_text(node, row, value ? "true" : "false"); return true;
    default: return false;
  }
}

namespace {

template <typename T>
bool cast_to(DecoderNode& node, duckdb::idx_t row, duckdb::string_t text) {
  T value;
  if (!duckdb::TryCast::Operation<duckdb::string_t, T>(text, value, false)) return false;
  store(node, row, value);
  return true;
}

template <typename T>
bool cast_to_finite(DecoderNode& node, duckdb::idx_t row, duckdb::string_t text) {
  T value;
  if (!duckdb::TryCast::Operation<duckdb::string_t, T>(text, value, false) || !duckdb::Value::IsFinite(value)) {
    return false;  // Delta has no infinite times
  }
  store(node, row, value);
  return true;
}

}  // namespace

bool write_cast(DecoderNode& node, duckdb::idx_t row, std::string_view text) {
  const duckdb::string_t input(text.data(), static_cast<std::uint32_t>(text.size()));
  switch (node.form) {
    case Form::Boolean: return cast_to<bool>(node, row, input);
    case Form::Int8: return cast_to<std::int8_t>(node, row, input);
    case Form::Int16: return cast_to<std::int16_t>(node, row, input);
    case Form::Int32: return cast_to<std::int32_t>(node, row, input);
    case Form::Int64: return cast_to<std::int64_t>(node, row, input);
    case Form::Float: return cast_to<float>(node, row, input);
    case Form::Double: return cast_to<double>(node, row, input);
    case Form::Date: return cast_to_finite<duckdb::date_t>(node, row, input);
    case Form::Timestamp: return cast_to_finite<duckdb::timestamp_t>(node, row, input);
    case Form::TimestampTz: return cast_to_finite<duckdb::timestamp_tz_t>(node, row, input);
    default: break;
  }
  duckdb::Value value;
  std::string message;
  if (!duckdb::Value(std::string(text)).DefaultTryCastAs(node.type, value, &message)) return false;
  if (value.IsNull()) return false;
  node.validity->SetValid(row);
  node.vector->SetValue(row, value);
  return true;
}

}  // namespace sluice::connect
