// How fast rows are encoded, grouped, joined and ranked, on one worker. Run by hand: engine_bench
// [--benchmark_filter=…]. items_per_second is input rows.

#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <duckdb.hpp>

#include "base/check.h"
#include "base/random.h"
#include "columnar/kernel.h"
#include "columnar/row_codec.h"
#include "engine/aggregate.h"
#include "engine/distinct.h"
#include "engine/filter.h"
#include "engine/join.h"
#include "engine/top_n.h"

namespace {

using duckdb::LogicalType;
using duckdb::Value;
using sluice::Epoch;
using sluice::columnar::ChangeBatch;
using sluice::columnar::Expression;
using sluice::columnar::KernelContext;
using sluice::columnar::RowType;
using sluice::engine::Aggregate;
using sluice::engine::AggregateCall;
using sluice::engine::Operator;
using sluice::engine::Output;
using sluice::engine::Port;

/// Bids: auction, bidder, price, channel.
const RowType kBids = {LogicalType::BIGINT, LogicalType::BIGINT, LogicalType::DOUBLE, LogicalType::VARCHAR};

/// Counts rows and throws them away.
class Blackhole final : public Output {
 public:
  void emit(ChangeBatch&& changes) override { rows += changes.size(); }
  void fail(sluice::engine::EvaluationError) override { SLUICE_CHECK(false, "no row of a benchmark fails"); }
  std::uint64_t rows = 0;
};

/// Makes batches of bids over `auctions` auctions, all different from each other.
std::vector<ChangeBatch> make_bids(std::size_t rows, std::uint64_t auctions) {
  sluice::SeededRandom random(1);
  std::vector<ChangeBatch> batches;
  for (std::size_t done = 0; done < rows; done += ChangeBatch::kBatchRowsMax) {
    ChangeBatch batch(kBids);
    auto& chunk = batch.rows();
    for (std::size_t i = 0; i < ChangeBatch::kBatchRowsMax; ++i) {
      duckdb::FlatVector::GetData<std::int64_t>(chunk.data[0])[i] = static_cast<std::int64_t>(random.next() % auctions);
      duckdb::FlatVector::GetData<std::int64_t>(chunk.data[1])[i] = static_cast<std::int64_t>(done + i);
      duckdb::FlatVector::GetData<double>(chunk.data[2])[i] = static_cast<double>(random.next() % 1'000'000) / 100;
      duckdb::FlatVector::GetData<duckdb::string_t>(chunk.data[3])[i] =
          duckdb::StringVector::AddString(chunk.data[3], "channel-" + std::to_string(random.next() % 10'000));
    }
    chunk.SetCardinality(ChangeBatch::kBatchRowsMax);
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::unique_ptr<KernelContext> make_context() {
  auto context = KernelContext::create();
  SLUICE_CHECK_OK(context);
  return std::move(*context);
}

AggregateCall make_call(std::string function, LogicalType result, std::vector<std::size_t> arguments = {}) {
  AggregateCall call;
  call.function = std::move(function);
  call.type = std::move(result);
  for (const std::size_t argument : arguments)
    call.arguments.push_back(Expression::column_ref(argument, kBids[argument]));
  return call;
}

/// Pushes all batches into a new operator and ends the epoch every `epoch_batches` batches.
template <typename Make>
void run_operator(benchmark::State& state, std::vector<ChangeBatch>& batches, std::size_t epoch_batches, Make&& make) {
  std::size_t rows = 0;
  std::uint64_t state_bytes = 0;
  for (auto _ : state) {
    std::unique_ptr<Operator> op = make();
    Blackhole output;
    Epoch epoch(0);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      SLUICE_CHECK_OK(op->push(Port::Left, batches[i], output));
      if ((i + 1) % epoch_batches == 0) SLUICE_CHECK_OK(op->end_epoch(epoch = epoch.next(), output));
      rows += batches[i].size();
    }
    SLUICE_CHECK_OK(op->end_epoch(epoch.next(), output));
    state_bytes = op->state_bytes();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows));
  state.counters["state_MiB"] = static_cast<double>(state_bytes) / (1 << 20);
}

void encode_rows(benchmark::State& state) {
  auto batches = make_bids(100'000, 1000);
  const auto codec = sluice::columnar::RowCodec::create(kBids);
  sluice::columnar::EncodedRows encoded;
  std::size_t rows = 0;
  for (auto _ : state) {
    for (auto& batch : batches) {
      codec->encode(batch.rows(), {}, encoded);
      benchmark::DoNotOptimize(encoded.arena.data());
      rows += batch.size();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows));
}
BENCHMARK(encode_rows);

/// Argument: how many groups.
void grouped_count(benchmark::State& state) {
  auto batches = make_bids(10'000'000, static_cast<std::uint64_t>(state.range(0)));
  const auto context = make_context();
  run_operator(state, batches, 100, [&] {
    return std::move(*Aggregate::create(
        *context, {{Expression::column_ref(0, kBids[0])}, {make_call("count_star", LogicalType::BIGINT)}, true},
        kBids));
  });
}
BENCHMARK(grouped_count)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void grouped_wide(benchmark::State& state) {
  auto batches = make_bids(2'000'000, static_cast<std::uint64_t>(state.range(0)));
  const auto context = make_context();
  run_operator(state, batches, 100, [&] {
    const std::vector<AggregateCall> calls = {
        make_call("count_star", LogicalType::BIGINT), make_call("sum", LogicalType::HUGEINT, {1}),
        make_call("sum", LogicalType::DOUBLE, {2}), make_call("max", LogicalType::DOUBLE, {2})};
    return std::move(*Aggregate::create(*context, {{Expression::column_ref(0, kBids[0])}, calls, true}, kBids));
  });
}
BENCHMARK(grouped_wide)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void grouped_max_with_retraction(benchmark::State& state) {
  auto batches = make_bids(1'000'000, 10'000);
  const auto context = make_context();
  run_operator(state, batches, 100, [&] {
    return std::move(*Aggregate::create(
        *context, {{Expression::column_ref(0, kBids[0])}, {make_call("max", LogicalType::DOUBLE, {2})}, false}, kBids));
  });
}
BENCHMARK(grouped_max_with_retraction)->Unit(benchmark::kMillisecond)->Iterations(1);

void distinct_rows(benchmark::State& state) {
  auto batches = make_bids(1'000'000, 1000);
  run_operator(state, batches, 100, [] { return std::move(*sluice::engine::Distinct::create(kBids)); });
}
BENCHMARK(distinct_rows)->Unit(benchmark::kMillisecond)->Iterations(1);

void top_ten_per_auction(benchmark::State& state) {
  auto batches = make_bids(2'000'000, 10'000);
  const auto context = make_context();
  run_operator(state, batches, 100, [&] {
    sluice::engine::TopN::Definition definition;
    definition.partition = {Expression::column_ref(0, kBids[0])};
    definition.order = {{Expression::column_ref(2, kBids[2]), {true, false}}};
    definition.limit = 10;
    definition.append_only_input = true;
    return std::move(*sluice::engine::TopN::create(*context, std::move(definition), kBids));
  });
}
BENCHMARK(top_ten_per_auction)->Unit(benchmark::kMillisecond)->Iterations(1);

/// Bids joined with the auctions they bid on: every auction is there first.
void join_with_auctions(benchmark::State& state) {
  const auto auctions = static_cast<std::uint64_t>(state.range(0));
  auto batches = make_bids(1'000'000, auctions);
  const RowType auction_types = {LogicalType::BIGINT, LogicalType::VARCHAR};
  const auto context = make_context();
  run_operator(state, batches, 100, [&]() -> std::unique_ptr<Operator> {
    sluice::engine::Join::Definition definition;
    definition.left_keys = {Expression::column_ref(0, LogicalType::BIGINT)};
    definition.right_keys = {Expression::column_ref(0, LogicalType::BIGINT)};
    definition.null_safe = {false};
    auto join = std::move(*sluice::engine::Join::create(*context, std::move(definition), kBids, auction_types));
    Blackhole output;
    for (std::uint64_t first = 0; first < auctions; first += ChangeBatch::kBatchRowsMax) {
      ChangeBatch batch(auction_types);
      const std::size_t count = std::min<std::uint64_t>(ChangeBatch::kBatchRowsMax, auctions - first);
      for (std::size_t i = 0; i < count; ++i) {
        duckdb::FlatVector::GetData<std::int64_t>(batch.rows().data[0])[i] = static_cast<std::int64_t>(first + i);
        duckdb::FlatVector::GetData<duckdb::string_t>(batch.rows().data[1])[i] =
            duckdb::StringVector::AddString(batch.rows().data[1], "category-" + std::to_string(i % 10));
      }
      batch.rows().SetCardinality(count);
      SLUICE_CHECK_OK(join->push(Port::Right, batch, output));
    }
    return join;
  });
}
BENCHMARK(join_with_auctions)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void filter_rows(benchmark::State& state) {
  auto batches = make_bids(1'000'000, 1000);
  const auto context = make_context();
  run_operator(state, batches, 100, [&] {
    Expression condition;
    condition.kind = Expression::Kind::Compare;
    condition.type = LogicalType::BOOLEAN;
    condition.name = "<";
    condition.children = {Expression::column_ref(2, kBids[2]), Expression::literal(Value::DOUBLE(5000))};
    return std::move(*sluice::engine::Filter::create(*context, std::move(condition), kBids));
  });
}
BENCHMARK(filter_rows)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
