#include "sql/internal/type_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::sql {
namespace {

/// Reads types from tokens. Positions of tokens are project offsets.
class TypeParser {
 public:
  /// `number` is that of errors about a type.
  TypeParser(const SourceText& source, TokenRange tokens, SqlError number, PlanningDatabase& database,
             std::vector<Error>& errors)
      : source_(source), tokens_(tokens), at_(tokens.begin()), number_(number), database_(database), errors_(errors) {}

  bool at_end() const { return at_ == tokens_.end(); }
  const Token& peek() const { return *at_; }
  void advance() { ++at_; }
  bool accept_symbol(std::string_view symbol) {
    if (at_end() || !peek().is_symbol(symbol)) return false;
    ++at_;
    return true;
  }
  bool accept(std::string_view word) {
    if (at_end() || !peek().is(word)) return false;
    ++at_;
    return true;
  }
  void fail(std::string message, std::string help) {
    const Span span = at_end() ? (tokens_.empty() ? Span{} : (at_ - 1)->span) : peek().span;
    errors_.push_back(source_.error(number_, span, std::move(message), std::move(help)));
  }

  // NOLINTNEXTLINE(misc-no-recursion): bounded by kDepthMax.
  std::optional<duckdb::LogicalType> type(std::size_t depth = 0) {
    constexpr std::size_t kDepthMax = 64;
    if (depth > kDepthMax) {
      fail("the type is nested too deeply", "");
      return std::nullopt;
    }
    if (at_end()) {
      fail("a type is missing", "write name type, as in id BIGINT");
      return std::nullopt;
    }
    const bool generic = at_ + 1 != tokens_.end() && at_[1].is_symbol("<");
    if (generic && accept("ARRAY")) return array(depth);
    if (generic && accept("MAP")) return map(depth);
    if (generic && accept("STRUCT")) return structure(depth);
    return plain();
  }

 private:
  std::optional<duckdb::LogicalType> array(std::size_t depth) {
    ++at_;
    auto element = type(depth + 1);
    if (!element || !close()) return std::nullopt;
    return duckdb::LogicalType::LIST(*element);
  }
  std::optional<duckdb::LogicalType> map(std::size_t depth) {
    ++at_;
    auto key = type(depth + 1);
    if (!key) return std::nullopt;
    if (!accept_symbol(",")) {
      fail("a map has a key type and a value type", "map<string, bigint>");
      return std::nullopt;
    }
    auto value = type(depth + 1);
    if (!value || !close()) return std::nullopt;
    return duckdb::LogicalType::MAP(*key, *value);
  }
  std::optional<duckdb::LogicalType> structure(std::size_t depth) {
    ++at_;
    duckdb::child_list_t<duckdb::LogicalType> members;
    do {
      if (at_end() || !peek().is_name()) {
        fail("a member's name is missing", "struct<x: double, y: double>");
        return std::nullopt;
      }
      std::string name = name_of(*at_++);
      accept_symbol(":");
      auto member = type(depth + 1);
      if (!member) return std::nullopt;
      members.emplace_back(std::move(name), std::move(*member));
    } while (accept_symbol(","));
    if (!close()) return std::nullopt;
    return duckdb::LogicalType::STRUCT(std::move(members));
  }
  bool close() {
    if (accept_symbol(">")) return true;
    fail("\">\" is missing", "close the type with >");
    return false;
  }

  /// A type in DuckDB's spelling: up to a comma, ">" or the words that follow a type.
  std::optional<duckdb::LogicalType> plain() {
    const Token* first = at_;
    std::size_t depth = 0;
    for (; !at_end(); ++at_) {
      if (depth == 0 && (peek().is_symbol(",") || peek().is_symbol(">") || peek().is("NOT") || peek().is("COMMENT")))
        break;
      if (peek().is_symbol("(") || peek().is_symbol("[")) ++depth;
      if ((peek().is_symbol(")") || peek().is_symbol("]")) && depth > 0) --depth;
    }
    if (first == at_) {
      fail("a type is missing", "write name type, as in id BIGINT");
      return std::nullopt;
    }
    const TokenRange range{first, at_};
    std::string text;
    for (const Token& token : range) text += fmt::format("{}{}", text.empty() ? "" : " ", token.text);
    if (range.end() - range.begin() == 1) {
      if (first->is("TIMESTAMP_NTZ")) return duckdb::LogicalType::TIMESTAMP;
      if (first->is("TIMESTAMP_LTZ")) return duckdb::LogicalType::TIMESTAMP_TZ;
      if (first->is("BYTE")) return duckdb::LogicalType::TINYINT;
    }
    // DuckDB reads a type as the beginning of a column definition, and would take these for the rest of it.
    const bool more_than_type = std::ranges::any_of(range, [](const Token& token) {
      return token.is("DEFAULT") || token.is("PRIMARY") || token.is("UNIQUE") || token.is("CHECK") ||
             token.is("GENERATED") || token.is("REFERENCES") || token.is("COLLATE") || token.is("USING");
    });
    auto found = more_than_type ? std::nullopt : database_.find_type(text);
    if (!found) {
      const auto near = near_names(text, database_.type_names());
      errors_.push_back(source_.error(number_, range.span(), fmt::format("there is no type \"{}\"", text),
                                      near.empty() ? "types are DuckDB's: BIGINT, DOUBLE, VARCHAR, TIMESTAMP, …; "
                                                     "Spark's array<…>, map<…>, struct<…> are read too"
                                                   : fmt::format("did you mean {}?", near.front())));
    }
    return found;
  }

