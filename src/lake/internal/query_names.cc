#include "lake/internal/query_names.h"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/expression/function_expression.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/tableref/subqueryref.hpp>
#include <duckdb/parser/tableref/table_function_ref.hpp>

#include "delta/history.h"
#include "lake/internal/catalog_functions.h"
#include "lake/internal/cursor_scan.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/query_error.h"
#include "lake/internal/table_inspection.h"

namespace sluice::lake {
namespace {

/// DuckDB's virtual column that counts the rows of a file.
constexpr const char* kFileRowNumber = "file_row_number";
// What row_tracking adds in front of a table's columns.
constexpr const char* kRowId = "_row_id";
constexpr const char* kRowCommitVersion = "_row_commit_version";

duckdb::unique_ptr<duckdb::TableRef> call(const char* function, std::size_t number) {
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
  arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::UBIGINT(number)));
  auto ref = duckdb::make_uniq<duckdb::TableFunctionRef>();
  ref->function = duckdb::make_uniq<duckdb::FunctionExpression>(function, std::move(arguments));
  return ref;
}

duckdb::unique_ptr<duckdb::TableRef> replace_name(duckdb::ClientContext& client, duckdb::ReplacementScanInput& name,
                                                  duckdb::optional_ptr<duckdb::ReplacementScanData>) {
  const auto names = client.registered_state->Get<QueryNames>(QueryNames::kKey);
  return names ? names->replace(name) : nullptr;
}

duckdb::unique_ptr<duckdb::FunctionData> bind_found_table(duckdb::ClientContext& client,
                                                          duckdb::TableFunctionBindInput& input,
                                                          duckdb::vector<duckdb::LogicalType>& types,
                                                          duckdb::vector<std::string>& names) {
  const auto number = input.inputs[0].GetValue<std::uint64_t>();
  return bind_delta_scan(client, names_of(client)->scan(number), types, names);
}

/// The arguments of read_delta().
struct ReadDelta {
  explicit ReadDelta(const duckdb::TableFunctionBindInput& input) {
    for (const auto& [option, value] : input.named_parameters) {
      if (value.IsNull()) throw duckdb::BinderException("read_delta: %s is NULL", option);
      if (option == "version") at.version = value.GetValue<std::int64_t>();
      if (option == "as_of") {
        at.time = commit_time_of(value);
        if (!at.time) throw duckdb::BinderException("read_delta: as_of is infinite");
      }
      if (option == "row_tracking") row_tracking = value.GetValue<bool>();
    }
    if (at.version && at.time) throw duckdb::BinderException("read_delta: give version or as_of, not both");
    if (input.inputs[0].IsNull()) throw duckdb::BinderException("read_delta: the path is NULL");
    path = input.inputs[0].GetValue<std::string>();
  }

  std::string path;
  QueryNames::TableVersion at;
  bool row_tracking = false;
};

duckdb::unique_ptr<duckdb::FunctionData> bind_read_delta(duckdb::ClientContext& client,
                                                         duckdb::TableFunctionBindInput& input,
                                                         duckdb::vector<duckdb::LogicalType>& types,
                                                         duckdb::vector<std::string>& names) {
  const ReadDelta call(input);
  const auto query = names_of(client);
  return bind_delta_scan(client, query->scan(query->open(call.path, call.at, DeltaScan::Extra::None)), types, names);
}

