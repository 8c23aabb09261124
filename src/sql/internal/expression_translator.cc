#include "sql/internal/expression_translator.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/function/function_binder.hpp>
#include <duckdb/planner/expression/list.hpp>

#include "columnar/variant_encoding.h"
#include "sql/internal/bound_separator.h"

namespace sluice::sql {
namespace {

using columnar::Expression;
using Kind = columnar::Expression::Kind;
using Bound = duckdb::unique_ptr<duckdb::Expression>;

std::optional<std::string_view> comparison_name(duckdb::ExpressionType type) {
  switch (type) {
    case duckdb::ExpressionType::COMPARE_EQUAL: return "=";
    case duckdb::ExpressionType::COMPARE_NOTEQUAL: return "<>";
    case duckdb::ExpressionType::COMPARE_LESSTHAN: return "<";
    case duckdb::ExpressionType::COMPARE_LESSTHANOREQUALTO: return "<=";
    case duckdb::ExpressionType::COMPARE_GREATERTHAN: return ">";
    case duckdb::ExpressionType::COMPARE_GREATERTHANOREQUALTO: return ">=";
    case duckdb::ExpressionType::COMPARE_DISTINCT_FROM: return "is_distinct";
    case duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM: return "is_not_distinct";
    default: return std::nullopt;
  }
}

std::optional<Kind> operator_kind(duckdb::ExpressionType type) {
  switch (type) {
    case duckdb::ExpressionType::OPERATOR_NOT: return Kind::Not;
    case duckdb::ExpressionType::OPERATOR_IS_NULL: return Kind::IsNull;
    case duckdb::ExpressionType::OPERATOR_IS_NOT_NULL: return Kind::IsNotNull;
    case duckdb::ExpressionType::COMPARE_IN: return Kind::In;
    case duckdb::ExpressionType::COMPARE_NOT_IN: return Kind::NotIn;
    case duckdb::ExpressionType::OPERATOR_COALESCE: return Kind::Coalesce;
    case duckdb::ExpressionType::OPERATOR_TRY: return Kind::Try;
    default: return std::nullopt;
  }
}

bool has_collation(const duckdb::LogicalType& type) {
  return type.id() == duckdb::LogicalTypeId::VARCHAR && !duckdb::StringType::GetCollation(type).empty();
}

class Translator {
 public:
  Translator(duckdb::ClientContext& context, const ColumnFinder& find_column)
      : context_(context), find_column_(find_column) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the expression, which DuckDB's binder bounds.
  Result<Expression> translate(const duckdb::Expression& expression) {
    if (has_collation(expression.return_type)) return not_incremental("text is compared under a collation");
    switch (expression.GetExpressionClass()) {
      case duckdb::ExpressionClass::BOUND_COLUMN_REF:
        return find_column_(expression.Cast<duckdb::BoundColumnRefExpression>().binding);
      case duckdb::ExpressionClass::BOUND_CONSTANT: return constant(expression.Cast<duckdb::BoundConstantExpression>());
      case duckdb::ExpressionClass::BOUND_FUNCTION: return function(expression.Cast<duckdb::BoundFunctionExpression>());
      case duckdb::ExpressionClass::BOUND_CAST: return cast(expression.Cast<duckdb::BoundCastExpression>());
      case duckdb::ExpressionClass::BOUND_COMPARISON:
        return comparison(expression.Cast<duckdb::BoundComparisonExpression>());
      case duckdb::ExpressionClass::BOUND_CONJUNCTION:
        return conjunction(expression.Cast<duckdb::BoundConjunctionExpression>());
      case duckdb::ExpressionClass::BOUND_OPERATOR:
        return operation(expression.Cast<duckdb::BoundOperatorExpression>());
      case duckdb::ExpressionClass::BOUND_BETWEEN: return between(expression.Cast<duckdb::BoundBetweenExpression>());
      case duckdb::ExpressionClass::BOUND_CASE: return case_of(expression.Cast<duckdb::BoundCaseExpression>());
      case duckdb::ExpressionClass::BOUND_LAMBDA:
      case duckdb::ExpressionClass::BOUND_LAMBDA_REF: return not_incremental("lambda functions run in DuckDB only");
      case duckdb::ExpressionClass::BOUND_SUBQUERY:
        return not_incremental("a subquery that could not be turned into a join");
      case duckdb::ExpressionClass::BOUND_WINDOW: return not_incremental("a window function");
      default: return not_incremental(fmt::format("the expression {}", expression.ToString()));
    }
  }

