#include <cmath>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/types/decimal.hpp>
#include <duckdb/common/types/hugeint.hpp>

#include "columnar/exact_sum.h"
#include "columnar/int128.h"
#include "engine/internal/accumulator.h"
#include "engine/internal/wide_sum.h"

namespace sluice::engine::internal {
namespace {

using columnar::ExactNumbers;
using columnar::ExactSpread;
using columnar::Int128;
using duckdb::FlatVector;
using duckdb::hugeint_t;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;
using state::Slot;

/// A sum of integers of at most 64 bits. 128 bits hold more of them than there can be rows.
class NarrowSum {
 public:
  template <typename T>
  void add(T value, std::int64_t weight) {
    sum_ += static_cast<Int128>(value) * weight;
  }
  std::optional<hugeint_t> value() const {
    return hugeint_t(static_cast<std::int64_t>(sum_ >> 64), static_cast<std::uint64_t>(sum_));
  }
  long double approximate() const { return static_cast<long double>(sum_); }

 private:
  Int128 sum_ = 0;
};

Status taken_away_too_often(const std::string& function) {
  return Error(ErrorCode::Internal, fmt::format("{}: more values were taken away from a group than it had", function));
}

/// sum and avg over integers and decimals, as DuckDB holds them: `T` in the vector, `Sum` for the group.
template <typename T, typename Sum>
class IntegerSumAccumulator final : public Accumulator {
 public:
  /// `divisor` is what an average is divided by besides the count: ten to the power of a decimal's scale.
  IntegerSumAccumulator(const AggregateCall& call, bool is_average, double divisor)
      : function_(call.function), result_(call.type), is_average_(is_average), divisor_(divisor) {}

  void resize(Slot end) override { groups_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    UnifiedVectorFormat values;
    input.argument->ToUnifiedFormat(input.count, values);
    const T* const data = UnifiedVectorFormat::GetData<T>(values);
    const bool all_valid = values.validity.AllValid();
    input.for_each_row([&](std::size_t row) {
      const auto index = values.sel->get_index(row);
      if (!all_valid && !values.validity.RowIsValid(index)) return;
      Group& group = groups_[input.groups[row]];
      const std::int64_t weight = input.weight(row);
      group.count += weight;
      group.sum.add(data[index], weight);
    });
    return 0;
  }

  void reset(Slot group) override { groups_[group] = Group(); }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row,
                Failures& failures) const override {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const Group& group = groups_[groups[i]];
      if (group.count < 0) return taken_away_too_often(function_);
      if (group.count == 0) {
        FlatVector::SetNull(out, first_row + i, true);
      } else if (is_average_) {
        FlatVector::GetData<double>(out)[first_row + i] = average(group);
      } else if (const auto sum = representable_sum(group)) {
        FlatVector::GetData<hugeint_t>(out)[first_row + i] = *sum;
      } else {
        failures.emplace_back(i, fmt::format("the sum does not fit {}", result_.ToString()));
      }
    }
    return ok();
  }

  std::uint64_t bytes() const override { return groups_.capacity() * sizeof(Group); }

 private:
  struct Group {
    std::int64_t count = 0;
    Sum sum;
  };

  /// The same arithmetic as DuckDB's, so that the last bit agrees.
  double average(const Group& group) const {
    if constexpr (std::is_same_v<T, std::int16_t>) {
      return static_cast<double>(group.sum.approximate()) / (static_cast<double>(group.count) * divisor_);
    } else {
      const auto sum = group.sum.value();
      const long double exact = sum ? duckdb::Hugeint::Cast<long double>(*sum) : group.sum.approximate();
      return static_cast<double>(exact / (static_cast<long double>(group.count) * static_cast<long double>(divisor_)));
    }
  }

  std::optional<hugeint_t> representable_sum(const Group& group) const {
    const auto sum = group.sum.value();
    if (sum && result_.id() == LogicalTypeId::DECIMAL && !fits_decimal(*sum)) return std::nullopt;
    return sum;
  }

  bool fits_decimal(hugeint_t sum) const {
    const hugeint_t limit = duckdb::Hugeint::POWERS_OF_TEN[duckdb::DecimalType::GetWidth(result_)];
    return sum < limit && -limit < sum;
  }

  std::string function_;
  duckdb::LogicalType result_;
  bool is_average_;
  double divisor_;
  std::vector<Group> groups_;
};

/// sum and avg over FLOAT and DOUBLE, exact and rounded once.
template <typename T>
class FloatSumAccumulator final : public Accumulator {
 public:
  FloatSumAccumulator(const AggregateCall& call, bool is_average) : function_(call.function), is_average_(is_average) {}

  void resize(Slot end) override { groups_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    UnifiedVectorFormat values;
    input.argument->ToUnifiedFormat(input.count, values);
    const T* const data = UnifiedVectorFormat::GetData<T>(values);
    input.for_each_row([&](std::size_t row) {
      const auto index = values.sel->get_index(row);
      if (!values.validity.RowIsValid(index)) return;
      groups_[input.groups[row]].add(static_cast<double>(data[index]), input.weight(row));
    });
    return 0;
  }

  void reset(Slot group) override { groups_[group] = ExactNumbers(); }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row, Failures&) const override {
    auto* const results = FlatVector::GetData<double>(out) + first_row;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const ExactNumbers& group = groups_[groups[i]];
      if (group.count() < 0) return taken_away_too_often(function_);
      if (group.count() == 0) {
        FlatVector::SetNull(out, first_row + i, true);
        continue;
      }
      results[i] = is_average_ ? group.average() : group.sum();
    }
    return ok();
  }

  std::uint64_t bytes() const override {
    // Ordinary data needs about eight digits per group.
    return groups_.capacity() * sizeof(ExactNumbers) + groups_.size() * 8 * sizeof(std::int64_t);
  }

 private:
  std::string function_;
  bool is_average_;
  std::vector<ExactNumbers> groups_;
};

