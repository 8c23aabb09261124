#include "sql/internal/files_call.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "sql/internal/source_call.h"
#include "sql/internal/type_text.h"

namespace sluice::sql {
namespace {

const std::vector<CallOption>& options() {
  using Kind = CallOption::Kind;
  static const std::vector<CallOption> kOptions = {
      {"format", Kind::Text},  // checked apart, for better words
      {"schema", Kind::Text},
      {"schemaEvolutionMode", Kind::Text, {"addNewColumns", "rescue", "failOnNewColumns", "none"}},
      {"allowOverwrites", Kind::Boolean},
      {"maxFilesPerTrigger", Kind::Count},
      {"settleTime", Kind::Text},
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

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

class FilesCall {
 public:
  FilesCall(const SourceText& source, TokenRange call, PlanningDatabase& database, std::vector<Error>& errors)
      : source_(source), database_(database), errors_(errors), call_(call) {}

  plan::Source run() {
    const CallGrammar grammar{"read_files", "read_files('landing/*.jsonl', format => 'json')",
                              "name a file, a folder or a pattern such as 'landing/*.jsonl'", options(), kLaterOptions};
    const SourceCall written = parse_source_call(source_, call_, grammar, errors_);
    out_.location = source_.locate(call_.span());
    out_.path = written.path;
    out_.options = written.texts();
    if (const auto schema = written.options.find("schema"); schema != written.options.end()) {
      parse_schema(*schema->second.value);
    }
    if (const auto format = written.options.find("format"); format != written.options.end()) {
      format_span_ = format->second.value->span;
    }
    if (!out_.path.empty()) decide_format();
    return std::move(out_);
  }

 private:
  void fail(SqlError number, Span span, std::string message, std::string help) {
    errors_.push_back(source_.error(number, span, std::move(message), std::move(help)));
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
  std::optional<Span> format_span_;
  plan::Source out_;
};

}  // namespace

plan::Source parse_files_call(const SourceText& source, TokenRange call, PlanningDatabase& database,
                              std::vector<Error>& errors) {
  return FilesCall(source, call, database, errors).run();
}

}  // namespace sluice::sql
