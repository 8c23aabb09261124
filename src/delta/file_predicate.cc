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
#include "delta/internal/statistics_scan.h"
#include "delta/partition_value.h"

namespace sluice::delta {
namespace {

using Kind = FilePredicate::Kind;
using duckdb::Value;
using internal::read_bound;
using internal::read_constant;
using internal::read_integer_bound;

/// The values a condition may have for the rows of a file.
struct Outcomes {
  bool yes = true;
  bool no = true;
  bool null = true;
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

/// How the values of a column are compared: as numbers that order as they do, as texts, or as DuckDB's values.
enum class Form { Integer, Text, Other };

Form form_of(const DataType& type) {
  switch (type.kind) {
    case DataType::Kind::Byte:
    case DataType::Kind::Short:
    case DataType::Kind::Integer:
    case DataType::Kind::Long:
    case DataType::Kind::Date:
    case DataType::Kind::Timestamp:
    case DataType::Kind::TimestampNtz: return Form::Integer;
    case DataType::Kind::String: return Form::Text;
    default: return Form::Other;
  }
}

/// A value of a column, in the column's form.
struct Bound {
  bool is_known = false;
  std::int64_t integer = 0;
  Value other;

  std::string_view text() const { return is_own_ ? std::string_view(own_text_) : text_; }

  void set(Form form, const DataType& type, const Value& value) {
    is_known = true;
    switch (form) {
      case Form::Integer: integer = integer_of(type, value); break;
      case Form::Text:
        own_text_ = duckdb::StringValue::Get(value);
        is_own_ = true;
        break;
      case Form::Other: other = value; break;
    }
  }
  void set_integer(std::int64_t value) {
    is_known = true;
    integer = value;
  }
  /// The text must outlive this.
  void set_text(std::string_view value) {
    is_known = true;
    is_own_ = false;
    text_ = value;
  }

 private:
  static std::int64_t integer_of(const DataType& type, const Value& value) {
    switch (type.kind) {
      case DataType::Kind::Date: return value.GetValueUnsafe<duckdb::date_t>().days;
      case DataType::Kind::Timestamp:
      case DataType::Kind::TimestampNtz: return value.GetValueUnsafe<duckdb::timestamp_t>().value;
      default: return value.GetValue<std::int64_t>();
    }
  }

  bool is_own_ = false;
  std::string_view text_;
  std::string own_text_;
};

bool less(Form form, const Bound& left, const Bound& right) {
  switch (form) {
    case Form::Integer: return left.integer < right.integer;
    case Form::Text: return left.text() < right.text();
    case Form::Other: return left.other < right.other;
  }
  return false;
}

/// What is known of a column's values in a file.
struct Range {
  Bound min;  ///< Not known: may be anything.
  Bound max;
  bool is_known = false;  ///< False: nothing is known, and the rest means nothing.
  bool may_be_null = true;
  bool may_be_value = true;
};

/// A predicate with its columns found and its constants read.
struct Node {
  Kind kind = Kind::Opaque;
  std::size_t column = 0;  ///< Of comparisons and IsNull.
  Bound constant;          ///< Of comparisons.
  std::vector<Node> children;
};

}  // namespace

/// What FileMatcher does.
class FileMatcher::Judge {
 public:
  Judge(const FilePredicate& predicate, const DataType& schema, ColumnMappingMode mode,
        const std::vector<std::string>& partition_columns) {
    root_ = compile(predicate, {schema, mode, partition_columns});
    std::vector<ColumnPath> paths;
    for (Column& column : columns_) {
      if (column.is_partition) continue;
      column.in_scan = paths.size();
      paths.push_back(column.physical);
    }
    scan_.emplace(paths);
    // What costs nothing comes first: it may make the statistics needless.
    if (root_.kind == Kind::And) {
      std::ranges::stable_partition(root_.children, [&](const Node& node) { return asks_partitions_only(node); });
    }
  }

  /// Takes the next file; what is handed in is looked at until the next one.
  void begin(std::optional<std::string_view> stats, bool same_partition) {
    stats_ = stats;
    is_read_ = false;
    for (Column& column : columns_) {
      if (!(column.is_partition && same_partition)) column.is_decided = false;
    }
  }
  bool asks_partitions() const {
    return std::ranges::any_of(columns_, [](const Column& column) { return column.is_partition; });
  }

