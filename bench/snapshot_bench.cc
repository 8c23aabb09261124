// How long a table of a million files takes to open, to follow, to plan a query of and to write a log checkpoint of, and
// how much memory that needs. Run by hand: snapshot_bench FOLDER [--benchmark_filter=…]. The table is made in FOLDER the first time,
// its log checkpoint by our own writer. BENCH_FILES: another number of files. peak_mb is the process's resident memory
// at its highest, growth_mb by how much that is above what was resident before.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "delta/action_json.h"
#include "delta/log_checkpoint.h"
#include "delta/log_path.h"
#include "delta/snapshot.h"
#include "delta/table_definition.h"
#include "lake/lake.h"
#include "store/local_store.h"

namespace {

using sluice::delta::Action;
using sluice::delta::AddFile;
using sluice::delta::DataType;
using sluice::delta::Snapshot;
using sluice::delta::Version;

constexpr std::int64_t kFilesPerCommit = 50'000;
constexpr std::int64_t kDays = 400;
/// Small commits behind the log checkpoint, for refreshes.
constexpr std::int64_t kNewCommits = 10;

std::string g_folder;                   // NOLINT: given by main
std::int64_t g_file_count = 1'000'000;  // NOLINT

/// A file as sluice and Spark name them, with the statistics of five columns; about 100 and 300 bytes.
AddFile make_file(std::int64_t index, sluice::Random& random) {
  AddFile add;
  const std::int64_t day = index % kDays;
  const std::string date = fmt::format("{}-{:02}-{:02}", 2025 + day / 336, day % 336 / 28 + 1, day % 28 + 1);
  add.path = fmt::format("day={}/part-{:05}-{}.c000.zstd.parquet", date, index % 1000, random.uuid());
  add.partition_values = {{"day", date}};
  add.size_bytes = static_cast<std::int64_t>(1'000'000 + random.next() % 1'000'000);
  add.modification_time = sluice::UnixMillis(std::chrono::milliseconds(1'760'000'000'000 + index * 1000));
  const std::uint64_t low = random.next() % 1'000'000'000;
  const std::uint64_t cents = random.next() % 10'000;
  add.stats = fmt::format(
      R"({{"numRecords":{},"minValues":{{"id":{},"at":"{}T00:00:03.120Z","amount":{}.{:02},"city":"Aachen"}},)"
      R"("maxValues":{{"id":{},"at":"{}T23:59:57.{:03}Z","amount":{}.{:02},"city":"Zwolle"}},)"
      R"("nullCount":{{"id":0,"at":0,"amount":{},"city":{},"note":{}}}}})",
      10'000 + index % 5'000, low, date, cents % 100, cents % 97, low + 20'000, date, cents % 1000, cents, cents % 89,
      cents % 13, cents % 17, cents);
  return add;
}

DataType schema() {
  const auto column = [](const char* name, DataType::Kind kind) {
    return sluice::delta::StructField{name, DataType::primitive(kind), true, {}};
  };
  return DataType::structure({column("id", DataType::Kind::Long), column("at", DataType::Kind::Timestamp),
                              column("amount", DataType::Kind::Double), column("city", DataType::Kind::String),
                              column("note", DataType::Kind::String), column("day", DataType::Kind::Date)});
}

/// The table of the benchmarks: kFilesPerCommit files each commit, a log checkpoint, kNewCommits commits of ten files.
class Table {
 public:
  Table() {
    auto opened = sluice::store::LocalStore::create(g_folder);
    SLUICE_CHECK_OK(opened);
    store_ = std::move(*opened);
    checkpointed_ = Version((g_file_count + kFilesPerCommit - 1) / kFilesPerCommit);
    auto last = store_->head(commit_key(Version(checkpointed_.value() + kNewCommits)));
    SLUICE_CHECK_OK(last);
    if (!*last) make();
  }

  sluice::store::ObjectStore& store() { return *store_; }
  Version checkpointed() const { return checkpointed_; }

  std::shared_ptr<const Snapshot> load() {
    auto snapshot = Snapshot::load(*store_, checkpointed_);
    SLUICE_CHECK_OK(snapshot);
    SLUICE_CHECK(static_cast<std::int64_t>((*snapshot)->files().size()) == g_file_count, "files are missing");
    return *snapshot;
  }

  /// Takes the log checkpoint out of the memory of the operating system.
  void cool() {
    const auto listing = store_->list("_delta_log/", "");
    SLUICE_CHECK_OK(listing);
    for (const sluice::store::ObjectInfo& info : *listing) {
      if (!info.key.ends_with(".parquet")) continue;
      const int file = ::open(store_->local_path(info.key)->c_str(), O_RDONLY | O_CLOEXEC);
      SLUICE_CHECK(file >= 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0, "the file cannot be cooled");
      ::close(file);
    }
  }

