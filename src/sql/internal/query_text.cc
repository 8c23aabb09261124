#include "sql/internal/query_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>

namespace sluice::sql {
namespace {

template <std::size_t size>
bool is_one_of(const Token& token, const std::array<std::string_view, size>& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return token.is(word); });
}

bool begins_query(const Token& token) {
  static constexpr std::array<std::string_view, 8> kWords = {"SELECT", "FROM",  "WITH",    "VALUES",
                                                             "TABLE",  "PIVOT", "UNPIVOT", "SHOW"};
  return is_one_of(token, kWords);
}

/// Words after which a relation list is over.
bool ends_from(const Token& token) {
  static constexpr std::array<std::string_view, 12> kWords = {"WHERE",  "GROUP",  "HAVING", "ORDER",
                                                              "LIMIT",  "OFFSET", "WINDOW", "QUALIFY",
                                                              "SELECT", "UNION",  "EXCEPT", "INTERSECT"};
  return is_one_of(token, kWords);
}

/// Words that may follow a relation called "stream", so that STREAM before them is that relation's name.
bool follows_relation(const Token& token) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "AS",   "JOIN",       "INNER", "LEFT", "RIGHT", "FULL",        "CROSS", "NATURAL",
      "ASOF", "POSITIONAL", "SEMI",  "ANTI", "ON",    "TABLESAMPLE", "USING", "PIVOT"};
  return is_one_of(token, kWords) || ends_from(token);
}

/// Finds STREAM before relations by following FROM clauses through parentheses, and what DuckDB's grammar has no words
/// for.
class StreamFinder {
 public:
  StreamFinder(const SourceText& source, const TokenRange& tokens, std::vector<Error>& errors)
      : source_(source), tokens_(tokens), errors_(errors) {}

  struct Found {
    std::vector<StreamMark> streams;
    std::vector<Span> blanks;
  };

  Found run() {
    levels_.push_back({});
    for (const Token* token = tokens_.begin(); token != tokens_.end(); ++token) visit(*token);
    return std::move(found_);
  }

 private:
  struct Level {
    bool arguments = false;      // of a function: FROM in them is part of its own syntax, as in extract(year FROM x)
    bool in_from = false;        // between FROM and the next clause
    bool relation_next = false;  // the next token begins a relation
  };

  void visit(const Token& token) {
    if (std::ranges::any_of(found_.blanks, [&](Span blank) { return blank.offset == token.span.offset; })) return;
    Level& level = levels_.back();
    const bool relation_next = std::exchange(level.relation_next, false);
    if (token.is_symbol("(")) return open(token, relation_next);
    if (token.is_symbol(")")) {
      if (levels_.size() > 1) levels_.pop_back();
      return;
    }
    if (token.kind == TokenKind::Parameter) {
      errors_.push_back(source_.error(
          SqlError::Parameter, token.span,
          fmt::format("a pipeline's query has no parameters, but \"{}\" stands here", token.text), "write the value"));
      return;
    }
    if (refuse_event_time(token, level)) return;
    if (token.is_symbol(",")) {
      level.relation_next = level.in_from;
    } else if (token.is("JOIN")) {
      level.relation_next = level.in_from;
    } else if (token.is("FROM")) {
      if (!level.arguments && !previous_is(token, "DISTINCT")) level.in_from = level.relation_next = true;
    } else if (ends_from(token)) {
      level.in_from = false;
    } else if (relation_next && token.is("STREAM")) {
      mark(token);
    } else if (relation_next && token.is("LATERAL")) {
      level.relation_next = true;
    }
  }

  void open(const Token& token, bool relation_next) {
    const bool is_query = next(token) != nullptr && begins_query(*next(token));
    const bool is_call = previous(token) != nullptr && previous(token)->is_name() && !is_query && !relation_next &&
                         !previous_is(token, "IN") && !previous_is(token, "EXISTS") && !previous_is(token, "AS");
    levels_.push_back({is_call, relation_next && !is_query, relation_next && !is_query});
  }

  void mark(const Token& keyword) {
    const Token* relation = next(keyword);
    if (relation == nullptr || follows_relation(*relation)) return;  // a dataset called "stream"
    if (relation->is_name()) {
      found_.streams.push_back({keyword.span, relation->span.offset});
      found_.blanks.push_back(keyword.span);
      return;
    }
    if (!relation->is_symbol("(")) return;
    const Token* inner = next(*relation);
    const Token* close = closing(*relation);
    if (inner == nullptr || close == nullptr) return;  // DuckDB will say what is missing
    if (!inner->is_name() || begins_query(*inner) || !is_relation(inner, close)) {
      errors_.push_back(source_.error(SqlError::StreamMisplaced, keyword.span,
                                      "STREAM stands before one dataset or one call of read_files or read_delta",
                                      "put STREAM inside the query: (SELECT … FROM STREAM name)"));
      return;
    }
    found_.streams.push_back({keyword.span, inner->span.offset});
    found_.blanks.insert(found_.blanks.end(), {keyword.span, relation->span, close->span});
  }

