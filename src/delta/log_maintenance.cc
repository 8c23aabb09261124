#include "delta/log_maintenance.h"

#include <utility>

#include "delta/log_checkpoint.h"
#include "delta/log_cleanup.h"
#include "delta/version_checksum.h"

namespace sluice::delta {

std::vector<Error> maintain_log(store::ObjectStore& store, const Snapshot& snapshot, Clock& clock, Random& random) {
  std::vector<Error> failures;
  if (auto written = write_version_checksum(store, snapshot); !written) {
    failures.push_back(std::move(written).error().in("version checksum"));
  }
  if (log_checkpoint_due(snapshot)) {
    if (auto written = write_log_checkpoint(store, snapshot, clock, random); !written) {
      failures.push_back(std::move(written).error().in("log checkpoint"));
    }
  }
  if (log_cleanup_due(snapshot)) {
    if (auto cleaned = clean_log(store, snapshot, clock); !cleaned) {
      failures.push_back(std::move(cleaned).error().in("clean-up of the log"));
    }
  }
  return failures;
}

}  // namespace sluice::delta
