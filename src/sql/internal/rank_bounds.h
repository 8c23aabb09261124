#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include <duckdb/planner/column_binding.hpp>
#include <duckdb/planner/expression.hpp>

namespace sluice::sql {

/// Which rows by their number, counted from 1, conditions on a row number keep.
struct RankBounds {
  std::uint64_t first = 1;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

  bool has_end() const { return last != std::numeric_limits<std::uint64_t>::max(); }
  bool is_empty() const { return first > last; }
};

/// If the condition compares a column of the window `window_index` with a constant (=, <, <=, >, >=, BETWEEN), narrows
/// `bounds` by it and returns that column. Else returns nullopt and leaves `bounds` alone.
std::optional<duckdb::ColumnBinding> narrow_rank(const duckdb::Expression& condition, std::uint64_t window_index,
                                                 RankBounds& bounds);

}  // namespace sluice::sql
