// Measures how fast JSON lines become columns: Nexmark-like bids, made in memory from a seed, one thread.
//
//   json_decode [ROWS]     prints rows and bytes per second of inferring, of decoding, and of both; best of 5
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "base/random.h"
#include "connect/files/inference.h"
#include "connect/files/json_reader.h"

namespace {

using sluice::connect::ByteStream;

std::string make_bids(std::uint64_t count) {
  constexpr const char* kChannels[] = {"Google", "Facebook", "Baidu", "Apple"};
  sluice::SeededRandom random(42);
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t bits = random.next();
    const std::string channel = bits % 8 < 4 ? kChannels[bits % 8] : fmt::format("channel-{}", (bits >> 8) % 10000);
    text += fmt::format(
        R"({{"auction":{},"bidder":{},"price":{},"channel":"{}","url":"https://www.nexmark.com/{}/item.htm?query=1&channel_id={}","dateTime":"2026-01-01T{:02}:{:02}:{:02}.{:03}Z","extra":"{:016x}{:016x}{:016x}"}})"
        "\n",
        1000 + i / 46 * 3 + bits % 3, 1000 + (bits >> 20) % 100000, 100 + (bits >> 10) % 10000000, channel,
        (bits >> 5) % 5000, (bits >> 7) % 100000000, i / 36000000 % 24, i / 600000 % 60, i / 10000 % 60, i / 10 % 1000,
        random.next(), random.next(), bits);
  }
  return text;
}

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string_view text) : text_(text) {}
  sluice::Result<std::size_t> read(std::span<char> into) override {
    const std::size_t count = std::min(into.size(), text_.size());
    std::memcpy(into.data(), text_.data(), count);
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
};

class CountingSink final : public sluice::connect::RowSink {
 public:
  sluice::Status rows(sluice::columnar::ChangeBatch&& batch) override {
    count += batch.size();
    return sluice::ok();
  }
  sluice::Status dead_letter(sluice::connect::DeadLetter&&) override { return sluice::ok(); }
  std::uint64_t count = 0;
};

template <typename Work>
void measure(const char* name, std::uint64_t rows, std::size_t bytes, Work work) {
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("%-28s %8.2f M rows/s %8.0f MB/s %7.0f ns/row\n", name, static_cast<double>(rows) / best / 1e6,
              static_cast<double>(bytes) / best / 1e6, best * 1e9 / static_cast<double>(rows));
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::string text = make_bids(rows);
  std::printf("%llu bids, %zu bytes each\n", static_cast<unsigned long long>(rows), text.size() / rows);

  sluice::connect::InferredSchema inferred;
  const auto infer = [&] {
    sluice::connect::JsonInference inference{inferred};
    MemoryStream stream(text);
    SLUICE_CHECK_OK(inference.read(stream));
    inferred = inference.schema();
  };
  measure("infer", rows, text.size(), infer);

  const auto decode = [&](const sluice::columnar::Schema& schema) {
    auto reader = sluice::connect::JsonLineReader::create(schema, sluice::connect::NestedText::Rescue).value();
    MemoryStream stream(text);
    CountingSink sink;
    SLUICE_CHECK_OK(reader->read(stream, "bids.jsonl", sink));
    SLUICE_CHECK_OK(reader->flush(sink));
    SLUICE_CHECK(sink.count == rows, "a bid is missing");
  };
  sluice::columnar::Schema schema = inferred.to_schema();
  measure("decode, inferred schema", rows, text.size(), [&] { decode(schema); });
  measure("infer and decode", rows, text.size(), [&] {
    infer();
    decode(schema);
  });
  schema.fields[5].type = duckdb::LogicalType::TIMESTAMP;
  measure("decode, dateTime TIMESTAMP", rows, text.size(), [&] { decode(schema); });
  return 0;
}
