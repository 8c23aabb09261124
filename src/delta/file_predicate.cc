#include "delta/file_predicate.h"

#include <algorithm>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/common/types/value.hpp>

#include "columnar/guard.h"
#include "delta/column_mapping.h"
#include "delta/duckdb_schema.h"
#include "delta/file_statistics.h"
#include "delta/internal/statistics_bound.h"
#include "delta/partition_value.h"

namespace sluice::delta {
namespace {

using Kind = FilePredicate::Kind;
using duckdb::Value;
using internal::read_bound;
using internal::read_constant;

/// The values a condition may have for the rows of a file.
struct Outcomes {
  bool yes = true;
  bool no = true;
  bool null = true;
};

/// What is known of a column's values in a file.
struct Range {
  std::optional<Value> min;  ///< Absent: unknown.
  std::optional<Value> max;
  bool may_be_null = true;
  bool may_be_value = true;
};

/// A column found in the schema.
struct Column {
  const DataType* type = nullptr;
  ColumnPath physical;
};

std::optional<Column> find_column(const DataType& schema, ColumnMappingMode mode,
                                  const std::vector<std::string>& names) {
  Column column;
  const DataType* parent = &schema;
  for (const std::string& name : names) {
    const auto field = std::find_if(parent->fields.begin(), parent->fields.end(), [&](const StructField& candidate) {
      return duckdb::StringUtil::CIEquals(candidate.name, name);
    });
    if (field == parent->fields.end()) return std::nullopt;
    column.physical.push_back(physical_name(*field, mode));
    column.type = &field->type;
    parent = &field->type;
  }
  if (column.type == nullptr) return std::nullopt;
  return column;
}

bool is_comparison(Kind kind) {
  switch (kind) {
    case Kind::Equal:
    case Kind::Less:
    case Kind::LessOrEqual:
    case Kind::Greater:
    case Kind::GreaterOrEqual: return true;
    default: return false;
  }
}

/// Decides a predicate for one file.
class FileJudge {
 public:
  FileJudge(const DataType& schema, ColumnMappingMode mode, const std::vector<std::string>& partition_columns,
            const AddFile& file)
      : schema_(schema), mode_(mode), partition_columns_(partition_columns), file_(file) {}

  Outcomes judge(const FilePredicate& predicate) {
    switch (predicate.kind) {
      case Kind::Always: return {true, false, false};
      case Kind::Opaque: return {};
      case Kind::IsNull: {
        const auto range = range_of(predicate.column);
        return range ? Outcomes{range->may_be_null, range->may_be_value, false} : Outcomes{true, true, false};
      }
      case Kind::Not: {
        const Outcomes child = judge(predicate.children.front());
        return {child.no, child.yes, child.null};
      }
      case Kind::And: return judge_conjunction(predicate.children);
      case Kind::Or: {
        // By De Morgan, whose law holds with NULL too.
        Outcomes all{false, true, false};
        bool any_null = false;
        bool none_surely_true = true;
        for (const FilePredicate& child : predicate.children) {
          const Outcomes outcomes = judge(child);
          all.yes |= outcomes.yes;
          all.no &= outcomes.no;
          any_null |= outcomes.null;
          none_surely_true &= outcomes.no || outcomes.null;
        }
        all.null = any_null && none_surely_true;
        return all;
      }
      default: return judge_comparison(predicate);
    }
  }

 private:
  Outcomes judge_conjunction(const std::vector<FilePredicate>& children) {
    Outcomes all{true, false, false};
    bool any_null = false;
    bool none_surely_false = true;
    for (const FilePredicate& child : children) {
      const Outcomes outcomes = judge(child);
      all.yes &= outcomes.yes;
      all.no |= outcomes.no;
      any_null |= outcomes.null;
      none_surely_false &= outcomes.yes || outcomes.null;
    }
    all.null = any_null && none_surely_false;
    return all;
  }

  Outcomes judge_comparison(const FilePredicate& predicate) {
    const auto column = find_column(schema_, mode_, predicate.column);
    const auto range = range_of(predicate.column);
    if (!column || !range) return {};
    const auto constant = read_constant(predicate.constant, *column->type);
    if (!constant) return {};
    Outcomes outcomes{false, false, range->may_be_null};
    if (!range->may_be_value) return outcomes;
    const bool any_less = !range->min || *range->min < *constant;
    const bool any_greater = !range->max || *constant < *range->max;
    const bool any_equal = (!range->min || !(*constant < *range->min)) && (!range->max || !(*range->max < *constant));
    switch (predicate.kind) {
      case Kind::Equal: outcomes.yes = any_equal, outcomes.no = any_less || any_greater; break;
      case Kind::Less: outcomes.yes = any_less, outcomes.no = any_equal || any_greater; break;
      case Kind::LessOrEqual: outcomes.yes = any_less || any_equal, outcomes.no = any_greater; break;
      case Kind::Greater: outcomes.yes = any_greater, outcomes.no = any_equal || any_less; break;
      default: outcomes.yes = any_greater || any_equal, outcomes.no = any_less; break;
    }
    return outcomes;
  }

