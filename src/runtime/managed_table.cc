#include "runtime/managed_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "columnar/column_names.h"
#include "columnar/guard.h"
#include "delta/column_assignment.h"
#include "delta/commit_rules.h"
#include "delta/delta_schema.h"
#include "delta/duckdb_schema.h"
#include "delta/log_maintenance.h"
#include "delta/log_path.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "runtime/side_tables.h"

namespace sluice::runtime {
namespace {

constexpr int kPublishAttemptsMax = 5;
constexpr int kVersionsMovedMax = 100;

Error foreign_table(const std::string& key) {
  return Error(ErrorCode::Conflict, fmt::format("{} is a Delta table that this pipeline did not write", key))
      .with_number(4103)
      .with_help(is_side_table(key) ? "move the table away, or point `storage` elsewhere; nothing was changed"
                                    : "rename the dataset, move the table away, or point `storage` elsewhere; nothing "
                                      "was changed");
}

Error other_table(const std::string& key, const std::string& dataset) {
  return Error(ErrorCode::Conflict,
               fmt::format("{} is not the table that this pipeline wrote: another was put in its place", key))
      .with_number(4105)
      .with_help(is_side_table(key)
                     ? "move it away and run again; nothing was changed"
                     : fmt::format("put the pipeline's table back, or move this one away and run `sluice run --once "
                                   "--full-refresh={}`; nothing was changed",
                                   dataset));
}

Error lost_positions(const std::string& key, bool has_manifest) {
  return Error(ErrorCode::Corruption,
               fmt::format("{} holds epochs of this pipeline, but {} under _sluice/", key,
                           has_manifest ? "is not named in the newest manifest" : "there is no manifest"))
      .with_number(6001)
      .with_help("restore the folder _sluice/ from a backup, or move the table away and run with --full-refresh");
}

std::string dataset_of(const std::string& key) { return key.substr(key.find('.') + 1); }

constexpr std::string_view kAppIdPrefix = "sluice:";

bool is_by_an_engine_of_ours(const std::vector<delta::Action>& commit) {
  return std::any_of(commit.begin(), commit.end(), [](const delta::Action& action) {
    const auto* transaction = std::get_if<delta::SetTransaction>(&action);
    return transaction != nullptr && transaction->app_id.starts_with(kAppIdPrefix);
  });
}

bool has_our_transactions(const delta::Snapshot& snapshot) {
  return std::any_of(snapshot.transactions().begin(), snapshot.transactions().end(),
                     [](const auto& entry) { return entry.first.starts_with(kAppIdPrefix); });
}

}  // namespace

Error foreign_commit_error(const std::string& key, std::int64_t found, std::int64_t expected,
                           std::string_view full_refresh) {
  return Error(ErrorCode::Conflict,
               fmt::format("{} is at version {}, but this pipeline last wrote version {}", key, found, expected))
      .with_number(4102)
      .with_help(
          fmt::format("someone else committed to the table; `sluice run --once --full-refresh={}` makes it follow "
                      "its query again",
                      full_refresh));
}

Result<bool> is_version_taken(store::ObjectStore& store, const PlannedCommit& commit) {
  SLUICE_TRY_ASSIGN(const auto present, store.head(delta::commit_key(delta::Version(commit.version))));
  return present.has_value();
}

Status check_table_property(const std::string& key, const std::string& value) {
  if (key.starts_with(delta::kConstraintPrefix)) {
    return Error(ErrorCode::Unsupported, fmt::format("{}: a pipeline does not write tables with constraints", key))
        .with_help("give the dataset an expectation: CONSTRAINT name EXPECT (condition) ON VIOLATION FAIL UPDATE");
  }
  return delta::check_property(key, value);
}

Result<std::unique_ptr<ManagedTable>> ManagedTable::open(TableEnvironment& environment,
                                                         std::shared_ptr<store::ObjectStore> store, std::string key,
                                                         const TableState* state) {
  std::unique_ptr<ManagedTable> table(new ManagedTable(environment, std::move(store), std::move(key)));
  auto loaded = delta::Snapshot::load(*table->store_);
  if (!loaded) return std::move(loaded).error().in(table->key_);
  table->snapshot_ = std::move(*loaded);
  const auto& snapshot = table->snapshot_;
  if (state == nullptr) {
    if (!snapshot) return table;
    const auto& properties = snapshot->metadata().configuration;
    const auto owner = properties.find(std::string(kPipelineProperty));
    const bool of_another =
        environment.has_manifest && owner != properties.end() && owner->second != environment.pipeline_id;
    if (of_another || !has_our_transactions(*snapshot)) return foreign_table(table->key_);
    return lost_positions(table->key_, environment.has_manifest);
  }
  table->version_left_ = state->version;
  if (!snapshot) {
    table->standing_ = TableStanding::Gone;
    return table;
  }
  if (snapshot->metadata().id != state->table_id) return other_table(table->key_, dataset_of(table->key_));
  const delta::Version left(state->version);
  table->standing_ = snapshot->version() > left   ? TableStanding::Ahead
                     : snapshot->version() < left ? TableStanding::Behind
                                                  : TableStanding::AsLeft;
  return table;
}

std::optional<Error> ManagedTable::out_of_step(std::string_view full_refresh) const {
  switch (standing_) {
    case TableStanding::New:
    case TableStanding::AsLeft: return std::nullopt;
    case TableStanding::Ahead:
      return foreign_commit_error(key_, snapshot_->version().value(), version_left_, full_refresh);
    case TableStanding::Behind:
    case TableStanding::Gone: break;
  }
  return Error(ErrorCode::Corruption,
               fmt::format("{} should be at version {}, but {}", key_, version_left_,
                           snapshot_ ? fmt::format("its log ends at {}", snapshot_->version().value())
                                     : std::string("there is no such table")))
      .with_number(6002)
      .with_help(
          fmt::format("restore the table's folder, or compute it anew from what its inputs hold now with `sluice "
                      "run --once --full-refresh={}`",
                      full_refresh));
}

std::string ManagedTable::table_id() const {
  return snapshot_ || !definition_actions_.empty() ? metadata_to_be().id : "";
}

const delta::Metadata& ManagedTable::metadata_to_be() const {
  for (const delta::Action& action : definition_actions_) {
    if (const auto* metadata = std::get_if<delta::Metadata>(&action)) return *metadata;
  }
  SLUICE_CHECK(snapshot_, "a new table has its metadata from begin_epoch on");
  return snapshot_->metadata();
}

columnar::Schema ManagedTable::stored_schema() const {
  return snapshot_ ? delta::columnar_schema(snapshot_->schema()) : columnar::Schema();
}

Status ManagedTable::scan(const std::function<Status(columnar::ChangeBatch&)>& sink) {
  if (!snapshot_) return ok();
  return environment_.lake.scan_table(
      {snapshot_, store_},
      [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t>) -> Status {
        duckdb::DataChunk view;
        SLUICE_TRY(columnar::guard([&] {
          view.InitializeEmpty(rows.GetTypes());
          view.Reference(rows);
        }));
        columnar::ChangeBatch batch(std::move(view));
        return sink(batch);
      });
}

TableSpec ManagedTable::with_stored_spelling(TableSpec spec) const {
  const columnar::Schema stored = stored_schema();
  const auto respell = [&](std::string& name) {
    const std::string wanted = columnar::lower_case(name);
    for (const columnar::Field& field : stored.fields) {
      if (columnar::lower_case(field.name) == wanted) name = field.name;
    }
  };
  for (columnar::Field& field : spec.schema.fields) respell(field.name);
  for (std::string& name : spec.partition_columns) respell(name);
  return spec;
}

Status ManagedTable::make_writer(const TableSpec& spec) {
  connect::TableWriterOptions options;
  options.table = key_;
  options.mode = spec.mode;
  options.files.schema = spec.schema;
  options.files.partition_columns = spec.partition_columns;
  const delta::Metadata& metadata = metadata_to_be();
  SLUICE_TRY_ASSIGN(options.files.properties, delta::read_properties(metadata.configuration));
  if (options.files.properties.column_mapping_mode != delta::ColumnMappingMode::None) {
    SLUICE_TRY_ASSIGN(options.files.mapped_schema, delta::read_schema(metadata.schema_string));
  }
  auto& lake = environment_.lake;
  const auto scan = [&lake, store = store_](const std::shared_ptr<const delta::Snapshot>& snapshot,
                                            const connect::LiveRowSink& sink) {
    return lake.scan_table({snapshot, store}, sink);
  };
  SLUICE_TRY_ASSIGN(writer_, connect::TableWriter::create(*store_, environment_.clock, environment_.random, options,
                                                          snapshot_, scan));
  return ok();
}

Status ManagedTable::begin_epoch(const TableSpec& wanted, bool replace) {
  const TableSpec spec = snapshot_ && !replace ? with_stored_spelling(wanted) : wanted;
  delta::TableDefinition definition;
  SLUICE_TRY_ASSIGN(definition.schema, delta::delta_schema(spec.schema));
  definition.partition_columns = spec.partition_columns;
  definition.properties = spec.properties;
  definition.properties[std::string(kPipelineProperty)] = environment_.pipeline_id;
  if (spec.mode == connect::WriteMode::Changes) definition.properties.emplace("delta.enableDeletionVectors", "true");
  const bool is_mapped = snapshot_ && snapshot_->properties().column_mapping_mode != delta::ColumnMappingMode::None;
  if (delta::needs_column_mapping(definition.schema) && !is_mapped)
    definition.properties.emplace("delta.columnMapping.mode", "name");
  if (!spec.comment.empty()) definition.description = spec.comment;
  auto actions = !snapshot_ ? delta::create_table_actions(definition, environment_.clock, environment_.random)
                 : replace  ? delta::replace_table_actions(*snapshot_, definition, environment_.random)
                            : delta::alter_table_actions(*snapshot_, definition, environment_.random);
  if (!actions) return std::move(actions).error().in(key_);
  definition_actions_ = std::move(*actions);
  // The locator is the writer's, so a writer lives as long as the table keeps its shape.
  if (!writer_ || !definition_actions_.empty()) SLUICE_TRY(make_writer(spec));
  if (replace && snapshot_) writer_->replace();
  return ok();
}

Status ManagedTable::write(columnar::ChangeBatch& changes) {
  auto status = writer_->write(changes);
  if (!status) return std::move(status).error().in(key_);
  return ok();
}

Result<std::optional<PlannedCommit>> ManagedTable::prepare(const std::string& app_id, Epoch epoch,
                                                           const std::string& operation) {
  auto prepared = writer_->prepare();
  if (!prepared) return std::move(prepared).error().in(key_);
  prepared_ = std::move(*prepared);
  if (prepared_.actions.empty() && definition_actions_.empty()) return std::optional<PlannedCommit>();

  PlannedCommit commit;
  // Dated commits must stay where they are: another that comes first may be of a later time.
  commit.append_only = snapshot_ && definition_actions_.empty() && delta::only_adds_files(prepared_.actions) &&
                       !snapshot_->properties().enable_in_commit_timestamps;
  delta::CommitRequest request;
  request.actions = definition_actions_;
  request.actions.insert(request.actions.end(), prepared_.actions.begin(), prepared_.actions.end());
  request.actions.push_back(delta::SetTransaction{app_id, epoch.value(), environment_.clock.now()});
  request.info.operation = operation;
  request.info.operation_parameters["epoch"] = fmt::format("{}", epoch.value());
  request.info.operation_metrics["numOutputRows"] = fmt::format("{}", prepared_.rows_added);
  request.info.operation_metrics["numDeletedRows"] = fmt::format("{}", prepared_.rows_removed);
  request.info.operation_metrics["numAddedFiles"] = fmt::format("{}", prepared_.files_added);
  request.info.operation_metrics["numRemovedFiles"] = fmt::format("{}", prepared_.files_removed);
  request.info.operation_metrics["numDeletionVectorsAdded"] = fmt::format("{}", prepared_.deletion_vectors_added);
  request.info.operation_metrics["numOutputBytes"] = fmt::format("{}", prepared_.bytes_added);
  auto decided = delta::prepare(snapshot_.get(), std::move(request), environment_.clock, environment_.random);
  if (!decided) return std::move(decided).error().in(key_);
  commit.table = key_;
  commit.version = decided->version.value();
  commit.transaction_id = decided->txn_id;
  commit.bytes = std::move(decided->bytes);
  return std::optional<PlannedCommit>(std::move(commit));
}

Status ManagedTable::applied() {
  if (snapshot_) {
    SLUICE_TRY_ASSIGN(snapshot_, delta::Snapshot::refresh(*store_, snapshot_));
  } else {
    SLUICE_TRY_ASSIGN(snapshot_, delta::Snapshot::load(*store_));
  }
  writer_->applied(snapshot_);
  definition_actions_.clear();
  standing_ = TableStanding::AsLeft;  // if it was not, all its rows were given anew
  delta::maintain_log(*store_, *snapshot_, environment_.clock, environment_.random);
  return ok();
}

void ManagedTable::abort() {
  if (writer_) writer_->abort();
  definition_actions_.clear();
}

Result<int> publish_commit(store::ObjectStore& store, const PlannedCommit& commit) {
  delta::PreparedCommit prepared{delta::Version(commit.version), commit.bytes, commit.transaction_id};
  int moved = 0;
  for (int attempt = 0; attempt < kPublishAttemptsMax;) {
    SLUICE_TRY_ASSIGN(const delta::CommitOutcome outcome, delta::publish(store, prepared));
    if (std::holds_alternative<delta::Committed>(outcome)) return moved;
    if (std::holds_alternative<delta::Unknown>(outcome)) {
      ++attempt;
      continue;
    }
    SLUICE_TRY_ASSIGN(const std::vector<delta::Action> winner, delta::load_commit(store, prepared.version));
    if (is_by_an_engine_of_ours(winner)) {
      return Error(ErrorCode::Fenced, fmt::format("{}: version {} is an epoch that another engine on this pipeline ran",
                                                  commit.table, prepared.version.value()))
          .with_number(4101)
          .with_help("stop one of the two engines; the tables are as the other engine left them");
    }
    const bool harmless = std::none_of(winner.begin(), winner.end(), [](const delta::Action& action) {
      return std::holds_alternative<delta::Metadata>(action) || std::holds_alternative<delta::Protocol>(action);
    });
    if (!commit.append_only || !harmless || ++moved > kVersionsMovedMax) {
      return Error(ErrorCode::Conflict,
                   fmt::format("{}: version {} was committed by someone else in the middle of an epoch", commit.table,
                               prepared.version.value()))
          .with_number(4104)
          .with_help("the epoch cannot be completed on top of it; see `sluice explain SLU4104`");
    }
    prepared.version = prepared.version.next();
  }
  return Error(ErrorCode::Unavailable,
               fmt::format("{}: storage did not answer on version {}", commit.table, prepared.version.value()))
      .with_number(5001)
      .with_help("run again: the epoch's commits are decided and will be completed");
}

}  // namespace sluice::runtime
