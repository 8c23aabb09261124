#pragma once

#include <span>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/snapshot.h"

namespace sluice::delta::internal {

/// Ok if the actions, committed on `base` (nullptr: as the first commit), give a valid table that this version of
/// sluice can write; `rows_checked` as CommitRequest has it. Errors as prepare() (transaction.h). Reads nothing but its
/// arguments.
Status check_commit(const Snapshot* base, std::span<const Action> actions, bool rows_checked);

}  // namespace sluice::delta::internal
