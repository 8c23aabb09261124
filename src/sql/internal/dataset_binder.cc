#include "sql/internal/dataset_binder.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <duckdb/common/string_util.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/database.hpp>
#include <duckdb/parser/expression/cast_expression.hpp>
#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/query_node/set_operation_node.hpp>
#include <duckdb/parser/tableref/list.hpp>
#include <duckdb/planner/planner.hpp>

#include "base/hash.h"
#include "base/log.h"
#include "columnar/column_names.h"
#include "lake/total_order.h"
#include "sql/internal/bound_checks.h"
#include "sql/internal/expectation_binder.h"
#include "sql/internal/plan_translator.h"
#include "sql/internal/query_walk.h"
#include "sql/internal/runnable.h"
#include "sql/internal/type_text.h"

namespace sluice::sql {
namespace {

/// Whether the type is a struct as row() makes it, or holds one.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the type.
bool has_unnamed_members(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT:
      return std::ranges::any_of(duckdb::StructType::GetChildTypes(type), [](const auto& member) {
        return member.first.empty() || has_unnamed_members(member.second);
      });
    case duckdb::LogicalTypeId::LIST: return has_unnamed_members(duckdb::ListType::GetChildType(type));
    case duckdb::LogicalTypeId::MAP:
      return has_unnamed_members(duckdb::MapType::KeyType(type)) ||
             has_unnamed_members(duckdb::MapType::ValueType(type));
    default: return false;
  }
}

constexpr std::string_view kRescuedColumn = "_rescued_data";
/// Field metadata with the type that a column had before it was stored; `delta` gives it back to readers.
constexpr std::string_view kOriginalTypeKey = "sluice.type";

std::string lower(const std::string& text) { return duckdb::StringUtil::Lower(text); }

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

/// Makes repeated names distinct (without regard to case) as DuckDB's tables do: a, a_1, a_2.
std::vector<std::string> distinct_names(const std::vector<std::string>& names) {
  std::set<std::string> taken;
  std::vector<std::string> out;
  for (const std::string& name : names) {
    std::string candidate = name;
    for (std::size_t i = 1; !taken.insert(lower(candidate)).second; ++i) candidate = fmt::format("{}_{}", name, i);
    out.push_back(std::move(candidate));
  }
  return out;
}

std::string describe_source(const plan::Source& source) {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n", plan::function_of(source.kind), source.path, source.format, source.stream);
  for (const auto& [name, value] : source.options) text += fmt::format("{}={}\n", name, value);
  if (source.declared_schema) text += columnar::to_string(*source.declared_schema);
  return text;
}

/// The answer of binding a query.
struct BoundQuery {
  std::vector<std::string> names;
  columnar::RowType types;
  Result<Translation> translation = Error(ErrorCode::Unsupported, "not translated");
  std::vector<std::string> notes;  ///< What a reader should know, such as a LIMIT that was given an order.
  std::string normalized;          ///< The query without comments and layout.
};

class DatasetBinder {
 public:
  DatasetBinder(Project& project, DatasetDraft& draft, BindingTools& tools)
      : project_(project), draft_(draft), tools_(tools), out_(draft.out), statement_(*draft.statement) {}

  void run(std::vector<plan::Source>& sources) {
    const std::size_t before = project_.errors().size();
    bind();
    draft_.broken = project_.errors().size() > before;
    if (draft_.broken) return;
    tools_.database.stand_ins()[out_.name] = out_.schema;
    if (out_.kind == plan::DatasetKind::TemporaryView) {
      // It runs nowhere: the datasets that read it hold its operators.
      out_.query.nodes.clear();
      out_.query.reasons = {"inlined where it is used"};
      return;
    }
    sources.insert(sources.end(), std::make_move_iterator(sources_.begin()), std::make_move_iterator(sources_.end()));
  }

 private:
  void fail(SqlError number, Span span, std::string message, std::string help = {}) {
    project_.errors().push_back(project_.source().error(number, span, std::move(message), std::move(help)));
  }
  bool failed_since(std::size_t count) const { return project_.errors().size() > count; }

