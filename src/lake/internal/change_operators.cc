// How DuckDB's plans of INSERT, UPDATE, DELETE, MERGE INTO and CREATE TABLE AS end for tables of an attached folder.
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/execution/operator/persistent/physical_merge_into.hpp>
#include <duckdb/execution/operator/projection/physical_projection.hpp>
#include <duckdb/execution/physical_operator.hpp>
#include <duckdb/execution/physical_plan_generator.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_reference_expression.hpp>
#include <duckdb/planner/operator/logical_create_table.hpp>
#include <duckdb/planner/operator/logical_delete.hpp>
#include <duckdb/planner/operator/logical_insert.hpp>
#include <duckdb/planner/operator/logical_merge_into.hpp>
#include <duckdb/planner/operator/logical_update.hpp>

#include "columnar/schema.h"
#include "delta/row_removal.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/error_numbers.h"
#include "lake/internal/overwrite.h"
#include "lake/internal/query_names.h"
#include "lake/internal/row_check.h"
#include "lake/internal/table_change.h"
#include "lake/internal/table_ddl.h"

namespace sluice::lake {
namespace {

using Kind = TableChange::Kind;

[[noreturn]] void fail(duckdb::ClientContext& client, Error error) { names_of(client)->fail(std::move(error)); }

void check(duckdb::ClientContext& client, Status status) {
  if (!status) fail(client, std::move(status).error());
}

template <typename T>
T value_or_fail(duckdb::ClientContext& client, Result<T> result) {
  if (!result) fail(client, std::move(result).error());
  return std::move(*result);
}

/// A statement under way: what its operators, one or, in a MERGE, several, do to the table together. Made by the first
/// that starts, ended by the last.
class RunningChange {
 public:
  explicit RunningChange(AttachedTable& table, std::optional<Overwrite> overwrite = std::nullopt)
      : table_(&table), overwrite_(std::move(overwrite)) {}
  /// Of CREATE TABLE AS, whose table start() makes.
  RunningChange(AttachedSchema& schema, duckdb::unique_ptr<duckdb::CreateInfo> info)
      : schema_(&schema), info_(std::move(info)) {}

  /// Begins, unless it is begun. `takes_rows`: the statement has rows of the table.
  void start(duckdb::ClientContext& client, bool takes_rows) {
    if (change_) return;
    ChangedTable changed;
    if (table_ == nullptr) {
      creation_ = value_or_fail(client, TableCreation::begin(client, *schema_, info_->Cast<duckdb::CreateTableInfo>()));
      table_ = creation_->entry();
    }
    const TableInTransaction& state = AttachedTransaction::get(client, table_->catalog).state_of(*table_);
    check(client, AttachedTransaction::get(client, table_->catalog).check_may_change(state));
    changed.name = table_->table_name().schema + "." + table_->table_name().name;
    changed.snapshot = table_->snapshot();
    changed.store = table_->store();
    changed.takes_rows = takes_rows;
    if (takes_rows || overwrite_) changed.scan = table_->scan(client);
    AttachedFolder& folder = table_->attached_schema().folder();
    change_ = value_or_fail(client, TableChange::create(client, names_of(client)->files(), std::move(changed),
                                                        folder.clock(), folder.random()));
  }

  TableChange& change() { return *change_; }

