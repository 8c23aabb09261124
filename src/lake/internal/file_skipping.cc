#include "lake/internal/file_skipping.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <duckdb/common/string_util.hpp>
#include <duckdb/planner/expression/bound_between_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_conjunction_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <duckdb/planner/expression/bound_operator_expression.hpp>

#include "delta/partition_value.h"

namespace sluice::lake {
namespace {

using delta::FilePredicate;
using duckdb::Expression;
using duckdb::ExpressionType;
using Kind = FilePredicate::Kind;
using Path = std::vector<std::string>;

/// Each file is compared with every element of an IN list; longer ones decide nothing.
constexpr std::size_t kInListMax = 1000;

FilePredicate opaque() { return {Kind::Opaque, {}, "", {}}; }

std::optional<Kind> comparison_of(ExpressionType type) {
  switch (type) {
    case ExpressionType::COMPARE_EQUAL: return Kind::Equal;
    case ExpressionType::COMPARE_LESSTHAN: return Kind::Less;
    case ExpressionType::COMPARE_LESSTHANOREQUALTO: return Kind::LessOrEqual;
    case ExpressionType::COMPARE_GREATERTHAN: return Kind::Greater;
    case ExpressionType::COMPARE_GREATERTHANOREQUALTO: return Kind::GreaterOrEqual;
    default: return std::nullopt;
  }
}

/// Returns the constant's text, if it is one of the type that has a text and is not NULL.
std::optional<std::string> text_of(const Expression& expression, const duckdb::LogicalType& type) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return std::nullopt;
  const duckdb::Value& value = expression.Cast<duckdb::BoundConstantExpression>().value;
  // Another type would be compared by other rules.
  if (value.IsNull() || value.type() != type || type.IsNested()) return std::nullopt;
  auto text = delta::write_partition_value(value);
  if (!text) return std::nullopt;
  return std::move(*text).value_or("");
}

class Translator {
 public:
  Translator(duckdb::idx_t table_index, const columnar::Schema& schema, const ColumnOfScan& column_of_scan)
      : table_index_(table_index), schema_(schema), column_of_scan_(column_of_scan) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the condition, which DuckDB's parser bounds.
  FilePredicate translate(const Expression& condition) const {
    switch (condition.GetExpressionClass()) {
      case duckdb::ExpressionClass::BOUND_COMPARISON:
        return comparison(condition.Cast<duckdb::BoundComparisonExpression>());
      case duckdb::ExpressionClass::BOUND_BETWEEN: return between(condition.Cast<duckdb::BoundBetweenExpression>());
      case duckdb::ExpressionClass::BOUND_CONJUNCTION: {
        const auto& conjunction = condition.Cast<duckdb::BoundConjunctionExpression>();
        std::vector<FilePredicate> children;
        for (const auto& child : conjunction.children) children.push_back(translate(*child));
        return condition.GetExpressionType() == ExpressionType::CONJUNCTION_AND
                   ? FilePredicate::conjunction(std::move(children))
                   : FilePredicate::disjunction(std::move(children));
      }
      case duckdb::ExpressionClass::BOUND_OPERATOR: return operation(condition.Cast<duckdb::BoundOperatorExpression>());
      case duckdb::ExpressionClass::BOUND_FUNCTION: {
        const auto& call = condition.Cast<duckdb::BoundFunctionExpression>();
        if (call.function.name == "prefix" && call.children.size() == 2) return prefix(call);
        return truth(condition);
      }
      case duckdb::ExpressionClass::BOUND_COLUMN_REF: return truth(condition);
      case duckdb::ExpressionClass::BOUND_CONSTANT: return constant(condition);
      default: return opaque();
    }
  }

