#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "delta/delta_schema.h"
#include "delta/table_properties.h"

namespace sluice::delta {

/// Returns the name that data files, statistics and partition values use for the field: without column mapping its own,
/// whatever its metadata says (that may be left over). Spec: "Column Mapping".
std::string physical_name(const StructField& field, ColumnMappingMode mode);

/// Returns the field's id under column mapping; nullopt if it has none.
std::optional<std::int32_t> column_id(const StructField& field);

/// Ok if each field, at every depth, has what data files are to be searched for: a physical name under column mapping,
/// and an id where the mode is id. Corruption, naming the field, if not: any other guess might find another column.
Status check_column_mapping(const DataType& schema, ColumnMappingMode mode);

}  // namespace sluice::delta
