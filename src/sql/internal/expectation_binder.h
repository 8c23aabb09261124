#pragma once

#include <optional>
#include <vector>

#include "columnar/kernel.h"
#include "plan/pipeline.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/project.h"

namespace sluice::sql {

/// Binds the clause's predicate over the dataset's columns: one BOOLEAN condition on a row. What is wrong is appended
/// to `errors`, and nothing returned.
std::optional<plan::Expectation> bind_expectation(const Project& project, const plan::Dataset& dataset,
                                                  const ExpectationClause& clause, PlanningDatabase& database,
                                                  columnar::KernelContext& kernels, std::vector<Error>& errors);

}  // namespace sluice::sql
