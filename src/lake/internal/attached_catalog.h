#pragma once

#include <functional>
#include <memory>
#include <string>

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/main/config.hpp>
#include <duckdb/storage/table_storage_info.hpp>

#include "base/result.h"
#include "delta/snapshot.h"
#include "lake/delta_table.h"
#include "lake/internal/attached_folder.h"
#include "lake/internal/attached_transaction.h"
#include "lake/internal/delta_scan.h"

namespace sluice::lake {

class AttachedSchema;

/// One state of a table of an attached folder, as DuckDB sees a table. Belongs to a transaction.
class AttachedTable final : public duckdb::TableCatalogEntry {
 public:
  static std::unique_ptr<AttachedTable> create(AttachedSchema& schema, TableName name,
                                               std::shared_ptr<const delta::Snapshot> snapshot,
                                               std::shared_ptr<store::ObjectStore> store);

  AttachedSchema& attached_schema() { return schema_; }
  const TableName& table_name() const { return name_; }
  const std::shared_ptr<const delta::Snapshot>& snapshot() const { return snapshot_; }
  const std::shared_ptr<store::ObjectStore>& store() const { return store_; }
  /// Returns the scan that all reads of this state share: so its file numbers mean the same everywhere. Made when first
  /// needed; throws DuckDB's exception after keeping the error.
  std::shared_ptr<const DeltaScan> scan(duckdb::ClientContext& client);

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&, duckdb::column_t) override;
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& client,
                                        duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext& client) override;
  void BindUpdateConstraints(duckdb::Binder& binder, duckdb::LogicalGet& get, duckdb::LogicalProjection& projection,
                             duckdb::LogicalUpdate& update, duckdb::ClientContext& client) override;
  duckdb::virtual_column_map_t GetVirtualColumns() const override;
  duckdb::vector<duckdb::column_t> GetRowIdColumns() const override;

 private:
  AttachedTable(AttachedSchema& in_schema, duckdb::CreateTableInfo& info, TableName table_name,
                std::shared_ptr<const delta::Snapshot> snapshot, std::shared_ptr<store::ObjectStore> store);

  AttachedSchema& schema_;
  const TableName name_;
  const std::shared_ptr<const delta::Snapshot> snapshot_;
  const std::shared_ptr<store::ObjectStore> store_;
  std::shared_ptr<const DeltaScan> scan_;
};

/// A schema of an attached folder. Belongs to the catalog; its tables to the transactions.
class AttachedSchema final : public duckdb::SchemaCatalogEntry {
 public:
  AttachedSchema(duckdb::Catalog& in_catalog, duckdb::CreateSchemaInfo& info, AttachedFolder& folder)
      : SchemaCatalogEntry(in_catalog, info), folder_(folder) {}

  AttachedFolder& folder() { return folder_; }

