#include "engine/internal/accumulator.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "columnar/row_codec.h"
#include "state/key_index.h"

namespace sluice::engine::internal {
namespace {

using duckdb::FlatVector;
using duckdb::UnifiedVectorFormat;
using state::Slot;

Status taken_away_too_often(const char* function) {
  return Error(ErrorCode::Internal, fmt::format("{}: more values were taken away from a group than it had", function));
}

/// count_star and count: rows, or rows whose argument is not NULL.
class CountAccumulator final : public Accumulator {
 public:
  void resize(Slot end) override { counts_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    if (input.argument == nullptr) {
      input.for_each_row([&](std::size_t row) { counts_[input.groups[row]] += input.weight(row); });
      return 0;
    }
    UnifiedVectorFormat values;
    input.argument->ToUnifiedFormat(input.count, values);
    const bool all_valid = values.validity.AllValid();
    input.for_each_row([&](std::size_t row) {
      if (all_valid || values.validity.RowIsValid(values.sel->get_index(row))) {
        counts_[input.groups[row]] += input.weight(row);
      }
    });
    return 0;
  }

  void reset(Slot group) override { counts_[group] = 0; }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    auto* const results = FlatVector::GetData<std::int64_t>(out) + first_row;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      results[i] = counts_[groups[i]];
      if (results[i] < 0) return taken_away_too_often("count");
    }
    return ok();
  }

  std::uint64_t bytes() const override { return counts_.capacity() * sizeof(std::int64_t); }

 private:
  std::vector<std::int64_t> counts_;
};

/// bool_and and bool_or, from how many values are true and how many false.
class BoolAccumulator final : public Accumulator {
 public:
  explicit BoolAccumulator(bool is_and) : is_and_(is_and) {}

  void resize(Slot end) override { counts_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    UnifiedVectorFormat values;
    input.argument->ToUnifiedFormat(input.count, values);
    const auto* const data = UnifiedVectorFormat::GetData<bool>(values);
    input.for_each_row([&](std::size_t row) {
      const auto index = values.sel->get_index(row);
      if (!values.validity.RowIsValid(index)) return;
      Counts& counts = counts_[input.groups[row]];
      (data[index] ? counts.yes : counts.no) += input.weight(row);
    });
    return 0;
  }

  void reset(Slot group) override { counts_[group] = Counts(); }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    auto* const results = FlatVector::GetData<bool>(out) + first_row;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const Counts& counts = counts_[groups[i]];
      if (counts.yes < 0 || counts.no < 0) return taken_away_too_often(is_and_ ? "bool_and" : "bool_or");
      results[i] = is_and_ ? counts.no == 0 : counts.yes > 0;
      if (counts.yes + counts.no == 0) FlatVector::SetNull(out, first_row + i, true);
    }
    return ok();
  }

  std::uint64_t bytes() const override { return counts_.capacity() * sizeof(Counts); }

 private:
  struct Counts {
    std::int64_t yes = 0;
    std::int64_t no = 0;
  };
  bool is_and_;
  std::vector<Counts> counts_;
};

/// Lets each different value of a group through once: +1 when it appears, -1 when its last copy goes.
class DistinctAccumulator final : public Accumulator {
 public:
  DistinctAccumulator(std::unique_ptr<Accumulator> inner, columnar::RowCodec codec)
      : inner_(std::move(inner)), codec_(std::move(codec)) {}

  void resize(Slot end) override { inner_->resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    duckdb::DataChunk values;
    values.InitializeEmpty({input.argument->GetType()});
    values.data[0].Reference(*input.argument);
    values.SetCardinality(input.count);
    codec_.encode(values, {}, encoded_);

    rows_.clear();
    weights_.assign(input.count, 0);
    std::uint64_t touched = 0;
    input.for_each_row([&](std::size_t row) {
      if (encoded_.has_null[row]) return;
      ++touched;
      const std::int64_t passed = count(input.groups[row], encoded_.row(row), input.weight(row));
      if (passed == 0) return;
      weights_[row] = passed;
      rows_.push_back(static_cast<std::uint32_t>(row));
    });
    inner_->update({input.argument, nullptr, {}, input.count, input.groups, weights_, rows_});
    return touched;
  }