/// Makes of read_delta(…, row_tracking => true) a query over the scan that has what row ids are made from.
duckdb::unique_ptr<duckdb::TableRef> replace_read_delta(duckdb::ClientContext& client,
                                                        duckdb::TableFunctionBindInput& input) {
  const ReadDelta call(input);
  if (!call.row_tracking) return nullptr;
  const auto query = names_of(client);
  const std::size_t number = query->open(call.path, call.at, DeltaScan::Extra::RowTracking);
  const columnar::Schema& schema = query->scan(number)->schema();
  for (const char* taken : {kFileRowNumber, kRowId, kRowCommitVersion}) {
    if (!schema.find(taken)) continue;
    query->fail(
        Error(ErrorCode::Unsupported, fmt::format("row ids cannot be read of a table with a column \"{}\"", taken)));
  }
  // The table's own columns, then those that make row ids.
  const auto name = [&](std::size_t index) {
    return duckdb::KeywordHelper::WriteQuoted(schema.fields[index].name, '"');
  };
  const std::size_t column_count = schema.fields.size() - 4;
  std::string sql = fmt::format("SELECT coalesce({}, {} + {}) AS {}, coalesce({}, {}) AS {}", name(column_count),
                                name(column_count + 2), kFileRowNumber, kRowId, name(column_count + 1),
                                name(column_count + 3), kRowCommitVersion);
  for (std::size_t i = 0; i < column_count; ++i) sql += ", " + name(i);
  sql += fmt::format(" FROM {}({}::UBIGINT)", QueryNames::kDeltaFunction, number);
  duckdb::Parser parser(client.GetParserOptions());
  parser.ParseQuery(sql);
  auto statement =
      duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(std::move(parser.statements.front()));
  return duckdb::make_uniq<duckdb::SubqueryRef>(std::move(statement));
}

duckdb::unique_ptr<duckdb::FunctionData> bind_table_changes(duckdb::ClientContext& client,
                                                            duckdb::TableFunctionBindInput& input,
                                                            duckdb::vector<duckdb::LogicalType>& types,
                                                            duckdb::vector<std::string>& names) {
  for (const duckdb::Value& value : input.inputs) {
    if (value.IsNull()) throw duckdb::BinderException("table_changes: an argument is NULL");
  }
  std::optional<std::int64_t> to;
  if (input.inputs.size() > 2) to = input.inputs[2].GetValue<std::int64_t>();
  const auto query = names_of(client);
  const std::size_t number =
      query->open_changes(input.inputs[0].GetValue<std::string>(), input.inputs[1].GetValue<std::int64_t>(), to);
  return bind_delta_scan(client, query->scan(number), types, names);
}

std::string text_of(const TableName& name) { return name.schema.empty() ? name.name : name.schema + "." + name.name; }

/// Names the version, as nothing else is named in a query.
std::string text_of(const QueryNames::TableVersion& at) {
  return at.version ? fmt::format("version {}", *at.version)
                    : fmt::format("time {}", at.time->time_since_epoch().count());
}

/// Makes the table, which is at its newest version, that of another version.
Status go_to(DeltaTable& table, const QueryNames::TableVersion& at) {
  auto version = at.version ? Result<delta::Version>(delta::Version(*at.version))
                            : delta::find_version_at(*table.store, *table.snapshot, *at.time);
  if (!version) return std::move(version).error();
  if (*version == table.snapshot->version()) return ok();
  SLUICE_TRY_ASSIGN(table.snapshot, delta::Snapshot::load(*table.store, *version));
  return ok();
}

template <typename Function>
void register_function(duckdb::ClientContext& client, Function function) {
  duckdb::CreateTableFunctionInfo info(std::move(function));
  info.internal = true;
  info.on_conflict = duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;  // DuckDB's own lists of tables
  duckdb::Catalog::GetSystemCatalog(client).CreateTableFunction(client, info);
}

}  // namespace

std::optional<std::size_t> QueryNames::find_relation(const std::string& qualified, const std::string& bare) const {
  for (std::size_t i = 0; i < sources_.relations.size(); ++i) {
    const std::string& name = sources_.relations[i].name();
    if (duckdb::StringUtil::CIEquals(name, bare) || duckdb::StringUtil::CIEquals(name, qualified)) return i;
  }
  return std::nullopt;
}

void QueryNames::warn_of(const DeltaTable& table, const std::string& name) const {
  if (!sources_.warn) return;
  for (const std::string& reason : table.snapshot->passed_over()) {
    sources_.warn(fmt::format("{}: {}; it is passed over, and the table read from its commits", name, reason));
  }
}

std::size_t QueryNames::add_scan(Result<std::shared_ptr<const DeltaScan>> scan) {
  if (!scan) fail(std::move(scan).error());
  scans_.push_back(std::move(*scan));
  return scans_.size() - 1;
}

