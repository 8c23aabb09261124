#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/column_list.hpp>
#include <duckdb/parser/parsed_expression.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "delta/row_constraints.h"
#include "delta/snapshot.h"

namespace sluice::lake {

/// The conditions that each row of a table must meet, as DuckDB computes them. Immutable; shared by threads.
class RowCheck {
 public:
  /// Compiles the constraints of the table for rows with its columns. Within a query of the client, which must outlive
  /// it. Unsupported, naming the constraint, if its Spark SQL has something that is not known to mean the same to
  /// DuckDB.
  static Result<std::shared_ptr<const RowCheck>> compile(duckdb::ClientContext& client, const std::string& table,
                                                         const delta::Snapshot& snapshot,
                                                         const std::vector<delta::RowConstraint>& constraints);

  bool empty() const { return conditions_.empty(); }

 private:
  friend class RowChecker;
  RowCheck() = default;

  std::vector<delta::RowConstraint> constraints_;
  std::vector<duckdb::unique_ptr<duckdb::Expression>> conditions_;
};

/// Runs a RowCheck. Used by one thread at a time.
class RowChecker {
 public:
  RowChecker(duckdb::ClientContext& client, std::shared_ptr<const RowCheck> check);

  /// A row that does not meet a constraint.
  struct Violation {
    const delta::RowConstraint* constraint;
    std::size_t row;
  };
  /// Returns the first row that fails the first constraint that one fails; nullopt if there is none. Throws what DuckDB
  /// throws if a condition cannot be computed. Cost: one pass per constraint.
  std::optional<Violation> find_violation(duckdb::DataChunk& rows);

 private:
  std::shared_ptr<const RowCheck> check_;
  std::vector<std::unique_ptr<duckdb::ExpressionExecutor>> executors_;
};

/// Returns the condition on a row of the table: each column is a reference to its place. Throws DuckDB's exceptions.
duckdb::unique_ptr<duckdb::Expression> bind_row_condition(duckdb::ClientContext& client, const std::string& table,
                                                          const duckdb::ColumnList& columns,
                                                          duckdb::unique_ptr<duckdb::ParsedExpression> condition);

/// Returns the first row for which the condition is false or NULL; nullopt if there is none. Throws what DuckDB throws if
/// it cannot be computed.
std::optional<std::size_t> find_unmet(duckdb::ExpressionExecutor& condition, duckdb::DataChunk& rows);

/// True if the constraint looks at the column, or at a member of it, or may do so: if it cannot be read. The column is
/// named by its path from the table's column on.
bool may_look_at(duckdb::ClientContext& client, const std::string& table, const delta::Snapshot& snapshot,
                 const delta::RowConstraint& constraint, std::span<const std::string> column);

/// Returns a row, with these columns, as messages show it.
std::string row_text(const columnar::Schema& schema, const duckdb::DataChunk& rows, std::size_t row);

/// Puts an expression of Spark SQL into DuckDB's spelling: names in backticks, text in double quotes, escapes with a
/// backslash, `<=>`, and suffixes of numbers. nullopt if it has something that would mean another thing here: a backslash
/// in a pattern of LIKE, `!`, `^`, `[`, RLIKE, comments.
std::optional<std::string> duckdb_spelling(const std::string& spark_sql);

}  // namespace sluice::lake
