#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fail_points.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "columnar/kernel.h"
#include "connect/files/file_system.h"
#include "lake/lake.h"
#include "runtime/dataset_task.h"
#include "runtime/dead_letters.h"
#include "runtime/epoch_log.h"
#include "runtime/managed_table.h"
#include "runtime/plan_provider.h"
#include "runtime/progress.h"
#include "runtime/refresh_plan.h"
#include "runtime/side_outputs.h"
#include "runtime/side_tables.h"
#include "runtime/source_reader.h"
#include "store/object_store.h"

namespace sluice::runtime {

struct RunnerOptions {
  std::string schema = "main";  ///< Where datasets live: their tables are <storage>/<schema>/<name>.
  FullRefresh full_refresh;
  std::chrono::milliseconds settle_time{0};  ///< Files are taken when they stood still that long.
  bool wait_for_paths = false;               ///< A source's folder that was there may go and come back.
  std::string engine;                        ///< Release, for the manifest.
};

/// Everything the runner acts on. All must outlive it.
struct RunnerEnvironment {
  std::shared_ptr<store::ObjectStore> storage;  ///< Rooted at the storage folder.
  connect::FileSystem& files;                   ///< Relative paths start at the project folder.
  lake::Lake& lake;
  PlanProvider& plans;
  Clock& clock;
  Random& random;
  Logger& log;
  FailPoints& fail_points;
  ProgressSink progress = [](const Progress&) {};
};

/// What an epoch did to a dataset or side table.
struct DatasetReport {
  std::string name;
  RefreshKind refresh = RefreshKind::Append;
  std::uint64_t rows_added = 0;
  std::uint64_t rows_removed = 0;
  std::int64_t version = -1;  ///< Of the table after the epoch.
  bool changed = false;
};

/// A committed epoch.
struct EpochReport {
  Epoch epoch;
  std::vector<DatasetReport> datasets;                         ///< In dependency order.
  std::map<std::string, std::vector<std::string>> files_read;  ///< Paths by dataset.
  std::uint64_t dead_letters = 0;
  std::uint64_t row_errors = 0;
  std::uint64_t violations = 0;  ///< Rows that met not every rule, each rule counted.
  bool recovered = false;        ///< Completed what an earlier process had decided.
};

/// Runs a pipeline epoch by epoch, as design §6 says:
///
///     newest manifest → finish a decided epoch → look for input → plan → claim plan → read and compute → files durable
///     → claim intent (point of no return) → commit table by table → manifest → log checkpoints, clean-up
///
/// A process that ends before the intent leaves nothing visible; one that ends after it is finished by the next from
/// the intent alone. Owned by one worker. After an error the runner forgets what it holds in memory and the next
/// run_epoch() starts from the manifest.
class PipelineRunner {
 public:
  PipelineRunner(RunnerEnvironment environment, RunnerOptions options);
  ~PipelineRunner();

  /// Runs one epoch, if there is anything to do; nullopt if all tables are up to date.
  /// Errors: what is wrong with the project or a source (InvalidArgument); DataError (an expectation says to stop;
  /// nothing of the epoch is visible); Conflict, Fenced (another writer or engine); Corruption (state or a table);
  /// Unavailable, ResourceExhausted, PermissionDenied (storage); Cancelled.
  Result<std::optional<EpochReport>> run_epoch(const std::stop_token& stop);

  /// Returns what came up since the last call that a user should know: datasets that are no longer defined, files that
  /// changed after they were read.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

  /// The present plan; nullptr before the first epoch was looked for.
  const plan::Pipeline* pipeline() const { return pipeline_ ? &*pipeline_ : nullptr; }

 private:
  class Schemas;

  Result<std::optional<EpochReport>> try_epoch();
  void forget();
  void collect_notes();

  Result<std::optional<EpochReport>> open();
  Result<EpochReport> finish_decided(CommitIntent intent);
  Status load_positions();
  Status look_for_input();
  Status look(const std::string& key, SourceReader& reader);
  bool must_wait() const;
  Status make_plan();
  Status open_tables();
  Status build_tasks();
  /// Tables that are not as the last epoch left them can only be computed anew, when the user asks for it.
  Status refuse_tables_out_of_step() const;
  std::string full_refresh_of(const std::string& dataset) const;
  /// The last look before the point of no return: after it an epoch cannot be completed on what someone else committed.
  Status refuse_taken_versions(const CommitIntent& intent) const;
  std::set<std::string> views_with_other_columns() const;
  bool must_rebuild(const plan::Source& source) const;
  std::set<std::string> views_to_rebuild() const;
  bool anything_to_do() const;
  bool inference_has_grown() const;
  void note_removed(const std::map<std::string, TableState>& tables);
  std::vector<std::string> dataset_order() const;

  Status begin_tables();
  Status begin_streaming_table(DatasetTask& task);
  Status compute(EpochReport& report);
  Status read_sources(EpochReport& report);
  Status write_side_outputs(EpochReport& report);
  Result<CommitIntent> prepare_commits(EpochReport& report);
  Status commit(CommitIntent& intent, EpochReport& report);
  Status after_commit(const CommitIntent& intent);

  Status scan_relation(const std::string& relation, const BatchSink& sink);
  columnar::Schema relation_schema(const std::string& relation) const;
  std::shared_ptr<store::ObjectStore> table_store(const std::string& key) const;
  std::string table_key(const std::string& dataset) const { return options_.schema + "." + dataset; }
  std::string app_id(const ManagedTable& table, std::int64_t generation) const;
  Result<ManagedTable*> side_table(SideTable side);
  SideOutputs::ScanTable scan_of(SideTable side);
  /// Writes rows to the side table; the first of an epoch begin its part of it.
  Status write_to_side_table(SideTable side, columnar::ChangeBatch& rows);
  Status add_dead_letter(const std::string& dataset, DeadLetter letter);

  RunnerEnvironment environment_;
  RunnerOptions options_;
  std::shared_ptr<store::ObjectStore> records_;
  EpochLog epochs_;
  std::string run_id_;
  std::unique_ptr<columnar::KernelContext> kernels_;

  bool open_ = false;
  std::stop_token stop_;                                          ///< Of the running call.
  Manifest manifest_;                                             ///< Of the last epoch; epoch 0 before the first.
  std::map<std::string, std::unique_ptr<SourceReader>> sources_;  ///< By Source::key.
  std::set<std::string> seen_;  ///< Sources, by key, whose path this process has found.
  std::set<std::string> away_;  ///< Of these the ones whose path the last look did not find.
  std::optional<plan::Pipeline> pipeline_;
  std::unique_ptr<TableEnvironment> table_environment_;
  std::map<std::string, std::unique_ptr<ManagedTable>> tables_;  ///< By "schema.table".
  std::unique_ptr<TaskEnvironment> task_environment_;
  std::map<std::string, std::unique_ptr<DatasetTask>> tasks_;  ///< By dataset name.
  SideOutputs side_outputs_;
  DeadLetters dead_letters_;
  std::set<SideTable> sides_written_;  ///< In this epoch.
  std::vector<std::string> notes_;
  std::set<std::string> removed_noted_;  ///< Tables whose note was given.
};

}  // namespace sluice::runtime
