#include "lake/internal/exact_sums.h"

#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include <duckdb/common/vector_operations/aggregate_executor.hpp>
#include <duckdb/planner/expression/bound_aggregate_expression.hpp>
#include <duckdb/planner/expression/bound_window_expression.hpp>

#include "columnar/exact_sum.h"

namespace sluice::lake {
namespace {

using columnar::ExactNumbers;
using columnar::ExactSpread;
using duckdb::AggregateFunction;

constexpr std::string_view kPrefix = "exact_";

/// DuckDB moves states as bytes, so a state only points at what is added up. `Numbers` has add() and combine();
/// `Result` gives the answer of at least one number, or nothing for NULL.
template <typename Numbers, std::optional<double> (*Result)(const Numbers&)>
struct Exact {
  struct State {
    Numbers* numbers;
  };

  template <typename AnyState>
  static void Initialize(AnyState& state) {
    state.numbers = nullptr;
  }
  template <typename AnyState>
  static void Destroy(AnyState& state, duckdb::AggregateInputData&) {
    delete state.numbers;
    state.numbers = nullptr;
  }

  template <typename Input, typename AnyState, typename Op>
  static void Operation(AnyState& state, const Input& value, duckdb::AggregateUnaryInput&) {
    numbers_of(state).add(value, 1);
  }
  template <typename Input, typename AnyState, typename Op>
  static void ConstantOperation(AnyState& state, const Input& value, duckdb::AggregateUnaryInput&,
                                duckdb::idx_t count) {
    numbers_of(state).add(value, static_cast<std::int64_t>(count));
  }
  template <typename AnyState, typename Op>
  static void Combine(const AnyState& source, AnyState& target, duckdb::AggregateInputData&) {
    if (source.numbers != nullptr) numbers_of(target).combine(*source.numbers);
  }
  template <typename Target, typename AnyState>
  static void Finalize(AnyState& state, Target& target, duckdb::AggregateFinalizeData& data) {
    const auto result = state.numbers == nullptr ? std::nullopt : Result(*state.numbers);
    if (result) {
      target = *result;
    } else {
      data.ReturnNull();
    }
  }
  static bool IgnoreNull() { return true; }

  static AggregateFunction function() {
    auto made = AggregateFunction::UnaryAggregateDestructor<State, double, double, Exact>(duckdb::LogicalType::DOUBLE,
                                                                                          duckdb::LogicalType::DOUBLE);
    made.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
    return made;
  }

 private:
  static Numbers& numbers_of(State& state) {
    if (state.numbers == nullptr) state.numbers = new Numbers();
    return *state.numbers;
  }
};

std::optional<double> sum(const ExactNumbers& numbers) { return numbers.sum(); }
std::optional<double> average(const ExactNumbers& numbers) { return numbers.average(); }

template <ExactSpread::Of kWhat, bool kIsDeviation>
std::optional<double> spread(const ExactSpread& numbers) {
  if (kWhat == ExactSpread::Of::Sample && numbers.count() < 2) return std::nullopt;
  const auto variance = numbers.variance(kWhat);
  if (!variance)
    throw duckdb::OutOfRangeException(kIsDeviation ? "stddev is out of range" : "variance is out of range");
  return kIsDeviation ? std::sqrt(*variance) : *variance;
}

/// Returns ours for a function of DuckDB's.
std::optional<AggregateFunction> exact_form(const AggregateFunction& function) {
  using Of = ExactSpread::Of;
  static const std::map<std::string_view, AggregateFunction (*)()> kForms = {
      {"sum", Exact<ExactNumbers, sum>::function},
      {"fsum", Exact<ExactNumbers, sum>::function},
      {"kahan_sum", Exact<ExactNumbers, sum>::function},
      {"sumkahan", Exact<ExactNumbers, sum>::function},
      {"avg", Exact<ExactNumbers, average>::function},
      {"mean", Exact<ExactNumbers, average>::function},
      {"favg", Exact<ExactNumbers, average>::function},
      {"var_pop", Exact<ExactSpread, spread<Of::Population, false>>::function},
      {"var_samp", Exact<ExactSpread, spread<Of::Sample, false>>::function},
      {"variance", Exact<ExactSpread, spread<Of::Sample, false>>::function},
      {"stddev_pop", Exact<ExactSpread, spread<Of::Population, true>>::function},
      {"stddev_samp", Exact<ExactSpread, spread<Of::Sample, true>>::function},
      {"stddev", Exact<ExactSpread, spread<Of::Sample, true>>::function}};
  const std::string_view name(function.name.c_str(), function.name.size());
  const auto form = kForms.find(name);
  const bool takes_doubles = function.arguments.size() == 1 && function.return_type == duckdb::LogicalType::DOUBLE &&
                             function.arguments[0] == duckdb::LogicalType::DOUBLE;
  if (form == kForms.end() || !takes_doubles) return std::nullopt;
  AggregateFunction exact = form->second();
  exact.name = std::string(kPrefix) + std::string(name);
  return exact;
}

void replace(duckdb::Expression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_AGGREGATE) {
    auto& aggregate = expression.Cast<duckdb::BoundAggregateExpression>();
    auto exact = exact_form(aggregate.function);
    if (!exact) return;
    aggregate.function = std::move(*exact);
    aggregate.bind_info.reset();
    aggregate.order_bys.reset();
  } else if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_WINDOW) {
    auto& window = expression.Cast<duckdb::BoundWindowExpression>();
    if (!window.aggregate) return;
    auto exact = exact_form(*window.aggregate);
    if (!exact) return;
    window.aggregate = duckdb::make_uniq<AggregateFunction>(std::move(*exact));
    window.bind_info.reset();
    window.arg_orders.clear();
  }
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion)
void use_exact_sums(duckdb::LogicalOperator& plan) {
  for (auto& child : plan.children) use_exact_sums(*child);
  for (auto& expression : plan.expressions) replace(*expression);
}

bool is_exact(const AggregateFunction& function) {
  return std::string_view(function.name.c_str(), function.name.size()).starts_with(kPrefix);
}

}  // namespace sluice::lake
