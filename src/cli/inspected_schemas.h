#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/session.h"
#include "runtime/epoch_records.h"
#include "runtime/plan_provider.h"

namespace sluice::cli {

/// Looks at the files of sources without taking any: for verbs that plan but do not run. Starts from what the last
/// epoch knew, if there was one. Owned by one worker.
class InspectedSchemas final : public runtime::SourceSchemas {
 public:
  /// `session` must outlive it. Corruption if the newest manifest cannot be read.
  static Result<InspectedSchemas> open(Session& session);
  Result<columnar::Schema> schema_of(const plan::Source& source) override;

  /// What keeps the next run from going on with this pipeline where the last one stood, as far as it shows without
  /// reading rows: edits that need a full refresh, and declared sources whose folder is missing.
  std::vector<Error> find_obstacles(const plan::Pipeline& pipeline);

 private:
  explicit InspectedSchemas(Session& session) : session_(session) {}
  Session& session_;
  runtime::Manifest manifest_;
  bool grown_ = false;  ///< A source has other columns than the last epoch knew.
};

}  // namespace sluice::cli