  void bind() {
    const std::size_t before = project_.errors().size();
    check_properties();
    out_.query.sql = text_of(*draft_.query);
    auto tree = expand(*draft_.query);
    if (failed_since(before)) return;
    refuse_session_values(context(), *tree, project_.errors());
    if (failed_since(before)) return;
    auto bound = bind_query(*tree);
    if (!bound) return;
    if (!statement_.columns.empty() && !apply_columns(*tree, *bound)) return;
    if (statement_.columns.empty()) refuse_unnamed(*tree);
    set_schema(*bound);
    if (failed_since(before)) return;
    set_query(*bound);
    set_layout();
    bind_expectations();
    if (!failed_since(before)) set_fingerprint(bound->normalized);
  }

  // --- relations

  /// Returns the query with its relations replaced by stand-ins and its temporary views by their queries.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as views use views.
  duckdb::unique_ptr<duckdb::SelectStatement> expand(const Query& query) {
    auto copy = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(query.statement->Copy());
    QueryVisitor visitor;
    visitor.relation = [&](duckdb::unique_ptr<duckdb::TableRef>& ref) {
      if (!ref->query_location.IsValid()) return;
      const auto use = query.uses.find(ref->query_location.GetIndex());
      if (use != query.uses.end()) replace(ref, use->second);
    };
    walk(*copy, visitor);
    return copy;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void replace(duckdb::unique_ptr<duckdb::TableRef>& ref, const RelationUse& use) {
    const std::size_t location = ref->query_location.GetIndex();
    duckdb::vector<duckdb::string> aliases = ref->column_name_alias;
    if (use.source) {
      const plan::Source* source = find_source(use);
      if (source == nullptr) return;
      add_columns(source->schema);
      tools_.database.stand_ins()[source->key] = source->schema;
      ref = stand_in_ref({source->key, source->stream},
                         ref->alias.empty() ? std::string(plan::function_of(source->kind)) : ref->alias,
                         std::move(aliases), location);
      inputs_.insert(source->key);
      return;
    }
    const DatasetDraft& target = project_.get(use.dataset);
    std::string alias = ref->alias.empty() ? target.out.name : ref->alias;
    add_columns(target.out.schema);
    if (target.out.kind != plan::DatasetKind::TemporaryView) {
      ref = stand_in_ref({target.out.name, use.stream.has_value()}, std::move(alias), std::move(aliases), location);
      inputs_.insert(target.out.name);
      return;
    }
    add_view(target);
    auto subquery = duckdb::make_uniq<duckdb::SubqueryRef>(expand(*target.query), std::move(alias));
    subquery->column_name_alias = std::move(aliases);
    subquery->query_location = location;
    ref = std::move(subquery);
  }

  /// Returns this dataset's source for the call; nullptr if its schema could not be had, which is reported.
  const plan::Source* find_source(const RelationUse& use) {
    plan::Source source = *use.source;
    source.dataset = out_.name;
    source.stream = use.stream.has_value();
    const std::string description = describe_source(source);
    if (const auto at = sources_by_description_.find(description); at != sources_by_description_.end())
      return &sources_[at->second];
    source.key = fmt::format("{}:{}", out_.name, source.path);
    const auto taken = [&](const std::string& key) {
      return std::ranges::find(sources_, key, &plan::Source::key) != sources_.end();
    };
    for (std::size_t i = 2; taken(source.key); ++i) source.key = fmt::format("{}:{}#{}", out_.name, source.path, i);
    if (source.declared_schema) {
      source.schema = *source.declared_schema;
    } else {
      auto [answer, is_new] = tools_.answers.try_emplace(description, Error(ErrorCode::Internal, ""));
      if (is_new) answer->second = tools_.schemas.source_schema(source);
      if (!answer->second) {
        Error error = answer->second.error();
        if (error.number() == 0) error = std::move(error).with_number(static_cast<std::uint32_t>(SqlError::BadOption));
        project_.errors().push_back(std::move(error).at(project_.source().locate(use.span)));
        return nullptr;
      }
      source.schema = *answer->second;
    }
    if (source.kind == plan::SourceKind::Files && !source.schema.find(kRescuedColumn))
      source.schema.fields.push_back({std::string(kRescuedColumn), duckdb::LogicalType::VARCHAR, true, {}});
    sources_.push_back(std::move(source));
    sources_by_description_[description] = sources_.size() - 1;
    return &sources_.back();
  }

  void add_columns(const columnar::Schema& schema) {
    for (const columnar::Field& field : schema.fields) {
      if (std::ranges::find(columns_in_scope_, field.name) == columns_in_scope_.end())
        columns_in_scope_.push_back(field.name);
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void add_view(const DatasetDraft& view) {
    const auto known = std::ranges::find(out_.query.views, view.out.name, &plan::NamedQuery::name);
    if (known != out_.query.views.end()) return;
    for (const auto& [offset, use] : view.query->uses) {
      if (!use.dataset.empty() && project_.get(use.dataset).out.kind == plan::DatasetKind::TemporaryView)
        add_view(project_.get(use.dataset));
    }
    out_.query.views.push_back({view.out.name, text_of(*view.query)});
  }

  /// Returns the query as DuckDB can run it over tables named like its relations.
  std::string text_of(const Query& query) {
    std::vector<TextEdit> edits = query.edits;
    for (const auto& [offset, use] : query.uses) {
      if (use.source) {
        const plan::Source* source = find_source(use);
        if (source != nullptr)
          edits.push_back(
              {use.span, quoted_name(source->key) +
                             (use.has_alias ? "" : fmt::format(" AS {}", plan::function_of(source->kind)))});
      } else if (use.qualified) {
        edits.push_back({use.span, quoted_name(project_.get(use.dataset).out.name)});
      }
    }
    return edited(query.text, std::move(edits));
  }

  // --- binding

  ErrorContext context() const { return {project_.source(), project_.tokens(), draft_.query->text, columns_in_scope_}; }

  /// Binds, checks, optimizes and translates; reports what is wrong and returns nothing then.
  std::optional<BoundQuery> bind_query(const duckdb::SelectStatement& tree) {
    BoundQuery bound;
    bound.normalized = tree.ToString();
    std::vector<Error> found;
    const auto error = tools_.database.attempt([&] {
      duckdb::ClientContext& client = tools_.database.context();
      auto copy = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(tree.Copy());
      refuse_impure_arguments(context(), client, *copy, found);
      if (!found.empty()) return;
      duckdb::Planner planner(client);
      planner.CreatePlan(std::move(copy));
      bound.names.assign(planner.names.begin(), planner.names.end());
      bound.types.assign(planner.types.begin(), planner.types.end());
      refuse_impure_functions(context(), *planner.plan, found);
      if (out_.kind == plan::DatasetKind::StreamingTable && found.empty())
        refuse_stateful_operators(context(), *planner.plan, found);
      if (!found.empty()) return;
      bound.notes = lake::pin_ties(planner.plan);
      lake::pin_aggregates(planner.plan);
      auto plan = tools_.database.optimize(*planner.binder, std::move(planner.plan));
      refuse_bad_constants(context(), client, *plan, found);
      if (!found.empty()) return;
      plan->ResolveOperatorTypes();
      bound.translation = translate_plan(client, *plan);
    });
    if (error) found.push_back(to_error(context(), tools_.database, *error));
    if (found.empty()) return bound;
    project_.errors().insert(project_.errors().end(), std::make_move_iterator(found.begin()),
                             std::make_move_iterator(found.end()));
    return std::nullopt;
  }

  // --- columns

  /// Matches the column list with the query's columns; binds again with casts and order if the list asks for them.
  bool apply_columns(const duckdb::SelectStatement& tree, BoundQuery& bound) {
    const std::size_t before = project_.errors().size();
    const std::vector<std::string> names = distinct_names(bound.names);
    std::vector<std::size_t> picked;
    std::vector<std::optional<duckdb::LogicalType>> casts;
    std::set<std::size_t> seen;
    for (const ColumnDefinition& column : statement_.columns) {
      const auto at = std::ranges::find_if(
          names, [&](const std::string& name) { return duckdb::StringUtil::CIEquals(name, column.name.text); });
      if (at == names.end()) {
        const auto near = near_names(column.name.text, names);
        fail(SqlError::ColumnMismatch, column.name.span,
             fmt::format("the query has no column \"{}\"", column.name.text),
             near.empty() ? fmt::format("its columns are {}", fmt::join(names, ", "))
                          : fmt::format("did you mean \"{}\"?", near.front()));
        continue;
      }
      const auto index = static_cast<std::size_t>(at - names.begin());
      if (!seen.insert(index).second) {
        fail(SqlError::ColumnMismatch, column.name.span,
             fmt::format("column \"{}\" is defined twice", column.name.text));
        continue;
      }
      picked.push_back(index);
      std::vector<Error> found;
      casts.push_back(column.type.empty() ? std::nullopt
                                          : parse_type(project_.source(), column.type, tools_.database, found));
      project_.errors().insert(project_.errors().end(), found.begin(), found.end());
    }
    if (failed_since(before)) return false;
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!seen.contains(i)) missing.push_back(names[i]);
    }
    if (!missing.empty()) {
      fail(SqlError::ColumnMismatch, statement_.columns.back().name.span,
           fmt::format("the column list leaves out {}", fmt::join(missing, ", ")),
           "list every column of the query, or none");
      return false;
    }
    const bool as_it_is = std::ranges::is_sorted(picked) &&
                          std::ranges::none_of(casts, [](const auto& cast) { return cast.has_value(); });
    if (!as_it_is && !rebind(tree, names, picked, casts, bound)) return false;
    for (std::size_t i = 0; i < picked.size(); ++i) bound.names[i] = statement_.columns[i].name.text;
    return true;
  }

  bool rebind(const duckdb::SelectStatement& tree, const std::vector<std::string>& names,
              const std::vector<std::size_t>& picked, const std::vector<std::optional<duckdb::LogicalType>>& casts,
              BoundQuery& bound) {
    auto inner = duckdb::make_uniq<duckdb::SubqueryRef>(
        duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(tree.Copy()), "query");
    inner->column_name_alias.assign(names.begin(), names.end());
    auto node = duckdb::make_uniq<duckdb::SelectNode>();
    std::vector<std::string> items;
    for (std::size_t i = 0; i < picked.size(); ++i) {
      const ColumnDefinition& column = statement_.columns[i];
      const std::string& name = names[picked[i]];
      duckdb::unique_ptr<duckdb::ParsedExpression> item = duckdb::make_uniq<duckdb::ColumnRefExpression>(name, "query");
      std::string text = quoted_name(name);
      if (casts[i]) {
        item = duckdb::make_uniq<duckdb::CastExpression>(*casts[i], std::move(item));
        item->SetQueryLocation(column.type.span().offset);
        text = fmt::format("CAST({} AS {})", text, casts[i]->ToString());
      }
      item->SetAlias(column.name.text);
      node->select_list.push_back(std::move(item));
      items.push_back(fmt::format("{} AS {}", text, quoted_name(column.name.text)));
    }
    std::vector<std::string> aliases;
    for (const std::string& name : names) aliases.push_back(quoted_name(name));
    out_.query.sql = fmt::format("SELECT {} FROM (\n{}\n) AS query({})", fmt::join(items, ", "), out_.query.sql,
                                 fmt::join(aliases, ", "));
    node->from_table = std::move(inner);
    duckdb::SelectStatement outer;
    outer.node = std::move(node);
    auto again = bind_query(outer);
    if (!again) return false;
    bound = std::move(*again);
    return true;
  }

  /// Returns the text of a SELECT item, or a word for it if it is long.
  std::string item_text(Span span) const {
    constexpr std::size_t kShownMax = 40;
    const std::string_view text = project_.source().text(span);
    return text.size() > kShownMax || text.find('\n') != std::string_view::npos ? "expression" : std::string(text);
  }

  /// Refuses columns without a name whose expression would become a name that somebody should have chosen.
  void refuse_unnamed(const duckdb::SelectStatement& tree) {
    const duckdb::QueryNode* node = tree.node.get();
    while (node->type == duckdb::QueryNodeType::SET_OPERATION_NODE)
      node = node->Cast<duckdb::SetOperationNode>().children.at(0).get();
    if (node->type != duckdb::QueryNodeType::SELECT_NODE) return;
    const auto& list = node->Cast<duckdb::SelectNode>().select_list;
    const std::vector<Span> items = draft_.query->text.select_items();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const duckdb::ParsedExpression& item = *list[i];
      const bool has_name = item.HasAlias() || item.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF ||
                            item.GetExpressionClass() == duckdb::ExpressionClass::STAR;
      if (has_name || columnar::is_storable_name(item.GetName())) continue;
      const Span place = items.size() == list.size() ? items[i] : statement_.name.span;
      fail(SqlError::BadColumnName, place,
           fmt::format("a column without a name would be called \"{}\"", item.GetName()),
           fmt::format("name it: {} AS …", item_text(place)));
    }
  }

