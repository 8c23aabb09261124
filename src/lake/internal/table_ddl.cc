#include "lake/internal/table_ddl.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <duckdb/common/string_util.hpp>
#include <duckdb/parser/constraints/not_null_constraint.hpp>
#include <duckdb/parser/expression/cast_expression.hpp>
#include <duckdb/parser/expression/columnref_expression.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/parsed_data/alter_table_info.hpp>
#include <duckdb/parser/parsed_data/comment_on_column_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/alter_statement.hpp>
#include <duckdb/planner/binder.hpp>

#include "columnar/guard.h"
#include "columnar/schema.h"
#include "delta/column_assignment.h"
#include "delta/duckdb_schema.h"
#include "delta/protocol_request.h"
#include "delta/row_removal.h"
#include "delta/schema_change.h"
#include "delta/table_definition.h"
#include "delta/table_properties.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/query_names.h"
#include "lake/internal/row_check.h"
#include "lake/internal/statement_text.h"

namespace sluice::lake {
namespace {

Error refused(std::string message, std::string help) {
  return Error(ErrorCode::Unsupported, std::move(message)).with_number(kErrorStatement).with_help(std::move(help));
}

using delta::kConstraintPrefix;

Result<std::string> text_of_option(const std::string& key, const duckdb::ParsedExpression& value) {
  if (value.GetExpressionClass() == duckdb::ExpressionClass::CONSTANT) {
    const duckdb::Value& constant = value.Cast<duckdb::ConstantExpression>().value;
    if (!constant.IsNull()) return constant.ToString();
  }
  if (value.GetExpressionClass() == duckdb::ExpressionClass::CAST) {  // true is CAST('t' AS BOOLEAN) to the parser
    const auto& cast = value.Cast<duckdb::CastExpression>();
    if (cast.cast_type.ToString() == "BOOLEAN" &&  // a name yet, no type
        cast.child->GetExpressionClass() == duckdb::ExpressionClass::CONSTANT) {
      return cast.child->Cast<duckdb::ConstantExpression>().value.ToString() == "t" ? "true" : "false";
    }
  }
  if (value.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF) {  // name: a word without quotes
    return value.Cast<duckdb::ColumnRefExpression>().GetColumnName();
  }
  return Error(ErrorCode::InvalidArgument, fmt::format("the property {} is no constant: {}", key, value.ToString()))
      .with_number(kErrorStatement)
      .with_help(fmt::format("('{}' = 'text')", key));
}

/// Returns the key as it is written in tables: DuckDB's parser gives keys in lower case. A key that `present` has in any
/// case stands for that one; otherwise keys of Delta itself must be known, and others stay in lower case.
Result<std::string> spelled(const std::string& key, const std::map<std::string, std::string>& present) {
  const auto same = std::ranges::find_if(
      present, [&](const auto& property) { return duckdb::StringUtil::CIEquals(property.first, key); });
  if (same != present.end()) return same->first;
  if (const auto known = delta::find_property_key(key)) return std::string(*known);
  if (!key.starts_with("delta.") || key.starts_with(kConstraintPrefix) || delta::is_protocol_property(key)) return key;
  return delta::unknown_property(key).with_number(kErrorStatement);
}

/// Returns the properties that a statement names, for a table that has the properties `present`.
template <typename Options>
Result<std::map<std::string, std::string>> properties_of(const Options& options,
                                                         const std::map<std::string, std::string>& present) {
  std::map<std::string, std::string> properties;
  for (const auto& [key, value] : options) {
    SLUICE_TRY_ASSIGN(const std::string name, spelled(key, present));
    SLUICE_TRY_ASSIGN(properties[name], text_of_option(name, *value));
  }
  return properties;
}

Result<std::vector<std::string>> partition_columns_of(const duckdb::CreateTableInfo& info) {
  std::vector<std::string> names;
  for (const auto& key : info.partition_keys) {
    if (key->GetExpressionClass() != duckdb::ExpressionClass::COLUMN_REF) {
      return refused(fmt::format("PARTITIONED BY ({}): a Delta table is partitioned by columns", key->ToString()),
                     "add a column that holds the value");
    }
    const std::string& name = key->Cast<duckdb::ColumnRefExpression>().GetColumnName();
    const auto& columns = info.columns;
    names.push_back(columns.ColumnExists(name) ? columns.GetColumn(name).Name() : name);
  }
  return names;
}

/// Returns the columns in the types in which they are stored.
Result<columnar::Schema> columns_of(const duckdb::CreateTableInfo& info) {
  columnar::Schema schema;
  for (const auto& column : info.columns.Logical()) {
    if (column.Generated()) {
      return refused(fmt::format("column {} is generated: this version does not write such tables", column.Name()),
                     "compute the column when you insert");
    }
    if (column.HasDefaultValue()) {
      return refused(fmt::format("column {} has a default: this version does not write such tables", column.Name()),
                     "name the value when you insert");
    }
    if (column.Type().id() == duckdb::LogicalTypeId::VARCHAR &&
        !duckdb::StringType::GetCollation(column.Type()).empty()) {
      return refused(fmt::format("column {} has a collation: this version does not write such tables", column.Name()),
                     "compare in the query: … COLLATE nocase");
    }
    schema.fields.push_back({column.Name(), column.Type(), true, {}});
  }
  for (const auto& constraint : info.constraints) {
    if (constraint->type == duckdb::ConstraintType::NOT_NULL) {
      schema.fields[constraint->Cast<duckdb::NotNullConstraint>().index.index].nullable = false;
      continue;
    }
    if (constraint->type == duckdb::ConstraintType::CHECK) {  // the others have become properties (statement_text.h)
      return refused(fmt::format("{}: two constraints have the same name", constraint->ToString()),
                     "give each its own: CONSTRAINT name CHECK (…); upper and lower case are the same");
    }
    return refused(fmt::format("{}: Delta tables have no keys", constraint->ToString()),
                   "MERGE INTO keeps rows unique by what you match on");
  }
  return schema;
}

Result<delta::TableDefinition> definition_of(const duckdb::CreateTableInfo& info) {
  delta::TableDefinition definition;
  SLUICE_TRY_ASSIGN(const columnar::Schema columns, columns_of(info));
  SLUICE_TRY_ASSIGN(definition.schema, delta::delta_schema(columns));
  SLUICE_TRY_ASSIGN(definition.partition_columns, partition_columns_of(info));
  SLUICE_TRY_ASSIGN(definition.properties, properties_of(info.options, {}));
  if (!info.comment.IsNull()) definition.description = info.comment.ToString();
  if (delta::needs_column_mapping(definition.schema)) definition.properties.emplace("delta.columnMapping.mode", "name");
  return definition;
}

/// Returns the actions that make the table anew in place of the one there is, without its rows.
Result<std::vector<delta::Action>> replacement(const delta::Snapshot& table, const delta::TableDefinition& definition,
                                               AttachedFolder& folder) {
  SLUICE_TRY_ASSIGN(auto actions, delta::recreate_table_actions(table, definition, folder.clock(), folder.random()));
  for (const delta::AddFile& file : table.files()) {
    actions.emplace_back(delta::removal_of(file, folder.clock().now()));
  }
  return actions;
}

/// Ok if no row has NULL in the column.
Status check_no_null(duckdb::ClientContext& client, AttachedTable& table, const std::string& column) {
  const auto scan = table.scan(client);
  const auto index = scan->schema().find(column);
  if (!index) return ok();
  const LiveRowSink look = [&](duckdb::DataChunk& rows, const delta::AddFile&,
                               std::span<const std::uint64_t>) -> Status {
    duckdb::UnifiedVectorFormat format;
    rows.data[*index].ToUnifiedFormat(rows.size(), format);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (format.validity.RowIsValid(format.sel->get_index(row))) continue;
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("column {} cannot be NOT NULL: rows have NULL there", column))
          .with_number(kErrorConstraint)
          .with_help(fmt::format("UPDATE … SET {0} = … WHERE {0} IS NULL comes first", column));
    }
    return ok();
  };
  return scan_files(client, scan, look);
}