  /// Returns what is known of a column; nullopt if nothing is.
  std::optional<Range> range_of(const std::vector<std::string>& names) {
    const auto column = find_column(schema_, mode_, names);
    if (!column) return std::nullopt;
    if (is_partition_column(names)) return partition_range(*column);
    return statistics_range(*column);
  }

  bool is_partition_column(const std::vector<std::string>& names) const {
    return names.size() == 1 &&
           std::any_of(partition_columns_.begin(), partition_columns_.end(),
                       [&](const auto& name) { return duckdb::StringUtil::CIEquals(name, names.front()); });
  }

  std::optional<Range> partition_range(const Column& column) const {
    const auto found = file_.partition_values.find(column.physical.front());
    if (found == file_.partition_values.end()) return std::nullopt;
    auto value = read_partition_value(found->second, logical_type(*column.type));
    if (!value) return std::nullopt;
    if (value->IsNull()) return Range{std::nullopt, std::nullopt, true, false};
    return Range{*value, *value, false, true};
  }

  std::optional<Range> statistics_range(const Column& column) {
    if (!statistics_) {
      auto read = read_statistics(file_.stats.value_or("{}"));
      statistics_ = read ? std::move(*read) : FileStatistics();
    }
    const ColumnStatistics* found = statistics_->find(column.physical);
    if (found == nullptr) return std::nullopt;
    Range range;
    range.min = read_bound(found->min, *column.type, false);
    range.max = read_bound(found->max, *column.type, true);
    // With wide bounds the count is only an upper one, but its two ends still say what they say.
    range.may_be_null = found->null_count != 0;
    range.may_be_value = !found->null_count || found->null_count != statistics_->num_records;
    return range;
  }

  const DataType& schema_;
  const ColumnMappingMode mode_;
  const std::vector<std::string>& partition_columns_;
  const AddFile& file_;
  std::optional<FileStatistics> statistics_;
};

}  // namespace

FilePredicate FilePredicate::compare(std::vector<std::string> column, Kind comparison, std::string constant) {
  return {comparison, std::move(column), std::move(constant), {}};
}

FilePredicate FilePredicate::equal(std::string column, std::string constant) {
  return compare({std::move(column)}, Kind::Equal, std::move(constant));
}

FilePredicate FilePredicate::is_null(std::string column) { return {Kind::IsNull, {std::move(column)}, "", {}}; }

FilePredicate FilePredicate::negation(FilePredicate of) {
  FilePredicate predicate{Kind::Not, {}, "", {}};
  predicate.children.push_back(std::move(of));
  return predicate;
}

FilePredicate FilePredicate::conjunction(std::vector<FilePredicate> of) { return {Kind::And, {}, "", std::move(of)}; }

FilePredicate FilePredicate::disjunction(std::vector<FilePredicate> of) { return {Kind::Or, {}, "", std::move(of)}; }

FileMatch match_file(const FilePredicate& predicate, const DataType& schema, ColumnMappingMode mode,
                     const std::vector<std::string>& partition_columns, const AddFile& file) {
  const auto outcomes = columnar::guard(
      [&]() -> Result<Outcomes> { return FileJudge(schema, mode, partition_columns, file).judge(predicate); });
  if (!outcomes) return FileMatch::Some;  // not to be compared: nothing is known
  if (!outcomes->yes) return FileMatch::None;
  return outcomes->no || outcomes->null ? FileMatch::Some : FileMatch::All;
}

Status check_predicate(const FilePredicate& predicate, const DataType& schema) {
  if (predicate.kind == Kind::Not && predicate.children.size() != 1) {
    return Error(ErrorCode::InvalidArgument, "a negation has one condition");
  }
  if (predicate.kind == Kind::IsNull || is_comparison(predicate.kind)) {
    const auto column = find_column(schema, ColumnMappingMode::None, predicate.column);
    if (!column) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("the table has no column \"{}\"", fmt::join(predicate.column, ".")));
    }
    if (predicate.kind != Kind::IsNull && !read_constant(predicate.constant, *column->type)) {
      return Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" is no value of column \"{}\"", predicate.constant,
                                                           fmt::join(predicate.column, ".")));
    }
  }
  for (const FilePredicate& child : predicate.children) SLUICE_TRY(check_predicate(child, schema));
  return ok();
}

bool is_partition_predicate(const FilePredicate& predicate, const std::vector<std::string>& partition_columns) {
  if (predicate.kind == Kind::Opaque) return false;
  if (predicate.kind == Kind::IsNull || is_comparison(predicate.kind)) {
    if (predicate.column.size() != 1) return false;
    return std::any_of(partition_columns.begin(), partition_columns.end(), [&](const std::string& name) {
      return duckdb::StringUtil::CIEquals(name, predicate.column.front());
    });
  }
  return std::all_of(predicate.children.begin(), predicate.children.end(),
                     [&](const FilePredicate& child) { return is_partition_predicate(child, partition_columns); });
}

}  // namespace sluice::delta
