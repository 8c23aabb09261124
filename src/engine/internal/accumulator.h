#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <duckdb/common/types/vector.hpp>

#include "base/result.h"
#include "engine/aggregate.h"
#include "state/byte_store.h"

namespace sluice::engine::internal {

/// Rows on their way into accumulators.
struct AccumulatorInput {
  duckdb::Vector* argument = nullptr;                  ///< The first; none for count_star.
  duckdb::DataChunk* values = nullptr;                 ///< Where `columns` lie.
  std::span<const columnar::ColumnIndex> columns;      ///< Of order keys, then arguments.
  std::size_t count = 0;                               ///< Rows in `argument`, `groups` and `weights`.
  std::span<const state::Slot> groups;                 ///< Of each row.
  std::span<const std::int64_t> weights;               ///< Of each row, or none: each +1.
  std::optional<std::span<const std::uint32_t>> rows;  ///< The rows to take; absent: all.

  std::int64_t weight(std::size_t row) const { return weights.empty() ? 1 : weights[row]; }

  /// Calls `visit` with each row to take.
  template <typename Visit>
  void for_each_row(Visit&& visit) const {
    if (rows) {
      for (const std::uint32_t row : *rows) visit(static_cast<std::size_t>(row));
    } else {
      for (std::size_t row = 0; row < count; ++row) visit(row);
    }
  }
};

/// Groups whose result cannot be represented, by their place among the groups asked for, and why.
using Failures = std::vector<std::pair<std::size_t, std::string>>;

/// What an aggregate function remembers, for all groups of an operator; groups are slots.
class Accumulator {
 public:
  virtual ~Accumulator() = default;

  /// Makes room for the groups below `end`; groups without rows are empty.
  virtual void resize(state::Slot end) = 0;
  /// Adds the rows, or takes away those with negative weights. Returns how many entries of state it changed beyond
  /// the group itself.
  virtual std::uint64_t update(const AccumulatorInput& input) = 0;
  /// Forgets a group that has no rows left, so that its slot may be used again.
  virtual void reset(state::Slot group) = 0;
  /// Writes the result of groups[i] to row first_row + i of `out`, which is flat; where it cannot be represented, adds
  /// i to `failures`. Fails with Internal if more was taken away from a group than was in it.
  virtual Status finish(std::span<const state::Slot> groups, duckdb::Vector& out, std::size_t first_row,
                        Failures& failures) const = 0;
  virtual std::uint64_t bytes() const = 0;
  /// How many entries of state beyond the groups themselves were looked at so far, as state counts them.
  virtual std::uint64_t state_reads() const { return 0; }
};

/// Returns the accumulator of a call. Fails with Unsupported if the function is not known for its arguments. `context`
/// must outlive it.
Result<std::unique_ptr<Accumulator>> make_accumulator(columnar::KernelContext& context, const AggregateCall& call,
                                                      bool append_only_input);

// Families of functions; make_accumulator() chooses. `input` is the argument's type, `result` the call's.
Result<std::unique_ptr<Accumulator>> make_sum(const AggregateCall& call, const duckdb::LogicalType& input);
Result<std::unique_ptr<Accumulator>> make_average(const AggregateCall& call, const duckdb::LogicalType& input);
Result<std::unique_ptr<Accumulator>> make_variance(const AggregateCall& call, const duckdb::LogicalType& input);
Result<std::unique_ptr<Accumulator>> make_min_max(const AggregateCall& call, const duckdb::LogicalType& input,
                                                  bool append_only_input);
/// For calls with a kernel.
Result<std::unique_ptr<Accumulator>> make_fold(columnar::KernelContext& context, const AggregateCall& call);

/// Returns the error of a call that has no accumulator.
Error unsupported(const AggregateCall& call);

}  // namespace sluice::engine::internal
