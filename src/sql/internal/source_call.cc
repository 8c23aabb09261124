#include "sql/internal/source_call.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace sluice::sql {
namespace {

using Kind = CallOption::Kind;

bool same(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

class CallParser {
 public:
  CallParser(const SourceText& source, TokenRange call, const CallGrammar& grammar, std::vector<Error>& errors)
      : source_(source), grammar_(grammar), errors_(errors), call_(call), at_(call.begin() + 2) {}

  SourceCall run() {
    if (parse_path()) {
      while (!at_close() && parse_option()) {
      }
    }
    return std::move(out_);
  }

 private:
  bool at_close() const { return at_ >= call_.end() - 1; }
  void fail(SqlError number, Span span, std::string message, std::string help) {
    errors_.push_back(source_.error(number, span, std::move(message), std::move(help)));
  }

  bool parse_path() {
    if (at_close() || at_->kind != TokenKind::String) {
      fail(SqlError::BadOption, at_close() ? call_.begin()->span : at_->span,
           fmt::format("{} begins with a path in single quotes", grammar_.function), std::string(grammar_.example));
      return false;
    }
    out_.path = string_of(*at_);
    if (out_.path.empty()) fail(SqlError::BadOption, at_->span, "the path is empty", std::string(grammar_.path_help));
    ++at_;
    return true;
  }

  bool parse_option() {
    if (!at_->is_symbol(",")) {
      fail(SqlError::Syntax, at_->span, fmt::format("expected \",\" or \")\", but \"{}\" stands here", at_->text),
           "options are separated by commas");
      return false;
    }
    ++at_;
    if (at_close() || !at_->is_name()) {
      fail(SqlError::Syntax, (at_close() ? at_ - 1 : at_)->span, "expected an option",
           "options are written name => value");
      return false;
    }
    const Token& name = *at_++;
    if (at_close() || !(at_->is_symbol("=>") || at_->is_symbol("="))) {
      fail(SqlError::Syntax, name.span, fmt::format("\"{}\" has no value", name.text),
           fmt::format("write {} => value", name.text));
      return false;
    }
    ++at_;
    if (at_close()) {
      fail(SqlError::Syntax, name.span, fmt::format("\"{}\" has no value", name.text),
           fmt::format("write {} => value", name.text));
      return false;
    }
    const Token& value = *at_++;
    if (value.kind != TokenKind::String && value.kind != TokenKind::Number && !value.is("TRUE") && !value.is("FALSE")) {
      fail(SqlError::BadOption, value.span, fmt::format("the value of {} is no constant", name.text),
           "write text in single quotes, a number, true or false");
      return false;
    }
    set_option(name, value);
    return true;
  }

  void set_option(const Token& name, const Token& value) {
    const std::string written = name_of(name);
    const auto option =
        std::ranges::find_if(grammar_.options, [&](const CallOption& known) { return same(known.name, written); });
    if (option == grammar_.options.end()) return refuse_option(name, written);
    const std::string text = value.kind == TokenKind::String ? string_of(value) : lower(value.text);
    const auto [entry, is_new] = out_.options.emplace(lower(written), SourceCall::Value{text, &name, &value});
    if (!is_new) {
      return fail(SqlError::BadOption, name.span, fmt::format("option {} is given twice", option->name),
                  "give it once");
    }
    check_value(*option, entry->second);
  }

  void check_value(const CallOption& option, SourceCall::Value& given) {
    const auto allowed =
        std::ranges::find_if(option.values, [&](std::string_view known) { return same(known, given.text); });
    if (allowed != option.values.end()) {
      given.text = std::string(*allowed);
      return;
    }
    const Span span = given.value->span;
    const auto number = number_of(given.text);
    switch (option.kind) {
      case Kind::Text:
        if (!option.values.empty()) refuse_value(option, given);
        break;
      case Kind::Boolean:
        if (given.text != "true" && given.text != "false")
          fail(SqlError::BadOption, span, fmt::format("{} is true or false", option.name), "");
        break;
      case Kind::Count:
        if (number.value_or(0) < 1)
          fail(SqlError::BadOption, span, fmt::format("{} is a number from 1", option.name), "");
        break;
      case Kind::Version:
        if (number.value_or(-1) < 0) {
          fail(SqlError::BadOption, span,
               fmt::format("{} is the number of a version, from 0{}", option.name,
                           option.values.empty() ? "" : fmt::format(", or '{}'", fmt::join(option.values, "' or '"))),
               "");
        }
        break;
    }
  }

  void refuse_value(const CallOption& option, const SourceCall::Value& given) {
    const auto near = near_names(given.text, std::vector<std::string>(option.values.begin(), option.values.end()));
    fail(SqlError::BadOption, given.value->span, fmt::format("{} cannot be \"{}\"", option.name, given.text),
         near.empty() ? fmt::format("it is one of {}", fmt::join(option.values, ", "))
                      : fmt::format("did you mean \"{}\"?", near.front()));
  }

  void refuse_option(const Token& name, const std::string& written) {
    const auto later =
        std::ranges::find_if(grammar_.later, [&](std::string_view known) { return same(known, written); });
    if (later != grammar_.later.end()) {
      errors_.push_back(
          source_.unsupported(SqlError::UnknownOption, name.span,
                              fmt::format("option {} of {} is not done by this version", *later, grammar_.function)));
      return;
    }
    std::vector<std::string> names;
    for (const CallOption& option : grammar_.options) names.emplace_back(option.name);
    const auto near = near_names(written, names);
    fail(SqlError::UnknownOption, name.span, fmt::format("{} has no option \"{}\"", grammar_.function, written),
         near.empty() ? fmt::format("options are {}", fmt::join(names, ", "))
                      : fmt::format("did you mean {}?", near.front()));
  }

  const SourceText& source_;
  const CallGrammar& grammar_;
  std::vector<Error>& errors_;
  TokenRange call_;
  const Token* at_;
  SourceCall out_;
};

}  // namespace

std::map<std::string, std::string> SourceCall::texts() const {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : options) texts.emplace(name, value.text);
  return texts;
}

SourceCall parse_source_call(const SourceText& source, TokenRange call, const CallGrammar& grammar,
                             std::vector<Error>& errors) {
  return CallParser(source, call, grammar, errors).run();
}

}  // namespace sluice::sql
