#pragma once

#include <string>
#include <vector>

#include <duckdb/planner/column_binding.hpp>
#include <duckdb/planner/expression.hpp>

#include "columnar/expression.h"
#include "plan/pipeline.h"

namespace sluice::sql {

/// A translated operator: its node, and what each column of it is to DuckDB.
struct Relation {
  plan::NodeIndex node = 0;
  std::vector<duckdb::ColumnBinding> columns;
};

/// A column that DuckDB does not know of.
duckdb::ColumnBinding unnamed_column();

/// Returns a BOOLEAN expression of the kind over the children.
columnar::Expression condition_of(columnar::Expression::Kind kind, std::vector<columnar::Expression> children);
/// Returns the comparison `left name right`; the name is one of Expression::Kind::Compare.
columnar::Expression comparison_of(std::string name, columnar::Expression left, columnar::Expression right);
/// Returns the conjunction of one or more conditions.
columnar::Expression all_of(std::vector<columnar::Expression> conditions);

/// Appends the parts of nested ANDs.
void split_and(const duckdb::Expression& expression, std::vector<const duckdb::Expression*>& parts);
void split_and(const columnar::Expression& expression, std::vector<columnar::Expression>& parts);

}  // namespace sluice::sql
