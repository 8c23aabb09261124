#include "lake/relation.h"

#include <utility>

namespace sluice::lake {
namespace {

/// Reads a collection without copying it.
class CollectionCursor final : public Cursor {
 public:
  CollectionCursor(const duckdb::ColumnDataCollection& rows, const std::vector<columnar::ColumnIndex>& columns)
      : rows_(rows) {
    rows.InitializeScan(state_, duckdb::vector<duckdb::column_t>(columns.begin(), columns.end()),
                        duckdb::ColumnDataScanProperties::ALLOW_ZERO_COPY);
  }

  Status next(duckdb::DataChunk& rows) override {
    rows_.Scan(state_, rows);
    return ok();
  }

 private:
  const duckdb::ColumnDataCollection& rows_;
  duckdb::ColumnDataScanState state_;
};

}  // namespace

Relation Relation::of_rows(std::string name, columnar::Schema schema, const duckdb::ColumnDataCollection& rows) {
  OpenCursor open = [&rows](const std::vector<columnar::ColumnIndex>& columns) -> Result<std::unique_ptr<Cursor>> {
    return std::unique_ptr<Cursor>(std::make_unique<CollectionCursor>(rows, columns));
  };
  Relation relation(std::move(name), std::move(schema), std::move(open));
  relation.row_count_ = rows.Count();
  return relation;
}

Relation Relation::of_cursor(std::string name, columnar::Schema schema, OpenCursor open) {
  return Relation(std::move(name), std::move(schema), std::move(open));
}

Relation Relation::of_table(std::string name, DeltaTable table) {
  return Relation(std::move(name), columnar::Schema(), std::move(table));
}

}  // namespace sluice::lake
