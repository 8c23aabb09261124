#include "sql/internal/expectation_binder.h"

#include <utility>

#include <fmt/format.h>

#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>
#include <duckdb/planner/planner.hpp>

#include "sql/internal/bound_checks.h"
#include "sql/internal/expression_translator.h"
#include "sql/internal/query_walk.h"

namespace sluice::sql {
namespace {

/// Stand-in of a dataset's own rows. Blanks are in no other relation's name.
constexpr std::string_view kOwnRows = " rows ";

class ExpectationBinder {
 public:
  ExpectationBinder(const Project& project, const plan::Dataset& dataset, PlanningDatabase& database,
                    columnar::KernelContext& kernels)
      : project_(project), dataset_(dataset), database_(database), kernels_(kernels) {}

  std::optional<plan::Expectation> run(const ExpectationClause& clause, std::vector<Error>& errors) {
    std::vector<Error> found;
    const QueryText text(project_.source(), clause.predicate, found);
    if (found.empty()) {
      const ErrorContext where{project_.source(), project_.tokens(), text, dataset_.schema.names()};
      database_.stand_ins()[std::string(kOwnRows)] = dataset_.schema;
      const auto error = database_.attempt([&] {
        auto tree = parse_predicate(where, text, found);
        if (found.empty()) bind_predicate(where, *tree, clause, found);
      });
      database_.stand_ins().erase(std::string(kOwnRows));
      if (error) found.push_back(to_error(where, database_, *error));
    }
    errors.insert(errors.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    return std::move(bound_);
  }

 private:
  /// Parses the predicate as the only item of a SELECT that ends where the text before the predicate ends.
  duckdb::unique_ptr<duckdb::SelectStatement> parse_predicate(const ErrorContext& where, const QueryText& text,
                                                              std::vector<Error>& found) {
    constexpr std::string_view kSelect = "SELECT ";  // there is room for it: EXPECT ( stands before the predicate
    std::string padded = text.padded();
    padded.replace(text.span().offset - kSelect.size(), kSelect.size(), kSelect);
    auto tree = database_.parse(padded);
    const auto* node = tree && tree->node->type == duckdb::QueryNodeType::SELECT_NODE
                           ? &tree->node->Cast<duckdb::SelectNode>()
                           : nullptr;
    const bool is_expression = node != nullptr && node->select_list.size() == 1 &&
                               node->from_table->type == duckdb::TableReferenceType::EMPTY_FROM &&
                               !node->where_clause && node->groups.group_expressions.empty() && !node->having &&
                               !node->qualify && node->modifiers.empty();
    if (!is_expression) {
      found.push_back(project_.source().error(SqlError::ExpectationNotRowwise, text.span(),
                                              "an expectation is one condition on a row", "EXPECT (price > 0)"));
      return nullptr;
    }
    QueryVisitor visitor;
    visitor.expression = [&](duckdb::ParsedExpression& part) {
      const auto kind = part.GetExpressionClass();
      if (kind != duckdb::ExpressionClass::SUBQUERY && kind != duckdb::ExpressionClass::WINDOW) return;
      const Span span =
          part.GetQueryLocation().IsValid() ? where.tokens.token_at(part.GetQueryLocation().GetIndex()) : text.span();
      found.push_back(project_.source().error(
          SqlError::ExpectationNotRowwise, span,
          fmt::format("an expectation looks at one row, so it has no {}",
                      kind == duckdb::ExpressionClass::SUBQUERY ? "subquery" : "window function"),
          "compute the value as a column of the query"));
    };
    walk(*tree, visitor);
    refuse_session_values(where, *tree, found);
    return tree;
  }

  void bind_predicate(const ErrorContext& where, duckdb::SelectStatement& tree, const ExpectationClause& clause,
                      std::vector<Error>& found) {
    tree.node->Cast<duckdb::SelectNode>().from_table =
        stand_in_ref({std::string(kOwnRows), false}, dataset_.name, {}, clause.predicate.span().offset);
    duckdb::ClientContext& client = database_.context();
    duckdb::Planner planner(client);
    planner.CreatePlan(tree.Copy());
    const Span span = clause.predicate.span();
    const auto* projection = planner.plan->type == duckdb::LogicalOperatorType::LOGICAL_PROJECTION
                                 ? &planner.plan->Cast<duckdb::LogicalProjection>()
                                 : nullptr;
    if (projection == nullptr || projection->children[0]->type != duckdb::LogicalOperatorType::LOGICAL_GET) {
      found.push_back(project_.source().error(SqlError::ExpectationNotRowwise, span,
                                              "an expectation looks at one row, so it has no aggregate",
                                              "compute the value as a column of the query"));
      return;
    }
    const duckdb::Expression& predicate = *projection->expressions[0];
    refuse_impure_functions(where, predicate, found);
    if (!found.empty()) return;
    if (predicate.return_type.id() != duckdb::LogicalTypeId::BOOLEAN) {
      found.push_back(project_.source().error(
          SqlError::ExpectationNotBoolean, span,
          fmt::format("an expectation is true or false, but this is {}", predicate.return_type.ToString()),
          "compare it with something"));
      return;
    }
    const auto& get = projection->children[0]->Cast<duckdb::LogicalGet>();
    const auto find = [&](const duckdb::ColumnBinding& binding) -> Result<columnar::Expression> {
      const std::size_t column = get.GetColumnIds()[binding.column_index].GetPrimaryIndex();
      return columnar::Expression::column_ref(column, dataset_.schema.fields[column].type);
    };
    auto translated = translate_expression(client, predicate, find);
    if (translated) {
      if (auto kernel = columnar::Kernel::create(kernels_, {*translated}, dataset_.schema.types()); !kernel)
        translated = kernel.error();
    }
    if (!translated) {
      found.push_back(project_.source().unsupported(
          SqlError::ExpectationNotRowwise, span,
          fmt::format("this expectation cannot be evaluated row by row: {}", translated.error().message()),
          "compute it as a column of the query"));
      return;
    }
    bound_ = plan::Expectation{clause.name.text, std::move(*translated), std::string(project_.source().text(span)),
                               clause.on_violation};
  }

  const Project& project_;
  const plan::Dataset& dataset_;
  PlanningDatabase& database_;
  columnar::KernelContext& kernels_;
  std::optional<plan::Expectation> bound_;
};

}  // namespace

std::optional<plan::Expectation> bind_expectation(const Project& project, const plan::Dataset& dataset,
                                                  const ExpectationClause& clause, PlanningDatabase& database,
                                                  columnar::KernelContext& kernels, std::vector<Error>& errors) {
  return ExpectationBinder(project, dataset, database, kernels).run(clause, errors);
}

}  // namespace sluice::sql
