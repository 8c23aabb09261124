#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"
#include "delta/actions.h"
#include "delta/internal/parsed_columns.h"

namespace sluice::delta::internal {

/// The files of log checkpoints, by the actions that they hold.
enum class CheckpointPart {
  Classic,  ///< All of a classic log checkpoint.
  Manifest,  ///< Of a v2 log checkpoint what is not about files, and which sidecars there are. It has the columns of files
             ///< all the same: Spark does not open a table without them.
  Sidecar,  ///< Files, live ones and tombstones, of a v2 log checkpoint.
};

/// In which form a log checkpoint states statistics and partition values.
struct CheckpointForm {
  bool stats_as_json = true;
  const ParsedColumns* parsed = nullptr;  ///< Also as structs; must outlive what is made with it.
};

/// Returns the columns of the file: one struct per kind of action, of which each row has one.
/// Spec: "Checkpoint Schema".
columnar::Schema checkpoint_schema(CheckpointPart part, const CheckpointForm& form);

/// Puts actions into chunks with the columns of checkpoint_schema(). Owned by one worker.
class CheckpointRows {
 public:
  CheckpointRows(CheckpointPart part, const CheckpointForm& form);

  bool full() const { return row_count_ == STANDARD_VECTOR_SIZE; }
  bool empty() const { return row_count_ == 0; }

  /// Adds a row; not when full(). An action that does not belong into the file is a bug.
  void add(const Action& action);

  /// Returns the rows so far; the next add() begins anew.
  duckdb::DataChunk& take();

 private:
  const CheckpointForm form_;
  duckdb::DataChunk chunk_;
  std::map<std::string, std::size_t, std::less<>> columns_;       // by name
  std::vector<std::optional<std::string>> stats_;                 // of the rows, if they are put into structs
  std::vector<std::optional<PartitionValues>> partition_values_;  // likewise
  std::size_t row_count_ = 0;
  bool taken_ = false;
};

}  // namespace sluice::delta::internal