 private:
  static Result<Expression> constant(const duckdb::BoundConstantExpression& expression) {
    if (columnar::holds_variant(expression.return_type)) return not_incremental("a constant of type VARIANT");
    Expression out = Expression::literal(expression.value);
    out.type = expression.return_type;
    return out;
  }

  Status translate_children(const duckdb::vector<Bound>& children, std::vector<Expression>& out) {
    for (const Bound& child : children) {
      SLUICE_TRY_ASSIGN(Expression translated, translate(*child));
      out.push_back(std::move(translated));
    }
    return ok();
  }

  Result<Expression> function(const duckdb::BoundFunctionExpression& call) {
    if (call.function.HasBindLambdaCallback())
      return not_incremental(fmt::format("{}() with a lambda runs in DuckDB only", call.function.name));
    if (call.function.name == "variant_normalize") {  // writes past its end when rows share a value, as constants do
      return not_incremental("a VARIANT is compared with another: cast both, to VARCHAR for example");
    }
    const auto natural = type_when_bound(call);
    if (!natural)
      return not_incremental(fmt::format("function {}() carries more than its arguments", call.function.name));
    Expression out{Kind::Function, *natural, 0, duckdb::Value(), call.function.name, {}};
    SLUICE_TRY(translate_children(call.children, out.children));
    if (aggregates_list(call)) {
      if (auto separator = bound_separator(call)) out.children.push_back(Expression::literal(*std::move(separator)));
    }
    return *natural == call.return_type ? std::move(out) : Expression::cast(std::move(out), call.return_type);
  }

  /// Returns the type that the function has when its name is bound again to arguments of these types, which is the form
  /// in which a plan keeps a function. nullopt if that is another function: those that drop arguments when they are
  /// bound, or keep a lambda. The type is the call's own but for decimals that widen once more.
  std::optional<duckdb::LogicalType> type_when_bound(const duckdb::BoundFunctionExpression& call) {
    auto entry = duckdb::Catalog::GetSystemCatalog(context_).GetEntry<duckdb::ScalarFunctionCatalogEntry>(
        context_, DEFAULT_SCHEMA, call.function.name, duckdb::OnEntryNotFound::RETURN_NULL);
    if (!entry) return std::nullopt;
    for (const auto& overload : entry->functions.functions) {
      if (overload.HasBindExtendedCallback()) return std::nullopt;
    }
    // Arithmetic on decimals widens its arguments when it is bound; they are offered as they were before, too.
    for (const bool before_casts : {false, true}) {
      if (const Bound again = bind_again(*entry, call, before_casts); again && is_same(*again, call))
        return call.return_type;
    }
    const Bound again = bind_again(*entry, call, false);
    if (again && is_wider_decimal(*again, call)) return again->return_type;
    return std::nullopt;
  }

  Bound bind_again(duckdb::ScalarFunctionCatalogEntry& entry, const duckdb::BoundFunctionExpression& call,
                   bool before_casts) {
    duckdb::vector<Bound> arguments;
    for (std::size_t i = 0; i < call.children.size(); ++i) arguments.push_back(argument(call, i, before_casts));
    if (aggregates_list(call)) {
      if (auto separator = bound_separator(call))
        arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(*std::move(separator))));
    }
    duckdb::ErrorData error;
    try {
      Bound again = duckdb::FunctionBinder(context_).BindScalarFunction(entry, std::move(arguments), error);
      if (!again || again->GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) return nullptr;
      const auto& bound = again->Cast<duckdb::BoundFunctionExpression>();
      const bool same_shape =
          bound.function.name == call.function.name && bound.children.size() == call.children.size();
      return same_shape ? std::move(again) : nullptr;
    } catch (const duckdb::Exception&) {
      return nullptr;  // a wall of one call: the overload does not exist for these arguments
    }
  }

