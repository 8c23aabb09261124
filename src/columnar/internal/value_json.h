#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>
#include <duckdb/common/types.hpp>
#include <duckdb/common/types/value.hpp>

#include "base/result.h"

namespace sluice::columnar::internal {

/// Appends `text` as a JSON string.
void append_json_string(std::string& out, std::string_view text);

/// Appends a type: "BIGINT", {"decimal":[10,2]}, {"list":…}, {"struct":[["name",…],…]}, …
void append_json(std::string& out, const duckdb::LogicalType& type);
/// Reads what append_json() wrote for a type.
Result<duckdb::LogicalType> read_type(const simdjson::dom::element& json);

/// Appends a value, exactly: numbers by their bits or digits, binary as hexadecimal, nested values as arrays. The type
/// is not part of it.
void append_json(std::string& out, const duckdb::Value& value);
/// Reads what append_json() wrote for a value of `type`.
Result<duckdb::Value> read_value(const simdjson::dom::element& json, const duckdb::LogicalType& type);

}  // namespace sluice::columnar::internal
