#include "runtime/pipeline_runner.h"

#include <algorithm>

#include <fmt/format.h>

#include "columnar/column_names.h"
#include "runtime/internal/evolution.h"
#include "store/prefix_store.h"

namespace sluice::runtime {
namespace {

constexpr std::string_view kRecordsFolder = "_sluice";

std::string operation_of(RefreshKind kind, plan::DatasetKind dataset) {
  if (kind == RefreshKind::Create) return "CREATE TABLE AS SELECT";
  if (kind == RefreshKind::Replace) return "REPLACE TABLE AS SELECT";
  return dataset == plan::DatasetKind::StreamingTable ? "STREAMING UPDATE" : "REFRESH MATERIALIZED VIEW";
}

TableSpec spec_of(const plan::Dataset& dataset, const std::string& key) {
  TableSpec spec;
  spec.key = key;
  spec.schema = dataset.schema;
  spec.partition_columns = dataset.partition_columns;
  spec.properties = dataset.properties;
  spec.comment = dataset.comment;
  spec.mode =
      dataset.kind == plan::DatasetKind::StreamingTable ? connect::WriteMode::Append : connect::WriteMode::Changes;
  return spec;
}

TableSpec side_spec(SideTable side) {
  TableSpec spec;
  spec.key = key_of(side);
  spec.schema = schema_of(side);
  return spec;
}

/// Whether nothing is known but the column that every source of files has.
bool has_no_columns(const columnar::Schema& schema) { return schema.fields.size() <= 1; }

/// Returns which columns of a source the dataset's operators read; all, as an empty list, if it runs as text.
std::vector<bool> needed_columns(const plan::Pipeline& pipeline, const plan::Source& source) {
  const plan::QueryPlan& query = pipeline.find_dataset(source.dataset)->query;
  if (!query.incremental()) return {};
  std::vector<bool> needed(source.schema.fields.size(), false);
  for (const plan::Node& node : query.nodes) {
    const auto* input = std::get_if<plan::InputNode>(&node.body);
    if (input == nullptr || input->relation != source.key) continue;
    for (const columnar::ColumnIndex column : input->columns) needed[column] = true;
  }
  return needed;
}

}  // namespace

/// Answers the compiler's question for a source's columns by looking at its files.
class PipelineRunner::Schemas final : public SourceSchemas {
 public:
  explicit Schemas(PipelineRunner& runner) : runner_(runner) {}

  Result<columnar::Schema> schema_of(const plan::Source& source) override {
    std::unique_ptr<SourceReader>& reader = runner_.sources_[source.key];
    if (!reader) {
      auto created = SourceReader::create({runner_.environment_.files, runner_.environment_.lake,
                                           runner_.environment_.clock, runner_.manifest_.pipeline_id},
                                          source, runner_.options_.settle_time);
      if (!created) {
        runner_.sources_.erase(source.key);
        return std::move(created).error();
      }
      reader = std::move(*created);
      const auto stood = runner_.manifest_.sources.find(source.key);
      const bool refreshed = runner_.options_.full_refresh.covers(source.dataset);
      const bool recorded = stood != runner_.manifest_.sources.end();
      if (recorded && !refreshed) SLUICE_TRY(reader->restore(stood->second));
      SLUICE_TRY(runner_.look(source.key, *reader));
      // Without columns no query would bind: the first files are worth the time that they must stand still.
      if (const auto wait = reader->settling_time(); wait.count() > 0 && has_no_columns(reader->schema())) {
        runner_.environment_.clock.sleep(wait, runner_.stop_);
        SLUICE_TRY(runner_.look(source.key, *reader));
      }
      if (recorded && refreshed) {
        // What was read is gone by now: the query stays valid, over no rows.
        if (!reader->has_pending()) SLUICE_TRY(reader->restore_columns(stood->second));
        SLUICE_TRY_ASSIGN(const std::vector<std::string> gone, reader->find_gone(stood->second));
        if (!gone.empty()) {
          runner_.notes_.push_back(
              fmt::format("the full refresh of {} no longer finds {} of the files that it had read (first: {}): their "
                          "rows go",
                          source.dataset, gone.size(), gone.front()));
        }
      }
    }
    return reader->schema();
  }

