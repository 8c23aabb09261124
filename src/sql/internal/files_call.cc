#include "sql/internal/files_call.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "sql/internal/type_text.h"

namespace sluice::sql {
namespace {

enum class ValueKind : std::uint8_t { Text, Boolean, Count };

/// An option of read_files that this version honours.
struct Option {
  std::string_view name;
  ValueKind kind;
  std::vector<std::string_view> values;  ///< Those allowed, if the list is closed.
};

const std::vector<Option>& options() {
  static const std::vector<Option> kOptions = {
      {"format", ValueKind::Text, {}},  // checked apart, for better words
      {"schema", ValueKind::Text, {}},
      {"schemaEvolutionMode", ValueKind::Text, {"addNewColumns", "rescue", "failOnNewColumns", "none"}},
      {"allowOverwrites", ValueKind::Boolean, {}},
      {"maxFilesPerTrigger", ValueKind::Count, {}},
      {"settleTime", ValueKind::Text, {}},
  };
  return kOptions;
}

/// Options that Lakeflow knows and this version does not do.
constexpr std::array<std::string_view, 24> kLaterOptions = {"schemaHints",
                                                            "inferColumnTypes",
                                                            "rescuedDataColumn",
                                                            "partitionColumns",
                                                            "includeExistingFiles",
                                                            "maxBytesPerTrigger",
                                                            "maxFileAge",
                                                            "cleanSource",
                                                            "pathGlobFilter",
                                                            "fileNamePattern",
                                                            "modifiedAfter",
                                                            "modifiedBefore",
                                                            "recursiveFileLookup",
                                                            "ignoreCorruptFiles",
                                                            "ignoreMissingFiles",
                                                            "backfillInterval",
                                                            "useManagedFileEvents",
                                                            "header",
                                                            "sep",
                                                            "delimiter",
                                                            "multiLine",
                                                            "mode",
                                                            "encoding",
                                                            "compression"};

constexpr std::array<std::string_view, 2> kFormats = {"json", "parquet"};
constexpr std::array<std::string_view, 6> kLaterFormats = {"csv", "text", "avro", "xml", "orc", "binaryfile"};

bool same(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

class FilesCall {
 public:
  FilesCall(const SourceText& source, TokenRange call, PlanningDatabase& database, std::vector<Error>& errors)
      : source_(source), database_(database), errors_(errors), call_(call), at_(call.begin() + 2) {}

  plan::Source run() {
    out_.location = source_.locate(call_.span());
    if (parse_path()) {
      while (!at_close() && parse_option()) {
      }
    }
    if (!out_.path.empty()) decide_format();
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
           "read_files begins with a path in single quotes", "read_files('landing/*.jsonl', format => 'json')");
      return false;
    }
    out_.path = string_of(*at_);
    if (out_.path.empty())
      fail(SqlError::BadOption, at_->span, "the path is empty",
           "name a file, a folder or a pattern such as 'landing/*.jsonl'");
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
    const auto option = std::ranges::find_if(options(), [&](const Option& known) { return same(known.name, written); });
    if (option == options().end()) return refuse_option(name, written);
    const std::string text = value.kind == TokenKind::String ? string_of(value) : lower(value.text);
    if (!out_.options.emplace(lower(written), text).second) {
      return fail(SqlError::BadOption, name.span, fmt::format("option {} is given twice", option->name),
                  "give it once");
    }
    if (option->kind == ValueKind::Boolean && text != "true" && text != "false") {
      return fail(SqlError::BadOption, value.span, fmt::format("{} is true or false", option->name), "");
    }
    std::uint64_t count = 0;
    if (option->kind == ValueKind::Count &&
        (std::from_chars(text.data(), text.data() + text.size(), count).ptr != text.data() + text.size() ||
         text.empty() || count == 0)) {
      return fail(SqlError::BadOption, value.span, fmt::format("{} is a number from 1", option->name), "");
    }
    if (!option->values.empty()) check_value(*option, value, text);
    if (same(option->name, "schema")) parse_schema(value);
    if (same(option->name, "format")) format_span_ = value.span;
  }

