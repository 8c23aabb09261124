#include "runtime/dataset_task.h"

#include <algorithm>

#include <fmt/format.h>

#include "columnar/guard.h"
#include "columnar/variant_encoding.h"
#include "runtime/internal/row_text.h"

namespace sluice::runtime {

Result<std::unique_ptr<DatasetTask>> DatasetTask::create(const plan::Dataset& dataset, Refresh refresh,
                                                         ManagedTable& table, TaskEnvironment& environment) {
  std::unique_ptr<DatasetTask> task(new DatasetTask(dataset, std::move(refresh), table, environment));
  if (dataset.query.incremental()) {
    SLUICE_TRY_ASSIGN(task->dataflow_, Dataflow::create(dataset.query, environment.kernels, environment.append_only,
                                                        run_by_lake(environment.lake, environment.stop)));
    SLUICE_TRY(task->make_boundary(task->dataflow_->types()));
  } else {
    for (const std::string& input : dataset.query.inputs) {
      SLUICE_TRY_ASSIGN(internal::RowBag image, internal::RowBag::create(environment.relation_schema(input).types()));
      task->images_.emplace(input, std::move(image));
    }
  }
  if (!dataset.expectations.empty()) {
    SLUICE_TRY_ASSIGN(task->expectations_,
                      quality::Expectations::create(environment.kernels, dataset.expectations, dataset.schema));
  }
  if (!task->streaming()) {
    if (task->dataflow_) {
      SLUICE_TRY_ASSIGN(task->changes_, internal::RowBag::create(task->dataflow_->types()));
    }
    SLUICE_TRY_ASSIGN(task->pending_, internal::RowBag::create(dataset.schema.types()));
  }
  return task;
}

DatasetTask::~DatasetTask() = default;

std::vector<columnar::ColumnIndex> DatasetTask::partition_of(const plan::Dataset& dataset) {
  std::vector<columnar::ColumnIndex> columns;
  for (const std::string& name : dataset.partition_columns) {
    if (const auto column = dataset.schema.find(name)) columns.push_back(*column);
  }
  return columns;
}

void DatasetTask::start_epoch(Epoch epoch) {
  epoch_ = epoch;
  touched_ = computes_anew();
  if (refresh_.kind != RefreshKind::Maintain) state_ready_ = true;
}

Status DatasetTask::take_standing_rows() {
  if (refresh_.kind == RefreshKind::Maintain) return ok();  // when the first change comes
  for (const std::string& relation : refresh_.scans) {
    SLUICE_TRY(environment_.scan(relation, [&](columnar::ChangeBatch& rows) { return push(relation, rows); }));
  }
  return ok();
}

Status DatasetTask::ensure_state() {
  if (state_ready_) return ok();
  state_ready_ = true;
  discarding_ = true;
  for (const std::string& relation : refresh_.scans) {
    SLUICE_TRY(environment_.scan(relation, [&](columnar::ChangeBatch& rows) { return take(relation, rows); }));
  }
  if (dataflow_) SLUICE_TRY(dataflow_->end_epoch(epoch_.previous(), *this));
  discarding_ = false;
  return std::move(status_);
}

Status DatasetTask::push(const std::string& relation, columnar::ChangeBatch& changes) {
  if (changes.empty()) return ok();
  SLUICE_TRY(ensure_state());
  touched_ = true;
  return take(relation, changes);
}

Status DatasetTask::take(const std::string& relation, columnar::ChangeBatch& changes) {
  if (dataflow_) {
    SLUICE_TRY(dataflow_->push(relation, changes, *this));
    return status_;
  }
  return images_.at(relation).add(changes);
}

void DatasetTask::emit(columnar::ChangeBatch&& changes) {
  if (discarding_ || !status_ || changes.empty()) return;
  status_ = changes_ ? changes_->add(changes) : cast_and_judge(changes);
}

void DatasetTask::fail(engine::EvaluationError error) {
  if (discarding_) return;
  environment_.side_outputs.add_error(dataset_.name, error.key, error.expression, error.message, error.weight);
}

void DatasetTask::cast(columnar::ChangeBatch& changes) {
  std::vector<std::uint32_t> kept;
  std::vector<columnar::RowError> errors;
  duckdb::DataChunk cast;
  boundary_->evaluate(changes.rows(), cast, kept, errors);
  for (const columnar::RowError& error : errors) {
    fail({internal::row_text(changes.rows(), error.row), error.expression, error.message, changes.weight(error.row)});
  }
  std::vector<std::int64_t> weights;
  if (!changes.insert_only()) {
    if (kept.empty() && errors.empty()) {
      weights = changes.weights();
    } else {
      for (const std::uint32_t row : kept) weights.push_back(changes.weight(row));
    }
  }
  changes = columnar::ChangeBatch(std::move(cast));
  if (!weights.empty()) changes.set_weights(std::move(weights));
}

void DatasetTask::refuse_infinite_times(columnar::ChangeBatch& changes) {
  const auto found = finite_times_.find(changes.rows());
  if (found.empty()) return;
  std::vector<std::uint32_t> kept;
  auto next = found.begin();
  for (std::uint32_t row = 0; row < changes.size(); ++row) {
    if (next == found.end() || next->row != row) {
      kept.push_back(row);
      continue;
    }
    fail({internal::row_text(changes.rows(), row), dataset_.schema.fields[next->column].name,
          std::string(delta::FiniteTimes::reason_of(*next)), changes.weight(row)});
    ++next;
  }
  changes = columnar::slice(changes, kept);
}

Status DatasetTask::cast_and_judge(columnar::ChangeBatch& changes) {
  SLUICE_TRY(columnar::guard([&] {
    if (boundary_) cast(changes);
    refuse_infinite_times(changes);
    float_forms_.unify(changes.rows());
  }));
  if (!expectations_) return pass_on(changes);
  SLUICE_TRY_ASSIGN(quality::Judgement judgement, expectations_->judge(changes));
  for (const quality::Verdict& verdict : judgement.verdicts) {
    environment_.side_outputs.count(dataset_.name, verdict.expectation, verdict.action, verdict.passed, verdict.failed);
  }
  for (const quality::QuarantinedRow& row : judgement.quarantined) {
    environment_.side_outputs.add_quarantined(dataset_.name, row.expectation, row.row, row.weight);
  }
  if (judgement.failure) return std::move(*judgement.failure).in(dataset_.name);
  return pass_on(judgement.kept);
}

Status DatasetTask::pass_on(columnar::ChangeBatch& rows) {
  if (rows.empty()) return ok();
  // Summed changes that were not cast are summed still.
  const bool settled = streaming() || (dataflow_ && !boundary_ && !replaces_rows());
  return settled ? hand_over(rows) : pending_->add(rows);
}

Status DatasetTask::hand_over(columnar::ChangeBatch& rows) {
  SLUICE_TRY(table_.write(rows));
  for (DatasetTask* reader : readers_) SLUICE_TRY(reader->push(dataset_.name, rows));
  return ok();
}

Status DatasetTask::end_epoch(Epoch epoch) {
  if (!touched_) return ok();
  if (whole()) environment_.side_outputs.replace(dataset_.name);
  if (dataflow_) {
    SLUICE_TRY(dataflow_->end_epoch(epoch, *this));
    SLUICE_TRY(std::move(status_));
    SLUICE_TRY(judge_changes());
  } else {
    SLUICE_TRY(recompute());
  }
  return streaming() ? ok() : finish_view();
}

Status DatasetTask::judge_changes() {
  if (!changes_) return ok();
  SLUICE_TRY(changes_->for_each_batch([&](columnar::ChangeBatch& changes) { return cast_and_judge(changes); }));
  changes_->clear();
  return ok();
}

Status DatasetTask::make_boundary(const columnar::RowType& types) {
  const columnar::RowType stored = dataset_.schema.types();
  boundary_.reset();
  if (types == stored && std::ranges::none_of(stored, columnar::holds_variant)) return ok();
  std::vector<columnar::Expression> casts;
  for (columnar::ColumnIndex column = 0; column < stored.size(); ++column) {
    auto value = columnar::Expression::column_ref(column, types[column], dataset_.schema.fields[column].name);
    if (value.type != stored[column]) value = columnar::Expression::cast(std::move(value), stored[column]);
    if (columnar::holds_variant(stored[column])) value = columnar::stored_variants(std::move(value));
    casts.push_back(std::move(value));
  }
  SLUICE_TRY_ASSIGN(boundary_, columnar::Kernel::create(environment_.kernels, std::move(casts), types));
  return ok();
}

Status DatasetTask::recompute() {
  Status done = take_answer();
  if (done || !engine::rows_may_be_to_blame(done.error())) return done;
  // What fails is the query as a whole, and which rows come before the error is nobody's choice.
  pending_->clear();
  environment_.side_outputs.retract(dataset_.name);
  environment_.side_outputs.add_error(dataset_.name, "", dataset_.query.sql, done.error().message(), 1);
  return ok();
}

Status DatasetTask::take_answer() {
  std::vector<lake::Relation> relations;
  std::vector<std::unique_ptr<duckdb::ColumnDataCollection>> contents;
  for (const auto& [name, image] : images_) {
    SLUICE_TRY_ASSIGN(auto content, image.collect());
    contents.push_back(std::move(content));
    relations.push_back(lake::Relation::of_rows(name, environment_.relation_schema(name), *contents.back()));
  }
  std::vector<lake::View> views;
  for (const plan::NamedQuery& view : dataset_.query.views) views.push_back({view.name, view.sql});
  SLUICE_TRY_ASSIGN(const std::unique_ptr<lake::Rows> rows,
                    environment_.lake.execute(dataset_.query.sql, views, std::move(relations), environment_.stop()));
  SLUICE_TRY(make_boundary(rows->types()));
  for (;;) {
    SLUICE_TRY_ASSIGN(const duckdb::unique_ptr<duckdb::DataChunk> chunk, rows->next());
    if (!chunk) return ok();
    columnar::ChangeBatch batch(std::move(*chunk));
    emit(std::move(batch));
    SLUICE_TRY(std::move(status_));
  }
}

Status DatasetTask::finish_view() {
  if (replaces_rows()) {
    SLUICE_TRY(table_.scan([&](columnar::ChangeBatch& rows) { return pending_->subtract(rows); }));
  }
  SLUICE_TRY(pending_->for_each_batch([&](columnar::ChangeBatch& changes) { return hand_over(changes); }));
  pending_->clear();
  return ok();
}

void DatasetTask::applied() {
  refresh_.kind = streaming() ? RefreshKind::Append : RefreshKind::Maintain;
  // A view's scans stay: they are what its state would be rebuilt from.
  if (streaming()) refresh_.scans.clear();
}

}  // namespace sluice::runtime
