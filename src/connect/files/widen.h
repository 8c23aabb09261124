#pragma once

#include <duckdb/common/types/vector.hpp>

#include "base/result.h"

namespace sluice::connect {

/// True if a column of type `from` may become one of type `to` as inference widens it: equal types; BIGINT to DOUBLE;
/// BOOLEAN, BIGINT and DOUBLE to VARCHAR; VARCHAR that holds NULL only to anything (the column was never seen with a
/// value); STRUCT member by member with new members; LIST by its element.
bool can_widen(const duckdb::LogicalType& from, const duckdb::LogicalType& to);

/// Casts `count` values of `from` to the type of `to`, an empty vector with room for them, so that they equal what
/// JsonLineReader makes of the same JSON when the column has that type from the start: a row's stored text does not
/// depend on when its column was widened. Requires can_widen() of the types. `from` may change its encoding.
/// Corruption if a VARCHAR value that must be NULL is not, or a BIGINT is not exact as DOUBLE: inference never widens
/// such a column so.
Status widen(duckdb::Vector& from, duckdb::Vector& to, duckdb::idx_t count);

}  // namespace sluice::connect
