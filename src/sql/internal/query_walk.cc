#include "sql/internal/query_walk.h"

#include <duckdb/common/case_insensitive_map.hpp>
#include <duckdb/parser/expression/subquery_expression.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/query_node/recursive_cte_node.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/query_node/set_operation_node.hpp>
#include <duckdb/parser/tableref/list.hpp>

namespace sluice::sql {
namespace {

class Walker {
 public:
  explicit Walker(const QueryVisitor& visitor) : visitor_(visitor) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the query is nested, which DuckDB's parser bounds.
  void walk_node(duckdb::QueryNode& node) {
    const auto outer = scope_;
    for (auto& [name, info] : node.cte_map.map) {
      walk_node(*info->query->node);  // sees the ones before it only, unless it is recursive
      scope_.insert(name);
    }
    if (visitor_.node) visitor_.node(node);
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(
        node, [&](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { walk_expression(*child); });
    switch (node.type) {
      case duckdb::QueryNodeType::SELECT_NODE: walk_select(node.Cast<duckdb::SelectNode>()); break;
      case duckdb::QueryNodeType::SET_OPERATION_NODE:
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children) walk_node(*child);
        break;
      case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        walk_node(*recursive.left);
        scope_.insert(recursive.ctename);
        walk_node(*recursive.right);
        break;
      }
      default: break;
    }
    scope_ = outer;
  }

 private:
  void walk_select(duckdb::SelectNode& node) {
    for (auto& item : node.select_list) walk_expression(*item);
    if (node.from_table) walk_ref(node.from_table);
    if (node.where_clause) walk_expression(*node.where_clause);
    for (auto& group : node.groups.group_expressions) walk_expression(*group);
    if (node.having) walk_expression(*node.having);
    if (node.qualify) walk_expression(*node.qualify);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void walk_expression(duckdb::ParsedExpression& expression) {
    if (visitor_.expression) visitor_.expression(expression);
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      walk_node(*expression.Cast<duckdb::SubqueryExpression>().subquery->node);
    }
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        expression, [&](duckdb::ParsedExpression& child) { walk_expression(child); });
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void walk_ref(duckdb::unique_ptr<duckdb::TableRef>& slot) {
    switch (slot->type) {
      case duckdb::TableReferenceType::BASE_TABLE: {
        const auto& table = slot->Cast<duckdb::BaseTableRef>();
        if (table.schema_name.empty() && table.catalog_name.empty() && scope_.count(table.table_name) > 0) return;
        if (visitor_.relation) visitor_.relation(slot);
        return;
      }
      case duckdb::TableReferenceType::TABLE_FUNCTION: {
        auto& call = slot->Cast<duckdb::TableFunctionRef>();
        walk_expression(*call.function);
        if (call.subquery) walk_node(*call.subquery->node);
        if (visitor_.relation) visitor_.relation(slot);
        return;
      }
      case duckdb::TableReferenceType::JOIN: {
        auto& join = slot->Cast<duckdb::JoinRef>();
        walk_ref(join.left);
        walk_ref(join.right);
        if (join.condition) walk_expression(*join.condition);
        break;
      }
      case duckdb::TableReferenceType::SUBQUERY: walk_node(*slot->Cast<duckdb::SubqueryRef>().subquery->node); break;
      case duckdb::TableReferenceType::PIVOT: {
        auto& pivot = slot->Cast<duckdb::PivotRef>();
        walk_ref(pivot.source);
        for (auto& aggregate : pivot.aggregates) walk_expression(*aggregate);
        for (auto& column : pivot.pivots) {
          for (auto& expression : column.pivot_expressions) walk_expression(*expression);
          if (column.subquery) walk_node(*column.subquery);
        }
        break;
      }
      case duckdb::TableReferenceType::EXPRESSION_LIST:
        for (auto& row : slot->Cast<duckdb::ExpressionListRef>().values) {
          for (auto& value : row) walk_expression(*value);
        }
        break;
      default: break;
    }
    if (visitor_.table_ref) visitor_.table_ref(*slot);
  }

  const QueryVisitor& visitor_;
  duckdb::case_insensitive_set_t scope_;  // names of common table expressions visible here
};

}  // namespace

void walk(duckdb::SelectStatement& statement, const QueryVisitor& visitor) {
  Walker(visitor).walk_node(*statement.node);
}

}  // namespace sluice::sql
