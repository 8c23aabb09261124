#pragma once

#include <vector>

#include "plan/pipeline.h"
#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// Checks a `read_delta(path, option => value, …)` call, which stands behind STREAM or not, and returns the source it
/// describes: path and options, times as milliseconds since 1970; key, dataset, stream and schema are left to the caller.
/// `call` holds the tokens from `read_delta` to the closing parenthesis. Appends what is wrong to `errors`; the source is
/// then not to be used.
plan::Source parse_delta_call(const SourceText& source, TokenRange call, bool stream, std::vector<Error>& errors);

}  // namespace sluice::sql
