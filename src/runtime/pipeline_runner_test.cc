#include "runtime/pipeline_runner.h"

#include <gtest/gtest.h>

#include "connect/files/memory_file_system.h"
#include "store/fault_store.h"
#include "store/memory_store.h"
#include "store/prefix_store.h"

namespace sluice::runtime {
namespace {

using columnar::Expression;
using duckdb::LogicalType;
using store::Fault;
using store::Operation;

constexpr std::string_view kSource = "raw:landing/*.jsonl";

plan::Dataset dataset(std::string name, plan::DatasetKind kind, columnar::Schema schema, std::string input) {
  plan::Dataset made;
  made.name = std::move(name);
  made.kind = kind;
  made.schema = std::move(schema);
  made.query.inputs = {std::move(input)};
  made.fingerprint = made.name;
  return made;
}

/// raw (files: id, kind) → counts (rows by kind, by changes) and middle (median of id, recomputed).
plan::Pipeline make_pipeline() {
  const columnar::Schema raw_schema{{{"id", LogicalType::BIGINT, true, {}}, {"kind", LogicalType::VARCHAR, true, {}}}};
  plan::Pipeline pipeline;
  plan::Source source;
  source.key = kSource;
  source.dataset = "raw";
  source.path = "landing/*.jsonl";
  source.format = "json";
  source.stream = true;
  source.declared_schema = raw_schema;
  source.schema = raw_schema;
  pipeline.sources.push_back(source);

  plan::Dataset raw = dataset("raw", plan::DatasetKind::StreamingTable, raw_schema, source.key);
  raw.query.nodes.push_back({plan::InputNode{source.key, true, {0, 1}}, {}, raw_schema.types(), {"id", "kind"}});
  pipeline.datasets.push_back(std::move(raw));

  const columnar::Schema counts_schema{
      {{"kind", LogicalType::VARCHAR, true, {}}, {"n", LogicalType::BIGINT, true, {}}}};
  plan::Dataset counts = dataset("counts", plan::DatasetKind::MaterializedView, counts_schema, "raw");
  counts.query.nodes.push_back({plan::InputNode{"raw", false, {1}}, {}, {LogicalType::VARCHAR}, {"kind"}});
  plan::AggregateNode by_kind;
  by_kind.groups = {Expression::column_ref(0, LogicalType::VARCHAR)};
  by_kind.aggregates = {{"count_star", {}, false, std::nullopt, LogicalType::BIGINT}};
  counts.query.nodes.push_back({by_kind, {0}, counts_schema.types(), {"kind", "n"}});
  pipeline.datasets.push_back(std::move(counts));

  plan::Dataset middle =
      dataset("middle", plan::DatasetKind::MaterializedView, {{{"m", LogicalType::DOUBLE, true, {}}}}, "raw");
  middle.query.sql = "SELECT median(id) AS m FROM raw";
  pipeline.datasets.push_back(std::move(middle));
  return pipeline;
}

class FixedPlan final : public PlanProvider {
 public:
  Result<plan::Pipeline> make_plan(SourceSchemas&) override { return make_pipeline(); }
};

/// Runs the pipeline over a store whose calls fail by schedule, two epochs with one landed file each.
class PipelineRunnerTest : public testing::Test {
 protected:
  /// Whether the process that met a fault goes on, or a new one takes its place.
  enum class AfterFault { GoOn, Restart };

  /// What the tables hold in the end, as text; and how it went.
  struct Played {
    std::string tables;
    std::size_t struck = 0;
    std::map<Operation, std::uint64_t> calls;
  };

  Played play(std::vector<Fault> schedule, AfterFault after_fault) {
    ManualClock clock{UnixMillis(std::chrono::milliseconds(1'700'000'000'000))};
    SeededRandom random(7);
    Logger log(clock, LogLevel::Error, LogFormat::Text);
    FailPoints fail_points;
    store::MemoryStore memory(clock);
    const auto faulty = std::make_shared<store::FaultStore>(memory, std::move(schedule));
    connect::MemoryFileSystem files;
    files.make_folder("landing");
    FixedPlan plans;
    const auto start = [&] {
      return std::make_unique<PipelineRunner>(
          RunnerEnvironment{faulty, files, *lake_for_runs_, plans, clock, random, log, fail_points}, RunnerOptions());
    };

    auto runner = start();
    const std::vector<std::string> inputs{"{\"id\": 1, \"kind\": \"a\"}\n{\"id\": 2, \"kind\": \"b\"}\n{\"id\":\n",
                                          "{\"id\": 3, \"kind\": \"a\"}\n{\"id\": 4, \"kind\": \"c\"}\n"};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      files.put("landing/" + std::to_string(i) + ".jsonl", inputs[i], clock.now());
      for (int attempt = 0; attempt < 6; ++attempt) {
        clock.advance(std::chrono::seconds(1));
        const auto report = runner->run_epoch({});
        if (report && !*report) break;
        EXPECT_LT(attempt, 5) << "never up to date";
        if (report) continue;
        EXPECT_EQ(report.error().code(), ErrorCode::Unavailable) << report.error().message();
        if (after_fault == AfterFault::Restart) runner = start();
      }
    }