 private:
  PipelineRunner& runner_;
};

PipelineRunner::PipelineRunner(RunnerEnvironment environment, RunnerOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      records_(std::make_shared<store::PrefixStore>(*environment_.storage, kRecordsFolder)),
      epochs_(*records_, environment_.fail_points),
      run_id_(environment_.random.uuid()),
      dead_letters_([this](columnar::ChangeBatch& rows) { return write_to_side_table(SideTable::DeadLetters, rows); },
                    [this](const BatchSink& sink) -> Status {
                      const SideOutputs::ScanTable scan = scan_of(SideTable::DeadLetters);
                      return scan ? scan(sink) : ok();
                    }) {}

PipelineRunner::~PipelineRunner() = default;

Result<std::optional<EpochReport>> PipelineRunner::run_epoch(const std::stop_token& stop) {
  stop_ = stop;
  auto report = try_epoch();
  collect_notes();
  if (!report) forget();
  return report;
}

Result<std::optional<EpochReport>> PipelineRunner::try_epoch() {
  if (!open_) {
    SLUICE_TRY_ASSIGN(std::optional<EpochReport> recovered, open());
    if (recovered) return recovered;
  }
  SLUICE_TRY(look_for_input());
  if (tasks_.empty()) {
    SLUICE_TRY(open_tables());
    SLUICE_TRY(build_tasks());
  }
  if (must_wait() || !anything_to_do()) return std::optional<EpochReport>();

  EpochReport report;
  report.epoch = manifest_.epoch.next();
  OffsetPlan plan{report.epoch, run_id_, {}};
  for (const auto& [key, source] : sources_) plan.sources[key] = source->pending_text();
  SLUICE_TRY(epochs_.put_plan(plan));
  SLUICE_TRY(compute(report));
  SLUICE_TRY_ASSIGN(CommitIntent intent, prepare_commits(report));
  if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "a stop was requested");
  SLUICE_TRY(refuse_taken_versions(intent));
  SLUICE_TRY(epochs_.claim_intent(intent));
  SLUICE_TRY(commit(intent, report));
  SLUICE_TRY(after_commit(intent));
  return std::optional<EpochReport>(std::move(report));
}

void PipelineRunner::forget() {
  // What tables wrote for an epoch that was not claimed is removed where possible; a claimed epoch needs its files.
  const auto intent = epochs_.find_intent(manifest_.epoch.next());
  if (intent && !*intent) {
    for (auto& [key, table] : tables_) table->abort();
  }
  tasks_.clear();
  tables_.clear();
  side_outputs_.clear();
  task_environment_.reset();
  pipeline_.reset();
  sources_.clear();
  away_.clear();
  open_ = false;
}

Result<std::optional<EpochReport>> PipelineRunner::open() {
  SLUICE_TRY(environment_.fail_points.hit("R1"));
  SLUICE_TRY_ASSIGN(kernels_, columnar::KernelContext::create());
  SLUICE_TRY_ASSIGN(std::optional<Manifest> newest, epochs_.newest_manifest());
  const bool has_manifest = newest.has_value();
  manifest_ = newest ? std::move(*newest) : Manifest();
  SLUICE_TRY(load_positions());
  SLUICE_TRY_ASSIGN(std::optional<CommitIntent> decided, epochs_.find_intent(manifest_.epoch.next()));
  if (decided) {
    SLUICE_TRY_ASSIGN(EpochReport report, finish_decided(std::move(*decided)));
    return std::optional<EpochReport>(std::move(report));
  }
  if (manifest_.pipeline_id.empty()) manifest_.pipeline_id = environment_.random.uuid();
  table_environment_ = std::make_unique<TableEnvironment>(TableEnvironment{
      environment_.lake, environment_.clock, environment_.random, manifest_.pipeline_id, has_manifest});
  open_ = true;
  return std::optional<EpochReport>();
}

Result<EpochReport> PipelineRunner::finish_decided(CommitIntent intent) {
  environment_.log.info("runtime", "finishing a decided epoch", {{"epoch", std::to_string(intent.epoch.value())}});
  EpochReport report;
  report.epoch = intent.epoch;
  report.recovered = true;
  SLUICE_TRY(commit(intent, report));
  return report;
}

Status PipelineRunner::load_positions() {
  // Only every kPositionInterval-th manifest holds whole positions; the others say what they added to it.
  const std::int64_t newest = manifest_.epoch.value();
  std::vector<Manifest> chain;
  for (std::int64_t epoch = newest; epoch > 0 && epoch % EpochLog::kPositionInterval != 0; --epoch) {
    if (epoch == 1) break;
    SLUICE_TRY_ASSIGN(std::optional<Manifest> older, epochs_.find_manifest(Epoch(epoch - 1)));
    if (!older) {
      return Error(ErrorCode::Corruption,
                   fmt::format("the manifest of epoch {} is missing in _sluice/epochs", epoch - 1))
          .with_number(6003)
          .with_help("restore the folder _sluice/ from a backup");
    }
    chain.push_back(std::move(*older));
  }
  for (auto& [key, state] : manifest_.sources) {
    std::vector<std::string> added;
    std::string whole;
    for (const Manifest& older : chain) {
      const auto found = older.sources.find(key);
      if (found == older.sources.end()) break;
      if (!found->second.position.empty()) {
        whole = found->second.position;
        break;
      }
      added.push_back(found->second.added);
    }
    if (!state.position.empty()) continue;
    added.insert(added.begin(), state.added);
    std::reverse(added.begin(), added.end());
    SLUICE_TRY_ASSIGN(state.position, SourceReader::merge_positions(whole, added));
  }
  return ok();
}

Status PipelineRunner::look_for_input() {
  bool grown = !pipeline_;
  for (auto& [key, source] : sources_) {
    const columnar::Schema before = source->schema();
    SLUICE_TRY(look(key, *source));
    grown = grown || !(source->schema() == before);
  }
  if (grown) SLUICE_TRY(make_plan());
  // A view over what cannot say how it changed is rebuilt: what each dataset has to do is decided anew.
  if (std::ranges::any_of(pipeline_->sources, [this](const plan::Source& source) { return must_rebuild(source); })) {
    tasks_.clear();
  }
  return ok();
}

/// True if the source has other rows than at the last epoch and does not say which.
bool PipelineRunner::must_rebuild(const plan::Source& source) const {
  const SourceReader& reader = *sources_.at(source.key);
  return !source.stream && reader.has_pending() && !reader.gives_changes();
}

/// Looks for a source's input. Where that is to be waited for, a path from which rows were taken, and which this process
/// has seen, may be mounted or moved back: until then nothing new comes from it. A full refresh reads all that is there,
/// so it must not take what is away for gone.
Status PipelineRunner::look(const std::string& key, SourceReader& reader) {
  const plan::Source& source = reader.source();
  Status status = reader.look(stop_);
  if (status) {
    seen_.insert(key);
    if (away_.erase(key) > 0) notes_.push_back(fmt::format("{} is there again", source.path));
    return ok();
  }
  const bool waits = options_.wait_for_paths && status.error().code() == ErrorCode::NotFound && seen_.contains(key) &&
                     manifest_.sources.contains(key) && !options_.full_refresh.covers(source.dataset);
  if (!waits) return status;
  if (away_.insert(key).second) {
    notes_.push_back(fmt::format("{}; {} until it is back", status.error().message(),
                                 source.stream ? "nothing new comes from it" : "no epoch begins"));
  }
  return ok();
}

/// True if a view could not be computed now, because files that it needs as they are now are away.
bool PipelineRunner::must_wait() const {
  return std::ranges::any_of(away_, [this](const std::string& key) { return !sources_.at(key)->source().stream; });
}

/// What sources have to say counts most when it led to an error.
void PipelineRunner::collect_notes() {
  for (auto& [key, source] : sources_) {
    for (std::string& note : source->take_notes()) notes_.push_back(std::move(note));
  }
}

Status PipelineRunner::make_plan() {
  tasks_.clear();
  task_environment_.reset();
  Schemas schemas(*this);
  SLUICE_TRY_ASSIGN(pipeline_, environment_.plans.make_plan(schemas));
  // A source with a declared schema is not asked for; it is read all the same.
  for (const plan::Source& source : pipeline_->sources) {
    SLUICE_TRY(schemas.schema_of(source));
    sources_.at(source.key)->need(needed_columns(*pipeline_, source));
  }
  std::erase_if(sources_, [&](const auto& entry) {
    const auto& [key, reader] = entry;
    if (pipeline_->find_source(key) != nullptr) return false;
    away_.erase(key);
    if (const auto state = manifest_.sources.find(key); state != manifest_.sources.end()) {
      state->second.position = reader->position();
    }
    return true;
  });
  return ok();
}

Status PipelineRunner::open_tables() {
  for (const plan::Dataset& dataset : pipeline_->datasets) {
    if (dataset.kind == plan::DatasetKind::TemporaryView) continue;
    const std::string key = table_key(dataset.name);
    if (tables_.count(key) > 0) continue;
    const auto state = manifest_.tables.find(key);
    SLUICE_TRY_ASSIGN(tables_[key], ManagedTable::open(*table_environment_, table_store(key), key,
                                                       state == manifest_.tables.end() ? nullptr : &state->second));
  }
  return ok();
}

Result<ManagedTable*> PipelineRunner::side_table(SideTable side) {
  const std::string& key = key_of(side);
  std::unique_ptr<ManagedTable>& table = tables_[key];
  if (!table) {
    const auto state = manifest_.tables.find(key);
    auto opened = ManagedTable::open(*table_environment_, table_store(key), key,
                                     state == manifest_.tables.end() ? nullptr : &state->second);
    if (!opened) {
      tables_.erase(key);
      return std::move(opened).error();
    }
    table = std::move(*opened);
  }
  return table.get();
}

std::set<std::string> PipelineRunner::views_with_other_columns() const {
  std::set<std::string> views;
  for (const plan::Dataset& dataset : pipeline_->datasets) {
    if (dataset.kind != plan::DatasetKind::MaterializedView) continue;
    const ManagedTable& table = *tables_.at(table_key(dataset.name));
    if (!table.snapshot()) continue;
    const bool repartitioned =
        !columnar::same_names(table.snapshot()->metadata().partition_columns, dataset.partition_columns);
    if (repartitioned ||
        internal::decide_evolution(table.stored_schema(), dataset.schema).kind != internal::EvolutionKind::Same) {
      views.insert(dataset.name);
    }
  }
  return views;
}

std::set<std::string> PipelineRunner::views_to_rebuild() const {
  std::set<std::string> views;
  for (const plan::Source& source : pipeline_->sources) {
    if (must_rebuild(source)) views.insert(source.dataset);
  }
  return views;
}

Status PipelineRunner::build_tasks() {
  RefreshFacts facts = facts_of(manifest_, options_.schema);
  facts.full_refresh = options_.full_refresh;
  note_removed(facts.tables);
  for (const auto& [name, state] : facts.tables) {
    const auto table = tables_.find(table_key(name));
    if (table != tables_.end() && table->second->standing() == TableStanding::Gone) facts.gone.insert(name);
  }
  facts.schema_changed = views_with_other_columns();
  facts.sources_changed = views_to_rebuild();
  SLUICE_TRY_ASSIGN(auto decided, decide_refresh(*pipeline_, facts));

  task_environment_ = std::make_unique<TaskEnvironment>(TaskEnvironment{
      *kernels_, environment_.lake, side_outputs_,
      [this](const std::string& relation, const BatchSink& sink) { return scan_relation(relation, sink); },
      [this](const std::string& relation) {
        const plan::Dataset* dataset = pipeline_->find_dataset(relation);
        if (dataset != nullptr) return dataset->kind == plan::DatasetKind::StreamingTable;
        // Files that change are taken in anew; a tracked table takes rows back.
        const plan::Source* source = pipeline_->find_source(relation);
        return source->stream || source->kind == plan::SourceKind::Files;
      },
      [this](const std::string& relation) { return relation_schema(relation); }, [this] { return stop_; }});
  for (const plan::Dataset& dataset : pipeline_->datasets) {
    if (dataset.kind == plan::DatasetKind::TemporaryView) continue;
    ManagedTable& table = *tables_.at(table_key(dataset.name));
    auto task = DatasetTask::create(dataset, decided.at(dataset.name), table, *task_environment_);
    if (!task) {
      tasks_.clear();
      return std::move(task).error().in(dataset.name);
    }
    for (const std::string& input : dataset.query.inputs) {
      if (const auto upstream = tasks_.find(input); upstream != tasks_.end()) upstream->second->add_reader(**task);
    }
    tasks_.emplace(dataset.name, std::move(*task));
  }
  // From here on a full refresh is either done or will be asked for anew.
  return refuse_tables_out_of_step();
}

void PipelineRunner::note_removed(const std::map<std::string, TableState>& tables) {
  for (const std::string& name : find_removed(*pipeline_, tables)) {
    if (!removed_noted_.insert(name).second) continue;
    notes_.push_back(fmt::format("{} is no longer defined; its table {} stays as it is", name, table_key(name)));
  }
}

Status PipelineRunner::refuse_tables_out_of_step() const {
  for (const std::string& name : dataset_order()) {
    const bool asked = options_.full_refresh.covers(name);
    if (asked) continue;
    if (auto out_of_step = tasks_.at(name)->table().out_of_step(full_refresh_of(name))) return *std::move(out_of_step);
  }
  return ok();
}

std::string PipelineRunner::full_refresh_of(const std::string& dataset) const {
  return fmt::format("{}", fmt::join(refreshed_together(*pipeline_, dataset), ","));
}

Status PipelineRunner::refuse_taken_versions(const CommitIntent& intent) const {
  for (const PlannedCommit& commit : intent.commits) {
    if (commit.append_only && is_side_table(commit.table)) continue;  // it moves to the next free version
    SLUICE_TRY_ASSIGN(const bool taken, is_version_taken(*table_store(commit.table), commit));
    if (taken) {
      const std::string dataset = commit.table.substr(commit.table.find('.') + 1);
      return foreign_commit_error(commit.table, commit.version, commit.version - 1, full_refresh_of(dataset));
    }
  }
  return ok();
}

bool PipelineRunner::anything_to_do() const {
  if (std::any_of(sources_.begin(), sources_.end(), [](const auto& entry) { return entry.second->has_pending(); })) {
    return true;
  }
  return std::any_of(tasks_.begin(), tasks_.end(), [this](const auto& entry) {
    const DatasetTask& task = *entry.second;
    const RefreshKind kind = task.refresh().kind;
    if (kind != RefreshKind::Append && kind != RefreshKind::Maintain) return true;
    if (kind == RefreshKind::Append && !task.refresh().scans.empty()) return true;
    const auto state = manifest_.tables.find(table_key(entry.first));
    return state == manifest_.tables.end() || state->second.fingerprint != task.dataset().fingerprint;
  });
}

std::vector<std::string> PipelineRunner::dataset_order() const {
  std::vector<std::string> names;
  for (const plan::Dataset& dataset : pipeline_->datasets) {
    if (dataset.kind != plan::DatasetKind::TemporaryView) names.push_back(dataset.name);
  }
  return names;
}

Status PipelineRunner::compute(EpochReport& report) {
  side_outputs_.begin_epoch(report.epoch);
  dead_letters_.begin_epoch(report.epoch);
  sides_written_.clear();
  const std::vector<std::string> order = dataset_order();
  for (const std::string& name : order) {
    DatasetTask& task = *tasks_.at(name);
    task.start_epoch(report.epoch);
    if (task.computes_anew()) dead_letters_.computes_anew(name);
  }
  SLUICE_TRY(begin_tables());
  for (const std::string& name : order) SLUICE_TRY(tasks_.at(name)->take_standing_rows());
  SLUICE_TRY(read_sources(report));
  Progress progress{report.epoch, Progress::Step::Computing, "", 0, order.size()};
  for (const std::string& name : order) {
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "a stop was requested");
    progress.dataset = name;
    ++progress.done;
    environment_.progress(progress);
    SLUICE_TRY(tasks_.at(name)->end_epoch(report.epoch));
  }
  SLUICE_TRY(environment_.fail_points.hit("P3"));
  return write_side_outputs(report);
}