  void reset(Slot group) override { inner_->reset(group); }
  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row,
                Failures& failures) const override {
    return inner_->finish(groups, out, first_row, failures);
  }
  std::uint64_t state_reads() const override { return values_.reads() + inner_->state_reads(); }
  std::uint64_t bytes() const override {
    return inner_->bytes() + values_.bytes() + counts_.capacity() * sizeof(std::int64_t);
  }

 private:
  /// Adds to the count of a value in a group; returns by how much its presence changed.
  std::int64_t count(Slot group, std::string_view value, std::int64_t weight) {
    scratch_.assign(reinterpret_cast<const char*>(&group), sizeof group);
    scratch_.append(value);
    const Slot slot = values_.insert(scratch_);
    if (slot >= counts_.size()) counts_.resize(values_.slot_end());
    const bool was_present = counts_[slot] > 0;
    counts_[slot] += weight;
    const bool is_present = counts_[slot] > 0;
    if (counts_[slot] == 0) values_.erase(slot);
    return (is_present ? 1 : 0) - (was_present ? 1 : 0);
  }

  std::unique_ptr<Accumulator> inner_;
  columnar::RowCodec codec_;
  state::KeyIndex values_;            // group, then value
  std::vector<std::int64_t> counts_;  // by slot of values_
  columnar::EncodedRows encoded_;
  std::string scratch_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::int64_t> weights_;
};

Result<std::unique_ptr<Accumulator>> make_plain(const AggregateCall& call, bool append_only_input) {
  if (call.function == "count_star" || (call.function == "count" && call.arguments.empty())) {
    return std::make_unique<CountAccumulator>();
  }
  if (call.arguments.size() != 1) return unsupported(call);
  const duckdb::LogicalType& input = call.arguments[0].type;
  if (call.function == "count") return std::make_unique<CountAccumulator>();
  if (call.function == "bool_and" || call.function == "bool_or") {
    if (input.id() != duckdb::LogicalTypeId::BOOLEAN) return unsupported(call);
    return std::make_unique<BoolAccumulator>(call.function == "bool_and");
  }
  if (call.function == "sum" || call.function == "sum_no_overflow") return make_sum(call, input);
  if (call.function == "avg" || call.function == "mean") return make_average(call, input);
  if (call.function == "min" || call.function == "max") return make_min_max(call, input, append_only_input);
  return make_variance(call, input);
}

/// DISTINCT changes nothing for these.
bool ignores_copies(const std::string& function) {
  return function == "min" || function == "max" || function == "bool_and" || function == "bool_or";
}

}  // namespace

Error unsupported(const AggregateCall& call) {
  std::string arguments;
  for (const auto& argument : call.arguments) arguments += (arguments.empty() ? "" : ", ") + argument.type.ToString();
  return Error(ErrorCode::Unsupported,
               fmt::format("{}({}) -> {} has no incremental form", call.function, arguments, call.type.ToString()));
}

Result<std::unique_ptr<Accumulator>> make_accumulator(columnar::KernelContext& context, const AggregateCall& call,
                                                      bool append_only_input) {
  if (!call.kernel.empty()) return make_fold(context, call);
  SLUICE_TRY_ASSIGN(auto plain, make_plain(call, append_only_input));
  if (!call.distinct || call.arguments.empty() || ignores_copies(call.function)) return plain;
  SLUICE_TRY_ASSIGN(auto codec, columnar::RowCodec::create_for_keys({call.arguments[0].type}));
  return std::make_unique<DistinctAccumulator>(std::move(plain), std::move(codec));
}

}  // namespace sluice::engine::internal
