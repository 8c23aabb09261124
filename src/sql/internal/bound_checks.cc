#include "sql/internal/bound_checks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <duckdb/common/enums/logical_operator_type.hpp>
#include <duckdb/common/string_util.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/expression/function_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/result_modifier.hpp>
#include <duckdb/parser/tableref/emptytableref.hpp>
#include <duckdb/parser/tableref/table_function_ref.hpp>
#include <duckdb/planner/expression/list.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <duckdb/planner/planner.hpp>

#include "sql/internal/query_walk.h"

namespace sluice::sql {
namespace {

using duckdb::LogicalOperatorType;

Span place_of(const ErrorContext& context, const duckdb::Expression& expression, std::string_view word) {
  if (expression.GetQueryLocation().IsValid()) return context.tokens.token_at(expression.GetQueryLocation().GetIndex());
  return context.query.find_word(word).value_or(context.query.tokens().begin()->span);
}

/// Visits every expression of every operator, root first.
// NOLINTNEXTLINE(misc-no-recursion): as deep as plan and expressions, which DuckDB bounds.
void for_each_expression(const duckdb::Expression& expression,
                         const std::function<void(const duckdb::Expression&)>& visit) {
  visit(expression);
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::Expression& child) { for_each_expression(child, visit); });
}
// NOLINTNEXTLINE(misc-no-recursion)
void for_each_expression(duckdb::LogicalOperator& op, const std::function<void(const duckdb::Expression&)>& visit) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      op, [&](duckdb::unique_ptr<duckdb::Expression>* expression) { for_each_expression(**expression, visit); });
  for (auto& child : op.children) for_each_expression(*child, visit);
}

/// Functions whose value is the time of the query.
bool is_clock(const std::string& name) {
  static constexpr std::array<std::string_view, 11> kClocks = {"now",
                                                               "current_timestamp",
                                                               "get_current_timestamp",
                                                               "transaction_timestamp",
                                                               "current_date",
                                                               "today",
                                                               "get_current_time",
                                                               "current_time",
                                                               "localtime",
                                                               "localtimestamp",
                                                               "current_localtimestamp"};
  for (const std::string_view clock : kClocks) {
    if (name == clock) return true;
  }
  return name == "current_localtime";
}

/// age(ts) is the time from then to now, though DuckDB calls it consistent.
bool looks_at_clock(const duckdb::BoundFunctionExpression& call) {
  return is_clock(call.function.name) || (call.function.name == "age" && call.children.size() == 1);
}

void refuse_impure_function(const ErrorContext& context, const duckdb::Expression& expression,
                            std::vector<Error>& errors) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) return;
  const auto& call = expression.Cast<duckdb::BoundFunctionExpression>();
  const std::string& name = call.function.name;
  const auto stability = call.function.GetStability();
  if (stability == duckdb::FunctionStability::CONSISTENT && !looks_at_clock(call)) return;
  if (name == "error") return;  // raises: a row that meets it is a row error
  const Span span = place_of(context, expression, name);
  if (looks_at_clock(call)) {
    errors.push_back(context.source.unsupported(
        SqlError::Clock, span, fmt::format("{}() would stand still at the moment the pipeline was planned", name),
        "compare with a column of the data; the pipeline's clock comes in a later version"));
  } else if (stability == duckdb::FunctionStability::VOLATILE) {
    errors.push_back(context.source.error(
        SqlError::Volatile, span,
        fmt::format("{}() gives another value each time it is computed, so a dataset cannot equal its query", name),
        "derive the value from the row, for example hash(id) or md5(id)"));
  } else {
    errors.push_back(context.source.error(SqlError::Environment, span,
                                          fmt::format("{}() depends on the session, not on the data", name),
                                          "write the value"));
  }
}

struct StatefulOperator {
  SqlError number;
  std::string_view what;
  std::vector<std::string_view> words;  ///< Where it may stand in the text, best first.
  std::string_view fix;
};

