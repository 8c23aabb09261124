#include "lake/internal/legacy_calendar.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <duckdb/common/vector_operations/vector_operations.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>

namespace sluice::lake {
namespace {

using duckdb::LogicalTypeId;

/// 1582-10-15, the first day of the Gregorian calendar, in days since 1970-01-01.
constexpr std::int64_t kGregorianBegin = -141427;
/// 1970-01-01 less the first day of the (proleptic) Julian year 0, which starts in March for this purpose.
constexpr std::int64_t kJulianEpoch = 719470;
constexpr std::int64_t kDayMicros = 86'400'000'000;

constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

/// Returns the day that has the same date in the Gregorian calendar as `day` has in the Julian one.
std::int64_t gregorian_day(std::int64_t day) {
  if (day >= kGregorianBegin) return day;
  // Years from March to February: the leap day is the last. A cycle is four years of 1461 days.
  const std::int64_t shifted = day + kJulianEpoch;
  const std::int64_t cycle = floor_div(shifted, 1461);
  const std::int64_t day_of_cycle = shifted - cycle * 1461;
  const std::int64_t year_of_cycle = std::min<std::int64_t>(day_of_cycle / 365, 3);
  const std::int64_t day_of_year = day_of_cycle - year_of_cycle * 365;
  const std::int64_t month_index = (5 * day_of_year + 2) / 153;  // 0: March
  const std::int64_t day_index = day_of_year - (153 * month_index + 2) / 5;
  const std::int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  const std::int64_t year = cycle * 4 + year_of_cycle + (month <= 2 ? 1 : 0);
  // A leap day that only the Julian calendar has becomes the first of March, as in Spark.
  const std::chrono::year_month_day first(std::chrono::year(static_cast<int>(year)),
                                          std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(1));
  return std::chrono::sys_days(first).time_since_epoch().count() + day_index;
}

/// Which leaves of a column, depth first, are in the legacy calendar.
struct LegacyLeaves final : duckdb::FunctionData {
  explicit LegacyLeaves(std::vector<bool> is_legacy) : leaves(std::move(is_legacy)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override { return duckdb::make_uniq<LegacyLeaves>(leaves); }
  bool Equals(const duckdb::FunctionData& other) const override { return leaves == other.Cast<LegacyLeaves>().leaves; }

  std::vector<bool> leaves;
};

template <typename T, typename Change>
void change_values(duckdb::Vector& vector, duckdb::idx_t count, Change&& change) {
  auto* values = duckdb::FlatVector::GetData<T>(vector);
  const auto& validity = duckdb::FlatVector::Validity(vector);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    if (validity.RowIsValid(i)) values[i] = change(values[i]);
  }
}

/// Corrects a flat vector and those within; `leaf` counts leaves.
void correct(duckdb::Vector& vector, duckdb::idx_t count, const std::vector<bool>& leaves, std::size_t& leaf) {
  switch (vector.GetType().id()) {
    case LogicalTypeId::STRUCT:
      for (auto& member : duckdb::StructVector::GetEntries(vector)) correct(*member, count, leaves, leaf);
      return;
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP:
      correct(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector), leaves, leaf);
      return;
    case LogicalTypeId::DATE:
      if (leaves[leaf++]) {
        change_values<duckdb::date_t>(vector, count, [](duckdb::date_t date) {
          return duckdb::date_t(static_cast<std::int32_t>(gregorian_day(date.days)));
        });
      }
      return;
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
      if (leaves[leaf++]) {
        change_values<std::int64_t>(vector, count, [](std::int64_t micros) {
          const std::int64_t day = floor_div(micros, kDayMicros);
          return micros + (gregorian_day(day) - day) * kDayMicros;
        });
      }
      return;
    default: ++leaf;
  }
}

void correct_column(duckdb::DataChunk& input, duckdb::ExpressionState& state, duckdb::Vector& result) {
  const auto& bound = state.expr.Cast<duckdb::BoundFunctionExpression>();
  duckdb::VectorOperations::Copy(input.data[0], result, input.size(), 0, 0);
  std::size_t leaf = 0;
  correct(result, input.size(), bound.bind_info->Cast<LegacyLeaves>().leaves, leaf);
}

/// What the footer says of who wrote the file.
class Footer {
 public:
  explicit Footer(const duckdb_parquet::FileMetaData& metadata) {
    for (const auto& entry : metadata.key_value_metadata) {
      if (entry.key == "org.apache.spark.version") version_ = version_of(entry.value);
      if (entry.key == "org.apache.spark.legacyDateTime") legacy_datetime_ = true;
      if (entry.key == "org.apache.spark.legacyINT96") legacy_int96_ = true;
    }
  }

