#include "delta/table_definition.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "columnar/column_names.h"
#include "delta/column_assignment.h"
#include "delta/duckdb_schema.h"
#include "delta/features.h"
#include "delta/protocol_request.h"
#include "delta/type_widening.h"

namespace sluice::delta {
namespace {

/// Checks the names of a struct's members, and those within; `path` is what they lie in, with its dot.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
Status check_names(const DataType& type, const std::string& path, bool mapped) {
  std::set<std::string> names;
  for (const StructField& field : type.fields) {
    if (field.name.empty()) return Error(ErrorCode::InvalidArgument, fmt::format("a column of {} has no name", path));
    if (!names.insert(columnar::lower_case(field.name)).second) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("two columns are named \"{}{}\", without regard to case", path, field.name))
          .with_help("give one of them another name in the query: … AS name");
    }
    if (!mapped && !columnar::is_storable_name(field.name)) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format(
                       "the column name \"{}{}\" has a character that a Delta table without column mapping cannot "
                       "carry: one of space , ; {{ }} ( ) = tab and line break",
                       path, field.name))
          .with_number(4207)
          .with_help("set delta.columnMapping.mode to name, or give the column another name");
    }
    SLUICE_TRY(check_names(field.type, path + field.name + ".", mapped));
  }
  for (const DataType& child : type.children) SLUICE_TRY(check_names(child, path, mapped));
  return ok();
}

bool can_partition(DataType::Kind kind) {
  switch (kind) {
    case DataType::Kind::Struct:
    case DataType::Kind::Array:
    case DataType::Kind::Map:
    case DataType::Kind::Variant:
    case DataType::Kind::Void: return false;
    default: return true;
  }
}

Status check_definition(const TableDefinition& definition, ColumnMappingMode mode) {
  for (const auto& [key, value] : definition.properties) {
    if (key != "delta.columnMapping.maxColumnId" && !key.starts_with("delta.inCommitTimestampEnablement")) continue;
    return Error(ErrorCode::InvalidArgument, fmt::format("the property {} is the protocol's own", key))
        .with_number(4206)
        .with_help("leave it away: whoever writes the table states it");
  }
  return check_columns(definition.schema, definition.partition_columns, mode);
}

/// Takes what asks for a protocol out of the properties.
Result<ProtocolRequest> take_protocol_request(std::map<std::string, std::string>& properties) {
  ProtocolRequest request;
  for (auto property = properties.begin(); property != properties.end();) {
    SLUICE_TRY_ASSIGN(const bool taken, request.take(property->first, property->second));
    property = taken ? properties.erase(property) : std::next(property);
  }
  return request;
}

/// What others noted on columns that stay, stays; our note of the original type is ours to change. How a type was widened
/// is of no use where it is another now: then the files are written anew.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, kSchemaDepthMax.
void keep_field_metadata(DataType& type, const DataType& present) {
  if (type.kind != present.kind) return;
  for (StructField& field : type.fields) {
    const auto old = std::ranges::find_if(present.fields, [&](const StructField& candidate) {
      return columnar::lower_case(candidate.name) == columnar::lower_case(field.name);
    });
    if (old == present.fields.end()) continue;
    for (const auto& [key, value] : old->metadata) {
      const bool stays =
          key != kOriginalTypeKey && (key != kTypeChangesKey || logical_type(old->type) == logical_type(field.type));
      if (stays) field.metadata.emplace(key, value);
    }
    keep_field_metadata(field.type, old->type);
  }
  for (std::size_t i = 0; i < type.children.size(); ++i) keep_field_metadata(type.children[i], present.children[i]);
}

}  // namespace

Status check_columns(const DataType& schema, const std::vector<std::string>& partition_columns,
                     ColumnMappingMode mode) {
  const auto& fields = schema.fields;
  if (schema.kind != DataType::Kind::Struct || fields.empty()) {
    return Error(ErrorCode::InvalidArgument, "a table needs at least one column");
  }
  SLUICE_TRY(check_names(schema, "", mode != ColumnMappingMode::None));
  std::set<std::string> seen;
  for (const std::string& name : partition_columns) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const StructField& candidate) { return candidate.name == name; });
    if (field == fields.end()) {
      return Error(ErrorCode::InvalidArgument, fmt::format("the partition column \"{}\" is not a column", name));
    }
    if (!can_partition(field->type.kind)) {
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("a table cannot be partitioned by \"{}\": its type is nested", name));
    }
    if (!seen.insert(name).second) {
      return Error(ErrorCode::InvalidArgument, fmt::format("the partition column \"{}\" is named twice", name));
    }
  }
  if (seen.size() == fields.size()) {
    return Error(ErrorCode::InvalidArgument, "a table needs a column that it is not partitioned by");
  }
  return ok();
}

Status check_mode_change(ColumnMappingMode before, ColumnMappingMode after) {
  if (before == after || (before == ColumnMappingMode::None && after == ColumnMappingMode::Name)) return ok();
  return Error(ErrorCode::InvalidArgument, "delta.columnMapping.mode of a table can only go from none to name")
      .with_number(4207)
      .with_help("leave the property as the table has it");
}

