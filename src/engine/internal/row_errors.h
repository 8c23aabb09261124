#pragma once

#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/change_batch.h"
#include "columnar/kernel.h"
#include "engine/operator.h"

namespace sluice::engine::internal {

/// Returns the first `column_count` values of a row, for people: "(7, ann, NULL)". Long rows are cut at
/// kRowTextBytesMax; equal rows have equal text.
std::string row_text(const duckdb::DataChunk& rows, std::size_t row, std::size_t column_count);
inline constexpr std::size_t kRowTextBytesMax = 1000;

/// Reports the rows of `batch` that a kernel could not evaluate, each with its weight.
void report(const std::vector<columnar::RowError>& errors, const columnar::ChangeBatch& batch, Output& output);

}  // namespace sluice::engine::internal