  /// Ends, unless it is ended: the transaction has the change.
  void finish(duckdb::ClientContext& client, const std::string& operation) {
    if (finished_) return;
    finished_ = true;
    AttachedTransaction& transaction = AttachedTransaction::get(client, table_->catalog);
    auto actions = change_->finish();
    counts_ = change_->counts();
    const auto scan = change_->table().scan;
    transaction.keep(std::move(change_));
    check(client, actions ? ok() : Status(std::move(actions).error()));
    TableInTransaction& state = transaction.state_of(*table_);
    if (overwrite_) check(client, remove_replaced_files(scan, state, *actions));
    delta::CommitInfo info;
    info.operation = operation;
    info.operation_metrics = {{"numOutputRows", fmt::format("{}", counts_.rows_inserted + counts_.rows_updated)},
                              {"numDeletedRows", fmt::format("{}", counts_.rows_deleted)},
                              {"numUpdatedRows", fmt::format("{}", counts_.rows_updated)},
                              {"numCopiedRows", fmt::format("{}", counts_.rows_copied)},
                              {"numAddedFiles", fmt::format("{}", counts_.files_added)},
                              {"numRemovedFiles", fmt::format("{}", counts_.files_removed)},
                              {"numDeletionVectorsAdded", fmt::format("{}", counts_.deletion_vectors_added)},
                              {"numAddedChangeFiles", fmt::format("{}", counts_.change_files_added)},
                              {"numOutputBytes", fmt::format("{}", counts_.bytes_added)}};
    if (operation == "WRITE") info.operation_parameters["mode"] = overwrite_ ? "Overwrite" : "Append";
    if (overwrite_ && !overwrite_->condition.empty()) info.operation_parameters["predicate"] = overwrite_->condition;
    if (creation_) actions->insert(actions->begin(), creation_->actions().begin(), creation_->actions().end());
    if (actions->empty()) return;
    check(client, transaction.add_actions(table_->attached_schema(), state, std::move(*actions), std::move(info)));
  }

  const ChangeCounts& counts() const { return counts_; }

 private:
  /// Adds to the actions those that take away the files in whose place the rows come.
  Status remove_replaced_files(const std::shared_ptr<const DeltaScan>& scan, TableInTransaction& state,
                               std::vector<delta::Action>& actions) {
    if (overwrite_->scope == Overwrite::Scope::OfCondition) return ok();  // row by row
    ReplacedFiles replaced;
    if (overwrite_->scope == Overwrite::Scope::All) {
      replaced = replaced_files(scan);
    } else {
      SLUICE_TRY_ASSIGN(const auto columns, replaced_columns(*scan, *overwrite_));
      SLUICE_TRY_ASSIGN(replaced, replaced_files(scan, columns, actions));
    }
    state.reads.push_back(std::move(replaced.reads));
    for (const std::size_t number : replaced.numbers) {
      const delta::AddFile file = scan->file(number).action;
      actions.emplace_back(delta::removal_of(file, table_->attached_schema().folder().clock().now()));
      counts_.rows_deleted += delta::live_row_count(file).value_or(0);
      ++counts_.files_removed;
    }
    return ok();
  }

  AttachedTable* table_ = nullptr;
  const std::optional<Overwrite> overwrite_;  // of an INSERT
  AttachedSchema* schema_ = nullptr;
  duckdb::unique_ptr<duckdb::CreateInfo> info_;
  std::unique_ptr<TableCreation> creation_;
  std::unique_ptr<TableChange> change_;
  ChangeCounts counts_;
  bool finished_ = false;
};

/// What a sink does with its input.
struct ChangeRecipe {
  Kind kind = Kind::Insert;
  std::string operation;             ///< As commitInfo has it.
  std::size_t row_id = 0;            ///< Update, Delete: the column of the file's number; the row's is the next.
  std::vector<std::size_t> new_row;  ///< Update: for each column of the table, the input's column. Insert: as it comes.
  bool returns_rows = false;         ///< RETURNING: new rows, or those that are deleted.
  /// Insert, of REPLACE WHERE: what inserted rows must meet; the input has rows of both kinds (with_replaced_rows()).
  std::shared_ptr<const duckdb::Expression> condition;
  bool is_parallel = true;
};

/// The end of a plan that changes a table: takes rows, gives the count of those changed, or the rows.
class ChangeSink final : public duckdb::PhysicalOperator {
 public:
  ChangeSink(duckdb::PhysicalPlan& plan, duckdb::vector<duckdb::LogicalType> result_types,
             std::shared_ptr<RunningChange> running, ChangeRecipe recipe)
      : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, std::move(result_types), 1),
        running_(std::move(running)),
        recipe_(std::move(recipe)) {}

