#include "sql/internal/statement.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace sluice::sql {
namespace {

/// How a statement of a later version begins, and what it is called.
struct LaterStatement {
  std::vector<std::string_view> words;
  std::string_view what;
};

/// Recursive descent. A parse_ function that returns false has added an error; run() then goes to the next statement.
class StatementParser {
 public:
  StatementParser(const SourceText& source, const std::vector<Token>& tokens, const std::string& schema)
      : source_(source), tokens_(tokens), schema_(schema) {}

  ParsedFile run() {
    while (!at_end()) {
      if (peek().is_symbol(";")) {
        ++at_;
        continue;
      }
      if (!parse_statement()) skip_statement();
    }
    return std::move(out_);
  }

 private:
  // --- tokens

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool at_end() const { return peek().kind == TokenKind::End; }
  bool at_statement_end() const { return at_end() || peek().is_symbol(";"); }

  bool accept(std::string_view word) {
    if (!peek().is(word)) return false;
    ++at_;
    return true;
  }
  bool accept_symbol(std::string_view symbol) {
    if (!peek().is_symbol(symbol)) return false;
    ++at_;
    return true;
  }
  /// Accepts all of the words in a row, or none.
  bool accept_words(const std::vector<std::string_view>& words) {
    std::size_t ahead = 0;
    for (const std::string_view word : words) {
      if (!peek(ahead++).is(word)) return false;
    }
    at_ += words.size();
    return true;
  }

  bool fail(SqlError number, Span span, std::string message, std::string help = {}) {
    out_.errors.push_back(source_.error(number, span, std::move(message), std::move(help)));
    return false;
  }
  bool later(SqlError number, Span span, std::string_view what, std::string help = {}) {
    out_.errors.push_back(source_.unsupported(
        number, span, fmt::format("{} is part of the language but not of this version", what), std::move(help)));
    return false;
  }
  /// Reports that something else was expected at the current token.
  bool expected(std::string_view what, std::string help = {}) {
    const Token& token = peek();
    const std::string found = at_end() ? "the file ends" : fmt::format("\"{}\" stands here", shown(token));
    // A statement that stops too early is shown at its last token: the place to go on writing.
    const Span span = at_statement_end() && at_ > 0 ? tokens_[at_ - 1].span : token.span;
    return fail(SqlError::Syntax, span, fmt::format("expected {}, but {}", what, found), std::move(help));
  }
  static std::string shown(const Token& token) {
    constexpr std::size_t kShownMax = 40;
    return token.text.size() <= kShownMax ? std::string(token.text)
                                          : std::string(token.text.substr(0, kShownMax)) + "…";
  }
  bool expect(std::string_view word, std::string help = {}) {
    return accept(word) || misspelt(word) || expected(word, std::move(help));
  }
  /// Reports the current word as a misspelling of `word`, if it looks like one. Returns whether it went on.
  bool misspelt(std::string_view word) {
    if (peek().kind != TokenKind::Word || near_names(peek().text, {std::string(word)}).empty()) return false;
    fail(SqlError::Syntax, peek().span, fmt::format("expected {}, but \"{}\" stands here", word, peek().text),
         fmt::format("did you mean {}?", word));
    ++at_;
    return true;
  }
  bool expect_symbol(std::string_view symbol, std::string help = {}) {
    return accept_symbol(symbol) || expected(fmt::format("\"{}\"", symbol), std::move(help));
  }
  bool expect_name(std::string_view what, NameAt& name) {
    if (!peek().is_name()) return expected(what);
    name = {name_of(peek()), peek().span};
    ++at_;
    return true;
  }
  bool expect_string(std::string_view what, std::string& value) {
    if (peek().kind != TokenKind::String) {
      return expected(
          fmt::format("{} in single quotes", what),
          peek().kind == TokenKind::QuotedName ? "text stands in single quotes, names in double quotes" : "");
    }
    value = string_of(peek());
    ++at_;
    return true;
  }

