#pragma once

#include <memory>
#include <vector>

#include "columnar/kernel.h"
#include "engine/operator.h"

namespace sluice::engine {

/// Unnesting of lists.
///
/// Computes: each row once per element of its longest list, with one column appended per list: the element, or NULL
///           where that list is shorter. A row whose lists are all empty or NULL gives none.
/// Input:    kOnlyPort; any weights, any order.
/// Output:   the input's columns, then one per list, during push. Shares the memory of the batch pushed. Not
///           consolidated.
/// State:    none.
/// Cost:     proportional to the rows that come out.
/// Errors:   a row for which a list cannot be evaluated is left out and reported by Output::fail with its weight.
/// Source:   DBSP (Budiu et al., VLDB 2023): a linear operator is its own incremental form.
class Unnest final : public Operator {
 public:
  /// `lists` are LIST expressions over rows of `input`, at least one. `context` must outlive the operator.
  /// Fails with InvalidArgument if one is no list or cannot be bound.
  static Result<std::unique_ptr<Unnest>> create(columnar::KernelContext& context,
                                                std::vector<columnar::Expression> lists, columnar::RowType input);

  std::string_view name() const noexcept override { return "unnest"; }
  const columnar::RowType& types() const noexcept override { return types_; }

 private:
  Unnest(std::unique_ptr<columnar::Kernel> lists, columnar::RowType types);
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;

  std::unique_ptr<columnar::Kernel> lists_;
  columnar::RowType types_;
};

}  // namespace sluice::engine
