#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "columnar/kernel.h"
#include "engine/operator.h"

namespace sluice::engine {

/// Incremental equi-join, inner or left.
///
/// Computes: the pairs of a left and a right row whose keys are equal and for which the residual condition is true;
///           Left also each left row without such a pair, once, with NULLs on the right. A NULL key equals nothing,
///           unless that key is null-safe. Without keys every pair is looked at.
/// Input:    Port::Left, Port::Right; any weights, any order within an epoch.
/// Output:   left columns, then right columns, values as they came; the weight of a pair is the product of the two
///           weights. Pairs come during push, rows without a pair at the end of the epoch. Not consolidated: a row may
///           come twice with weights that cancel.
/// State:    both inputs, arranged by key; for Left also, per key or (with a residual) per left row, how many matches.
/// Cost:     per epoch, proportional to the changed rows and the pairs they touch; for Left also to the left rows of
///           keys that got their first match or lost their last.
/// Errors:   a row whose key, and a pair whose residual, cannot be evaluated is left out (the pair is no match) and
///           reported by Output::fail with its weight. Internal if a Left join's right side takes away what was not
///           there.
/// Source:   DBSP (Budiu et al., VLDB 2023), incremental form of a bilinear operator.
class Join final : public Operator {
 public:
  enum class Type : std::uint8_t { Inner, Left };
  struct Definition {
    Type type = Type::Inner;
    std::vector<columnar::Expression> left_keys;   ///< Over the left input's rows.
    std::vector<columnar::Expression> right_keys;  ///< Over the right input's; same number and types as left_keys.
    std::vector<bool> null_safe;                   ///< Per key.
    std::optional<columnar::Expression> residual;  ///< BOOLEAN over the joined row.
  };

  /// `context` must outlive the operator. Fails with InvalidArgument if the keys do not pair up or an expression cannot
  /// be bound, Unsupported if a type has no order.
  static Result<std::unique_ptr<Join>> create(columnar::KernelContext& context, Definition definition,
                                              columnar::RowType left, columnar::RowType right);
  ~Join() override;

  std::string_view name() const noexcept override;
  const columnar::RowType& types() const noexcept override;
  std::uint64_t state_bytes() const override;

 private:
  struct Impl;
  explicit Join(std::unique_ptr<Impl> impl);
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;
  std::uint64_t state_reads() const override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::engine
