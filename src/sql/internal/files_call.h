#pragma once

#include <vector>

#include "plan/pipeline.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// Checks a `read_files(path, option => value, …)` call and returns the source it describes: path, format, options and,
/// if given, the declared schema; key, dataset, stream and schema are left to the caller. `call` holds the tokens from
/// `read_files` to the closing parenthesis. Appends what is wrong to `errors`; the source is then not to be used.
///
/// A format that is not given follows from the path's extension. Option names are compared without regard to case.
plan::Source parse_files_call(const SourceText& source, TokenRange call, PlanningDatabase& database,
                              std::vector<Error>& errors);

}  // namespace sluice::sql