Result<std::optional<DeltaTable>> QueryNames::find_table(const TableName& name) {
  if (!sources_.find_table) return std::optional<DeltaTable>();
  return sources_.find_table(name.schema.empty() ? std::nullopt : std::optional(name.schema), name.name);
}

std::string QueryNames::name_at(const std::string& schema, const std::string& table, const TableVersion& at) {
  std::string name = fmt::format("{}.{} at {}", schema, table, text_of(at));
  versioned_.emplace(name, VersionedName{{schema, table}, at});
  return name;
}

const std::vector<QueryNames::ListedTable>& QueryNames::tables() {
  if (tables_) return *tables_;
  tables_.emplace();
  for (TableName& name : sources_.list_tables ? sources_.list_tables() : std::vector<TableName>()) {
    auto found = find_table(name);
    if (found && !*found) continue;
    ListedTable listed{std::move(name), {}, {}, std::nullopt};
    // What cannot be read is there all the same; who reads it learns why it cannot.
    auto scan = found ? DeltaScan::create(**found, files_) : std::move(found).error();
    if (scan) {
      listed.columns = (*scan)->schema();
      listed.comment = (*scan)->table().snapshot->metadata().description.value_or("");
      listed.row_count_estimate = (*scan)->row_count_estimate();
    }
    tables_->push_back(std::move(listed));
  }
  return *tables_;
}

duckdb::unique_ptr<duckdb::TableRef> QueryNames::replace(const duckdb::ReplacementScanInput& input) {
  if (!input.catalog_name.empty()) return nullptr;
  TableName name{input.schema_name, input.table_name};
  std::optional<TableVersion> at;
  if (const auto versioned = versioned_.find(input.table_name); versioned != versioned_.end()) {
    name = versioned->second.table;
    at = versioned->second.at;
  }
  const bool local = name.schema.empty() || duckdb::StringUtil::CIEquals(name.schema, sources_.schema);
  const std::string bare = local ? name.name : std::string();
  const std::string schema = name.schema.empty() ? sources_.schema : name.schema;
  std::string qualified = duckdb::StringUtil::Lower(schema + "." + name.name);
  std::optional<DeltaTable> table;
  if (const auto relation = find_relation(qualified, bare); relation && !at) {
    if (sources_.relations[*relation].cursor()) return call(kCursorFunction, *relation);
    table = *sources_.relations[*relation].table();
  }
  if (at) qualified += " at " + text_of(*at);
  for (const auto& [known, number] : scan_of_name_) {
    if (known == qualified) return call(kDeltaFunction, number);
  }
  if (!table) {
    auto found = find_table(name);
    if (!found) fail(std::move(found).error());
    table = std::move(*found);
  }
  if (!table) {
    missing_ = text_of(name);
    return nullptr;
  }
  if (at) {
    if (Status found = go_to(*table, *at); !found) fail(version_error(std::move(found).error()).in(name.name));
  }
  const std::size_t number = add_scan(make_scan(std::move(*table), qualified));
  scan_of_name_.emplace_back(qualified, number);
  return call(kDeltaFunction, number);
}

std::size_t QueryNames::open(const std::string& path, const TableVersion& at, DeltaScan::Extra extra) {
  if (!sources_.open_table) fail(Error(ErrorCode::InvalidArgument, "read_delta has no place in this query"));
  auto table = sources_.open_table(path, at);
  if (!table) fail(std::move(table).error());
  warn_of(*table, path);
  return add_scan(DeltaScan::create(std::move(*table), files_, extra));
}

DeltaTable QueryNames::open_folder(const std::string& path) {
  if (!sources_.open_table) fail(Error(ErrorCode::InvalidArgument, "no table can be named by its folder here"));
  auto table = sources_.open_table(path, {});
  if (!table) fail(std::move(table).error());
  return std::move(*table);
}

DeltaTable QueryNames::find(const TableName& name) {
  auto table = find_table(name);
  if (!table) fail(std::move(table).error());
  if (*table) return std::move(**table);
  missing_ = text_of(name);
  throw duckdb::InvalidInputException("there is no table %s", *missing_);
}

