#include "delta/statistics_check.h"

#include <utility>

#include <fmt/format.h>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "columnar/guard.h"
#include "delta/column_mapping.h"
#include "delta/internal/statistics_bound.h"

namespace sluice::delta {
namespace {

using Compare = void (*)(duckdb::Vector&, duckdb::Vector&, duckdb::Vector&, duckdb::idx_t);

/// True if the comparison with the bound holds for a value.
bool holds_for_any(duckdb::Vector& values, const duckdb::Value& bound, Compare compare, std::size_t row_count) {
  duckdb::Vector constant(bound.DefaultCastAs(values.GetType()));
  duckdb::Vector outcome(duckdb::LogicalType::BOOLEAN);
  compare(values, constant, outcome, row_count);
  outcome.Flatten(row_count);
  const auto* truth = duckdb::FlatVector::GetData<bool>(outcome);
  const auto& validity = duckdb::FlatVector::Validity(outcome);
  for (std::size_t row = 0; row < row_count; ++row) {
    if (validity.RowIsValid(row) && truth[row]) return true;
  }
  return false;
}

/// Returns how many rows are marked as deleted in the file.
std::int64_t deleted_count(const AddFile& file) { return file.deletion_vector ? file.deletion_vector->cardinality : 0; }

}  // namespace

StatisticsCheck::StatisticsCheck(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {
  find_leaves(snapshot_->schema(), {});
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, which reading it bounds.
void StatisticsCheck::find_leaves(const DataType& type, Leaf parent) {
  const auto mode = snapshot_->properties().column_mapping_mode;
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const StructField& field = type.fields[i];
    Leaf leaf = parent;
    leaf.place.push_back(i);
    leaf.name += (leaf.name.empty() ? "" : ".") + field.name;
    leaf.path.push_back(physical_name(field, mode));
    leaf.type = &field.type;
    if (field.type.kind == DataType::Kind::Struct) {
      find_leaves(field.type, std::move(leaf));
    } else {
      leaves_.push_back(std::move(leaf));
    }
  }
}

void StatisticsCheck::begin(const AddFile& file) {
  file_ = file;
  watches_.clear();
  rows_seen_ = 0;
  num_records_.reset();
  files_seen_.insert(key_of(file));
  if (!file.stats) return;
  const auto statistics = read_statistics(*file.stats);
  if (!statistics) {
    findings_.push_back(
        fmt::format("the statistics of {} cannot be read: {}", file.path, statistics.error().message()));
    return;
  }
  num_records_ = statistics->num_records;
  has_tight_bounds_ = statistics->tight_bounds.value_or(true) && !file.deletion_vector;
  for (const Leaf& leaf : leaves_) {
    const ColumnStatistics* found = statistics->find(leaf.path);
    if (found == nullptr) continue;
    watches_.push_back({&leaf, internal::read_bound(found->min, *leaf.type, false),
                        internal::read_bound(found->max, *leaf.type, true), found->null_count});
  }
}

void StatisticsCheck::add(duckdb::DataChunk& rows, const AddFile& file) {
  if (!file_ || key_of(*file_) != key_of(file)) {
    end();
    begin(file);
  }
  const std::size_t row_count = rows.size();
  rows_seen_ += static_cast<std::int64_t>(row_count);
  rows.Flatten();
  for (Watch& watch : watches_) {
    duckdb::Vector* values = &rows.data[watch.leaf->place.front()];
    for (std::size_t depth = 1; depth < watch.leaf->place.size(); ++depth) {
      values = duckdb::StructVector::GetEntries(*values)[watch.leaf->place[depth]].get();
    }
    const auto& validity = duckdb::FlatVector::Validity(*values);
    watch.nulls_seen += static_cast<std::int64_t>(row_count - validity.CountValid(row_count));
    if (watch.is_beyond) continue;
    watch.is_beyond =
        (watch.min && holds_for_any(*values, *watch.min, duckdb::VectorOperations::LessThan, row_count)) ||
        (watch.max && holds_for_any(*values, *watch.max, duckdb::VectorOperations::GreaterThan, row_count));
  }
}

void StatisticsCheck::end() {
  if (!file_) return;
  const auto find = [this](std::string_view what) {
    findings_.push_back(fmt::format("the statistics of {} are not true: {}", file_->path, what));
  };
  const std::int64_t row_count = rows_seen_ + deleted_count(*file_);
  if (num_records_ && *num_records_ != row_count) {
    find(fmt::format("numRecords is {}, but there are {} rows", *num_records_, row_count));
  }
  for (const Watch& watch : watches_) {
    if (watch.is_beyond) find(fmt::format("a value of {} lies beyond minValues or maxValues", watch.leaf->name));
    if (!watch.null_count) continue;
    const bool is_wrong =
        has_tight_bounds_ ? *watch.null_count != watch.nulls_seen : *watch.null_count < watch.nulls_seen;
    if (is_wrong) {
      find(fmt::format("nullCount of {} is {}, but {} live values are NULL", watch.leaf->name, *watch.null_count,
                       watch.nulls_seen));
    }
  }
  file_.reset();
}

std::vector<std::string> StatisticsCheck::finish() && {
  end();
  // Of what has no live row nothing was passed.
  for (const AddFile& file : snapshot_->files()) {
    if (files_seen_.contains(key_of(file))) continue;
    begin(file);
    end();
  }
  return std::move(findings_);
}

}  // namespace sluice::delta
