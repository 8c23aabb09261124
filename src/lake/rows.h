#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"

namespace sluice::lake {

/// The result of a query, computed as it is read: memory stays bounded by the lake's limit however long it is. Holds
/// what the query reads (snapshots, stores) until it is destroyed. Owned by one worker.
class Rows {
 public:
  virtual ~Rows() = default;

  virtual const std::vector<std::string>& names() const = 0;
  virtual const columnar::RowType& types() const = 0;
  /// False for statements that give no table of values (SET, CREATE …), whose columns mean nothing to a reader.
  virtual bool is_table() const = 0;
  /// True for statements that change rows, and give one row: how many.
  virtual bool is_change() const = 0;

  /// Returns the next rows, or nullptr at the end. After an error there are no more.
  /// Errors: as those of the call that made it, and Cancelled if its stop was requested.
  virtual Result<duckdb::unique_ptr<duckdb::DataChunk>> next() = 0;
};

/// Reads all rows into memory.
Result<std::unique_ptr<duckdb::ColumnDataCollection>> collect(Rows& rows);

}  // namespace sluice::lake