  std::string GetName() const override { return "DELTA_" + recipe_.operation; }

  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return recipe_.is_parallel && !recipe_.returns_rows; }
  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext& client) const override {
    running_->start(client, recipe_.kind != Kind::Insert || recipe_.condition != nullptr);
    auto state = duckdb::make_uniq<Returned>();
    if (recipe_.returns_rows) state->rows = duckdb::make_uniq<duckdb::ColumnDataCollection>(client, types);
    return state;
  }

  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(duckdb::ExecutionContext& context) const override {
    auto local = duckdb::make_uniq<Local>();
    if (recipe_.condition) {
      local->condition = std::make_unique<duckdb::ExpressionExecutor>(context.client, *recipe_.condition);
    }
    return local;
  }

  duckdb::SinkResultType Sink(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override {
    TableChange& change = running_->change();
    const Kind kind = kind_of(chunk);
    Returned* const returned =
        recipe_.returns_rows && recipe_.kind == Kind::Delete ? &input.global_state.Cast<Returned>() : nullptr;
    if (kind != Kind::Insert) take_rows(context.client, change, chunk, kind, returned);
    if (kind == Kind::Delete) return duckdb::SinkResultType::NEED_MORE_INPUT;
    duckdb::DataChunk rows;
    refer_to_new_rows(chunk, rows);
    if (recipe_.condition) check_condition(context.client, input.local_state.Cast<Local>(), change, rows);
    check(context.client, change.add_rows(rows, recipe_.kind));
    if (recipe_.returns_rows) input.global_state.Cast<Returned>().rows->Append(rows);
    return duckdb::SinkResultType::NEED_MORE_INPUT;
  }

  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline&, duckdb::Event&, duckdb::ClientContext& client,
                                    duckdb::OperatorSinkFinalizeInput& input) const override {
    auto& returned = input.global_state.Cast<Returned>();
    const auto append = [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t>) {
      returned.rows->Append(rows);
      return ok();
    };
    check(client, running_->change().read_rows(returned.deleted, append));
    if (!recipe_.operation.empty()) running_->finish(client, recipe_.operation);
    return duckdb::SinkFinalizeType::READY;
  }

  bool IsSource() const override { return true; }
  duckdb::unique_ptr<duckdb::GlobalSourceState> GetGlobalSourceState(duckdb::ClientContext&) const override {
    auto state = duckdb::make_uniq<Returning>();
    if (recipe_.returns_rows) sink_state->Cast<Returned>().rows->InitializeScan(state->scan);
    return state;
  }
  duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                                           duckdb::OperatorSourceInput& input) const override {
    if (recipe_.returns_rows) {
      auto& returning = input.global_state.Cast<Returning>();
      sink_state->Cast<Returned>().rows->Scan(returning.scan, chunk);
      return chunk.size() == 0 ? duckdb::SourceResultType::FINISHED : duckdb::SourceResultType::HAVE_MORE_OUTPUT;
    }
    const ChangeCounts& counts = running_->counts();
    // What an INSERT replaced is not among the rows that it says it changed.
    const bool is_insert = recipe_.kind == Kind::Insert && !recipe_.operation.empty();
    const std::uint64_t count = counts.rows_inserted + (is_insert ? 0 : counts.rows_updated + counts.rows_deleted);
    chunk.SetCardinality(1);
    chunk.SetValue(0, 0, duckdb::Value::BIGINT(static_cast<std::int64_t>(count)));
    return duckdb::SourceResultType::FINISHED;
  }

 private:
  struct Returned final : duckdb::GlobalSinkState {
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;  // of RETURNING
    TableChange::Places deleted;                            // rows for it that are still to be read
  };
  struct Local final : duckdb::LocalSinkState {
    std::unique_ptr<duckdb::ExpressionExecutor> condition;  // of REPLACE WHERE
  };
  struct Returning final : duckdb::GlobalSourceState {
    duckdb::ColumnDataScanState scan;
  };

  /// Returns what happens to the rows.
  Kind kind_of(duckdb::DataChunk& chunk) const {
    if (!recipe_.condition || chunk.size() == 0) return recipe_.kind;
    return chunk.GetValue(recipe_.row_id, 0).IsNull() ? Kind::Insert : Kind::Delete;
  }

  void check_condition(duckdb::ClientContext& client, Local& local, const TableChange& change,
                       duckdb::DataChunk& rows) const {
    const auto row = find_unmet(*local.condition, rows);
    if (!row) return;
    fail(client, Error(ErrorCode::DataError, fmt::format("a row to be inserted into {} does not meet the condition of "
                                                         "REPLACE WHERE: {}",
                                                         change.table().name, change.text_of(rows, *row)))
                     .with_number(kErrorConstraint)
                     .with_help("nothing was changed; let the query give only rows that meet it"));
  }

  void take_rows(duckdb::ClientContext& client, TableChange& change, duckdb::DataChunk& chunk, Kind kind,
                 Returned* returned) const {
    duckdb::Vector& files = chunk.data[recipe_.row_id];
    duckdb::Vector& rows = chunk.data[recipe_.row_id + 1];
    files.Flatten(chunk.size());
    rows.Flatten(chunk.size());
    const auto* file_numbers = duckdb::FlatVector::GetData<std::uint64_t>(files);
    const auto* row_numbers = duckdb::FlatVector::GetData<std::int64_t>(rows);
    check(client, change.take_rows({file_numbers, chunk.size()}, {row_numbers, chunk.size()}, kind));
    if (returned == nullptr) return;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      returned->deleted[file_numbers[i]].add(static_cast<std::uint64_t>(row_numbers[i]));
    }
  }

  /// Returns the types of a row of the table, which places may follow.
  duckdb::vector<duckdb::LogicalType> row_types(const duckdb::DataChunk& chunk) const {
    auto all = chunk.GetTypes();
    if (recipe_.condition) all.resize(recipe_.row_id);
    return all;
  }

  void refer_to_new_rows(duckdb::DataChunk& chunk, duckdb::DataChunk& rows) const {
    if (recipe_.kind == Kind::Insert) {
      rows.InitializeEmpty(row_types(chunk));
      for (std::size_t i = 0; i < rows.ColumnCount(); ++i) rows.data[i].Reference(chunk.data[i]);
      rows.SetCardinality(chunk.size());
      return;
    }
    duckdb::vector<duckdb::LogicalType> row_types;
    for (const std::size_t column : recipe_.new_row) row_types.push_back(chunk.data[column].GetType());
    rows.InitializeEmpty(row_types);
    for (std::size_t i = 0; i < recipe_.new_row.size(); ++i) rows.data[i].Reference(chunk.data[recipe_.new_row[i]]);
    rows.SetCardinality(chunk.size());
  }

  const std::shared_ptr<RunningChange> running_;
  const ChangeRecipe recipe_;
};

