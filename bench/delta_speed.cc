// What commits, scans and appends of a Delta table cost in this process. Run by bench/delta_speed.py, which adds up what each
// process used; prints one line of JSON.
//
//   delta_speed commits FOLDER COUNT     COUNT commits of a file of 100 rows, by the Delta library; milliseconds
//   delta_speed scan FOLDER QUERY        the query over the Delta table in FOLDER, as `t`; seconds, best of kScans
//   delta_speed scan-bare FOLDER QUERY   the same over the folder's Parquet files, by DuckDB alone
//   delta_speed append FOLDER COUNT      COUNT of Nexmark's bids, in memory beforehand, into a new Delta table; CPU seconds
//   delta_speed copy FOLDER COUNT CODEC  the same bids into a Parquet file, by DuckDB's COPY, compressed by CODEC
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <duckdb.hpp>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "columnar/parquet_writer.h"
#include "columnar/schema.h"
#include "delta/data_file_writer.h"
#include "delta/duckdb_schema.h"
#include "delta/snapshot.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "lake/lake.h"
#include "store/local_store.h"

namespace {

using Steady = std::chrono::steady_clock;
using sluice::delta::Snapshot;
using Table = std::shared_ptr<const Snapshot>;

constexpr int kScans = 5;
constexpr std::uint64_t kSmallFileRows = 100;

double seconds_since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

/// User and system time of this process so far.
double cpu_seconds() {
  rusage usage{};
  SLUICE_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string bids_query(std::uint64_t count) {
  return fmt::format(
      "SELECT 1000 + i // 46 * 3 + h % 3 AS auction, 1000 + (h >> 20) % 100000 AS bidder, 100 + (h >> 10) % 10000000 "
      "AS "
      "price, CASE WHEN h % 8 < 4 THEN ['Google', 'Facebook', 'Baidu', 'Apple'][h % 8 + 1] ELSE 'channel-' || (h >> 8) "
      "% 10000 END AS channel, 'https://www.nexmark.com/' || (h >> 5) % 5000 || '/item.htm?query=1&channel_id=' || "
      "(h >> 7) % 100000000 AS url, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_milliseconds(i // 10) AS \"dateTime\", "
      "md5(i::VARCHAR) || printf('%016x', h) AS extra "
      "FROM (SELECT i, (hash(i) >> 2)::BIGINT AS h FROM range({}) r(i))",
      count);
}

void check(const duckdb::QueryResult& result) {
  if (!result.HasError()) return;
  std::fprintf(stderr, "%s\n", result.GetError().c_str());
  std::exit(1);
}

/// A Delta table in a folder, and what writing to it needs.
class Writer {
 public:
  Writer(const std::string& folder, const sluice::columnar::Schema& columns) {
    std::filesystem::remove_all(folder);
    auto opened = sluice::store::LocalStore::create(folder);
    SLUICE_CHECK_OK(opened);
    store_ = std::move(*opened);
    sluice::delta::TableDefinition definition;
    auto schema = sluice::delta::delta_schema(columns);
    SLUICE_CHECK_OK(schema);
    definition.schema = std::move(*schema);
    auto actions = sluice::delta::create_table_actions(definition, clock_, random_);
    SLUICE_CHECK_OK(actions);
    commit(std::move(*actions));
    auto context = sluice::columnar::ParquetContext::create();
    SLUICE_CHECK_OK(context);
    context_ = std::move(*context);
    begin();
  }

  void write(duckdb::DataChunk& rows) {
    files_->normalise(rows);
    SLUICE_CHECK_OK(files_->write(rows, nullptr));
  }

  /// Commits what was written, and follows the log.
  void commit_written() {
    const auto files = files_->finish();
    SLUICE_CHECK_OK(files);
    commit({files->begin(), files->end()});
    files_->keep();
  }

 private:
  void begin() {
    auto options = sluice::delta::DataFileOptions::of_table(table_->metadata());
    SLUICE_CHECK_OK(options);
    auto files = sluice::delta::DataFileWriter::create(*store_, clock_, random_, *context_, std::move(*options));
    SLUICE_CHECK_OK(files);
    files_ = std::move(*files);
  }

  void commit(std::vector<sluice::delta::Action> actions) {
    sluice::delta::CommitRequest request;
    request.actions = std::move(actions);
    request.info.operation = "WRITE";
    auto outcome = sluice::delta::Transaction(*store_, clock_, random_, table_).commit(std::move(request));
    SLUICE_CHECK_OK(outcome);
    SLUICE_CHECK(std::holds_alternative<sluice::delta::Committed>(*outcome), "nobody else writes");
    auto table = table_ ? Snapshot::refresh(*store_, table_) : Snapshot::load(*store_);
    SLUICE_CHECK_OK(table);
    table_ = std::move(*table);
  }

  sluice::SystemClock clock_;
  sluice::SystemRandom random_;
  std::unique_ptr<sluice::store::LocalStore> store_;
  std::unique_ptr<sluice::columnar::ParquetContext> context_;
  std::unique_ptr<sluice::delta::DataFileWriter> files_;
  Table table_;
};

/// Bids in memory, and a table's columns that hold them.
struct Bids {
  explicit Bids(std::uint64_t count) : database(nullptr), connection(database) {
    check(*connection.Query("SET TimeZone = 'UTC'"));
    check(*connection.Query("CREATE TABLE bids AS " + bids_query(count)));
    check(*connection.Query("SET threads = 1"));
  }

  sluice::columnar::Schema columns() {
    const auto result = connection.Query("FROM bids LIMIT 0");
    check(*result);
    sluice::columnar::Schema schema;
    for (std::size_t i = 0; i < result->names.size(); ++i)
      schema.fields.push_back({result->names[i], result->types[i], true, {}});
    return schema;
  }

  duckdb::DuckDB database;
  duckdb::Connection connection;
};

int run_commits(const std::string& folder, std::uint64_t count) {
  Bids bids(kSmallFileRows);
  Writer writer(folder, bids.columns());
  std::vector<double> times;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto result = bids.connection.Query("FROM bids");
    check(*result);
    const auto start = Steady::now();
    while (const auto rows = result->Fetch()) writer.write(*rows);
    writer.commit_written();
    times.push_back(seconds_since(start) * 1e3);
  }
  std::sort(times.begin(), times.end());
  fmt::print("{{\"p50_ms\": {:.2f}, \"p99_ms\": {:.2f}, \"max_ms\": {:.2f}}}\n", times[count / 2],
             times[count * 99 / 100], times[count - 1]);
  return 0;
}

/// Takes the time of the fastest of several runs, and what the last one answered.
template <class Run>
int best_of_scans(const Run& run) {
  double best = 1e9;
  std::string answer;
  for (int i = 0; i < kScans; ++i) {
    const auto start = Steady::now();
    answer = run();
    best = std::min(best, seconds_since(start));
  }
  fmt::print("{{\"seconds\": {:.4f}, \"answer\": \"{}\"}}\n", best, answer);
  return 0;
}

void append_text(std::string& answer, duckdb::DataChunk& rows) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t column = 0; column < rows.ColumnCount(); ++column)
      answer += rows.GetValue(column, row).ToString() + " ";
  }
}

