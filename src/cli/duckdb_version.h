#pragma once

namespace sluice::cli {

/// True if the loaded libduckdb is the version whose headers this binary was built with. Class layouts differ between
/// versions, so no verb may touch DuckDB otherwise.
bool duckdb_versions_agree();

}  // namespace sluice::cli
