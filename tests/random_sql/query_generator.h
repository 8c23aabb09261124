#pragma once

#include <string>
#include <vector>

#include "tests/random_sql/dice.h"
#include "tests/random_sql/random_case.h"

namespace sluice::random_sql {

/// Kinds of value. An expression's own type may be wider (DECIMAL(18,2), HUGEINT).
enum class Kind { BigInt, Integer, Double, Decimal, Text, Bool, Date, Timestamp, BigIntList, TextList };

Kind kind_of(const std::string& type);

/// Writes random queries over tables.
class QueryGenerator {
 public:
  /// `dice` must outlive it. `wild`: the floating-point numbers of the tables do not add up exactly.
  QueryGenerator(Dice& dice, const std::vector<Table>& tables, bool wild);

  SqlNode query();
  /// A query some of whose rows or groups fail, with an oracle form that leaves these out.
  SqlNode failing_query();

  /// Of the query written: see RandomCase.
  bool plain_comparable() const { return !tie_dependent_ && !form_dependent_ && !inexact_; }

 private:
  struct Visible {
    std::string sql;
    Kind kind;
  };
  using Scope = std::vector<Visible>;
  struct Relation {
    std::string name;
    std::vector<std::string> columns;
    std::vector<Kind> kinds;
  };
  struct Query {
    SqlNode node;
    std::vector<Kind> kinds;
  };
  /// What the rows of a FROM clause are.
  struct From {
    SqlNode node;
    Scope scope;
  };
  struct Item {
    SqlNode expression;
    Kind kind;
  };

  // Queries: `wanted` kinds, or any if empty. `depth` is how deep they may nest.
  Query any_query(int depth, const std::vector<Kind>& wanted, bool top);
  Query select(int depth, const std::vector<Kind>& wanted, bool top);
  Query set_operation(int depth, const std::vector<Kind>& wanted);
  Query limited(int depth, const std::vector<Kind>& wanted);
  Query with_cte(int depth, const std::vector<Kind>& wanted, bool top);
  Query plain_select(const From& from, const SqlNode& where, const std::vector<Kind>& wanted, int depth);
  Query aggregated(const From& from, const SqlNode& where, const std::vector<Kind>& wanted, int depth, bool top);
  Query distinct_on(const From& from, const SqlNode& where, const std::vector<Kind>& wanted, int depth);
  Query qualified(const From& from, const SqlNode& where, const std::vector<Kind>& wanted, int depth);
  Query windowed(const From& from, const SqlNode& where, const std::vector<Kind>& wanted, int depth);

  From from_clause(int depth);
  From from_item(int depth);
  SqlNode join_condition(const Scope& left, const Scope& right, bool equality);
  SqlNode where_clause(const Scope& scope, int depth);
  SqlNode order_by(const Scope& scope, std::vector<SqlNode> first);
  std::vector<Kind> some_kinds(const Scope& scope);

  // Expressions.
  SqlNode value(Kind kind, const Scope& scope, int depth);
  /// A column of the kind, rarely a literal.
  SqlNode bare(Kind kind, const Scope& scope);
  /// A column of the kind, a literal if there is none.
  SqlNode column(Kind kind, const Scope& scope);
  /// A literal that is not NULL.
  SqlNode some_literal(Kind kind);
  SqlNode literal(Kind kind);
  SqlNode number(Kind kind, const Scope& scope, int depth);
  SqlNode double_value(const Scope& scope, int depth);
  SqlNode text_value(const Scope& scope, int depth);
  SqlNode time_value(Kind kind, const Scope& scope, int depth);
  SqlNode list_value(Kind kind, const Scope& scope, int depth);
  SqlNode condition(const Scope& scope, int depth);
  SqlNode comparison(const Scope& scope, int depth);
  SqlNode subquery_condition(const Scope& scope);
  SqlNode scalar_subquery(Kind kind, const Scope& scope);
  SqlNode aggregate(Kind kind, const Scope& scope, bool top);
  SqlNode failing_value(const Scope& scope, bool compared);
  SqlNode failing_groups(const From& from);

  Kind any_kind();
  std::string alias() { return "x" + std::to_string(++aliases_); }
  const Relation& some_relation();
  From relation_as(const Relation& relation);
  static SqlNode in_category(SqlNode node, Kind kind);
  SqlNode select_items(std::vector<Item> items);

  Dice& dice_;
  bool wild_;
  std::vector<Relation> relations_;  ///< Tables and the common table expressions in sight.
  int aliases_ = 0;
  int joins_left_ = 3;       // more make too many rows
  int subqueries_left_ = 2;  // in expressions
  bool tie_dependent_ = false;
  bool form_dependent_ = false;
  bool inexact_ = false;
};

}  // namespace sluice::random_sql
