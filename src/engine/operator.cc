#include "engine/operator.h"

#include <utility>

#include "columnar/guard.h"

namespace sluice::engine {
namespace {

/// Counts what passes, and drops batches without rows.
class CountingOutput final : public Output {
 public:
  CountingOutput(Output& output, OperatorCounters& counters) : output_(output), counters_(counters) {}

  void emit(columnar::ChangeBatch&& changes) override {
    if (changes.empty()) return;
    counters_.rows_out += changes.size();
    output_.emit(std::move(changes));
  }
  void fail(EvaluationError error) override { output_.fail(std::move(error)); }

 private:
  Output& output_;
  OperatorCounters& counters_;
};

}  // namespace

Status Operator::push(Port port, columnar::ChangeBatch& changes, Output& output) {
  if (changes.empty()) return ok();
  counters_.rows_in += changes.size();
  CountingOutput counting(output, counters_);
  Status status = columnar::guard([&] { return do_push(port, changes, counting); });
  counters_.state_reads = state_reads();
  return status;
}

Status Operator::end_epoch(Epoch epoch, Output& output) {
  CountingOutput counting(output, counters_);
  Status status = columnar::guard([&] { return do_end_epoch(epoch, counting); });
  counters_.state_reads = state_reads();
  return status;
}

}  // namespace sluice::engine
