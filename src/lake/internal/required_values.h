#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "delta/delta_schema.h"

namespace sluice::lake {

/// What in the rows of a table must not be NULL: columns, members of structs, elements of lists and values of maps. A
/// member, an element, a value counts only where what it lies in is not NULL.
class RequiredValues {
 public:
  /// `schema` is the table's, a struct.
  explicit RequiredValues(const delta::DataType& schema);

  /// Returns the path of what is NULL and must not be, "s.a", "l.element", "m.value"; nullopt if there is nothing. `rows`
  /// has the table's columns; those looked at are flattened. Cost: a pass over what may not be NULL.
  std::optional<std::string> find_missing(duckdb::DataChunk& rows) const;

 private:
  struct Column {
    std::size_t index;
    delta::StructField field;
  };
  std::vector<Column> columns_;  // in which something must not be NULL
};

}  // namespace sluice::lake
