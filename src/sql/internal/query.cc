#include "sql/internal/query.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/expression/function_expression.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/multi_statement.hpp>
#include <duckdb/parser/tableref/list.hpp>

#include "sql/internal/delta_call.h"
#include "sql/internal/files_call.h"
#include "sql/internal/query_walk.h"

namespace sluice::sql {
namespace {

/// Table functions whose rows follow from their arguments alone.
constexpr std::array<std::string_view, 7> kPureTableFunctions = {"unnest",     "range",     "generate_series", "repeat",
                                                                 "repeat_row", "json_each", "json_tree"};
/// Sources of the language that come later.
constexpr std::array<std::string_view, 11> kLaterSources = {
    "read_kafka",    "read_kinesis", "read_pubsub", "read_pulsar", "read_mqtt",    "read_http",
    "read_postgres", "cloud_files",  "rate",        "nexmark",     "table_changes"};
/// Table functions that read files behind the pipeline's back.
constexpr std::array<std::string_view, 18> kFileFunctions = {"read_parquet",
                                                             "parquet_scan",
                                                             "read_csv",
                                                             "read_csv_auto",
                                                             "read_json",
                                                             "read_json_auto",
                                                             "read_ndjson",
                                                             "read_ndjson_auto",
                                                             "read_text",
                                                             "read_blob",
                                                             "read_json_objects",
                                                             "read_json_objects_auto",
                                                             "read_ndjson_objects",
                                                             "glob",
                                                             "sniff_csv",
                                                             "parquet_metadata",
                                                             "parquet_schema",
                                                             "parquet_file_metadata"};
constexpr std::array<std::string_view, 3> kCatalogSchemas = {"information_schema", "pg_catalog", "sluice"};

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Looks at every part of a parsed query.
class QueryReader {
 public:
  QueryReader(const ErrorContext& context, Query& query, const NameScope& names, PlanningDatabase& database,
              std::vector<Error>& errors)
      : context_(context), query_(query), names_(names), database_(database), errors_(errors) {}

  void run() {
    QueryVisitor visitor;
    visitor.relation = [&](duckdb::unique_ptr<duckdb::TableRef>& ref) { read_relation(*ref); };
    visitor.table_ref = [&](duckdb::TableRef& ref) { read_other(ref); };
    visitor.node = [&](duckdb::QueryNode& node) { read_node(node); };
    visitor.expression = [&](duckdb::ParsedExpression& expression) { read_expression(expression); };
    walk(*query_.statement, visitor);
    for (const StreamMark& mark : query_.text.streams()) {
      if (query_.uses.contains(mark.relation) || !errors_.empty()) continue;
      fail(SqlError::StreamMisplaced, mark.keyword,
           "STREAM stands before a dataset, read_files or read_delta, not before a part of this query",
           "put STREAM inside the common table expression");
    }
  }

 private:
  void fail(SqlError number, Span span, std::string message, std::string help = {}) {
    errors_.push_back(context_.source.error(number, span, std::move(message), std::move(help)));
  }
  Span span_of(const duckdb::TableRef& ref) const {
    return ref.query_location.IsValid() ? query_.text.token_at(ref.query_location.GetIndex())
                                        : query_.text.tokens().begin()->span;
  }
  Span word_or_first(std::string_view word) const {
    return query_.text.find_word(word).value_or(query_.text.tokens().begin()->span);
  }

  void read_relation(duckdb::TableRef& ref) {
    read_sample(ref);
    if (ref.type == duckdb::TableReferenceType::BASE_TABLE) {
      read_table(ref.Cast<duckdb::BaseTableRef>());
    } else {
      read_call(ref.Cast<duckdb::TableFunctionRef>());
    }
  }

  void read_table(const duckdb::BaseTableRef& table) {
    Span span = span_of(table);
    const std::string lower_schema = duckdb::StringUtil::Lower(table.schema_name);
    if (query_.text.is_string_at(span.offset)) {
      return fail(SqlError::FileScan, span,
                  fmt::format("a pipeline does not read files by name, as FROM '{}' does", table.table_name),
                  "use read_files('…', format => …), which keeps track of what it has read");
    }
    if (table.at_clause) {
      errors_.push_back(
          context_.source.unsupported(SqlError::TimeTravel, word_or_first("AT"),
                                      "a standing query reads its inputs as they are now, not AT a version"));
      return;
    }
    if (!table.catalog_name.empty() ||
        (!lower_schema.empty() && lower_schema != duckdb::StringUtil::Lower(names_.schema))) {
      const bool catalog = contains(kCatalogSchemas, lower_schema) || lower_schema == "main";
      return fail(catalog && lower_schema != "main" ? SqlError::Catalog : SqlError::OtherSchema, span,
                  fmt::format("\"{}\" is not a dataset of this pipeline",
                              fmt::join(table.catalog_name.empty()
                                            ? std::vector{table.schema_name, table.table_name}
                                            : std::vector{table.catalog_name, table.schema_name, table.table_name},
                                        ".")),
                  catalog && lower_schema != "main"
                      ? "what the catalog says now is not part of a standing query; use `sluice sql` to look"
                      : fmt::format("datasets live in schema \"{}\"", names_.schema));
    }
    RelationUse use;
    use.dataset = duckdb::StringUtil::Lower(table.table_name);
    use.qualified = !lower_schema.empty();
    if (use.qualified) span = query_.text.qualified_at(span.offset);
    use.span = span;
    use.has_alias = !table.alias.empty();
    if (!names_.is_dataset(use.dataset)) return refuse_unknown(table, span);
    add(std::move(use));
  }