std::optional<StatefulOperator> stateful(const duckdb::LogicalOperator& op) {
  constexpr std::string_view kView = "make it a MATERIALIZED VIEW: it is kept up to date as rows come";
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      return StatefulOperator{SqlError::StreamingAggregate, "an aggregation", {"GROUP"}, kView};
    case LogicalOperatorType::LOGICAL_DISTINCT:
      return StatefulOperator{SqlError::StreamingAggregate, "removing duplicates", {"DISTINCT", "UNION"}, kView};
    case LogicalOperatorType::LOGICAL_EXCEPT:
      return StatefulOperator{SqlError::StreamingAggregate, "EXCEPT", {"EXCEPT"}, kView};
    case LogicalOperatorType::LOGICAL_INTERSECT:
      return StatefulOperator{SqlError::StreamingAggregate, "INTERSECT", {"INTERSECT"}, kView};
    case LogicalOperatorType::LOGICAL_ORDER_BY:
      return StatefulOperator{SqlError::StreamingOrder,
                              "an order",
                              {"ORDER"},
                              "leave out ORDER BY: rows of a table have no order; or make it a MATERIALIZED VIEW"};
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_TOP_N:
      return StatefulOperator{SqlError::StreamingOrder, "a limit", {"LIMIT", "OFFSET"}, kView};
    case LogicalOperatorType::LOGICAL_WINDOW:
      return StatefulOperator{SqlError::StreamingWindow, "a window function", {"OVER"}, kView};
    case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
      return StatefulOperator{SqlError::StreamingJoin, "a recursive query", {"RECURSIVE"}, kView};
    case LogicalOperatorType::LOGICAL_JOIN:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_DEPENDENT_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      return StatefulOperator{SqlError::StreamingJoin, "a join or subquery", {"JOIN", "EXISTS", "IN"}, kView};
    default: return std::nullopt;
  }
}

std::optional<Span> aggregate_place(const ErrorContext& context, const duckdb::LogicalOperator& op) {
  for (const auto& expression : op.expressions) {
    if (expression->GetQueryLocation().IsValid())
      return context.tokens.token_at(expression->GetQueryLocation().GetIndex());
    if (expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_AGGREGATE) continue;
    std::string name = expression->Cast<duckdb::BoundAggregateExpression>().function.name;
    if (name == "count_star") name = "count";
    if (const auto found = context.query.find_word(name)) return found;
  }
  return std::nullopt;
}

}  // namespace

void refuse_session_values(const ErrorContext& context, duckdb::SelectStatement& tree, std::vector<Error>& errors) {
  static constexpr std::array<std::string_view, 16> kNames = {
      "current_user",    "user",           "session_user",    "current_role",
      "current_catalog", "current_schema", "current_schemas", "current_database",
      "current_setting", "current_query",  "getvariable",     "getenv",
      "version",         "txid_current",   "in_search_path",  "current_connection_id"};
  QueryVisitor visitor;
  visitor.expression = [&](duckdb::ParsedExpression& part) {
    std::string name;
    if (part.GetExpressionClass() == duckdb::ExpressionClass::FUNCTION) {
      name = part.Cast<duckdb::FunctionExpression>().function_name;
    } else if (part.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF &&
               !part.Cast<duckdb::ColumnRefExpression>().IsQualified()) {
      name = part.Cast<duckdb::ColumnRefExpression>().GetColumnName();
      const auto same = [&](const std::string& column) { return duckdb::StringUtil::CIEquals(column, name); };
      if (std::ranges::any_of(context.columns, same) || !part.GetQueryLocation().IsValid()) return;
    }
    name = duckdb::StringUtil::Lower(name);
    if (std::ranges::find(kNames, name) == kNames.end()) return;
    const Span span = part.GetQueryLocation().IsValid() ? context.tokens.token_at(part.GetQueryLocation().GetIndex())
                                                        : context.query.tokens().begin()->span;
    errors.push_back(context.source.error(SqlError::Environment, span,
                                          fmt::format("{} depends on the session, not on the data", name),
                                          "write the value"));
  };
  walk(tree, visitor);
}

