#pragma once

#include <cstdint>

#include "tests/random_sql/random_case.h"

namespace sluice::random_sql {

/// Returns a case: two or three tables full of NULLs and repeated values, which `tables_seed` decides, how their rows
/// come and go, and a query over them. A few queries are not valid SQL; the compiler says so.
RandomCase generate(std::uint64_t tables_seed, std::uint64_t seed);

}  // namespace sluice::random_sql
