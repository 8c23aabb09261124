#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <duckdb/common/types/value.hpp>

#include "delta/delta_schema.h"

namespace sluice::delta::internal {

/// Reads the text of a constant, as partition_value.h has it, as a value of the type; nullopt if it is none.
std::optional<duckdb::Value> read_constant(const std::string& text, const DataType& type);

/// Reads a bound of a file's statistics, JSON text of a scalar: no value of the file lies beyond what is returned, which
/// allows for what writers round. nullopt if it is absent or says nothing for certain: floating-point numbers (NaN may
/// be missing), nested types, and what is not of the type.
std::optional<duckdb::Value> read_bound(const std::optional<std::string>& json, const DataType& type, bool is_max);

/// Returns the text that a bound stands for: of a JSON string its content, else the JSON itself. `json` is the text of a
/// JSON scalar, not empty; nullopt if it is damaged.
std::optional<std::string> bound_text(std::string_view json);

/// Returns what read_bound() does as a number that orders as the bound does (a date's days, a timestamp's microseconds),
/// if the bound is written as writers do, which is fast; else nullopt. `json` is the text of a JSON scalar, not empty.
std::optional<std::int64_t> read_integer_bound(std::string_view json, const DataType& type, bool is_max);

}  // namespace sluice::delta::internal
