#include "delta/internal/commit_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

#include "delta/change_files.h"
#include "delta/column_mapping.h"
#include "delta/data_path.h"
#include "delta/duckdb_schema.h"
#include "delta/features.h"
#include "delta/file_statistics.h"
#include "delta/row_constraints.h"

namespace sluice::delta::internal {
namespace {

Error invalid(std::string message) { return Error(ErrorCode::InvalidArgument, std::move(message)).with_number(4206); }

/// The table as the commit leaves it.
struct Table {
  Protocol protocol;
  Metadata metadata;
  DataType schema;
  TableProperties properties;
};

/// Collects what the commit says, refusing what it says twice.
class CommitCheck {
 public:
  CommitCheck(const Snapshot* base, bool rows_checked) : base_(base), rows_checked_(rows_checked) {}

  Status run(std::span<const Action> actions) {
    for (const Action& action : actions) {
      SLUICE_TRY(std::visit([this](const auto& plain) { return collect(plain); }, action));
    }
    SLUICE_TRY_ASSIGN(const Table table, resulting_table());
    SLUICE_TRY(check_writable(table.protocol, table.metadata, table.schema));
    if (!domains_.empty() && !feature_names(table.protocol).contains("domainMetadata")) {
      return invalid(
          fmt::format("the table has no feature domainMetadata, so \"{}\" cannot be set", *domains_.begin()));
    }
    SLUICE_TRY(check_rows_checked(table));
    for (const auto& [path, remove] : removes_) SLUICE_TRY(check_remove(*remove, table));
    for (const auto& [path, add] : adds_) SLUICE_TRY(check_add(path, *add, table));
    for (const auto& [path, cdc] : changes_) SLUICE_TRY(check_change(path, *cdc, table));
    if (metadata_ != nullptr && table.properties.enable_change_data_feed) {
      SLUICE_TRY(check_change_feed_columns(columnar_schema(table.schema)));
    }
    return ok();
  }

 private:
  Status collect(const CommitInfo&) { return invalid("commitInfo is made by the commit itself"); }
  Status collect(const Sidecar&) { return invalid("a sidecar belongs into a log checkpoint"); }
  Status collect(const CheckpointMetadata&) { return invalid("checkpointMetadata belongs into a log checkpoint"); }

  Status collect(const Protocol& protocol) {
    if (protocol_ != nullptr) return invalid("a commit has one protocol at most");
    protocol_ = &protocol;
    return ok();
  }

  Status collect(const Metadata& metadata) {
    if (metadata_ != nullptr) return invalid("a commit has one metaData at most");
    metadata_ = &metadata;
    return ok();
  }

  Status collect(const SetTransaction& txn) {
    if (!app_ids_.insert(txn.app_id).second) {
      return invalid(fmt::format("the transaction of \"{}\" is set twice", txn.app_id));
    }
    const auto present = base_ == nullptr ? std::nullopt : base_->transaction_version(txn.app_id);
    if (present && *present >= txn.version) {
      return invalid(fmt::format("the transaction of \"{}\" is at {} already and cannot be set to {}", txn.app_id,
                                 *present, txn.version));
    }
    return ok();
  }

  Status collect(const DomainMetadata& domain) {
    if (!domains_.insert(domain.domain).second) {
      return invalid(fmt::format("the domain \"{}\" is set twice", domain.domain));
    }
    return ok();
  }

  Status collect(const RemoveFile& remove) {
    if (!removes_.emplace(canonical_path(remove.path), &remove).second) {
      return invalid(fmt::format("the file {} is removed twice", remove.path));
    }
    return ok();
  }

  Status collect(const AddFile& add) {
    if (!adds_.emplace(canonical_path(add.path), &add).second) {
      return invalid(fmt::format("the file {} is added twice", add.path));
    }
    return ok();
  }

  Status collect(const AddCdcFile& cdc) {
    if (!changes_.emplace(canonical_path(cdc.path), &cdc).second) {
      return invalid(fmt::format("the file {} of the change data feed is added twice", cdc.path));
    }
    return ok();
  }

  Result<Table> resulting_table() const {
    if (base_ == nullptr && (protocol_ == nullptr || metadata_ == nullptr)) {
      return invalid("the first commit of a table holds its protocol and its metaData");
    }
    Table table;
    table.protocol = protocol_ != nullptr ? *protocol_ : base_->protocol();
    if (metadata_ == nullptr) {
      table.metadata = base_->metadata();
      table.schema = base_->schema();
      table.properties = base_->properties();
      return table;
    }
    table.metadata = *metadata_;
    SLUICE_TRY_ASSIGN(table.schema, read_schema(metadata_->schema_string));
    SLUICE_TRY_ASSIGN(table.properties, read_properties(metadata_->configuration));
    return table;
  }