int run_scan(const std::string& folder, const std::string& query) {
  sluice::lake::LakeOptions options;
  auto lake = sluice::lake::Lake::create(std::move(options));
  SLUICE_CHECK_OK(lake);
  const std::string sql = fmt::format("WITH t AS (FROM read_delta('{}')) {}", folder, query);
  return best_of_scans([&] {
    auto result = (*lake)->query(sql);
    SLUICE_CHECK_OK(result);
    std::string answer;
    for (;;) {
      auto rows = (*result)->next();
      SLUICE_CHECK_OK(rows);
      if (!*rows) return answer;
      append_text(answer, **rows);
    }
  });
}

int run_scan_bare(const std::string& folder, const std::string& query) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  check(*connection.Query("SET TimeZone = 'UTC'"));
  const std::string sql = fmt::format("WITH t AS (FROM read_parquet('{}/*.parquet')) {}", folder, query);
  return best_of_scans([&] {
    const auto result = connection.Query(sql);
    check(*result);
    std::string answer;
    while (const auto rows = result->Fetch()) append_text(answer, *rows);
    return answer;
  });
}

int print_write(std::uint64_t count, double cpu, double seconds) {
  fmt::print("{{\"cpu_seconds\": {:.3f}, \"seconds\": {:.3f}, \"rows_per_cpu_second\": {:.0f}}}\n", cpu, seconds,
             static_cast<double>(count) / cpu);
  return 0;
}

int run_append(const std::string& folder, std::uint64_t count) {
  Bids bids(count);
  Writer writer(folder, bids.columns());
  const double cpu = cpu_seconds();
  const auto start = Steady::now();
  const auto result = bids.connection.SendQuery("FROM bids");
  check(*result);
  while (const auto rows = result->Fetch()) writer.write(*rows);
  writer.commit_written();
  return print_write(count, cpu_seconds() - cpu, seconds_since(start));
}

int run_copy(const std::string& folder, std::uint64_t count, const std::string& codec) {
  Bids bids(count);
  std::filesystem::create_directories(folder);
  const double cpu = cpu_seconds();
  const auto start = Steady::now();
  check(*bids.connection.Query(
      fmt::format("COPY bids TO '{}/bids.parquet' (FORMAT parquet, COMPRESSION '{}')", folder, codec)));
  return print_write(count, cpu_seconds() - cpu, seconds_since(start));
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + argument_count);
  const std::string what = given.empty() ? "" : given[0];
  const auto count = [&] { return std::strtoull(given[2].c_str(), nullptr, 10); };
  if (what == "commits" && given.size() == 3) return run_commits(given[1], count());
  if (what == "scan" && given.size() == 3) return run_scan(given[1], given[2]);
  if (what == "scan-bare" && given.size() == 3) return run_scan_bare(given[1], given[2]);
  if (what == "append" && given.size() == 3) return run_append(given[1], count());
  if (what == "copy" && given.size() == 4) return run_copy(given[1], count(), given[3]);
  std::fprintf(
      stderr,
      "usage: delta_speed commits|append FOLDER COUNT | scan|scan-bare FOLDER QUERY | copy FOLDER COUNT CODEC\n");
  return 2;
}
