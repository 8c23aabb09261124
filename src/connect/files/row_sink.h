#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "columnar/change_batch.h"

namespace sluice::connect {

/// Input that became no row: a line that is not what the format says, or a file that cannot be read as its format.
struct DeadLetter {
  std::string path;                ///< FileInfo::path.
  std::uint64_t offset_bytes = 0;  ///< Where the line begins in the file.
  std::uint64_t line = 0;          ///< Counts from 1; 0: the file as a whole.
  std::uint32_t number = 0;        ///< Stable number shown as SLU3nnn.
  std::string message;             ///< What is wrong, for a person.
  std::string bytes;             ///< The line as it is, without its line break, cut off at JsonLimits::kept_bytes_max.
  std::uint64_t size_bytes = 0;  ///< Of the whole line.

  friend bool operator==(const DeadLetter&, const DeadLetter&) = default;
};

/// Takes what a reader makes of its input, in the order of the input. An error stops the reader, which passes it on.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Takes rows of the reader's schema, never empty, each with weight +1.
  virtual Status rows(columnar::ChangeBatch&& batch) = 0;
  virtual Status dead_letter(DeadLetter&& letter) = 0;
};

}  // namespace sluice::connect