Status PipelineRunner::begin_tables() {
  for (const std::string& name : dataset_order()) {
    DatasetTask& task = *tasks_.at(name);
    if (task.dataset().kind == plan::DatasetKind::StreamingTable && task.refresh().kind == RefreshKind::Append) {
      SLUICE_TRY(begin_streaming_table(task));
    } else {
      SLUICE_TRY(task.table().begin_epoch(spec_of(task.dataset(), table_key(name)),
                                          task.refresh().kind == RefreshKind::Replace));
    }
  }
  return ok();
}

Status PipelineRunner::begin_streaming_table(DatasetTask& task) {
  const plan::Dataset& dataset = task.dataset();
  const columnar::Schema stored = task.table().stored_schema();
  const auto& partition_columns = task.table().snapshot()->metadata().partition_columns;
  SLUICE_TRY(check_fit(*pipeline_, dataset, {stored, partition_columns}, inference_has_grown()));
  const bool rewrite = internal::decide_evolution(stored, dataset.schema).kind == internal::EvolutionKind::Widening;
  SLUICE_TRY(task.table().begin_epoch(spec_of(dataset, task.table().key()), rewrite));
  if (!rewrite) return ok();
  // The same rows in wider types, in one commit with this epoch's.
  return scan_relation(dataset.name, [&](columnar::ChangeBatch& rows) { return task.table().write(rows); });
}

