#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "columnar/kernel.h"
#include "engine/operator.h"
#include "engine/order_key.h"

namespace sluice::engine {

/// The first rows of each partition: ORDER BY … LIMIT, row_number() <= k, DISTINCT ON (limit 1).
///
/// Computes: per partition the rows at positions offset + 1 to offset + limit of the given order. Rows that the order
///           leaves equal are ordered by the whole row (columns left to right, ascending, NULLS LAST); a row that is
///           present n times takes n positions. Partitions compare NULL equal to NULL.
/// Input:    kOnlyPort; any weights, any order within an epoch.
/// Output:   the input's columns, then, if asked for, the position (row_number(), BIGINT, from 1), at the end of the
///           epoch; consolidated.
/// State:    all rows by partition and order; if the input only grows, just the first offset + limit of each partition.
/// Cost:     per epoch, proportional to the changed rows and, for each partition they touch, offset + limit.
/// Errors:   a row whose partition or order cannot be evaluated is left out and reported by Output::fail with its
///           weight; Internal if a row is taken away that was not there.
/// Source:   DBSP (Budiu et al., VLDB 2023), a non-linear operator lifted per group.
class TopN final : public Operator {
 public:
  struct Definition {
    std::vector<columnar::Expression> partition;
    std::vector<OrderKey> order;
    std::uint64_t limit = 0;
    std::uint64_t offset = 0;
    bool emit_rank = false;
    bool append_only_input = false;  ///< The input never takes a row away; one that does is an error then.
  };

  /// `context` must outlive the operator. Fails with InvalidArgument if an expression cannot be bound, Unsupported if a
  /// type has no order.
  static Result<std::unique_ptr<TopN>> create(columnar::KernelContext& context, Definition definition,
                                              columnar::RowType input);
  ~TopN() override;

  std::string_view name() const noexcept override { return "top_n"; }
  const columnar::RowType& types() const noexcept override;
  std::uint64_t state_bytes() const override;

 private:
  struct Impl;
  explicit TopN(std::unique_ptr<Impl> impl);
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;
  std::uint64_t state_reads() const override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::engine
