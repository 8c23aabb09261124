#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "base/result.h"
#include "delta/actions.h"

/// Members of JSON objects as the log's writers give them: absent and null mean the same; numbers may be written as
/// 1.0E3 or as strings, booleans as strings. A member of the wrong type is Corruption that names it.
namespace sluice::delta::internal {

/// Returns the integer that a JSON value stands for, if it stands for one.
std::optional<std::int64_t> to_integer(simdjson::dom::element value);
/// Returns the integer that the text of a number (7, 7.0, 0.7E1) stands for, if it stands for one.
std::optional<std::int64_t> to_integer(std::string_view text);
/// True for the text of a JSON number, of any length: decimals may have more digits than any number type.
bool is_number(std::string_view text);
/// Returns the truth value that a JSON value stands for, if it stands for one.
std::optional<bool> to_boolean(simdjson::dom::element value);
/// Returns a JSON string's text, or the JSON text of anything else.
std::string to_text(simdjson::dom::element value);

/// An object of the log while it is read; `what` names it in errors ("add"). Borrows the parsed document.
class JsonFields {
 public:
  JsonFields(simdjson::dom::object object, std::string_view what) : object_(object), what_(what) {}

  /// Returns the member unless it is absent or null.
  std::optional<simdjson::dom::element> find(std::string_view name) const;

  Result<std::optional<std::string>> text(std::string_view name) const;
  Result<std::optional<std::int64_t>> integer(std::string_view name) const;
  Result<std::optional<bool>> boolean(std::string_view name) const;
  Result<std::optional<simdjson::dom::object>> object(std::string_view name) const;
  /// Values must be strings or null.
  Result<std::optional<std::map<std::string, std::optional<std::string>>>> text_map(std::string_view name) const;
  Result<std::optional<std::vector<std::string>>> text_list(std::string_view name) const;

  Result<std::string> require_text(std::string_view name) const;
  Result<std::int64_t> require_integer(std::string_view name) const;
  Result<simdjson::dom::object> require_object(std::string_view name) const;

  /// Returns the error for a member that is missing or of the wrong type.
  Error wrong(std::string_view name, std::string_view expected) const;

 private:
  simdjson::dom::object object_;
  std::string_view what_;
};

}  // namespace sluice::delta::internal