  void set_schema(const BoundQuery& bound) {
    const std::vector<std::string> names = distinct_names(bound.names);
    const std::vector<Span> items = draft_.query->text.select_items();
    const auto place = [&](std::size_t column) {
      if (!statement_.columns.empty()) return statement_.columns[column].name.span;
      return items.size() == names.size() ? items[column] : statement_.name.span;
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (has_unnamed_members(bound.types[i])) {
        fail(SqlError::BadColumnType, place(i),
             fmt::format("column \"{}\" is {}, whose members have no names", names[i], bound.types[i].ToString()),
             "name them: {'first': …, 'second': …}, or cast it to STRUCT(first …, second …)");
        continue;
      }
      const auto stored = columnar::stored_type(bound.types[i]);
      if (!stored) {
        fail(SqlError::BadColumnType, place(i),
             fmt::format("column \"{}\" is {}, which a table of a pipeline cannot hold", names[i],
                         bound.types[i].ToString()),
             "cast it, for example to VARCHAR or TIMESTAMP");
        continue;
      }
      columnar::Field field{names[i], *stored, true, {}};
      if (*stored != bound.types[i] && bound.types[i].id() != duckdb::LogicalTypeId::SQLNULL)
        field.metadata[std::string(kOriginalTypeKey)] = json_quote(bound.types[i].ToString());
      if (!statement_.columns.empty()) {
        field.nullable = !statement_.columns[i].not_null;
        if (statement_.columns[i].comment) field.metadata["comment"] = json_quote(*statement_.columns[i].comment);
      }
      out_.schema.fields.push_back(std::move(field));
    }
  }

