#pragma once

#include <cstdint>

namespace sluice::connect {

// The stable numbers of what can go wrong with Delta tables as sources, shown as SLUnnnn; docs/errors.md explains each.

inline constexpr std::uint32_t kErrorNoTable = 2030;          ///< There is no Delta table in the folder.
inline constexpr std::uint32_t kErrorVersionsGone = 2031;     ///< Commits that a stream has not read are gone.
inline constexpr std::uint32_t kErrorTableReplaced = 2032;    ///< Another table is where the one was that was read.
inline constexpr std::uint32_t kErrorRowsChanged = 2033;      ///< Rows went that a stream has read or might have.
inline constexpr std::uint32_t kErrorColumnChanged = 2034;    ///< A column that a stream reads went or is another.
inline constexpr std::uint32_t kErrorVersionNotThere = 2035;  ///< The version or time asked for is not there.
inline constexpr std::uint32_t kErrorOwnTable = 2036;         ///< The table is one that the pipeline itself writes.

}  // namespace sluice::connect