/// A MERGE INTO, whose actions are parts of one change.
class MergeSink final : public duckdb::PhysicalMergeInto {
 public:
  using Actions =
      duckdb::map<duckdb::MergeActionCondition, duckdb::vector<duckdb::unique_ptr<duckdb::MergeIntoOperator>>>;

  MergeSink(duckdb::PhysicalPlan& plan, const duckdb::LogicalMergeInto& op, Actions planned,
            std::shared_ptr<RunningChange> running)
      : PhysicalMergeInto(plan, op.types, std::move(planned), op.row_id_start, op.source_marker,
                          /*parallel=*/!op.return_chunk, op.return_chunk),
        running_(std::move(running)) {}

  std::string GetName() const override { return "DELTA_MERGE"; }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext& client) const override {
    running_->start(client, /*takes_rows=*/true);
    return PhysicalMergeInto::GetGlobalSinkState(client);
  }

  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline& pipeline, duckdb::Event& event, duckdb::ClientContext& client,
                                    duckdb::OperatorSinkFinalizeInput& input) const override {
    const auto result = PhysicalMergeInto::Finalize(pipeline, event, client, input);
    running_->finish(client, "MERGE");
    return result;
  }

 protected:
  /// DuckDB counts a row that is deleted twice as two.
  duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                           duckdb::OperatorSourceInput& input) const override {
    if (return_chunk) return PhysicalMergeInto::GetDataInternal(context, chunk, input);
    const ChangeCounts& counts = running_->counts();
    chunk.SetCardinality(1);
    chunk.SetValue(0, 0,
                   duckdb::Value::BIGINT(
                       static_cast<std::int64_t>(counts.rows_inserted + counts.rows_updated + counts.rows_deleted)));
    return duckdb::SourceResultType::FINISHED;
  }

 private:
  const std::shared_ptr<RunningChange> running_;
};

AttachedTable& attached(duckdb::TableCatalogEntry& table) { return static_cast<AttachedTable&>(table); }