  // --- the plan

  void set_query(BoundQuery& bound) {
    plan::QueryPlan& query = out_.query;
    query.inputs.assign(inputs_.begin(), inputs_.end());
    if (bound.translation) {
      if (const Status runs = check_runnable(bound.translation->nodes, tools_.kernels); !runs)
        bound.translation = runs.error();
    }
    if (bound.translation) {
      query.nodes = std::move(bound.translation->nodes);
      query.reasons = std::move(bound.notes);
      query.nodes.back().names = out_.schema.names();
      return;
    }
    if (out_.kind == plan::DatasetKind::StreamingTable) {
      project_.errors().push_back(project_.source().unsupported(
          SqlError::StreamingUnsupported, draft_.query->text.tokens().begin()->span,
          fmt::format("this query cannot run on a stream yet: {}", bound.translation.error().message()),
          "compute that in a MATERIALIZED VIEW over this table"));
      return;
    }
    query.reasons = {fmt::format("no incremental form yet: {}", bound.translation.error().message())};
    query.reasons.insert(query.reasons.end(), bound.notes.begin(), bound.notes.end());
  }

  // --- properties

  void check_properties() {
    for (const auto& [key, property] : statement_.properties) {
      const Status allowed = tools_.schemas.check_table_property(key, property.value);
      if (!allowed) fail(SqlError::BadProperty, property.span, allowed.error().message(), allowed.error().help());
    }
  }