/// Ok if the table's constraints mean something with its columns. Errors: RowCheck::compile()'s.
Status check_constraints(duckdb::ClientContext& client, const std::string& name, const delta::Snapshot& table) {
  SLUICE_TRY_ASSIGN(const auto constraints, delta::row_constraints(table.metadata(), table.schema()));
  SLUICE_TRY(RowCheck::compile(client, name, table, constraints));
  return ok();
}

/// Takes the steps that an ALTER TABLE means.
class Alteration {
 public:
  Alteration(duckdb::ClientContext& client, AttachedTable& table)
      : client_(client), table_(table), change_(*table.snapshot()) {}

  Status run(duckdb::AlterTableInfo& info, const StatementExtras& extras) {
    extras_ = extras;
    switch (info.alter_table_type) {
      case duckdb::AlterTableType::ADD_COLUMN: return add(info.Cast<duckdb::AddColumnInfo>());
      case duckdb::AlterTableType::ADD_FIELD: return add(info.Cast<duckdb::AddFieldInfo>());
      case duckdb::AlterTableType::RENAME_COLUMN: {
        const auto& rename = info.Cast<duckdb::RenameColumnInfo>();
        return this->rename({rename.old_name}, rename.new_name);
      }
      case duckdb::AlterTableType::RENAME_FIELD: {
        const auto& rename = info.Cast<duckdb::RenameFieldInfo>();
        return this->rename(path_of(rename.column_path), rename.new_name);
      }
      case duckdb::AlterTableType::REMOVE_COLUMN: {
        const auto& drop = info.Cast<duckdb::RemoveColumnInfo>();
        return this->drop({drop.removed_column}, drop.if_column_exists);
      }
      case duckdb::AlterTableType::REMOVE_FIELD: {
        const auto& drop = info.Cast<duckdb::RemoveFieldInfo>();
        return this->drop(path_of(drop.column_path), drop.if_column_exists);
      }
      case duckdb::AlterTableType::SET_NOT_NULL: {
        const std::string& column = info.Cast<duckdb::SetNotNullInfo>().column_name;
        SLUICE_TRY(check_no_null(client_, table_, column));
        reads_rows_ = true;
        operation_ = "CHANGE COLUMN";
        return change_.set_nullable(std::vector{column}, false);
      }
      case duckdb::AlterTableType::DROP_NOT_NULL:
        operation_ = "CHANGE COLUMN";
        return change_.set_nullable(std::vector{info.Cast<duckdb::DropNotNullInfo>().column_name}, true);
      case duckdb::AlterTableType::SET_TABLE_OPTIONS: {
        operation_ = "SET TBLPROPERTIES";
        if (is_constraint(info.Cast<duckdb::SetTableOptionsInfo>().table_options)) return add_constraint(info);
        SLUICE_TRY_ASSIGN(const auto properties, properties_of(info.Cast<duckdb::SetTableOptionsInfo>().table_options,
                                                               table_.snapshot()->metadata().configuration));
        for (const auto& [key, value] : properties) SLUICE_TRY(change_.set_property(key, value));
        return ok();
      }
      case duckdb::AlterTableType::RESET_TABLE_OPTIONS:
        operation_ = "UNSET TBLPROPERTIES";
        if (const auto& keys = info.Cast<duckdb::ResetTableOptionsInfo>().table_options;
            keys.size() == 1 && keys.begin()->starts_with(kConstraintPrefix)) {
          return drop_constraint(keys.begin()->substr(kConstraintPrefix.size()));
        }
        for (const std::string& key : info.Cast<duckdb::ResetTableOptionsInfo>().table_options) {
          SLUICE_TRY_ASSIGN(const std::string name, spelled(key, table_.snapshot()->metadata().configuration));
          SLUICE_TRY(change_.set_property(name, std::nullopt));
        }
        return ok();
      case duckdb::AlterTableType::ALTER_COLUMN_TYPE: return widen(info.Cast<duckdb::ChangeColumnTypeInfo>());
      case duckdb::AlterTableType::RENAME_TABLE:
        return refused("a Delta table is its folder, which a statement does not rename", "move the folder yourself");
      default: return refused(fmt::format("this cannot be done to a Delta table: {}", info.ToString()), "");
    }
  }