  /// Goes to the next statement: after a semicolon, or to a word that clearly begins one.
  void skip_statement() {
    while (!at_statement_end() && !begins_definition(at_)) ++at_;
    if (!at_end() && peek().is_symbol(";")) ++at_;
  }
  /// Whether a CREATE of ours begins at token `index`: inside a query or clause that means a missing semicolon.
  bool begins_definition(std::size_t index) const {
    if (index == statement_start_ || !tokens_[index].is("CREATE")) return false;
    const Token& next = tokens_[std::min(index + 1, tokens_.size() - 1)];
    return std::ranges::any_of(std::array{"OR", "STREAMING", "MATERIALIZED", "TEMPORARY", "TEMP", "PRIVATE", "FLOW",
                                          "SINK", "VIEW", "TABLE", "MODEL"},
                               [&](const char* word) { return next.is(word); });
  }

  // --- statements

  bool parse_statement() {
    statement_start_ = at_;
    const Token& first = peek();
    if (accept("CREATE")) return parse_create();
    if (accept("SET")) return parse_set(first.span);
    if (accept("USE")) return parse_use();
    return refuse_statement(first);
  }

  bool refuse_statement(const Token& first) {
    static const std::vector<LaterStatement> kLater = {
        {{"APPLY", "CHANGES"}, "APPLY CHANGES INTO"}, {{"AUTO", "CDC"}, "AUTO CDC"}, {{"REFRESH"}, "REFRESH"}};
    for (const auto& statement : kLater) {
      const std::size_t before = at_;
      if (accept_words(statement.words)) {
        return later(SqlError::NotYetStatement, join(tokens_[before].span, tokens_[at_ - 1].span), statement.what);
      }
    }
    static const std::array<std::string_view, 8> kQueries = {"SELECT", "WITH",     "FROM", "VALUES",
                                                             "PIVOT",  "DESCRIBE", "SHOW", "SUMMARIZE"};
    if (std::ranges::any_of(kQueries, [&](std::string_view word) { return first.is(word); })) {
      return fail(SqlError::UnknownStatement, first.span, "a pipeline has no place for the result of a bare query",
                  "name it: CREATE MATERIALIZED VIEW … AS SELECT …; to look at tables, use `sluice sql`");
    }
    const std::vector<std::string> ours = {"CREATE", "SET", "USE"};
    const auto near = first.kind == TokenKind::Word ? near_names(first.text, ours) : std::vector<std::string>();
    return fail(SqlError::UnknownStatement, first.span,
                fmt::format("\"{}\" does not begin a statement of a pipeline", shown(first)),
                near.empty()
                    ? "a pipeline is made of CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW, CREATE TEMPORARY "
                      "VIEW, SET and USE"
                    : fmt::format("did you mean {}?", near.front()));
  }

  bool parse_create() {
    DatasetStatement statement;
    const Span create = tokens_[at_ - 1].span;
    bool or_replace = false;
    bool or_refresh = false;
    if (accept("OR")) {
      or_replace = peek().is("REPLACE");
      or_refresh = peek().is("REFRESH");
      if (!or_replace && !or_refresh) return expected("REFRESH or REPLACE after OR");
      ++at_;
    }
    const std::size_t or_token = at_ - 1;
    statement.is_private = accept("PRIVATE");
    if (peek().is("TEMPORARY") || peek().is("TEMP")) {
      ++at_;
      if (!peek().is("VIEW")) {
        return fail(SqlError::UnknownStatement, peek().span, "only a view can be TEMPORARY",
                    "a table that is stored but not published is PRIVATE: CREATE PRIVATE STREAMING TABLE …");
      }
      if (or_refresh)
        return fail(SqlError::Syntax, tokens_[or_token].span, "a temporary view is not refreshed",
                    "write OR REPLACE, or nothing");
      if (statement.is_private)
        return fail(SqlError::Syntax, tokens_[at_ - 2].span, "a temporary view is private anyway", "leave out PRIVATE");
      ++at_;
      statement.kind = plan::DatasetKind::TemporaryView;
      return parse_dataset(std::move(statement));
    }
    if (accept_words({"STREAMING", "TABLE"})) {
      if (or_replace) {
        return fail(SqlError::Syntax, tokens_[or_token].span,
                    "a streaming table cannot be replaced: it keeps what it has read",
                    "write CREATE OR REFRESH STREAMING TABLE; to read everything again, run with --full-refresh");
      }
      statement.kind = plan::DatasetKind::StreamingTable;
      return parse_dataset(std::move(statement));
    }
    if (accept_words({"MATERIALIZED", "VIEW"})) {
      statement.kind = plan::DatasetKind::MaterializedView;
      return parse_dataset(std::move(statement));
    }
    return refuse_create(create);
  }

