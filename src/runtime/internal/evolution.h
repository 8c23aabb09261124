#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/schema.h"

namespace sluice::runtime::internal {

/// How a streaming table's columns differ from those its query gives now.
enum class EvolutionKind {
  Same,
  Additive,      ///< New columns, NULL in the rows there are.
  Widening,      ///< Types that the rows there are fit into; their files are written anew. May add columns too.
  Incompatible,  ///< A column is gone, or its new type cannot hold its values.
};

struct Evolution {
  EvolutionKind kind = EvolutionKind::Same;
  std::string reason;  ///< Of Incompatible and Widening: which column, and what of it.
};

/// Compares names (without regard to case) and types. Pure.
Evolution decide_evolution(const columnar::Schema& stored, const columnar::Schema& wanted);

/// Turns rows of a table as they are stored into rows as its dataset has them now. Immutable.
class RowConversion {
 public:
  /// InvalidArgument if the schemas are incompatible.
  static Result<RowConversion> create(const columnar::Schema& stored, const columnar::Schema& wanted);

  /// True if rows need no conversion.
  bool identity() const { return identity_; }
  /// Returns the converted rows, which may share memory with `rows`.
  /// DataError, naming the column, if a value does not fit.
  Result<columnar::ChangeBatch> apply(columnar::ChangeBatch& rows) const;

 private:
  struct Column {
    std::optional<columnar::ColumnIndex> from;  ///< Absent: NULL.
    std::string name;
    duckdb::LogicalType type;
  };
  std::vector<Column> columns_;
  bool identity_ = false;
};

}  // namespace sluice::runtime::internal
