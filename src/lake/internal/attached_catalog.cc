#include "lake/internal/attached_catalog.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <duckdb/catalog/entry_lookup_info.hpp>
#include <duckdb/common/multi_file/multi_file_reader.hpp>
#include <duckdb/main/attached_database.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/database_manager.hpp>
#include <duckdb/parser/constraints/not_null_constraint.hpp>
#include <duckdb/parser/parsed_data/alter_table_info.hpp>
#include <duckdb/parser/parsed_data/attach_info.hpp>
#include <duckdb/parser/parsed_data/create_schema_info.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/planner/operator/logical_projection.hpp>
#include <duckdb/planner/operator/logical_update.hpp>
#include <duckdb/planner/parsed_data/bound_create_table_info.hpp>
#include <duckdb/planner/tableref/bound_at_clause.hpp>
#include <duckdb/storage/database_size.hpp>
#include <duckdb/storage/storage_extension.hpp>

#include "columnar/column_names.h"
#include "delta/delta_schema.h"
#include "delta/duckdb_schema.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/file_metadata.h"
#include "lake/internal/query_names.h"
#include "lake/internal/table_ddl.h"

namespace sluice::lake {
namespace {

[[noreturn]] void fail(duckdb::ClientContext& client, Error error) { names_of(client)->fail(std::move(error)); }

template <typename T>
T value_or_fail(duckdb::ClientContext& client, Result<T> result) {
  if (!result) fail(client, std::move(result).error());
  return std::move(*result);
}

[[noreturn]] void refuse(std::string_view what) {
  throw duckdb::NotImplementedException("an attached folder of Delta tables holds no " + std::string(what));
}

duckdb::CreateTableInfo table_info(const AttachedSchema& schema, const TableName& name,
                                   const delta::Snapshot& snapshot) {
  duckdb::CreateTableInfo info;
  info.schema = schema.name;
  info.table = name.name;
  if (snapshot.metadata().description) info.comment = duckdb::Value(*snapshot.metadata().description);
  const columnar::Schema columns = delta::columnar_schema(snapshot.schema());
  for (std::size_t i = 0; i < columns.fields.size(); ++i) {
    const columnar::Field& field = columns.fields[i];
    duckdb::ColumnDefinition column(field.name, field.type);
    if (const auto comment = delta::comment_of(field.metadata)) column.SetComment(duckdb::Value(*comment));
    info.columns.AddColumn(std::move(column));
    if (!field.nullable) {
      info.constraints.push_back(duckdb::make_uniq<duckdb::NotNullConstraint>(duckdb::LogicalIndex(i)));
    }
  }
  return info;
}

/// What AT says.
struct PointInTime {
  std::optional<delta::Version> version;
  std::optional<UnixMillis> time;
};

PointInTime point_in_time(duckdb::ClientContext& client, const std::string& table, const duckdb::BoundAtClause& at) {
  duckdb::Value value = at.GetValue();
  const bool is_version = duckdb::StringUtil::CIEquals(at.Unit(), "version");
  if (is_version && !value.IsNull() && value.type().IsIntegral() &&
      value.DefaultTryCastAs(duckdb::LogicalType::BIGINT)) {
    return {delta::Version(value.GetValue<std::int64_t>()), std::nullopt};
  }
  if (!is_version && !value.IsNull() && value.DefaultTryCastAs(duckdb::LogicalType::TIMESTAMP_TZ)) {
    if (const auto time = commit_time_of(value)) return {std::nullopt, time};
  }
  fail(client,
       Error(ErrorCode::InvalidArgument, fmt::format("{} AT ({} => {}): {}", table, at.Unit(), at.GetValue().ToString(),
                                                     is_version ? "a version is a whole number" : "this is no time"))
           .with_number(kErrorTimeTravel)
           .with_help(is_version ? "AT (VERSION => 0)" : "AT (TIMESTAMP => '2026-01-31 12:00:00')"));
}

/// What ATTACH needs.
struct AttachInfo final : duckdb::StorageExtensionInfo {
  explicit AttachInfo(OpenFolder open_folder) : open(std::move(open_folder)) {}
  const OpenFolder open;
};

duckdb::unique_ptr<duckdb::Catalog> attach(duckdb::optional_ptr<duckdb::StorageExtensionInfo> storage,
                                           duckdb::ClientContext& client, duckdb::AttachedDatabase& database,
                                           const std::string&, duckdb::AttachInfo& info, duckdb::AttachOptions&) {
  auto folder = value_or_fail(client, static_cast<AttachInfo&>(*storage).open(info.path));
  return duckdb::make_uniq<AttachedCatalog>(database, std::move(folder));
}

duckdb::unique_ptr<duckdb::TransactionManager> make_transactions(duckdb::optional_ptr<duckdb::StorageExtensionInfo>,
                                                                 duckdb::AttachedDatabase& database,
                                                                 duckdb::Catalog& catalog) {
  auto& folder = static_cast<AttachedCatalog&>(catalog).shared_folder();
  return duckdb::make_uniq<AttachedTransactions>(database, folder);
}

}  // namespace

AttachedTable::AttachedTable(AttachedSchema& in_schema, duckdb::CreateTableInfo& info, TableName table_name,
                             std::shared_ptr<const delta::Snapshot> snapshot, std::shared_ptr<store::ObjectStore> store)
    : TableCatalogEntry(in_schema.catalog, in_schema, info),
      schema_(in_schema),
      name_(std::move(table_name)),
      snapshot_(std::move(snapshot)),
      store_(std::move(store)) {}

std::unique_ptr<AttachedTable> AttachedTable::create(AttachedSchema& schema, TableName name,
                                                     std::shared_ptr<const delta::Snapshot> snapshot,
                                                     std::shared_ptr<store::ObjectStore> store) {
  duckdb::CreateTableInfo info = table_info(schema, name, *snapshot);
  return std::unique_ptr<AttachedTable>(
      new AttachedTable(schema, info, std::move(name), std::move(snapshot), std::move(store)));
}

std::shared_ptr<const DeltaScan> AttachedTable::scan(duckdb::ClientContext& client) {
  const auto names = names_of(client);
  if (!scan_) scan_ = value_or_fail(client, names->make_scan({snapshot_, store_}, name_.schema + "." + name_.name));
  names->watch(scan_);
  return scan_;
}

duckdb::unique_ptr<duckdb::BaseStatistics> AttachedTable::GetStatistics(duckdb::ClientContext&, duckdb::column_t) {
  return nullptr;
}

duckdb::TableFunction AttachedTable::GetScanFunction(duckdb::ClientContext& client,
                                                     duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  TableInTransaction& state = AttachedTransaction::get(client, catalog).state_of(*this);
  std::shared_ptr<ScanReads> reads;
  if (state.entries.back().get() == this) reads = state.reads.emplace_back(std::make_shared<ScanReads>());
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<std::string> column_names;
  bind_data = bind_delta_scan(client, scan(client), types, column_names, {std::move(reads), this});
  return delta_scan_function("read_delta");
}

duckdb::TableStorageInfo AttachedTable::GetStorageInfo(duckdb::ClientContext& client) {
  duckdb::TableStorageInfo info;
  if (const auto rows = scan(client)->row_count_estimate()) info.cardinality = *rows;
  return info;
}

void AttachedTable::BindUpdateConstraints(duckdb::Binder&, duckdb::LogicalGet& get,
                                          duckdb::LogicalProjection& projection, duckdb::LogicalUpdate& update,
                                          duckdb::ClientContext&) {
  // The new row is written as a whole, so what UPDATE does not set it takes from the scan. DuckDB's own function for
  // this may read a column twice, which a scan of files does not bear.
  update.update_is_del_and_insert = true;
  for (const auto& column : columns.Physical()) {
    if (std::ranges::count(update.columns, column.Physical()) > 0) continue;
    const auto& read = get.GetColumnIds();
    const auto found = std::ranges::find(read, column.Logical().index, &duckdb::ColumnIndex::GetPrimaryIndex);
    const auto place = static_cast<duckdb::idx_t>(found - read.begin());
    if (found == read.end()) get.AddColumnId(column.Logical().index);
    update.columns.push_back(column.Physical());
    update.expressions.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(
        column.Type(), duckdb::ColumnBinding(projection.table_index, projection.expressions.size())));
    projection.expressions.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(
        column.Type(), duckdb::ColumnBinding(get.table_index, place)));
  }
}

