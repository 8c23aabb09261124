#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::delta {

/// What was found wrong with a table, and the newest version of it.
struct Verification {
  std::shared_ptr<const Snapshot> newest;  ///< nullptr if it cannot be loaded.
  std::vector<std::string> findings;       ///< One sentence each, naming file or version; empty: all is well.
};

/// Checks a table by its log and the files that it names, without reading rows:
///
/// - every version from the first commit that is there to the newest has a commit, which can be read and makes a legal
///   change of the table before it (no file is added twice or removed that is not there);
/// - every log checkpoint holds exactly what the commits up to it say, as far as those are still there;
/// - every version checksum says what that version is: sizes and, as far as it repeats them, protocol, metadata,
///   transactions, domains, in-commit timestamp and txnId;
/// - every live file exists and has its size; every deletion vector can be read and marks as many rows as the log
///   says, fewer than the file has.
///
/// nullopt if there is no table. What the log is cleaned up of meanwhile is no finding. Errors: Unsupported (a feature or
/// version that we do not read), the store's; what is damaged is a finding.
/// Cost: reads the whole log, and every deletion vector; one head per data file.
Result<std::optional<Verification>> verify_table(store::ObjectStore& store);

}  // namespace sluice::delta