  Status comment(const duckdb::SetColumnCommentInfo& info) {
    operation_ = "CHANGE COLUMN";
    return change_.set_comment(std::vector{info.column_name}, text_of(info.comment_value));
  }
  Status comment(const duckdb::SetCommentInfo& info) {
    operation_ = "SET TBLPROPERTIES";
    change_.set_description(text_of(info.comment_value));
    return ok();
  }

  /// Makes the steps part of the transaction.
  Status commit() && {
    auto actions = std::move(change_).finish(table_.attached_schema().folder().random());
    if (!actions) return std::move(actions).error().in(table_.name);
    if (actions->empty()) return ok();
    AttachedTransaction& transaction = AttachedTransaction::get(client_, table_.catalog);
    TableInTransaction& state = transaction.state_of(table_);
    if (reads_rows_) {
      state.reads.push_back(std::make_shared<ScanReads>());
    }
    delta::CommitInfo info;
    info.operation = operation_;
    info.operation_parameters = std::move(parameters_);
    SLUICE_TRY(check_constraints_hold_on(*actions));
    return transaction.add_actions(table_.attached_schema(), state, std::move(*actions), std::move(info));
  }

 private:
  /// Ok if the table's constraints still mean something with the columns that the actions leave.
  Status check_constraints_hold_on(std::span<const delta::Action> actions) {
    SLUICE_TRY_ASSIGN(const auto changed, delta::Snapshot::preview(table_.snapshot().get(), actions));
    if (changed->schema() == table_.snapshot()->schema()) return ok();
    const Status checked = check_constraints(client_, table_.name, *changed);
    if (checked) return ok();
    return refused(fmt::format("a constraint needs the column: {}", checked.error().message()),
                   "ALTER TABLE … DROP CONSTRAINT comes first");
  }