  bool refuse_create(Span create) {
    static const std::vector<LaterStatement> kLater = {{{"FLOW"}, "CREATE FLOW"},
                                                       {{"SINK"}, "CREATE SINK"},
                                                       {{"MODEL"}, "CREATE MODEL"},
                                                       {{"VIEW"}, "CREATE VIEW (persisted)"}};
    for (const auto& statement : kLater) {
      if (accept_words(statement.words)) {
        return later(SqlError::NotYetStatement, join(create, tokens_[at_ - 1].span), statement.what,
                     statement.words.front() == "VIEW"
                         ? "CREATE TEMPORARY VIEW names a query; CREATE MATERIALIZED VIEW stores its result"
                         : "");
      }
    }
    const Token& word = peek();
    if (word.is("STREAMING") || word.is("MATERIALIZED")) {
      const std::string_view noun = word.is("STREAMING") ? "TABLE" : "VIEW";
      ++at_;
      if (accept("LIVE")) {
        return fail(SqlError::UnknownStatement, tokens_[at_ - 1].span,
                    "LIVE is an old spelling that sluice does not read",
                    "write CREATE STREAMING TABLE or CREATE MATERIALIZED VIEW, and name datasets without LIVE.");
      }
      return expected(noun, fmt::format("CREATE {} {} name AS SELECT …", word.text, noun));
    }
    if (word.is("TABLE") || word.is("LIVE")) {
      return fail(SqlError::UnknownStatement, word.span, "a pipeline has no plain tables",
                  "CREATE STREAMING TABLE takes each input row once; CREATE MATERIALIZED VIEW always equals its query");
    }
    const auto near = word.kind == TokenKind::Word
                          ? near_names(word.text, {"STREAMING", "MATERIALIZED", "TEMPORARY", "PRIVATE", "OR"})
                          : std::vector<std::string>();
    return fail(SqlError::UnknownStatement, word.span, fmt::format("a pipeline cannot CREATE {}", shown(word)),
                near.empty() ? "use STREAMING TABLE, MATERIALIZED VIEW or TEMPORARY VIEW"
                             : fmt::format("did you mean {}?", near.front()));
  }

  bool parse_dataset(DatasetStatement statement) {
    accept_words({"IF", "NOT", "EXISTS"});
    if (!parse_dataset_name(statement)) return false;
    if (peek().is_symbol("(") && !parse_column_list(statement)) return false;
    if (!parse_clauses(statement)) return false;
    if (!parse_query(statement)) return false;
    for (const auto& [key, property] : settings_) statement.properties.emplace(key, property);
    out_.datasets.push_back(std::move(statement));
    return true;
  }

  bool parse_dataset_name(DatasetStatement& statement) {
    if (!expect_name("a name for the dataset", statement.name)) return false;
    if (accept_symbol(".")) {
      NameAt last;
      if (!expect_name("a name after the dot", last)) return false;
      if (lower(statement.name.text) != lower(schema_) || peek().is_symbol(".")) {
        return fail(SqlError::OtherSchema, join(statement.name.span, last.span),
                    fmt::format("datasets of this pipeline live in schema \"{}\"", schema_),
                    fmt::format("name it {} alone, or set `schema` in sluice.yml", last.text));
      }
      statement.name = std::move(last);
    }
    constexpr std::size_t kNameBytesMax = 128;
    const std::string& name = statement.name.text;
    const bool has_bad_character = std::ranges::any_of(name, [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
    });
    if (name.empty() || name.size() > kNameBytesMax || has_bad_character || name.front() == '.' ||
        name.front() == '_') {
      return fail(SqlError::BadDatasetName, statement.name.span, fmt::format("\"{}\" cannot name a dataset", name),
                  "a dataset's name is also its folder: at most 128 bytes, not beginning with . or _, without / \\ : * "
                  "? \" < > |");
    }
    return true;
  }

  // --- column list

