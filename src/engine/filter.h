#pragma once

#include <memory>

#include "columnar/kernel.h"
#include "engine/operator.h"

namespace sluice::engine {

/// Selection.
///
/// Computes: the rows for which a condition is true (not false, not NULL).
/// Input:    kOnlyPort; any weights, any order.
/// Output:   the input's columns, during push. Shares the memory of the batch pushed. Not consolidated.
/// State:    none.
/// Cost:     proportional to the rows pushed.
/// Errors:   a row whose condition cannot be evaluated is left out and reported by Output::fail with its weight.
/// Source:   DBSP (Budiu et al., VLDB 2023): a linear operator is its own incremental form.
class Filter final : public Operator {
 public:
  /// `predicate` is BOOLEAN over rows of `input`. `context` must outlive the operator.
  /// Fails with InvalidArgument if the predicate cannot be bound.
  static Result<std::unique_ptr<Filter>> create(columnar::KernelContext& context, columnar::Expression predicate,
                                                columnar::RowType input);

  std::string_view name() const noexcept override { return "filter"; }
  const columnar::RowType& types() const noexcept override { return types_; }

 private:
  Filter(std::unique_ptr<columnar::Kernel> predicate, columnar::RowType types);
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;

  std::unique_ptr<columnar::Kernel> predicate_;
  columnar::RowType types_;
};

}  // namespace sluice::engine
