#pragma once

#include <exception>
#include <type_traits>

#include "base/result.h"

namespace sluice::columnar {

/// Turns the exception in flight into an Error: user errors keep DuckDB's message; INTERNAL and FATAL errors, which
/// invalidate the instance that raised them, stop the process (style §7).
Error error_in_flight();

/// Runs `call` and returns its value, or the Error that stands for the exception it threw. `call` may itself return a
/// Result. The wall between DuckDB, which throws, and sluice, which does not.
template <typename Call>
auto guard(Call&& call) {
  using Value = std::invoke_result_t<Call&&>;
  if constexpr (std::is_void_v<Value>) {
    try {
      call();
      return ok();
    } catch (...) {
      return Status(error_in_flight());
    }
  } else if constexpr (requires(Value value) {
                         value.error();
                         value.has_value();
                       }) {
    try {
      return Value(call());
    } catch (...) {
      return Value(error_in_flight());
    }
  } else {
    try {
      return Result<Value>(call());
    } catch (...) {
      return Result<Value>(error_in_flight());
    }
  }
}

}  // namespace sluice::columnar