  bool parse_column_list(DatasetStatement& statement) {
    const Span open = peek().span;
    ++at_;
    if (statement.kind == plan::DatasetKind::TemporaryView) {
      return fail(SqlError::UnknownClause, open, "a temporary view has no column list",
                  "name the columns in its query");
    }
    std::set<std::string> constraint_names;
    do {
      if (at_statement_end())
        return fail(SqlError::Syntax, open, "this parenthesis is never closed", "close the column list with )");
      if (peek().is("CONSTRAINT")) {
        ExpectationClause clause;
        if (!parse_constraint(clause)) return false;
        if (!constraint_names.insert(lower(clause.name.text)).second) {
          fail(SqlError::DuplicateConstraint, clause.name.span,
               fmt::format("there is another constraint \"{}\" on this dataset", clause.name.text),
               "give each constraint its own name: quality counts are kept by it");
        } else {
          statement.expectations.push_back(std::move(clause));
        }
      } else if (peek().is("PRIMARY") || peek().is("FOREIGN") || peek().is("UNIQUE") || peek().is("CHECK")) {
        return fail(
            SqlError::UnknownClause, peek().span,
            fmt::format("{} constraints are not enforced by a pipeline", peek().text),
            "state the rule as CONSTRAINT name EXPECT (predicate) ON VIOLATION DROP ROW | FAIL UPDATE | QUARANTINE");
      } else {
        ColumnDefinition column;
        if (!parse_column(column)) return false;
        statement.columns.push_back(std::move(column));
      }
    } while (accept_symbol(","));
    if (accept_symbol(")")) return true;
    if (at_statement_end())
      return fail(SqlError::Syntax, open, "this parenthesis is never closed", "close the column list with )");
    return expected("\",\" or \")\" in the column list",
                    peek().is("CONSTRAINT") || peek().is_name() ? "a comma is missing before this" : "");
  }

  bool parse_column(ColumnDefinition& column) {
    if (!expect_name("a column name or CONSTRAINT", column.name)) return false;
    column.type.first = column.type.last = &peek();
    std::size_t depth = 0;
    while (!at_statement_end() && !(depth == 0 && ends_type(peek()))) {
      const Token& token = peek();
      if (token.is_symbol("(") || token.is_symbol("<") || token.is_symbol("[")) ++depth;
      if ((token.is_symbol(")") || token.is_symbol(">") || token.is_symbol("]")) && depth > 0) --depth;
      ++at_;
      column.type.last = &token + 1;
    }
    bool commented = false;
    while (true) {
      if (accept_words({"NOT", "NULL"})) {
        column.not_null = true;
      } else if (!commented && accept("COMMENT")) {
        std::string text;
        if (!expect_string("the comment", text)) return false;
        column.comment = std::move(text);
        commented = true;
      } else {
        break;
      }
    }
    if (peek().is("GENERATED") || peek().is("DEFAULT") || peek().is("MASK")) {
      return later(SqlError::NotYetClause, peek().span, fmt::format("{} for a column", peek().text),
                   "compute the column in the query");
    }
    return true;
  }
  static bool ends_type(const Token& token) {
    return token.is_symbol(",") || token.is_symbol(")") || token.is("NOT") || token.is("COMMENT") ||
           token.is("GENERATED") || token.is("DEFAULT") || token.is("MASK") || token.is("CONSTRAINT");
  }

  bool parse_constraint(ExpectationClause& clause) {
    ++at_;  // CONSTRAINT
    if (!expect_name("a name for the constraint", clause.name)) return false;
    if (peek().is("PRIMARY") || peek().is("FOREIGN") || peek().is("UNIQUE") || peek().is("CHECK")) {
      return fail(SqlError::UnknownClause, peek().span,
                  fmt::format("{} constraints are not enforced by a pipeline", peek().text),
                  "state the rule as EXPECT (predicate) ON VIOLATION DROP ROW | FAIL UPDATE | QUARANTINE");
    }
    if (!expect("EXPECT", "CONSTRAINT name EXPECT (predicate)")) return false;
    const Span open = peek().span;
    if (!expect_symbol("(", "the predicate stands in parentheses: EXPECT (price > 0)")) return false;
    clause.predicate.first = &peek();
    if (!skip_parenthesis(open)) return false;
    clause.predicate.last = &tokens_[at_ - 1];
    if (clause.predicate.empty())
      return fail(SqlError::Syntax, open, "the expectation has no predicate", "write EXPECT (price > 0)");
    if (!accept("ON")) return true;
    if (!expect("VIOLATION")) return false;
    if (accept_words({"DROP", "ROW"})) {
      clause.on_violation = plan::OnViolation::DropRow;
    } else if (accept_words({"FAIL", "UPDATE"})) {
      clause.on_violation = plan::OnViolation::FailUpdate;
    } else if (accept("QUARANTINE")) {
      clause.on_violation = plan::OnViolation::Quarantine;
    } else {
      return expected("DROP ROW, FAIL UPDATE or QUARANTINE", "without ON VIOLATION the row is kept and counted");
    }
    return true;
  }

