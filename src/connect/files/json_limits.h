#pragma once

#include <cstddef>

namespace sluice::connect {

/// Bounds of what a JSON reader takes in and holds. What is beyond them becomes a dead letter or goes to
/// `_rescued_data`; it is never an error.
struct JsonLimits {
  std::size_t line_bytes_max = 16 * 1024 * 1024;  ///< Longer lines are dead letters.
  std::size_t kept_bytes_max = 64 * 1024;         ///< Of a dead letter's line.
  std::size_t block_bytes = 256 * 1024;           ///< Read and indexed at once.
  std::size_t batch_bytes_max = 8 * 1024 * 1024;  ///< Of input per batch: a batch ends early when its lines are long.
};

/// Columns and struct members, at every depth together, that inference makes of a source. Keys beyond go to
/// `_rescued_data`.
inline constexpr std::size_t kInferredColumnsMax = 10'000;
/// Length of a key that can be the name of a column. Longer ones go to `_rescued_data`.
inline constexpr std::size_t kColumnNameBytesMax = 255;

/// The last column of what is read from files: VARCHAR, NULL unless something of the row fits no column; then a JSON
/// object of the fields that do not fit, as they stand in the input and nested as they are there, and `_file_path`.
inline constexpr const char* kRescuedColumn = "_rescued_data";

}  // namespace sluice::connect
