#include "runtime/internal/float_forms.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <duckdb/common/types/vector.hpp>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "runtime/internal/leaf_types.h"

namespace sluice::runtime::internal {
namespace {

bool holds_floats(const duckdb::LogicalType& type) {
  return any_leaf(type, [](duckdb::LogicalTypeId id) {
    return id == duckdb::LogicalTypeId::FLOAT || id == duckdb::LogicalTypeId::DOUBLE;
  });
}

template <typename Number>
Number unified(Number value) {
  return std::isnan(value) ? std::numeric_limits<Number>::quiet_NaN() : value + Number{0};  // -0.0 + 0.0 is 0.0
}

template <typename Number>
bool has_other_form(Number value) {
  using Bits = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(value) != std::bit_cast<Bits>(unified(value));
}

template <typename Number>
bool any_other_form(duckdb::Vector& vector, std::size_t count) {
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<Number>(format);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = format.sel->get_index(i);
    if (format.validity.RowIsValid(at) && has_other_form(values[at])) return true;
  }
  return false;
}

// NOLINTNEXTLINE(misc-no-recursion)
bool needs(duckdb::Vector& vector, std::size_t count) {
  const duckdb::LogicalType& type = vector.GetType();
  if (count == 0 || !holds_floats(type)) return false;
  switch (type.id()) {
    case duckdb::LogicalTypeId::FLOAT: return any_other_form<float>(vector, count);
    case duckdb::LogicalTypeId::DOUBLE: return any_other_form<double>(vector, count);
    case duckdb::LogicalTypeId::STRUCT:
      vector.Flatten(count);
      return std::ranges::any_of(duckdb::StructVector::GetEntries(vector),
                                 [&](const auto& entry) { return needs(*entry, count); });
    default:  // LIST, and MAP, which is a list of structs
      vector.Flatten(count);
      return needs(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector));
  }
}

template <typename Number>
void unify_values(duckdb::Vector& vector, std::size_t count) {
  auto* values = duckdb::FlatVector::GetData<Number>(vector);
  for (std::size_t i = 0; i < count; ++i) values[i] = unified(values[i]);  // what stands under a NULL means nothing
}

/// Unifies a vector that is flat and nobody else's.
// NOLINTNEXTLINE(misc-no-recursion)
void unify_own(duckdb::Vector& vector, std::size_t count) {
  const duckdb::LogicalType& type = vector.GetType();
  if (count == 0 || !holds_floats(type)) return;
  switch (type.id()) {
    case duckdb::LogicalTypeId::FLOAT: return unify_values<float>(vector, count);
    case duckdb::LogicalTypeId::DOUBLE: return unify_values<double>(vector, count);
    case duckdb::LogicalTypeId::STRUCT:
      for (auto& entry : duckdb::StructVector::GetEntries(vector)) unify_own(*entry, count);
      return;
    default: unify_own(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector));
  }
}

}  // namespace

FloatForms::FloatForms(const columnar::RowType& types) {
  for (columnar::ColumnIndex column = 0; column < types.size(); ++column) {
    if (holds_floats(types[column])) columns_.push_back(column);
  }
}

void FloatForms::unify(duckdb::DataChunk& rows) const {
  for (const columnar::ColumnIndex column : columns_) {
    duckdb::Vector& vector = rows.data[column];
    if (!needs(vector, rows.size())) continue;
    duckdb::Vector copy(vector.GetType(), rows.size());
    duckdb::VectorOperations::Copy(vector, copy, rows.size(), 0, 0);
    unify_own(copy, rows.size());
    vector.Reference(copy);
  }
}

}  // namespace sluice::runtime::internal
