#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// `STREAM` before a relation.
struct StreamMark {
  Span keyword;
  std::size_t relation = 0;  ///< Where the relation's first token begins.
};

/// A query as DuckDB reads it: comments, STREAM and its parentheses blanked out, read_delta's argument `timestamp` called
/// `as_of`, everything else where it was, so that DuckDB's byte positions are positions of the project's text. Borrows the tokens.
class QueryText {
 public:
  /// Prepares the query. What must be said before DuckDB parses it (WATERMARK, window(), parameters, a misplaced
  /// STREAM) is appended to `errors`.
  QueryText(const SourceText& source, TokenRange tokens, std::vector<Error>& errors);

  Span span() const { return tokens_.span(); }
  const TokenRange& tokens() const { return tokens_; }
  /// The query from its first to its last token.
  const std::string& blanked() const { return blanked_; }
  /// The query after as many blanks as there is text before it, so that a byte's position is its project offset.
  std::string padded() const { return std::string(span().offset, ' ') + blanked_; }

  /// Returns the mark of the relation that begins at `offset`, if it stands behind STREAM.
  const StreamMark* find_stream(std::size_t offset) const;
  const std::vector<StreamMark>& streams() const { return streams_; }

  /// Returns the stretch of the token at `offset`; one byte if there is none.
  Span token_at(std::size_t offset) const;
  /// Returns the first token with this text (without regard to case), if there is one; quotes are ignored.
  std::optional<Span> find_word(std::string_view word) const;
  /// Returns the first text in quotes with this value, if there is one.
  std::optional<Span> find_string(std::string_view value) const;
  /// Returns the stretch of a call that begins with the name at `offset`, to its closing parenthesis.
  Span call_at(std::size_t offset) const;
  /// Returns the stretch of a qualified name (a.b.c) that begins at `offset`.
  Span qualified_at(std::size_t offset) const;
  /// Returns whether the token at `offset` is text in single quotes.
  bool is_string_at(std::size_t offset) const;
  /// Returns the tokens of a stretch that begins and ends with a token.
  TokenRange range_of(Span span) const;
  /// Returns the stretches of the outermost SELECT list's items; empty if the query is not a plain SELECT.
  std::vector<Span> select_items() const;

 private:
  const Token* find_token(std::size_t offset) const;

  TokenRange tokens_;
  std::string blanked_;
  std::vector<StreamMark> streams_;
};

/// A replacement in a query's text.
struct TextEdit {
  Span span;
  std::string text;
};

/// Returns the query with the edits made, which replace whole tokens and do not overlap. Blanks between tokens shrink
/// to one blank or line break.
std::string edited(const QueryText& query, std::vector<TextEdit> edits);

}  // namespace sluice::sql