std::size_t QueryNames::open_changes(const std::string& path, std::int64_t from, std::optional<std::int64_t> to) {
  if (!sources_.open_changes) fail(Error(ErrorCode::InvalidArgument, "table_changes has no place in this query"));
  auto changes = sources_.open_changes(path, from, to);
  if (!changes) fail(std::move(changes).error());
  return add_scan(DeltaScan::create_changes(std::move(*changes), files_));
}

Result<std::shared_ptr<const DeltaScan>> QueryNames::make_scan(DeltaTable table, const std::string& name) {
  warn_of(table, name);
  return DeltaScan::create(std::move(table), files_);
}

void QueryNames::keep(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

void QueryNames::fail(Error error) {
  const std::string message = error.message();
  keep(std::move(error));
  throw duckdb::InvalidInputException(message);
}

std::optional<Error> QueryNames::failure() const {
  for (const auto& scan : scans_) {
    if (auto failure = scan->mount().failure()) return failure;
  }
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::optional<Error> QueryNames::missing_table() const {
  if (!missing_) return std::nullopt;
  Error error =
      Error(ErrorCode::InvalidArgument, fmt::format("there is no table {}", *missing_)).with_number(kErrorQueryTable);
  if (!sources_.list_tables) return error;
  std::vector<std::string> known;
  for (const TableName& table : sources_.list_tables()) {
    known.push_back(table.schema == sources_.schema ? table.name : table.schema + "." + table.name);
  }
  const std::vector<std::string> near = near_names(*missing_, known);
  if (near.empty()) return error;
  return std::move(error).with_help(fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

duckdb::shared_ptr<QueryNames> names_of(duckdb::ClientContext& client) {
  auto names = client.registered_state->Get<QueryNames>(QueryNames::kKey);
  if (!names) throw duckdb::InvalidInputException("this function is not for use outside sluice");
  return names;
}

std::optional<UnixMillis> commit_time_of(const duckdb::Value& time) {
  const auto instant = time.GetValueUnsafe<duckdb::timestamp_tz_t>();
  if (!duckdb::Timestamp::IsFinite(instant)) return std::nullopt;
  return std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(instant.value)));
}

void register_query_names(duckdb::DatabaseInstance& database) {
  duckdb::TableFunction found_table = delta_scan_function(QueryNames::kDeltaFunction);
  found_table.arguments = {duckdb::LogicalType::UBIGINT};
  found_table.bind = bind_found_table;
  duckdb::TableFunction read_delta = delta_scan_function("read_delta");
  read_delta.arguments = {duckdb::LogicalType::VARCHAR};
  read_delta.named_parameters["version"] = duckdb::LogicalType::BIGINT;
  read_delta.named_parameters["as_of"] = duckdb::LogicalType::TIMESTAMP_TZ;
  read_delta.named_parameters["row_tracking"] = duckdb::LogicalType::BOOLEAN;
  read_delta.bind = bind_read_delta;
  read_delta.bind_replace = replace_read_delta;
  duckdb::TableFunctionSet table_changes("table_changes");
  for (const std::size_t version_count : {1, 2}) {
    duckdb::TableFunction function = delta_scan_function("table_changes");
    function.arguments = {duckdb::LogicalType::VARCHAR};
    function.arguments.insert(function.arguments.end(), version_count, duckdb::LogicalType::BIGINT);
    function.bind = bind_table_changes;
    table_changes.AddFunction(std::move(function));
  }

  duckdb::Connection connection(database);
  auto& client = *connection.context;
  client.RunFunctionInTransaction([&] {
    register_function(client, cursor_scan_function(QueryNames::kCursorFunction));
    register_function(client, std::move(found_table));
    register_function(client, std::move(read_delta));
    register_function(client, std::move(table_changes));
    for (duckdb::TableFunction& function : catalog_functions()) register_function(client, std::move(function));
    for (duckdb::TableFunctionSet& functions : inspection_functions()) register_function(client, std::move(functions));
  });
  // Ours alone: DuckDB's own look for files.
  auto& scans = duckdb::DBConfig::GetConfig(database).replacement_scans;
  scans.clear();
  scans.emplace_back(replace_name);
}

}  // namespace sluice::lake