  const SourceText& source_;
  TokenRange tokens_;
  const Token* at_;
  SqlError number_;
  PlanningDatabase& database_;
  std::vector<Error>& errors_;
};

std::optional<columnar::Schema> parse_columns(const SourceText& source, TokenRange tokens, PlanningDatabase& database,
                                              std::vector<Error>& errors) {
  TypeParser parser(source, tokens, SqlError::BadSchemaText, database, errors);
  columnar::Schema schema;
  do {
    if (parser.at_end() || !parser.peek().is_name()) {
      parser.fail("a column's name is missing", "schema => 'id BIGINT, name VARCHAR'");
      return std::nullopt;
    }
    const Token& name = parser.peek();
    parser.advance();
    parser.accept_symbol(":");
    auto type = parser.type();
    if (!type) return std::nullopt;
    if (schema.find(name_of(name))) {
      errors.push_back(source.error(SqlError::BadSchemaText, name.span,
                                    fmt::format("column \"{}\" stands twice in the schema", name_of(name)), ""));
      return std::nullopt;
    }
    if (parser.accept("NOT") && !parser.accept("NULL")) {
      parser.fail("expected NULL after NOT", "");
      return std::nullopt;
    }
    if (parser.accept("COMMENT")) {
      if (parser.at_end() || parser.peek().kind != TokenKind::String) {
        parser.fail("the comment stands in quotes", "");
        return std::nullopt;
      }
      parser.advance();
    }
    schema.fields.push_back({name_of(name), std::move(*type), true, {}});
  } while (parser.accept_symbol(","));
  if (parser.at_end()) return schema;
  parser.fail(fmt::format("expected a comma, but \"{}\" stands here", parser.peek().text), "");
  return std::nullopt;
}

}  // namespace

std::optional<duckdb::LogicalType> parse_type(const SourceText& source, TokenRange tokens, PlanningDatabase& database,
                                              std::vector<Error>& errors) {
  TypeParser parser(source, tokens, SqlError::UnknownType, database, errors);
  auto type = parser.type();
  if (!type) return std::nullopt;
  if (parser.at_end()) return type;
  parser.fail(fmt::format("\"{}\" follows the type", parser.peek().text), "");
  return std::nullopt;
}

std::optional<columnar::Schema> parse_schema_text(const SourceText& source, const Token& literal,
                                                  PlanningDatabase& database, std::vector<Error>& errors) {
  // Plain text is read where it stands, so that errors point into it; text with escapes is read from a copy, and its
  // errors point to the whole literal.
  const std::string value = string_of(literal);
  const std::size_t inside = literal.text.find(value);
  const bool plain = literal.text.starts_with('\'') && inside == 1;
  std::vector<SourceFile> copy_files = {{"schema", value}};
  const SourceText copy(copy_files);
  const SourceText& text = plain ? source : copy;
  const Span span = plain ? Span{literal.span.offset + 1, value.size()} : copy.file_span(0);

  std::vector<Error> found;
  Tokens tokens = tokenize(text, span);
  found = std::move(tokens.errors);
  std::optional<columnar::Schema> schema;
  if (found.empty()) {
    const TokenRange range{tokens.tokens.data(), tokens.tokens.data() + tokens.tokens.size() - 1};
    schema = range.empty() ? std::nullopt : parse_columns(text, range, database, found);
    if (range.empty())
      found.push_back(source.error(SqlError::BadSchemaText, literal.span, "the schema is empty",
                                   "schema => 'id BIGINT, name VARCHAR'"));
  }
  for (Error& error : found) {
    errors.push_back(plain ? std::move(error) : std::move(error).at(source.locate(literal.span)));
  }
  return schema;
}

}  // namespace sluice::sql