bool PipelineRunner::inference_has_grown() const {
  return std::any_of(sources_.begin(), sources_.end(), [this](const auto& entry) {
    const auto before = manifest_.sources.find(entry.first);
    return before != manifest_.sources.end() && before->second.schema != entry.second->next_state(false).schema;
  });
}

Status PipelineRunner::read_sources(EpochReport& report) {
  for (const plan::Source& source : pipeline_->sources) {
    SourceReader& reader = *sources_.at(source.key);
    if (const auto paths = reader.pending_paths(); !paths.empty()) {
      auto& read = report.files_read[source.dataset];
      read.insert(read.end(), paths.begin(), paths.end());
    }
    DatasetTask& task = *tasks_.at(source.dataset);
    // Who is computed anew takes a tracked source in as a whole.
    if (!source.stream && (task.computes_anew() || !reader.has_pending())) continue;
    Progress progress{report.epoch, Progress::Step::Reading, source.dataset, 0, reader.pending_paths().size()};
    const auto take = [&](columnar::ChangeBatch& rows) {
      progress.done += rows.size();
      environment_.progress(progress);
      return task.push(source.key, rows);
    };
    SLUICE_TRY(reader.read_pending(
        stop_, take, [&](DeadLetter letter) { return add_dead_letter(source.dataset, std::move(letter)); }));
    SLUICE_TRY(environment_.fail_points.hit("I4"));
  }
  return ok();
}

