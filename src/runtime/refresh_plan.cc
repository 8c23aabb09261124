#include "runtime/refresh_plan.h"

#include <algorithm>

#include <fmt/format.h>
#include <duckdb/common/string_util.hpp>

#include "columnar/column_names.h"
#include "runtime/internal/evolution.h"

namespace sluice::runtime {
namespace {

std::vector<std::string> dataset_names(const plan::Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const plan::Dataset& dataset : pipeline.datasets) names.push_back(dataset.name);
  return names;
}

bool may_be_reset(const plan::Dataset& dataset) {
  const auto property = dataset.properties.find("pipelines.reset.allowed");
  return property == dataset.properties.end() || property->second != "false";
}

bool starts_empty(RefreshKind kind) { return kind == RefreshKind::Create || kind == RefreshKind::Replace; }

/// The datasets among the inputs that held rows before this epoch and keep them.
std::vector<std::string> standing_inputs(const plan::Pipeline& pipeline, const plan::Dataset& dataset,
                                         const std::map<std::string, Refresh>& decided) {
  std::vector<std::string> scans;
  for (const std::string& input : dataset.query.inputs) {
    if (pipeline.find_dataset(input) != nullptr && !starts_empty(decided.at(input).kind)) scans.push_back(input);
  }
  return scans;
}

/// Whether the dataset gives rows again that it gave before this epoch.
bool gives_rows_again(const std::string& name, const std::map<std::string, TableState>& tables,
                      const std::map<std::string, Refresh>& decided) {
  return tables.count(name) > 0 && starts_empty(decided.at(name).kind);
}

Result<Refresh> decide_streaming_table(const plan::Pipeline& pipeline, const plan::Dataset& dataset,
                                       const TableState* table, const RefreshFacts& facts, bool refreshed,
                                       const std::map<std::string, Refresh>& decided) {
  if (table != nullptr && refreshed && !may_be_reset(dataset)) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{} may not be refreshed: pipelines.reset.allowed is false", dataset.name))
        .with_number(6107)
        .with_help("name the datasets to refresh without it, --full-refresh=a,b, or take the property away")
        .at(dataset.location);
  }
  if (table == nullptr || refreshed) {
    const bool there = table != nullptr && facts.gone.count(dataset.name) == 0;
    return Refresh{there ? RefreshKind::Replace : RefreshKind::Create, table == nullptr ? 1 : table->generation + 1,
                   standing_inputs(pipeline, dataset, decided)};
  }
  if (table->view) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{} was a materialized view: as a streaming table it would keep the view's rows and take "
                             "in only what comes from now on",
                             dataset.name))
        .with_number(6106)
        .with_help(fmt::format("read everything from the start with `sluice run --once --full-refresh={}`",
                               fmt::join(refreshed_together(pipeline, dataset.name), ",")))
        .at(dataset.location);
  }
  for (const std::string& input : dataset.query.inputs) {
    if (pipeline.find_dataset(input) != nullptr && gives_rows_again(input, facts.tables, decided)) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("a full refresh of {} would give {} the same rows again", input, dataset.name))
          .with_number(6102)
          .with_help(fmt::format("refresh them together: --full-refresh={}",
                                 fmt::join(refreshed_together(pipeline, input), ",")));
    }
  }
  const std::vector<std::string> inputs = standing_inputs(pipeline, dataset, decided);
  if (table->epoch != facts.epoch.value() && !inputs.empty()) {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("streaming table {} was not part of the pipeline while {} went on", dataset.name,
                             inputs.front()))
        .with_number(6105)
        .with_help(fmt::format("read everything again with `sluice run --once --full-refresh={}`",
                               fmt::join(refreshed_together(pipeline, dataset.name), ",")))
        .at(dataset.location);
  }
  Refresh refresh{RefreshKind::Append, table->generation, {}};
  for (const std::string& input : inputs) {
    if (!std::binary_search(table->consumed.begin(), table->consumed.end(), input)) refresh.scans.push_back(input);
  }
  return refresh;
}

Refresh decide_view(const plan::Pipeline& pipeline, const plan::Dataset& dataset, const TableState* table,
                    const RefreshFacts& facts, bool refreshed, const std::map<std::string, Refresh>& decided) {
  Refresh refresh{RefreshKind::Create, 1, standing_inputs(pipeline, dataset, decided)};
  for (const std::string& input : dataset.query.inputs) {
    if (pipeline.find_dataset(input) == nullptr) refresh.scans.push_back(input);
  }
  if (table == nullptr) return refresh;
  const bool input_replaced =
      std::any_of(dataset.query.inputs.begin(), dataset.query.inputs.end(), [&](const std::string& input) {
        return pipeline.find_dataset(input) != nullptr && starts_empty(decided.at(input).kind);
      });
  const bool changed = table->fingerprint != dataset.fingerprint || input_replaced ||
                       facts.sources_changed.count(dataset.name) > 0 || table->epoch != facts.epoch.value();
  refresh.generation = table->generation;
  if (facts.gone.count(dataset.name) > 0) return refresh;
  refresh.kind = refreshed || facts.schema_changed.count(dataset.name) > 0 ? RefreshKind::Replace
                 : changed                                                 ? RefreshKind::Rebuild
                                                                           : RefreshKind::Maintain;
  return refresh;
}

}  // namespace