duckdb::virtual_column_map_t AttachedTable::GetVirtualColumns() const {
  duckdb::virtual_column_map_t virtual_columns;
  virtual_columns.emplace(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX,
                          duckdb::TableColumn("file_index", duckdb::LogicalType::UBIGINT));
  virtual_columns.emplace(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER,
                          duckdb::TableColumn("file_row_number", duckdb::LogicalType::BIGINT));
  virtual_columns.emplace(kFileMetadataColumn, duckdb::TableColumn(kFileMetadata, file_metadata_type()));
  virtual_columns.emplace(duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN));
  return virtual_columns;
}

duckdb::vector<duckdb::column_t> AttachedTable::GetRowIdColumns() const {
  return {duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX,
          duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER};
}

void AttachedSchema::Scan(duckdb::ClientContext& client, duckdb::CatalogType wanted,
                          const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (wanted != duckdb::CatalogType::TABLE_ENTRY) return;
  auto& transaction = AttachedTransaction::get(client, catalog);
  for (const std::string& table : folder_.tables(name)) {
    // A table that cannot be read is listed nowhere; who names it learns why.
    const auto found = transaction.find_table(*this, table);
    if (found && *found != nullptr) callback(**found);
  }
}

void AttachedSchema::Scan(duckdb::CatalogType, const std::function<void(duckdb::CatalogEntry&)>&) {}

duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::LookupEntry(duckdb::CatalogTransaction transaction,
                                                                       const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return nullptr;
  duckdb::ClientContext& client = transaction.GetContext();
  auto& reader = AttachedTransaction::get(client, catalog);
  const std::string& table = lookup.GetEntryName();
  const auto at = lookup.GetAtClause();
  if (!at) return value_or_fail(client, reader.find_table(*this, table));
  const PointInTime then = point_in_time(client, table, *at);
  return value_or_fail(client, reader.find_table_at(*this, table, then.version, then.time));
}

duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateTable(duckdb::CatalogTransaction transaction,
                                                                       duckdb::BoundCreateTableInfo& info) {
  duckdb::ClientContext& client = transaction.GetContext();
  auto creation = value_or_fail(client, TableCreation::begin(client, *this, info.Base()));
  if (!creation) return nullptr;
  if (Status created = creation->commit_definition(client, "CREATE TABLE"); !created)
    fail(client, std::move(created).error());
  return creation->entry();
}

void AttachedSchema::Alter(duckdb::CatalogTransaction transaction, duckdb::AlterInfo& info) {
  duckdb::ClientContext& client = transaction.GetContext();
  if (Status altered = alter_table(client, *this, info); !altered) fail(client, std::move(altered).error());
}

void AttachedSchema::DropEntry(duckdb::ClientContext& client, duckdb::DropInfo& info) {
  fail(client, Error(ErrorCode::Unsupported, fmt::format("{} cannot be dropped by a statement", info.name))
                   .with_number(kErrorStatement)
                   .with_help("a Delta table is its folder: other systems may read it, and nobody could undo it; "
                              "remove the folder yourself, or DELETE FROM the table"));
}

duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateIndex(duckdb::CatalogTransaction,
                                                                       duckdb::CreateIndexInfo&,
                                                                       duckdb::TableCatalogEntry&) {
  refuse("indexes");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateFunction(duckdb::CatalogTransaction,
                                                                          duckdb::CreateFunctionInfo&) {
  refuse("functions");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateView(duckdb::CatalogTransaction,
                                                                      duckdb::CreateViewInfo&) {
  refuse("views; CREATE TEMP VIEW makes one for these statements");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateSequence(duckdb::CatalogTransaction,
                                                                          duckdb::CreateSequenceInfo&) {
  refuse("sequences");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateTableFunction(duckdb::CatalogTransaction,
                                                                               duckdb::CreateTableFunctionInfo&) {
  refuse("table functions");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateCopyFunction(duckdb::CatalogTransaction,
                                                                              duckdb::CreateCopyFunctionInfo&) {
  refuse("copy functions");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreatePragmaFunction(duckdb::CatalogTransaction,
                                                                                duckdb::CreatePragmaFunctionInfo&) {
  refuse("pragmas");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateCollation(duckdb::CatalogTransaction,
                                                                           duckdb::CreateCollationInfo&) {
  refuse("collations");
}
duckdb::optional_ptr<duckdb::CatalogEntry> AttachedSchema::CreateType(duckdb::CatalogTransaction,
                                                                      duckdb::CreateTypeInfo&) {
  refuse("types");
}

AttachedCatalog::~AttachedCatalog() = default;

duckdb::DatabaseSize AttachedCatalog::GetDatabaseSize(duckdb::ClientContext&) { return {}; }

duckdb::ErrorData AttachedCatalog::SupportsCreateTable(duckdb::BoundCreateTableInfo& info) {
  if (info.Base().sort_keys.empty()) return {};
  return duckdb::ErrorData(duckdb::ExceptionType::NOT_IMPLEMENTED, "SORTED BY is not for Delta tables");
}

duckdb::unique_ptr<duckdb::LogicalOperator> AttachedCatalog::BindCreateIndex(
    duckdb::Binder&, duckdb::CreateStatement&, duckdb::TableCatalogEntry&,
    duckdb::unique_ptr<duckdb::LogicalOperator>) {
  refuse("indexes; PARTITIONED BY, and statistics, keep queries from files that they do not need");
}

AttachedSchema& AttachedCatalog::schema_entry(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& entry = schemas_[name];
  if (!entry) {
    duckdb::CreateSchemaInfo info;
    info.catalog = GetName();
    info.schema = name;
    entry = std::make_unique<AttachedSchema>(*this, info, *folder_);
  }
  return *entry;
}

duckdb::optional_ptr<duckdb::CatalogEntry> AttachedCatalog::CreateSchema(duckdb::CatalogTransaction transaction,
                                                                         duckdb::CreateSchemaInfo& info) {
  if (const auto known = folder_->find_schema(info.schema)) {
    if (info.on_conflict == duckdb::OnCreateConflict::IGNORE_ON_CONFLICT) return nullptr;
    throw duckdb::CatalogException::EntryAlreadyExists(duckdb::CatalogType::SCHEMA_ENTRY, *known);
  }
  if (!AttachedFolder::is_folder_name(info.schema)) {
    fail(transaction.GetContext(), Error(ErrorCode::InvalidArgument,
                                         fmt::format("\"{}\" cannot be a schema: it is no folder's name", info.schema))
                                       .with_number(kErrorAttach)
                                       .with_help("without '/', and not beginning with '.' or '_'"));
  }
  folder_->add_schema(info.schema);
  return schema_entry(info.schema);
}

duckdb::optional_ptr<duckdb::SchemaCatalogEntry> AttachedCatalog::LookupSchema(duckdb::CatalogTransaction,
                                                                               const duckdb::EntryLookupInfo& lookup,
                                                                               duckdb::OnEntryNotFound if_not_found) {
  if (const auto known = folder_->find_schema(lookup.GetEntryName())) return schema_entry(*known);
  if (if_not_found == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
  throw duckdb::CatalogException(lookup.GetErrorContext(), "there is no schema \"%s\" in %s", lookup.GetEntryName(),
                                 folder_->path());
}

void AttachedCatalog::ScanSchemas(duckdb::ClientContext&, std::function<void(duckdb::SchemaCatalogEntry&)> callback) {
  for (const std::string& name : folder_->schemas()) callback(schema_entry(name));
}

void AttachedCatalog::DropSchema(duckdb::ClientContext& client, duckdb::DropInfo& info) {
  fail(client, Error(ErrorCode::Unsupported, fmt::format("schema {} cannot be dropped by a statement", info.name))
                   .with_number(kErrorStatement)
                   .with_help("a schema is a folder of tables; remove it yourself"));
}

void register_attached_catalog(duckdb::DBConfig& config, OpenFolder open) {
  auto extension = duckdb::make_shared_ptr<duckdb::StorageExtension>();
  extension->attach = attach;
  extension->create_transaction_manager = make_transactions;
  extension->storage_info = duckdb::make_shared_ptr<AttachInfo>(std::move(open));
  duckdb::StorageExtension::Register(config, AttachedCatalog::kType, std::move(extension));
}

bool is_attached(duckdb::ClientContext& client, const std::string& name) {
  const auto database = duckdb::DatabaseManager::Get(client).GetDatabase(name);
  return database && database->GetCatalog().GetCatalogType() == AttachedCatalog::kType;
}

bool is_in_attached(duckdb::ClientContext& client, const std::string& catalog, const std::string& schema) {
  if (!catalog.empty()) return is_attached(client, catalog);
  if (!schema.empty() && is_attached(client, schema)) return true;
  return is_attached(client, duckdb::DatabaseManager::GetDefaultDatabase(client));
}

void for_each_attached(duckdb::ClientContext& client,
                       const std::function<void(const std::string& database, AttachedTable& table)>& visit) {
  for (const auto& database : duckdb::DatabaseManager::Get(client).GetDatabases(client)) {
    if (database->IsSystem() || database->IsTemporary()) continue;
    duckdb::Catalog& catalog = database->GetCatalog();
    if (catalog.GetCatalogType() != AttachedCatalog::kType) continue;
    catalog.ScanSchemas(client, [&](duckdb::SchemaCatalogEntry& schema) {
      schema.Scan(client, duckdb::CatalogType::TABLE_ENTRY,
                  [&](duckdb::CatalogEntry& table) { visit(database->GetName(), static_cast<AttachedTable&>(table)); });
    });
  }
}

}  // namespace sluice::lake