Status PipelineRunner::write_side_outputs(EpochReport& report) {
  SLUICE_TRY(dead_letters_.finish());
  for (const SideTable side : SideOutputs::kTables) {
    SLUICE_TRY(side_outputs_.settle(side, scan_of(side)));
    SLUICE_TRY(side_outputs_.for_each_batch(
        side, [&](columnar::ChangeBatch& rows) { return write_to_side_table(side, rows); }));
  }
  report.dead_letters = dead_letters_.count();
  report.row_errors = side_outputs_.error_count();
  report.violations = side_outputs_.violation_count();
  return ok();
}

Status PipelineRunner::write_to_side_table(SideTable side, columnar::ChangeBatch& rows) {
  SLUICE_TRY_ASSIGN(ManagedTable* const table, side_table(side));
  if (sides_written_.insert(side).second) SLUICE_TRY(table->begin_epoch(side_spec(side), false));
  return table->write(rows);
}

Status PipelineRunner::add_dead_letter(const std::string& dataset, DeadLetter letter) {
  letter.dataset = dataset;
  return dead_letters_.add(letter);
}

SideOutputs::ScanTable PipelineRunner::scan_of(SideTable side) {
  if (manifest_.tables.count(key_of(side)) == 0) return {};
  return [this, side](const SideOutputs::BatchSink& sink) -> Status {
    SLUICE_TRY_ASSIGN(ManagedTable* const table, side_table(side));
    return table->scan(sink);
  };
}

