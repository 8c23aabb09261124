#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"

namespace sluice::engine {

/// Which input of an operator a batch belongs to.
enum class Port : std::uint8_t { Left = 0, Right = 1 };
/// The only port of an operator with one input.
inline constexpr Port kOnlyPort = Port::Left;

/// A row or group that could not be evaluated: absent from the result, listed in `sluice.errors` with its weight; a
/// negative weight takes an earlier error back.
struct EvaluationError {
  std::string key;  ///< The row, or the group's key, as text.
  std::string expression;
  std::string message;
  std::int64_t weight = 1;
};

/// Where an operator puts what it computes. Valid for one call.
class Output {
 public:
  virtual ~Output() = default;
  /// Takes a batch of the operator's output type. Empty batches are ignored.
  virtual void emit(columnar::ChangeBatch&& changes) = 0;
  virtual void fail(EvaluationError error) = 0;
};

/// How much an operator read and wrote since it was made, for tests of incrementality, `explain` and metrics.
struct OperatorCounters {
  std::uint64_t rows_in = 0;
  std::uint64_t rows_out = 0;
  std::uint64_t state_reads = 0;   ///< Entries of state looked at, as state counts them.
  std::uint64_t state_writes = 0;  ///< Entries of state added, changed or removed.
};

/// An incremental operator: takes changes of its inputs, gives changes of its output.
///
/// Between two calls of end_epoch any number of pushes may come, in any order of ports; what was emitted by the end of
/// end_epoch is the change of the output for that epoch, whatever the split into batches. Output may be unconsolidated
/// unless the operator says otherwise, and may share memory with the batch pushed: who keeps it beyond the call copies
/// it. After an error the operator is of no more use. No I/O, no threads, no clock. Owned by one worker.
class Operator {
 public:
  virtual ~Operator() = default;

  virtual std::string_view name() const noexcept = 0;
  /// Types of the rows it emits.
  virtual const columnar::RowType& types() const noexcept = 0;

  /// Takes changes of one input. The rows' values are not changed, their vectors' encoding may be.
  /// Errors: DataError and what the operator lists; an exception of DuckDB ends here and becomes an Error.
  Status push(Port port, columnar::ChangeBatch& changes, Output& output);
  /// Ends the epoch: emits what is due.
  Status end_epoch(Epoch epoch, Output& output);

  const OperatorCounters& counters() const noexcept { return counters_; }
  /// Estimated bytes of state held.
  virtual std::uint64_t state_bytes() const { return 0; }

 protected:
  virtual Status do_push(Port port, columnar::ChangeBatch& changes, Output& output) = 0;
  virtual Status do_end_epoch(Epoch epoch, Output& output) = 0;
  /// The sum of what the operator's structures of state say they read.
  virtual std::uint64_t state_reads() const { return 0; }

  OperatorCounters counters_;
};

}  // namespace sluice::engine