  static bool aggregates_list(const duckdb::BoundFunctionExpression& call) {
    static constexpr auto kNames =
        std::to_array<std::string_view>({"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"});
    return std::ranges::find(kNames, std::string_view(call.function.name)) != kNames.end();
  }

  static bool is_same(const duckdb::Expression& again, const duckdb::BoundFunctionExpression& call) {
    const auto same_type = [](const Bound& a, const Bound& b) { return a->return_type == b->return_type; };
    // Binding takes constants out of the arguments of the aggregate inside.
    const auto& bound = again.Cast<duckdb::BoundFunctionExpression>();
    if (aggregates_list(call) && !(bound.bind_info && call.bind_info && bound.bind_info->Equals(*call.bind_info)))
      return false;
    return again.return_type == call.return_type &&
           std::ranges::equal(again.Cast<duckdb::BoundFunctionExpression>().children, call.children, same_type);
  }

  /// Whether the functions differ only in that the digits of one may be more: then a cast back loses nothing.
  static bool is_wider_decimal(const duckdb::Expression& again, const duckdb::BoundFunctionExpression& call) {
    const auto wider = [](const duckdb::LogicalType& wide, const duckdb::LogicalType& narrow) {
      if (wide == narrow) return true;
      if (wide.id() != duckdb::LogicalTypeId::DECIMAL || narrow.id() != duckdb::LogicalTypeId::DECIMAL) return false;
      return duckdb::DecimalType::GetScale(wide) == duckdb::DecimalType::GetScale(narrow) &&
             duckdb::DecimalType::GetWidth(wide) >= duckdb::DecimalType::GetWidth(narrow);
    };
    const bool arithmetic = call.function.name == "+" || call.function.name == "-";
    return arithmetic && wider(again.return_type, call.return_type) &&
           std::ranges::equal(again.Cast<duckdb::BoundFunctionExpression>().children, call.children,
                              [&](const Bound& a, const Bound& b) { return wider(a->return_type, b->return_type); });
  }

  /// A stand-in for an argument: itself if it is constant, else a reference of its type.
  static Bound argument(const duckdb::BoundFunctionExpression& call, std::size_t index, bool before_casts) {
    const duckdb::Expression* original = call.children[index].get();
    if (before_casts && original->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST) {
      const auto& inner = original->Cast<duckdb::BoundCastExpression>().child;
      if (original->return_type.id() == duckdb::LogicalTypeId::DECIMAL &&
          inner->return_type.id() == duckdb::LogicalTypeId::DECIMAL) {
        original = inner.get();
      }
    }
    Bound copy = original->IsFoldable()
                     ? original->Copy()
                     : duckdb::make_uniq<duckdb::BoundReferenceExpression>(original->return_type, index);
    // Members of a struct are named by the arguments' aliases.
    const bool names_members = call.function.name == "struct_pack" || call.function.name == "struct_insert";
    if (names_members && call.return_type.id() == duckdb::LogicalTypeId::STRUCT) {
      const auto& members = duckdb::StructType::GetChildTypes(call.return_type);
      const std::size_t from_end = call.children.size() - index;
      if (from_end <= members.size()) copy->SetAlias(members[members.size() - from_end].first);
    }
    return copy;
  }

  Result<Expression> cast(const duckdb::BoundCastExpression& expression) {
    SLUICE_TRY_ASSIGN(Expression child, translate(*expression.child));
    if (!expression.try_cast) return Expression::cast(std::move(child), expression.return_type);
    Expression out{Kind::TryCast, expression.return_type, 0, duckdb::Value(), {}, {}};
    out.children.push_back(std::move(child));
    return out;
  }

