#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duckdb/common/types.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>

#include "base/result.h"
#include "delta/actions.h"
#include "lake/internal/attached_catalog.h"

namespace duckdb {
struct AlterInfo;
}

namespace sluice::lake {

/// A table that a statement makes: CREATE TABLE, with or without rows. Lives as long as the statement.
class TableCreation {
 public:
  /// Begins the table, or, with OR REPLACE, its next state. nullptr: it is there and IF NOT EXISTS says that this is all
  /// right. Errors: AlreadyExists; InvalidArgument or Unsupported, saying what a Delta table cannot be.
  static Result<std::unique_ptr<TableCreation>> begin(duckdb::ClientContext& client, AttachedSchema& schema,
                                                      const duckdb::CreateTableInfo& info);

  /// Returns the entry of the table: before it is committed to the transaction, of the table without rows.
  AttachedTable* entry() const { return entry_; }
  /// Returns the actions that make it.
  const std::vector<delta::Action>& actions() const { return actions_; }
  /// Makes it part of the transaction, without rows.
  Status commit_definition(duckdb::ClientContext& client, const std::string& operation);

 private:
  AttachedSchema* schema_ = nullptr;
  std::vector<delta::Action> actions_;
  AttachedTable* entry_ = nullptr;
};

/// Returns the types in which a table keeps the columns (columnar::stored_type). Unsupported, naming the column, if one
/// cannot be kept.
Result<duckdb::vector<duckdb::LogicalType>> stored_types(const duckdb::CreateTableInfo& info);

/// Runs ALTER TABLE and COMMENT ON within the transaction. Errors: NotFound; InvalidArgument or Unsupported, saying what
/// a Delta table cannot become.
Status alter_table(duckdb::ClientContext& client, AttachedSchema& schema, duckdb::AlterInfo& info);

}  // namespace sluice::lake
