#include "delta/internal/leaf_statistics.h"

#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <duckdb/common/types/hugeint.hpp>
#include <duckdb/common/types/vector.hpp>

#include "base/log.h"
#include "delta/internal/text_bounds.h"
#include "delta/internal/time_text.h"

namespace sluice::delta::internal {
namespace {

using Kind = DataType::Kind;

/// Calls `visit` with the position of every valid row.
template <typename Visit>
void for_each_valid(const duckdb::ValidityMask& validity, std::size_t row_count, Visit&& visit) {
  if (validity.AllValid()) {
    for (std::size_t row = 0; row < row_count; ++row) visit(row);
    return;
  }
  for (std::size_t row = 0; row < row_count; ++row) {
    if (validity.RowIsValidUnsafe(row)) visit(row);
  }
}

std::string decimal_text(const std::string& unscaled, std::int32_t scale) {
  const bool negative = unscaled.starts_with('-');
  std::string digits = negative ? unscaled.substr(1) : unscaled;
  const auto places = static_cast<std::size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, ".");
  return negative ? "-" + digits : digits;
}

template <typename T>
bool is_finite(const T& value) {
  if constexpr (std::is_floating_point_v<T>) return std::isfinite(value);
  return true;
}

/// Bounds of numbers, and of dates and times that are stored as numbers.
template <typename T>
class NumberStatistics final : public LeafStatistics {
 public:
  NumberStatistics(DataType type, ColumnPath path, std::vector<std::size_t> members)
      : LeafStatistics(std::move(path), std::move(members)), type_(std::move(type)) {}

 private:
  void add_values(duckdb::Vector& vector, const duckdb::ValidityMask& validity, std::size_t row_count) override {
    const T* values = duckdb::FlatVector::GetData<T>(vector);
    for_each_valid(validity, row_count, [&](std::size_t row) {
      const T& value = values[row];
      if (!is_finite(value)) {
        unbounded_ = true;
      } else if (!any_) {
        min_ = max_ = value;
        any_ = true;
      } else {
        if (value < min_) min_ = value;
        if (max_ < value) max_ = value;
      }
    });
  }

  void finish_bounds(ColumnStatistics& statistics) const override {
    if (!any_ || unbounded_) return;
    statistics.min = text(min_, false);
    statistics.max = text(max_, true);
  }

  std::optional<std::string> text(const T& value, bool is_max) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (value == 0) return is_max ? "0.0" : "-0.0";  // either zero may be in the file
      return fmt::format("{}", value);
    } else if constexpr (std::is_same_v<T, duckdb::hugeint_t>) {
      return decimal_text(duckdb::Hugeint::ToString(value), type_.scale);
    } else {
      switch (type_.kind) {
        case Kind::Decimal: return decimal_text(std::to_string(value), type_.scale);
        case Kind::Date: return quoted(date_text(value), "");
        case Kind::Timestamp: return quoted(timestamp_text_millis(to_millis(value, is_max)), "Z");
        case Kind::TimestampNtz: return quoted(timestamp_text_millis(to_millis(value, is_max)), "");
        default: return std::to_string(value);
      }
    }
  }

  static std::optional<std::string> quoted(const std::optional<std::string>& text, std::string_view zone) {
    if (!text) return std::nullopt;
    return json_quote(*text + std::string(zone));
  }

  /// Statistics keep milliseconds: a minimum is rounded down, a maximum up, so that both stay bounds.
  static std::int64_t to_millis(std::int64_t micros, bool is_max) {
    const std::int64_t rest = micros % 1000;
    const std::int64_t millis = micros / 1000;
    if (is_max) return rest > 0 ? millis + 1 : millis;
    return rest < 0 ? millis - 1 : millis;
  }

  const DataType type_;
  bool any_ = false;
  bool unbounded_ = false;
  T min_{};
  T max_{};
};

/// Bounds of texts. Keeps only as much of each as a bound can depend on.
class TextStatistics final : public LeafStatistics {
 public:
  using LeafStatistics::LeafStatistics;

 private:
  void add_values(duckdb::Vector& vector, const duckdb::ValidityMask& validity, std::size_t row_count) override {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(vector);
    for_each_valid(validity, row_count, [&](std::size_t row) {
      const std::string_view text(values[row].GetData(), values[row].GetSize());
      if (!any_) {
        min_ = max_ = cut(text, kCharactersSeen);
        any_ = true;
      } else {
        if (text < min_) min_ = cut(text, kCharactersSeen);
        if (text > max_) max_ = cut(text, kCharactersSeen);
      }
    });
  }

  void finish_bounds(ColumnStatistics& statistics) const override {
    if (!any_) return;
    statistics.min = json_quote(minimum_bound(min_));
    if (const auto bound = maximum_bound(max_)) statistics.max = json_quote(*bound);
  }

  bool any_ = false;
  std::string min_;
  std::string max_;
};

}  // namespace

void flatten(duckdb::Vector& vector, std::size_t row_count) {
  vector.Flatten(row_count);
  if (vector.GetType().id() != duckdb::LogicalTypeId::STRUCT) return;
  for (auto& member : duckdb::StructVector::GetEntries(vector)) flatten(*member, row_count);
}

void LeafStatistics::add(duckdb::DataChunk& rows) {
  duckdb::Vector* vector = &rows.data[members_.front()];
  duckdb::ValidityMask validity(rows.size());
  validity.Combine(duckdb::FlatVector::Validity(*vector), rows.size());
  for (std::size_t depth = 1; depth < members_.size(); ++depth) {
    vector = duckdb::StructVector::GetEntries(*vector)[members_[depth]].get();
    validity.Combine(duckdb::FlatVector::Validity(*vector), rows.size());  // what is in a NULL struct is NULL
  }
  null_count_ += static_cast<std::int64_t>(rows.size() - validity.CountValid(rows.size()));
  add_values(*vector, validity, rows.size());
}

ColumnStatistics LeafStatistics::finish() const {
  ColumnStatistics statistics{std::nullopt, std::nullopt, null_count_};
  finish_bounds(statistics);
  return statistics;
}

std::unique_ptr<LeafStatistics> make_leaf_statistics(const DataType& type, ColumnPath path,
                                                     std::vector<std::size_t> members) {
  const auto number = [&]<typename T>(T) -> std::unique_ptr<LeafStatistics> {
    return std::make_unique<NumberStatistics<T>>(type, std::move(path), std::move(members));
  };
  switch (type.kind) {
    case Kind::Byte: return number(std::int8_t{});
    case Kind::Short: return number(std::int16_t{});
    case Kind::Integer:
    case Kind::Date: return number(std::int32_t{});
    case Kind::Long:
    case Kind::Timestamp:
    case Kind::TimestampNtz: return number(std::int64_t{});
    case Kind::Float: return number(float{});
    case Kind::Double: return number(double{});
    case Kind::Decimal:  // as wide as DuckDB stores the precision
      if (type.precision <= 4) return number(std::int16_t{});
      if (type.precision <= 9) return number(std::int32_t{});
      if (type.precision <= 18) return number(std::int64_t{});
      return number(duckdb::hugeint_t{});
    case Kind::String: return std::make_unique<TextStatistics>(std::move(path), std::move(members));
    default: return std::make_unique<LeafStatistics>(std::move(path), std::move(members));
  }
}

}  // namespace sluice::delta::internal