  /// `partition_values`: of the file that begin() was called for.
  FileMatch match(const PartitionValues& partition_values) {
    partition_values_ = &partition_values;
    const auto outcomes = columnar::guard([&]() -> Result<Outcomes> {
      // No row meets all if none meets one.
      if (root_.kind == Kind::And) {
        for (const Node& child : root_.children) {
          if (!judge(child).yes) return Outcomes{false, true, true};
        }
      }
      return judge(root_);
    });
    if (!outcomes) return FileMatch::Some;  // not to be compared: nothing is known
    if (!outcomes->yes) return FileMatch::None;
    return outcomes->no || outcomes->null ? FileMatch::Some : FileMatch::All;
  }

 private:
  struct Column {
    std::vector<std::string> names;
    DataType type;
    ColumnPath physical;
    Form form = Form::Other;
    bool is_partition = false;
    std::size_t in_scan = 0;  // its number in scan_
    bool is_decided = false;  // range is that of the current file
    Range range;
  };

  struct Table {
    const DataType& schema;
    ColumnMappingMode mode;
    const std::vector<std::string>& partition_columns;
  };

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the predicate.
  Node compile(const FilePredicate& predicate, const Table& table) {
    Node node;
    node.kind = predicate.kind;
    if (predicate.kind == Kind::IsNull || is_comparison(predicate.kind)) {
      const auto column = column_number(predicate.column, table);
      if (!column) return {};
      node.column = *column;
      if (predicate.kind == Kind::IsNull) return node;
      const auto constant = read_constant(predicate.constant, columns_[*column].type);
      if (!constant) return {};
      node.constant.set(columns_[*column].form, columns_[*column].type, *constant);
    }
    for (const FilePredicate& child : predicate.children) node.children.push_back(compile(child, table));
    return node;
  }

