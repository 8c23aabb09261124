#pragma once

#include <map>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "delta/delta_schema.h"
#include "delta/table_properties.h"

namespace sluice::delta {

/// True if a column, or a member of one, has a name that data files cannot carry: the table needs column mapping.
bool needs_column_mapping(const DataType& schema);

/// A table's columns before a change.
struct PresentColumns {
  const DataType& schema;
  ColumnMappingMode mode = ColumnMappingMode::None;
};

/// Gives every field of `schema`, at every depth, the id and the physical name that it must have under column mapping,
/// and states the highest id in `configuration`, whose own says where to go on. Fields that `present` (nullptr: a new
/// table) has in the same place keep theirs, or, if it was not mapped, the names that its files have. The columns of a
/// new table go by their own names where files can carry them, so that the files tell what they hold; one that comes
/// later gets a name that no column, also none that is gone, can ever have had.
/// Spec: "Writer Requirements for Column Mapping".
/// Names are compared without regard to case. Corruption if a present field lacks what a mapped one must have, or ids ran out.
Status assign_columns(DataType& schema, const PresentColumns* present,
                      std::map<std::string, std::string>& configuration, Random& random);

}  // namespace sluice::delta
