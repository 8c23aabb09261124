#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "delta/delta_schema.h"
#include "delta/table_properties.h"

namespace sluice::delta {

/// Returns the name that data files, statistics and partition values use for the field: without column mapping its own,
/// whatever its metadata says (that may be left over). Spec: "Column Mapping".
std::string physical_name(const StructField& field, ColumnMappingMode mode);

/// Returns the field's id under column mapping; nullopt if it has none.
std::optional<std::int32_t> column_id(const StructField& field);

}  // namespace sluice::delta