Result<CommitIntent> PipelineRunner::prepare_commits(EpochReport& report) {
  CommitIntent intent{report.epoch, run_id_, {}, manifest_};
  Manifest& next = intent.manifest;
  next.epoch = report.epoch;
  next.engine = options_.engine;
  const auto prepare = [&](ManagedTable& table, TableState state, const std::string& operation) -> Status {
    SLUICE_TRY_ASSIGN(std::optional<PlannedCommit> commit,
                      table.prepare(app_id(table, state.generation), report.epoch, operation));
    if (commit) {
      state.version = commit->version;
      state.table_id = table.table_id();
      intent.commits.push_back(std::move(*commit));
    }
    next.tables[table.key()] = std::move(state);
    return ok();
  };
  for (const std::string& name : dataset_order()) {
    DatasetTask& task = *tasks_.at(name);
    TableState state = next.tables.count(task.table().key()) > 0 ? next.tables.at(task.table().key()) : TableState();
    const std::int64_t version_before = state.version;
    state.generation = task.refresh().generation;
    state.epoch = report.epoch.value();
    state.fingerprint = task.dataset().fingerprint;
    state.view = task.dataset().kind == plan::DatasetKind::MaterializedView;
    state.consumed = task.dataset().query.inputs;
    SLUICE_TRY(prepare(task.table(), std::move(state), operation_of(task.refresh().kind, task.dataset().kind)));
    const connect::PreparedChanges& prepared = task.table().prepared();
    const std::int64_t version = next.tables.at(task.table().key()).version;
    report.datasets.push_back(
        {name, task.refresh().kind, prepared.rows_added, prepared.rows_removed, version, version != version_before});
  }
  for (const SideTable side : sides_written_) {
    ManagedTable& table = *tables_.at(key_of(side));
    const auto found = next.tables.find(table.key());
    TableState state = found == next.tables.end() ? TableState() : found->second;
    SLUICE_TRY(prepare(table, std::move(state), "STREAMING UPDATE"));
  }
  const bool whole_positions = report.epoch.value() % EpochLog::kPositionInterval == 0;
  for (auto& [key, state] : next.sources) {
    state.added.clear();  // of sources that the pipeline no longer reads, the position alone stays
    if (sources_.count(key) == 0 && !whole_positions) state.position.clear();
  }
  for (const auto& [key, source] : sources_) next.sources[key] = source->next_state(whole_positions);
  return intent;
}