  bool legacy_datetime() const { return version_ && (*version_ < std::pair(3, 0) || legacy_datetime_); }
  bool legacy_int96() const { return version_ && (*version_ < std::pair(3, 1) || legacy_int96_); }

 private:
  /// Reads "3.5.1".
  static std::optional<std::pair<int, int>> version_of(std::string_view text) {
    std::pair<int, int> version;
    const char* end = text.data() + text.size();
    const auto [dot, failed] = std::from_chars(text.data(), end, version.first);
    if (failed != std::errc() || dot == end) return std::nullopt;
    if (std::from_chars(dot + 1, end, version.second).ec != std::errc()) return std::nullopt;
    return version;
  }

  std::optional<std::pair<int, int>> version_;
  bool legacy_datetime_ = false;
  bool legacy_int96_ = false;
};

/// Appends for each leaf whether it is in the legacy calendar.
void add_leaves(const duckdb::ParquetColumnSchema& column, const Footer& footer, std::vector<bool>& leaves) {
  if (column.schema_type == duckdb::ParquetColumnSchemaType::COLUMN && !column.children.empty()) {
    for (const auto& child : column.children) add_leaves(child, footer, leaves);
    return;
  }
  switch (column.type.id()) {
    case LogicalTypeId::DATE: leaves.push_back(footer.legacy_datetime()); return;
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
      leaves.push_back(column.parquet_type == duckdb_parquet::Type::INT96 ? footer.legacy_int96()
                                                                          : footer.legacy_datetime());
      return;
    default: leaves.push_back(false);
  }
}

duckdb::unique_ptr<duckdb::Expression> corrected(duckdb::unique_ptr<duckdb::Expression> column,
                                                 std::vector<bool> leaves) {
  const duckdb::LogicalType type = column->return_type;
  duckdb::ScalarFunction function("correct_calendar", {type}, type, correct_column);
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> children;
  children.push_back(std::move(column));
  return duckdb::make_uniq<duckdb::BoundFunctionExpression>(type, std::move(function), std::move(children),
                                                            duckdb::make_uniq<LegacyLeaves>(std::move(leaves)));
}

/// Puts the correction under every reference to the column.
void correct_references(duckdb::unique_ptr<duckdb::Expression>& expression, const std::vector<bool>& leaves) {
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_REF) {
    expression = corrected(std::move(expression), leaves);
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(
      *expression, [&](duckdb::unique_ptr<duckdb::Expression>& child) { correct_references(child, leaves); });
}

}  // namespace

void correct_calendar(duckdb::ParquetReader& reader) {
  const Footer footer(*reader.GetFileMetadata());
  if (!footer.legacy_datetime() && !footer.legacy_int96()) return;
  for (duckdb::idx_t i = 0; i < reader.column_ids.size(); ++i) {
    const duckdb::idx_t column = reader.column_ids[duckdb::MultiFileLocalIndex(i)].GetId();
    if (column >= reader.root_schema->children.size()) continue;  // a virtual one
    const duckdb::ParquetColumnSchema& schema = reader.root_schema->children[column];
    std::vector<bool> leaves;
    add_leaves(schema, footer, leaves);
    if (std::find(leaves.begin(), leaves.end(), true) == leaves.end()) continue;
    // Expressions of the reader are evaluated before its conditions, and keep it from using statistics.
    auto& expression = reader.expression_map[column];
    if (!expression) expression = duckdb::make_uniq<duckdb::BoundReferenceExpression>(schema.type, duckdb::idx_t{0});
    correct_references(expression, leaves);
  }
}

}  // namespace sluice::lake
