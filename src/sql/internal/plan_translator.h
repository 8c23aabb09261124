#pragma once

#include <string>
#include <vector>

#include <duckdb/planner/logical_operator.hpp>

#include "base/result.h"
#include "plan/pipeline.h"

namespace duckdb {
class ClientContext;
}

namespace sluice::sql {

/// The operators of a standing query.
struct Translation {
  std::vector<plan::Node> nodes;  ///< Columns in the order of the logical plan's.
};

/// Turns an optimized logical plan over stand-ins, whose types are resolved and whose ties are pinned
/// (lake/total_order.h), into operators. Unsupported, with the
/// reason in plain words, if part of it has no incremental form; whatever is not known for sure is left to recomputing.
/// Throws what DuckDB throws.
///
/// Besides the operators that map one to one: semi joins become inner joins with the distinct keys of the other side,
/// anti joins left joins with them that keep what found nothing, full joins a left join and an anti join, NOT IN counts
/// the NULLs of the other side, scalar subqueries that return at most one row by their form become left joins, and what
/// DuckDB decorrelates with duplicate elimination shares one Distinct of the outer columns.
Result<Translation> translate_plan(duckdb::ClientContext& context, duckdb::LogicalOperator& plan);

}  // namespace sluice::sql