  static std::vector<std::string> path_of(const duckdb::vector<std::string>& path) {
    return {path.begin(), path.end()};
  }

  static std::optional<std::string> text_of(const duckdb::Value& comment) {
    return comment.IsNull() ? std::nullopt : std::optional(comment.ToString());
  }

  Status add_column(std::vector<std::string> parent, const duckdb::ColumnDefinition& column, bool if_not_exists) {
    operation_ = "ADD COLUMNS";
    std::vector<std::string> path = parent;
    path.push_back(column.Name());
    if (if_not_exists && change_.find(path) != nullptr) return ok();
    if (column.HasDefaultValue()) {
      return refused(fmt::format("column {} has a default: this version does not write such tables", column.Name()),
                     "add it without, then UPDATE the rows there are");
    }
    columnar::Schema schema;
    schema.fields.push_back({column.Name(), column.Type(), true, {}});
    SLUICE_TRY_ASSIGN(auto type, delta::delta_schema(schema));
    // What the change needs of the table is checked with all steps; here the name alone.
    SLUICE_TRY(change_.add_column(parent, std::move(type.fields.front())));
    const auto& place = extras_.place;
    return place ? change_.move_column(path, place->after) : ok();
  }
  Status add(const duckdb::AddColumnInfo& info) { return add_column({}, info.new_column, info.if_column_not_exists); }
  Status add(const duckdb::AddFieldInfo& info) {
    return add_column(path_of(info.column_path), info.new_field, info.if_field_not_exists);
  }

  /// ADD CONSTRAINT becomes a property (statement_text.h).
  template <typename Options>
  static bool is_constraint(const Options& options) {
    return options.size() == 1 && options.begin()->first.starts_with(kConstraintPrefix);
  }

  Status add_constraint(const duckdb::AlterTableInfo& info) {
    const auto& [key, value] = *info.Cast<duckdb::SetTableOptionsInfo>().table_options.begin();
    const std::string name = key.substr(kConstraintPrefix.size());
    SLUICE_TRY_ASSIGN(const std::string expression, text_of_option(key, *value));
    SLUICE_TRY(change_.set_constraint(name, expression));
    SLUICE_TRY(check_rows_meet({name, expression}));
    operation_ = "ADD CONSTRAINT";
    parameters_ = {{"name", name}, {"expr", expression}};
    reads_rows_ = true;
    return ok();
  }

  Status drop_constraint(const std::string& name) {
    operation_ = "DROP CONSTRAINT";
    parameters_ = {{"name", name}};
    Status dropped = change_.set_constraint(name, std::nullopt);
    if (!dropped && dropped.error().code() == ErrorCode::NotFound && extras_.if_exists) return ok();
    return dropped;
  }

  Status check_rows_meet(const delta::RowConstraint& constraint) {
    SLUICE_TRY_ASSIGN(const auto check, RowCheck::compile(client_, table_.name, *table_.snapshot(), {constraint}));
    RowChecker checker(client_, check);
    const LiveRowSink look = [&](duckdb::DataChunk& rows, const delta::AddFile&,
                                 std::span<const std::uint64_t>) -> Status {
      std::optional<RowChecker::Violation> violation;
      SLUICE_TRY(columnar::guard([&] { violation = checker.find_violation(rows); }));
      if (!violation) return ok();
      return Error(ErrorCode::InvalidArgument,
                   fmt::format("the constraint {} cannot be added: there is a row that does not meet it: {}",
                               constraint.name, row_text(table_.scan(client_)->schema(), rows, violation->row)))
          .with_number(kErrorConstraint)
          .with_help("UPDATE or DELETE such rows first; a condition that is NULL is not met");
    };
    return scan_files(client_, table_.scan(client_), look);
  }

