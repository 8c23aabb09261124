#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "columnar/row_codec.h"
#include "engine/operator.h"
#include "state/key_index.h"

namespace sluice::engine {

/// Distinct rows.
///
/// Computes: each row that is present at least once, once. NULL equals NULL; numbers that SQL holds equal (0.0 and
///           -0.0) are one, shown in normal form.
/// Input:    kOnlyPort; any weights, any order within an epoch.
/// Output:   the input's columns, at the end of the epoch; consolidated: +1 for a row that came, -1 for one that went.
/// State:    the different rows with their counts.
/// Cost:     per epoch, proportional to the changed rows.
/// Errors:   Internal if a row is taken away that was not there.
/// Source:   DBSP (Budiu et al., VLDB 2023), incremental distinct.
class Distinct final : public Operator {
 public:
  /// Fails with Unsupported if a type has no order, or is an INTERVAL or holds one: equal ones may be written
  /// differently, and which of them to show would depend on the rows that came first.
  static Result<std::unique_ptr<Distinct>> create(columnar::RowType types);

  std::string_view name() const noexcept override { return "distinct"; }
  const columnar::RowType& types() const noexcept override { return codec_.types(); }
  std::uint64_t state_bytes() const override;

 private:
  explicit Distinct(columnar::RowCodec codec) : codec_(std::move(codec)) {}
  Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) override;
  Status do_end_epoch(Epoch epoch, Output& output) override;
  std::uint64_t state_reads() const override { return rows_.reads(); }

  columnar::RowCodec codec_;
  state::KeyIndex rows_;
  std::vector<std::int64_t> counts_;  // by slot
  std::vector<bool> touched_;         // by slot, in this epoch
  struct Touched {
    state::Slot slot;
    bool was_present;
  };
  std::vector<Touched> touched_slots_;
  columnar::EncodedRows encoded_;
  std::vector<state::Slot> slots_;  // of the batch being pushed
};

}  // namespace sluice::engine
