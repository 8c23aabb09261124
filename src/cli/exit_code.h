#pragma once

#include "base/error.h"

namespace sluice::cli {

/// How a process ends; fixed, so that scripts can rely on it (design §13).
enum class ExitCode : int {
  Ok = 0,
  RanWithFailures = 1,  ///< Ran, but a dataset or expectation failed.
  Usage = 2,            ///< Usage error or invalid project; nothing ran.
  Unreachable = 3,      ///< A dependency cannot be reached; disk full or read-only.
  Fenced = 4,           ///< Another engine or writer owns what we would change.
  Corrupt = 5,          ///< State or a table is corrupt.
  Internal = 70,        ///< A bug of sluice.
  Interrupted = 130,    ///< SIGINT, after a clean drain.
  Terminated = 143,     ///< SIGTERM, after a clean drain.
};

/// Returns the exit code that stands for an error.
ExitCode exit_code_of(const Error& error);

}  // namespace sluice::cli
