#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "lake/delta_table.h"

namespace sluice::lake {

/// One pass over the rows of a relation. Owned by one worker.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// Replaces the content of `rows`, which has the types asked for and room for a chunk; leaves it empty at the end.
  /// The rows stay valid until the next call.
  virtual Status next(duckdb::DataChunk& rows) = 0;
};

/// Begins a pass that gives the columns asked for, at least one, in that order. Called once for each place where a
/// query reads the relation.
using OpenCursor = std::function<Result<std::unique_ptr<Cursor>>(const std::vector<columnar::ColumnIndex>& columns)>;

/// What a name in a query stands for: rows in memory, rows that come from a cursor, or a Delta table at a version.
/// Its rows come in the same order in every pass.
class Relation {
 public:
  /// `rows` has the schema's types and must outlive every query that reads the relation; it is scanned without a copy.
  static Relation of_rows(std::string name, columnar::Schema schema, const duckdb::ColumnDataCollection& rows);
  static Relation of_cursor(std::string name, columnar::Schema schema, OpenCursor open);
  static Relation of_table(std::string name, DeltaTable table);

  /// As a query says it (then perhaps quoted); compared without regard to case. "schema.name" answers to that qualified
  /// name only.
  const std::string& name() const { return name_; }
  /// Columns; empty for a Delta table, which brings its own.
  const columnar::Schema& schema() const { return schema_; }
  const OpenCursor* cursor() const { return std::get_if<OpenCursor>(&content_); }
  const DeltaTable* table() const { return std::get_if<DeltaTable>(&content_); }
  /// Number of rows where it is known without reading them; helps to order joins.
  std::optional<std::uint64_t> row_count() const { return row_count_; }

 private:
  Relation(std::string name, columnar::Schema schema, std::variant<OpenCursor, DeltaTable> content)
      : name_(std::move(name)), schema_(std::move(schema)), content_(std::move(content)) {}

  std::string name_;
  columnar::Schema schema_;
  std::variant<OpenCursor, DeltaTable> content_;
  std::optional<std::uint64_t> row_count_;
};

/// A named query: a temporary view of the pipeline, inlined wherever `sql` or a later view names it.
struct View {
  std::string name;
  std::string sql;
};

}  // namespace sluice::lake
