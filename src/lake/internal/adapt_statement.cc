#include "lake/internal/adapt_statement.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/constraint.hpp>
#include <duckdb/parser/expression/star_expression.hpp>
#include <duckdb/parser/expression/subquery_expression.hpp>
#include <duckdb/parser/keyword_helper.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/create_statement.hpp>
#include <duckdb/parser/statement/delete_statement.hpp>
#include <duckdb/parser/statement/explain_statement.hpp>
#include <duckdb/parser/statement/insert_statement.hpp>
#include <duckdb/parser/statement/merge_into_statement.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/statement/update_statement.hpp>
#include <duckdb/parser/tableref/basetableref.hpp>
#include <duckdb/parser/tableref/showref.hpp>
#include <duckdb/parser/tableref/subqueryref.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/expression_binder/constant_binder.hpp>

#include "lake/internal/attached_catalog.h"
#include "lake/internal/error_numbers.h"

namespace sluice::lake {
namespace {

/// Gives each `AT` of a query to QueryNames.
class Versions {
 public:
  Versions(duckdb::ClientContext& client, QueryNames& names) : client_(client), names_(names) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the query is nested, which DuckDB's parser bounds.
  void walk(duckdb::QueryNode& node) {
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [this](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { walk(*child); },
        [this](duckdb::TableRef& ref) { visit(ref); });
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void walk(duckdb::TableRef& ref) {
    duckdb::ParsedExpressionIterator::EnumerateTableRefChildren(
        ref, [this](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { walk(*child); },
        [this](duckdb::TableRef& child) { visit(child); });
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion)
  void visit(duckdb::TableRef& ref) {
    if (ref.type == duckdb::TableReferenceType::BASE_TABLE) name_version(ref.Cast<duckdb::BaseTableRef>());
    if (ref.type != duckdb::TableReferenceType::SHOW_REF) return;
    if (auto& shown = ref.Cast<duckdb::ShowRef>().query) walk(*shown);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void walk(duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      walk(*expression.Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(expression,
                                                        [this](duckdb::ParsedExpression& child) { walk(child); });
  }

  void name_version(duckdb::BaseTableRef& table) {
    // What is attached finds its versions itself.
    if (!table.at_clause || is_in_attached(client_, table.catalog_name, table.schema_name)) return;
    const QueryNames::TableVersion at = version_of(table);
    if (table.alias.empty()) table.alias = table.table_name;
    table.table_name = names_.name_at(table.schema_name, table.table_name, at);
    table.at_clause.reset();
  }

  QueryNames::TableVersion version_of(duckdb::BaseTableRef& table) {
    duckdb::Value value = value_of(*table.at_clause->ExpressionMutable());
    if (duckdb::StringUtil::CIEquals(table.at_clause->Unit(), "version")) {
      if (!value.IsNull() && value.type().IsIntegral() && value.DefaultTryCastAs(duckdb::LogicalType::BIGINT)) {
        return {value.GetValue<std::int64_t>(), std::nullopt};
      }
      refuse(table, "a version is a whole number", "VERSION => 0");
    }
    if (!value.IsNull() && value.DefaultTryCastAs(duckdb::LogicalType::TIMESTAMP_TZ)) {
      if (const auto time = commit_time_of(value)) return {std::nullopt, time};
    }
    refuse(table, "this is no time", "TIMESTAMP => '2026-01-31 12:00:00'");
  }

  /// Returns the expression's value; throws what DuckDB throws if it names a column or cannot be computed.
  duckdb::Value value_of(const duckdb::ParsedExpression& expression) {
    duckdb::Value value;
    client_.RunFunctionInTransaction([&] {
      const auto binder = duckdb::Binder::CreateBinder(client_);
      duckdb::ConstantBinder constants(*binder, client_, "AT");
      auto copy = expression.Copy();
      value = duckdb::ExpressionExecutor::EvaluateScalar(client_, *constants.Bind(copy));
    });
    return value;
  }

  [[noreturn]] void refuse(duckdb::BaseTableRef& table, std::string_view why, std::string_view example) {
    names_.fail(
        Error(ErrorCode::InvalidArgument, fmt::format("{} {}: {}", table.table_name, table.at_clause->ToString(), why))
            .with_number(kErrorTimeTravel)
            .with_help(fmt::format("{} AT ({})", table.table_name, example)));
  }

  duckdb::ClientContext& client_;
  QueryNames& names_;
};

/// Returns the query that stands for SHOW TABLES [FROM schema]; nullptr if `node` is something else.
duckdb::unique_ptr<duckdb::QueryNode> list_of_tables(const duckdb::QueryNode& node) {
  if (node.type != duckdb::QueryNodeType::SELECT_NODE) return nullptr;
  const auto& select = node.Cast<duckdb::SelectNode>();
  if (!select.from_table || select.from_table->type != duckdb::TableReferenceType::SHOW_REF) return nullptr;
  const auto& show = select.from_table->Cast<duckdb::ShowRef>();
  const bool from_schema = show.show_type == duckdb::ShowType::SHOW_FROM;
  if (show.query || (!from_schema && show.table_name != "\"tables\"")) return nullptr;
  std::string sql = R"(SELECT schema_name AS "schema", table_name AS "name" FROM duckdb_tables() WHERE )";
  if (from_schema) {
    sql += fmt::format("lower(database_name) = lower({0}) OR lower(schema_name) = lower({0}) AND ",
                       duckdb::KeywordHelper::WriteQuoted(show.schema_name, '\''));
  }
  sql += "database_name = current_database()";
  duckdb::Parser parser;
  parser.ParseQuery(sql + " ORDER BY ALL");
  return std::move(parser.statements.front()->Cast<duckdb::SelectStatement>().node);
}

}  // namespace

namespace {

/// DuckDB would look for the other table before anyone could say that there are no keys.
void refuse_foreign_keys(const duckdb::CreateTableInfo& table, QueryNames& names) {
  for (const auto& constraint : table.constraints) {
    if (constraint->type != duckdb::ConstraintType::FOREIGN_KEY) continue;
    names.fail(Error(ErrorCode::Unsupported, fmt::format("{}: Delta tables have no keys", constraint->ToString()))
                   .with_number(kErrorStatement)
                   .with_help("leave it out; a query finds the rows that lack their partner: … ANTI JOIN …"));
  }
}

/// Gives the versions in a statement that changes something to QueryNames: those of what it reads.
void name_versions_read(duckdb::SQLStatement& statement, Versions versions, QueryNames& names) {
  switch (statement.type) {
    case duckdb::StatementType::INSERT_STATEMENT:
      if (auto& rows = statement.Cast<duckdb::InsertStatement>().select_statement) versions.walk(*rows->node);
      break;
    case duckdb::StatementType::UPDATE_STATEMENT:
      if (auto& from = statement.Cast<duckdb::UpdateStatement>().from_table) versions.walk(*from);
      break;
    case duckdb::StatementType::DELETE_STATEMENT:
      for (auto& from : statement.Cast<duckdb::DeleteStatement>().using_clauses) versions.walk(*from);
      break;
    case duckdb::StatementType::MERGE_INTO_STATEMENT:
      versions.walk(*statement.Cast<duckdb::MergeIntoStatement>().source);
      break;
    case duckdb::StatementType::CREATE_STATEMENT: {
      auto& info = *statement.Cast<duckdb::CreateStatement>().info;
      if (info.type != duckdb::CatalogType::TABLE_ENTRY) break;
      if (!info.temporary) refuse_foreign_keys(info.Cast<duckdb::CreateTableInfo>(), names);
      if (auto& rows = info.Cast<duckdb::CreateTableInfo>().query) versions.walk(*rows->node);
      break;
    }
    default: break;
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the expression is nested, which DuckDB's parser bounds.
void forget_location(duckdb::ParsedExpression& expression) {
  expression.SetQueryLocation({});
  duckdb::ParsedExpressionIterator::EnumerateChildren(expression,
                                                      [](duckdb::ParsedExpression& child) { forget_location(child); });
}

/// Makes INSERT … PARTITION (p = value) give the value to the column, and the query's columns to the others in their
/// order. Throws DuckDB's exceptions.
void add_partition_values(duckdb::InsertStatement& insert, duckdb::ClientContext& client, QueryNames& names) {
  const std::vector<InsertPartition>& partitions = names.extras().partitions;
  if (partitions.empty()) return;
  const auto fail = [&](const std::string& column, const std::string& why) {
    names.fail(Error(ErrorCode::InvalidArgument, fmt::format("PARTITION ({}): {}", column, why))
                   .with_number(kErrorStatement)
                   .with_help("PARTITION (column = value, …) with columns that the table is partitioned by"));
  };
  const auto is_set = [&](const std::string& column) {
    return std::ranges::any_of(partitions, [&](const InsertPartition& partition) {
      return partition.value && duckdb::StringUtil::CIEquals(partition.column, column);
    });
  };
  std::vector<std::string> all;
  std::vector<std::string> partitioned_by;
  client.RunFunctionInTransaction([&] {
    std::string catalog = insert.catalog;
    std::string schema = insert.schema;
    duckdb::Binder::BindSchemaOrCatalog(client, catalog, schema);
    auto& table = duckdb::Catalog::GetEntry<duckdb::TableCatalogEntry>(client, catalog, schema, insert.table);
    if (table.catalog.GetCatalogType() != AttachedCatalog::kType) return;
    for (const auto& column : table.GetColumns().Physical()) all.push_back(column.Name());
    partitioned_by = static_cast<AttachedTable&>(table).snapshot()->metadata().partition_columns;
  });
  auto rows = duckdb::make_uniq<duckdb::SelectNode>();
  rows->select_list.push_back(duckdb::make_uniq<duckdb::StarExpression>());
  const bool by_name = insert.column_order == duckdb::InsertColumnOrder::INSERT_BY_NAME;
  std::set<std::string> seen;
  if (insert.columns.empty() && !by_name) {
    std::ranges::copy_if(all, std::back_inserter(insert.columns), [&](const auto& column) { return !is_set(column); });
  }
  for (const InsertPartition& partition : partitions) {
    const auto is_it = [&](const std::string& name) { return duckdb::StringUtil::CIEquals(name, partition.column); };
    if (std::ranges::none_of(partitioned_by, is_it)) {
      fail(partition.column, "the table is not partitioned by this column");
    }
    if (!seen.insert(duckdb::StringUtil::Lower(partition.column)).second) fail(partition.column, "named twice");
    if (!partition.value) continue;
    if (std::ranges::any_of(insert.columns, is_it)) {
      fail(partition.column, "the column is also among those of the query");
    }
    auto value = std::move(duckdb::Parser::ParseExpressionList(*partition.value).front());
    forget_location(*value);  // it is not a place in the statement
    if (by_name) {
      value->SetAlias(partition.column);
    } else {
      insert.columns.push_back(partition.column);
    }
    rows->select_list.push_back(std::move(value));
  }
  if (insert.select_statement == nullptr) fail(partitions.front().column, "DEFAULT VALUES are no row of it");
  rows->from_table = duckdb::make_uniq<duckdb::SubqueryRef>(std::move(insert.select_statement));
  insert.select_statement = duckdb::make_uniq<duckdb::SelectStatement>();
  insert.select_statement->node = std::move(rows);
}

}  // namespace

void adapt_statement(duckdb::SQLStatement& statement, duckdb::ClientContext& client, QueryNames& names) {
  if (statement.type == duckdb::StatementType::EXPLAIN_STATEMENT) {
    adapt_statement(*statement.Cast<duckdb::ExplainStatement>().stmt, client, names);
  }
  if (statement.type == duckdb::StatementType::INSERT_STATEMENT) {
    add_partition_values(statement.Cast<duckdb::InsertStatement>(), client, names);
  }
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) {
    return name_versions_read(statement, Versions(client, names), names);
  }
  auto& node = statement.Cast<duckdb::SelectStatement>().node;
  if (auto tables = list_of_tables(*node)) node = std::move(tables);
  Versions(client, names).walk(*node);
}

}  // namespace sluice::lake