  // --- layout

  void set_layout() {
    if (!statement_.partition_by.empty() && !statement_.cluster_by.empty()) {
      fail(SqlError::BadLayoutColumn, statement_.cluster_by.front().span, "a table is either partitioned or clustered",
           "leave out PARTITIONED BY or CLUSTER BY");
    }
    out_.partition_columns = layout_columns(statement_.partition_by, "partition");
    out_.cluster_columns = layout_columns(statement_.cluster_by, "cluster");
    if (!statement_.partition_by.empty() && out_.partition_columns.size() == out_.schema.fields.size()) {
      fail(SqlError::BadLayoutColumn, statement_.partition_by.back().span,
           "every column is a partition column, so nothing is left for the files", "partition by fewer columns");
    }
    constexpr std::size_t kClusterColumnsMax = 4;
    if (statement_.cluster_by.size() > kClusterColumnsMax) {
      fail(SqlError::BadLayoutColumn, statement_.cluster_by[kClusterColumnsMax].span,
           fmt::format("a table is clustered by at most {} columns", kClusterColumnsMax));
    }
  }

  std::vector<std::string> layout_columns(const std::vector<NameAt>& names, std::string_view what) {
    std::vector<std::string> out;
    for (const NameAt& name : names) {
      const auto column = out_.schema.find(name.text);
      if (!column) {
        const auto near = near_names(name.text, out_.schema.names());
        fail(SqlError::BadLayoutColumn, name.span, fmt::format("there is no column \"{}\" to {} by", name.text, what),
             near.empty() ? fmt::format("columns are {}", fmt::join(out_.schema.names(), ", "))
                          : fmt::format("did you mean \"{}\"?", near.front()));
        continue;
      }
      const columnar::Field& field = out_.schema.fields[*column];
      if (std::ranges::find(out, field.name) != out.end()) {
        fail(SqlError::BadLayoutColumn, name.span, fmt::format("column \"{}\" stands twice", name.text));
      } else if (field.type.IsNested() || field.type.id() == duckdb::LogicalTypeId::BLOB) {
        fail(SqlError::BadLayoutColumn, name.span,
             fmt::format("a table cannot {} by \"{}\", a {}", what, name.text, field.type.ToString()),
             "use a column with a plain value");
      } else {
        out.push_back(field.name);
      }
    }
    return out;
  }

