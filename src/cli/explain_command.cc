#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

#include "base/log.h"
#include "cli/embedded_file.h"
#include "cli/exit_code.h"
#include "cli/inspected_schemas.h"
#include "cli/json_text.h"
#include "cli/options.h"
#include "cli/planner.h"
#include "cli/session.h"

namespace sluice::cli {
namespace {

std::string_view kind_name(plan::DatasetKind kind) {
  switch (kind) {
    case plan::DatasetKind::StreamingTable: return "streaming table";
    case plan::DatasetKind::MaterializedView: return "materialized view";
    case plan::DatasetKind::TemporaryView: return "temporary view";
  }
  return "";
}

bool drops_rows(const plan::Dataset& dataset) {
  return std::any_of(dataset.expectations.begin(), dataset.expectations.end(), [](const plan::Expectation& rule) {
    return rule.on_violation == plan::OnViolation::DropRow || rule.on_violation == plan::OnViolation::Quarantine;
  });
}

/// Whether the dataset follows files as they are: then a change of one of them reads all of them again.
bool follows_files(const plan::Pipeline& pipeline, const plan::Dataset& dataset) {
  return dataset.kind == plan::DatasetKind::MaterializedView &&
         std::ranges::any_of(dataset.query.inputs, [&](const std::string& input) {
           const plan::Source* source = pipeline.find_source(input);
           return source != nullptr && source->kind == plan::SourceKind::Files;
         });
}

/// The Delta tables that the dataset reads from outside.
std::vector<const plan::Source*> tables_of(const plan::Pipeline& pipeline, const plan::Dataset& dataset) {
  std::vector<const plan::Source*> tables;
  for (const std::string& input : dataset.query.inputs) {
    const plan::Source* source = pipeline.find_source(input);
    if (source != nullptr && source->kind == plan::SourceKind::Delta) tables.push_back(source);
  }
  return tables;
}

/// How the dataset follows a table.
std::string note_on(const plan::Source& table) {
  const auto has = [&](const char* option) {
    const auto found = table.options.find(option);
    return found != table.options.end() && found->second != "false";
  };
  if (has("version") || has("as_of")) return fmt::format("read_delta('{}'): one version, read once", table.path);
  if (!table.stream) {
    return fmt::format(
        "read_delta('{}') without STREAM: each commit's changes are taken in, whoever made it; all rows "
        "are read again if these cannot be had",
        table.path);
  }
  if (has("readchangefeed")) return fmt::format("read_delta('{}'): each row of its change data feed once", table.path);
  return fmt::format("STREAM read_delta('{}'): each row once; a commit that deletes or updates rows {}", table.path,
                     has("skipchangecommits") ? "is passed over" : "stops the run");
}

std::vector<std::string> reasons_of(const plan::Pipeline& pipeline, const plan::Dataset& dataset) {
  std::vector<std::string> reasons = dataset.query.reasons;
  if (follows_files(pipeline, dataset)) {
    reasons.emplace_back(
        "read_files without STREAM: all of its files are read again when one appears, changes or "
        "vanishes");
  }
  for (const plan::Source* table : tables_of(pipeline, dataset)) reasons.push_back(note_on(*table));
  return reasons;
}

std::string dataset_json(const plan::Pipeline& pipeline, const plan::Dataset& dataset) {
  std::string views;
  for (const plan::NamedQuery& view : dataset.query.views) {
    views += fmt::format(R"({}{{"name":{},"sql":{}}})", views.empty() ? "" : ",", json_quote(view.name),
                         json_quote(view.sql));
  }
  std::vector<std::string> sources;
  std::vector<std::string> inputs;
  for (const std::string& input : dataset.query.inputs) {
    (pipeline.find_source(input) != nullptr ? sources : inputs).push_back(input);
  }
  std::string tables;
  for (const plan::Source* table : tables_of(pipeline, dataset)) {
    tables += fmt::format(R"({}{{"source":{},"path":{}}})", tables.empty() ? "" : ",", json_quote(table->key),
                          json_quote(table->path));
  }
  return fmt::format(
      R"({{"name":{},"kind":{},"incremental":{},"reasons":{},"operators":{},"inputs":{},"sources":{},"tables":[{}],"schema":{},)"
      R"("sql":{},"views":[{}],"dropping_expectations":{}}})",
      json_quote(dataset.name), json_quote(kind_name(dataset.kind)),
      dataset.query.incremental() && !follows_files(pipeline, dataset), json_texts(reasons_of(pipeline, dataset)),
      json_texts(plan::describe(dataset.query)), json_texts(inputs), json_texts(sources), tables,
      json_quote(columnar::to_string(dataset.schema)), json_quote(dataset.query.sql), views, drops_rows(dataset));
}

/// Whether a part of the query is run again over groups or partitions that changed.
bool runs_again(const plan::QueryPlan& query) {
  return std::any_of(query.nodes.begin(), query.nodes.end(), [](const plan::Node& node) {
    const auto* aggregate = std::get_if<plan::AggregateNode>(&node.body);
    return std::holds_alternative<plan::PartitionQueryNode>(node.body) ||
           (aggregate != nullptr && std::any_of(aggregate->aggregates.begin(), aggregate->aggregates.end(),
                                                [](const plan::Aggregate& call) { return !call.kernel.empty(); }));
  });
}

std::string to_text(const plan::Pipeline& pipeline, const plan::Dataset& dataset) {
  std::string out = fmt::format("{} {}\n", kind_name(dataset.kind), dataset.name);
  out += fmt::format("  columns      {}\n", columnar::to_string(dataset.schema));
  if (dataset.kind == plan::DatasetKind::TemporaryView) {
    out += "  upkeep       none: it has no table and is part of every query that names it\n";
  } else if (dataset.query.incremental() && follows_files(pipeline, dataset)) {
    out +=
        "  upkeep       recomputed when its files change, else by the rows that change; the difference is committed\n";
  } else if (dataset.query.incremental()) {
    out += runs_again(dataset.query) ? "  upkeep       incremental: each epoch costs as much as the rows that change, "
                                       "and the groups and partitions\n"
                                       "               they touch where a function needs all of their rows\n"
                                     : "  upkeep       incremental: each epoch costs as much as the rows that change\n";
  } else {
    out += "  upkeep       recomputed whenever an input changes; the difference is committed\n";
  }
  for (const std::string& reason : reasons_of(pipeline, dataset)) out += fmt::format("  note         {}\n", reason);
  for (const plan::Expectation& rule : dataset.expectations) {
    out += fmt::format("  expectation  {}: {}\n", rule.name, rule.sql);
  }
  const std::vector<std::string> operators = plan::describe(dataset.query);
  for (std::size_t i = 0; i < operators.size(); ++i) {
    out += fmt::format("  {:12} {}\n", i == 0 ? "operators" : "", operators[i]);
  }
  if (dataset.query.incremental())
    out += "  state        in memory; rebuilt from the input tables at the first change after a start\n";
  return out;
}

/// Returns the page of docs/errors.md for a code, from its heading to the next.
std::string error_page(const std::string& code) {
  const std::string_view document = embedded_errors().front().content;
  std::size_t begin = std::string_view::npos;
  for (const char* level : {"### ", "## "}) {
    begin = document.find(fmt::format("\n{}{}", level, code));
    if (begin != std::string_view::npos) break;
  }
  if (begin == std::string_view::npos) return "";
  const std::size_t end = std::min(document.find("\n### ", begin + 1), document.find("\n## ", begin + 1));
  return std::string(document.substr(begin + 1, end == std::string_view::npos ? end : end - begin));
}

int explain_error(const CommonOptions& common, const std::string& code) {
  const std::string page = error_page(code);
  if (page.empty()) {
    return report_error(Error(ErrorCode::NotFound, fmt::format("there is no error {}", code))
                            .with_number(140)
                            .with_help("codes look like SLU1042; docs/errors.md lists them"));
  }
  if (common.output == OutputFormat::Table) {
    std::cout << page;
  } else {
    // "### SLU1042: title", then the text.
    const std::string heading = page.substr(0, page.find('\n'));
    const std::size_t colon = heading.find(": ");
    std::cout << fmt::format("{{\"code\":{},\"title\":{},\"text\":{}}}\n", json_quote(code),
                             json_quote(heading.substr(colon == std::string::npos ? 0 : colon + 2)),
                             json_quote(page.substr(std::min(page.size(), heading.size() + 1))));
  }
  return static_cast<int>(ExitCode::Ok);
}

int explain_datasets(const CommonOptions& common, const plan::Pipeline& pipeline, const std::string& subject) {
  std::vector<const plan::Dataset*> chosen;
  std::vector<std::string> names;
  for (const plan::Dataset& dataset : pipeline.datasets) {
    names.push_back(dataset.name);
    if (subject.empty() || duckdb::StringUtil::CIEquals(dataset.name, subject)) chosen.push_back(&dataset);
  }
  if (chosen.empty()) {
    const auto near = near_names(subject, names);
    return report_error(Error(ErrorCode::NotFound, fmt::format("there is no dataset '{}'", subject))
                            .with_number(141)
                            .with_help(fmt::format("datasets: {}", fmt::join(near.empty() ? names : near, ", "))));
  }
  if (common.output != OutputFormat::Json) {
    const auto describe = common.output == OutputFormat::Table ? to_text : dataset_json;
    for (const plan::Dataset* dataset : chosen) std::cout << describe(pipeline, *dataset) << '\n';
    return static_cast<int>(ExitCode::Ok);
  }
  std::string json;
  for (const plan::Dataset* dataset : chosen) json += (json.empty() ? "" : ",\n") + dataset_json(pipeline, *dataset);
  std::cout << fmt::format("{{\"datasets\":[{}]}}\n", json);
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace

int explain_command(const CommonOptions& common, const ExplainOptions& options) {
  const std::string upper = duckdb::StringUtil::Upper(options.subject);
  if (upper.size() == 7 && upper.starts_with("SLU")) return explain_error(common, upper);
  auto session = open_session(common, {}, SessionUse::Read);
  if (!session) return report_error(session.error());
  auto schemas = InspectedSchemas::open(**session);
  if (!schemas) return report_error(schemas.error());
  Planner planner((*session)->project);
  const auto pipeline = planner.make_plan(*schemas);
  if (!pipeline) {
    for (const Error& mistake : planner.errors()) std::cerr << render(mistake) << '\n';
    return static_cast<int>(exit_code_of(pipeline.error()));
  }
  return explain_datasets(common, *pipeline, options.subject);
}

}  // namespace sluice::cli
