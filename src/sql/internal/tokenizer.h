#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/internal/source_text.h"

namespace sluice::sql {

enum class TokenKind : std::uint8_t {
  Word,        ///< A keyword or an unquoted name.
  QuotedName,  ///< "name"
  String,      ///< 'text', E'text', X'hex', $tag$text$tag$
  Number,
  Parameter,  ///< $1, $name, ?
  Symbol,     ///< Punctuation or an operator.
  End,        ///< After the last token; empty.
};

/// The smallest unit of text. Comments and blanks are no tokens.
struct Token {
  TokenKind kind = TokenKind::End;
  Span span;
  std::string_view text;  ///< As written, quotes included. Borrowed from the file.

  /// Compares a Word without regard to case; `word` is upper case.
  bool is(std::string_view word) const;
  bool is_symbol(std::string_view symbol) const { return kind == TokenKind::Symbol && text == symbol; }
  bool is_name() const { return kind == TokenKind::Word || kind == TokenKind::QuotedName; }
};

/// Returns the name a Word or QuotedName stands for: quotes removed, doubled quotes undone, case kept.
std::string name_of(const Token& token);
/// Returns the text a String stands for.
std::string string_of(const Token& token);

/// A file's tokens, ended by one of kind End.
struct Tokens {
  std::vector<Token> tokens;
  /// What is broken: text that is not UTF-8, quotes and comments that are never closed (reported where they open). The
  /// tokens then end there.
  std::vector<Error> errors;
};

/// Splits the file at the given stretch into tokens, as DuckDB's lexer would.
Tokens tokenize(const SourceText& source, Span span);

}  // namespace sluice::sql
