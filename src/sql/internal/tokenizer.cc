#include "sql/internal/tokenizer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/format.h>

namespace sluice::sql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }

/// Returns the length of the UTF-8 character at the beginning of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

/// Returns the length of the blank at the beginning of `text`: what DuckDB takes for one, byte order mark included.
std::size_t blank_length(std::string_view text) {
  const char c = text.front();
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') return 1;
  if (text.starts_with("\xC2\xA0")) return 2;
  if (text.size() < 3) return 0;
  const auto third = static_cast<unsigned char>(text[2]);
  if (text.starts_with("\xE2\x80") && ((third >= 0x80 && third <= 0x8B) || third == 0xAF)) return 3;
  if (text.starts_with("\xE2\x81") && (third == 0x9F || third == 0xA0)) return 3;
  if (text.starts_with("\xE3\x80\x80") || text.starts_with("\xEF\xBB\xBF")) return 3;
  return 0;
}

class Tokenizer {
 public:
  Tokenizer(const SourceText& source, Span span) : source_(source), base_(span.offset), text_(source.text(span)) {}

  Tokens run() {
    if (check_utf8()) {
      while (skip_blanks() && at_ < text_.size() && next()) {
      }
    }
    out_.tokens.push_back({TokenKind::End, {base_ + at_, 0}, text_.substr(at_, 0)});
    return std::move(out_);
  }

 private:
  bool check_utf8() {
    for (std::size_t i = 0; i < text_.size();) {
      const std::size_t length = utf8_length(text_.substr(i));
      if (length == 0 || text_[i] == '\0') {
        out_.errors.push_back(source_.error(SqlError::NotUtf8, {base_ + i, 1},
                                            length == 0 ? "the file is not valid UTF-8 here" : "a NUL byte in the text",
                                            "save the file as UTF-8"));
        return false;
      }
      i += length;
    }
    return true;
  }

  /// Returns false if a comment is never closed.
  bool skip_blanks() {
    while (at_ < text_.size()) {
      const std::string_view rest = text_.substr(at_);
      if (const std::size_t blank = blank_length(rest); blank > 0) {
        at_ += blank;
      } else if (rest.starts_with("--")) {
        const std::size_t end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end;
      } else if (rest.starts_with("/*")) {
        const std::size_t start = at_;
        if (!skip_block_comment()) {
          unterminated({base_ + start, 2}, "comment", "close it with */");
          return false;
        }
      } else {
        break;
      }
    }
    return true;
  }

