#pragma once

#include <string_view>

#include "connect/files/internal/json_decoder.h"

namespace sluice::connect {

// Writing one value into the vector of a node. Those that return bool return false, and write nothing, if the value
// does not fit the node's type.

/// Points the node and its children at `vector`, whose capacity is `capacity`.
void bind(DecoderNode& node, duckdb::Vector& vector, duckdb::idx_t capacity);

void write_null(DecoderNode& node, duckdb::idx_t row);
/// Copies the text. Node of form Text or RawJson.
void write_text(DecoderNode& node, duckdb::idx_t row, std::string_view text);
/// Node of any scalar form.
bool write_number(DecoderNode& node, duckdb::idx_t row, const NumberToken& number);
bool write_boolean(DecoderNode& node, duckdb::idx_t row, bool value);
/// Casts the text as SQL's CAST would. Node of a scalar form other than Text and RawJson.
bool write_cast(DecoderNode& node, duckdb::idx_t row, std::string_view text);

}  // namespace sluice::connect