  /// Stands after the "(" at `open`; goes behind its ")".
  bool skip_parenthesis(Span open) {
    std::size_t depth = 1;
    while (!at_statement_end()) {
      if (peek().is_symbol("(")) ++depth;
      if (peek().is_symbol(")") && --depth == 0) {
        ++at_;
        return true;
      }
      ++at_;
    }
    return fail(SqlError::Syntax, open, "this parenthesis is never closed", "close it with )");
  }

  // --- clauses

  bool parse_clauses(DatasetStatement& statement) {
    std::set<std::string> seen;
    while (!at_statement_end() && !peek().is("AS")) {
      const Token& word = peek();
      const std::size_t before = at_;
      std::string clause;
      if (accept_words({"PARTITIONED", "BY"})) {
        clause = "PARTITIONED BY";
        if (!parse_names(statement.partition_by)) return false;
      } else if (accept_words({"CLUSTER", "BY"})) {
        clause = "CLUSTER BY";
        if (peek().is("AUTO")) return later(SqlError::NotYetClause, peek().span, "CLUSTER BY AUTO", "name the columns");
        if (!parse_names(statement.cluster_by)) return false;
      } else if (accept("COMMENT")) {
        clause = "COMMENT";
        if (!expect_string("the comment", statement.comment)) return false;
      } else if (accept("TBLPROPERTIES")) {
        clause = "TBLPROPERTIES";
        if (!parse_properties(statement)) return false;
      } else if (accept("USING")) {
        clause = "USING";
        if (!accept("DELTA"))
          return fail(SqlError::UnknownClause, peek().span, "every table is a Delta table",
                      "write USING DELTA, or nothing");
      } else {
        return refuse_clause(word);
      }
      const Span span =
          join(tokens_[before].span, tokens_[before + (clause.find(' ') == std::string::npos ? 0 : 1)].span);
      if (!seen.insert(clause).second) {
        return fail(SqlError::ClauseTwice, span, fmt::format("{} stands twice in this statement", clause),
                    "write each clause once");
      }
      if (statement.kind == plan::DatasetKind::TemporaryView && clause != "COMMENT") {
        return fail(SqlError::UnknownClause, span, fmt::format("a temporary view has no table, so no {}", clause));
      }
    }
    return true;
  }

  bool refuse_clause(const Token& word) {
    static const std::vector<LaterStatement> kLater = {{{"FLOW"}, "FLOW in a CREATE statement"},
                                                       {{"REFRESH", "POLICY"}, "REFRESH POLICY"},
                                                       {{"SCHEDULE"}, "SCHEDULE"},
                                                       {{"TRIGGER", "ON"}, "TRIGGER ON UPDATE"},
                                                       {{"WITH", "ROW", "FILTER"}, "WITH ROW FILTER"},
                                                       {{"DEFAULT", "COLLATION"}, "DEFAULT COLLATION"}};
    for (const auto& clause : kLater) {
      if (accept_words(clause.words))
        return later(SqlError::NotYetClause, join(word.span, tokens_[at_ - 1].span), clause.what);
    }
    if (word.is("LOCATION")) {
      return fail(SqlError::UnknownClause, word.span, "a dataset's place follows from its name",
                  "set `storage` in sluice.yml");
    }
    if (word.is("SELECT") || word.is("WITH") || word.is("FROM") || word.is("VALUES")) {
      return fail(SqlError::MissingQuery, word.span, fmt::format("AS is missing before {}", word.text),
                  fmt::format("write AS {} …", word.text));
    }
    if (begins_definition(at_)) {
      return fail(SqlError::MissingQuery, tokens_[at_ - 1].span, "the statement has no query",
                  "go on with AS SELECT …;");
    }
    static const std::vector<std::string> kClauses = {"PARTITIONED",   "CLUSTER", "COMMENT",
                                                      "TBLPROPERTIES", "USING",   "AS"};
    const auto near = word.kind == TokenKind::Word ? near_names(word.text, kClauses) : std::vector<std::string>();
    return fail(SqlError::UnknownClause, word.span, fmt::format("\"{}\" is no clause of this statement", shown(word)),
                near.empty() ? "clauses are PARTITIONED BY, CLUSTER BY, COMMENT, TBLPROPERTIES; then AS and the query"
                             : fmt::format("did you mean {}?", near.front()));
  }

