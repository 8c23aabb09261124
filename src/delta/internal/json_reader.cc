#include "delta/internal/json_reader.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace sluice::delta::internal {

using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

std::optional<std::int64_t> exact_integer(double number) {
  // Above 2^53 a double no longer tells neighbouring integers apart.
  constexpr double kExactMax = 9007199254740992.0;
  if (!(std::abs(number) <= kExactMax) || number != std::trunc(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

}  // namespace

std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t integer = 0;
  const char* end = text.data() + text.size();
  if (const auto [rest, code] = std::from_chars(text.data(), end, integer); code == std::errc() && rest == end) {
    return integer;
  }
  double number = 0;
  if (const auto [rest, code] = std::from_chars(text.data(), end, number); code == std::errc() && rest == end) {
    return exact_integer(number);
  }
  return std::nullopt;
}

std::optional<std::int64_t> to_integer(element value) {
  switch (value.type()) {
    case element_type::INT64: return std::int64_t(value);
    case element_type::DOUBLE: return exact_integer(double(value));
    case element_type::STRING: return to_integer(std::string_view(value));
    default: return std::nullopt;  // an unsigned number that is no INT64 is too large
  }
}

bool is_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  if (!digits()) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

std::optional<bool> to_boolean(element value) {
  if (value.type() == element_type::BOOL) return bool(value);
  if (value.type() != element_type::STRING) return std::nullopt;
  const std::string_view text(value);
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::string to_text(element value) {
  if (value.type() == element_type::STRING) return std::string(std::string_view(value));
  return simdjson::minify(value);
}

std::optional<element> JsonFields::find(std::string_view name) const {
  element value;
  if (object_.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

Error JsonFields::wrong(std::string_view name, std::string_view expected) const {
  return Error(ErrorCode::Corruption, fmt::format("\"{}\" of {} is missing or is not {}", name, what_, expected));
}

Result<std::optional<std::string>> JsonFields::text(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::optional<std::string>();
  if (value->type() != element_type::STRING) return wrong(name, "a string");
  return std::optional(std::string(std::string_view(*value)));
}

Result<std::optional<std::int64_t>> JsonFields::integer(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::optional<std::int64_t>();
  const auto number = to_integer(*value);
  if (!number) return wrong(name, "a whole number");
  return number;
}

Result<std::optional<bool>> JsonFields::boolean(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::optional<bool>();
  const auto truth = to_boolean(*value);
  if (!truth) return wrong(name, "true or false");
  return truth;
}

Result<std::optional<simdjson::dom::object>> JsonFields::object(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::optional<simdjson::dom::object>();
  if (value->type() != element_type::OBJECT) return wrong(name, "an object");
  return std::optional(simdjson::dom::object(*value));
}

Result<std::optional<std::map<std::string, std::optional<std::string>>>> JsonFields::text_map(
    std::string_view name) const {
  using Map = std::map<std::string, std::optional<std::string>>;
  SLUICE_TRY_ASSIGN(const auto members, object(name));
  if (!members) return std::optional<Map>();
  Map map;
  for (const auto [key, value] : *members) {
    if (value.is_null()) {
      map.emplace(key, std::nullopt);
    } else if (value.type() == element_type::STRING) {
      map.emplace(key, std::string(std::string_view(value)));
    } else {
      return wrong(name, "an object of strings");
    }
  }
  return std::optional(std::move(map));
}

Result<std::optional<std::vector<std::string>>> JsonFields::text_list(std::string_view name) const {
  const auto value = find(name);
  if (!value) return std::optional<std::vector<std::string>>();
  if (value->type() != element_type::ARRAY) return wrong(name, "a list");
  std::vector<std::string> list;
  for (const element item : simdjson::dom::array(*value)) {
    if (item.type() != element_type::STRING) return wrong(name, "a list of strings");
    list.emplace_back(std::string_view(item));
  }
  return std::optional(std::move(list));
}

Result<std::string> JsonFields::require_text(std::string_view name) const {
  SLUICE_TRY_ASSIGN(auto value, text(name));
  if (!value) return wrong(name, "a string");
  return std::move(*value);
}

Result<std::int64_t> JsonFields::require_integer(std::string_view name) const {
  SLUICE_TRY_ASSIGN(const auto value, integer(name));
  if (!value) return wrong(name, "a whole number");
  return *value;
}

Result<simdjson::dom::object> JsonFields::require_object(std::string_view name) const {
  SLUICE_TRY_ASSIGN(const auto value, object(name));
  if (!value) return wrong(name, "an object");
  return *value;
}

}  // namespace sluice::delta::internal
