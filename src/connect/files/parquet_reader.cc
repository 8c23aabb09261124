#include "connect/files/parquet_reader.h"

#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>
#include <duckdb.hpp>

#include "base/log.h"
#include "columnar/guard.h"
#include "connect/files/error_numbers.h"
#include "connect/files/internal/input_file_system.h"
#include "connect/files/json_limits.h"

namespace sluice::connect {
namespace {

using duckdb::LogicalType;

constexpr std::int64_t kFormatVersion = 1;

std::string quote_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string quote_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + '\'';
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct ParquetReader::Impl {
  Impl() { open(); }

  /// Makes the instance, anew if there is one: a bug of DuckDB that a file hits invalidates it for good.
  void open();
  /// Makes the file the one that from_clause() names.
  void begin(InputFile& file);
  std::string from_clause() const;
  /// Returns the columns of the file; nullopt, and why in `fault`, if it is to blame for having none.
  Result<std::optional<columnar::Schema>> find_schema(std::string& fault);
  /// Takes note of an error of the instance. An Error if the machine failed; ok if the file is to blame.
  Status judge(const duckdb::ErrorData& error);
  bool can_cast(const LogicalType& from, const LogicalType& to);
  std::string query(const columnar::Schema& file, const columnar::Schema& target, const std::string& path);

  DuckDbInput input;
  std::unique_ptr<duckdb::DuckDB> database;
  std::unique_ptr<duckdb::Connection> connection;
  std::map<std::pair<std::string, std::string>, bool> casts;  // what can_cast() has found out
};

void ParquetReader::Impl::open() {
  connection.reset();
  database.reset();
  duckdb::DBConfig config;
  config.SetOptionByName("threads", duckdb::Value::INTEGER(1));
  config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  database = std::make_unique<duckdb::DuckDB>(nullptr, &config);
  database->instance->GetFileSystem().RegisterSubSystem(duckdb::make_uniq<InputFileSystem>(input));
  connection = std::make_unique<duckdb::Connection>(*database);
  for (const char* const setting : {"SET TimeZone = 'UTC'", "SET enable_external_file_cache = false"}) {
    const auto result = connection->Query(setting);
    SLUICE_CHECK(!result->HasError(), result->GetError());
  }
}

void ParquetReader::Impl::begin(InputFile& file) {
  input.file = &file;
  ++input.number;
  input.failure.reset();
}

std::string ParquetReader::Impl::from_clause() const {
  return fmt::format("FROM read_parquet({}, hive_partitioning => false, union_by_name => false, filename => false)",
                     quote_text(InputFileSystem::path_of(input)));
}

Status ParquetReader::Impl::judge(const duckdb::ErrorData& error) {
  const duckdb::ExceptionType type = error.Type();
  if (type == duckdb::ExceptionType::INTERNAL || type == duckdb::ExceptionType::FATAL) open();
  if (input.failure) return *input.failure;
  if (type == duckdb::ExceptionType::OUT_OF_MEMORY) return Error(ErrorCode::ResourceExhausted, error.RawMessage());
  return ok();
}

ParquetReader::ParquetReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetReader::~ParquetReader() = default;

Result<std::unique_ptr<ParquetReader>> ParquetReader::create() {
  return columnar::guard([] { return std::unique_ptr<ParquetReader>(new ParquetReader(std::make_unique<Impl>())); });
}

Result<std::optional<columnar::Schema>> ParquetReader::find_schema(InputFile& file) {
  return columnar::guard([&]() -> Result<std::optional<columnar::Schema>> {
    impl_->begin(file);
    std::string fault;
    return impl_->find_schema(fault);
  });
}

Result<std::optional<columnar::Schema>> ParquetReader::Impl::find_schema(std::string& fault) {
  const auto prepared = connection->Prepare("SELECT * " + from_clause());
  if (prepared->HasError()) {
    const duckdb::ErrorData error = prepared->error;
    SLUICE_TRY(judge(error));
    fault = error.RawMessage();
    return std::optional<columnar::Schema>();
  }
  columnar::Schema schema;
  for (std::size_t i = 0; i < prepared->GetNames().size(); ++i) {
    schema.fields.push_back(
        {.name = prepared->GetNames()[i], .type = prepared->GetTypes()[i], .nullable = true, .metadata = {}});
  }
  return std::optional(std::move(schema));
}

bool ParquetReader::Impl::can_cast(const LogicalType& from, const LogicalType& to) {
  const auto key = std::make_pair(from.ToString(), to.ToString());
  if (const auto known = casts.find(key); known != casts.end()) return known->second;
  const auto prepared = connection->Prepare(
      fmt::format("SELECT TRY_CAST(TRY_CAST(CAST(NULL AS {0}) AS {1}) AS {0})", key.first, key.second));
  return casts[key] = !prepared->HasError();
}

std::string ParquetReader::Impl::query(const columnar::Schema& file, const columnar::Schema& target,
                                       const std::string& path) {
  std::vector<std::string> columns;
  std::vector<std::string> misfits;         // conditions
  std::vector<std::string> misfit_members;  // what to put into the JSON
  const auto rescue = [&](const std::string& name, const std::string& condition) {
    misfits.push_back(condition);
    misfit_members.push_back(fmt::format("CASE WHEN {} THEN {} || to_json({})::VARCHAR END", condition,
                                         quote_text(json_quote(name) + ":"), quote_name(name)));
  };
  for (const columnar::Field& field : target.fields) {
    if (field.name == kRescuedColumn) continue;
    const std::string type = field.type.ToString();
    const auto index = file.find(field.name);
    if (!index) {
      columns.push_back(fmt::format("CAST(NULL AS {})", type));
      continue;
    }
    const columnar::Field& source = file.fields[*index];
    const std::string value = quote_name(source.name);
    if (source.type == field.type) {
      columns.push_back(value);
    } else if (can_cast(source.type, field.type)) {
      const std::string cast = fmt::format("TRY_CAST({} AS {})", value, type);
      const std::string fits =
          fmt::format("TRY_CAST({} AS {}) IS NOT DISTINCT FROM {}", cast, source.type.ToString(), value);
      columns.push_back(fmt::format("CASE WHEN {} THEN {} END", fits, cast));
      rescue(source.name, fmt::format("NOT ({})", fits));
    } else {
      columns.push_back(fmt::format("CAST(NULL AS {})", type));
      rescue(source.name, fmt::format("{} IS NOT NULL", value));
    }
  }
  for (const columnar::Field& source : file.fields) {
    const bool known = target.find(source.name) && source.name != kRescuedColumn;
    if (!known) rescue(source.name, fmt::format("{} IS NOT NULL", quote_name(source.name)));
  }
  if (target.find(kRescuedColumn)) {
    columns.push_back(misfits.empty() ? std::string("CAST(NULL AS VARCHAR)")
                                      : fmt::format("CASE WHEN {} THEN '{{' || concat_ws(',', {}) || {} END",
                                                    fmt::join(misfits, " OR "), fmt::join(misfit_members, ", "),
                                                    quote_text(",\"_file_path\":" + json_quote(path) + "}")));
  }
  return fmt::format("SELECT {} {}", fmt::join(columns, ", "), from_clause());
}

Status ParquetReader::read(InputFile& file, const std::string& path, std::uint64_t size_bytes,
                           const columnar::Schema& schema, RowSink& sink, const std::stop_token& stop) {
  return columnar::guard([&]() -> Status {
    impl_->begin(file);
    std::uint64_t row_count = 0;
    const auto broken = [&](const std::string& why) {
      const std::string after = row_count > 0 ? fmt::format(", after {} rows that were taken", row_count) : "";
      return sink.dead_letter(
          {.path = path,
           .number = kDeadLetterParquetBroken,
           .message = fmt::format("not a Parquet file that can be read{}: {}", after, first_line(why)),
           .bytes = "",
           .size_bytes = size_bytes});
    };
    std::string fault;
    SLUICE_TRY_ASSIGN(const auto file_schema, impl_->find_schema(fault));
    if (!file_schema) return broken(fault);
    const auto result = impl_->connection->SendQuery(impl_->query(*file_schema, schema, path));
    duckdb::ErrorData error = result->HasError() ? result->GetErrorObject() : duckdb::ErrorData();
    while (!error.HasError()) {
      if (stop.stop_requested()) return Error(ErrorCode::Cancelled, "reading was stopped");
      duckdb::unique_ptr<duckdb::DataChunk> chunk;
      if (!result->TryFetch(chunk, error)) break;
      if (!chunk || chunk->size() == 0) return ok();
      row_count += chunk->size();
      SLUICE_TRY(sink.rows(columnar::ChangeBatch(std::move(*chunk))));
    }
    SLUICE_TRY(impl_->judge(error));
    return broken(error.RawMessage());
  });
}

std::string ParquetReader::encode_schema(const columnar::Schema& schema) {
  std::string text = fmt::format("{{\"format\":{},\"parquet\":[", kFormatVersion);
  bool first = true;
  for (const columnar::Field& field : schema.fields) {
    if (field.name == kRescuedColumn) continue;
    text += fmt::format("{}{{\"name\":{},\"type\":{}}}", first ? "" : ",", json_quote(field.name),
                        json_quote(field.type.ToString()));
    first = false;
  }
  return text + "]}";
}

Result<columnar::Schema> ParquetReader::decode_schema(std::string_view text) {
  columnar::Schema schema;
  if (text.empty()) return schema;
  const Error damaged = Error(ErrorCode::Corruption,
                              fmt::format("the stored schema of a file source cannot be read: {}", text.substr(0, 200)))
                            .with_number(kErrorStoredStateInvalid);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  simdjson::dom::array columns;
  std::int64_t version = 0;
  if (parser.parse(simdjson::padded_string(text)).get(document) != simdjson::SUCCESS ||
      document["format"].get(version) != simdjson::SUCCESS || version != kFormatVersion ||
      document["parquet"].get(columns) != simdjson::SUCCESS) {
    return damaged;
  }
  for (const simdjson::dom::element column : columns) {
    std::string_view name;
    std::string_view type;
    if (column["name"].get(name) != simdjson::SUCCESS || column["type"].get(type) != simdjson::SUCCESS) return damaged;
    const auto prepared = impl_->connection->Prepare(fmt::format("SELECT CAST(NULL AS {})", type));
    if (prepared->HasError()) return damaged;
    schema.fields.push_back(
        {.name = std::string(name), .type = prepared->GetTypes()[0], .nullable = true, .metadata = {}});
  }
  return schema;
}

}  // namespace sluice::connect