  void check_value(const Option& option, const Token& value, const std::string& text) {
    const auto allowed = std::ranges::find_if(option.values, [&](std::string_view known) { return same(known, text); });
    if (allowed != option.values.end()) {
      out_.options[lower(option.name)] = std::string(*allowed);
      return;
    }
    const auto near = near_names(text, std::vector<std::string>(option.values.begin(), option.values.end()));
    fail(SqlError::BadOption, value.span, fmt::format("{} cannot be \"{}\"", option.name, text),
         near.empty() ? fmt::format("it is one of {}", fmt::join(option.values, ", "))
                      : fmt::format("did you mean \"{}\"?", near.front()));
  }

  void refuse_option(const Token& name, const std::string& written) {
    const auto later =
        std::ranges::find_if(kLaterOptions, [&](std::string_view known) { return same(known, written); });
    if (later != kLaterOptions.end()) {
      errors_.push_back(
          source_.unsupported(SqlError::UnknownOption, name.span,
                              fmt::format("option {} of read_files is not done by this version", *later)));
      return;
    }
    std::vector<std::string> names;
    for (const Option& option : options()) names.emplace_back(option.name);
    const auto near = near_names(written, names);
    fail(SqlError::UnknownOption, name.span, fmt::format("read_files has no option \"{}\"", written),
         near.empty() ? fmt::format("options are {}", fmt::join(names, ", "))
                      : fmt::format("did you mean {}?", near.front()));
  }

  void parse_schema(const Token& value) {
    if (value.kind != TokenKind::String) {
      return fail(SqlError::BadSchemaText, value.span, "a schema is text", "schema => 'id BIGINT, name VARCHAR'");
    }
    auto schema = parse_schema_text(source_, value, database_, errors_);
    if (schema) out_.declared_schema = std::move(*schema);
  }

  void decide_format() {
    const auto given = out_.options.find("format");
    std::string format = given == out_.options.end() ? format_of_path() : lower(given->second);
    out_.options.erase("format");
    out_.options.erase("schema");
    if (std::ranges::find(kFormats, format) != kFormats.end()) {
      out_.format = std::move(format);
      return;
    }
    const Span span = format_span_.value_or(call_.begin()->span);
    if (std::ranges::find(kLaterFormats, format) != kLaterFormats.end()) {
      errors_.push_back(source_.unsupported(SqlError::BadFormat, span,
                                            fmt::format("format {} is not read by this version", format),
                                            "formats are json and parquet"));
    } else if (given == out_.options.end() && !format_span_) {
      fail(SqlError::BadFormat, span, "read_files needs a format", "add format => 'json' or format => 'parquet'");
    } else {
      const auto near = near_names(format, {"json", "parquet"});
      fail(SqlError::BadFormat, span, fmt::format("there is no format \"{}\"", format),
           near.empty() ? "formats are json and parquet" : fmt::format("did you mean \"{}\"?", near.front()));
    }
  }

  std::string format_of_path() const {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kExtensions = {
        {{".json", "json"},
         {".jsonl", "json"},
         {".ndjson", "json"},
         {".json.gz", "json"},
         {".jsonl.gz", "json"},
         {".ndjson.gz", "json"},
         {".parquet", "parquet"},
         {".csv", "csv"},
         {".txt", "text"},
         {".avro", "avro"}}};
    const std::string path = lower(out_.path);
    for (const auto& [extension, format] : kExtensions) {
      if (path.ends_with(extension)) return std::string(format);
    }
    return "";
  }

  const SourceText& source_;
  PlanningDatabase& database_;
  std::vector<Error>& errors_;
  TokenRange call_;
  const Token* at_;
  std::optional<Span> format_span_;
  plan::Source out_;
};

}  // namespace

plan::Source parse_files_call(const SourceText& source, TokenRange call, PlanningDatabase& database,
                              std::vector<Error>& errors) {
  return FilesCall(source, call, database, errors).run();
}

}  // namespace sluice::sql
