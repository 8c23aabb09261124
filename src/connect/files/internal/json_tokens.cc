#include "connect/files/internal/json_tokens.h"

#include <charconv>
#include <cstring>

#include <simdjson.h>

namespace sluice::connect {

struct TokenIndex::Impl {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  std::size_t capacity = 0;
  std::uint32_t none = 0;  // stands for "at the end" while there are no positions
};

TokenIndex::TokenIndex() : impl_(std::make_unique<Impl>()) {}
TokenIndex::~TokenIndex() = default;

const std::uint32_t* TokenIndex::positions() const {
  return impl_->stage ? impl_->stage->structural_indexes.get() : &impl_->none;
}

Result<TokenIndex::Damage> TokenIndex::index(std::string_view text) {
  if (text.size() > impl_->capacity || !impl_->stage) {
    const std::size_t capacity = std::max<std::size_t>(text.size(), 64);
    const simdjson::error_code failure = impl_->stage
                                             ? impl_->stage->set_capacity(capacity)
                                             : simdjson::get_active_implementation()->create_dom_parser_implementation(
                                                   capacity, kJsonDepthMax, impl_->stage);
    if (failure != simdjson::SUCCESS) {
      impl_->capacity = 0;
      return Error(ErrorCode::ResourceExhausted, "no memory to index a block of JSON");
    }
    impl_->capacity = capacity;
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const simdjson::error_code outcome = impl_->stage->stage1(bytes, text.size(), simdjson::stage1_mode::regular);
  std::uint32_t* const positions = impl_->stage->structural_indexes.get();
  switch (outcome) {
    case simdjson::SUCCESS: return Damage::None;
    case simdjson::EMPTY: positions[0] = static_cast<std::uint32_t>(text.size()); return Damage::None;
    case simdjson::UTF8_ERROR: positions[0] = static_cast<std::uint32_t>(text.size()); return Damage::InvalidUtf8;
    case simdjson::UNESCAPED_CHARS:
      positions[0] = static_cast<std::uint32_t>(text.size());
      return Damage::ControlCharacter;
    default: positions[0] = static_cast<std::uint32_t>(text.size()); return Damage::UnclosedString;
  }
}

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// What may follow a number or a literal; everything else would be part of it.
bool is_delimiter(char c) { return is_space(c) || c == ',' || c == '}' || c == ']' || c == ':'; }

/// Passes one or more digits; returns nullptr if there is none.
const char* pass_digits(const char* at) {
  if (!is_digit(*at)) return nullptr;
  while (is_digit(*at)) ++at;
  return at;
}

}  // namespace

bool JsonCursor::pass_string(StringToken& out) {
  const std::uint32_t begin = *token + 1;
  // The closing quote is the last byte before the next token that is not white space.
  std::uint32_t last = token[1];
  do {
    --last;
  } while (is_space(text[last]));
  if (last < begin || text[last] != '"') return fail("a closing quote");
  ++token;
  out.raw = std::string_view(text + begin, last - begin);
  out.escaped = has_escapes && std::memchr(text + begin, '\\', last - begin) != nullptr;
  return true;
}

bool JsonCursor::pass_literal(std::string_view literal) {
  const std::uint32_t begin = *token;
  if (end - begin < literal.size() || std::memcmp(text + begin, literal.data(), literal.size()) != 0 ||
      !(begin + literal.size() == end || is_delimiter(text[begin + literal.size()]))) {
    return fail("a value");
  }
  ++token;
  return true;
}

bool JsonCursor::pass_number(NumberToken& out) {
  const char* const begin = text + *token;
  const bool negative = *begin == '-';
  const char* const digits = begin + negative;
  const char* at = pass_digits(digits);
  if (at == nullptr || (*digits == '0' && at - digits > 1)) return fail("a value");
  const bool integral = *at != '.' && *at != 'e' && *at != 'E';
  if (*at == '.') at = pass_digits(at + 1);
  if (at != nullptr && (*at == 'e' || *at == 'E')) {
    ++at;
    if (*at == '+' || *at == '-') ++at;
    at = pass_digits(at);
  }
  if (at == nullptr || !(at == text + end || is_delimiter(*at))) return fail("a value");
  out.text = std::string_view(begin, static_cast<std::size_t>(at - begin));
  if (integral) {
    const auto parsed = std::from_chars(begin, at, out.integer);
    out.kind = parsed.ec == std::errc() ? NumberToken::Kind::Integer : NumberToken::Kind::Wide;
  } else {
    const auto parsed = std::from_chars(begin, at, out.real);
    out.kind = parsed.ec == std::errc() ? NumberToken::Kind::Double : NumberToken::Kind::Wide;
  }
  ++token;
  return true;
}

bool JsonCursor::pass_value(std::size_t depth, std::string_view& raw) {
  const char* const begin = text + position();
  const auto finish = [&](const char* last) {
    raw = std::string_view(begin, static_cast<std::size_t>(last - begin));
    return true;
  };
  switch (peek()) {
    case '"': {
      StringToken string;
      if (!pass_string(string)) return false;
      if (string.escaped && check_escapes(string.raw) == EscapeCheck::Invalid)
        return fail("a valid escape in a string");
      return finish(string.raw.data() + string.raw.size() + 1);
    }
    case '{': {
      if (depth >= kJsonDepthMax) return fail("", FaultKind::TooDeep);
      ++token;
      StringToken key;
      std::string_view ignored;
      bool more = true;
      for (bool first = true; pass_key(first, more, key); first = false) {
        if (!more) return finish(text + token[-1] + 1);
        if (key.escaped && check_escapes(key.raw) == EscapeCheck::Invalid) return fail("a valid escape in a key");
        if (!pass_value(depth + 1, ignored)) return false;
      }
      return false;
    }
    case '[': {
      if (depth >= kJsonDepthMax) return fail("", FaultKind::TooDeep);
      ++token;
      std::string_view ignored;
      bool more = true;
      for (bool first = true; pass_element_separator(first, more); first = false) {
        if (!more) return finish(text + token[-1] + 1);
        if (!pass_value(depth + 1, ignored)) return false;
      }
      return false;
    }
    case 't': return pass_literal("true") && finish(begin + 4);
    case 'f': return pass_literal("false") && finish(begin + 5);
    case 'n': return pass_literal("null") && finish(begin + 4);
    default: {
      if (at_end()) return fail("a value");
      NumberToken number;
      return pass_number(number) && finish(begin + number.text.size());
    }
  }
}

namespace {

/// Reads the four hexadecimal digits at `raw[at]`; -1 if they are not.
int hex4(std::string_view raw, std::size_t at) {
  if (at + 4 > raw.size()) return -1;
  int value = 0;
  for (const char c : raw.substr(at, 4)) {
    if (is_digit(c)) {
      value = value * 16 + (c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value * 16 + (c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value = value * 16 + (c - 'A' + 10);
    } else {
      return -1;
    }
  }
  return value;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

char* append_utf8(char* out, std::uint32_t point) {
  if (point < 0x80) {
    *out++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *out++ = static_cast<char>(0xC0 | (point >> 6));
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    *out++ = static_cast<char>(0xE0 | (point >> 12));
    *out++ = static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | (point >> 18));
    *out++ = static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    *out++ = static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (point & 0x3F));
  }
  return out;
}

/// Returns the byte that `\c` stands for, 0 if there is none. `\u` is not among them.
char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

}  // namespace

EscapeCheck check_escapes(std::string_view raw) {
  EscapeCheck result = EscapeCheck::Valid;
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at)) {
    if (at + 1 >= raw.size()) return EscapeCheck::Invalid;
    if (raw[at + 1] != 'u') {
      if (simple_escape(raw[at + 1]) == '\0') return EscapeCheck::Invalid;
      at += 2;
      continue;
    }
    const int unit = hex4(raw, at + 2);
    if (unit < 0) return EscapeCheck::Invalid;
    at += 6;
    if (is_low_surrogate(unit)) result = EscapeCheck::Unpaired;
    if (is_high_surrogate(unit)) {
      const bool paired = raw.substr(at, 2) == "\\u" && is_low_surrogate(hex4(raw, at + 2));
      if (paired) {
        at += 6;
      } else {
        result = EscapeCheck::Unpaired;
      }
    }
  }
  return result;
}

std::size_t unescape(std::string_view raw, char* out) {
  char* const begin = out;
  while (!raw.empty()) {
    const std::size_t run = std::min(raw.find('\\'), raw.size());
    std::memcpy(out, raw.data(), run);
    out += run;
    raw.remove_prefix(run);
    if (raw.empty()) break;
    if (raw[1] != 'u') {
      *out++ = simple_escape(raw[1]);
      raw.remove_prefix(2);
      continue;
    }
    const int unit = hex4(raw, 2);
    raw.remove_prefix(6);
    auto point = static_cast<std::uint32_t>(unit);
    if (is_high_surrogate(unit)) {
      const int low = hex4(raw, 2);
      point = 0x10000U + ((point - 0xD800U) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00U);
      raw.remove_prefix(6);
    }
    out = append_utf8(out, point);
  }
  return static_cast<std::size_t>(out - begin);
}

std::string unescaped(std::string_view raw) {
  std::string text(raw.size(), '\0');
  text.resize(unescape(raw, text.data()));
  return text;
}

}  // namespace sluice::connect
