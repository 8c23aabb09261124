#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/expression.hpp>

#include "base/result.h"
#include "delta/actions.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/delta_scan.h"
#include "lake/internal/statement_text.h"

namespace sluice::lake {

/// Files that go as a whole because an INSERT puts its rows in their place.
struct ReplacedFiles {
  std::vector<std::size_t> numbers;  ///< In the scan.
  std::shared_ptr<ScanReads> reads;  ///< What was looked at to tell.
};

/// Returns all files.
ReplacedFiles replaced_files(const std::shared_ptr<const DeltaScan>& scan);
/// Returns the files of the partitions, as far as these columns tell, that the added files are in.
/// Corruption, naming the file, if a partition value cannot be read.
Result<ReplacedFiles> replaced_files(const std::shared_ptr<const DeltaScan>& scan,
                                     const std::vector<DeltaScan::PartitionColumn>& columns,
                                     std::span<const delta::Action> added);

/// Returns the columns of REPLACE USING. Unsupported, naming it, if one is no partition column; InvalidArgument if there
/// is no such column.
Result<std::vector<DeltaScan::PartitionColumn>> replaced_columns(const DeltaScan& scan, const Overwrite& overwrite);

/// Returns the condition of REPLACE WHERE on a row of the table. Throws DuckDB's exceptions.
duckdb::unique_ptr<duckdb::Expression> bind_condition(duckdb::ClientContext& client, AttachedTable& table,
                                                      const Overwrite& overwrite);

/// Adds to the plan of the rows that are inserted the places of those that meet the condition: behind the columns of a
/// row are the number of its file and its own. An inserted row has NULL there, a replaced one in its columns. Both kinds
/// do not share a chunk. Throws DuckDB's exceptions.
duckdb::PhysicalOperator& with_replaced_rows(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                             AttachedTable& table, const Overwrite& overwrite,
                                             duckdb::PhysicalOperator& inserted);

}  // namespace sluice::lake
