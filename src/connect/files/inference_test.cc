#include "connect/files/inference.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include "connect/files/error_numbers.h"
#include "connect/files/json_reader.h"
#include "connect/files/reader_test_rows.h"
#include "connect/files/widen.h"

namespace sluice::connect {
namespace {

using testing::KeepingSink;
using testing::TextStream;

InferredSchema fold(const InferredSchema& start, std::string_view text) {
  JsonInference inference(start);
  TextStream stream(text);
  SLUICE_CHECK_OK(inference.read(stream));
  return inference.schema();
}

/// The columns after the lines, without `_rescued_data`.
std::string columns_of(std::string_view text) {
  columnar::Schema schema = fold({}, text).to_schema();
  EXPECT_EQ(schema.fields.back().name, "_rescued_data");
  schema.fields.pop_back();
  return to_string(schema);
}

TEST(InferenceTest, FindsScalarsObjectsAndListsInTheOrderOfTheirFirstAppearance) {
  EXPECT_EQ(columns_of("{\"b\":1,\"a\":\"x\"}\n{\"c\":{\"y\":true,\"x\":[1.5,2]},\"b\":2}\n"),
            "b BIGINT, a VARCHAR, c STRUCT(y BOOLEAN, x DOUBLE[])");
}

TEST(InferenceTest, WidensScalarsToTheNearestTypeThatHasBoth) {
  EXPECT_EQ(columns_of("{\"a\":1}\n{\"a\":1.5}\n"), "a DOUBLE");
  EXPECT_EQ(columns_of("{\"a\":1.5}\n{\"a\":1}\n"), "a DOUBLE");
  EXPECT_EQ(columns_of("{\"a\":1}\n{\"a\":\"x\"}\n"), "a VARCHAR");
  EXPECT_EQ(columns_of("{\"a\":true}\n{\"a\":1}\n"), "a VARCHAR");
  EXPECT_EQ(columns_of("{\"a\":null}\n{\"a\":true}\n{\"a\":null}\n"), "a BOOLEAN");
  EXPECT_EQ(columns_of("{\"a\":1.0}\n"), "a DOUBLE");
}

TEST(InferenceTest, KeepsIntegersExact) {
  EXPECT_EQ(columns_of("{\"a\":9223372036854775807}\n"), "a BIGINT");
  EXPECT_EQ(columns_of("{\"a\":9223372036854775808}\n"), "a VARCHAR");
  EXPECT_EQ(columns_of("{\"a\":9007199254740992}\n{\"a\":0.5}\n"), "a DOUBLE");
  EXPECT_EQ(columns_of("{\"a\":9007199254740993}\n{\"a\":0.5}\n"), "a VARCHAR");
  EXPECT_EQ(columns_of("{\"a\":0.5}\n{\"a\":-9007199254740993}\n"), "a VARCHAR");
  EXPECT_EQ(columns_of("{\"a\":1e400}\n"), "a VARCHAR");
}

TEST(InferenceTest, LetsTheFirstKindDecide) {
  EXPECT_EQ(columns_of("{\"a\":1}\n{\"a\":{\"x\":1}}\n{\"a\":[1]}\n"), "a BIGINT");
  EXPECT_EQ(columns_of("{\"a\":{\"x\":1}}\n{\"a\":\"t\"}\n{\"a\":{\"y\":1}}\n"), "a STRUCT(x BIGINT, y BIGINT)");
  EXPECT_EQ(columns_of("{\"a\":[]}\n{\"a\":5}\n{\"a\":[true]}\n"), "a BOOLEAN[]");
  EXPECT_EQ(columns_of("{\"a\":[1,\"x\"]}\n"), "a VARCHAR[]");
}

TEST(InferenceTest, TakesAColumnNeverSeenWithAValueForText) {
  EXPECT_EQ(columns_of("{\"a\":null,\"b\":{},\"c\":[],\"d\":{\"x\":null}}\n"),
            "a VARCHAR, b VARCHAR, c VARCHAR[], d STRUCT(x VARCHAR)");
}

TEST(InferenceTest, TakesKeysThatDifferInCaseAloneForOne) {
  EXPECT_EQ(columns_of("{\"É\":1,\"é\":\"x\",\"ß\":2,\"s\":{\"Ж\":1,\"ж\":2}}\n{\"é\":1,\"ss\":true}\n"),
            "É BIGINT, ß BIGINT, s STRUCT(\"Ж\" BIGINT), ss BOOLEAN");
}

TEST(InferenceTest, TakesOnlyKeysThatCanNameAColumn) {
  EXPECT_EQ(
      columns_of("{\"a\":1,\"A\":2,\"\":3,\"_rescued_data\":4,\"_Rescued_Data\":5,\"n\\u0000\":6,\"b\":{\"\":1}}\n"),
      "a BIGINT, b VARCHAR");
  EXPECT_EQ(columns_of("{\"" + std::string(255, 'k') + "\":1,\"" + std::string(256, 'm') + "\":1}\n"),
            std::string(255, 'k') + " BIGINT");
}

TEST(InferenceTest, IgnoresLinesThatBecomeDeadLetters) {
  EXPECT_EQ(
      columns_of("{\"a\":1\n{\"a\":2,\"b\":01}\n[1]\n{\"c\":\"\xFF\"}\n{\"d\":1} x\n{\"e\":\"\\q\"}\n{\"f\":1}\n"),
      "f BIGINT");
}

TEST(InferenceTest, BoundsTheNumberOfColumns) {
  std::string line = "{";
  for (int i = 0; i < 12'000; ++i) line += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  const InferredSchema schema = fold({}, line + "}\n{\"k0\":\"x\",\"new\":1}\n");
  EXPECT_EQ(schema.column_count, kInferredColumnsMax);
  EXPECT_EQ(schema.to_schema().fields.size(), kInferredColumnsMax + 1);
  EXPECT_EQ(schema.to_schema().fields[0].type, duckdb::LogicalType::VARCHAR);
}

TEST(InferenceTest, ReadsItsStoredFormBack) {
  const InferredSchema schema =
      fold({}, "{\"a\":9007199254740993,\"q\\\"uote\":[{\"x\":1.5,\"y\":[]}],\"u\":null,\"é\":true}\n");
  const auto again = InferredSchema::decode(schema.encode());
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(*again, schema);
  EXPECT_EQ(InferredSchema::decode("").value(), InferredSchema{});
}

TEST(InferenceTest, RefusesAStoredFormItDidNotWrite) {
  for (const std::string text :
       {"{", "[]", "{\"format\":2,\"columns\":[]}", "{\"format\":1}",
        "{\"format\":1,\"columns\":[{\"name\":\"a\",\"kind\":\"what\"}]}",
        "{\"format\":1,\"columns\":[{\"name\":\"a\",\"kind\":\"list\"}]}",
        "{\"format\":1,\"columns\":[{\"name\":\"a\",\"kind\":\"text\"},{\"name\":\"A\",\"kind\":\"text\"}]}"}) {
    const auto schema = InferredSchema::decode(text);
    ASSERT_FALSE(schema.has_value()) << text;
    EXPECT_EQ(schema.error().code(), ErrorCode::Corruption);
  }
}

// ---- Any split of the same files into runs ends with the same table ----

/// Lines of the worst mixes: every kind in every place, keys that clash, repeat or cannot be names, broken lines.
class NastyLines {
 public:
  explicit NastyLines(std::uint64_t seed) : random_(seed) {}

  std::string line() {
    const std::string object = this->object(0);
    switch (below(12)) {
      case 0: return object.substr(0, below(object.size()));
      case 1: return object + (below(2) == 0 ? "x" : "\"");
      default: return object;
    }
  }

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

 private:
  std::string pick(const std::vector<std::string>& choices) { return choices[below(choices.size())]; }

  std::string object(std::size_t depth) {
    std::string text = "{";
    for (std::size_t count = below(5); count > 0; --count) {
      text += pick({"\"a\":", "\"b\":", "\"c\" : ", "\"A\":", "\"\":", "\"d\\u0061\":", "\"da\":", "\"_rescued_data\":",
                    "\"long name\":", "\"\\ud800\":"});
      text += value(depth + 1) + (count > 1 ? "," : "");
    }
    return text + "}";
  }

  std::string value(std::size_t depth) {
    switch (below(depth < 4 ? 9 : 6)) {
      case 0: return "null";
      case 1: return pick({"true", "false"});
      case 2: return pick({"1", "0", "-0", "-5", "9007199254740992", "9007199254740993", "-9223372036854775808"});
      case 3: return pick({"9223372036854775808", "-99999999999999999999999", "1e400", "1e-400"});
      case 4:
        return pick({"0.5", "1.0", "-0.0", "1e3", "1e15", "9007199254740992.0", "1e16", "1.5e300", "1e-7", "123456.789",
                     "0.00001"});
      case 5:
        return pick(
            {"\"\"", "\"x\"", "\"1\"", "\"1.0\"", "\"longer than twelve bytes\"", "\"\\u00e9\\n\"", "\"\\ud800\""});
      case 6: return object(depth);
      case 7: return below(3) == 0 ? "{}" : "[]";
      default: {
        std::string text = "[";
        for (std::size_t count = below(4); count > 0; --count) text += value(depth + 1) + (count > 1 ? ", " : "");
        return text + "]";
      }
    }
  }

  std::mt19937_64 random_;
};

/// Rows as stored by one run or several, with the schema they have now.
struct Table {
  columnar::Schema schema;
  std::vector<std::string> rows;
  std::vector<DeadLetter> letters;
};

std::vector<std::string> widened_rows(const KeepingSink& sink, const columnar::Schema& from,
                                      const columnar::Schema& to) {
  KeepingSink result;
  for (const columnar::ChangeBatch& stored : sink.batches) {
    columnar::ChangeBatch source = stored.copy();
    columnar::ChangeBatch target(to.types());
    for (std::size_t i = 0; i < to.fields.size(); ++i) {
      const auto index = from.find(to.fields[i].name);
      if (index) {
        SLUICE_CHECK_OK(widen(source.rows().data[*index], target.rows().data[i], stored.size()));
      } else {
        for (duckdb::idx_t row = 0; row < stored.size(); ++row)
          duckdb::FlatVector::SetNull(target.rows().data[i], row, true);
      }
    }
    target.rows().SetCardinality(stored.size());
    result.batches.push_back(std::move(target));
  }
  return result.text_rows();
}

/// Reads the files in runs that end at the given files; each run infers first, then decodes, then its rows are stored.
Table run(const std::vector<std::string>& files, const std::vector<std::size_t>& run_ends) {
  InferredSchema inferred;
  std::vector<std::pair<columnar::Schema, KeepingSink>> stored;
  Table table;
  std::size_t next = 0;
  for (const std::size_t end : run_ends) {
    // The state goes through its stored form, as it does from epoch to epoch.
    for (std::size_t i = next; i < end; ++i)
      inferred = InferredSchema::decode(fold(inferred, files[i]).encode()).value();
    const columnar::Schema schema = inferred.to_schema();
    auto reader = JsonLineReader::create(schema, NestedText::Rescue).value();
    KeepingSink sink;
    for (; next < end; ++next) {
      TextStream stream(files[next]);
      SLUICE_CHECK_OK(reader->read(stream, "file" + std::to_string(next), sink));
    }
    SLUICE_CHECK_OK(reader->flush(sink));
    table.letters.insert(table.letters.end(), sink.letters.begin(), sink.letters.end());
    stored.emplace_back(schema, std::move(sink));
  }
  table.schema = inferred.to_schema();
  for (const auto& [schema, sink] : stored) {
    for (const columnar::Field& column : schema.fields) {
      const columnar::Field& now = table.schema.fields[*table.schema.find(column.name)];
      EXPECT_TRUE(can_widen(column.type, now.type)) << column.name;
    }
    for (std::string& row : widened_rows(sink, schema, table.schema)) table.rows.push_back(std::move(row));
  }
  return table;
}

TEST(InferencePropertyTest, EverySplitIntoRunsEndsWithTheSameTable) {
  std::size_t rescued = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    NastyLines lines(seed);
    std::vector<std::string> files(2 + lines.below(5));
    for (std::string& file : files) {
      for (std::size_t count = lines.below(6); count > 0; --count) file += lines.line() + (count > 1 ? "\n" : "");
      if (lines.below(2) == 0) file += "\n";
    }
    const Table whole = run(files, {files.size()});
    for (const std::string& row : whole.rows) rescued += row.ends_with("NULL") ? 0 : 1;
    for (int split = 0; split < 4; ++split) {
      std::vector<std::size_t> ends;
      for (std::size_t i = 1; i < files.size(); ++i) {
        if (split == 0 || lines.below(2) == 0) ends.push_back(i);
      }
      ends.push_back(files.size());
      const Table parts = run(files, ends);
      ASSERT_EQ(parts.schema, whole.schema) << "seed " << seed;
      ASSERT_EQ(parts.rows, whole.rows) << "seed " << seed << ": " << to_string(whole.schema);
      ASSERT_EQ(parts.letters, whole.letters) << "seed " << seed;
    }
  }
  EXPECT_GT(rescued, 100U) << "the lines are not nasty enough";
}

TEST(InferencePropertyTest, EveryLineIsARowOrADeadLetter) {
  for (std::uint64_t seed = 1000; seed < 1100; ++seed) {
    NastyLines lines(seed);
    std::string file;
    std::size_t count = 0;
    for (; count < 50; ++count) {
      std::string line = lines.line();
      file += (line.empty() ? "0" : line) + "\n";
    }
    const Table table = run({file}, {1});
    EXPECT_EQ(table.rows.size() + table.letters.size(), count);
  }
}

TEST(InferencePropertyTest, DamagedBytesTouchNoOtherLineAndNeverStopTheReader) {
  for (std::uint64_t seed = 2000; seed < 2300; ++seed) {
    NastyLines lines(seed);
    std::string file;
    for (int count = 0; count < 20; ++count) file += lines.line() + "\n";
    for (std::size_t count = 1 + lines.below(8); count > 0; --count) {
      file[lines.below(file.size())] = static_cast<char>(lines.below(256));
    }
    const columnar::Schema schema = fold({}, file).to_schema();
    std::vector<std::string> rows;
    std::vector<DeadLetter> letters;
    // In one block, a damaged line must not touch the others; in small blocks, most lines stand alone.
    for (const std::size_t block_bytes : {std::size_t{1} << 18, std::size_t{64}}) {
      KeepingSink sink;
      auto reader = JsonLineReader::create(schema, NestedText::Rescue, {.block_bytes = block_bytes}).value();
      TextStream stream(file);
      SLUICE_CHECK_OK(reader->read(stream, "in.jsonl", sink));
      SLUICE_CHECK_OK(reader->flush(sink));
      if (block_bytes > 64) {
        rows = sink.text_rows();
        letters = sink.letters;
      }
      ASSERT_EQ(sink.text_rows(), rows) << "seed " << seed;
      ASSERT_EQ(sink.letters, letters) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice::connect