  Result<Expression> compare(std::string_view name, const duckdb::Expression& left, const duckdb::Expression& right) {
    if (left.return_type != right.return_type) return not_incremental("a comparison of different types");
    Expression out{Kind::Compare, duckdb::LogicalType::BOOLEAN, 0, duckdb::Value(), std::string(name), {}};
    SLUICE_TRY_ASSIGN(Expression first, translate(left));
    SLUICE_TRY_ASSIGN(Expression second, translate(right));
    out.children.push_back(std::move(first));
    out.children.push_back(std::move(second));
    return out;
  }

  Result<Expression> comparison(const duckdb::BoundComparisonExpression& expression) {
    const auto name = comparison_name(expression.GetExpressionType());
    if (!name) return not_incremental(fmt::format("the comparison {}", expression.ToString()));
    return compare(*name, *expression.left, *expression.right);
  }

  Result<Expression> conjunction(const duckdb::BoundConjunctionExpression& expression) {
    const bool is_and = expression.GetExpressionType() == duckdb::ExpressionType::CONJUNCTION_AND;
    Expression out{is_and ? Kind::And : Kind::Or, duckdb::LogicalType::BOOLEAN, 0, duckdb::Value(), {}, {}};
    SLUICE_TRY(translate_children(expression.children, out.children));
    if (out.children.size() == 1) return std::move(out.children.front());
    return out;
  }

  Result<Expression> operation(const duckdb::BoundOperatorExpression& expression) {
    const auto kind = operator_kind(expression.GetExpressionType());
    if (!kind) return not_incremental(fmt::format("the operator {}", expression.ToString()));
    Expression out{*kind, expression.return_type, 0, duckdb::Value(), {}, {}};
    SLUICE_TRY(translate_children(expression.children, out.children));
    return out;
  }

  Result<Expression> between(const duckdb::BoundBetweenExpression& expression) {
    Expression out{Kind::And, duckdb::LogicalType::BOOLEAN, 0, duckdb::Value(), {}, {}};
    SLUICE_TRY_ASSIGN(Expression lower,
                      compare(expression.lower_inclusive ? ">=" : ">", *expression.input, *expression.lower));
    SLUICE_TRY_ASSIGN(Expression upper,
                      compare(expression.upper_inclusive ? "<=" : "<", *expression.input, *expression.upper));
    out.children.push_back(std::move(lower));
    out.children.push_back(std::move(upper));
    return out;
  }

  Result<Expression> case_of(const duckdb::BoundCaseExpression& expression) {
    Expression out{Kind::Case, expression.return_type, 0, duckdb::Value(), {}, {}};
    for (const auto& check : expression.case_checks) {
      SLUICE_TRY_ASSIGN(Expression when, translate(*check.when_expr));
      // What a scalar subquery's row count guards is never evaluated once the count is known to be one.
      if (never_holds(when)) continue;
      SLUICE_TRY_ASSIGN(Expression then, translate(*check.then_expr));
      out.children.push_back(std::move(when));
      out.children.push_back(std::move(then));
    }
    SLUICE_TRY_ASSIGN(Expression otherwise, translate(*expression.else_expr));
    if (out.children.empty()) return otherwise;
    out.children.push_back(std::move(otherwise));
    return out;
  }

  static bool never_holds(const Expression& when) {
    if (when.kind != Kind::Compare || when.name != ">") return false;
    const Expression& left = when.children[0];
    const Expression& right = when.children[1];
    if (left.kind != Kind::Constant || right.kind != Kind::Constant || left.constant.IsNull() ||
        right.constant.IsNull())
      return false;
    return !(left.constant > right.constant);
  }

  duckdb::ClientContext& context_;
  const ColumnFinder& find_column_;
};

}  // namespace

Error not_incremental(std::string reason) { return Error(ErrorCode::Unsupported, std::move(reason)); }

Result<Expression> translate_expression(duckdb::ClientContext& context, const duckdb::Expression& expression,
                                        const ColumnFinder& find_column) {
  return Translator(context, find_column).translate(expression);
}

}  // namespace sluice::sql
