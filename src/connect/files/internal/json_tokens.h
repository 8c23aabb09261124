#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::connect {

/// Finds where the tokens of JSON text begin: simdjson's first stage, which also checks UTF-8 and that strings hold no
/// raw control characters. The second stage, grammar and values, is ours (JsonCursor), because rows go straight into
/// columns, integers of any size keep their digits, and what is skipped is checked as strictly as what is kept.
/// Owned by one worker.
class TokenIndex {
 public:
  enum class Damage : std::uint8_t { None, InvalidUtf8, ControlCharacter, UnclosedString };

  TokenIndex();
  ~TokenIndex();

  /// Indexes `text`, which may hold several lines; the positions before are forgotten. If it is damaged there are none.
  /// ResourceExhausted if there is no memory for the index, 4 bytes per byte of text.
  Result<Damage> index(std::string_view text);

  /// Positions of `{ } [ ] : ,`, of opening quotes and of the first byte of every other run of bytes, in order, then
  /// one or more positions at or after the end of the text. Valid until the next index().
  const std::uint32_t* positions() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A string as it stands in the text, without its quotes.
struct StringToken {
  std::string_view raw;
  bool escaped = false;  ///< Holds a backslash.
};

/// A number as it stands in the text.
struct NumberToken {
  enum class Kind : std::uint8_t {
    Integer,  ///< Written without fraction and exponent, in the range of BIGINT: `integer`.
    Double,   ///< With fraction or exponent, in the range of DOUBLE: `real`.
    Wide,     ///< Neither type holds it; `text` does.
  };
  Kind kind = Kind::Integer;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;
};

/// Nesting of values that a line may have; deeper lines are dead letters.
inline constexpr std::size_t kJsonDepthMax = 64;

/// Reads one line's tokens in turn. Every method checks JSON's grammar (RFC 8259) for what it passes; the first that
/// returns false has set `fault`, and the cursor is of no further use.
struct JsonCursor {
  enum class FaultKind : std::uint8_t { Grammar, TooDeep, TooLarge };
  struct Fault {
    FaultKind kind = FaultKind::Grammar;
    const char* expected = "";   ///< What should have come.
    std::uint32_t position = 0;  ///< In `text`, at or before `end`.
  };

  const char* text = nullptr;            ///< Readable up to one byte past `end`.
  const std::uint32_t* token = nullptr;  ///< The next token; at or past `end` when there is none.
  std::uint32_t end = 0;                 ///< Where the line ends in `text`.
  bool has_escapes = true;               ///< False if the line holds no backslash, so that strings need no search.
  Fault fault;

  bool at_end() const { return *token >= end; }
  /// Returns the first byte of the next token, 0 at the end of the line.
  char peek() const { return at_end() ? '\0' : text[*token]; }
  std::uint32_t position() const { return *token < end ? *token : end; }

  bool fail(const char* expected, FaultKind kind = FaultKind::Grammar) {
    fault = {.kind = kind, .expected = expected, .position = position()};
    return false;
  }

  /// Passes the byte `symbol`, one of { } [ ] : ,
  bool pass(char symbol, const char* expected) {
    if (peek() != symbol) return fail(expected);
    ++token;
    return true;
  }
  /// Passes a string; peek() is '"'. Escapes are not looked at.
  bool pass_string(StringToken& out);
  /// Passes `true`, `false` or `null`.
  bool pass_literal(std::string_view literal);
  /// Passes a number.
  bool pass_number(NumberToken& out);
  /// Passes any value, `depth` levels of which surround it, and checks it whole. `raw` becomes its text.
  bool pass_value(std::size_t depth, std::string_view& raw);

  /// After '[' (`first`) and after each element: passes what separates elements. `more` becomes false at ']'.
  bool pass_element_separator(bool first, bool& more) {
    more = true;
    if (peek() == ']') {
      ++token;
      more = false;
      return true;
    }
    if (first) return true;
    if (!pass(',', "',' or ']'")) return false;
    return peek() != ']' || fail("a value after ','");
  }
  /// After '{' (`first`) and after each member: passes what separates members and the next key with its colon. `more`
  /// becomes false at '}'.
  bool pass_key(bool first, bool& more, StringToken& key) {
    more = true;
    if (peek() == '}') {
      ++token;
      more = false;
      return true;
    }
    if (!first && !pass(',', "',' or '}'")) return false;
    if (peek() != '"') return fail("a key in quotes");
    return pass_string(key) && pass(':', "':' after a key");
  }
};

/// Whether a string's escapes mean something.
enum class EscapeCheck : std::uint8_t {
  Valid,
  Unpaired,  ///< JSON, but half of a surrogate pair: no text in UTF-8 stands for it.
  Invalid,   ///< Not JSON.
};
EscapeCheck check_escapes(std::string_view raw);

/// Writes the text that `raw` stands for, which check_escapes() found Valid, to `out`, which has raw.size() bytes room,
/// and returns its length.
std::size_t unescape(std::string_view raw, char* out);

/// Returns the text that `raw` stands for; check_escapes() found it Valid.
std::string unescaped(std::string_view raw);

}  // namespace sluice::connect
