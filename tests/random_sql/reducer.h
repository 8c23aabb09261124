#pragma once

#include <functional>

#include "tests/random_sql/random_case.h"

namespace sluice::random_sql {

/// Makes the case smaller as long as `still_fails` says so: fewer epochs, restarts, rows, simpler values, a shorter
/// query. Asks at most `attempts_max` times.
RandomCase reduce(RandomCase failing, const std::function<bool(const RandomCase&)>& still_fails, int attempts_max);

/// Returns the case as a script of tests/e2e (see run_script.py there).
std::string script_of(const RandomCase& random_case, const std::string& title);

}  // namespace sluice::random_sql
