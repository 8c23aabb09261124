#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong_int.h"
#include "columnar/change_batch.h"
#include "columnar/kernel.h"
#include "delta/finite_times.h"
#include "engine/operator.h"
#include "lake/lake.h"
#include "plan/pipeline.h"
#include "quality/expectations.h"
#include "runtime/dataflow.h"
#include "runtime/internal/float_forms.h"
#include "runtime/internal/row_bag.h"
#include "runtime/managed_table.h"
#include "runtime/refresh_plan.h"
#include "runtime/side_outputs.h"

namespace sluice::runtime {

/// Takes rows of a relation.
using BatchSink = std::function<Status(columnar::ChangeBatch&)>;
/// Passes the rows that a relation (dataset or tracked source) held at the end of the last epoch to the sink, in the
/// types the present plan gives it.
using ScanRelation = std::function<Status(const std::string& relation, const BatchSink& sink)>;

/// What the tasks of one pipeline share. Everything must outlive the tasks.
struct TaskEnvironment {
  columnar::KernelContext& kernels;
  lake::Lake& lake;
  SideOutputs& side_outputs;
  ScanRelation scan;
  /// True if rows of the relation are never taken back.
  std::function<bool(const std::string& relation)> append_only;
  /// Columns of a relation, as the present plan gives them.
  std::function<columnar::Schema(const std::string& relation)> relation_schema;
  /// Of the running epoch.
  std::function<std::stop_token()> stop;
};

/// Computes one dataset: takes changes of its inputs in, casts the result to the dataset's boundary types, judges it by
/// the expectations, and passes it to the table and to the datasets that read it, from memory.
///
/// A streaming table's rows go on as they come. A view's changes are summed over the epoch before they are cast and
/// judged, so what cancels leaves no trace and stops nothing; a view that is computed anew also counts what its table
/// holds now as taken away, so that only the difference remains. A recomputed query that fails on its data gives no
/// rows and one error, until a later epoch's input heals it. State is rebuilt, when the first change comes, from what
/// the inputs held at the end of the last epoch. Owned by one worker. After an error the task must be thrown away.
class DatasetTask final : private engine::Output {
 public:
  /// `dataset`, `table` and `environment` must outlive the task.
  static Result<std::unique_ptr<DatasetTask>> create(const plan::Dataset& dataset, Refresh refresh, ManagedTable& table,
                                                     TaskEnvironment& environment);
  ~DatasetTask() override;

  const plan::Dataset& dataset() const { return dataset_; }
  const Refresh& refresh() const { return refresh_; }
  ManagedTable& table() { return table_; }

  /// Adds a dataset that reads this one. It must outlive the task.
  void add_reader(DatasetTask& reader) { readers_.push_back(&reader); }

  /// Whether the next epoch computes all rows from scratch rather than from changes.
  bool computes_anew() const { return refresh_.kind != RefreshKind::Append && refresh_.kind != RefreshKind::Maintain; }

  /// Begins an epoch. All tasks begin before any takes rows.
  void start_epoch(Epoch epoch);
  /// Takes in what the inputs held before this epoch, where the refresh asks for it.
  Status take_standing_rows();
  /// Takes changes of one input in.
  Status push(const std::string& relation, columnar::ChangeBatch& changes);
  /// Ends the epoch: when it returns, table and readers have all changes. Inputs end before their readers.
  Status end_epoch(Epoch epoch);
  /// The epoch is committed: from now on the dataset goes on by changes.
  void applied();

 private:
  DatasetTask(const plan::Dataset& dataset, Refresh refresh, ManagedTable& table, TaskEnvironment& environment)
      : dataset_(dataset),
        refresh_(std::move(refresh)),
        table_(table),
        environment_(environment),
        finite_times_(dataset.schema.types(), partition_of(dataset)),
        float_forms_(dataset.schema.types()) {}

  static std::vector<columnar::ColumnIndex> partition_of(const plan::Dataset& dataset);
  bool streaming() const { return dataset_.kind == plan::DatasetKind::StreamingTable; }
  /// Whether an epoch's output is all that the dataset has, rather than changes of it.
  bool whole() const { return !dataflow_ || computes_anew(); }
  /// Whether the table's rows as of the last epoch are to be counted as taken away.
  bool replaces_rows() const {
    return !streaming() && whole() && refresh_.kind != RefreshKind::Create && refresh_.kind != RefreshKind::Replace;
  }

  void emit(columnar::ChangeBatch&& changes) override;
  void fail(engine::EvaluationError error) override;

  Status ensure_state();
  Status take(const std::string& relation, columnar::ChangeBatch& changes);
  Status cast_and_judge(columnar::ChangeBatch& changes);
  void cast(columnar::ChangeBatch& changes);
  void refuse_infinite_times(columnar::ChangeBatch& changes);
  Status pass_on(columnar::ChangeBatch& rows);
  Status hand_over(columnar::ChangeBatch& rows);
  Status make_boundary(const columnar::RowType& types);
  Status judge_changes();
  Status recompute();
  Status take_answer();
  Status finish_view();

  const plan::Dataset& dataset_;
  Refresh refresh_;
  ManagedTable& table_;
  TaskEnvironment& environment_;
  std::vector<DatasetTask*> readers_;

  std::unique_ptr<Dataflow> dataflow_;              ///< Null if the dataset is recomputed.
  std::map<std::string, internal::RowBag> images_;  ///< Of the inputs, if the dataset is recomputed.
  std::unique_ptr<columnar::Kernel> boundary_;      ///< Null if the types agree already.
  delta::FiniteTimes finite_times_;
  internal::FloatForms float_forms_;
  std::unique_ptr<quality::Expectations> expectations_;
  std::optional<internal::RowBag> changes_;  ///< Of this epoch, as a view's operators gave them.
  std::optional<internal::RowBag> pending_;  ///< The same, cast and judged.

  bool state_ready_ = false;  ///< Operators or images hold the inputs as of the last epoch.
  bool discarding_ = false;   ///< Output only restores state.
  bool touched_ = false;      ///< Something came in during this epoch.
  Epoch epoch_;
  Status status_;  ///< First error inside emit(), which cannot return one.
};

}  // namespace sluice::runtime
