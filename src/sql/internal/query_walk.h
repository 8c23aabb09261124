#pragma once

#include <functional>

#include <duckdb/parser/query_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref.hpp>

namespace sluice::sql {

/// What to do at the parts of a parsed query. Absent functions do nothing.
struct QueryVisitor {
  /// A relation that is named or called and is not a common table expression in scope there; may be replaced. Its
  /// children are walked before.
  std::function<void(duckdb::unique_ptr<duckdb::TableRef>&)> relation;
  /// Every other table reference: joins, subqueries, pivots, value lists.
  std::function<void(duckdb::TableRef&)> table_ref;
  std::function<void(duckdb::QueryNode&)> node;
  std::function<void(duckdb::ParsedExpression&)> expression;
};

/// Visits all parts of a query, subqueries in expressions included. Common table expressions shadow relations where SQL
/// says so: in the queries after them and in their own body if recursive.
void walk(duckdb::SelectStatement& statement, const QueryVisitor& visitor);

}  // namespace sluice::sql
