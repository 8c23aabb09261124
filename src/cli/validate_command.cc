#include <iostream>

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/inspected_schemas.h"
#include "cli/options.h"
#include "cli/planner.h"
#include "cli/session.h"

namespace sluice::cli {

int validate_command(const CommonOptions& common, const std::filesystem::path& project) {
  auto session = open_session(common, project, false);
  if (!session) return report_error(session.error());
  auto schemas = InspectedSchemas::open(**session);
  if (!schemas) return report_error(schemas.error());
  Planner planner((*session)->project);
  const auto pipeline = planner.make_plan(*schemas);
  if (!pipeline) {
    for (const Error& mistake : planner.errors()) std::cerr << render(mistake) << '\n';
    if (planner.errors().size() > 1) std::cerr << fmt::format("{} mistakes\n", planner.errors().size());
    return static_cast<int>(exit_code_of(pipeline.error()));
  }
  if (!common.quiet) {
    std::cerr << fmt::format("{}: {} datasets, no mistakes\n", (*session)->project.name, pipeline->datasets.size());
  }
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace sluice::cli
