#pragma once

#include "base/strong_int.h"

namespace sluice::delta {

/// Number of a Delta commit. The first is 0; -1 stands for "before the first".
using Version = StrongInt<struct VersionTag>;

/// The version that a table without commits has.
inline constexpr Version kNoVersion{-1};

}  // namespace sluice::delta
