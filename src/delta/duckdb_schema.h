#pragma once

#include <vector>

#include <duckdb/common/types.hpp>

#include "base/result.h"
#include "columnar/parquet_writer.h"
#include "columnar/schema.h"
#include "delta/delta_schema.h"

namespace sluice::delta {

/// Returns the DuckDB type of a Delta type: timestamp is TIMESTAMP WITH TIME ZONE, timestamp_ntz TIMESTAMP, void
/// "NULL".
duckdb::LogicalType logical_type(const DataType& type);

/// Returns a table's columns under their logical names, with field metadata. Nullability within nested types, which
/// DuckDB's types do not carry, is lost.
columnar::Schema columnar_schema(const DataType& schema);

/// Returns a table's columns as its files have them under column mapping: physical names at every depth.
columnar::Schema physical_schema(const DataType& schema);
/// Returns the ids of those columns, as far as their metadata states them.
std::vector<columnar::FieldIds> field_ids(const DataType& schema);

/// Returns the schema that a table for these columns has: each type as columnar::stored_type() maps it, the name of a
/// mapped type in the field's metadata (kOriginalTypeKey; for nested types of the whole column), so that sluice itself
/// gives it back. Unsupported, naming the column, if a type is refused.
Result<DataType> delta_schema(const columnar::Schema& schema);

/// Returns what rows of this stored column are to be cast to, to give back the type it had before it was stored; the
/// stored type if it was not mapped.
duckdb::LogicalType original_type(const columnar::Field& field);

}  // namespace sluice::delta
