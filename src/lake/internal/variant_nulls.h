#pragma once

#include <vector>

#include <duckdb/main/client_context.hpp>

#include "base/result.h"
#include "delta/actions.h"
#include "lake/delta_table.h"
#include "lake/internal/object_file_system.h"

namespace sluice::lake {

/// Ok if rows of these files may be written anew. A variant that holds null is NULL to DuckDB, so whoever writes such a row
/// again would change it: Unsupported, naming the file, if by its statistics fewer variants are NULL than are read as
/// NULL. Files whose statistics do not say, and variants in lists and maps, of which there are none, pass.
/// Cost: reads the files, if the table has variants.
Status check_variant_nulls(duckdb::ClientContext& client, ObjectFileSystem& files, const DeltaTable& table,
                           const std::vector<delta::AddFile>& rewritten);

}  // namespace sluice::lake
