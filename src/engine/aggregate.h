#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/kernel.h"
#include "engine/operator.h"
#include "engine/order_key.h"

namespace sluice::engine {

/// One aggregate function over the rows of a group.
struct AggregateCall {
  std::string function;                         ///< DuckDB's name, lower case.
  std::vector<columnar::Expression> arguments;  ///< Over the input's rows.
  bool distinct = false;
  std::optional<columnar::Expression> filter;  ///< BOOLEAN; rows for which it is not true do not count.
  duckdb::LogicalType type;                    ///< Of the result.
  /// If set, the function is run by DuckDB over all rows of a group: its stored form (columnar::AggregateKernel).
  std::string kernel = {};
  std::vector<OrderKey> order = {};  ///< Of the rows that such a function gets; then by the arguments.
};

/// Grouped aggregation.
///
/// Computes: one row per group (NULL equals NULL): the group's values, then one value per call. Without groups always
///           exactly one row, from the first end_epoch on. Numbers that SQL holds equal (0.0 and -0.0) are one group,
///           shown in normal form.
///           Functions: count_star; count; sum, sum_no_overflow, avg over integers, DECIMAL, FLOAT, DOUBLE, BOOLEAN
///           (sum); min, max over every type with an order; bool_and, bool_or; var_pop, var_samp, stddev_pop,
///           stddev_samp and their synonyms over DOUBLE. Each with FILTER and DISTINCT. Results have DuckDB's types and
///           NULL rules. Calls with a kernel are run by DuckDB over the rows of a group, in order. Sums are exact:
///           floating-point sums too, rounded once, so that the result does not depend on
///           the order of rows, and retraction leaves no residue. NaN and infinities are counted apart.
/// Input:    kOnlyPort; any weights, any order within an epoch.
/// Output:   group columns, then calls, at the end of the epoch; consolidated: -1 for the group's old row, +1 for its
///           new one, nothing if they are equal.
/// State:    per group the accumulators; for min and max all values of the group, unless the input only grows: then
///           one; for DISTINCT all different values of the group; for functions run by DuckDB all its arguments and
///           order keys, sorted, and its last result.
/// Cost:     per epoch, proportional to the changed rows (times the logarithm of the group's size for min and max); for
///           functions run by DuckDB also to all rows of the groups they touch.
/// Errors:   a row whose expressions cannot be evaluated is left out and reported by Output::fail with its weight. A
///           group whose result cannot be represented (overflow) is left out and reported with +1, and with -1 once it
///           can. Internal if more rows are taken away from a group than it has.
/// Source:   DBSP (Budiu et al., VLDB 2023), linear aggregation; R. Neal, "Fast exact summation using small and large
///           superaccumulators", 2015.
class Aggregate final : public Operator {
 public:
  struct Definition {
    std::vector<columnar::Expression> groups;  ///< Over the input's rows.
    std::vector<AggregateCall> calls;
    bool append_only_input = false;  ///< The input never takes a row away; one that does is an error then.
  };

  /// `context` must outlive the operator. Fails with InvalidArgument if an expression cannot be bound, Unsupported if a
  /// function is not known for its arguments, a type has no order or a group is an INTERVAL or holds one: equal ones may
  /// be written differently, and which of them to show would depend on the rows that came first.
  static Result<std::unique_ptr<Aggregate>> create(columnar::KernelContext& context, Definition definition,
                                                   columnar::RowType input);
  ~Aggregate() override;

  std::string_view name() const noexcept override { return "aggregate"; }
  const columnar::RowType& types() const noexcept override;
  std::uint64_t state_bytes() const override;

 private:
  struct Impl;
  explicit Aggregate(std::unique_ptr<Impl> impl);
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;
  std::uint64_t state_reads() const override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::engine
