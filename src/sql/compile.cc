#include "sql/compile.h"

#include <algorithm>
#include <tuple>

#include "sql/internal/dataset_binder.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/project.h"

namespace sluice::sql {
namespace {

/// Puts errors in the order of files, lines and columns; those without a place come first.
void sort_errors(std::vector<Error>& errors, const std::vector<SourceFile>& files) {
  const auto key = [&](const Error& error) {
    if (!error.location()) return std::tuple<std::size_t, std::uint32_t, std::uint32_t>(0, 0, 0);
    const auto file = std::ranges::find(files, error.location()->file, &SourceFile::name);
    return std::tuple(static_cast<std::size_t>(file - files.begin()) + 1, error.location()->line,
                      error.location()->column);
  };
  std::ranges::stable_sort(errors, {}, key);
  errors.erase(std::unique(errors.begin(), errors.end()), errors.end());
}

}  // namespace

Compiled compile(const std::vector<SourceFile>& files, SchemaProvider& schemas, const Settings& settings) {
  Compiled compiled;
  auto database = PlanningDatabase::create();
  auto kernels = columnar::KernelContext::create();
  if (!database || !kernels) {
    compiled.errors.push_back(!database ? std::move(database).error() : std::move(kernels).error());
    return compiled;
  }
  Project project(files, settings, **database);
  BindingTools tools{**database, schemas, **kernels, {}};
  plan::Pipeline pipeline;
  pipeline.name = settings.pipeline_name;
  for (DatasetDraft* draft : project.in_dependency_order()) {
    for (const auto& [offset, use] : draft->query->uses) {
      draft->broken = draft->broken || (!use.dataset.empty() && project.get(use.dataset).broken);
    }
    if (draft->broken) continue;
    bind_dataset(project, *draft, tools, pipeline.sources);
    pipeline.datasets.push_back(draft->out);
  }
  compiled.errors = std::move(project.errors());
  sort_errors(compiled.errors, files);
  if (compiled.errors.empty()) compiled.pipeline = std::move(pipeline);
  return compiled;
}

std::vector<Error> check(const std::vector<SourceFile>& files, const Settings& settings) {
  auto database = PlanningDatabase::create();
  if (!database) return {std::move(database).error()};
  Project project(files, settings, **database);
  std::vector<Error> errors = std::move(project.errors());
  sort_errors(errors, files);
  return errors;
}

}  // namespace sluice::sql
