#include "lake/internal/overwrite.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/execution/column_binding_resolver.hpp>
#include <duckdb/execution/operator/projection/physical_projection.hpp>
#include <duckdb/execution/operator/set/physical_union.hpp>
#include <duckdb/optimizer/optimizer.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/delete_statement.hpp>
#include <duckdb/parser/tableref/basetableref.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/operator/logical_delete.hpp>

#include "base/check.h"
#include "delta/partition_value.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/query_names.h"
#include "lake/internal/row_check.h"

namespace sluice::lake {
namespace {

/// The values of some partition columns, as text that is the same for the same values.
using PartitionKey = std::vector<std::string>;

/// Values that differ as text in the log may be the same value.
Result<PartitionKey> partition_of(const DeltaScan& scan, const std::vector<DeltaScan::PartitionColumn>& columns,
                                  const delta::AddFile& file) {
  PartitionKey key;
  for (const auto& [column, name] : columns) {
    const auto found = file.partition_values.find(name);
    const auto text = found == file.partition_values.end() ? std::optional<std::string>() : found->second;
    auto value = delta::read_partition_value(text, scan.schema().fields[column].type);
    if (!value) return std::move(value).error().in(file.path);
    key.push_back(value->ToSQLString());
  }
  return key;
}

/// Returns the condition that a row is in the file's partition.
delta::FilePredicate in_partition_of(const DeltaScan& scan, const std::vector<DeltaScan::PartitionColumn>& columns,
                                     const delta::AddFile& file) {
  std::vector<delta::FilePredicate> all;
  for (const auto& [column, name] : columns) {
    const auto found = file.partition_values.find(name);
    const std::string& column_name = scan.schema().fields[column].name;
    const bool is_null = found == file.partition_values.end() || !found->second || found->second->empty();
    all.push_back(is_null ? delta::FilePredicate::is_null(column_name)
                          : delta::FilePredicate::equal(column_name, *found->second));
  }
  return delta::FilePredicate::conjunction(std::move(all));
}

/// Parses the condition as that of a DELETE, its place in the text such that errors name it.
duckdb::unique_ptr<duckdb::DeleteStatement> parse_deletion(duckdb::ClientContext& client, const AttachedTable& table,
                                                           const Overwrite& overwrite) {
  constexpr std::string_view kPrefix = "DELETE FROM t WHERE (";
  SLUICE_CHECK(overwrite.condition_begin >= kPrefix.size(), "there is room before a condition");
  std::string text(overwrite.condition_begin - kPrefix.size(), ' ');
  text += fmt::format("{}{}\n)", kPrefix, overwrite.condition);
  duckdb::Parser parser(client.GetParserOptions());
  parser.ParseQuery(text);
  if (parser.statements.size() != 1) throw duckdb::ParserException("REPLACE WHERE has one condition");
  auto deletion =
      duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::DeleteStatement>(std::move(parser.statements.front()));
  if (deletion->condition->HasSubquery()) {
    names_of(client)->fail(
        Error(ErrorCode::InvalidArgument, "the condition of REPLACE WHERE is one on a row of the table: no subqueries")
            .with_number(kErrorStatement)
            .with_help("MERGE INTO replaces rows by those of another query"));
  }
  auto& target = deletion->table->Cast<duckdb::BaseTableRef>();
  target.catalog_name = table.catalog.GetName();
  target.schema_name = table.table_name().schema;
  target.table_name = table.table_name().name;
  return deletion;
}

duckdb::unique_ptr<duckdb::Expression> reference(const duckdb::LogicalType& type, std::size_t column) {
  return duckdb::make_uniq<duckdb::BoundReferenceExpression>(type, column);
}

duckdb::unique_ptr<duckdb::Expression> null_of(const duckdb::LogicalType& type) {
  return duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(type));
}

}  // namespace

ReplacedFiles replaced_files(const std::shared_ptr<const DeltaScan>& scan) {
  ReplacedFiles replaced;
  for (std::size_t number = 0; number < scan->file_count(); ++number) replaced.numbers.push_back(number);
  replaced.reads = std::make_shared<ScanReads>();
  replaced.reads->scan = scan;
  return replaced;
}