namespace {

/// What a definition makes of a table.
struct DefinedTable {
  Metadata metadata;
  std::set<std::string> features;
  ProtocolRequest request;
};

/// Properties that a table has for good: commit times that went forward go on to.
bool outlives_definition(const std::string& key) {
  return key == "delta.enableInCommitTimestamps" || key.starts_with("delta.inCommitTimestampEnablement");
}

/// `before`: the table in whose place the new one comes; nullptr: there is none.
Result<DefinedTable> define(const TableDefinition& definition, const Snapshot* before, Clock& clock, Random& random) {
  DefinedTable table;
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(definition.properties));
  const ColumnMappingMode mode = properties.column_mapping_mode;
  SLUICE_TRY(check_definition(definition, mode));
  DataType schema = definition.schema;
  Metadata& metadata = table.metadata;
  metadata.configuration = definition.properties;
  SLUICE_TRY_ASSIGN(table.request, take_protocol_request(metadata.configuration));
  std::optional<PresentColumns> present;
  if (before != nullptr) {
    const bool is_mapped = mode != ColumnMappingMode::None;
    for (const auto& [key, value] : before->metadata().configuration) {
      const bool stays = outlives_definition(key) || (is_mapped && key == "delta.columnMapping.maxColumnId");
      if (stays) metadata.configuration.emplace(key, value);
    }
    // Without rows a table can do without the mapping that it had.
    if (is_mapped) SLUICE_TRY(check_mode_change(before->properties().column_mapping_mode, mode));
    present.emplace(PresentColumns{before->schema(), before->properties().column_mapping_mode});
  }
  if (mode != ColumnMappingMode::None) {
    SLUICE_TRY(assign_columns(schema, present ? &*present : nullptr, metadata.configuration, random));
  }
  SLUICE_TRY_ASSIGN(table.features, required_features(schema, metadata.configuration));
  metadata.id = before != nullptr ? before->metadata().id : random.uuid();
  metadata.name = definition.name;
  metadata.description = definition.description;
  metadata.schema_string = write_schema(schema);
  metadata.partition_columns = definition.partition_columns;
  metadata.created_time = clock.now();
  return table;
}

}  // namespace

Result<std::vector<Action>> create_table_actions(const TableDefinition& definition, Clock& clock, Random& random) {
  SLUICE_TRY_ASSIGN(DefinedTable table, define(definition, nullptr, clock, random));
  SLUICE_TRY_ASSIGN(Protocol protocol, table.request.raise(minimal_protocol(table.features)));
  return std::vector<Action>{std::move(protocol), std::move(table.metadata)};
}

Status check_property(const std::string& key, const std::string& value) {
  if (columnar::lower_case(key).starts_with("delta.") && !key.starts_with(kConstraintPrefix) &&
      !is_protocol_property(key)) {
    const auto known = find_property_key(key);
    if (!known || *known != key) return unknown_property(key);
  }
  TableDefinition definition;
  definition.schema = DataType::structure({{"column", DataType::primitive(DataType::Kind::Long), true, {}}});
  definition.properties.emplace(key, value);
  SystemClock clock;
  SystemRandom random;
  auto actions = create_table_actions(definition, clock, random);
  if (!actions) return std::move(actions).error();
  return ok();
}

Result<std::vector<Action>> recreate_table_actions(const Snapshot& before, const TableDefinition& definition,
                                                   Clock& clock, Random& random) {
  SLUICE_TRY_ASSIGN(DefinedTable table, define(definition, &before, clock, random));
  SLUICE_TRY_ASSIGN(Protocol protocol, table.request.raise(upgraded_protocol(before.protocol(), table.features)));
  std::vector<Action> actions;
  if (protocol != before.protocol()) actions.emplace_back(std::move(protocol));
  actions.emplace_back(std::move(table.metadata));
  return actions;
}

Result<std::vector<Action>> alter_table_actions(const Snapshot& table, const TableDefinition& definition,
                                                Random& random) {
  if (definition.partition_columns != table.metadata().partition_columns) {
    return Error(ErrorCode::InvalidArgument, "a table's files cannot be given other partition columns")
        .with_help("replace the table's rows as a whole");
  }
  return replace_table_actions(table, definition, random);
}

Result<std::vector<Action>> replace_table_actions(const Snapshot& table, const TableDefinition& definition,
                                                  Random& random) {
  Metadata metadata = table.metadata();
  for (const auto& [key, value] : definition.properties) metadata.configuration.insert_or_assign(key, value);
  SLUICE_TRY_ASSIGN(const ProtocolRequest request, take_protocol_request(metadata.configuration));
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata.configuration));
  const ColumnMappingMode before = table.properties().column_mapping_mode;
  const ColumnMappingMode after = properties.column_mapping_mode;
  SLUICE_TRY(check_mode_change(before, after));
  SLUICE_TRY(check_definition(definition, after));
  DataType schema = definition.schema;
  keep_field_metadata(schema, table.schema());
  if (after != ColumnMappingMode::None) {
    const PresentColumns present{table.schema(), before};
    SLUICE_TRY(assign_columns(schema, &present, metadata.configuration, random));
  }
  if (definition.name) metadata.name = definition.name;
  if (definition.description) metadata.description = definition.description;
  metadata.partition_columns = definition.partition_columns;
  if (schema != table.schema()) metadata.schema_string = write_schema(schema);

  SLUICE_TRY_ASSIGN(const auto features, required_features(schema, metadata.configuration));
  SLUICE_TRY_ASSIGN(Protocol protocol, request.raise(upgraded_protocol(table.protocol(), features)));
  std::vector<Action> actions;
  if (protocol != table.protocol()) actions.emplace_back(std::move(protocol));
  if (metadata != table.metadata()) actions.emplace_back(std::move(metadata));
  return actions;
}

}  // namespace sluice::delta