 private:
  /// Returns the path to the column, or to a member of a struct, that the expression is; nullopt if it is none.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as types are nested.
  std::optional<Path> path_of(const Expression& expression) const {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      const auto& binding = expression.Cast<duckdb::BoundColumnRefExpression>().binding;
      if (binding.table_index != table_index_) return std::nullopt;
      const auto column = column_of_scan_(binding.column_index);
      // Another type is that of a member: what the scan gives may be a part of the column.
      if (!column || schema_.fields[*column].type != expression.return_type) return std::nullopt;
      return Path{schema_.fields[*column].name};
    }
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) return std::nullopt;
    const auto& call = expression.Cast<duckdb::BoundFunctionExpression>();
    if (call.function.name != "struct_extract" || call.children.size() != 2) return std::nullopt;
    const Expression& parent = *call.children[0];
    const Expression& key = *call.children[1];
    auto path = path_of(parent);
    if (!path || parent.return_type.id() != duckdb::LogicalTypeId::STRUCT) return std::nullopt;
    const auto name = text_of(key, duckdb::LogicalType::VARCHAR);
    if (!name) return std::nullopt;
    for (const auto& [member, type] : duckdb::StructType::GetChildTypes(parent.return_type)) {
      if (!duckdb::StringUtil::CIEquals(member, *name) || type != expression.return_type) continue;
      path->push_back(member);
      return path;
    }
    return std::nullopt;
  }

  FilePredicate compare(const Expression& column, Kind kind, const Expression& constant) const {
    auto path = path_of(column);
    auto text = path ? text_of(constant, column.return_type) : std::nullopt;
    if (!text) return opaque();
    return FilePredicate::compare(std::move(*path), kind, std::move(*text));
  }

  FilePredicate comparison(const duckdb::BoundComparisonExpression& condition) const {
    ExpressionType type = condition.GetExpressionType();
    const Expression* column = condition.left.get();
    const Expression* constant = condition.right.get();
    if (column->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT) {
      std::swap(column, constant);
      type = duckdb::FlipComparisonExpression(type);
    }
    if (type == ExpressionType::COMPARE_NOTEQUAL) {
      return FilePredicate::negation(compare(*column, Kind::Equal, *constant));
    }
    const auto kind = comparison_of(type);
    return kind ? compare(*column, *kind, *constant) : opaque();
  }

  FilePredicate between(const duckdb::BoundBetweenExpression& condition) const {
    return FilePredicate::conjunction(
        {compare(*condition.input, *comparison_of(condition.LowerComparisonType()), *condition.lower),
         compare(*condition.input, *comparison_of(condition.UpperComparisonType()), *condition.upper)});
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  FilePredicate operation(const duckdb::BoundOperatorExpression& condition) const {
    const Expression& first = *condition.children.front();
    switch (condition.GetExpressionType()) {
      case ExpressionType::OPERATOR_NOT: return FilePredicate::negation(translate(first));
      case ExpressionType::OPERATOR_IS_NULL: return is_null(first);
      case ExpressionType::OPERATOR_IS_NOT_NULL: return FilePredicate::negation(is_null(first));
      case ExpressionType::COMPARE_IN: return in_list(condition);
      case ExpressionType::COMPARE_NOT_IN: return FilePredicate::negation(in_list(condition));
      default: return opaque();
    }
  }

  FilePredicate is_null(const Expression& expression) const {
    auto path = path_of(expression);
    if (!path) return opaque();
    return {Kind::IsNull, std::move(*path), "", {}};
  }

  FilePredicate in_list(const duckdb::BoundOperatorExpression& condition) const {
    if (condition.children.size() - 1 > kInListMax) return opaque();
    std::vector<FilePredicate> any;
    for (std::size_t i = 1; i < condition.children.size(); ++i) {
      any.push_back(compare(*condition.children.front(), Kind::Equal, *condition.children[i]));
    }
    return FilePredicate::disjunction(std::move(any));
  }

  FilePredicate prefix(const duckdb::BoundFunctionExpression& call) const {
    auto path = path_of(*call.children[0]);
    auto text = path ? text_of(*call.children[1], duckdb::LogicalType::VARCHAR) : std::nullopt;
    if (!text || text->empty()) return opaque();
    FilePredicate from = FilePredicate::compare(*path, Kind::GreaterOrEqual, *text);
    // The next text that does not begin so; only for ASCII it is text for certain.
    if (static_cast<unsigned char>(text->back()) >= 0x7F) return from;
    ++text->back();
    return FilePredicate::conjunction({std::move(from), FilePredicate::compare(*path, Kind::Less, *text)});
  }

  /// A boolean column as a condition.
  FilePredicate truth(const Expression& column) const {
    auto path = path_of(column);
    if (!path || column.return_type.id() != duckdb::LogicalTypeId::BOOLEAN) return opaque();
    return FilePredicate::compare(std::move(*path), Kind::Equal, "true");
  }

  static FilePredicate constant(const Expression& expression) {
    const auto text = text_of(expression, duckdb::LogicalType::BOOLEAN);
    if (!text) return opaque();
    return *text == "true" ? FilePredicate{} : FilePredicate::disjunction({});
  }

  const duckdb::idx_t table_index_;
  const columnar::Schema& schema_;
  const ColumnOfScan& column_of_scan_;
};

}  // namespace

FilePredicate file_predicate_of(const duckdb::vector<duckdb::unique_ptr<Expression>>& conditions,
                                duckdb::idx_t table_index, const columnar::Schema& schema,
                                const ColumnOfScan& column_of_scan) {
  const Translator translator(table_index, schema, column_of_scan);
  std::vector<FilePredicate> all;
  for (const auto& condition : conditions) all.push_back(translator.translate(*condition));
  return FilePredicate::conjunction(std::move(all));
}

}  // namespace sluice::lake
