#include "lake/internal/table_inspection.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/planner/binder.hpp>

#include "delta/history.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/query_names.h"

namespace sluice::lake {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

struct Column {
  const char* name;
  LogicalType type;
};

const LogicalType& text_map() {
  static const LogicalType type = LogicalType::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR);
  return type;
}

std::vector<Column> history_columns() {
  const LogicalType text = LogicalType::VARCHAR;
  return {{"version", LogicalType::BIGINT},
          {"timestamp", LogicalType::TIMESTAMP_TZ},
          {"userId", text},
          {"userName", text},
          {"operation", text},
          {"operationParameters", text_map()},
          {"readVersion", LogicalType::BIGINT},
          {"isolationLevel", text},
          {"isBlindAppend", LogicalType::BOOLEAN},
          {"operationMetrics", text_map()},
          {"userMetadata", text},
          {"engineInfo", text}};
}

std::vector<Column> detail_columns() {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType texts = LogicalType::LIST(text);
  return {{"format", text},
          {"id", text},
          {"name", text},
          {"description", text},
          {"location", text},
          {"createdAt", LogicalType::TIMESTAMP_TZ},
          {"lastModified", LogicalType::TIMESTAMP_TZ},
          {"partitionColumns", texts},
          {"numFiles", LogicalType::BIGINT},
          {"sizeInBytes", LogicalType::BIGINT},
          {"properties", text_map()},
          {"minReaderVersion", LogicalType::INTEGER},
          {"minWriterVersion", LogicalType::INTEGER},
          {"tableFeatures", texts}};
}

Value map_of(const std::map<std::string, std::string>& entries) {
  duckdb::vector<Value> keys;
  duckdb::vector<Value> values;
  for (const auto& [key, value] : entries) {
    keys.emplace_back(key);
    values.emplace_back(value);
  }
  return Value::MAP(LogicalType::VARCHAR, LogicalType::VARCHAR, std::move(keys), std::move(values));
}

template <typename Texts>
Value list_of(const Texts& texts) {
  duckdb::vector<Value> values;
  for (const std::string& text : texts) values.emplace_back(text);
  return Value::LIST(LogicalType::VARCHAR, std::move(values));
}

Value time_of(const std::optional<UnixMillis>& time) {
  if (!time) return Value(LogicalType::TIMESTAMP_TZ);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count();
  return Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(micros));
}

Value text_of(const std::optional<std::string>& text) { return text ? Value(*text) : Value(LogicalType::VARCHAR); }

/// Returns a member of commitInfo that sluice itself has no use for, a JSON string.
Value other_text(const delta::CommitInfo& info, const char* name) {
  const auto found = info.other.find(name);
  if (found == info.other.end() || found->second.size() < 2 || found->second.front() != '"') {
    return Value(LogicalType::VARCHAR);
  }
  return Value(found->second.substr(1, found->second.size() - 2));
}

using Row = std::vector<Value>;

Row history_row(delta::Version version, UnixMillis time, const delta::CommitInfo& info) {
  return {Value::BIGINT(version.value()),
          time_of(time),
          other_text(info, "userId"),
          other_text(info, "userName"),
          info.operation.empty() ? Value(LogicalType::VARCHAR) : Value(info.operation),
          map_of(info.operation_parameters),
          info.read_version ? Value::BIGINT(info.read_version->value()) : Value(LogicalType::BIGINT),
          text_of(info.isolation_level),
          info.is_blind_append ? Value::BOOLEAN(*info.is_blind_append) : Value(LogicalType::BOOLEAN),
          map_of(info.operation_metrics),
          text_of(info.user_metadata),
          text_of(info.engine_info)};
}

Result<std::vector<Row>> history_of(const DeltaTable& table) {
  SLUICE_TRY_ASSIGN(const auto times, delta::CommitTimes::load(*table.store, *table.snapshot));
  std::vector<Row> rows;
  for (std::size_t i = times.size(); i-- > 0;) {
    SLUICE_TRY_ASSIGN(const auto commit, delta::load_commit(*table.store, times.version(i)));
    SLUICE_TRY_ASSIGN(const UnixMillis time, times.time_of(times.version(i), commit));
    const auto is_info = [](const delta::Action& action) { return std::holds_alternative<delta::CommitInfo>(action); };
    const auto info = std::ranges::find_if(commit, is_info);
    rows.push_back(history_row(times.version(i), time,
                               info == commit.end() ? delta::CommitInfo() : std::get<delta::CommitInfo>(*info)));
  }
  return rows;
}

/// Returns the folder of a table on this machine.
Value location_of(const store::ObjectStore& store) {
  const auto log = store.local_path("_delta_log");
  if (!log) return Value(LogicalType::VARCHAR);
  return Value("file://" + std::filesystem::path(*log).parent_path().lexically_normal().string());
}

