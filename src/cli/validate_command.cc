#include <iostream>

#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/inspected_schemas.h"
#include "cli/json_text.h"
#include "cli/options.h"
#include "cli/planner.h"
#include "cli/session.h"

namespace sluice::cli {
namespace {

/// What was found: in the session's project, if one could be opened.
struct Findings {
  std::string project;
  std::size_t dataset_count = 0;
  std::vector<Error> mistakes;
};

Findings validate(const CommonOptions& common, const std::filesystem::path& project) {
  auto session = open_session(common, project, SessionUse::Read);
  if (!session) return {"", 0, {numbered(session.error())}};
  Findings findings{(*session)->project.name, 0, {}};
  auto schemas = InspectedSchemas::open(**session);
  if (!schemas) {
    findings.mistakes.push_back(numbered(schemas.error()));
    return findings;
  }
  Planner planner((*session)->project);
  const auto pipeline = planner.make_plan(*schemas);
  if (pipeline) {
    findings.dataset_count = pipeline->datasets.size();
    for (const Error& obstacle : schemas->find_obstacles(*pipeline)) findings.mistakes.push_back(numbered(obstacle));
  }
  for (const Error& mistake : planner.errors()) findings.mistakes.push_back(numbered(mistake));
  if (!pipeline && findings.mistakes.empty()) findings.mistakes.push_back(numbered(pipeline.error()));
  return findings;
}

void print_text(const CommonOptions& common, const Findings& findings) {
  for (const Error& mistake : findings.mistakes) {
    std::cerr << render(mistake) << (findings.mistakes.size() > 1 ? "\n" : "");
  }
  if (findings.mistakes.size() > 1) std::cerr << fmt::format("{} mistakes\n", findings.mistakes.size());
  if (findings.mistakes.empty() && !common.quiet) {
    std::cerr << fmt::format("{}: {} datasets, no mistakes\n", findings.project, findings.dataset_count);
  }
}

void print_json(const Findings& findings) {
  std::string mistakes;
  for (const Error& mistake : findings.mistakes) mistakes += (mistakes.empty() ? "" : ",") + to_json(mistake);
  std::cout << fmt::format(R"({{"project":{},"datasets":{},"mistakes":[{}]}})", json_quote(findings.project),
                           findings.dataset_count, mistakes)
            << '\n';
}

}  // namespace

int validate_command(const CommonOptions& common, const std::filesystem::path& project) {
  const Findings findings = validate(common, project);
  if (common.output == OutputFormat::Json) {
    print_json(findings);
  } else if (common.output == OutputFormat::Ndjson) {
    for (const Error& mistake : findings.mistakes) std::cout << to_json(mistake) << '\n';
  } else {
    print_text(common, findings);
  }
  return static_cast<int>(findings.mistakes.empty() ? ExitCode::Ok : exit_code_of(findings.mistakes.front()));
}

}  // namespace sluice::cli
