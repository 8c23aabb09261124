#pragma once

#include <cstdint>

namespace sluice::connect {

// The stable numbers of what can go wrong with files, shown as SLUnnnn; docs/errors.md explains each.

inline constexpr std::uint32_t kErrorPathNotFound = 2001;       ///< The folder or file of a read_files call is missing.
inline constexpr std::uint32_t kErrorNotAFolder = 2002;         ///< A name on the way is not a folder.
inline constexpr std::uint32_t kErrorPathNotReadable = 2003;    ///< No right to read, or an I/O error.
inline constexpr std::uint32_t kErrorGlobInvalid = 2004;        ///< The pattern itself is wrong.
inline constexpr std::uint32_t kErrorTooManyFiles = 2005;       ///< The pattern matches more files than we can hold.
inline constexpr std::uint32_t kErrorChangedWhileRead = 2006;   ///< A file is not what the plan recorded.
inline constexpr std::uint32_t kErrorFormatUnsupported = 2007;  ///< Not a format this version reads.
inline constexpr std::uint32_t kErrorOptionInvalid = 2008;      ///< An option's name or value is wrong.
inline constexpr std::uint32_t kErrorColumnUnsupported = 2009;  ///< A declared type cannot be read from this format.
inline constexpr std::uint32_t kErrorStoredStateInvalid = 2010;  ///< The stored position or schema cannot be read.
inline constexpr std::uint32_t kErrorNewColumns = 2011;  ///< Other columns than before, which an option forbids.

inline constexpr std::uint32_t kDeadLetterNotJson = 3001;        ///< The line breaks JSON's grammar.
inline constexpr std::uint32_t kDeadLetterNotAnObject = 3002;    ///< The line is JSON, but not an object.
inline constexpr std::uint32_t kDeadLetterInvalidUtf8 = 3003;    ///< The line is not UTF-8.
inline constexpr std::uint32_t kDeadLetterLineTooLong = 3004;    ///< The line is longer than the limit.
inline constexpr std::uint32_t kDeadLetterTooDeep = 3005;        ///< Nested deeper than the limit.
inline constexpr std::uint32_t kDeadLetterTruncated = 3006;      ///< The last line ends in the middle of a value.
inline constexpr std::uint32_t kDeadLetterJsonArray = 3007;      ///< The file is one JSON array, not JSON lines.
inline constexpr std::uint32_t kDeadLetterCompressed = 3008;     ///< The file is compressed.
inline constexpr std::uint32_t kDeadLetterParquetBroken = 3009;  ///< The file is not a Parquet file that can be read.

inline constexpr std::uint32_t kDeadLetterTooLarge = 3010;  ///< A list of the line has more values than we hold.

}  // namespace sluice::connect
