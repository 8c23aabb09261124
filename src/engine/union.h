#pragma once

#include <memory>

#include "engine/operator.h"

namespace sluice::engine {

/// Union of bags (UNION ALL).
///
/// Computes: all rows of all inputs.
/// Input:    any number of inputs with the same types; each may come through either port.
/// Output:   the input's columns, during push. Shares the memory of the batch pushed. Not consolidated.
/// State:    none.
/// Cost:     proportional to the batches pushed.
/// Errors:   none.
/// Source:   DBSP (Budiu et al., VLDB 2023): a linear operator is its own incremental form.
class Union final : public Operator {
 public:
  static Result<std::unique_ptr<Union>> create(columnar::RowType types);

  std::string_view name() const noexcept override { return "union"; }
  const columnar::RowType& types() const noexcept override { return types_; }

 private:
  explicit Union(columnar::RowType types) : types_(std::move(types)) {}
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;

  columnar::RowType types_;
};

}  // namespace sluice::engine
