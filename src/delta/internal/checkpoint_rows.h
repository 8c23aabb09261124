#pragma once

#include <cstddef>

#include <duckdb/common/types/data_chunk.hpp>

#include "columnar/schema.h"
#include "delta/actions.h"

namespace sluice::delta::internal {

/// Returns the columns of a classic log checkpoint: one struct per kind of action, of which each row has one.
/// Spec: "Checkpoint Schema".
columnar::Schema checkpoint_schema();

/// Puts actions into chunks with the columns of checkpoint_schema(). Owned by one worker.
class CheckpointRows {
 public:
  CheckpointRows();

  bool full() const { return row_count_ == STANDARD_VECTOR_SIZE; }
  bool empty() const { return row_count_ == 0; }

  /// Adds a row; not when full(). CommitInfo and what else does not belong into a classic checkpoint is a bug.
  void add(const Action& action);

  /// Returns the rows so far; the next add() begins anew.
  duckdb::DataChunk& take();

 private:
  duckdb::DataChunk chunk_;
  std::size_t row_count_ = 0;
  bool taken_ = false;
};

}  // namespace sluice::delta::internal
