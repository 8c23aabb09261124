#pragma once

#include <memory>
#include <vector>

#include "columnar/kernel.h"
#include "engine/operator.h"

namespace sluice::engine {

/// Projection.
///
/// Computes: for each row the values of some expressions.
/// Input:    kOnlyPort; any weights, any order.
/// Output:   one column per expression, during push. Columns that are passed on share the memory of the batch pushed.
///           Not consolidated: rows that differed in the input may be equal now.
/// State:    none.
/// Cost:     proportional to the rows pushed.
/// Errors:   a row for which an expression cannot be evaluated is left out and reported by Output::fail with its
///           weight.
/// Source:   DBSP (Budiu et al., VLDB 2023): a linear operator is its own incremental form.
class Project final : public Operator {
 public:
  /// `expressions` are over rows of `input`. `context` must outlive the operator.
  /// Fails with InvalidArgument if one cannot be bound.
  static Result<std::unique_ptr<Project>> create(columnar::KernelContext& context,
                                                 std::vector<columnar::Expression> expressions,
                                                 columnar::RowType input);

  std::string_view name() const noexcept override { return "project"; }
  const columnar::RowType& types() const noexcept override { return kernel_->types(); }

 private:
  explicit Project(std::unique_ptr<columnar::Kernel> kernel) : kernel_(std::move(kernel)) {}
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;

  std::unique_ptr<columnar::Kernel> kernel_;
};

}  // namespace sluice::engine
