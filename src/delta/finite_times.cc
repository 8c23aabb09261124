#include "delta/finite_times.h"

#include <algorithm>
#include <limits>

#include <duckdb/common/type_visitor.hpp>
#include <duckdb/common/types/date.hpp>
#include <duckdb/common/types/timestamp.hpp>
#include <duckdb/common/types/vector.hpp>

namespace sluice::delta {
namespace {

// As delta::write_partition_value has it.
constexpr std::int32_t kPartitionYearMin = -262143;
constexpr std::int32_t kPartitionYearMax = 262142;

constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

bool holds_times(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const duckdb::LogicalType& part) {
    return part.id() == duckdb::LogicalTypeId::DATE || part.id() == duckdb::LogicalTypeId::TIMESTAMP ||
           part.id() == duckdb::LogicalTypeId::TIMESTAMP_TZ;
  });
}

template <typename Time, typename IsFinite>
void mark_values(duckdb::Vector& vector, const std::vector<std::uint32_t>& rows, std::vector<bool>& marked,
                 IsFinite&& is_finite) {
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(rows.size(), format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<Time>(format);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto at = format.sel->get_index(i);
    if (rows[i] != kNoRow && format.validity.RowIsValid(at) && !is_finite(values[at])) marked[rows[i]] = true;
  }
}

/// Marks the rows whose values are infinite; `rows` says to which row each value belongs.
// NOLINTNEXTLINE(misc-no-recursion)
void mark(duckdb::Vector& vector, const std::vector<std::uint32_t>& rows, std::vector<bool>& marked) {
  const duckdb::LogicalType& type = vector.GetType();
  if (!holds_times(type)) return;
  switch (type.id()) {
    case duckdb::LogicalTypeId::DATE:
      return mark_values<duckdb::date_t>(vector, rows, marked,
                                         [](duckdb::date_t value) { return duckdb::Date::IsFinite(value); });
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
      return mark_values<duckdb::timestamp_t>(
          vector, rows, marked, [](duckdb::timestamp_t value) { return duckdb::Timestamp::IsFinite(value); });
    case duckdb::LogicalTypeId::STRUCT:
      vector.Flatten(rows.size());
      for (auto& entry : duckdb::StructVector::GetEntries(vector)) mark(*entry, rows, marked);
      return;
    default: {  // LIST, and MAP, which is a list of structs
      vector.Flatten(rows.size());
      const auto* lists = duckdb::FlatVector::GetData<duckdb::list_entry_t>(vector);
      std::vector<std::uint32_t> owners(duckdb::ListVector::GetListSize(vector), kNoRow);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] == kNoRow || duckdb::FlatVector::IsNull(vector, i)) continue;
        std::fill_n(owners.begin() + static_cast<std::ptrdiff_t>(lists[i].offset), lists[i].length, rows[i]);
      }
      mark(duckdb::ListVector::GetEntry(vector), owners, marked);
    }
  }
}

/// Marks the rows whose values have no text as partition values.
void mark_without_text(duckdb::Vector& vector, const std::vector<std::uint32_t>& rows, std::vector<bool>& marked) {
  const duckdb::date_t first = duckdb::Date::FromDate(kPartitionYearMin, 1, 1);
  const duckdb::date_t last = duckdb::Date::FromDate(kPartitionYearMax, 12, 31);
  switch (vector.GetType().id()) {
    case duckdb::LogicalTypeId::DATE:
      return mark_values<duckdb::date_t>(vector, rows, marked,
                                         [&](duckdb::date_t value) { return value >= first && value <= last; });
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
      return mark_values<duckdb::timestamp_t>(vector, rows, marked, [&](duckdb::timestamp_t value) {
        if (!duckdb::Timestamp::IsFinite(value)) return false;
        const duckdb::date_t day = duckdb::Timestamp::GetDate(value);
        return day >= first && day <= last;
      });
    case duckdb::LogicalTypeId::BLOB:
      return mark_values<duckdb::string_t>(vector, rows, marked, [](const duckdb::string_t& value) {
        return duckdb::Value::StringIsValid(value.GetData(), value.GetSize());
      });
    default: return;
  }
}

}  // namespace

FiniteTimes::FiniteTimes(const columnar::RowType& types, std::vector<columnar::ColumnIndex> partition)
    : partition_(std::move(partition)) {
  for (columnar::ColumnIndex column = 0; column < types.size(); ++column) {
    if (holds_times(types[column])) columns_.push_back(column);
  }
}

std::vector<FiniteTimes::Finding> FiniteTimes::find(duckdb::DataChunk& rows) const {
  std::vector<Finding> found;
  if (columns_.empty() && partition_.empty()) return found;
  std::vector<std::uint32_t> own(rows.size());
  for (std::uint32_t row = 0; row < own.size(); ++row) own[row] = row;
  std::vector<bool> known(rows.size(), false);
  const auto look = [&](columnar::ColumnIndex column, auto&& mark_rows, bool infinite) {
    std::vector<bool> marked(rows.size(), false);
    mark_rows(rows.data[column], own, marked);
    for (std::uint32_t row = 0; row < own.size(); ++row) {
      if (!marked[row] || known[row]) continue;
      known[row] = true;
      found.push_back({row, column, infinite});
    }
  };
  for (const columnar::ColumnIndex column : columns_) look(column, mark, true);
  for (const columnar::ColumnIndex column : partition_) look(column, mark_without_text, false);
  std::ranges::sort(found, {}, &Finding::row);
  return found;
}

}  // namespace sluice::delta
