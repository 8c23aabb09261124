#pragma once

#include <cstddef>
#include <string>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/common/types/value.hpp>

#include "columnar/schema.h"

namespace sluice::columnar {

/// Returns the value as JSON: numbers and booleans as such, NULL as null, lists as arrays, structs and maps as objects,
/// variants as what they hold, everything else as text, also numbers that JSON has no word for ("inf", "nan"). Equal
/// values have equal text.
std::string json_text(const duckdb::Value& value);

/// Returns a row as a JSON object on one line, columns in the schema's order. For a few rows: it goes value by value.
std::string json_text(const Schema& schema, const duckdb::DataChunk& rows, std::size_t row);

}  // namespace sluice::columnar