  void Scan(duckdb::ClientContext& client, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  void Scan(duckdb::CatalogType type, const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(duckdb::CatalogTransaction transaction,
                                                         const duckdb::EntryLookupInfo& lookup) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateTable(duckdb::CatalogTransaction transaction,
                                                         duckdb::BoundCreateTableInfo& info) override;
  void Alter(duckdb::CatalogTransaction transaction, duckdb::AlterInfo& info) override;
  void DropEntry(duckdb::ClientContext& client, duckdb::DropInfo& info) override;

  duckdb::optional_ptr<duckdb::CatalogEntry> CreateIndex(duckdb::CatalogTransaction, duckdb::CreateIndexInfo&,
                                                         duckdb::TableCatalogEntry&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateFunction(duckdb::CatalogTransaction,
                                                            duckdb::CreateFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateView(duckdb::CatalogTransaction, duckdb::CreateViewInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSequence(duckdb::CatalogTransaction,
                                                            duckdb::CreateSequenceInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateTableFunction(duckdb::CatalogTransaction,
                                                                 duckdb::CreateTableFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateCopyFunction(duckdb::CatalogTransaction,
                                                                duckdb::CreateCopyFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreatePragmaFunction(duckdb::CatalogTransaction,
                                                                  duckdb::CreatePragmaFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateCollation(duckdb::CatalogTransaction,
                                                             duckdb::CreateCollationInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateType(duckdb::CatalogTransaction, duckdb::CreateTypeInfo&) override;

 private:
  AttachedFolder& folder_;
};

/// An attached folder of Delta tables, as DuckDB sees a database.
class AttachedCatalog final : public duckdb::Catalog {
 public:
  static constexpr const char* kType = "delta";

  AttachedCatalog(duckdb::AttachedDatabase& database, std::shared_ptr<AttachedFolder> folder)
      : Catalog(database), folder_(std::move(folder)) {}
  ~AttachedCatalog() override;

  AttachedFolder& folder() { return *folder_; }
  const std::shared_ptr<AttachedFolder>& shared_folder() const { return folder_; }

  using Catalog::PlanDelete;
  using Catalog::PlanUpdate;

  void Initialize(bool) override {}
  std::string GetCatalogType() override { return kType; }
  std::string GetDefaultSchema() const override { return AttachedFolder::kDefaultSchema; }
  bool InMemory() override { return false; }
  std::string GetDBPath() override { return folder_->path(); }
  bool SupportsTimeTravel() const override { return true; }
  duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext& client) override;
  duckdb::ErrorData SupportsCreateTable(duckdb::BoundCreateTableInfo& info) override;

  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(duckdb::CatalogTransaction transaction,
                                                          duckdb::CreateSchemaInfo& info) override;
  duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(duckdb::CatalogTransaction transaction,
                                                                const duckdb::EntryLookupInfo& lookup,
                                                                duckdb::OnEntryNotFound if_not_found) override;
  void ScanSchemas(duckdb::ClientContext& client, std::function<void(duckdb::SchemaCatalogEntry&)> callback) override;

  duckdb::unique_ptr<duckdb::LogicalOperator> BindCreateIndex(
      duckdb::Binder& binder, duckdb::CreateStatement& statement, duckdb::TableCatalogEntry& table,
      duckdb::unique_ptr<duckdb::LogicalOperator> plan) override;
  duckdb::PhysicalOperator& PlanCreateTableAs(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                              duckdb::LogicalCreateTable& op, duckdb::PhysicalOperator& plan) override;
  duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                       duckdb::LogicalInsert& op,
                                       duckdb::optional_ptr<duckdb::PhysicalOperator> plan) override;
  duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                       duckdb::LogicalDelete& op, duckdb::PhysicalOperator& plan) override;
  duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                       duckdb::LogicalUpdate& op, duckdb::PhysicalOperator& plan) override;
  duckdb::PhysicalOperator& PlanMergeInto(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                          duckdb::LogicalMergeInto& op, duckdb::PhysicalOperator& plan) override;

 private:
  void DropSchema(duckdb::ClientContext& client, duckdb::DropInfo& info) override;
  AttachedSchema& schema_entry(const std::string& name);

  const std::shared_ptr<AttachedFolder> folder_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<AttachedSchema>> schemas_;  // by name, guarded by mutex_
};

/// Opens the folder that ATTACH names, as written there.
using OpenFolder = std::function<Result<std::shared_ptr<AttachedFolder>>(const std::string& path)>;

/// Makes ATTACH … (TYPE delta) known.
void register_attached_catalog(duckdb::DBConfig& config, OpenFolder open);

/// True if the name is that of an attached folder of Delta tables.
bool is_attached(duckdb::ClientContext& client, const std::string& name);
/// True if a table's name with this catalog and schema, as a statement has them, is one in an attached folder: by the
/// name, or because USE has made one the place of names without.
bool is_in_attached(duckdb::ClientContext& client, const std::string& catalog, const std::string& schema);

/// Calls `visit` with each table of each attached folder that can be read.
void for_each_attached(duckdb::ClientContext& client,
                       const std::function<void(const std::string& database, AttachedTable& table)>& visit);

}  // namespace sluice::lake
