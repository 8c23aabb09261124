#include "sql/internal/duckdb_error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

namespace sluice::sql {
namespace {

std::string extra(const duckdb::ErrorData& error, const char* key) {
  const auto found = error.ExtraInfo().find(key);
  return found == error.ExtraInfo().end() ? std::string() : found->second;
}

std::string first_line(const std::string& message) {
  std::string line = message.substr(0, message.find('\n'));
  while (!line.empty() && (line.back() == '!' || line.back() == '.' || line.back() == ' ')) line.pop_back();
  return line;
}

/// Returns what stands in quotes in `text`, in order.
std::vector<std::string> quoted(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find_first_of("\"'", at);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find(text[open], open + 1);
    if (close == std::string_view::npos) break;
    out.emplace_back(text.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  return out;
}

/// Returns the names in the lines of DuckDB's message that propose something.
std::vector<std::string> proposed(const std::string& message) {
  for (const std::string_view head : {"Candidate", "Did you mean"}) {
    const std::size_t at = message.find(head);
    if (at != std::string::npos) return quoted(std::string_view(message).substr(at));
  }
  return {};
}

std::string did_you_mean(const std::vector<std::string>& near) {
  std::string out = "did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i > 0) out += i + 1 == near.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", near[i]);
  }
  return out + "?";
}

class Translator {
 public:
  Translator(const ErrorContext& context, PlanningDatabase& database, const duckdb::ErrorData& error)
      : context_(context), database_(database), error_(error), raw_(error.RawMessage()), message_(first_line(raw_)) {}

  Error run() {
    using duckdb::ExceptionType;
    switch (error_.Type()) {
      case ExceptionType::INTERNAL:
      case ExceptionType::FATAL:
        return make(SqlError::PlannerFailed, "DuckDB's planner failed on this query: " + message_,
                    "this is a fault of sluice or DuckDB: please report the query");
      case ExceptionType::PARSER:
      case ExceptionType::SYNTAX: return syntax();
      case ExceptionType::CATALOG: return catalog();
      case ExceptionType::BINDER: return binder();
      case ExceptionType::CONVERSION:
      case ExceptionType::INVALID_INPUT:
      case ExceptionType::OUT_OF_RANGE:
      case ExceptionType::DECIMAL:
      case ExceptionType::DIVIDE_BY_ZERO:
        return make(SqlError::BadConstant, fmt::format("DuckDB cannot take a constant here: {}", message_));
      default: return make(SqlError::Binding, message_);
    }
  }

 private:
  Error make(SqlError number, std::string message, std::string help = {}) {
    return make_at(place(), number, std::move(message), std::move(help));
  }
  Error make_at(Span span, SqlError number, std::string message, std::string help = {}) {
    return context_.source.error(number, span, std::move(message), std::move(help));
  }