  /// Whether the tokens from `first` to before `close` are a name, a qualified name or one call.
  bool is_relation(const Token* first, const Token* close) const {
    const Token* token = first + 1;
    while (token + 1 < close && token->is_symbol(".") && token[1].is_name()) token += 2;
    if (token == close) return true;
    return token->is_symbol("(") && closing(*token) == close - 1;
  }

  const Token* closing(const Token& open) const {
    std::size_t depth = 0;
    for (const Token* token = &open; token != tokens_.end(); ++token) {
      if (token->is_symbol("(")) ++depth;
      if (token->is_symbol(")") && --depth == 0) return token;
    }
    return nullptr;
  }

  /// `window (` is a keyword to DuckDB; the clause WINDOW w AS (…) has a name first.
  bool refuse_event_time(const Token& token, const Level& level) {
    const Token* after = next(token);
    const bool is_window = (token.is("WINDOW") || token.is("SESSION_WINDOW") || token.is("WINDOW_TIME")) &&
                           after != nullptr && after->is_symbol("(");
    const bool is_watermark = level.in_from && token.is("WATERMARK") && after != nullptr &&
                              (after->is_name() || after->is_symbol("(")) && !follows_relation(*after);
    if (!is_window && !is_watermark) return false;
    errors_.push_back(source_.unsupported(SqlError::EventTime, token.span,
                                          fmt::format("{} is part of the language but not of this version",
                                                      is_window ? fmt::format("{}()", token.text) : "WATERMARK"),
                                          is_window ? "group by date_trunc or time_bucket in a MATERIALIZED VIEW"
                                                    : "leave it out: a MATERIALIZED VIEW needs no watermark"));
    return true;
  }

  const Token* next(const Token& token) const { return &token + 1 == tokens_.end() ? nullptr : &token + 1; }
  const Token* previous(const Token& token) const { return &token == tokens_.begin() ? nullptr : &token - 1; }
  bool previous_is(const Token& token, std::string_view word) const {
    return previous(token) != nullptr && previous(token)->is(word);
  }

  const SourceText& source_;
  const TokenRange& tokens_;
  std::vector<Error>& errors_;
  std::vector<Level> levels_;
  Found found_;
};

/// Returns the text from the first to the last token with everything between tokens blanked, line breaks kept.
std::string without_comments(const SourceText& source, const TokenRange& tokens) {
  const Span whole = tokens.span();
  std::string text(source.text(whole));
  std::size_t end = whole.offset;
  for (const Token& token : tokens) {
    for (std::size_t i = end; i < token.span.offset; ++i) {
      char& c = text[i - whole.offset];
      if (c != '\n') c = ' ';
    }
    end = token.span.end();
  }
  return text;
}

}  // namespace

namespace {

/// Returns the names of arguments of read_delta(…, timestamp => …): to DuckDB's parser the word begins a type.
std::vector<Span> timestamp_arguments(const TokenRange& tokens) {
  std::vector<Span> names;
  std::size_t depth = 0;  // of parentheses since the call began; 0: there is none
  const Token* previous = nullptr;
  for (const Token& token : tokens) {
    const bool begins_call = depth == 0 && previous != nullptr && previous->is("READ_DELTA");
    if (token.is_symbol("(") && (depth > 0 || begins_call)) ++depth;
    if (token.is_symbol(")") && depth > 0) --depth;
    if (depth == 1 && token.is_symbol("=>") && previous->is("TIMESTAMP")) names.push_back(previous->span);
    previous = &token;
  }
  return names;
}

}  // namespace

QueryText::QueryText(const SourceText& source, TokenRange tokens, std::vector<Error>& errors)
    : tokens_(tokens), blanked_(without_comments(source, tokens)) {
  auto found = StreamFinder(source, tokens_, errors).run();
  streams_ = std::move(found.streams);
  for (const Span blank : found.blanks) {
    std::fill_n(blanked_.begin() + static_cast<std::ptrdiff_t>(blank.offset - span().offset), blank.length, ' ');
  }
  for (const Span name : timestamp_arguments(tokens_)) {
    std::string synonym = "as_of";
    synonym.resize(name.length, ' ');
    blanked_.replace(name.offset - span().offset, name.length, synonym);
  }
}

const StreamMark* QueryText::find_stream(std::size_t offset) const {
  const auto at = std::ranges::find(streams_, offset, &StreamMark::relation);
  return at == streams_.end() ? nullptr : &*at;
}

