#pragma once

#include <cstdint>

namespace sluice::cli {

// Stable numbers of errors that a caller looks at; docs/errors.md explains them.
inline constexpr std::uint32_t kErrorNoProject = 104;
inline constexpr std::uint32_t kErrorNoSqlFile = 111;

}  // namespace sluice::cli
