#pragma once

#include <optional>
#include <vector>

#include "columnar/schema.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// Reads a type: DuckDB's spelling, or Spark's `array<…>`, `map<…,…>`, `struct<name: type, …>` around it, at any depth.
/// A name that both know means DuckDB's type (TIMESTAMP has no time zone). Appends what is wrong to `errors`.
std::optional<duckdb::LogicalType> parse_type(const SourceText& source, TokenRange tokens, PlanningDatabase& database,
                                              std::vector<Error>& errors);

/// Reads the text of `schema => '…'`: columns as `name type` or `name: type`, separated by commas, each with an
/// optional NOT NULL (accepted, not enforced on files) and COMMENT. `literal` is the string token; errors point into it
/// where it is written without escapes.
std::optional<columnar::Schema> parse_schema_text(const SourceText& source, const Token& literal,
                                                  PlanningDatabase& database, std::vector<Error>& errors);

}  // namespace sluice::sql