  void refuse_unknown(const duckdb::BaseTableRef& table, Span span) {
    const std::string lower = duckdb::StringUtil::Lower(table.table_name);
    if (lower.starts_with("duckdb_") || lower.starts_with("pg_") || lower.starts_with("sqlite_")) {
      return fail(SqlError::Catalog, span,
                  fmt::format("\"{}\" is DuckDB's catalog, which is not part of a standing query", table.table_name),
                  "use `sluice sql` to look");
    }
    const auto near = near_names(table.table_name, names_.dataset_names);
    std::string help = "define it with CREATE STREAMING TABLE, MATERIALIZED VIEW or TEMPORARY VIEW";
    if (!near.empty()) {
      help = fmt::format("did you mean \"{}\"?", fmt::join(near, "\" or \""));
    } else if (query_.text.find_stream(span.offset) == nullptr && lower == "live") {
      help = "name datasets without LIVE.";
    }
    fail(SqlError::UnknownDataset, span, fmt::format("there is no dataset \"{}\"", table.table_name), std::move(help));
  }

  void read_call(const duckdb::TableFunctionRef& ref) {
    const auto& call = ref.function->Cast<duckdb::FunctionExpression>();
    const std::string name = duckdb::StringUtil::Lower(call.function_name);
    const std::size_t offset = ref.query_location.IsValid() ? ref.query_location.GetIndex() : query_.text.span().offset;
    const Span span = query_.text.call_at(offset);
    const Span word = query_.text.token_at(offset);
    if (name == "read_files" || name == "read_delta") return read_source(ref, name, span);
    if (const StreamMark* mark = query_.text.find_stream(offset); mark != nullptr && !contains(kLaterSources, name)) {
      return fail(SqlError::StreamMisplaced, mark->keyword, fmt::format("{}(…) is not a stream", call.function_name),
                  "STREAM stands before a dataset, read_files or read_delta");
    }
    if (contains(kPureTableFunctions, name)) return;
    if (contains(kLaterSources, name)) {
      errors_.push_back(context_.source.unsupported(
          SqlError::NotYetSource, word, fmt::format("{} is part of the language but not of this version", name),
          "this version reads files and Delta tables: read_files('…', format => …), read_delta('…')"));
      return;
    }
    if (contains(kFileFunctions, name)) {
      return fail(SqlError::TableFunction, word, fmt::format("{} reads files that nothing keeps track of", name),
                  "use read_files('…', format => …): the pipeline then sees new and changed files");
    }
    std::vector<std::string> known(kPureTableFunctions.begin(), kPureTableFunctions.end());
    known.emplace_back("read_files");
    known.emplace_back("read_delta");
    const auto near = near_names(name, known);
    fail(SqlError::TableFunction, word, fmt::format("the rows of {}(…) do not follow from the pipeline's inputs", name),
         near.empty() ? fmt::format("table functions of a pipeline are read_files, read_delta, {}",
                                    fmt::join(kPureTableFunctions, ", "))
                      : fmt::format("did you mean {}?", near.front()));
  }

