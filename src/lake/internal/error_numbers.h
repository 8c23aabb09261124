#pragma once

#include <cstdint>

namespace sluice::lake {

// The stable numbers of what can be wrong with an ad-hoc query and with the files of a table, shown as SLUnnnn;
// docs/errors.md explains each. A mistake in a query has the number that it has in a project.
inline constexpr std::uint32_t kErrorReachesOutside = 142;
inline constexpr std::uint32_t kErrorChangesSomething = 143;
inline constexpr std::uint32_t kErrorNoDeltaTable = 144;
inline constexpr std::uint32_t kErrorNoSuchVersion = 145;
inline constexpr std::uint32_t kErrorTimeTravel = 146;
inline constexpr std::uint32_t kErrorNotOneStatement = 147;
inline constexpr std::uint32_t kErrorAttach = 148;
inline constexpr std::uint32_t kErrorStatement = 149;
inline constexpr std::uint32_t kErrorOneTable = 150;
inline constexpr std::uint32_t kErrorTwoSourceRows = 151;

inline constexpr std::uint32_t kErrorQuerySyntax = 1001;
inline constexpr std::uint32_t kErrorQueryTable = 1040;
inline constexpr std::uint32_t kErrorQueryFunction = 1041;
inline constexpr std::uint32_t kErrorQueryColumn = 1042;
inline constexpr std::uint32_t kErrorQueryTypes = 1043;
inline constexpr std::uint32_t kErrorQueryType = 1044;
inline constexpr std::uint32_t kErrorQueryAmbiguous = 1045;
inline constexpr std::uint32_t kErrorQueryNotGrouped = 1046;
inline constexpr std::uint32_t kErrorQueryBinding = 1049;
inline constexpr std::uint32_t kErrorQueryValue = 3100;

inline constexpr std::uint32_t kErrorConstraint = 3102;

inline constexpr std::uint32_t kErrorCommitConflict = 4106;
inline constexpr std::uint32_t kErrorNoAnswer = 5001;
inline constexpr std::uint32_t kErrorDataFileMissing = 4208;

}  // namespace sluice::lake