  /// Who does not hold rows against constraints neither adds rows to a table that has some, nor makes such a table.
  Status check_rows_checked(const Table& table) const {
    const bool adds_rows = std::ranges::any_of(adds_, [](const auto& add) { return add.second->data_change; });
    if (rows_checked_ || (!adds_rows && metadata_ == nullptr)) return ok();
    SLUICE_TRY_ASSIGN(const auto constraints, row_constraints(table.metadata, table.schema));
    if (constraints.empty()) return ok();
    return Error(ErrorCode::Unsupported,
                 fmt::format("cannot write the table: this writer does not check its constraint {} ({})",
                             constraints.front().name, constraints.front().expression))
        .with_number(4204);
  }

  Status check_remove(const RemoveFile& remove, const Table& table) const {
    if (base_ == nullptr || !base_->files().contains(key_of(remove))) {
      return invalid(
          fmt::format("the file {} cannot be removed: it is not in the table, or with another deletion "
                      "vector",
                      remove.path));
    }
    if (table.properties.append_only && remove.data_change) {
      return invalid(fmt::format("the table is append-only, so {} cannot be removed", remove.path))
          .with_help("rows can go once the table's property delta.appendOnly is false: ALTER TABLE t SET (…)");
    }
    return ok();
  }

  Status check_add(const std::string& path, const AddFile& add, const Table& table) const {
    SLUICE_TRY(resolve_path(add.path));
    if (add.size_bytes < 0) return invalid(fmt::format("the file {} has a negative size", add.path));
    SLUICE_TRY(check_partition_values(add.path, add.partition_values, table));
    const auto removed = removes_.find(path);
    if (removed != removes_.end() && key_of(*removed->second) == key_of(add)) {
      return invalid(fmt::format("the file {} is both added and removed", add.path));
    }
    const std::optional<AddFile> present = base_ == nullptr ? std::nullopt : base_->files().find_path(add.path);
    const bool is_same = present && key_of(*present) == key_of(add);
    if (present && !is_same && removed == removes_.end()) {
      return invalid(
          fmt::format("the file {} is in the table with another deletion vector, which is not removed", add.path));
    }
    return is_same ? ok() : check_deletion_vector(add, table);
  }

  Status check_change(const std::string& path, const AddCdcFile& cdc, const Table& table) const {
    SLUICE_TRY(resolve_path(cdc.path));
    if (!table.properties.enable_change_data_feed) {
      return invalid(fmt::format("{} is of a change data feed, but delta.enableChangeDataFeed is not on", cdc.path));
    }
    if (cdc.data_change) return invalid(fmt::format("{} repeats changes of data files and is none itself", cdc.path));
    if (cdc.size_bytes < 0) return invalid(fmt::format("the file {} has a negative size", cdc.path));
    if (adds_.contains(path)) return invalid(fmt::format("{} is both data and change data feed", cdc.path));
    return check_partition_values(cdc.path, cdc.partition_values, table);
  }

  static Status check_partition_values(const std::string& path, const PartitionValues& values, const Table& table) {
    std::set<std::string> expected;
    for (const std::string& name : table.metadata.partition_columns) {
      const auto field = std::find_if(table.schema.fields.begin(), table.schema.fields.end(),
                                      [&](const StructField& candidate) { return candidate.name == name; });
      expected.insert(field == table.schema.fields.end() ? name
                                                         : physical_name(*field, table.properties.column_mapping_mode));
    }
    std::set<std::string> given;
    for (const auto& [name, value] : values) given.insert(name);
    if (given == expected) return ok();
    return invalid(fmt::format("the partition values of {} are not those of the partition columns", path));
  }

  static Status check_deletion_vector(const AddFile& add, const Table& table) {
    if (!add.deletion_vector) return ok();
    if (!table.properties.enable_deletion_vectors || !feature_names(table.protocol).contains("deletionVectors")) {
      return invalid(fmt::format("{} has a deletion vector, but delta.enableDeletionVectors is not on", add.path));
    }
    if (add.deletion_vector->cardinality <= 0) {
      return invalid(fmt::format("the deletion vector of {} marks no row", add.path));
    }
    SLUICE_TRY_ASSIGN(const FileStatistics statistics, read_statistics(add.stats.value_or("{}")));
    if (!statistics.num_records) {
      return invalid(fmt::format("{} has a deletion vector, so its statistics must state numRecords", add.path));
    }
    return ok();
  }

  const Snapshot* base_;
  const bool rows_checked_;
  const Protocol* protocol_ = nullptr;
  const Metadata* metadata_ = nullptr;
  std::set<std::string> app_ids_;
  std::set<std::string> domains_;
  std::map<std::string, const AddFile*> adds_;  // by canonical path
  std::map<std::string, const RemoveFile*> removes_;
  std::map<std::string, const AddCdcFile*> changes_;
};

}  // namespace

Status check_commit(const Snapshot* base, std::span<const Action> actions, bool rows_checked) {
  return CommitCheck(base, rows_checked).run(actions);
}

}  // namespace sluice::delta::internal