Result<ReplacedFiles> replaced_files(const std::shared_ptr<const DeltaScan>& scan,
                                     const std::vector<DeltaScan::PartitionColumn>& columns,
                                     std::span<const delta::Action> added) {
  std::set<PartitionKey> partitions;
  std::vector<delta::FilePredicate> conditions;
  for (const delta::Action& action : added) {
    const auto* file = std::get_if<delta::AddFile>(&action);
    if (file == nullptr) continue;
    SLUICE_TRY_ASSIGN(auto partition, partition_of(*scan, columns, *file));
    if (partitions.insert(std::move(partition)).second) conditions.push_back(in_partition_of(*scan, columns, *file));
  }
  ReplacedFiles replaced;
  for (std::size_t number = 0; number < scan->file_count(); ++number) {
    SLUICE_TRY_ASSIGN(const auto partition, partition_of(*scan, columns, scan->file(number).action));
    if (partitions.contains(partition)) replaced.numbers.push_back(number);
  }
  replaced.reads = std::make_shared<ScanReads>();
  replaced.reads->scan = scan;
  replaced.reads->is_narrowed = true;
  replaced.reads->conditions = {delta::FilePredicate::disjunction(std::move(conditions))};
  replaced.reads->files = replaced.numbers;
  return replaced;
}

Result<std::vector<DeltaScan::PartitionColumn>> replaced_columns(const DeltaScan& scan, const Overwrite& overwrite) {
  std::vector<DeltaScan::PartitionColumn> columns;
  for (const std::string& name : overwrite.columns) {
    const auto column = scan.schema().find(name);
    if (!column) {
      return Error(ErrorCode::InvalidArgument, fmt::format("REPLACE USING: there is no column {}", name))
          .with_number(kErrorQueryColumn);
    }
    const auto partitioned = std::ranges::find(scan.partition_columns(), *column, &DeltaScan::PartitionColumn::column);
    if (partitioned == scan.partition_columns().end()) {
      return Error(ErrorCode::Unsupported,
                   fmt::format("REPLACE USING ({}): the table is not partitioned by this column", name))
          .with_number(kErrorStatement)
          .with_help("MERGE INTO replaces rows by any columns, REPLACE WHERE by a condition");
    }
    columns.push_back(*partitioned);
  }
  return columns;
}

duckdb::unique_ptr<duckdb::Expression> bind_condition(duckdb::ClientContext& client, AttachedTable& table,
                                                      const Overwrite& overwrite) {
  return bind_row_condition(client, table.table_name().name, table.GetColumns(),
                            std::move(parse_deletion(client, table, overwrite)->condition));
}

duckdb::PhysicalOperator& with_replaced_rows(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                             AttachedTable& table, const Overwrite& overwrite,
                                             duckdb::PhysicalOperator& inserted) {
  auto statement = parse_deletion(client, table, overwrite);
  const auto binder = duckdb::Binder::CreateBinder(client);
  auto plan = binder->Bind(static_cast<duckdb::SQLStatement&>(*statement)).plan;
  plan = duckdb::Optimizer(*binder, client).Optimize(std::move(plan));
  plan->ResolveOperatorTypes();
  duckdb::ColumnBindingResolver().VisitOperator(*plan);
  auto& deletion = plan->Cast<duckdb::LogicalDelete>();
  const auto row_id = deletion.expressions[0]->Cast<duckdb::BoundReferenceExpression>().index;
  duckdb::PhysicalOperator& replaced = planner.CreatePlan(*deletion.children[0]);

  auto types = inserted.types;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> of_inserted;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> of_replaced;
  for (std::size_t column = 0; column < types.size(); ++column) {
    of_inserted.push_back(reference(types[column], column));
    of_replaced.push_back(null_of(types[column]));
  }
  for (const std::size_t id : {row_id, row_id + 1}) {
    const duckdb::LogicalType type = replaced.types[id];
    types.push_back(type);
    of_inserted.push_back(null_of(type));
    of_replaced.push_back(reference(type, id));
  }
  auto& rows = planner.Make<duckdb::PhysicalProjection>(types, std::move(of_inserted), inserted.estimated_cardinality);
  rows.children.push_back(inserted);
  auto& places =
      planner.Make<duckdb::PhysicalProjection>(types, std::move(of_replaced), replaced.estimated_cardinality);
  places.children.push_back(replaced);
  duckdb::ArenaLinkedList<duckdb::reference<duckdb::PhysicalOperator>> both(planner.ArenaRef());
  both.push_back(rows);
  both.push_back(places);
  return planner.Make<duckdb::PhysicalUnion>(std::move(types), both,
                                             inserted.estimated_cardinality + replaced.estimated_cardinality,
                                             /*allow_out_of_order=*/true);
}

}  // namespace sluice::lake