/// var_pop, var_samp, stddev_pop, stddev_samp over DOUBLE, from exact sums of values and squares.
class VarianceAccumulator final : public Accumulator {
 public:
  VarianceAccumulator(const AggregateCall& call, ExactSpread::Of what, bool is_deviation)
      : function_(call.function), what_(what), is_deviation_(is_deviation) {}

  void resize(Slot end) override { groups_.resize(end); }

  std::uint64_t update(const AccumulatorInput& input) override {
    UnifiedVectorFormat values;
    input.argument->ToUnifiedFormat(input.count, values);
    const auto* const data = UnifiedVectorFormat::GetData<double>(values);
    input.for_each_row([&](std::size_t row) {
      const auto index = values.sel->get_index(row);
      if (values.validity.RowIsValid(index)) groups_[input.groups[row]].add(data[index], input.weight(row));
    });
    return 0;
  }

  void reset(Slot group) override { groups_[group] = ExactSpread(); }

  Status finish(std::span<const Slot> groups, duckdb::Vector& out, std::size_t first_row,
                Failures& failures) const override {
    auto* const results = FlatVector::GetData<double>(out) + first_row;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const ExactSpread& group = groups_[groups[i]];
      if (group.count() < 0) return taken_away_too_often(function_);
      if (group.count() < (what_ == ExactSpread::Of::Sample ? 2 : 1)) {
        FlatVector::SetNull(out, first_row + i, true);
      } else if (const auto variance = group.variance(what_)) {
        results[i] = is_deviation_ ? std::sqrt(*variance) : *variance;
      } else {
        failures.emplace_back(i, function_ + " is out of range");
      }
    }
    return ok();
  }

  std::uint64_t bytes() const override {
    return groups_.capacity() * sizeof(ExactSpread) + groups_.size() * 16 * sizeof(std::int64_t);
  }

 private:
  std::string function_;
  ExactSpread::Of what_;
  bool is_deviation_;
  std::vector<ExactSpread> groups_;
};

Result<std::unique_ptr<Accumulator>> make_sum_or_average(const AggregateCall& call, const duckdb::LogicalType& input,
                                                         bool is_average) {
  const PhysicalType result = call.type.InternalType();
  const bool is_float = input.id() == LogicalTypeId::FLOAT || input.id() == LogicalTypeId::DOUBLE;
  const bool is_number = is_float || input.IsIntegral() || input.id() == LogicalTypeId::DECIMAL ||
                         (input.id() == LogicalTypeId::BOOLEAN && !is_average);
  const bool is_double = is_float || is_average;
  if (!is_number || result != (is_double ? PhysicalType::DOUBLE : PhysicalType::INT128)) return unsupported(call);
  const double divisor =
      input.id() == LogicalTypeId::DECIMAL
          ? duckdb::Hugeint::Cast<double>(duckdb::Hugeint::POWERS_OF_TEN[duckdb::DecimalType::GetScale(input)])
          : 1.0;
  const auto integers = [&]<typename T, typename Sum>() -> std::unique_ptr<Accumulator> {
    return std::make_unique<IntegerSumAccumulator<T, Sum>>(call, is_average, divisor);
  };
  switch (input.InternalType()) {
    case PhysicalType::BOOL: return integers.operator()<bool, NarrowSum>();
    case PhysicalType::INT8: return integers.operator()<std::int8_t, NarrowSum>();
    case PhysicalType::INT16: return integers.operator()<std::int16_t, NarrowSum>();
    case PhysicalType::INT32: return integers.operator()<std::int32_t, NarrowSum>();
    case PhysicalType::INT64: return integers.operator()<std::int64_t, NarrowSum>();
    case PhysicalType::UINT8: return integers.operator()<std::uint8_t, NarrowSum>();
    case PhysicalType::UINT16: return integers.operator()<std::uint16_t, NarrowSum>();
    case PhysicalType::UINT32: return integers.operator()<std::uint32_t, NarrowSum>();
    case PhysicalType::UINT64: return integers.operator()<std::uint64_t, NarrowSum>();
    case PhysicalType::INT128: return integers.operator()<hugeint_t, WideSum>();
    case PhysicalType::FLOAT: return std::make_unique<FloatSumAccumulator<float>>(call, is_average);
    case PhysicalType::DOUBLE: return std::make_unique<FloatSumAccumulator<double>>(call, is_average);
    default: return unsupported(call);
  }
}

}  // namespace

Result<std::unique_ptr<Accumulator>> make_sum(const AggregateCall& call, const duckdb::LogicalType& input) {
  return make_sum_or_average(call, input, false);
}

Result<std::unique_ptr<Accumulator>> make_average(const AggregateCall& call, const duckdb::LogicalType& input) {
  return make_sum_or_average(call, input, true);
}

Result<std::unique_ptr<Accumulator>> make_variance(const AggregateCall& call, const duckdb::LogicalType& input) {
  if (input.id() != LogicalTypeId::DOUBLE || call.type.id() != LogicalTypeId::DOUBLE) return unsupported(call);
  const auto is_any_of = [&](auto... names) { return ((call.function == names) || ...); };
  const bool is_deviation = is_any_of("stddev", "stddev_samp", "stddev_pop");
  const bool is_population = is_any_of("stddev_pop", "var_pop");
  if (!is_deviation && !is_population && !is_any_of("variance", "var_samp")) return unsupported(call);
  return std::make_unique<VarianceAccumulator>(
      call, is_population ? ExactSpread::Of::Population : ExactSpread::Of::Sample, is_deviation);
}

}  // namespace sluice::engine::internal