    Played played;
    played.struck = faulty->struck_count();
    for (const Operation operation :
         {Operation::Get, Operation::Open, Operation::Read, Operation::Head, Operation::List, Operation::Put,
          Operation::PutIfAbsent, Operation::Create, Operation::Append, Operation::Finish, Operation::Remove}) {
      played.calls[operation] = faulty->call_count(operation);
    }
    played.tables = text_of(memory);
    return played;
  }

  // Making DuckDB's instances takes longer than all else, so the plays of a test share them.
  void SetUp() override {
    lake_for_runs_ = std::move(*lake::Lake::create({}));
    lake::LakeOptions options;
    options.find_table = [this](const std::optional<std::string>& schema,
                                const std::string& name) -> Result<std::optional<lake::DeltaTable>> {
      auto store = std::make_shared<store::PrefixStore>(*looked_at_, schema.value_or("main") + "/" + name);
      SLUICE_TRY_ASSIGN(auto snapshot, delta::Snapshot::load(*store));
      if (!snapshot) return std::optional<lake::DeltaTable>();
      return std::optional<lake::DeltaTable>({std::move(snapshot), std::move(store)});
    };
    lake_for_looks_ = std::move(*lake::Lake::create(std::move(options)));
  }

  std::string text_of(store::MemoryStore& memory) {
    looked_at_ = &memory;
    std::string text;
    for (const char* const query :
         {"SELECT id, kind FROM raw ORDER BY ALL", "SELECT kind, n FROM counts ORDER BY ALL", "SELECT m FROM middle",
          "SELECT file, line FROM sluice.dead_letters ORDER BY ALL"}) {
      auto rows = lake_for_looks_->query(query);
      if (!rows) return text + rows.error().message();
      auto content = lake::collect(**rows);
      if (!content) return text + content.error().message();
      for (auto& chunk : (*content)->Chunks()) {
        for (std::size_t row = 0; row < chunk.size(); ++row) {
          for (std::size_t column = 0; column < chunk.ColumnCount(); ++column) {
            text += (column == 0 ? "" : "|") + chunk.GetValue(column, row).ToString();
          }
          text += "\n";
        }
      }
    }
    return text;
  }

  /// Lets each call of the operation fail once, in a play of its own; with a stride one call in so many.
  void fail_each(Operation operation, Fault::Moment moment, std::uint64_t stride = 1) {
    const Played whole = play({}, AfterFault::GoOn);
    const std::uint64_t calls = whole.calls.at(operation);
    ASSERT_GT(calls, 0U);
    for (std::uint64_t nth = 1; nth <= calls; nth += stride) {
      const AfterFault after = nth % 2 == 0 ? AfterFault::GoOn : AfterFault::Restart;
      SCOPED_TRACE(testing::Message() << "call " << nth << " of " << calls
                                      << (after == AfterFault::Restart ? ", then a new process" : ""));
      const Played played = play({{operation, "", nth, ErrorCode::Unavailable, moment}}, after);
      EXPECT_EQ(played.struck, 1U);
      EXPECT_EQ(played.tables, whole.tables);
    }
  }

  std::unique_ptr<lake::Lake> lake_for_runs_;
  std::unique_ptr<lake::Lake> lake_for_looks_;
  store::MemoryStore* looked_at_ = nullptr;
};

TEST_F(PipelineRunnerTest, WithoutFaultsTheTablesHoldWhatTheQueriesGive) {
  const std::string tables = play({}, AfterFault::GoOn).tables;
  for (const char* const part : {"1|a", "4|c", "a|2", "2.5", "landing/0.jsonl|3"}) {
    EXPECT_NE(tables.find(part), std::string::npos) << part << " in:\n" << tables;
  }
}

TEST_F(PipelineRunnerTest, AReadThatFailsLosesAndDoublesNothing) {
  for (const Operation operation :
       {Operation::Get, Operation::Open, Operation::Read, Operation::Head, Operation::List}) {
    SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(operation));
    fail_each(operation, Fault::Moment::Before, 3);  // many reads are alike
  }
}

TEST_F(PipelineRunnerTest, AWriteThatFailsLosesAndDoublesNothing) {
  for (const Operation operation :
       {Operation::Put, Operation::PutIfAbsent, Operation::Create, Operation::Append, Operation::Finish}) {
    SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(operation));
    fail_each(operation, Fault::Moment::Before);
  }
}

TEST_F(PipelineRunnerTest, AWriteWhoseAnswerIsLostLosesAndDoublesNothing) {
  for (const Operation operation : {Operation::Put, Operation::PutIfAbsent, Operation::Append, Operation::Finish}) {
    SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(operation));
    fail_each(operation, Fault::Moment::After);
  }
}

TEST_F(PipelineRunnerTest, WhatCannotBeRemovedStaysBehind) { fail_each(Operation::Remove, Fault::Moment::Before); }

}  // namespace
}  // namespace sluice::runtime