 private:
  void make() {
    sluice::SystemClock clock;
    sluice::SeededRandom random(1);
    auto first =
        sluice::delta::create_table_actions({schema(), {"day"}, {}, std::nullopt, std::nullopt}, clock, random);
    SLUICE_CHECK_OK(first);
    put(Version(0), *first);
    std::int64_t index = 0;
    for (Version version(1); version <= checkpointed_; version = version.next()) {
      std::vector<Action> actions;
      for (; index < g_file_count && std::ssize(actions) < kFilesPerCommit; ++index)
        actions.emplace_back(make_file(index, random));
      put(version, actions);
    }
    SLUICE_CHECK_OK(sluice::delta::write_log_checkpoint(*store_, *load(), clock, random));
    // Without these nothing but the log checkpoint can be read.
    for (Version version(0); version < checkpointed_; version = version.next())
      SLUICE_CHECK_OK(store_->remove(sluice::delta::commit_key(version)));
    for (std::int64_t i = 1; i <= kNewCommits; ++i) {
      std::vector<Action> actions;
      for (int file = 0; file < 10; ++file) actions.emplace_back(make_file(index++, random));
      put(Version(checkpointed_.value() + i), actions);
    }
  }

  void put(Version version, const std::vector<Action>& actions) {
    SLUICE_CHECK_OK(store_->put(commit_key(version), sluice::delta::write_actions(actions)));
  }

  std::unique_ptr<sluice::store::LocalStore> store_;
  Version checkpointed_;
};

/// Resident memory while an object of this lives, from /proc.
class MemoryWatch {
 public:
  MemoryWatch() {
    std::ofstream("/proc/self/clear_refs") << 5;  // the highest is what is resident now
    before_ = read("VmRSS:");
  }
  void report(benchmark::State& state) const {
    const double peak = read("VmHWM:");
    state.counters["peak_mb"] = peak;
    state.counters["growth_mb"] = peak - before_;
  }

 private:
  static double read(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      double kib = 0;
      if (word == name && status >> kib) return kib / 1024;
    }
    return 0;
  }
  double before_ = 0;
};

void load_snapshot(benchmark::State& state) {
  Table table;
  const MemoryWatch memory;
  for (auto _ : state) {
    state.PauseTiming();
    table.cool();
    state.ResumeTiming();
    auto snapshot = table.load();
    benchmark::DoNotOptimize(snapshot);
    state.PauseTiming();
    snapshot.reset();
    state.ResumeTiming();
  }
  memory.report(state);
}
BENCHMARK(load_snapshot)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime()->Iterations(3);

void refresh_over_ten_commits(benchmark::State& state) {
  Table table;
  const auto older = table.load();
  for (auto _ : state) {
    auto newer = Snapshot::refresh(table.store(), older);
    SLUICE_CHECK(newer && (*newer)->version().value() == older->version().value() + kNewCommits, "not refreshed");
    benchmark::DoNotOptimize(newer);
  }
}
BENCHMARK(refresh_over_ten_commits)->Unit(benchmark::kMillisecond)->UseRealTime();

void iterate_over_all_files(benchmark::State& state) {
  Table table;
  const auto snapshot = table.load();
  for (auto _ : state) {
    std::int64_t bytes = 0;
    for (const AddFile& file : snapshot->files()) bytes += file.size_bytes;
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(iterate_over_all_files)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Plans a query of the table, which is loaded already: what EXPLAIN costs beyond the load. Each round has a snapshot of
/// its own, as a query of a folder has.
void plan(benchmark::State& state, const std::string& query) {
  Table table;
  std::shared_ptr<const Snapshot> snapshot;
  sluice::lake::LakeOptions options;
  options.find_table = [&](const auto&, const std::string&) -> sluice::Result<std::optional<sluice::lake::DeltaTable>> {
    auto store = sluice::store::LocalStore::create(g_folder);
    SLUICE_CHECK_OK(store);
    return std::optional(
        sluice::lake::DeltaTable{snapshot, std::shared_ptr<sluice::store::ObjectStore>(std::move(*store))});
  };
  auto lake = sluice::lake::Lake::create(std::move(options));
  SLUICE_CHECK_OK(lake);
  SLUICE_CHECK_OK((*lake)->query("SELECT 1"));  // makes the instance
  const MemoryWatch memory;
  for (auto _ : state) {
    state.PauseTiming();
    snapshot = table.load();
    state.ResumeTiming();
    auto rows = (*lake)->query("EXPLAIN " + query);
    SLUICE_CHECK_OK(rows);
  }
  memory.report(state);
}
BENCHMARK_CAPTURE(plan, count, std::string("SELECT count(*) FROM t"))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(plan, number_condition, std::string("SELECT count(*) FROM t WHERE id < 1000000"))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(plan, time_condition,
                  std::string("SELECT count(*) FROM t WHERE \"at\" < TIMESTAMPTZ '2025-01-02 00:00:00+00'"))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(plan, text_condition, std::string("SELECT count(*) FROM t WHERE city = 'Bonn' AND note IS NOT NULL"))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(plan, partition_condition, std::string("SELECT count(*) FROM t WHERE day = DATE '2025-03-01'"))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

void write_log_checkpoint(benchmark::State& state) {
  Table table;
  sluice::SystemClock clock;
  sluice::SeededRandom random(2);
  const auto snapshot = table.load();
  const MemoryWatch memory;
  for (auto _ : state) SLUICE_CHECK_OK(sluice::delta::write_log_checkpoint(table.store(), *snapshot, clock, random));
  memory.report(state);
}
BENCHMARK(write_log_checkpoint)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    fmt::print(stderr, "usage: snapshot_bench FOLDER [--benchmark_filter=…]\n");
    return 1;
  }
  g_folder = argv[1];
  if (const char* count = std::getenv("BENCH_FILES")) g_file_count = std::atoll(count);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