Status PipelineRunner::commit(CommitIntent& intent, EpochReport& report) {
  std::optional<Error> foreign;
  Progress progress{report.epoch, Progress::Step::Committing, "", 0, intent.commits.size()};
  for (const PlannedCommit& commit : intent.commits) {
    environment_.progress(progress);
    ++progress.done;
    SLUICE_TRY(environment_.fail_points.hit("C1"));
    SLUICE_TRY_ASSIGN(const int moved, publish_commit(*table_store(commit.table), commit));
    if (moved > 0 && is_side_table(commit.table)) {
      // Rows are only added to it and it is nobody's input, so anyone may tidy it up.
      intent.manifest.tables.at(commit.table).version += moved;
    } else if (moved > 0) {
      // A manifest that stays behind the log makes the next start refuse the table until it is refreshed.
      --intent.manifest.tables.at(commit.table).version;
      foreign =
          Error(ErrorCode::Conflict, fmt::format("{}: someone else committed version {} in the middle of epoch {}",
                                                 commit.table, commit.version, report.epoch.value()))
              .with_number(4102)
              .with_help(
                  "the epoch is complete, but the table holds rows that its query does not give; refresh it "
                  "with --full-refresh");
    }
    SLUICE_TRY(environment_.fail_points.hit("C7"));
  }
  SLUICE_TRY(epochs_.put_manifest(intent.manifest));
  if (foreign) return *foreign;
  return ok();
}

