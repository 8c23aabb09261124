#pragma once

#include <string>

namespace sluice {

/// Writes "file:line: check failed: condition: message" to stderr and aborts. The exit code of a process that ends so
/// is 70 under `sluice` (see `cli`), SIGABRT elsewhere.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace sluice

/// Stops the process if an invariant does not hold: restarting is tested, wrong rows are not acceptable.
/// Stays on in release builds.
#define SLUICE_CHECK(condition, message)                                               \
  do {                                                                                 \
    if (!(condition)) ::sluice::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

/// Stops the process if a Result holds an error.
#define SLUICE_CHECK_OK(result)                                                                                 \
  do {                                                                                                          \
    if (!(result).has_value()) ::sluice::check_failed(__FILE__, __LINE__, #result, (result).error().message()); \
  } while (false)
