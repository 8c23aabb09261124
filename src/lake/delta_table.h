#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "delta/actions.h"
#include "delta/change_files.h"
#include "delta/snapshot.h"
#include "store/object_store.h"

namespace sluice::lake {

/// A Delta table as a query sees it: one version, and the store that holds its files, rooted at the table folder.
/// Shares both, because a query that streams its result may outlive whoever asked for it.
struct DeltaTable {
  std::shared_ptr<const delta::Snapshot> snapshot;
  std::shared_ptr<store::ObjectStore> store;
};

/// The change data feed of a Delta table between two versions, and the store that holds its files.
struct DeltaChanges {
  delta::TableChanges changes;
  std::shared_ptr<store::ObjectStore> store;
};

/// Finds the Delta table for a name in a query, as written there: who finds compares without regard to case. `schema`
/// is absent if the query names none. nullopt: there is no such table, and the query fails naming it. Called on the
/// thread that runs the query, perhaps for several queries at once.
using FindTable =
    std::function<Result<std::optional<DeltaTable>>(const std::optional<std::string>& schema, const std::string& name)>;

/// A table's name in full.
struct TableName {
  std::string schema;
  std::string name;
};

/// Lists the tables that there are to find, for SHOW TABLES and for near names.
using ListTables = std::function<std::vector<TableName>()>;

/// Takes live rows of one data file: all columns of the table, the file's action, and for each row its position in the
/// file, counting from 0, deleted rows included. All are the sink's during the call only. An error ends the scan with
/// that error.
using LiveRowSink = std::function<Status(duckdb::DataChunk& rows, const delta::AddFile& file,
                                         std::span<const std::uint64_t> positions)>;

/// By column: whether its values are read. Those of other columns are NULL. Columns behind the last entry are read.
using NeededColumns = std::vector<bool>;

/// Takes rows that came (weight +1) or went (-1): all columns of the table. They are the sink's during the call only. An
/// error ends the scan with that error.
using ChangedRowSink = std::function<Status(columnar::ChangeBatch& changes)>;

}  // namespace sluice::lake