/// Returns where the input has each column of an updated row, from what UPDATE says about each column that it names: all
/// of them (AttachedTable::BindUpdateConstraints).
std::vector<std::size_t> new_row_of(duckdb::ClientContext& client, const AttachedTable& table,
                                    const duckdb::vector<duckdb::PhysicalIndex>& columns,
                                    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions) {
  std::vector<std::size_t> new_row(table.GetColumns().PhysicalColumnCount());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (expressions[i]->GetExpressionType() == duckdb::ExpressionType::VALUE_DEFAULT) {
      fail(client, Error(ErrorCode::Unsupported,
                         fmt::format("SET {} = DEFAULT: columns of Delta tables have no defaults in this version",
                                     table.GetColumns().GetColumn(columns[i]).Name()))
                       .with_number(kErrorStatement)
                       .with_help("SET … = NULL"));
    }
    new_row[columns[i].index] = expressions[i]->Cast<duckdb::BoundReferenceExpression>().index;
  }
  return new_row;
}

/// Appends a projection if the plan's types are not the wanted ones.
duckdb::PhysicalOperator& cast_to(duckdb::ClientContext& client, duckdb::PhysicalPlanGenerator& planner,
                                  duckdb::PhysicalOperator& plan, const duckdb::vector<duckdb::LogicalType>& wanted) {
  if (plan.types == wanted) return plan;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> casts;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto column = duckdb::make_uniq<duckdb::BoundReferenceExpression>(plan.types[i], i);
    casts.push_back(duckdb::BoundCastExpression::AddCastToType(client, std::move(column), wanted[i]));
  }
  auto& projection = planner.Make<duckdb::PhysicalProjection>(wanted, std::move(casts), plan.estimated_cardinality);
  projection.children.push_back(plan);
  return projection;
}

/// True if the rows' order is the statement's own, so that files should have it.
bool has_order(duckdb::PhysicalOperator& plan) {
  return duckdb::PhysicalPlanGenerator::OrderPreservationRecursive(plan) == duckdb::OrderPreservationType::FIXED_ORDER;
}

}  // namespace

duckdb::PhysicalOperator& AttachedCatalog::PlanInsert(duckdb::ClientContext& client,
                                                      duckdb::PhysicalPlanGenerator& planner, duckdb::LogicalInsert& op,
                                                      duckdb::optional_ptr<duckdb::PhysicalOperator> plan) {
  if (op.on_conflict_info.action_type != duckdb::OnConflictAction::THROW) {
    fail(client, Error(ErrorCode::Unsupported, "ON CONFLICT: Delta tables have no keys")
                     .with_number(kErrorStatement)
                     .with_help("MERGE INTO t USING source ON t.key = source.key …"));
  }
  if (!op.column_index_map.empty()) plan = planner.ResolveDefaultsProjection(op, *plan);
  AttachedTable& table = attached(op.table);
  const std::optional<Overwrite>& overwrite = names_of(client)->take_overwrite();
  ChangeRecipe recipe;
  recipe.operation = "WRITE";
  recipe.returns_rows = op.return_chunk;
  recipe.is_parallel = !has_order(*plan);
  if (overwrite && overwrite->scope == Overwrite::Scope::OfColumns) {
    static_cast<void>(value_or_fail(client, replaced_columns(*table.scan(client), *overwrite)));
  }
  if (overwrite && overwrite->scope == Overwrite::Scope::OfCondition) {
    recipe.row_id = plan->types.size();
    plan = with_replaced_rows(client, planner, table, *overwrite, *plan);
    recipe.condition = bind_condition(client, table, *overwrite);
  }
  auto& sink = planner.Make<ChangeSink>(op.types, std::make_shared<RunningChange>(table, overwrite), std::move(recipe));
  sink.children.push_back(*plan);
  return sink;
}

duckdb::PhysicalOperator& AttachedCatalog::PlanCreateTableAs(duckdb::ClientContext& client,
                                                             duckdb::PhysicalPlanGenerator& planner,
                                                             duckdb::LogicalCreateTable& op,
                                                             duckdb::PhysicalOperator& plan) {
  ChangeRecipe recipe;
  recipe.operation = op.info->Base().on_conflict == duckdb::OnCreateConflict::REPLACE_ON_CONFLICT
                         ? "CREATE OR REPLACE TABLE AS SELECT"
                         : "CREATE TABLE AS SELECT";
  recipe.is_parallel = !has_order(plan);
  const auto stored = value_or_fail(client, stored_types(op.info->Base()));
  auto& rows = cast_to(client, planner, plan, stored);
  auto& schema = static_cast<AttachedSchema&>(op.schema);
  auto& sink = planner.Make<ChangeSink>(op.types, std::make_shared<RunningChange>(schema, std::move(op.info->base)),
                                        std::move(recipe));
  sink.children.push_back(rows);
  return sink;
}

