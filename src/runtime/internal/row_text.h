#pragma once

#include <string>

#include <duckdb/common/types/data_chunk.hpp>

namespace sluice::runtime::internal {

/// Returns the row as a person reads it: its values with commas between, cut at 1,000 bytes.
std::string row_text(const duckdb::DataChunk& rows, std::size_t row);

/// Returns text that a table may hold as UTF-8: bytes that are none are shown in DuckDB's \xNN form.
std::string readable_text(const std::string& bytes);

}  // namespace sluice::runtime::internal
