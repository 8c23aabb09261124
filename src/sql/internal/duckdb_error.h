#pragma once

#include <string>
#include <vector>

#include <duckdb/common/error_data.hpp>

#include "base/error.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/query_text.h"
#include "sql/internal/source_text.h"

namespace sluice::sql {

/// The tokens of all files, to find what stands at a project offset.
class ProjectTokens {
 public:
  void add(const std::vector<Token>& tokens) { files_.push_back(&tokens); }
  /// Returns the stretch from `offset` to the end of its token; one byte if no token is there.
  Span token_at(std::size_t offset) const;

 private:
  std::vector<const std::vector<Token>*> files_;
};

/// What a query is about, for finding places and suggestions that DuckDB's error lacks.
struct ErrorContext {
  const SourceText& source;
  const ProjectTokens& tokens;
  const QueryText& query;
  std::vector<std::string> columns;  ///< Of the relations it reads.
};

/// Returns DuckDB's error as ours: at the token DuckDB points to (or the first one that its message names), numbered by
/// kind, without DuckDB's excerpt of the text, with near names as help.
Error to_error(const ErrorContext& context, PlanningDatabase& database, const duckdb::ErrorData& error);

}  // namespace sluice::sql