bool FullRefresh::covers(const std::string& dataset) const {
  return all || std::any_of(datasets.begin(), datasets.end(),
                            [&](const std::string& name) { return duckdb::StringUtil::CIEquals(name, dataset); });
}

RefreshFacts facts_of(const Manifest& manifest, const std::string& schema) {
  RefreshFacts facts;
  facts.epoch = manifest.epoch;
  for (const auto& [key, state] : manifest.tables) {
    if (key.starts_with(schema + ".")) facts.tables[key.substr(schema.size() + 1)] = state;
  }
  return facts;
}

Result<std::map<std::string, Refresh>> decide_refresh(const plan::Pipeline& pipeline, const RefreshFacts& facts) {
  const FullRefresh& full_refresh = facts.full_refresh;
  for (const std::string& name : full_refresh.datasets) {
    if (pipeline.find_dataset(name) != nullptr) continue;
    const auto near = near_names(name, dataset_names(pipeline));
    return Error(ErrorCode::InvalidArgument, fmt::format("--full-refresh: there is no dataset '{}'", name))
        .with_number(6101)
        .with_help(near.empty() ? "" : fmt::format("did you mean {}?", fmt::join(near, ", ")));
  }
  std::map<std::string, Refresh> decided;
  for (const plan::Dataset& dataset : pipeline.datasets) {
    if (dataset.kind == plan::DatasetKind::TemporaryView) continue;
    const auto found = facts.tables.find(dataset.name);
    const TableState* table = found == facts.tables.end() ? nullptr : &found->second;
    const bool refreshed = full_refresh.covers(dataset.name);
    if (dataset.kind == plan::DatasetKind::StreamingTable) {
      SLUICE_TRY_ASSIGN(Refresh refresh, decide_streaming_table(pipeline, dataset, table, facts, refreshed, decided));
      decided.emplace(dataset.name, std::move(refresh));
    } else {
      decided.emplace(dataset.name, decide_view(pipeline, dataset, table, facts, refreshed, decided));
    }
  }
  return decided;
}

Status check_fit(const plan::Pipeline& pipeline, const plan::Dataset& dataset, const StoredShape& stored,
                 bool types_may_widen) {
  const internal::Evolution evolution = internal::decide_evolution(stored.columns, dataset.schema);
  const bool repartitioned = !columnar::same_names(stored.partition_columns, dataset.partition_columns);
  // Types follow what inference finds in the files; an edit of the query that changes one is another matter.
  const bool fits = evolution.kind != internal::EvolutionKind::Incompatible &&
                    (evolution.kind != internal::EvolutionKind::Widening || types_may_widen);
  if (fits && !repartitioned) return ok();
  return Error(ErrorCode::InvalidArgument,
               fmt::format("the new query of streaming table {} does not fit the rows it has: {}", dataset.name,
                           fits ? "its partition columns are others" : evolution.reason))
      .with_number(6103)
      .with_help(fmt::format("read everything again with `sluice run --once --full-refresh={}`, or keep {}",
                             fmt::join(refreshed_together(pipeline, dataset.name), ","),
                             fits ? "PARTITIONED BY" : "the column"))
      .at(dataset.location);
}

std::vector<std::string> refreshed_together(const plan::Pipeline& pipeline, const std::string& dataset) {
  std::vector<std::string> together = {dataset};
  for (const plan::Dataset& reader : pipeline.datasets) {  // those it reads stand before it
    const bool reads = std::ranges::any_of(reader.query.inputs, [&](const std::string& input) {
      return std::ranges::find(together, input) != together.end();
    });
    if (reads && reader.kind == plan::DatasetKind::StreamingTable) together.push_back(reader.name);
  }
  return together;
}

std::vector<std::string> find_removed(const plan::Pipeline& pipeline, const std::map<std::string, TableState>& tables) {
  std::vector<std::string> removed;
  for (const auto& [name, table] : tables) {
    if (pipeline.find_dataset(name) == nullptr) removed.push_back(name);
  }
  return removed;
}

}  // namespace sluice::runtime