  std::optional<std::size_t> column_number(const std::vector<std::string>& names, const Table& table) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].names == names) return i;
    }
    const auto found = find_column(table.schema, table.mode, names);
    if (!found) return std::nullopt;
    Column column;
    column.names = names;
    column.type = *found->type;
    column.physical = found->physical;
    column.form = form_of(column.type);
    column.is_partition = names.size() == 1 && std::ranges::any_of(table.partition_columns, [&](const auto& name) {
                            return duckdb::StringUtil::CIEquals(name, names.front());
                          });
    columns_.push_back(std::move(column));
    return columns_.size() - 1;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  bool asks_partitions_only(const Node& node) const {
    if (node.kind == Kind::IsNull || is_comparison(node.kind)) return columns_[node.column].is_partition;
    return std::ranges::all_of(node.children, [&](const Node& child) { return asks_partitions_only(child); });
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Outcomes judge(const Node& node) {
    switch (node.kind) {
      case Kind::Always: return {true, false, false};
      case Kind::Opaque: return {};
      case Kind::IsNull: {
        const Range& range = range_of(columns_[node.column]);
        return range.is_known ? Outcomes{range.may_be_null, range.may_be_value, false} : Outcomes{true, true, false};
      }
      case Kind::Not: {
        const Outcomes child = judge(node.children.front());
        return {child.no, child.yes, child.null};
      }
      case Kind::And: return judge_conjunction(node.children);
      case Kind::Or: {
        // By De Morgan, whose law holds with NULL too.
        Outcomes all{false, true, false};
        bool any_null = false;
        bool none_surely_true = true;
        for (const Node& child : node.children) {
          const Outcomes outcomes = judge(child);
          all.yes |= outcomes.yes;
          all.no &= outcomes.no;
          any_null |= outcomes.null;
          none_surely_true &= outcomes.no || outcomes.null;
        }
        all.null = any_null && none_surely_true;
        return all;
      }
      default: return judge_comparison(node);
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Outcomes judge_conjunction(const std::vector<Node>& children) {
    Outcomes all{true, false, false};
    bool any_null = false;
    bool none_surely_false = true;
    for (const Node& child : children) {
      const Outcomes outcomes = judge(child);
      all.yes &= outcomes.yes;
      all.no |= outcomes.no;
      any_null |= outcomes.null;
      none_surely_false &= outcomes.yes || outcomes.null;
    }
    all.null = any_null && none_surely_false;
    return all;
  }

  Outcomes judge_comparison(const Node& node) {
    Column& column = columns_[node.column];
    const Range& range = range_of(column);
    if (!range.is_known) return {};
    Outcomes outcomes{false, false, range.may_be_null};
    if (!range.may_be_value) return outcomes;
    const Bound& constant = node.constant;
    const bool min_is_less = !range.min.is_known || less(column.form, range.min, constant);
    const bool max_is_less = range.max.is_known && less(column.form, range.max, constant);
    const bool min_is_greater = range.min.is_known && less(column.form, constant, range.min);
    const bool max_is_greater = !range.max.is_known || less(column.form, constant, range.max);
    const bool any_equal = !min_is_greater && !max_is_less;
    switch (node.kind) {
      case Kind::Equal: outcomes.yes = any_equal, outcomes.no = min_is_less || max_is_greater; break;
      case Kind::Less: outcomes.yes = min_is_less, outcomes.no = any_equal || max_is_greater; break;
      case Kind::LessOrEqual: outcomes.yes = min_is_less || any_equal, outcomes.no = max_is_greater; break;
      case Kind::Greater: outcomes.yes = max_is_greater, outcomes.no = any_equal || min_is_less; break;
      default: outcomes.yes = max_is_greater || any_equal, outcomes.no = min_is_less; break;
    }
    return outcomes;
  }

  const Range& range_of(Column& column) {
    if (column.is_decided) return column.range;
    column.is_decided = true;
    Range& range = column.range;
    range.is_known = false;
    range.min.is_known = false;
    range.max.is_known = false;
    range.may_be_null = true;
    range.may_be_value = true;
    if (column.is_partition) {
      read_partition(column, range);
    } else {
      read_statistics(column, range);
    }
    return range;
  }

  void read_partition(const Column& column, Range& range) const {
    const auto found = partition_values_->find(column.physical.front());
    if (found == partition_values_->end()) return;
    const auto value = read_partition_value(found->second, logical_type(column.type));
    if (!value) return;
    range.is_known = true;
    if (value->IsNull()) {
      range.may_be_value = false;
      return;
    }
    range.may_be_null = false;
    range.min.set(column.form, column.type, *value);
    range.max.set(column.form, column.type, *value);
  }

  void read_statistics(const Column& column, Range& range) {
    if (!is_read_) {
      // Unreadable ones say nothing.
      scan_->read(stats_.value_or("{}"));
      is_read_ = true;
    }
    const internal::StatisticsScan::Column& found = scan_->column(column.in_scan);
    if (found.min.empty() && found.max.empty() && !found.null_count) return;
    range.is_known = true;
    read_bound_of(column, found.min, false, range.min);
    read_bound_of(column, found.max, true, range.max);
    // With wide bounds the count is only an upper one, but its two ends still say what they say.
    range.may_be_null = found.null_count != 0;
    range.may_be_value = !found.null_count || found.null_count != scan_->num_records();
  }

  static void read_bound_of(const Column& column, std::string_view json, bool is_max, Bound& bound) {
    if (json.empty()) return;
    if (column.form == Form::Integer) {
      if (const auto integer = read_integer_bound(json, column.type, is_max)) return bound.set_integer(*integer);
    } else if (column.form == Form::Text && json.front() == '"' && json.find('\\') == std::string_view::npos) {
      return bound.set_text(json.substr(1, json.size() - 2));
    }
    if (const auto value = read_bound(std::string(json), column.type, is_max)) {
      bound.set(column.form, column.type, *value);
    }
  }

  std::vector<Column> columns_;
  Node root_;
  std::optional<internal::StatisticsScan> scan_;

  const PartitionValues* partition_values_ = nullptr;
  std::optional<std::string_view> stats_;
  bool is_read_ = false;  // scan_ has read stats_
};

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
  return FileMatcher(predicate, schema, mode, partition_columns).match(file);
}

FileMatcher::FileMatcher(const FilePredicate& predicate, const DataType& schema, ColumnMappingMode mode,
                         const std::vector<std::string>& partition_columns)
    : judge_(std::make_unique<Judge>(predicate, schema, mode, partition_columns)) {}

FileMatcher::~FileMatcher() = default;

FileMatch FileMatcher::match(const AddFile& file) {
  judge_->begin(file.stats, false);
  return judge_->match(file.partition_values);
}

std::vector<std::size_t> FileMatcher::select(const LiveFiles::Numbered& files, std::span<const std::size_t> numbers) {
  std::vector<std::size_t> selected;
  PartitionValues partition_values;
  const bool asks_partitions = judge_->asks_partitions();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const bool same_partition = i > 0 && files.share_partition(numbers[i - 1], numbers[i]);
    judge_->begin(files.stats(numbers[i]), same_partition);
    if (asks_partitions && !same_partition) files.read_partition_values(numbers[i], partition_values);
    if (judge_->match(partition_values) != FileMatch::None) selected.push_back(numbers[i]);
  }
  return selected;
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
