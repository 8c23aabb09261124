// Every line of a file becomes a row, a dead letter, or is blank, however the file comes in pieces.

#include <algorithm>
#include <span>

#include <duckdb/common/types.hpp>

#include "base/check.h"
#include "connect/files/json_reader.h"
#include "tests/fuzz/fuzz_target.h"

namespace sluice::fuzz {
namespace {

class PiecedStream final : public connect::ByteStream {
 public:
  PiecedStream(std::string_view bytes, std::size_t piece_bytes) : bytes_(bytes), piece_bytes_(piece_bytes) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t count = std::min({into.size(), piece_bytes_, bytes_.size()});
    std::copy_n(bytes_.begin(), count, into.begin());
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
  const std::size_t piece_bytes_;
};

class CountingSink final : public connect::RowSink {
 public:
  Status rows(columnar::ChangeBatch&& batch) override {
    row_count += batch.size();
    return ok();
  }
  Status dead_letter(connect::DeadLetter&&) override {
    ++dead_letter_count;
    return ok();
  }
  friend bool operator==(const CountingSink& left, const CountingSink& right) {
    return left.row_count == right.row_count && left.dead_letter_count == right.dead_letter_count;
  }

  std::uint64_t row_count = 0;
  std::uint64_t dead_letter_count = 0;
};

CountingSink read_all(std::string_view bytes, std::size_t piece_bytes) {
  using duckdb::LogicalType;
  static const columnar::Schema schema{
      {{"id", LogicalType::BIGINT, true, {}},
       {"mag", LogicalType::DOUBLE, true, {}},
       {"name", LogicalType::VARCHAR, true, {}},
       {"at", LogicalType::TIMESTAMP, true, {}},
       {"price", LogicalType::DECIMAL(10, 2), true, {}},
       {"tags", LogicalType::LIST(LogicalType::VARCHAR), true, {}},
       {"place",
        LogicalType::STRUCT({{"x", LogicalType::DOUBLE}, {"near", LogicalType::LIST(LogicalType::BIGINT)}}),
        true,
        {}},
       {"_rescued_data", LogicalType::VARCHAR, true, {}}}};
  auto reader = connect::JsonLineReader::create(schema, connect::NestedText::Rescue);
  SLUICE_CHECK(reader, "the schema can be read from JSON");
  PiecedStream stream(bytes, piece_bytes);
  CountingSink sink;
  SLUICE_CHECK((*reader)->read(stream, "fuzz.jsonl", sink), "no bytes make reading fail");
  SLUICE_CHECK((*reader)->flush(sink), "no bytes make reading fail");
  return sink;
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = sluice::fuzz::text_of(data, size);
  const auto whole = sluice::fuzz::read_all(bytes, std::max<std::size_t>(size, 1));
  const auto pieced = sluice::fuzz::read_all(bytes, 7);
  SLUICE_CHECK(whole == pieced, "what becomes of lines depends on how the file comes in pieces");
  const auto line_count = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n')) + 1;
  SLUICE_CHECK(whole.row_count + whole.dead_letter_count <= line_count, "a line gives one row or one dead letter");
  return 0;
}