  void read_source(const duckdb::TableFunctionRef& ref, const std::string& name, Span span) {
    if (ref.with_ordinality == duckdb::OrdinalityType::WITH_ORDINALITY) {
      return fail(SqlError::TableFunction, word_or_first("ORDINALITY"),
                  fmt::format("rows of {} have no lasting order, so no ORDINALITY",
                              name == "read_files" ? "files" : "a table"));
    }
    RelationUse use;
    use.span = span;
    use.has_alias = !ref.alias.empty();
    std::vector<Error> found;
    const TokenRange call = query_.text.range_of(span);
    const bool stream = query_.text.find_stream(span.offset) != nullptr;
    use.source = name == "read_files" ? parse_files_call(context_.source, call, database_, found)
                                      : parse_delta_call(context_.source, call, stream, found);
    errors_.insert(errors_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    add(std::move(use));
  }

  void add(RelationUse use) {
    if (const StreamMark* mark = query_.text.find_stream(use.span.offset)) use.stream = mark->keyword;
    query_.uses.emplace(use.span.offset, std::move(use));
  }

  void read_sample(const duckdb::TableRef& ref) {
    if (ref.sample) refuse_sample();
  }
  void refuse_sample() {
    const auto word = query_.text.find_word("SAMPLE");
    fail(SqlError::Sample, word ? *word : word_or_first("TABLESAMPLE"),
         "a sample is another one each time, so a dataset cannot equal it",
         "choose rows by a condition, such as hash(id) % 10 = 0");
  }

  void read_other(duckdb::TableRef& ref) {
    read_sample(ref);
    if (ref.type == duckdb::TableReferenceType::JOIN) {
      const auto& join = ref.Cast<duckdb::JoinRef>();
      if (join.ref_type == duckdb::JoinRefType::POSITIONAL) {
        fail(SqlError::PositionalJoin, word_or_first("POSITIONAL"), "rows of a dataset have no positions to join by",
             "join on a key");
      } else if (join.ref_type == duckdb::JoinRefType::ASOF) {
        errors_.push_back(context_.source.unsupported(
            SqlError::AsofJoin, word_or_first("ASOF"), "ASOF JOIN is part of the language but not of this version",
            "join on the key with <=, and keep the latest by QUALIFY row_number() OVER (…) = 1"));
      }
    } else if (ref.type == duckdb::TableReferenceType::SHOW_REF) {
      fail(SqlError::Show, query_.text.tokens().begin()->span,
           "DESCRIBE, SHOW and SUMMARIZE describe the catalog, which is not part of a standing query",
           "ask outside the pipeline, with `sluice sql` or `sluice explain`");
    } else if (ref.type == duckdb::TableReferenceType::PIVOT) {
      for (const auto& column : ref.Cast<duckdb::PivotRef>().pivots) {
        if (column.subquery || !column.pivot_enum.empty()) refuse_pivot();
      }
    }
  }
  void refuse_pivot() {
    fail(SqlError::OpenPivot, word_or_first("PIVOT"),
         "the columns of this PIVOT depend on the data, but a table's columns must not",
         "list the values: PIVOT … ON column IN ('a', 'b') USING …");
  }

  void read_node(duckdb::QueryNode& node) {
    if (node.type == duckdb::QueryNodeType::SELECT_NODE && node.Cast<duckdb::SelectNode>().sample) refuse_sample();
  }

  void read_expression(duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::FUNCTION ||
        !expression.GetQueryLocation().IsValid())
      return;
    auto& call = expression.Cast<duckdb::FunctionExpression>();
    const std::string name = duckdb::StringUtil::Lower(call.function_name);
    const Span word = query_.text.token_at(expression.GetQueryLocation().GetIndex());
    if (name == "approx_count_distinct") return make_exact(call, word);
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kApproximate = {
        {{"approx_quantile", "quantile_disc"},
         {"reservoir_quantile", "quantile_disc"},
         {"approx_top_k", "a GROUP BY with ORDER BY count(*) DESC LIMIT k"}}};
    for (const auto& [approximate, exact] : kApproximate) {
      if (name != approximate) continue;
      fail(SqlError::Approximate, word, fmt::format("{} gives another answer for another order of the same rows", name),
           fmt::format("use {}", exact));
    }
  }

  /// approx_count_distinct(x) is computed as count(DISTINCT x).
  void make_exact(duckdb::FunctionExpression& call, Span word) {
    const Token* name = query_.text.range_of(word).begin();
    if (name + 1 >= query_.text.tokens().end() || !name[1].is_symbol("(")) return;
    query_.edits.push_back({word, "count"});
    const bool touches = name + 2 < query_.text.tokens().end() && name[2].span.offset == name[1].span.end();
    if (!call.distinct) query_.edits.push_back({name[1].span, touches ? "(DISTINCT " : "(DISTINCT"});
    call.function_name = "count";
    call.distinct = true;
  }

  const ErrorContext& context_;
  Query& query_;
  const NameScope& names_;
  PlanningDatabase& database_;
  std::vector<Error>& errors_;
};

}  // namespace

std::unique_ptr<Query> parse_query(const SourceText& source, const ProjectTokens& tokens, QueryText text,
                                   const NameScope& names, PlanningDatabase& database, std::vector<Error>& errors) {
  auto query = std::make_unique<Query>(std::move(text));
  const ErrorContext context{source, tokens, query->text, {}};
  const auto failed = database.attempt([&] { query->statement = database.parse(query->text.padded()); });
  if (failed) {
    errors.push_back(to_error(context, database, *failed));
    return query;
  }
  if (!query->statement) {
    const auto pivot = query->text.find_word("PIVOT");
    errors.push_back(
        pivot ? context.source.error(SqlError::OpenPivot, *pivot,
                                     "the columns of this PIVOT depend on the data, but a table's columns must not",
                                     "list the values: PIVOT … ON column IN ('a', 'b') USING …")
              : context.source.error(SqlError::NotAQuery, query->text.tokens().begin()->span,
                                     "a dataset is defined by one query", "write AS SELECT …"));
    return query;
  }
  QueryReader(context, *query, names, database, errors).run();
  return query;
}

}  // namespace sluice::sql
