#pragma once

#include <duckdb/common/error_data.hpp>

#include "base/error.h"

namespace sluice::lake {

/// Returns what DuckDB says of an ad-hoc query as a person should read it: numbered by kind, DuckDB's proposals as help,
/// and what no query may do as InvalidArgument. Not for INTERNAL, FATAL and OUT_OF_MEMORY.
Error query_error(const duckdb::ErrorData& error);

/// Numbers what loading a version of a table failed with, if there is no such version.
Error version_error(Error error);

}  // namespace sluice::lake