void refuse_impure_arguments(const ErrorContext& context, duckdb::ClientContext& client, duckdb::SelectStatement& tree,
                             std::vector<Error>& errors) {
  const auto refuse = [&](const duckdb::unique_ptr<duckdb::ParsedExpression>& argument) {
    if (!argument || argument->HasSubquery() || !argument->IsScalar()) return;  // bound with the rows it reads
    auto node = duckdb::make_uniq<duckdb::SelectNode>();
    node->select_list.push_back(argument->Copy());
    node->from_table = duckdb::make_uniq<duckdb::EmptyTableRef>();
    duckdb::SelectStatement alone;
    alone.node = std::move(node);
    duckdb::Planner planner(client);
    planner.CreatePlan(alone.Copy());
    refuse_impure_functions(context, *planner.plan, errors);
  };
  QueryVisitor visitor;
  visitor.relation = [&](duckdb::unique_ptr<duckdb::TableRef>& relation) {
    if (relation->type != duckdb::TableReferenceType::TABLE_FUNCTION) return;
    auto& call = relation->Cast<duckdb::TableFunctionRef>().function->Cast<duckdb::FunctionExpression>();
    for (const auto& argument : call.children) refuse(argument);
  };
  visitor.node = [&](duckdb::QueryNode& node) {
    for (const auto& modifier : node.modifiers) {
      if (modifier->type == duckdb::ResultModifierType::LIMIT_MODIFIER) {
        const auto& limit = modifier->Cast<duckdb::LimitModifier>();
        refuse(limit.limit);
        refuse(limit.offset);
      } else if (modifier->type == duckdb::ResultModifierType::LIMIT_PERCENT_MODIFIER) {
        const auto& limit = modifier->Cast<duckdb::LimitPercentModifier>();
        refuse(limit.limit);
        refuse(limit.offset);
      }
    }
  };
  walk(tree, visitor);
}

void refuse_impure_functions(const ErrorContext& context, const duckdb::Expression& expression,
                             std::vector<Error>& errors) {
  for_each_expression(expression,
                      [&](const duckdb::Expression& part) { refuse_impure_function(context, part, errors); });
}

void refuse_impure_functions(const ErrorContext& context, duckdb::LogicalOperator& plan, std::vector<Error>& errors) {
  for_each_expression(plan, [&](const duckdb::Expression& part) { refuse_impure_function(context, part, errors); });
}

// NOLINTNEXTLINE(misc-no-recursion)
void refuse_stateful_operators(const ErrorContext& context, const duckdb::LogicalOperator& plan,
                               std::vector<Error>& errors) {
  if (const auto found = stateful(plan)) {
    std::optional<Span> span;
    for (const std::string_view word : found->words) {
      if (!span) span = context.query.find_word(word);
    }
    if (!span) span = aggregate_place(context, plan);
    errors.push_back(context.source.error(
        found->number, span.value_or(context.query.tokens().begin()->span),
        fmt::format("a streaming table passes rows on one by one; {} would have to wait for all of them", found->what),
        std::string(found->fix)));
    return;
  }
  for (const auto& child : plan.children) {
    const std::size_t before = errors.size();
    refuse_stateful_operators(context, *child, errors);
    if (errors.size() > before) return;
  }
}

void refuse_bad_constants(const ErrorContext& context, duckdb::ClientContext& client, duckdb::LogicalOperator& plan,
                          std::vector<Error>& errors) {
  for_each_expression(plan, [&](const duckdb::Expression& part) {
    if (part.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CAST) return;
    const auto& cast = part.Cast<duckdb::BoundCastExpression>();
    if (cast.try_cast || cast.child->GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return;
    const duckdb::Value& value = cast.child->Cast<duckdb::BoundConstantExpression>().value;
    duckdb::Value result;
    std::string why;
    if (value.DefaultTryCastAs(cast.return_type, result, &why)) return;
    duckdb::Value evaluated;
    if (duckdb::ExpressionExecutor::TryEvaluateScalar(client, part, evaluated)) return;
    const std::string text = value.ToString();
    const duckdb::Expression& place = cast.child->GetQueryLocation().IsValid() ? *cast.child : part;
    errors.push_back(
        context.source.error(SqlError::BadConstant,
                             place.GetQueryLocation().IsValid()
                                 ? place_of(context, place, text)
                                 : context.query.find_string(text).value_or(context.query.tokens().begin()->span),
                             fmt::format("'{}' is not a valid {}", text, cast.return_type.ToString()),
                             "write a value of that type, or cast the other side: column::VARCHAR"));
  });
}

}  // namespace sluice::sql