Status PipelineRunner::after_commit(const CommitIntent& intent) {
  for (const PlannedCommit& commit : intent.commits) SLUICE_TRY(tables_.at(commit.table)->applied());
  const auto positions = std::move(manifest_.sources);
  manifest_ = intent.manifest;
  for (auto& [key, source] : sources_) source->advance();
  for (auto& [key, state] : manifest_.sources) {
    if (sources_.count(key) > 0) continue;  // it knows where it stands
    if (const auto before = positions.find(key); before != positions.end()) state.position = before->second.position;
  }
  for (auto& [name, task] : tasks_) task->applied();
  side_outputs_.applied();
  options_.full_refresh = {};
  epochs_.forget_before(manifest_.epoch);
  return ok();
}

Status PipelineRunner::scan_relation(const std::string& relation, const BatchSink& sink) {
  if (const auto source = sources_.find(relation); source != sources_.end()) {
    const std::string& dataset = pipeline_->find_source(relation)->dataset;
    if (!tasks_.at(dataset)->computes_anew()) return source->second->read_taken(stop_, sink);
    return source->second->read_all(stop_, sink,
                                    [&](DeadLetter letter) { return add_dead_letter(dataset, std::move(letter)); });
  }
  ManagedTable& table = *tables_.at(table_key(relation));
  const plan::Dataset& dataset = *pipeline_->find_dataset(relation);
  if (!table.snapshot()) return ok();
  SLUICE_TRY_ASSIGN(const internal::RowConversion conversion,
                    internal::RowConversion::create(table.stored_schema(), dataset.schema));
  return table.scan([&](columnar::ChangeBatch& rows) -> Status {
    if (stop_.stop_requested()) return Error(ErrorCode::Cancelled, "a stop was requested");
    if (conversion.identity()) return sink(rows);
    SLUICE_TRY_ASSIGN(columnar::ChangeBatch converted, conversion.apply(rows));
    return sink(converted);
  });
}

columnar::Schema PipelineRunner::relation_schema(const std::string& relation) const {
  if (const plan::Source* source = pipeline_->find_source(relation)) return source->schema;
  return pipeline_->find_dataset(relation)->schema;
}

std::shared_ptr<store::ObjectStore> PipelineRunner::table_store(const std::string& key) const {
  const std::size_t dot = key.find('.');
  return std::make_shared<store::PrefixStore>(*environment_.storage, key.substr(0, dot) + "/" + key.substr(dot + 1));
}

std::string PipelineRunner::app_id(const ManagedTable& table, std::int64_t generation) const {
  return fmt::format("sluice:{}:{}:{}", manifest_.pipeline_id, table.table_id(), generation);
}

}  // namespace sluice::runtime
