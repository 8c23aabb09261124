#pragma once

#include <vector>

#include "cli/project.h"
#include "runtime/plan_provider.h"
#include "sql/compile.h"

namespace sluice::cli {

/// Compiles a project's SQL for the runtime: the one place where `sql` and `runtime` meet. Owned by one worker.
class Planner final : public runtime::PlanProvider {
 public:
  /// `project` must outlive the planner.
  explicit Planner(const Project& project) : project_(project) {}

  Result<plan::Pipeline> make_plan(runtime::SourceSchemas& schemas) override;

  /// Everything that was wrong at the last make_plan, in the order of files and lines.
  const std::vector<Error>& errors() const { return errors_; }

 private:
  const Project& project_;
  std::vector<Error> errors_;
};

}  // namespace sluice::cli