const Token* QueryText::find_token(std::size_t offset) const {
  for (const Token& token : tokens_) {
    if (offset >= token.span.offset && offset < token.span.end()) return &token;
  }
  return nullptr;
}

Span QueryText::token_at(std::size_t offset) const {
  const Token* token = find_token(offset);
  return token == nullptr ? Span{offset, 1} : Span{offset, token->span.end() - offset};
}

std::optional<Span> QueryText::find_word(std::string_view word) const {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  for (const Token& token : tokens_) {
    if (token.kind != TokenKind::Word && token.kind != TokenKind::QuotedName && token.kind != TokenKind::Symbol)
      continue;
    const std::string name = name_of(token);
    if (std::ranges::equal(name, word, same)) return token.span;
  }
  return std::nullopt;
}

std::optional<Span> QueryText::find_string(std::string_view value) const {
  for (const Token& token : tokens_) {
    if (token.kind == TokenKind::String && string_of(token) == value) return token.span;
  }
  return std::nullopt;
}

Span QueryText::call_at(std::size_t offset) const {
  const Token* name = find_token(offset);
  if (name == nullptr) return {offset, 1};
  std::size_t depth = 0;
  for (const Token* token = name; token != tokens_.end(); ++token) {
    if (token->is_symbol("(")) ++depth;
    if (token->is_symbol(")") && --depth == 0) return join(name->span, token->span);
  }
  return name->span;
}

Span QueryText::qualified_at(std::size_t offset) const {
  const Token* first = find_token(offset);
  if (first == nullptr) return {offset, 1};
  const Token* last = first;
  while (last + 2 < tokens_.end() && last[1].is_symbol(".") && last[2].is_name()) last += 2;
  return join(first->span, last->span);
}

bool QueryText::is_string_at(std::size_t offset) const {
  const Token* token = find_token(offset);
  return token != nullptr && token->kind == TokenKind::String;
}

TokenRange QueryText::range_of(Span span) const {
  const Token* first = find_token(span.offset);
  if (first == nullptr) return {tokens_.begin(), tokens_.begin()};
  const Token* last = first;
  while (last != tokens_.end() && last->span.end() <= span.end()) ++last;
  return {first, last};
}

std::vector<Span> QueryText::select_items() const {
  const Token* token = tokens_.begin();
  const auto skip_group = [&] {
    std::size_t depth = 0;
    for (; token != tokens_.end(); ++token) {
      if (token->is_symbol("(") || token->is_symbol("[") || token->is_symbol("{")) ++depth;
      if ((token->is_symbol(")") || token->is_symbol("]") || token->is_symbol("}")) && --depth == 0) return;
    }
  };
  const auto opens = [&] { return token->is_symbol("(") || token->is_symbol("[") || token->is_symbol("{"); };
  while (token != tokens_.end() && !token->is("SELECT")) {
    if (opens()) skip_group();
    if (token != tokens_.end()) ++token;
  }
  if (token == tokens_.end()) return {};
  ++token;
  std::vector<Span> items;
  const Token* first = token;
  for (; token != tokens_.end() && !token->is("FROM") && !(ends_from(*token) && !token->is("SELECT")); ++token) {
    if (opens()) skip_group();
    if (token == tokens_.end()) break;
    if (token->is_symbol(",")) {
      if (token != first) items.push_back(join(first->span, (token - 1)->span));
      first = token + 1;
    }
  }
  if (first < token) items.push_back(join(first->span, (token - 1)->span));
  return items;
}

std::string edited(const QueryText& query, std::vector<TextEdit> edits) {
  std::ranges::sort(edits, {}, [](const TextEdit& edit) { return edit.span.offset; });
  const std::size_t base = query.span().offset;
  const std::string& text = query.blanked();
  std::vector<TextEdit> pieces;
  auto edit = edits.begin();
  for (const Token& token : query.tokens()) {
    if (edit != edits.end() && token.span.offset >= edit->span.offset) pieces.push_back(*edit++);
    const bool replaced = !pieces.empty() && token.span.offset < pieces.back().span.end();
    const bool blanked = text[token.span.offset - base] == ' ';
    if (!replaced && !blanked) pieces.push_back({token.span, std::string(token.text)});
  }
  std::string out;
  std::size_t end = base;
  for (const TextEdit& piece : pieces) {
    const std::string_view gap = std::string_view(text).substr(end - base, piece.span.offset - end);
    if (!out.empty() && !gap.empty()) out += gap.find('\n') == std::string_view::npos ? ' ' : '\n';
    out += piece.text;
    end = piece.span.end();
  }
  return out;
}

}  // namespace sluice::sql
