#include "lake/internal/cursor_scan.h"

#include <memory>
#include <vector>

#include <duckdb.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>

#include "lake/internal/query_names.h"
#include "lake/relation.h"

namespace sluice::lake {
namespace {

struct BindData final : duckdb::TableFunctionData {
  explicit BindData(const Relation& of_relation) : relation(of_relation) {}
  bool SupportStatementCache() const override { return false; }
  const Relation& relation;  // QueryNames', which lives as long as the query
};

struct ScanState final : duckdb::GlobalTableFunctionState {
  duckdb::idx_t MaxThreads() const override { return 1; }
  std::unique_ptr<Cursor> cursor;
};

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& client, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  const Relation& relation = names_of(client)->relation(input.inputs[0].GetValue<std::uint64_t>());
  for (const columnar::Field& field : relation.schema().fields) {
    types.push_back(field.type);
    names.push_back(field.name);
  }
  return duckdb::make_uniq<BindData>(relation);
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext& client,
                                                           duckdb::TableFunctionInitInput& input) {
  const std::vector<columnar::ColumnIndex> columns(input.column_ids.begin(), input.column_ids.end());
  auto cursor = (*input.bind_data->Cast<BindData>().relation.cursor())(columns);
  if (!cursor) names_of(client)->fail(std::move(cursor).error());
  auto state = duckdb::make_uniq<ScanState>();
  state->cursor = std::move(*cursor);
  return state;
}

void scan(duckdb::ClientContext& client, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  if (Status read = input.global_state->Cast<ScanState>().cursor->next(output); !read) {
    names_of(client)->fail(std::move(read).error());
  }
}

duckdb::unique_ptr<duckdb::NodeStatistics> cardinality(duckdb::ClientContext&, const duckdb::FunctionData* bind_data) {
  const auto row_count = bind_data->Cast<BindData>().relation.row_count();
  return row_count ? duckdb::make_uniq<duckdb::NodeStatistics>(*row_count, *row_count) : nullptr;
}

/// A relation without rowid; a query that needs no column reads the first.
duckdb::virtual_column_map_t no_virtual_columns(duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData>) {
  return {};
}

}  // namespace

duckdb::TableFunction cursor_scan_function(const std::string& name) {
  duckdb::TableFunction function(name, {duckdb::LogicalType::UBIGINT}, scan, bind, begin);
  function.projection_pushdown = true;
  function.cardinality = cardinality;
  function.get_virtual_columns = no_virtual_columns;
  return function;
}

}  // namespace sluice::lake