duckdb::PhysicalOperator& AttachedCatalog::PlanDelete(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner,
                                                      duckdb::LogicalDelete& op, duckdb::PhysicalOperator& plan) {
  ChangeRecipe recipe;
  recipe.kind = Kind::Delete;
  recipe.operation = "DELETE";
  recipe.returns_rows = op.return_chunk;
  recipe.row_id = op.expressions[0]->Cast<duckdb::BoundReferenceExpression>().index;
  auto& sink =
      planner.Make<ChangeSink>(op.types, std::make_shared<RunningChange>(attached(op.table)), std::move(recipe));
  sink.children.push_back(plan);
  return sink;
}

duckdb::PhysicalOperator& AttachedCatalog::PlanUpdate(duckdb::ClientContext& client,
                                                      duckdb::PhysicalPlanGenerator& planner, duckdb::LogicalUpdate& op,
                                                      duckdb::PhysicalOperator& plan) {
  ChangeRecipe recipe;
  recipe.kind = Kind::Update;
  recipe.operation = "UPDATE";
  recipe.row_id = plan.types.size() - 2;
  recipe.new_row = new_row_of(client, attached(op.table), op.columns, op.expressions);
  recipe.returns_rows = op.return_chunk;
  auto& sink =
      planner.Make<ChangeSink>(op.types, std::make_shared<RunningChange>(attached(op.table)), std::move(recipe));
  sink.children.push_back(plan);
  return sink;
}

duckdb::PhysicalOperator& AttachedCatalog::PlanMergeInto(duckdb::ClientContext& client,
                                                         duckdb::PhysicalPlanGenerator& planner,
                                                         duckdb::LogicalMergeInto& op, duckdb::PhysicalOperator& plan) {
  AttachedTable& table = attached(op.table);
  const auto running = std::make_shared<RunningChange>(table);
  auto types = op.types;
  if (op.return_chunk) types.pop_back();  // MERGE itself says which action it was

  const auto plan_action = [&](duckdb::BoundMergeIntoAction& action) {
    auto planned = duckdb::make_uniq<duckdb::MergeIntoOperator>();
    planned->action_type = action.action_type;
    planned->condition = std::move(action.condition);
    ChangeRecipe recipe;
    recipe.returns_rows = op.return_chunk;
    recipe.row_id = op.row_id_start;
    switch (action.action_type) {
      case duckdb::MergeActionType::MERGE_UPDATE:
        recipe.kind = Kind::Update;
        recipe.new_row = new_row_of(client, table, action.columns, action.expressions);
        break;
      case duckdb::MergeActionType::MERGE_DELETE: recipe.kind = Kind::Delete; break;
      case duckdb::MergeActionType::MERGE_INSERT: {
        recipe.kind = Kind::Insert;
        if (action.column_index_map.empty()) {
          planned->expressions = std::move(action.expressions);
          break;
        }
        for (const auto& column : table.GetColumns().Physical()) {
          const auto given = action.column_index_map[column.Physical()];
          planned->expressions.push_back(given == duckdb::DConstants::INVALID_INDEX
                                             ? op.bound_defaults[column.StorageOid()]->Copy()
                                             : std::move(action.expressions[given]));
        }
        break;
      }
      default:  // an error or nothing at all: DuckDB's own
        planned->expressions = std::move(action.expressions);
        return planned;
    }
    planned->op = planner.Make<ChangeSink>(types, running, std::move(recipe));
    return planned;
  };

  MergeSink::Actions actions;
  for (auto& [condition, bound] : op.actions) {
    for (auto& action : bound) actions[condition].push_back(plan_action(*action));
  }
  auto& sink = planner.Make<MergeSink>(op, std::move(actions), running);
  sink.children.push_back(plan);
  return sink;
}

}  // namespace sluice::lake