  std::optional<std::size_t> position() const {
    const std::string text = extra(error_, "position");
    std::size_t offset = 0;
    if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), offset).ec != std::errc())
      return std::nullopt;
    return offset;
  }

  Span place() const {
    if (const auto offset = position()) {
      // The end of the text is shown at the last token, where the query stops too early.
      if (*offset >= context_.query.span().end() && position_is_end()) return (context_.query.tokens().end() - 1)->span;
      return context_.tokens.token_at(*offset);
    }
    for (const std::string& name : quoted(raw_)) {
      if (const auto found = context_.query.find_word(name)) return *found;
    }
    for (const Token& token : context_.query.tokens()) {  // text that the message ends with or repeats
      if (token.kind == TokenKind::String && token.text.size() > 2 &&
          message_.find(string_of(token)) != std::string::npos)
        return token.span;
    }
    for (const std::string_view clause : {"GROUP", "UNION", "EXCEPT", "INTERSECT", "LIMIT"}) {
      const bool named = message_.starts_with(clause) || (clause != "GROUP" && message_.starts_with("Set operations"));
      if (const auto found = context_.query.find_word(clause); named && found) return *found;
    }
    return context_.query.tokens().begin()->span;
  }
  bool position_is_end() const { return raw_.find("end of input") != std::string::npos; }

  Error syntax() {
    if (position_is_end()) return make(SqlError::Syntax, "the query ends too early", "something is missing after this");
    const std::size_t near = message_.find(" at or near ");
    if (near == std::string::npos || message_.find("syntax error") != 0) return make(SqlError::Syntax, message_);
    const Span at = place();
    const Token* token = nullptr;
    for (const Token& candidate : context_.query.tokens()) {
      if (candidate.span.offset == at.offset) token = &candidate;
    }
    return make(SqlError::Syntax, fmt::format("syntax error at {}", message_.substr(near + 12)),
                token == nullptr ? "" : syntax_help(*token));
  }

  std::string syntax_help(const Token& token) const {
    const TokenRange& tokens = context_.query.tokens();
    if (&token == tokens.begin()) return "";
    const Token& before = *(&token - 1);
    static constexpr std::array<std::string_view, 9> kClauses = {"FROM",  "WHERE", "GROUP",   "HAVING", "ORDER",
                                                                 "LIMIT", "UNION", "QUALIFY", "JOIN"};
    const bool is_clause = std::ranges::any_of(kClauses, [&](std::string_view word) { return token.is(word); });
    if (before.is_symbol(",") && (is_clause || token.is_symbol(")"))) return "there is a comma too many before this";
    std::vector<std::string> keywords = {"SELECT",  "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT",
                                         "QUALIFY", "JOIN", "UNION", "AND",   "AS",     "BY"};
    // A misspelt keyword is read as an alias, and the parser stumbles over what follows.
    for (const Token* word : {&before, &token}) {
      if (word->kind != TokenKind::Word ||
          std::ranges::any_of(keywords, [&](const std::string& known) { return word->is(known); }))
        continue;
      const auto near = near_names(word->text, keywords);
      if (!near.empty() && word->text.size() > 2)
        return fmt::format("did you mean {} instead of \"{}\"?", near.front(), word->text);
    }
    const bool ends_value = before.is_name() || before.kind == TokenKind::Number || before.kind == TokenKind::String ||
                            before.is_symbol(")");
    const bool begins_value = token.is_name() || token.kind == TokenKind::Number || token.kind == TokenKind::String;
    if (ends_value && begins_value && !is_clause) return "is a comma missing before this?";
    return "";
  }

  Error catalog() {
    const std::string name = extra(error_, "name");
    const std::string type = extra(error_, "type");
    if (name.empty()) return make(SqlError::Binding, message_);
    if (type == "Type") {
      const auto near = near_names(name, database_.type_names());
      return make(SqlError::UnknownType, fmt::format("there is no type \"{}\"", name),
                  near.empty() ? "" : did_you_mean(near));
    }
    if (type.find("Function") != std::string::npos) {
      const auto near = near_names(name, database_.function_names());
      if (!near.empty() && near.front() == name) {
        return make(SqlError::UnknownFunction, fmt::format("{}() is a window function", name),
                    fmt::format("say over which rows: {}() OVER (…)", name));
      }
      return make(SqlError::UnknownFunction, fmt::format("there is no function \"{}\"", name),
                  near.empty() ? "functions are DuckDB's" : did_you_mean(near));
    }
    return make(SqlError::Binding, message_);
  }

  Error binder() {
    const std::string subtype = extra(error_, "error_subtype");
    if (subtype == "COLUMN_NOT_FOUND") return unknown_column(extra(error_, "name"));
    if (subtype == "NO_MATCHING_FUNCTION") return wrong_types();
    const auto has = [&](std::string_view part) { return raw_.find(part) != std::string::npos; };
    const auto names = quoted(raw_);
    if (has("does not have a column named") && names.size() > 1) return unknown_column(names[1]);
    if (has("Could not find key") && !names.empty()) return unknown_member(names[0]);
    if (has("in EXCLUDE list not found") || has("in REPLACE list not found") || has("does not exist on")) {
      return names.empty() ? make(SqlError::UnknownColumn, message_) : unknown_column(names[0]);
    }
    if (has("Referenced table") && !names.empty()) {
      const auto near = near_names(names[0], {names.begin() + 1, names.end()});
      return make(SqlError::UnknownDataset, fmt::format("nothing in FROM is called \"{}\"", names[0]),
                  !near.empty() ? did_you_mean(near)
                  : names.size() > 1
                      ? fmt::format("relations here are {}", fmt::join(names.begin() + 1, names.end(), ", "))
                      : "");
    }
    if (has("Ambiguous reference")) return make(SqlError::AmbiguousName, message_);
    if (has("must appear in the GROUP BY")) {
      return make(SqlError::NotGrouped,
                  fmt::format("column \"{}\" is neither grouped by nor aggregated", names.empty() ? "" : names[0]),
                  "add it to GROUP BY, write GROUP BY ALL, or aggregate it");
    }
    if (has("explicit cast") || has("Cannot compare") || has("Cannot combine types") || has("Cannot mix")) {
      return make(SqlError::WrongTypes, message_, "cast one side: value::TYPE");
    }
    if (has("cannot contain aggregates")) return make(SqlError::Binding, message_, "filter groups with HAVING");
    if (has("cannot contain window functions"))
      return make(SqlError::Binding, message_, "filter by a window function with QUALIFY");
    if (has("Cannot extract field"))
      return make(SqlError::WrongTypes, message_, "only a STRUCT, MAP or JSON value has fields");
    return make(SqlError::Binding, message_);
  }

  Error unknown_column(const std::string& name) {
    std::vector<std::string> candidates = proposed(raw_);
    for (std::string& candidate : candidates) {  // "t.a": the column is what counts
      if (const std::size_t dot = candidate.rfind('.'); dot != std::string::npos) candidate.erase(0, dot + 1);
    }
    candidates.insert(candidates.end(), context_.columns.begin(), context_.columns.end());
    const auto near = near_names(name, candidates);
    std::string help;
    constexpr std::size_t kShownMax = 12;
    if (!near.empty()) {
      help = did_you_mean(near);
    } else if (!context_.columns.empty()) {
      const std::size_t shown = std::min(kShownMax, context_.columns.size());
      help = fmt::format(
          "columns are {}{}",
          fmt::join(context_.columns.begin(), context_.columns.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
          shown < context_.columns.size() ? ", …" : "");
    }
    return make_at(column_place(name), SqlError::UnknownColumn, fmt::format("column \"{}\" not found", name),
                   std::move(help));
  }
  Error unknown_member(const std::string& name) {
    const auto members = proposed(raw_);
    const auto near = near_names(name, members);
    return make(SqlError::UnknownColumn, fmt::format("the STRUCT has no member \"{}\"", name),
                !near.empty() ? did_you_mean(near) : fmt::format("members like it are {}", fmt::join(members, ", ")));
  }
  /// DuckDB points to the beginning of a.b.c; the column is one of its parts.
  Span column_place(const std::string& name) const {
    const Span start = place();
    const TokenRange parts = context_.query.range_of(context_.query.qualified_at(start.offset));
    for (const Token& part : parts) {
      if (part.is_name() && duckdb::StringUtil::CIEquals(name_of(part), name)) return part.span;
    }
    return start;
  }

  Error wrong_types() {
    std::string call = extra(error_, "call");
    // DuckDB's names for the types of bare literals.
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"INTEGER_LITERAL", "INTEGER"}, {"STRING_LITERAL", "VARCHAR"}}) {
      for (std::size_t at = call.find(from); at != std::string::npos; at = call.find(from))
        call.replace(at, from.size(), to);
    }
    if (!call.empty() && std::isalpha(static_cast<unsigned char>(call[0])) == 0) {
      return make(SqlError::WrongTypes, fmt::format("the operator {} cannot be applied here", call),
                  "cast one side: value::TYPE");
    }
    std::vector<std::string> forms;
    constexpr std::size_t kFormsMax = 4;
    std::size_t start = raw_.find("Candidate functions:");
    while (start != std::string::npos && forms.size() < kFormsMax) {
      start = raw_.find('\t', start);
      if (start == std::string::npos) break;
      const std::size_t end = raw_.find('\n', ++start);
      forms.push_back(raw_.substr(start, end == std::string::npos ? end : end - start));
    }
    return make(SqlError::WrongTypes, fmt::format("no function matches {}", call),
                forms.empty() ? "cast the arguments: value::TYPE"
                              : fmt::format("cast the arguments; there is {}", fmt::join(forms, ", ")));
  }

  const ErrorContext& context_;
  PlanningDatabase& database_;
  const duckdb::ErrorData& error_;
  std::string raw_;
  std::string message_;
};

}  // namespace

Span ProjectTokens::token_at(std::size_t offset) const {
  for (const std::vector<Token>* tokens : files_) {
    if (tokens->empty() || offset >= tokens->back().span.end() || offset < tokens->front().span.offset) continue;
    const auto after =
        std::ranges::upper_bound(*tokens, offset, {}, [](const Token& token) { return token.span.offset; });
    if (after == tokens->begin()) break;
    const Token& token = *(after - 1);
    if (offset < token.span.end()) return {offset, token.span.end() - offset};
  }
  return {offset, 1};
}

Error to_error(const ErrorContext& context, PlanningDatabase& database, const duckdb::ErrorData& error) {
  return Translator(context, database, error).run();
}

}  // namespace sluice::sql
