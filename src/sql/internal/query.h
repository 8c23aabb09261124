#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/pipeline.h"
#include "sql/internal/duckdb_error.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/query_text.h"

namespace sluice::sql {

/// A relation that a query names or calls.
struct RelationUse {
  Span span;                           ///< Of the name, or of the whole call.
  std::string dataset;                 ///< Lower case; empty for a source.
  std::optional<plan::Source> source;  ///< Of a call; key, dataset, stream and schema not yet set.
  std::optional<Span> stream;          ///< Of STREAM before it.
  bool qualified = false;              ///< Written schema.name.
  bool has_alias = false;
};

/// A query that DuckDB has parsed and whose relations are known.
struct Query {
  explicit Query(QueryText query_text) : text(std::move(query_text)) {}

  QueryText text;
  duckdb::unique_ptr<duckdb::SelectStatement> statement;  ///< nullptr if it did not parse.
  std::map<std::size_t, RelationUse> uses;                ///< By the offset at which they begin.
  std::vector<TextEdit> edits;                            ///< Exact functions in place of approximate ones.
};

/// Names that queries may use.
struct NameScope {
  std::function<bool(const std::string& lower_name)> is_dataset;
  std::vector<std::string> dataset_names;  ///< As written, for suggestions.
  std::string schema;                      ///< The pipeline's.
};

/// Parses a query and finds what it reads. Appends to `errors` what needs no schemas to be seen: syntax, unknown
/// datasets, bad calls of sources, and what is refused by name (design §3). Returns the query even then.
std::unique_ptr<Query> parse_query(const SourceText& source, const ProjectTokens& tokens, QueryText text,
                                   const NameScope& names, PlanningDatabase& database, std::vector<Error>& errors);

}  // namespace sluice::sql
