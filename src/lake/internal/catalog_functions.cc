#include "lake/internal/catalog_functions.h"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/subqueryref.hpp>

#include "delta/duckdb_schema.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/query_names.h"

namespace sluice::lake {
namespace {

/// What DuckDB calls the database that it begins with.
constexpr const char* kProjectDatabase = "memory";

// The columns of DuckDB's functions, in their order. The first row of the list, all NULL, gives an empty one its types.
constexpr std::string_view kTables =
    "SELECT d::VARCHAR AS database_name, 0::BIGINT AS database_oid, s::VARCHAR AS schema_name, "
    "0::BIGINT AS schema_oid, t::VARCHAR AS table_name, i::BIGINT AS table_oid, c::VARCHAR AS comment, "
    "MAP {{}}::MAP(VARCHAR, VARCHAR) AS tags, false AS internal, false AS temporary, false AS has_primary_key, "
    "n::BIGINT AS estimated_size, k::BIGINT AS column_count, 0::BIGINT AS index_count, "
    "0::BIGINT AS check_constraint_count, NULL::VARCHAR AS sql "
    "FROM (VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL){}) AS l(d, s, t, i, c, n, k) WHERE i IS NOT NULL";
constexpr std::string_view kColumns =
    "SELECT d::VARCHAR AS database_name, 0::BIGINT AS database_oid, s::VARCHAR AS schema_name, "
    "0::BIGINT AS schema_oid, t::VARCHAR AS table_name, i::BIGINT AS table_oid, c::VARCHAR AS column_name, "
    "k::INTEGER AS column_index, m::VARCHAR AS comment, false AS internal, NULL::VARCHAR AS column_default, "
    "n::BOOLEAN AS is_nullable, y::VARCHAR AS data_type, NULL::BIGINT AS data_type_id, "
    "NULL::INTEGER AS character_maximum_length, NULL::INTEGER AS numeric_precision, "
    "NULL::INTEGER AS numeric_precision_radix, NULL::INTEGER AS numeric_scale "
    "FROM (VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL){}) AS l(d, s, t, i, c, k, n, y, m) WHERE i IS "
    "NOT NULL";

std::string literal(const std::string& text) { return duckdb::KeywordHelper::WriteQuoted(text, '\''); }

duckdb::unique_ptr<duckdb::TableRef> query_of(const std::string& sql) {
  duckdb::Parser parser;
  parser.ParseQuery(sql);
  return duckdb::make_uniq<duckdb::SubqueryRef>(
      duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(std::move(parser.statements.front())));
}

/// A table that a query may name.
struct KnownTable {
  std::string database;
  QueryNames::ListedTable table;
};

/// Returns the project's tables, which DuckDB's initial database stands for, and those of attached folders.
std::vector<KnownTable> known_tables(duckdb::ClientContext& client) {
  std::vector<KnownTable> known;
  for (const QueryNames::ListedTable& table : names_of(client)->tables()) known.push_back({kProjectDatabase, table});
  for_each_attached(client, [&](const std::string& database, AttachedTable& table) {
    const delta::Snapshot& snapshot = *table.snapshot();
    known.push_back({database,
                     {table.table_name(), delta::columnar_schema(snapshot.schema()),
                      snapshot.metadata().description.value_or(""), table.scan(client)->row_count_estimate()}});
  });
  return known;
}

duckdb::unique_ptr<duckdb::TableRef> list_tables(duckdb::ClientContext& client, duckdb::TableFunctionBindInput&) {
  std::string rows;
  std::size_t number = 0;
  for (const auto& [database, table] : known_tables(client)) {
    rows += fmt::format(", ({}, {}, {}, {}, {}, {}, {})", literal(database), literal(table.name.schema),
                        literal(table.name.name), ++number, table.comment.empty() ? "NULL" : literal(table.comment),
                        table.row_count_estimate ? std::to_string(*table.row_count_estimate) : "NULL",
                        table.columns.fields.size());
  }
  return query_of(fmt::format(kTables, rows));
}

duckdb::unique_ptr<duckdb::TableRef> list_columns(duckdb::ClientContext& client, duckdb::TableFunctionBindInput&) {
  std::string rows;
  std::size_t number = 0;
  for (const auto& [database, table] : known_tables(client)) {
    ++number;
    std::size_t index = 0;
    for (const columnar::Field& column : table.columns.fields) {
      const auto comment = delta::comment_of(column.metadata);
      rows += fmt::format(", ({}, {}, {}, {}, {}, {}, {}, {}, {})", literal(database), literal(table.name.schema),
                          literal(table.name.name), number, literal(column.name), ++index, column.nullable,
                          literal(column.type.ToString()), comment ? literal(*comment) : "NULL");
    }
  }
  return query_of(fmt::format(kColumns, rows));
}

}  // namespace

std::vector<duckdb::TableFunction> catalog_functions() {
  duckdb::TableFunction tables("duckdb_tables", {}, nullptr, nullptr);
  tables.bind_replace = list_tables;
  duckdb::TableFunction columns("duckdb_columns", {}, nullptr, nullptr);
  columns.bind_replace = list_columns;
  return {std::move(tables), std::move(columns)};
}

}  // namespace sluice::lake