  bool skip_block_comment() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "/*") {
        ++depth;
        at_ += 2;
      } else if (text_.substr(at_, 2) == "*/") {
        at_ += 2;
        if (--depth == 0) return true;
      } else {
        ++at_;
      }
    }
    return false;
  }

  /// Adds the token at the current place. Returns false if it is never closed.
  bool next() {
    const std::size_t start = at_;
    const char c = text_[at_];
    const char ahead = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '\'') return quoted(start, start, '\'', TokenKind::String, "string", false);
    if (c == '"') return quoted(start, start, '"', TokenKind::QuotedName, "quoted name", false);
    if (ahead == '\'' && std::string_view("eEbBxXnN").find(c) != std::string_view::npos) {
      return quoted(start, start + 1, '\'', TokenKind::String, "string", c == 'e' || c == 'E');
    }
    if (c == '$') return dollar(start);
    if (c == '?') return add(TokenKind::Parameter, start, start + 1);
    if (is_digit(c) || (c == '.' && is_digit(ahead))) return number(start);
    if (is_word_start(c)) {
      std::size_t end = at_ + 1;
      while (end < text_.size() && is_word(text_[end]) && blank_length(text_.substr(end)) == 0) ++end;
      return add(TokenKind::Word, start, end);
    }
    return symbol(start);
  }

  bool quoted(std::size_t start, std::size_t open, char quote, TokenKind kind, const char* what, bool escapes) {
    for (std::size_t i = open + 1; i < text_.size(); ++i) {
      if (escapes && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        if (i + 1 < text_.size() && text_[i + 1] == quote) {
          ++i;
        } else {
          return add(kind, start, i + 1);
        }
      }
    }
    unterminated({base_ + start, first_line_length(start)}, what, fmt::format("close it with {}", quote));
    return false;
  }

  bool dollar(std::size_t start) {
    std::size_t tag_end = start + 1;
    while (tag_end < text_.size() && text_[tag_end] != '$' && is_word(text_[tag_end])) ++tag_end;
    const bool is_quote =
        tag_end < text_.size() && text_[tag_end] == '$' && !(tag_end > start + 1 && is_digit(text_[start + 1]));
    if (!is_quote) return add(TokenKind::Parameter, start, tag_end);
    const std::string_view tag = text_.substr(start, tag_end + 1 - start);
    const std::size_t close = text_.find(tag, tag_end + 1);
    if (close == std::string_view::npos) {
      unterminated({base_ + start, tag.size()}, "string", fmt::format("close it with {}", tag));
      return false;
    }
    return add(TokenKind::String, start, close + tag.size());
  }

  bool number(std::size_t start) {
    std::size_t end = start;
    const auto digits = [&] {
      while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_'))
        ++end;
    };
    digits();
    if (end < text_.size() && text_[end] == '.') {
      ++end;
      digits();
    }
    const bool signed_exponent = end > start && (text_[end - 1] == 'e' || text_[end - 1] == 'E') &&
                                 !text_.substr(start).starts_with("0x") && end + 1 < text_.size() &&
                                 (text_[end] == '+' || text_[end] == '-') && is_digit(text_[end + 1]);
    if (signed_exponent) {
      ++end;
      digits();
    }
    return add(TokenKind::Number, start, end);
  }

  bool symbol(std::size_t start) {
    static constexpr std::array<std::string_view, 9> kLong = {"->>", "=>", "::", "<=", ">=", "<>", "!=", "||", "->"};
    for (const std::string_view candidate : kLong) {
      if (text_.substr(start).starts_with(candidate)) return add(TokenKind::Symbol, start, start + candidate.size());
    }
    return add(TokenKind::Symbol, start, start + 1);
  }

  bool add(TokenKind kind, std::size_t start, std::size_t end) {
    out_.tokens.push_back({kind, {base_ + start, end - start}, text_.substr(start, end - start)});
    at_ = end;
    return true;
  }

  /// A quote that is forgotten swallows text up to the next one, and so on: the first string that goes over a line's
  /// end is where it most likely began.
  void unterminated(Span span, const char* what, std::string help) {
    at_ = span.offset - base_;
    if (std::string_view(what) == "string") {
      const auto first = std::ranges::find_if(out_.tokens, [](const Token& token) {
        return token.kind == TokenKind::String && token.text.starts_with('\'') &&
               token.text.find('\n') != std::string_view::npos;
      });
      if (first != out_.tokens.end()) span = {first->span.offset, first_line_length(first->span.offset - base_)};
    }
    out_.errors.push_back(
        source_.error(SqlError::Unterminated, span, fmt::format("this {} is never closed", what), std::move(help)));
  }

  std::size_t first_line_length(std::size_t start) const {
    const std::size_t end = text_.find('\n', start);
    return (end == std::string_view::npos ? text_.size() : end) - start;
  }

  const SourceText& source_;
  std::size_t base_;
  std::string_view text_;
  std::size_t at_ = 0;
  Tokens out_;
};

std::string undouble(std::string_view text, char quote) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote && i + 1 < text.size() && text[i + 1] == quote) ++i;
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'' && i + 1 < text.size() && text[i + 1] == '\'') ++i;
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    switch (const char c = text[++i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

bool Token::is(std::string_view word) const {
  if (kind != TokenKind::Word || text.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(text[i])) != word[i]) return false;
  }
  return true;
}

std::string name_of(const Token& token) {
  if (token.kind != TokenKind::QuotedName) return std::string(token.text);
  return undouble(token.text.substr(1, token.text.size() - 2), '"');
}

std::string string_of(const Token& token) {
  const std::string_view text = token.text;
  if (text.starts_with('$')) {
    const std::size_t tag = text.find('$', 1) + 1;
    return std::string(text.substr(tag, text.size() - 2 * tag));
  }
  if (text.starts_with('\'')) return undouble(text.substr(1, text.size() - 2), '\'');
  const std::string_view body = text.substr(2, text.size() - 3);
  return text.starts_with('e') || text.starts_with('E') ? unescape(body) : undouble(body, '\'');
}

Tokens tokenize(const SourceText& source, Span span) { return Tokenizer(source, span).run(); }

}  // namespace sluice::sql
