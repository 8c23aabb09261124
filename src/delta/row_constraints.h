#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"

namespace sluice::delta {

/// A condition that each row of a table must meet: it is neither false nor NULL. Plain data.
struct RowConstraint {
  std::string name;        ///< Of the constraint, or of the column whose invariant it is.
  std::string expression;  ///< Spark SQL, over the table's columns by their logical names.
};

/// Returns the CHECK constraints of a table and the invariants of its columns, at any depth; NOT NULL is not among them.
/// Corruption, naming the column, if an invariant cannot be read. Spec: "CHECK Constraints", "Column Invariants".
Result<std::vector<RowConstraint>> row_constraints(const Metadata& metadata, const DataType& schema);

}  // namespace sluice::delta