  Status widen(const duckdb::ChangeColumnTypeInfo& info) {
    if (info.expression->GetExpressionClass() != duckdb::ExpressionClass::CAST ||
        info.expression->Cast<duckdb::CastExpression>().child->GetExpressionClass() !=
            duckdb::ExpressionClass::COLUMN_REF) {
      return refused("USING computes values anew, and the files of the table stay as they are",
                     "add a column of the new type and fill it by UPDATE");
    }
    std::vector<std::string> path = extras_.typed_path;
    if (path.empty()) path = {info.column_name};
    columnar::Schema schema;
    schema.fields.push_back({path.back(), info.target_type, true, {}});
    SLUICE_TRY_ASSIGN(const delta::DataType type, delta::delta_schema(schema));
    SLUICE_TRY(change_.widen_type(path, type.fields.front().type));
    SLUICE_TRY(check_no_constraint_needs(path));
    operation_ = "CHANGE COLUMN";
    return ok();
  }

  /// Ok if no constraint of the table looks at the column: what it says of values may depend on their type.
  Status check_no_constraint_needs(std::span<const std::string> path) {
    const delta::Snapshot& table = *table_.snapshot();
    SLUICE_TRY_ASSIGN(const auto constraints, delta::row_constraints(table.metadata(), table.schema()));
    for (const delta::RowConstraint& constraint : constraints) {
      if (!may_look_at(client_, table_.name, table, constraint, path)) continue;
      return refused(fmt::format("column {} cannot get another type: the constraint {} needs it ({})",
                                 fmt::join(path, "."), constraint.name, constraint.expression),
                     "ALTER TABLE … DROP CONSTRAINT comes first; ADD CONSTRAINT puts it back");
    }
    return ok();
  }

  Status rename(const std::vector<std::string>& path, const std::string& name) {
    if (const auto& place = extras_.place) {
      operation_ = "CHANGE COLUMN";
      return change_.move_column(path, place->after);
    }
    operation_ = "RENAME COLUMN";
    return change_.rename_column(path, name);
  }

  Status drop(const std::vector<std::string>& path, bool if_exists) {
    operation_ = "DROP COLUMNS";
    if (if_exists && change_.find(path) == nullptr) return ok();
    return change_.drop_column(path);
  }

  duckdb::ClientContext& client_;
  AttachedTable& table_;
  delta::SchemaChange change_;
  StatementExtras extras_;  // of the step at hand
  std::string operation_;
  std::map<std::string, std::string> parameters_;
  bool reads_rows_ = false;
};

}  // namespace

Result<std::unique_ptr<TableCreation>> TableCreation::begin(duckdb::ClientContext& client, AttachedSchema& schema,
                                                            const duckdb::CreateTableInfo& info) {
  AttachedTransaction& transaction = AttachedTransaction::get(client, schema.catalog);
  SLUICE_TRY_ASSIGN(const AttachedTable* present, transaction.find_table(schema, info.table));
  const bool replaces = info.on_conflict == duckdb::OnCreateConflict::REPLACE_ON_CONFLICT;
  if (present != nullptr && !replaces) {
    if (info.on_conflict == duckdb::OnCreateConflict::IGNORE_ON_CONFLICT) return std::unique_ptr<TableCreation>();
    return Error(ErrorCode::AlreadyExists, fmt::format("there is a table {}.{} already", schema.name, info.table))
        .with_number(kErrorStatement)
        .with_help("CREATE TABLE IF NOT EXISTS leaves it as it is, CREATE OR REPLACE TABLE makes it anew");
  }
  SLUICE_TRY_ASSIGN(const delta::TableDefinition definition, definition_of(info));
  auto creation = std::make_unique<TableCreation>();
  creation->schema_ = &schema;
  AttachedFolder& folder = schema.folder();
  if (present != nullptr) {
    TableInTransaction& state = transaction.state_of(*present);
    SLUICE_TRY(transaction.check_may_change(state));
    state.reads.push_back(std::make_shared<ScanReads>());  // rows that others add meanwhile are not to stay
    SLUICE_TRY_ASSIGN(creation->actions_, replacement(*present->snapshot(), definition, folder));
    SLUICE_TRY_ASSIGN(auto without_rows, delta::Snapshot::preview(present->snapshot().get(), creation->actions_));
    SLUICE_TRY(check_constraints(client, info.table, *without_rows));
    state.entries.push_back(AttachedTable::create(schema, state.name, std::move(without_rows), state.store));
    creation->entry_ = state.entries.back().get();
    return creation;
  }
  SLUICE_TRY_ASSIGN(creation->actions_, delta::create_table_actions(definition, folder.clock(), folder.random()));
  SLUICE_TRY_ASSIGN(auto without_rows, delta::Snapshot::preview(nullptr, creation->actions_));
  SLUICE_TRY(check_constraints(client, info.table, *without_rows));
  SLUICE_TRY_ASSIGN(TableInTransaction* const state, transaction.start_table({schema.name, info.table}));
  SLUICE_TRY(transaction.check_may_change(*state));
  state->entries.push_back(AttachedTable::create(schema, state->name, std::move(without_rows), state->store));
  creation->entry_ = state->entries.back().get();
  return creation;
}

