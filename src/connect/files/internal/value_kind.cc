#include "connect/files/internal/value_kind.h"

#include <algorithm>

#include "connect/files/internal/number_text.h"
#include "connect/files/json_limits.h"

namespace sluice::connect {

using Kind = InferredType::Kind;

bool pass_scalar(JsonCursor& cursor, ScalarKind& out) {
  switch (cursor.peek()) {
    case '"': {
      StringToken string;
      if (!cursor.pass_string(string)) return false;
      if (string.escaped && check_escapes(string.raw) == EscapeCheck::Invalid) {
        return cursor.fail("a valid escape in a string");
      }
      out = {.kind = Kind::Text};
      return true;
    }
    case 't': out = {.kind = Kind::Boolean}; return cursor.pass_literal("true");
    case 'f': out = {.kind = Kind::Boolean}; return cursor.pass_literal("false");
    case 'n': out = {.kind = Kind::Unset}; return cursor.pass_literal("null");
    case '\0':
      if (cursor.at_end()) return cursor.fail("a value");
      [[fallthrough]];
    default: break;
  }
  NumberToken number;
  if (!cursor.pass_number(number)) return false;
  switch (number.kind) {
    case NumberToken::Kind::Integer:
      out = {.kind = Kind::BigInt, .wide_integer = !is_exact_as_double(number.integer)};
      return true;
    case NumberToken::Kind::Double: out = {.kind = Kind::Double}; return true;
    case NumberToken::Kind::Wide: out = {.kind = Kind::Text}; return true;
  }
  return false;
}

KeyText key_text(const StringToken& key, std::string& name) {
  if (!key.escaped) {
    name.assign(key.raw);
    return KeyText::Name;
  }
  switch (check_escapes(key.raw)) {
    case EscapeCheck::Invalid: return KeyText::Malformed;
    case EscapeCheck::Unpaired: return KeyText::Unpaired;
    case EscapeCheck::Valid: break;
  }
  name = unescaped(key.raw);
  return KeyText::Name;
}

bool can_name_column(std::string_view name, bool top) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (name.empty() || name.size() > kColumnNameBytesMax || std::any_of(name.begin(), name.end(), is_control))
    return false;
  if (!top) return true;
  const std::string_view reserved = kRescuedColumn;
  const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return !std::equal(name.begin(), name.end(), reserved.begin(), reserved.end(), equal);
}

}  // namespace sluice::connect
