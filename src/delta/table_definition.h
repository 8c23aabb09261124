#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"
#include "delta/snapshot.h"
#include "delta/table_properties.h"

namespace sluice::delta {

/// What a table is to be.
struct TableDefinition {
  DataType schema;  ///< A struct; from columns by delta_schema().
  std::vector<std::string> partition_columns;
  /// The table's `configuration`, and what it asks of the protocol (protocol_request.h), which is not kept.
  std::map<std::string, std::string> properties;
  std::optional<std::string> name;
  std::optional<std::string> description;
};

/// Returns the Protocol and Metadata that create the table, with the lowest protocol that allows what it uses
/// (deletion vectors by property delta.enableDeletionVectors: reader 3, writer 7; timestamp_ntz columns likewise).
/// InvalidArgument: no columns, a name twice, a partition column that is missing or of a nested type, only partition
/// columns, a column name that Parquet cannot carry without column mapping (delta.columnMapping.mode = name, for which
/// this assigns ids and physical names); Unsupported: see
/// required_features().
Result<std::vector<Action>> create_table_actions(const TableDefinition& definition, Clock& clock, Random& random);

/// Returns the Metadata, and the Protocol if it must rise, that give an existing table the definition's schema and
/// properties; its id, properties that the definition does not name, and the field metadata of columns that stay, are
/// kept. Empty if nothing changes. Whether old files fit the new schema is the caller's to know; partition columns
/// cannot change, and column mapping can only be turned on, by name (InvalidArgument).
Result<std::vector<Action>> alter_table_actions(const Snapshot& table, const TableDefinition& definition,
                                                Random& random);

/// The same for a commit that also removes all of the table's files, in which the partition columns may change.
Result<std::vector<Action>> replace_table_actions(const Snapshot& table, const TableDefinition& definition,
                                                  Random& random);

/// Returns the Metadata, and the Protocol if it must rise, that make another table in the place of this one, for a commit
/// that removes all of its files, as CREATE OR REPLACE does: only its id, its protocol, in-commit timestamps and, where
/// both have column mapping, the ids of columns that stay are kept. Errors: see create_table_actions().
Result<std::vector<Action>> recreate_table_actions(const Snapshot& before, const TableDefinition& definition,
                                                   Clock& clock, Random& random);

/// Ok if a table can have the property, as far as that follows from its key and value. InvalidArgument: a key of Delta
/// that sluice does not know, or that is spelt otherwise, or a value that means nothing; Unsupported: it asks for a
/// feature that we do not write.
Status check_property(const std::string& key, const std::string& value);

/// Ok if a table can have these columns, and be partitioned by those. InvalidArgument: see create_table_actions().
Status check_columns(const DataType& schema, const std::vector<std::string>& partition_columns, ColumnMappingMode mode);
/// Ok if the column mapping of a table can go from `before` to `after`: it can only be turned on, by name.
Status check_mode_change(ColumnMappingMode before, ColumnMappingMode after);

}  // namespace sluice::delta
