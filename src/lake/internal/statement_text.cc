#include "lake/internal/statement_text.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parser.hpp>

#include "delta/table_properties.h"
#include "lake/internal/table_inspection.h"

namespace sluice::lake {
namespace {

enum class TokenKind { Word, QuotedName, Number, String, Operator };

struct Token {
  TokenKind kind;
  std::size_t begin;
  std::size_t end;
};

bool continues_word(char c) {
  return duckdb::StringUtil::CharacterIsAlpha(c) || duckdb::StringUtil::CharacterIsDigit(c) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Returns where text ends that `quote` encloses, and which has it twice for once; `begin` is behind the opening one.
std::size_t end_of_quoted(std::string_view sql, std::size_t begin, char quote, bool has_escapes) {
  for (std::size_t i = begin; i < sql.size(); ++i) {
    if (has_escapes && sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      if (i + 1 >= sql.size() || sql[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return sql.size();
}

std::size_t end_of_string(std::string_view sql, std::size_t begin) {
  if (sql[begin] == '$') {
    const std::string_view tag = sql.substr(begin, sql.find('$', begin + 1) + 1 - begin);
    const std::size_t close = sql.find(tag, begin + tag.size());
    return close == std::string_view::npos ? sql.size() : close + tag.size();
  }
  const std::size_t quote = sql.find('\'', begin);
  if (quote == std::string_view::npos) return sql.size();
  const bool has_escapes = quote > begin && (sql[begin] == 'e' || sql[begin] == 'E');
  return end_of_quoted(sql, quote + 1, '\'', has_escapes);
}

std::size_t end_of_number(std::string_view sql, std::size_t begin) {
  std::size_t end = begin;
  while (end < sql.size() && (continues_word(sql[end]) || sql[end] == '.')) ++end;
  return end;
}

std::size_t end_of_word(std::string_view sql, std::size_t begin) {
  std::size_t end = begin;
  while (end < sql.size() && continues_word(sql[end])) ++end;
  return end;
}

Token token_at(std::string_view sql, const duckdb::SimplifiedToken& token) {
  using Type = duckdb::SimplifiedTokenType;
  const std::size_t begin = token.start;
  switch (token.type) {
    case Type::SIMPLIFIED_TOKEN_STRING_CONSTANT: return {TokenKind::String, begin, end_of_string(sql, begin)};
    case Type::SIMPLIFIED_TOKEN_NUMERIC_CONSTANT: return {TokenKind::Number, begin, end_of_number(sql, begin)};
    case Type::SIMPLIFIED_TOKEN_IDENTIFIER:
    case Type::SIMPLIFIED_TOKEN_KEYWORD:
      if (sql[begin] == '"') return {TokenKind::QuotedName, begin, end_of_quoted(sql, begin + 1, '"', false)};
      return {TokenKind::Word, begin, end_of_word(sql, begin)};
    default: return {TokenKind::Operator, begin, begin + 1};
  }
}

/// Returns where blanks and comments that begin here end, `limit` at most.
std::size_t end_of_blanks(std::string_view sql, std::size_t at, std::size_t limit) {
  while (at < limit) {
    if (duckdb::StringUtil::CharacterIsSpace(sql[at])) {
      ++at;
    } else if (sql.substr(at, 2) == "--") {
      at = sql.find('\n', at);
    } else if (sql.substr(at, 2) == "/*") {
      std::size_t depth = 1;
      for (at += 2; at < limit && depth > 0; ++at) {
        if (sql.substr(at, 2) == "/*") {
          ++depth;
          ++at;
        } else if (sql.substr(at, 2) == "*/") {
          --depth;
          ++at;
        }
      }
    } else {
      return at;
    }
  }
  return limit;
}

/// Where DuckDB's lexer goes on longer than the token's first look tells, up to the next one: `1e+5`, `>=`, `$1`, and
/// strings that stand in several parts.
void take_rest(std::string_view sql, Token& token, std::size_t limit) {
  const bool has_escapes = sql[token.begin] == 'e' || sql[token.begin] == 'E';
  for (;;) {
    std::size_t at = end_of_blanks(sql, token.end, limit);
    if (at >= limit) return;
    if (sql[at] == '\'') {
      at = end_of_quoted(sql, at + 1, '\'', has_escapes);
    } else {
      while (at < limit && !duckdb::StringUtil::CharacterIsSpace(sql[at]) && sql[at] != '\'') ++at;
    }
    token.end = std::min(at, limit);
  }
}

/// Returns the words of a text; nullopt if it cannot be read, as when a quotation does not end.
std::optional<std::vector<Token>> tokens_of(std::string_view sql) {
  std::vector<Token> tokens;
  try {
    for (const duckdb::SimplifiedToken& token : duckdb::Parser::Tokenize(std::string(sql))) {
      if (token.type == duckdb::SimplifiedTokenType::SIMPLIFIED_TOKEN_COMMENT) continue;
      if (token.start < sql.size()) tokens.push_back(token_at(sql, token));
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool is_name = tokens[i].kind == TokenKind::Word || tokens[i].kind == TokenKind::QuotedName;
    if (!is_name) take_rest(sql, tokens[i], i + 1 < tokens.size() ? tokens[i + 1].begin : sql.size());
  }
  return tokens;
}

/// Room for what stands before a condition when it is parsed by itself.
constexpr std::size_t kConditionPrefixMax = 64;

/// What stands in place of a part of a statement: texts of ours and other parts of it, in this order.
struct Replacement {
  struct Piece {
    std::string text;  ///< Of ours, if it is not empty; else the part of the statement:
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::size_t begin;
  std::size_t end;
  std::vector<Piece> pieces;
};

/// Finds the forms that DuckDB's grammar lacks.
class Adapter {
 public:
  Adapter(std::string_view sql, std::vector<Token> tokens) : sql_(sql), tokens_(std::move(tokens)) {}

  void run() {
    std::size_t first = 0;
    if (is_word(first, "EXPLAIN")) {
      ++first;
      if (is_word(first, "ANALYZE")) ++first;
    }
    find_lacking(first);
    static_cast<void>(inspection(first) || show(first) || alter_table(first) || create_table(first) || insert(first) ||
                      merge(first));
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      table_by_folder(i);
      time_travel(i);
      read_delta_timestamp(i);
    }
    std::ranges::stable_sort(replacements_, {}, &Replacement::begin);
  }

  const std::vector<Replacement>& replacements() const { return replacements_; }
  StatementExtras take_extras() { return std::move(extras_); }

 private:
  using Piece = Replacement::Piece;

  std::string_view text(std::size_t i) const {
    return sql_.substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin);
  }
  bool is_kind(std::size_t i, TokenKind kind) const { return i < tokens_.size() && tokens_[i].kind == kind; }
  bool is_word(std::size_t i, std::string_view word) const {
    return is_kind(i, TokenKind::Word) && duckdb::StringUtil::CIEquals(std::string(text(i)), std::string(word));
  }
  bool are_words(std::size_t i, std::initializer_list<std::string_view> words) const {
    return std::ranges::all_of(words, [&](std::string_view word) { return is_word(i++, word); });
  }
  bool is_operator(std::size_t i, char c) const {
    return is_kind(i, TokenKind::Operator) && sql_[tokens_[i].begin] == c;
  }
  bool is_name(std::size_t i) const { return is_kind(i, TokenKind::Word) || is_kind(i, TokenKind::QuotedName); }

  /// Returns where the token begins, the end of the statement's last one if there is none.
  std::size_t begin_of(std::size_t i) const { return i < tokens_.size() ? tokens_[i].begin : tokens_.back().end; }
  Piece part(std::size_t first, std::size_t end) const { return {"", tokens_[first].begin, tokens_[end - 1].end}; }

  /// Returns the name that the token is.
  std::string name(std::size_t i) const {
    if (tokens_[i].kind == TokenKind::Word) return std::string(text(i));
    const std::string_view quoted = text(i);
    return duckdb::StringUtil::Replace(std::string(quoted.substr(1, quoted.size() - 2)), "\"\"", "\"");
  }

  /// Returns what the token says if it is a string, or else its name; "" if it is neither.
  std::string name_or_text(std::size_t i) const {
    if (is_name(i)) return name(i);
    if (!is_kind(i, TokenKind::String) || sql_[tokens_[i].begin] != '\'') return "";
    const std::string_view quoted = text(i);
    return duckdb::StringUtil::Replace(std::string(quoted.substr(1, quoted.size() - 2)), "''", "'");
  }

  /// Returns the token behind a name with dots; `first` if there is none.
  std::size_t end_of_name(std::size_t first) const {
    if (!is_name(first)) return first;
    std::size_t end = first + 1;
    while (is_operator(end, '.') && is_name(end + 1)) end += 2;
    return end;
  }

  bool is_open(std::size_t i) const { return is_operator(i, '(') || is_operator(i, '[') || is_operator(i, '{'); }

  /// Returns the token behind the bracket that closes the one at `open`; the statement's end if none does.
  std::size_t end_of_brackets(std::size_t open) const {
    std::size_t depth = 0;
    for (std::size_t i = open; i < tokens_.size(); ++i) {
      if (is_open(i)) ++depth;
      if ((is_operator(i, ')') || is_operator(i, ']') || is_operator(i, '}')) && --depth == 0) return i + 1;
    }
    return tokens_.size();
  }

  void replace(std::size_t first, std::size_t end, std::vector<Piece> pieces) {
    replacements_.push_back({tokens_[first].begin, tokens_[end - 1].end, std::move(pieces)});
  }
  void replace(std::size_t first, std::size_t end, std::string ours) {
    replace(first, end, std::vector<Piece>{{std::move(ours)}});
  }
  /// An empty text of ours would be a part of the statement.
  void leave_out(std::size_t first, std::size_t end) { replace(first, end, " "); }

  void find_lacking(std::size_t first) {
    static constexpr std::array<std::string_view, 9> kVerbs = {"OPTIMIZE", "VACUUM", "ANALYZE", "RESTORE", "CONVERT",
                                                               "FSCK",     "MSCK",   "REORG",   "CACHE"};
    for (const std::string_view verb : kVerbs) {
      if (is_word(first, verb)) extras_.lacking = verb;
    }
    if (are_words(first, {"COPY", "INTO"})) extras_.lacking = "COPY INTO";
    if (are_words(first, {"SHOW", "CREATE"})) extras_.lacking = "SHOW CREATE TABLE";
    if (are_words(first, {"SHOW", "PARTITIONS"})) extras_.lacking = "SHOW PARTITIONS";
  }

  /// A table that is named by its folder: delta.`folder`.
  struct Folder {
    std::string path;
    std::size_t end;     ///< In the text.
    std::size_t behind;  ///< The token behind.
  };

  std::optional<Folder> folder_at(std::size_t i) const {
    if (!is_word(i, "delta") || sql_.substr(tokens_[i].end, 2) != ".`") return std::nullopt;
    const std::size_t begin = tokens_[i].end + 2;
    const std::size_t close = sql_.find('`', begin);
    if (close == std::string_view::npos) return std::nullopt;
    Folder folder{std::string(sql_.substr(begin, close - begin)), close + 1, i + 1};
    while (folder.behind < tokens_.size() && tokens_[folder.behind].begin <= close) ++folder.behind;
    return folder;
  }

  /// What a function that looks at a table is given: the table that is named at a token.
  struct Named {
    std::string argument;
    std::size_t end;  ///< In the text.
  };

  std::optional<Named> table_named_at(std::size_t i) const {
    if (const auto folder = folder_at(i)) {
      return Named{duckdb::KeywordHelper::WriteQuoted(folder->path, '\''), folder->end};
    }
    if (is_kind(i, TokenKind::String)) return Named{std::string(text(i)), tokens_[i].end};
    const std::size_t end = end_of_name(i);
    if (end == i) return std::nullopt;
    std::string argument;
    for (std::size_t k = i; k < end; k += 2) {
      argument += (argument.empty() ? "[" : ", ") + duckdb::KeywordHelper::WriteQuoted(name(k), '\'');
    }
    return Named{argument + "]", tokens_[end - 1].end};
  }

  /// DESCRIBE HISTORY|DETAIL name|'folder', DESCRIBE [TABLE] EXTENDED name
  bool inspection(std::size_t first) {
    if (!is_word(first, "DESCRIBE") && !is_word(first, "DESC")) return false;
    const std::size_t extended = is_word(first + 1, "TABLE") ? first + 2 : first + 1;
    if (is_word(extended, "EXTENDED") && is_name(extended + 1)) {
      leave_out(first + 1, extended + 1);
      return true;
    }
    const bool history = is_word(first + 1, "HISTORY");
    if (!history && !is_word(first + 1, "DETAIL")) return false;
    const auto table = table_named_at(first + 2);
    if (!table) return false;
    replacements_.push_back({tokens_[first].begin,
                             table->end,
                             {{fmt::format("SELECT * FROM {}({})",
                                           history ? kTableHistoryFunction : kTableDetailFunction, table->argument)}}});
    return true;
  }

  /// SHOW TBLPROPERTIES name|'folder', SHOW TABLES IN schema
  bool show(std::size_t first) {
    if (!is_word(first, "SHOW")) return false;
    if (are_words(first + 1, {"TABLES", "IN"})) replace(first + 2, first + 3, "FROM");
    if (!is_word(first + 1, "TBLPROPERTIES")) return true;
    if (const auto table = table_named_at(first + 2)) {
      replacements_.push_back({tokens_[first].begin,
                               table->end,
                               {{fmt::format(R"(SELECT property.key AS "key", property.value AS "value" FROM (SELECT )"
                                             R"(unnest(map_entries(properties)) AS property FROM {}({})) ORDER BY ALL)",
                                             kTableDetailFunction, table->argument)}}});
    }
    return true;
  }

  /// delta.`folder` [VERSION|TIMESTAMP AS OF value], where a table is read.
  void table_by_folder(std::size_t i) {
    const auto folder = folder_at(i);
    if (!folder || i == 0) return;
    static constexpr std::array<std::string_view, 4> kWritten = {"INTO", "UPDATE", "TABLE", "OVERWRITE"};
    if (std::ranges::any_of(kWritten, [&](std::string_view word) { return is_word(i - 1, word); })) {
      extras_.lacking = "changing a table by its folder's name (ATTACH the folder above it)";
      return;
    }
    std::vector<Piece> pieces{{fmt::format("read_delta({}", duckdb::KeywordHelper::WriteQuoted(folder->path, '\''))}};
    std::size_t end = folder->end;
    const std::size_t at = is_word(folder->behind, "FOR") ? folder->behind + 1 : folder->behind;
    const bool version = is_word(at, "VERSION") || is_word(at, "SYSTEM_VERSION");
    const bool time = is_word(at, "TIMESTAMP") || is_word(at, "SYSTEM_TIME");
    if ((version || time) && are_words(at + 1, {"AS", "OF"}) && end_of_value(at + 3) > at + 3) {
      const std::size_t behind = end_of_value(at + 3);
      pieces.push_back({version ? ", version => " : ", as_of => "});
      pieces.push_back(part(at + 3, behind));
      end = tokens_[behind - 1].end;
    }
    pieces.push_back({")"});
    replacements_.push_back({tokens_[i].begin, end, std::move(pieces)});
  }

  bool alter_table(std::size_t first) {
    if (!are_words(first, {"ALTER", "TABLE"})) return false;
    std::size_t i = first + 2;
    if (are_words(i, {"IF", "EXISTS"})) i += 2;
    i = end_of_name(i);
    if (are_words(i, {"SET", "TBLPROPERTIES"})) {
      replace(i, i + 2, "SET");
    } else if (are_words(i, {"UNSET", "TBLPROPERTIES"})) {
      const bool if_exists = are_words(i + 2, {"IF", "EXISTS"});
      extras_.if_exists = if_exists;
      replace(i, i + (if_exists ? 4 : 2), "RESET");
    } else if (are_words(i, {"ADD", "CONSTRAINT"}) && is_name(i + 2) && is_word(i + 3, "CHECK") &&
               is_operator(i + 4, '(')) {
      add_constraint(i);
    } else if (are_words(i, {"DROP", "CONSTRAINT"})) {
      extras_.if_exists = are_words(i + 2, {"IF", "EXISTS"});
      const std::size_t constraint = i + (extras_.if_exists ? 4 : 2);
      if (is_name(constraint)) {
        replace(i, constraint + 1, fmt::format("RESET ({})", constraint_key(name(constraint))));
      }
    } else if ((is_word(i, "ADD") || is_word(i, "DROP")) && (is_word(i + 1, "COLUMNS") || is_word(i + 1, "COLUMN")) &&
               is_operator(i + 2, '(')) {
      change_columns(i);
    } else if (is_word(i, "ADD")) {
      add_column(i);
    } else if (is_word(i, "ALTER") || is_word(i, "CHANGE")) {
      if (!change_type(i)) move_column(i);
    }
    return true;
  }

  /// Returns where FIRST or AFTER name begins before `end`; `end` if it is not there.
  std::size_t find_place(std::size_t end) const {
    if (is_word(end - 1, "FIRST")) return end - 1;
    return is_word(end - 2, "AFTER") && is_name(end - 1) ? end - 2 : end;
  }
  std::size_t find_place() const { return find_place(tokens_.size()); }

  /// ADD|DROP COLUMNS (a …, b …): the first is the statement's, the others are further steps.
  void change_columns(std::size_t i) {
    const std::size_t close = end_of_brackets(i + 2);
    if (close != tokens_.size() || !is_operator(close - 1, ')')) return;
    std::vector<std::pair<std::size_t, std::size_t>> columns;
    for (std::size_t begin = i + 3, k = begin; k < close; k = is_open(k) ? end_of_brackets(k) : k + 1) {
      if (k + 1 != close && !is_operator(k, ',')) continue;
      if (k == begin) return;  // nothing between two commas: a mistake, for DuckDB to show
      columns.emplace_back(begin, k);
      begin = k + 1;
    }
    if (columns.empty()) return;
    const auto [begin, end] = columns.front();
    const std::size_t place = is_word(i, "ADD") ? find_place(end) : end;
    if (place < end && place > begin + 1) take_place(place);
    replace(i + 1, tokens_.size(), {{"COLUMN "}, part(begin, extras_.place ? place : end)});
    for (std::size_t k = 1; k < columns.size(); ++k) {
      const std::string_view column = sql_.substr(tokens_[columns[k].first].begin,
                                                  tokens_[columns[k].second - 1].end - tokens_[columns[k].first].begin);
      extras_.further_steps.push_back(fmt::format("{} COLUMN {}", text(i), column));
    }
  }

  void take_place(std::size_t place) {
    extras_.place.emplace();
    if (is_word(place, "AFTER")) extras_.place->after = name(place + 1);
  }

  /// ADD [COLUMN] [IF NOT EXISTS] c type … FIRST|AFTER d
  void add_column(std::size_t i) {
    std::size_t column = is_word(i + 1, "COLUMN") ? i + 2 : i + 1;
    if (are_words(column, {"IF", "NOT", "EXISTS"})) column += 3;
    const std::size_t place = find_place();
    if (place <= end_of_name(column) || place == tokens_.size()) return;
    take_place(place);
    leave_out(place, tokens_.size());
  }

  /// ALTER|CHANGE [COLUMN] c [SET DATA] TYPE type, where c may have members and the type Spark's names.
  bool change_type(std::size_t i) {
    const std::size_t column = is_word(i + 1, "COLUMN") ? i + 2 : i + 1;
    const std::size_t end = end_of_name(column);
    if (end == column) return false;
    const std::size_t type = are_words(end, {"SET", "DATA", "TYPE"}) ? end + 3 : is_word(end, "TYPE") ? end + 1 : end;
    if (type == end) return false;
    for (std::size_t k = column; k < end; k += 2) extras_.typed_path.push_back(name(k));
    if (is_word(i, "CHANGE")) replace(i, i + 1, "ALTER");
    if (end > column + 1) replace(column, end, {part(column, column + 1)});
    for (std::size_t k = type; k < tokens_.size(); ++k) {
      if (is_word(k, "BYTE")) replace(k, k + 1, "TINYINT");
      if (is_word(k, "TIMESTAMP_NTZ")) replace(k, k + 1, "TIMESTAMP");
    }
    return true;
  }

  /// ALTER|CHANGE [COLUMN] c FIRST|AFTER d
  void move_column(std::size_t i) {
    const std::size_t column = is_word(i + 1, "COLUMN") ? i + 2 : i + 1;
    const std::size_t end = end_of_name(column);
    if (end == column || end == tokens_.size() || find_place() != end) return;
    take_place(end);
    replace(i, tokens_.size(), {{"RENAME COLUMN "}, part(column, end), {" TO "}, part(end - 1, end)});
  }

  static std::string constraint_property(const std::string& constraint) {
    return std::string(delta::kConstraintPrefix) + constraint;
  }
  static std::string constraint_key(const std::string& constraint) {
    return duckdb::KeywordHelper::WriteQuoted(constraint_property(constraint), '\'');
  }

  /// Returns what stands in the brackets, as a string of SQL.
  std::string condition_text(std::size_t open, std::size_t end) const {
    const std::size_t begin = tokens_[open + 1].begin;
    return duckdb::KeywordHelper::WriteQuoted(std::string(sql_.substr(begin, tokens_[end - 2].end - begin)), '\'');
  }

  void add_constraint(std::size_t i) {
    const std::size_t end = end_of_brackets(i + 4);
    if (end < i + 7) return;
    replace(i, end, fmt::format("SET ({} = {})", constraint_key(name(i + 2)), condition_text(i + 4, end)));
  }

  /// CREATE TABLE … in any order of its clauses: USING DELTA, PARTITIONED BY (…), TBLPROPERTIES|WITH (…); with CHECK
  /// among its columns.
  bool create_table(std::size_t first) {
    if (!is_word(first, "CREATE")) return false;
    std::size_t i = first + 1;
    if (are_words(i, {"OR", "REPLACE"})) i += 2;
    if (!is_word(i, "TABLE")) return false;
    ++i;
    if (are_words(i, {"IF", "NOT", "EXISTS"})) i += 3;
    i = end_of_name(i);
    const std::size_t columns = i;
    if (is_operator(i, '(')) i = end_of_brackets(i);
    const std::size_t clauses = i;
    std::vector<Piece> partitioned;
    std::size_t options = 0;  // the bracket of the properties
    std::size_t options_end = 0;
    bool any = false;
    while (i < tokens_.size()) {
      if (are_words(i, {"USING", "DELTA"})) {
        i += 2;
        any = true;
      } else if (are_words(i, {"PARTITIONED", "BY"}) && is_operator(i + 2, '(') && partitioned.empty()) {
        const std::size_t end = end_of_brackets(i + 2);
        partitioned = {{" "}, part(i, end)};
        i = end;
      } else if ((is_word(i, "TBLPROPERTIES") || is_word(i, "WITH")) && is_operator(i + 1, '(') && options == 0) {
        options = i + 1;
        options_end = end_of_brackets(options);
        any = any || is_word(i, "TBLPROPERTIES");
        i = options_end;
      } else {
        break;
      }
    }
    const std::string constraints = take_constraints(columns, clauses, options, options_end);
    if (!any && constraints.empty()) return true;
    std::vector<Piece> pieces = std::move(partitioned);
    if (!constraints.empty()) {
      const bool alone = options == 0 || options + 2 == options_end;
      pieces.push_back({fmt::format(" WITH ({}{}", constraints, alone ? ")" : ", ")});
      if (!alone) pieces.push_back(part(options + 1, options_end));
    } else if (options != 0) {
      pieces.push_back({" WITH "});
      pieces.push_back(part(options, options_end));
    }
    pieces.push_back({" "});
    replacements_.push_back(
        {begin_of(clauses), i == clauses ? begin_of(clauses) : tokens_[i - 1].end, std::move(pieces)});
    return true;
  }

  /// A CHECK among the columns of CREATE TABLE.
  struct Check {
    std::size_t begin;  ///< CONSTRAINT, if it has a name.
    std::size_t check;
    std::size_t end;
    std::size_t element;  ///< Where the column, or the constraint of the table, begins.
  };

  std::vector<Check> checks_in(std::size_t open, std::size_t end) const {
    std::vector<Check> checks;
    std::size_t element = open + 1;
    for (std::size_t i = open + 1; i + 1 < end;) {
      if (is_operator(i, ',')) {
        element = ++i;
        continue;
      }
      const std::size_t behind = is_operator(i, '(') || is_operator(i, '[') ? end_of_brackets(i) : i + 1;
      if (is_operator(i, '(') && behind > i + 2 && is_word(i - 1, "CHECK")) {
        const bool has_name = i >= element + 3 && is_word(i - 3, "CONSTRAINT") && is_name(i - 2);
        checks.push_back({has_name ? i - 3 : i - 1, i - 1, behind, element});
      }
      i = behind;
    }
    return checks;
  }

  /// Leaves the CHECKs out of the columns, from bracket to bracket; returns the properties that they become. Nothing if
  /// two have the same name, which is DuckDB's to read and CREATE TABLE's to refuse.
  std::string take_constraints(std::size_t open, std::size_t end, std::size_t options, std::size_t options_end) {
    const std::vector<Check> checks = end > open ? checks_in(open, end) : std::vector<Check>();
    if (checks.empty()) return "";
    std::set<std::string> keys;
    for (std::size_t i = options + 1; i < options_end; ++i) keys.insert(duckdb::StringUtil::Lower(name_or_text(i)));
    std::vector<std::string> names(checks.size());
    for (std::size_t i = 0; i < checks.size(); ++i) {
      if (checks[i].begin == checks[i].check) continue;
      names[i] = name(checks[i].check - 1);
      if (!keys.insert(duckdb::StringUtil::Lower(constraint_property(names[i]))).second) return "";
    }
    std::string properties;
    for (std::size_t i = 0; i < checks.size(); ++i) {
      if (names[i].empty()) names[i] = free_name(checks[i], keys);
      properties += fmt::format("{}{} = {}", i == 0 ? "" : ", ", constraint_key(names[i]),
                                condition_text(checks[i].check + 1, checks[i].end));
    }
    replace(open, end, without(checks, open, end));
    return properties;
  }

  /// Returns a name for a constraint without: by its column, if it stands at one.
  std::string free_name(const Check& check, std::set<std::string>& keys) const {
    const std::string base = check.begin == check.element ? "check" : name(check.element) + "_check";
    std::string found = base;
    for (std::size_t number = 2; !keys.insert(duckdb::StringUtil::Lower(constraint_property(found))).second; ++number) {
      found = fmt::format("{}_{}", base, number);
    }
    return found;
  }

  /// Returns the columns without the checks, and without the commas of those that are not part of a column.
  std::vector<Piece> without(const std::vector<Check>& checks, std::size_t open, std::size_t end) const {
    std::vector<Piece> pieces{{"("}};
    bool is_first = true;
    for (std::size_t element = open + 1; element + 1 < end;) {
      std::size_t element_end = element;
      while (element_end + 1 < end && !is_operator(element_end, ',')) {
        element_end = is_operator(element_end, '(') || is_operator(element_end, '[') ? end_of_brackets(element_end)
                                                                                     : element_end + 1;
      }
      std::size_t kept = element;
      bool is_empty = true;
      const auto keep_until = [&](std::size_t until) {
        if (until <= kept) return;
        if (is_empty && !is_first) pieces.push_back({", "});
        if (!is_empty) pieces.push_back({" "});
        pieces.push_back(part(kept, until));
        is_empty = is_first = false;
      };
      for (const Check& check : checks) {
        if (check.element != element) continue;
        keep_until(check.begin);
        kept = check.end;
      }
      keep_until(element_end);
      element = element_end + 1;
    }
    pieces.push_back({")"});
    return pieces;
  }

  /// PARTITION (p = value, q, …). Returns the token behind it; `i` if it is not there.
  std::size_t take_partition(std::size_t i) {
    if (!is_word(i, "PARTITION") || !is_operator(i + 1, '(')) return i;
    const std::size_t end = end_of_brackets(i + 1);
    std::vector<InsertPartition> partitions;
    for (std::size_t column = i + 2; column + 1 < end;) {
      if (!is_name(column)) return i;
      InsertPartition& partition = partitions.emplace_back();
      partition.column = name(column);
      std::size_t behind = column + 1;
      if (is_operator(behind, '=')) {
        const std::size_t value = behind + 1;
        for (behind = value; behind + 1 < end && !is_operator(behind, ',');) {
          behind = is_operator(behind, '(') ? end_of_brackets(behind) : behind + 1;
        }
        if (behind == value) return i;
        partition.value = sql_.substr(tokens_[value].begin, tokens_[behind - 1].end - tokens_[value].begin);
      }
      if (behind + 1 < end && !is_operator(behind, ',')) return i;
      column = behind + 1;
    }
    if (partitions.empty()) return i;
    if (extras_.overwrite) overwrite_partition(partitions, tokens_[i].begin);
    extras_.partitions = std::move(partitions);
    leave_out(i, end);
    return end;
  }

  /// An INSERT OVERWRITE replaces the partition whose columns have the values given; all rows, if none is.
  void overwrite_partition(const std::vector<InsertPartition>& partitions, std::size_t begin) {
    std::string condition;
    for (const InsertPartition& partition : partitions) {
      if (!partition.value) continue;
      const std::string column = duckdb::KeywordHelper::WriteQuoted(partition.column, '"');
      const bool is_null = duckdb::StringUtil::CIEquals(*partition.value, "NULL");
      // The value becomes one of the column's type, as it does in the row, not the column one of the value's.
      condition += fmt::format("{}{} {}", condition.empty() ? "" : " AND ", column,
                               is_null ? "IS NULL" : fmt::format("= cast_to_type({}, {})", *partition.value, column));
    }
    if (condition.empty()) return;
    extras_.overwrite = Overwrite{Overwrite::Scope::OfCondition, {}, std::move(condition), begin};
  }

  /// INSERT OVERWRITE …, INSERT INTO t … REPLACE WHERE|USING …, PARTITION (…); a WITH may come before it.
  bool insert(std::size_t first) {
    const std::size_t begin = find_behind_with(first, "INSERT");
    if (!is_word(begin, "INSERT")) return false;
    std::size_t i = begin + 1;
    if (is_word(i, "OVERWRITE")) {
      ++i;
      if (is_word(i, "INTO")) ++i;
      if (is_word(i, "TABLE")) ++i;
      if (!is_name(i)) return false;
      extras_.overwrite.emplace();
      replace(begin, i, "INSERT INTO ");
      take_partition(end_of_name(i));
      return true;
    }
    if (!is_word(i, "INTO")) return false;
    ++i;
    if (is_word(i, "TABLE")) {
      leave_out(i, i + 1);
      ++i;
    }
    i = take_partition(end_of_name(i));
    if (is_operator(i, '(')) i = end_of_brackets(i);
    if (are_words(i, {"BY", "NAME"})) i += 2;
    if (are_words(i, {"REPLACE", "WHERE"})) return replace_where(i);
    if (are_words(i, {"REPLACE", "USING"}) && is_operator(i + 2, '(')) return replace_using(i);
    return true;
  }

  std::size_t find_behind_with(std::size_t first, std::string_view word) const {
    if (!is_word(first, "WITH")) return first;
    for (std::size_t i = first; i < tokens_.size();) {
      if (is_word(i, word)) return i;
      i = is_operator(i, '(') ? end_of_brackets(i) : i + 1;
    }
    return first;
  }

  /// MERGE … UPDATE SET *, INSERT *: to DuckDB these go by position, to Spark by name.
  bool merge(std::size_t first) {
    const std::size_t begin = find_behind_with(first, "MERGE");
    if (!are_words(begin, {"MERGE", "INTO"})) return false;
    for (std::size_t i = begin; i < tokens_.size(); ++i) {
      if (!is_word(i, "THEN")) continue;
      if (are_words(i + 1, {"UPDATE", "SET"}) && is_operator(i + 3, '*')) replace(i + 1, i + 4, "UPDATE BY NAME");
      if (is_word(i + 1, "INSERT") && is_operator(i + 2, '*')) replace(i + 1, i + 3, "INSERT BY NAME");
    }
    return true;
  }

  /// Returns the token at which a query begins, outside any brackets.
  std::size_t find_query(std::size_t i) const {
    while (i < tokens_.size()) {
      static constexpr std::array<std::string_view, 5> kBegin = {"SELECT", "VALUES", "WITH", "TABLE", "FROM"};
      const bool begins = std::ranges::any_of(kBegin, [&](std::string_view word) { return is_word(i, word); });
      // IS DISTINCT FROM is part of a condition.
      if (begins && !(is_word(i, "FROM") && is_word(i - 1, "DISTINCT"))) return i;
      i = is_operator(i, '(') ? end_of_brackets(i) : i + 1;
    }
    return i;
  }

  bool replace_where(std::size_t i) {
    const std::size_t query = find_query(i + 2);
    if (query == i + 2 || query >= tokens_.size()) return true;
    Overwrite overwrite;
    overwrite.scope = Overwrite::Scope::OfCondition;
    overwrite.condition_begin = tokens_[i + 2].begin;
    overwrite.condition = sql_.substr(overwrite.condition_begin, tokens_[query - 1].end - overwrite.condition_begin);
    extras_.overwrite = std::move(overwrite);
    leave_out(i, query);
    return true;
  }

  bool replace_using(std::size_t i) {
    const std::size_t end = end_of_brackets(i + 2);
    Overwrite overwrite;
    overwrite.scope = Overwrite::Scope::OfColumns;
    for (std::size_t column = i + 3; column + 1 < end; column += 2) {
      if (!is_name(column) || !(is_operator(column + 1, ',') || column + 2 == end)) return true;
      overwrite.columns.push_back(name(column));
    }
    if (overwrite.columns.empty()) return true;  // not all rows: a mistake, for DuckDB to show
    extras_.overwrite = std::move(overwrite);
    leave_out(i, end);
    return true;
  }

  /// t [FOR] VERSION|TIMESTAMP|SYSTEM_VERSION|SYSTEM_TIME AS OF value [[AS] alias]. DuckDB wants the alias first.
  void time_travel(std::size_t i) {
    const bool version = is_word(i, "VERSION") || is_word(i, "SYSTEM_VERSION");
    if (!version && !is_word(i, "TIMESTAMP") && !is_word(i, "SYSTEM_TIME")) return;
    if (i == 0 || !are_words(i + 1, {"AS", "OF"})) return;
    const std::size_t end = end_of_value(i + 3);
    if (end == i + 3) return;
    const std::size_t first = is_word(i - 1, "FOR") ? i - 1 : i;
    if (first == 0 || !is_name(first - 1)) return;
    std::vector<Piece> pieces;
    std::size_t behind = end;
    if (is_word(end, "AS") && is_name(end + 1)) {
      behind = end + 2;
    } else if (is_alias(end)) {
      behind = end + 1;
    }
    if (behind > end) pieces = {part(end, behind), {" "}};
    pieces.push_back({version ? "AT (VERSION => " : "AT (TIMESTAMP => "});
    pieces.push_back(part(i + 3, end));
    pieces.push_back({")"});
    replace(first, behind, std::move(pieces));
  }

  bool is_alias(std::size_t i) const {
    if (is_kind(i, TokenKind::QuotedName)) return true;
    if (!is_kind(i, TokenKind::Word)) return false;
    const auto category = duckdb::Parser::IsKeyword(duckdb::StringUtil::Lower(std::string(text(i))));
    return category == duckdb::KeywordCategory::KEYWORD_NONE || category == duckdb::KeywordCategory::KEYWORD_UNRESERVED;
  }

  /// Returns the token behind a constant, a call or an expression in brackets; `first` if there is none of these.
  std::size_t end_of_value(std::size_t first) const {
    if (is_kind(first, TokenKind::String) || is_kind(first, TokenKind::Number)) return first + 1;
    const bool has_type = is_word(first, "TIMESTAMP") || is_word(first, "DATE") || is_word(first, "TIMESTAMPTZ");
    if (has_type && is_kind(first + 1, TokenKind::String)) return first + 2;
    if (is_operator(first, '(')) return end_of_brackets(first);
    if (is_kind(first, TokenKind::Word) && is_operator(first + 1, '(')) return end_of_brackets(first + 1);
    return first;
  }

  /// `timestamp` begins a type in DuckDB's grammar and cannot name an argument.
  void read_delta_timestamp(std::size_t i) {
    if (!is_word(i, "READ_DELTA") || !is_operator(i + 1, '(')) return;
    const std::size_t end = end_of_brackets(i + 1);
    for (std::size_t k = i + 2; k + 2 < end; ++k) {
      const bool names_argument =
          is_operator(k - 1, ',') && is_word(k, "TIMESTAMP") && is_kind(k + 1, TokenKind::Operator);
      if (!names_argument) continue;
      const std::string_view sign = sql_.substr(tokens_[k + 1].begin, 2);
      if (sign == "=>" || sign == ":=") replace(k, k + 1, "as_of");
    }
  }

  const std::string_view sql_;
  const std::vector<Token> tokens_;
  std::vector<Replacement> replacements_;
  StatementExtras extras_;
};

}  // namespace

StatementText::StatementText(std::string sql) : written_(std::move(sql)), parsed_(written_) {
  kept_.push_back({0, 0, written_.size()});
}

StatementText StatementText::adapt(std::string_view sql) {
  auto tokens = tokens_of(sql);
  if (!tokens || tokens->empty()) return StatementText(std::string(sql));
  Adapter adapter(sql, std::move(*tokens));
  adapter.run();
  StatementText statement;
  statement.written_ = sql;
  statement.extras_ = adapter.take_extras();
  std::size_t done = 0;
  const auto keep = [&](std::size_t begin, std::size_t end) {
    statement.kept_.push_back({statement.parsed_.size(), begin, end - begin});
    statement.parsed_ += sql.substr(begin, end - begin);
  };
  for (const Replacement& replacement : adapter.replacements()) {
    if (replacement.begin < done) continue;  // within another one
    keep(done, replacement.begin);
    for (const Replacement::Piece& piece : replacement.pieces) {
      if (piece.text.empty()) {
        keep(piece.begin, piece.end);
      } else {
        statement.kept_.push_back({statement.parsed_.size(), replacement.begin, 0});
        statement.parsed_ += piece.text;
      }
    }
    done = replacement.end;
  }
  keep(done, sql.size());
  if (statement.extras_.overwrite && !statement.extras_.overwrite->condition.empty()) {
    Overwrite& overwrite = *statement.extras_.overwrite;
    const std::size_t written_begin =
        std::exchange(overwrite.condition_begin, statement.parsed_.size() + kConditionPrefixMax);
    statement.kept_.push_back({overwrite.condition_begin, written_begin, overwrite.condition.size()});
  }
  return statement;
}

std::size_t StatementText::written_position(std::size_t parsed_position) const {
  const auto behind = std::ranges::upper_bound(kept_, parsed_position, {}, &Kept::parsed_begin);
  if (behind == kept_.begin()) return 0;
  const Kept& kept = *std::prev(behind);
  return kept.written_begin + std::min(parsed_position - kept.parsed_begin, kept.size);
}

SourceLocation locate(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  SourceLocation location;
  location.file = "query";
  location.line = static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n'));
  location.column = static_cast<std::uint32_t>(1 + offset - line_begin);
  location.text = text.substr(line_begin, text.find('\n', line_begin) - line_begin);
  return location;
}

std::vector<TextRange> split_script(std::string_view script) {
  const auto tokens = tokens_of(script);
  if (!tokens) return {{0, script.size()}};
  std::vector<TextRange> parts;
  bool is_open = false;
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::Operator && script[token.begin] == ';') {
      is_open = false;
      continue;
    }
    if (!is_open) parts.push_back({token.begin, token.end});
    is_open = true;
    parts.back().end = token.end;
  }
  return parts;
}

}  // namespace sluice::lake