Status TableCreation::commit_definition(duckdb::ClientContext& client, const std::string& operation) {
  AttachedTransaction& transaction = AttachedTransaction::get(client, schema_->catalog);
  delta::CommitInfo info;
  info.operation = operation;
  return transaction.add_actions(*schema_, transaction.state_of(*entry_), std::move(actions_), std::move(info));
}

Result<duckdb::vector<duckdb::LogicalType>> stored_types(const duckdb::CreateTableInfo& info) {
  duckdb::vector<duckdb::LogicalType> types;
  for (const auto& column : info.columns.Physical()) {
    const auto type = columnar::stored_type(column.Type());
    if (!type) {
      return Error(ErrorCode::Unsupported, fmt::format("column {} has type {}, which a Delta table cannot keep",
                                                       column.Name(), column.Type().ToString()))
          .with_number(kErrorStatement)
          .with_help("cast it in the query");
    }
    types.push_back(*type);
  }
  return types;
}

namespace {

/// Takes a further step of an ALTER TABLE (StatementExtras). Throws DuckDB's exceptions.
Status run_step(duckdb::ClientContext& client, Alteration& alteration, const std::string& step) {
  const StatementText statement = StatementText::adapt("ALTER TABLE t " + step);
  duckdb::Parser parser(client.GetParserOptions());
  parser.ParseQuery(statement.parsed());
  auto& info = parser.statements.front()->Cast<duckdb::AlterStatement>().info->Cast<duckdb::AlterTableInfo>();
  const auto bind_type = [&](duckdb::ColumnDefinition& column) {
    const auto binder = duckdb::Binder::CreateBinder(client);
    binder->BindLogicalType(column.TypeMutable());
  };
  if (info.alter_table_type == duckdb::AlterTableType::ADD_COLUMN)
    bind_type(info.Cast<duckdb::AddColumnInfo>().new_column);
  if (info.alter_table_type == duckdb::AlterTableType::ADD_FIELD)
    bind_type(info.Cast<duckdb::AddFieldInfo>().new_field);
  return alteration.run(info, statement.extras());
}

}  // namespace

Status alter_table(duckdb::ClientContext& client, AttachedSchema& schema, duckdb::AlterInfo& info) {
  AttachedTransaction& transaction = AttachedTransaction::get(client, schema.catalog);
  SLUICE_TRY_ASSIGN(AttachedTable* const table, transaction.find_table(schema, info.name));
  if (table == nullptr) {
    if (info.if_not_found == duckdb::OnEntryNotFound::RETURN_NULL) return ok();
    return Error(ErrorCode::NotFound, fmt::format("there is no table {}.{}", schema.name, info.name))
        .with_number(kErrorQueryTable);
  }
  SLUICE_TRY(transaction.check_may_change(transaction.state_of(*table)));
  Alteration alteration(client, *table);
  switch (info.type) {
    case duckdb::AlterType::ALTER_TABLE: {
      const StatementExtras& extras = names_of(client)->extras();
      SLUICE_TRY(alteration.run(info.Cast<duckdb::AlterTableInfo>(), extras));
      for (const std::string& step : extras.further_steps) SLUICE_TRY(run_step(client, alteration, step));
      break;
    }
    case duckdb::AlterType::SET_COLUMN_COMMENT:
      SLUICE_TRY(alteration.comment(info.Cast<duckdb::SetColumnCommentInfo>()));
      break;
    case duckdb::AlterType::SET_COMMENT: SLUICE_TRY(alteration.comment(info.Cast<duckdb::SetCommentInfo>())); break;
    default: return refused("this cannot be done to a Delta table", "");
  }
  return std::move(alteration).commit();
}

}  // namespace sluice::lake
