#pragma once

#include "base/result.h"
#include "columnar/schema.h"
#include "plan/pipeline.h"

namespace sluice::runtime {

/// Knows the columns of a source's input, as far as it has been looked at.
class SourceSchemas {
 public:
  virtual ~SourceSchemas() = default;
  /// Returns the columns of the source, whose path, format and options are set. Called once per source and plan.
  virtual Result<columnar::Schema> schema_of(const plan::Source& source) = 0;
};

/// Makes the plan that the runtime runs; made anew when the schema of a source has grown. `cli` gives one that compiles
/// the project's SQL.
class PlanProvider {
 public:
  virtual ~PlanProvider() = default;
  /// Errors: what is wrong with the project's text (the first of it), or with a source.
  virtual Result<plan::Pipeline> make_plan(SourceSchemas& schemas) = 0;
};

}  // namespace sluice::runtime