Result<std::vector<Row>> detail_of(const DeltaTable& table) {
  const delta::Snapshot& snapshot = *table.snapshot;
  std::int64_t file_count = 0;
  std::int64_t size_bytes = 0;
  for (const delta::AddFile& file : snapshot.files()) {
    ++file_count;
    size_bytes += file.size_bytes;
  }
  std::set<std::string> features;
  for (const auto& some : {snapshot.protocol().reader_features, snapshot.protocol().writer_features}) {
    if (some) features.insert(some->begin(), some->end());
  }
  const delta::Metadata& metadata = snapshot.metadata();
  return std::vector<Row>{{Value("delta"), Value(metadata.id), text_of(metadata.name), text_of(metadata.description),
                           location_of(*table.store), time_of(metadata.created_time), time_of(snapshot.commit_time()),
                           list_of(metadata.partition_columns), Value::BIGINT(file_count), Value::BIGINT(size_bytes),
                           map_of(metadata.configuration), Value::INTEGER(snapshot.protocol().min_reader_version),
                           Value::INTEGER(snapshot.protocol().min_writer_version), list_of(features)}};
}

struct Inspection final : duckdb::TableFunctionData {
  std::vector<Row> rows;
};
struct Progress final : duckdb::GlobalTableFunctionState {
  std::size_t next = 0;
};

Error no_table(const std::string& name) {
  return Error(ErrorCode::InvalidArgument, fmt::format("there is no table {}", name)).with_number(kErrorQueryTable);
}

/// Returns the table of an attached folder; nullopt if the name means none.
std::optional<DeltaTable> find_attached(duckdb::ClientContext& client, std::string catalog, std::string schema,
                                        const std::string& name) {
  if (!is_in_attached(client, catalog, schema)) return std::nullopt;
  duckdb::Binder::BindSchemaOrCatalog(client, catalog, schema);
  auto entry = duckdb::Catalog::GetEntry<duckdb::TableCatalogEntry>(client, catalog, schema, name,
                                                                    duckdb::OnEntryNotFound::RETURN_NULL);
  if (!entry) return std::nullopt;
  const auto& table = static_cast<AttachedTable&>(*entry);
  return DeltaTable{table.snapshot(), table.store()};
}

DeltaTable find_named(duckdb::ClientContext& client, const Value& name) {
  std::vector<std::string> parts;
  for (const Value& part : duckdb::ListValue::GetChildren(name)) parts.push_back(part.ToString());
  const auto names = names_of(client);
  const std::string text = fmt::format("{}", fmt::join(parts, "."));
  if (parts.empty() || parts.size() > 3) names->fail(no_table(text));
  const std::string catalog = parts.size() == 3 ? parts[0] : "";
  const std::string schema = parts.size() == 1 ? "" : parts[parts.size() - 2];
  if (auto table = find_attached(client, catalog, schema, parts.back())) return std::move(*table);
  if (parts.size() == 3 || is_in_attached(client, catalog, schema)) names->fail(no_table(text));
  return names->find({schema, parts.back()});
}

/// Binds a function of a table's name or folder.
template <std::vector<Column> (*columns_of)(), Result<std::vector<Row>> (*rows_of)(const DeltaTable&)>
duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& client, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types, duckdb::vector<std::string>& names) {
  const Value& argument = input.inputs[0];
  const bool is_folder = argument.type().id() == duckdb::LogicalTypeId::VARCHAR;
  const DeltaTable table =
      is_folder ? names_of(client)->open_folder(argument.ToString()) : find_named(client, argument);
  if (table.snapshot->version() == delta::kNoVersion) {
    names_of(client)->fail(
        Error(ErrorCode::InvalidArgument, "the table was made by this transaction and has no version yet")
            .with_number(kErrorStatement)
            .with_help("COMMIT first"));
  }
  auto rows = rows_of(table);
  if (!rows) names_of(client)->fail(std::move(rows).error());
  for (const Column& column : columns_of()) {
    names.emplace_back(column.name);
    types.push_back(column.type);
  }
  auto inspection = duckdb::make_uniq<Inspection>();
  inspection->rows = std::move(*rows);
  return inspection;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext&, duckdb::TableFunctionInitInput&) {
  return duckdb::make_uniq<Progress>();
}

void give_rows(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  const auto& rows = input.bind_data->Cast<Inspection>().rows;
  auto& progress = input.global_state->Cast<Progress>();
  const std::size_t count = std::min<std::size_t>(rows.size() - progress.next, STANDARD_VECTOR_SIZE);
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < out.ColumnCount(); ++column) {
      out.SetValue(column, row, rows[progress.next + row][column]);
    }
  }
  progress.next += count;
  out.SetCardinality(count);
}

duckdb::TableFunctionSet both_forms(const char* name, duckdb::table_function_bind_t bind_function) {
  duckdb::TableFunctionSet functions(name);
  for (const LogicalType& argument : {LogicalType(LogicalType::VARCHAR), LogicalType::LIST(LogicalType::VARCHAR)}) {
    functions.AddFunction(duckdb::TableFunction(name, {argument}, give_rows, bind_function, begin));
  }
  return functions;
}

}  // namespace

std::vector<duckdb::TableFunctionSet> inspection_functions() {
  return {both_forms(kTableHistoryFunction, bind<history_columns, history_of>),
          both_forms(kTableDetailFunction, bind<detail_columns, detail_of>)};
}

}  // namespace sluice::lake
