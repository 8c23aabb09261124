#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/aggregate_kernel.h"
#include "columnar/guard.h"
#include "columnar/row_codec.h"
#include "engine/internal/accumulator.h"
#include "state/ordered_arrangement.h"

namespace sluice::engine::internal {
namespace {

using columnar::RowCodec;
using duckdb::DataChunk;
using state::Slot;

/// Runs a function of DuckDB over all rows of a group, in order, when the group has changed.
class FoldAccumulator final : public Accumulator {
 public:
  FoldAccumulator(std::unique_ptr<columnar::AggregateKernel> kernel, RowCodec order_codec, RowCodec row_codec,
                  bool is_distinct)
      : kernel_(std::move(kernel)),
        order_codec_(std::move(order_codec)),
        row_codec_(std::move(row_codec)),
        is_distinct_(is_distinct) {}

  void resize(Slot end) override { results_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    const std::size_t key_count = order_codec_.types().size();
    order_codec_.encode(*input.values, input.columns.first(key_count), encoded_orders_);
    row_codec_.encode(*input.values, input.columns.subspan(key_count), encoded_rows_);
    std::uint64_t touched = 0;
    std::string row;
    input.for_each_row([&](std::size_t i) {
      row.assign(key_count == 0 ? std::string_view() : encoded_orders_.row(i));
      row.append(encoded_rows_.row(i));
      rows_.add(input.groups[i], row, input.weight(i));
      results_[input.groups[i]].reset();
      ++touched;
    });
    return touched;
  }

  void reset(Slot group) override {
    rows_.clear(group);
    results_[group].reset();
  }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row,
                Failures& failures) const override {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      std::optional<Outcome>& result = results_[groups[i]];
      if (!result) {
        SLUICE_TRY_ASSIGN(result, run(groups[i]));
      }
      if (result->failure.empty()) {
        SLUICE_TRY(columnar::guard([&] { out.SetValue(first_row + i, result->value); }));
      } else {
        duckdb::FlatVector::SetNull(out, first_row + i, true);
        failures.emplace_back(i, result->failure);
      }
    }
    return ok();
  }

  std::uint64_t bytes() const override { return rows_.bytes() + results_.capacity() * sizeof(Outcome); }
  std::uint64_t state_reads() const override { return rows_.reads(); }

 private:
  /// The value of a group, or why it has none.
  struct Outcome {
    duckdb::Value value;
    std::string failure;
  };

  Result<Outcome> run(Slot group) const {
    Outcome outcome;
    bool is_sound = true;
    const Status done = columnar::guard([&] {
      kernel_->begin();
      is_sound = add_rows(group);
      duckdb::Vector result(kernel_->type(), 1);
      kernel_->finish(result, 0);
      outcome.value = result.GetValue(0);
    });
    if (!is_sound) return Error(ErrorCode::Internal, "aggregate: a row was taken away that was not there");
    if (done) return outcome;
    switch (done.error().code()) {
      case ErrorCode::DataError:
      case ErrorCode::InvalidArgument:
      case ErrorCode::Unsupported: outcome.failure = done.error().message(); return outcome;
      default: return done.error();
    }
  }

  /// Passes the group's rows to the kernel, each as often as there are copies; false if one has less than none.
  bool add_rows(Slot group) const {
    std::vector<std::string_view> batch;
    std::string_view previous;
    bool is_sound = true;
    rows_.for_each(group, [&](const state::OrderedArrangement::Entry& entry) {
      is_sound = entry.weight > 0;
      std::string_view row = entry.row;
      if (!order_codec_.types().empty()) row.remove_prefix(order_codec_.encoded_size(row));
      const bool repeats = is_distinct_ && !previous.empty() && row == previous;
      previous = row;
      for (std::int64_t copy = 0; is_sound && !repeats && copy < (is_distinct_ ? 1 : entry.weight); ++copy) {
        batch.push_back(row);
        if (batch.size() == columnar::ChangeBatch::kBatchRowsMax) pass_on(batch);
      }
      return is_sound;
    });
    pass_on(batch);
    return is_sound;
  }

  void pass_on(std::vector<std::string_view>& batch) const {
    if (batch.empty()) return;
    columnar::ChangeBatch rows(row_codec_.types());
    row_codec_.decode(batch, rows.rows());
    rows.rows().SetCardinality(batch.size());
    kernel_->add(rows.rows());
    batch.clear();
  }

  std::unique_ptr<columnar::AggregateKernel> kernel_;
  RowCodec order_codec_;
  RowCodec row_codec_;
  bool is_distinct_;
  state::OrderedArrangement rows_;                       // by group: order, then arguments
  mutable std::vector<std::optional<Outcome>> results_;  // by group; none: to be computed
  columnar::EncodedRows encoded_orders_;
  columnar::EncodedRows encoded_rows_;
};

}  // namespace

Result<std::unique_ptr<Accumulator>> make_fold(columnar::KernelContext& context, const AggregateCall& call) {
  SLUICE_TRY_ASSIGN(auto kernel, columnar::AggregateKernel::create(context, call.kernel));
  columnar::RowType order_types;
  std::vector<columnar::ColumnOrder> orders;
  for (const OrderKey& key : call.order) {
    order_types.push_back(key.expression.type);
    orders.push_back(key.order);
  }
  columnar::RowType argument_types;
  for (const columnar::Expression& argument : call.arguments) argument_types.push_back(argument.type);
  if (argument_types != kernel->arguments() || kernel->type() != call.type) return unsupported(call);
  // Which of the equal values that read differently to keep would depend on the rows that came first.
  const bool several_forms = std::any_of(argument_types.begin(), argument_types.end(), columnar::has_several_forms);
  if (call.distinct && several_forms) return unsupported(call);
  SLUICE_TRY_ASSIGN(auto order_codec, RowCodec::create_for_keys(std::move(order_types), std::move(orders)));
  SLUICE_TRY_ASSIGN(auto row_codec, RowCodec::create(std::move(argument_types)));
  return std::make_unique<FoldAccumulator>(std::move(kernel), std::move(order_codec), std::move(row_codec),
                                           call.distinct);
}

}  // namespace sluice::engine::internal
