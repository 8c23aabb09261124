#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "plan/pipeline.h"

namespace sluice::connect {

/// What becomes of columns that the files read first do not have.
enum class SchemaEvolution : std::uint8_t {
  AddNewColumns,
  Freeze,  ///< rescue, none: they go to `_rescued_data`.
  FailOnNewColumns,
};

/// The options of a read_files call that connect honours; see FileSource.
struct SourceOptions {
  std::uint64_t files_per_trigger_max = 0;
  bool allow_overwrites = false;
  std::optional<std::chrono::milliseconds> settle_time;
  SchemaEvolution evolution = SchemaEvolution::AddNewColumns;
};

/// InvalidArgument (2008), naming option and value, if one is not known, not understood, or contradicts declared columns.
Result<SourceOptions> read_options(const plan::Source& source, std::uint64_t files_per_trigger_default);

}  // namespace sluice::connect
