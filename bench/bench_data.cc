// Makes the input of the recorded benchmarks, from a seed, and takes DuckDB's own time for the same question.
//
//   bench_data bids COUNT FILE          JSON lines like Nexmark's bids
//   bench_data keys COUNT FILE          a Parquet file of COUNT rows: key BIGINT (1,000,000 values), value BIGINT
//   bench_data duckdb-count FILE        seconds that DuckDB takes for a grouped count over that file, best of 3
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <duckdb.hpp>

#include "base/random.h"

namespace {

constexpr std::uint64_t kSeed = 42;
constexpr const char* kChannels[] = {"Google", "Facebook", "Baidu", "Apple"};

int write_bids(std::uint64_t count, const char* path) {
  std::FILE* out = std::fopen(path, "wb");
  if (out == nullptr) return 1;
  sluice::SeededRandom random(kSeed);
  std::string line;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = random.next();
    const std::uint64_t channel = bits % 8;
    const std::string name = channel < 4 ? kChannels[channel] : fmt::format("channel-{}", (bits >> 8) % 10000);
    line = fmt::format(
        R"({{"auction":{},"bidder":{},"price":{},"channel":"{}","url":"https://www.nexmark.com/{}/item.htm?query=1&channel_id={}","dateTime":"2026-01-01 {:02}:{:02}:{:02}.{:03}","extra":"{:016x}{:016x}{:016x}"}})"
        "\n",
        1000 + i / 46 * 3 + bits % 3, 1000 + (bits >> 20) % 100000, 100 + (bits >> 10) % 10000000, name,
        (bits >> 5) % 5000, (bits >> 7) % 100000000, i / 36000000 % 24, i / 600000 % 60, i / 10000 % 60, i / 10 % 1000,
        random.next(), random.next(), bits);
    std::fwrite(line.data(), 1, line.size(), out);
  }
  return std::fclose(out) == 0 ? 0 : 1;
}

int write_keys(std::uint64_t count, const char* path) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  const auto result = connection.Query(fmt::format(
      "COPY (SELECT (hash(i) % 1000000)::BIGINT AS key, i AS value FROM range({}) t(i)) TO '{}' (FORMAT parquet)",
      count, path));
  if (result->HasError()) std::fprintf(stderr, "%s\n", result->GetError().c_str());
  return result->HasError() ? 1 : 0;
}

int time_count(const char* path) {
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    duckdb::DuckDB database(nullptr);
    duckdb::Connection connection(database);
    const auto start = std::chrono::steady_clock::now();
    const auto result = connection.Query(
        fmt::format("CREATE TABLE answer AS SELECT key, count(*) AS n FROM read_parquet('{}') GROUP BY key", path));
    if (result->HasError()) return 1;
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("%.3f\n", best);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "bids" && argc == 4) return write_bids(std::strtoull(argv[2], nullptr, 10), argv[3]);
  if (what == "keys" && argc == 4) return write_keys(std::strtoull(argv[2], nullptr, 10), argv[3]);
  if (what == "duckdb-count" && argc == 3) return time_count(argv[2]);
  std::fprintf(stderr, "usage: bench_data bids COUNT FILE | keys COUNT FILE | duckdb-count FILE\n");
  return 2;
}