  bool parse_names(std::vector<NameAt>& names) {
    if (!expect_symbol("(", "columns stand in parentheses")) return false;
    do {
      NameAt name;
      if (!expect_name("a column name", name)) return false;
      if (peek().is_symbol("(")) {
        return fail(SqlError::BadLayoutColumn, join(name.span, peek().span), "a table is laid out by plain columns",
                    "compute the value as a column of the query, and name that column");
      }
      names.push_back(std::move(name));
    } while (accept_symbol(","));
    return expect_symbol(")");
  }

  bool parse_properties(DatasetStatement& statement) {
    if (!expect_symbol("(", "TBLPROPERTIES ('key' = 'value', …)")) return false;
    do {
      NameAt key;
      if (!parse_key(key)) return false;
      if (!expect_symbol("=")) return false;
      std::string value;
      if (!parse_value(value)) return false;
      if (!check_property(key)) continue;
      if (!check_value(key, value)) continue;
      if (statement.kind == plan::DatasetKind::MaterializedView && lower(key.text) == "delta.appendonly" &&
          lower(value) == "true") {
        fail(SqlError::BadProperty, key.span, "a materialized view takes rows back, so its table cannot be append-only",
             "take delta.appendOnly away, or make it a STREAMING TABLE");
        continue;
      }
      if (!statement.properties.emplace(key.text, PropertyClause{value, key.span}).second) {
        fail(SqlError::ClauseTwice, key.span, fmt::format("property \"{}\" is set twice", key.text));
      }
    } while (accept_symbol(","));
    return expect_symbol(")");
  }
  /// A key: 'a.b' or a.b.
  bool parse_key(NameAt& key) {
    if (peek().kind == TokenKind::String) {
      key = {string_of(peek()), peek().span};
      ++at_;
      return true;
    }
    if (!expect_name("a key", key)) return false;
    while (accept_symbol(".")) {
      NameAt part;
      if (!expect_name("a name after the dot", part)) return false;
      key = {key.text + "." + part.text, join(key.span, part.span)};
    }
    return true;
  }
  bool parse_value(std::string& value) {
    const Token& token = peek();
    if (token.kind == TokenKind::String) {
      value = string_of(token);
    } else if (token.kind == TokenKind::Number || token.is("TRUE") || token.is("FALSE")) {
      value = lower(token.text);
    } else {
      return expected("a value in single quotes, a number, true or false");
    }
    ++at_;
    return true;
  }
  bool check_property(const NameAt& key) {
    if (!key.text.starts_with("pipelines.") ||
        std::ranges::find(known_properties(), key.text) != known_properties().end())
      return true;
    const auto near = near_names(key.text, known_properties());
    return fail(SqlError::BadProperty, key.span, fmt::format("unknown property \"{}\"", key.text),
                near.empty() ? fmt::format("sluice knows {}", fmt::join(known_properties(), ", "))
                             : fmt::format("did you mean \"{}\"?", near.front()));
  }

  bool check_value(const NameAt& key, const std::string& value) {
    if (key.text != "pipelines.reset.allowed" || value == "true" || value == "false") return true;
    return fail(SqlError::BadProperty, key.span, fmt::format("{} is neither true nor false: \"{}\"", key.text, value),
                "write 'true' or 'false'");
  }

  // --- query

