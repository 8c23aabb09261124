// The second source for decoding: DuckDB's own JSON reader over the same bytes.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "connect/files/inference.h"
#include "connect/files/json_reader.h"
#include "connect/files/reader_test_rows.h"

namespace sluice::connect {
namespace {

using testing::KeepingSink;
using testing::schema_of;
using testing::TextStream;

using Rows = std::vector<std::string>;

/// Well-formed lines for the columns of kColumns: every key once, in any order, some left out, values that fit.
class RandomLines {
 public:
  static constexpr const char* kColumns =
      "i BIGINT, n INTEGER, d DOUBLE, b BOOLEAN, t VARCHAR, \"day\" DATE, \"at\" TIMESTAMP, "
      "s STRUCT(x BIGINT, y STRUCT(z VARCHAR)), l DOUBLE[], m STRUCT(k VARCHAR, v BIGINT[])[]";

  explicit RandomLines(std::uint64_t seed) : random_(seed) {}

  std::string line() {
    std::vector<std::string> members;
    add(members, "i", integer());
    add(members, "n", std::to_string(static_cast<std::int32_t>(random_())));
    add(members, "d", real());
    add(members, "b", below(2) == 0 ? "true" : "false");
    add(members, "t", text());
    add(members, "day", fmt::format("\"{:04}-{:02}-{:02}\"", 1900 + below(200), 1 + below(12), 1 + below(28)));
    add(members, "at",
        fmt::format("\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}\"", 1900 + below(200), 1 + below(12), 1 + below(28),
                    below(24), below(60), below(60), below(1'000'000)));
    add(members, "s", fmt::format("{{\"x\":{},\"y\":{{\"z\":{}}}}}", integer(), text()));
    add(members, "l", list([&] { return real(); }));
    add(members, "m",
        list([&] { return fmt::format("{{ \"v\" : {} , \"k\" : {} }}", list([&] { return integer(); }), text()); }));
    std::shuffle(members.begin(), members.end(), random_);
    return fmt::format("{{{}}}", fmt::join(members, below(2) == 0 ? "," : " , "));
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void add(std::vector<std::string>& members, std::string_view key, std::string value) {
    const std::size_t choice = below(10);
    if (choice == 0) return;
    if (choice == 1) value = "null";
    members.push_back(fmt::format("\"{}\":{}", key, value));
  }
  std::string integer() { return std::to_string(static_cast<std::int64_t>(random_()) >> below(64)); }
  std::string real() {
    switch (below(4)) {
      case 0: return integer();
      case 1: return fmt::format("{}.{}", static_cast<std::int32_t>(random_()), below(1'000'000'000));
      case 2: return fmt::format("{}e{}", static_cast<std::int16_t>(random_()), static_cast<int>(below(600)) - 300);
      default: return fmt::format("{:.17g}", static_cast<double>(random_()) / 3e9);
    }
  }
  std::string text() {
    std::string text;
    for (std::size_t count = below(30); count > 0; --count) {
      static const std::vector<std::string> kPieces = {
          "a", "Z", " ", "\\n", "\\\"", "\\\\", "é",  "€", "😀", "\\u00e9", "\\ud83d\\ude00",
          "{", "]", ":", ",",   "/",    "\\/",  "\\t"};
      text += kPieces[below(kPieces.size())];
    }
    return "\"" + text + "\"";
  }
  template <typename Element>
  std::string list(Element element) {
    std::vector<std::string> elements;
    for (std::size_t count = below(5); count > 0; --count) elements.push_back(below(8) == 0 ? "null" : element());
    return fmt::format("[{}]", fmt::join(elements, ","));
  }

  std::mt19937_64 random_;
};

Rows read_ours(const std::string& text, const columnar::Schema& schema) {
  auto reader = JsonLineReader::create(schema, NestedText::Keep).value();
  KeepingSink sink;
  TextStream stream(text);
  SLUICE_CHECK_OK(reader->read(stream, "in.jsonl", sink));
  SLUICE_CHECK_OK(reader->flush(sink));
  EXPECT_TRUE(sink.letters.empty());
  return sink.text_rows();
}

class JsonOracleTest : public ::testing::Test {
 protected:
  JsonOracleTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice_oracle_XXXXXX").string();
    SLUICE_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    root_ = pattern;
  }
  ~JsonOracleTest() override { std::filesystem::remove_all(root_); }

  Rows read_duckdb(const std::string& text, const columnar::Schema& schema) {
    const std::string path = (root_ / "in.jsonl").string();
    std::ofstream(path) << text;
    std::string columns;
    for (const columnar::Field& field : schema.fields) {
      columns += fmt::format("{}\"{}\": '{}'", columns.empty() ? "" : ", ", field.name, field.type.ToString());
    }
    auto result = testing::connection().Query(
        fmt::format("SELECT * FROM read_json('{}', format = 'newline_delimited', columns = {{{}}})", path, columns));
    SLUICE_CHECK(!result->HasError(), result->GetError());
    KeepingSink sink;
    while (auto chunk = result->Fetch()) sink.batches.push_back(columnar::ChangeBatch(std::move(*chunk)));
    return sink.text_rows();
  }

  std::filesystem::path root_;
};

TEST_F(JsonOracleTest, DecodesDeclaredColumnsAsDuckDbDoes) {
  const columnar::Schema schema = schema_of(RandomLines::kColumns);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    RandomLines lines(seed);
    std::string text;
    for (int i = 0; i < 3000; ++i) text += lines.line() + "\n";
    const Rows ours = read_ours(text, schema);
    const Rows theirs = read_duckdb(text, schema);
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t row = 0; row < ours.size(); ++row)
      ASSERT_EQ(ours[row], theirs[row]) << "seed " << seed << " row " << row;
  }
}

TEST_F(JsonOracleTest, InfersColumnsThatHoldWhatDuckDbReads) {
  // Real shapes: GeoJSON features as in examples/earthquakes, with mag now an integer, now a fraction, now missing.
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += fmt::format(
        R"({{"type":"Feature","properties":{{"mag":{},"place":"{} km N of É","time":{},"felt":{},"tsunami":0}},)"
        R"("geometry":{{"type":"Point","coordinates":[{},{},{}]}},"id":"us{}"}})"
        "\n",
        i % 7 == 0   ? "null"
        : i % 3 == 0 ? std::to_string(i % 9)
                     : fmt::format("{}.{}", i % 9, i % 10),
        i, 1517363399650 + i * 1000, i % 5 == 0 ? std::to_string(i) : "null", -122.0 + i / 7.0, 46, i / 2.0, i);
  }
  JsonInference inference{InferredSchema()};
  TextStream stream(text);
  SLUICE_CHECK_OK(inference.read(stream));
  columnar::Schema schema = inference.schema().to_schema();
  schema.fields.pop_back();
  EXPECT_EQ(to_string(schema),
            "type VARCHAR, properties STRUCT(mag DOUBLE, place VARCHAR, \"time\" BIGINT, felt BIGINT, tsunami BIGINT), "
            "geometry STRUCT(\"type\" VARCHAR, coordinates DOUBLE[]), id VARCHAR");
  EXPECT_EQ(read_ours(text, schema), read_duckdb(text, schema));
}

}  // namespace
}  // namespace sluice::connect