  // --- expectations

  void bind_expectations() {
    for (std::size_t i = 0; i < statement_.columns.size(); ++i) {
      if (!statement_.columns[i].not_null) continue;
      columnar::Expression present{
          columnar::Expression::Kind::IsNotNull, duckdb::LogicalType::BOOLEAN, 0, duckdb::Value(), {}, {}};
      present.children.push_back(columnar::Expression::column_ref(i, out_.schema.fields[i].type));
      out_.expectations.push_back({fmt::format("not_null_{}", out_.schema.fields[i].name), std::move(present),
                                   fmt::format("{} IS NOT NULL", quoted_name(out_.schema.fields[i].name)),
                                   plan::OnViolation::FailUpdate});
    }
    for (const ExpectationClause& clause : statement_.expectations) {
      auto bound = bind_expectation(project_, out_, clause, tools_.database, tools_.kernels, project_.errors());
      if (bound) out_.expectations.push_back(std::move(*bound));
    }
  }

  // --- fingerprint

  void set_fingerprint(const std::string& normalized) {
    plan::QueryPlan decisive;
    decisive.nodes = out_.query.nodes;
    std::string text = fmt::format("sluice 2\nduckdb {}\nkind {}\nschema {}\n", duckdb::DuckDB::LibraryVersion(),
                                   static_cast<int>(out_.kind), columnar::to_string(out_.schema));
    text += out_.query.incremental() ? plan::encode(decisive) : normalized;
    for (const plan::Expectation& expectation : out_.expectations) {
      text += fmt::format("\nexpect {} {} {}", expectation.name, static_cast<int>(expectation.on_violation),
                          columnar::encode(expectation.predicate));
    }
    out_.fingerprint = hash128(text).hex();
  }

  Project& project_;
  DatasetDraft& draft_;
  BindingTools& tools_;
  plan::Dataset& out_;
  const DatasetStatement& statement_;
  std::vector<plan::Source> sources_;
  std::map<std::string, std::size_t> sources_by_description_;
  std::set<std::string> inputs_;
  std::vector<std::string> columns_in_scope_;
};

}  // namespace

void bind_dataset(Project& project, DatasetDraft& draft, BindingTools& tools, std::vector<plan::Source>& sources) {
  DatasetBinder(project, draft, tools).run(sources);
}

}  // namespace sluice::sql