  bool parse_query(DatasetStatement& statement) {
    if (at_statement_end()) {
      if (statement.kind == plan::DatasetKind::StreamingTable) {
        return later(SqlError::NotYetStatement, statement.name.span,
                     "a streaming table without a query, to be filled by flows,",
                     "give it its query: AS SELECT … FROM STREAM …");
      }
      return fail(SqlError::MissingQuery, tokens_[at_ - 1].span, "the statement has no query",
                  "go on with AS SELECT …;");
    }
    ++at_;  // AS: parse_clauses stops at nothing else
    statement.query.first = &peek();
    std::vector<Span> open;
    while (!at_statement_end()) {
      if (begins_definition(at_) && at_ > 0 && !tokens_[at_ - 1].is_symbol(".")) {
        fail(SqlError::Syntax, peek().span, "a semicolon is missing before this statement",
             "end the statement above with ;");
        break;
      }
      if (peek().is_symbol("(")) open.push_back(peek().span);
      if (peek().is_symbol(")") && !open.empty()) open.pop_back();
      ++at_;
    }
    statement.query.last = &peek();
    if (statement.query.empty())
      return fail(SqlError::MissingQuery, tokens_[at_ - 1].span, "nothing follows AS", "write the query: AS SELECT …");
    if (!open.empty())
      return fail(SqlError::Syntax, open.back(), "this parenthesis is never closed", "close it with )");
    const Token& first = *statement.query.first;
    if (first.is("SELECT") || first.is("WITH") || first.is("FROM") || first.is("VALUES") || first.is_symbol("(") ||
        first.is("TABLE") || first.is("PIVOT") || first.is("UNPIVOT") || first.is("DESCRIBE") || first.is("SHOW") ||
        first.is("SUMMARIZE")) {
      return true;
    }
    if (first.is("INSERT") || first.is("UPDATE") || first.is("DELETE") || first.is("MERGE")) {
      return fail(SqlError::NotAQuery, first.span,
                  fmt::format("a dataset is defined by a query, not by {}", first.text), "write AS SELECT …");
    }
    const auto near = first.kind == TokenKind::Word ? near_names(first.text, {"SELECT", "WITH", "FROM", "VALUES"})
                                                    : std::vector<std::string>();
    return fail(SqlError::Syntax, first.span, fmt::format("\"{}\" does not begin a query", shown(first)),
                near.empty() ? "write AS SELECT …" : fmt::format("did you mean {}?", near.front()));
  }

  // --- SET and USE

  bool parse_set(Span set) {
    NameAt key;
    if (!parse_key(key)) return false;
    if (!expect_symbol("=", "SET key = value")) return false;
    std::string value;
    if (!parse_value(value)) return false;
    if (!at_statement_end()) return expected("\";\" after the setting");
    if (key.text.starts_with("pipelines.")) {
      if (check_property(key) && check_value(key, value)) settings_[key.text] = {value, key.span};
      return true;
    }
    if (key.text.starts_with("spark.")) return true;  // a Spark project's tuning; nothing here corresponds to it
    return fail(SqlError::SettingUnknown, join(set, key.span), fmt::format("unknown setting \"{}\"", key.text),
                fmt::format("SET gives the datasets below it in this file a property: {}",
                            fmt::join(known_properties(), ", ")));
  }

  bool parse_use() {
    if (!accept("SCHEMA") && !accept("DATABASE")) accept("NAMESPACE");
    NameAt name;
    if (!expect_name("a schema", name)) return false;
    if (!at_statement_end() && !peek().is_symbol(".")) return expected("\";\" after the schema");
    if (peek().is_symbol(".") || lower(name.text) != lower(schema_)) {
      return fail(SqlError::UseOtherSchema, name.span,
                  fmt::format("datasets of this pipeline live in schema \"{}\"", schema_),
                  "leave out USE, or set `schema` in sluice.yml");
    }
    return true;
  }

  static std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
  }

  const SourceText& source_;
  const std::vector<Token>& tokens_;
  const std::string& schema_;
  std::size_t at_ = 0;
  std::size_t statement_start_ = 0;
  std::map<std::string, PropertyClause> settings_;  // of SET so far in this file
  ParsedFile out_;
};

}  // namespace

const std::vector<std::string>& known_properties() {
  static const std::vector<std::string> kKnown = {"pipelines.reset.allowed", "pipelines.trigger.interval"};
  return kKnown;
}

ParsedFile parse_statements(const SourceText& source, const std::vector<Token>& tokens, const std::string& schema) {
  return StatementParser(source, tokens, schema).run();
}

}  // namespace sluice::sql
