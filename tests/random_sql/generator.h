#pragma once

#include <cstdint>

#include "tests/random_sql/random_case.h"

namespace sluice::random_sql {

/// Returns the case of a seed: two or three tables full of NULLs and repeated values, how their rows come and go, and a
/// query over them. A few queries are not valid SQL; the compiler says so.
RandomCase generate(std::uint64_t seed);

}  // namespace sluice::random_sql
