#pragma once

#include <vector>

#include "base/result.h"
#include "plan/pipeline.h"
#include "sql/internal/plan_builder.h"
#include "sql/internal/relation.h"

namespace sluice::sql {

/// Makes joins of every kind from the two that the engine has, inner and left. Conditions are predicates over the
/// joined row, left columns first; equalities of one side with the other become keys, the rest a residual. Unsupported,
/// with the reason in plain words, if a kind needs keys and there are none. Must not outlive the builder.
class JoinBuilder {
 public:
  using Conditions = std::vector<columnar::Expression>;

  explicit JoinBuilder(PlanBuilder& builder) : builder_(builder) {}

  Relation plain(plan::JoinType type, const Relation& left, const Relation& right, const Conditions& conditions);
  /// Left join, and the rows of the right side without a partner.
  Result<Relation> full(const Relation& left, const Relation& right, const Conditions& conditions);
  /// Rows of the left side with a partner: an inner join with the distinct keys of the right.
  Result<Relation> semi(const Relation& left, const Relation& right, const Conditions& conditions);
  /// Rows of the left side without one: a left join with the distinct keys that keeps what found nothing.
  Result<Relation> anti(const Relation& left, const Relation& right, const Conditions& conditions);
  /// A scalar subquery's left join: at most one partner, which the right side's form must show.
  Result<Relation> single(const Relation& left, const Relation& right, const Conditions& conditions);
  /// The left columns and `mark`, which says whether there is a partner: TRUE, FALSE, or NULL as IN has it.
  Result<Relation> mark(const Relation& left, const Relation& right, const Conditions& conditions,
                        const duckdb::ColumnBinding& mark);

 private:
  /// The distinct keys of a side, and the join with them.
  struct Keys {
    Relation relation;
    plan::JoinNode join;
  };

  plan::JoinNode node(plan::JoinType type, const Relation& left, const Conditions& conditions) const;
  Relation joined(const Relation& left, const Relation& right, plan::JoinNode body);
  Result<Keys> distinct_keys(plan::JoinType type, const Relation& left, const Relation& right,
                             const Conditions& conditions, bool marked);
  Relation null_flags(const Relation& relation, const columnar::Expression& value);

  PlanBuilder& builder_;
};

}  // namespace sluice::sql
