#pragma once

#include <map>
#include <string>
#include <vector>

#include "columnar/kernel.h"
#include "plan/pipeline.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/project.h"

namespace sluice::sql {

/// What binding needs besides the project.
struct BindingTools {
  PlanningDatabase& database;
  SchemaProvider& schemas;
  columnar::KernelContext& kernels;
  /// Answers of the provider, by everything it was asked: a source that several datasets or views read is asked for
  /// once.
  std::map<std::string, Result<columnar::Schema>> answers;
};

/// Binds a dataset whose inputs are bound: fills its schema, query, expectations, layout and fingerprint, and appends
/// the sources it reads to `sources`. What is wrong is appended to the project's errors and marks the draft broken.
void bind_dataset(Project& project, DatasetDraft& draft, BindingTools& tools, std::vector<plan::Source>& sources);

}  // namespace sluice::sql
