#include "connect/files/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connect/files/error_numbers.h"
#include "connect/files/reader_test_rows.h"

namespace sluice::connect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::KeepingSink;
using testing::schema_of;
using testing::TextStream;

using Rows = std::vector<std::string>;

class JsonLineReaderTest : public ::testing::Test {
 protected:
  /// Reads `text` as file "in.jsonl"; what came before is forgotten.
  void read(const std::string& columns, std::string_view text, NestedText nested = NestedText::Rescue) {
    sink_ = KeepingSink();
    auto reader = JsonLineReader::create(schema_of(columns), nested, limits_);
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    TextStream stream(text, piece_);
    SLUICE_CHECK_OK((*reader)->read(stream, "in.jsonl", sink_));
    SLUICE_CHECK_OK((*reader)->flush(sink_));
  }
  Rows rows() const { return sink_.text_rows(); }
  std::vector<std::uint32_t> letters() const { return sink_.letter_numbers(); }

  JsonLimits limits_;
  std::size_t piece_ = 1 << 20;
  KeepingSink sink_;
};

TEST_F(JsonLineReaderTest, FillsColumnsByKeyInAnyOrderAndLeavesMissingOnesNull) {
  read("a BIGINT, b VARCHAR, c DOUBLE, d BOOLEAN",
       "{\"a\":1,\"b\":\"x\",\"c\":2.5,\"d\":true}\n{\"d\":false,\"b\":null,\"a\":-7}\n{}\n");
  EXPECT_EQ(rows(), (Rows{"1 | 'x' | 2.5 | true", "-7 | NULL | NULL | false", "NULL | NULL | NULL | NULL"}));
  EXPECT_THAT(letters(), IsEmpty());
}

TEST_F(JsonLineReaderTest, FillsStructsAndListsAtAnyDepth) {
  read("s STRUCT(x BIGINT, y STRUCT(z VARCHAR)), l BIGINT[], m STRUCT(k VARCHAR, v DOUBLE[])[]",
       "{\"s\":{\"y\":{\"z\":\"deep\"},\"x\":4},\"l\":[1,null,3],\"m\":[{\"k\":\"a\",\"v\":[1,2.5]},{\"v\":[]},null]}\n"
       "{\"l\":[],\"s\":{\"x\":null}}\n");
  EXPECT_EQ(rows(), (Rows{"{'x': 4, 'y': {'z': 'deep'}} | [1, NULL, 3] | "
                          "[{'k': 'a', 'v': [1.0, 2.5]}, {'k': NULL, 'v': []}, NULL]",
                          "{'x': NULL, 'y': NULL} | [] | NULL"}));
}

TEST_F(JsonLineReaderTest, KeepsListsOfManyRowsApart) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += "{\"l\":[";
    for (int j = 0; j < i % 7; ++j) text += (j > 0 ? "," : "") + std::string("[") + std::to_string(i * 10 + j) + "]";
    text += "]}\n";
  }
  read("l BIGINT[][]", text);
  ASSERT_EQ(rows().size(), 5000U);
  EXPECT_EQ(rows()[4999], "[[49990]]");
  EXPECT_EQ(rows()[2054], "[[20540], [20541], [20542]]");
  EXPECT_EQ(rows()[7], "[]");
}

TEST_F(JsonLineReaderTest, RescuesUnknownKeysAndMisfitsWithTheirPathAndKeepsTheRow) {
  read("a BIGINT, s STRUCT(x BIGINT, y BIGINT), _rescued_data VARCHAR",
       "{\"a\":1,\"new\":[1, {\"q\":2}],\"s\":{\"x\":\"no\",\"y\":2,\"z\":1.50}}\n{\"a\":\"x\\\"y\"}\n{\"a\":5}\n");
  EXPECT_EQ(rows(), (Rows{"1 | {'x': NULL, 'y': 2} | "
                          "'{\"new\":[1, {\"q\":2}],\"s\":{\"x\":\"no\",\"z\":1.50},\"_file_path\":\"in.jsonl\"}'",
                          "NULL | NULL | '{\"a\":\"x\\\"y\",\"_file_path\":\"in.jsonl\"}'", "5 | NULL | NULL"}));
}

TEST_F(JsonLineReaderTest, RescuesTheWholeListWhenSomethingInsideDoesNotFit) {
  read("l BIGINT[], o STRUCT(x BIGINT)[], _rescued_data VARCHAR",
       "{\"l\":[1,\"two\",3],\"o\":[{\"x\":1,\"extra\":[true]}]}\n");
  EXPECT_EQ(rows(), (Rows{"[1, NULL, 3] | [{'x': 1}] | '{\"l\":[1,\"two\",3],\"o\":[{\"x\":1,\"extra\":[true]}],"
                          "\"_file_path\":\"in.jsonl\"}'"}));
}

TEST_F(JsonLineReaderTest, WritesRescuedDataThatIsJsonForEveryMixOfPaths) {
  read("a STRUCT(b STRUCT(c BIGINT, d BIGINT)), _rescued_data VARCHAR",
       "{\"p\":1,\"a\":{\"q\":2,\"b\":{\"r\":3,\"c\":\"x\"},\"t\":4},\"u\":5}\n");
  EXPECT_EQ(
      rows(),
      (Rows{"{'b': {'c': NULL, 'd': NULL}} | '{\"p\":1,\"a\":{\"q\":2,\"b\":{\"r\":3,\"c\":\"x\"},\"t\":4},\"u\":5,"
            "\"_file_path\":\"in.jsonl\"}'"}));
}

TEST_F(JsonLineReaderTest, ReadsNumbersExactly) {
  read("i BIGINT, d DOUBLE, t VARCHAR",
       "{\"i\":9223372036854775807,\"d\":0.1,\"t\":9223372036854775808}\n"
       "{\"i\":-9223372036854775808,\"d\":1e308,\"t\":123456789012345678901234567890}\n"
       "{\"i\":-0,\"d\":-0.0,\"t\":-0}\n"
       "{\"i\":1.0E3,\"d\":5,\"t\":1.0E3}\n"
       "{\"i\":2.5,\"d\":1e400,\"t\":1e400}\n"
       "{\"i\":9223372036854775808,\"d\":1.7976931348623157e308,\"t\":0.30000000000000004}\n");
  EXPECT_EQ(rows(), (Rows{"9223372036854775807 | 0.1 | '9223372036854775808'",
                          "-9223372036854775808 | 1e+308 | '123456789012345678901234567890'", "0 | -0.0 | '0'",
                          "1000 | 5.0 | '1000'", "NULL | NULL | '1e400'",
                          "NULL | 1.7976931348623157e+308 | '0.30000000000000004'"}));
}

TEST_F(JsonLineReaderTest, RefusesNumbersThatJsonDoesNotAllow) {
  for (const std::string number :
       {"01", "+1", ".5", "1.", "1e", "1e+", "-", "0x1", "1_0", "Infinity", "NaN", "--1", "1 2"}) {
    read("a DOUBLE", "{\"a\":" + number + "}\n{\"a\":7}\n");
    EXPECT_THAT(letters(), ElementsAre(kDeadLetterNotJson)) << number;
    EXPECT_EQ(rows(), Rows{"7.0"}) << number;
  }
}

TEST_F(JsonLineReaderTest, TurnsEscapesIntoText) {
  read("t VARCHAR, _rescued_data VARCHAR",
       "{\"t\":\"q\\\"b\\\\s\\/n\\n\\t\\u00e9\\u20AC\\ud83d\\ude00\"}\n{\"\\u0074\":\"key in escapes\"}\n"
       "{\"t\":\"half \\ud83d pair\"}\n{\"t\":\"half \\ude00\"}\n");
  EXPECT_EQ(sink_.batches[0].rows().GetValue(0, 0).GetValue<std::string>(), "q\"b\\s/n\n\té€😀");
  EXPECT_EQ(rows()[1], "'key in escapes' | NULL");
  EXPECT_EQ(rows()[2], "NULL | '{\"t\":\"half \\ud83d pair\",\"_file_path\":\"in.jsonl\"}'");
  EXPECT_EQ(rows()[3], "NULL | '{\"t\":\"half \\ude00\",\"_file_path\":\"in.jsonl\"}'");
}

TEST_F(JsonLineReaderTest, LetsTheLastOfEqualKeysWin) {
  read("a BIGINT, l BIGINT[], _rescued_data VARCHAR",
       "{\"a\":null,\"l\":[1,2],\"a\":2,\"l\":[3]}\n{\"a\":2,\"a\":null,\"l\":[4],\"l\":null}\n");
  EXPECT_EQ(rows(), (Rows{"2 | [3] | NULL", "NULL | NULL | NULL"}));
}

TEST_F(JsonLineReaderTest, FillsDeclaredTypesFromTextByDuckDbsCast) {
  read(
      "i INTEGER, s SMALLINT, d DATE, t TIMESTAMP, z TIMESTAMPTZ, m DECIMAL(10,2), u UUID, h HUGEINT, f FLOAT, b "
      "BOOLEAN",
      "{\"i\":\"12\",\"s\":-3,\"d\":\"2024-02-29\",\"t\":\"2024-02-29T12:34:56.5\",\"z\":\"2024-02-29T12:00:00+02:00\","
      "\"m\":12.345,\"u\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"h\":170141183460469231731687303715884105727,"
      "\"f\":1.5,\"b\":\"true\"}\n",
      NestedText::Keep);
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0],
            "12 | -3 | '2024-02-29'::DATE | '2024-02-29 12:34:56.5'::TIMESTAMP | "
            "'2024-02-29 10:00:00+00'::TIMESTAMP WITH TIME ZONE | 12.35 | "
            "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID | 170141183460469231731687303715884105727 | 1.5 | true");
}

TEST_F(JsonLineReaderTest, RescuesWhatADeclaredTypeCannotHold) {
  read("i INTEGER, d DATE, m DECIMAL(4,2), b BOOLEAN, f FLOAT, _rescued_data VARCHAR",
       "{\"i\":2147483648}\n{\"d\":\"2023-02-29\"}\n{\"d\":\"infinity\"}\n{\"d\":5}\n{\"m\":123}\n{\"b\":1}\n"
       "{\"f\":1e300}\n{\"i\":true}\n",
       NestedText::Keep);
  ASSERT_EQ(rows().size(), 8U);
  for (const std::string& row : rows()) {
    EXPECT_THAT(row, HasSubstr("NULL | NULL | NULL | NULL | NULL | '{"));
  }
  EXPECT_THAT(rows()[4], HasSubstr("{\"m\":123,"));
}

TEST_F(JsonLineReaderTest, KeepsNestedValuesAsTextOnlyWhereDeclared) {
  const std::string line = "{\"t\":{\"a\": [1]},\"j\":\"x\"}\n{\"t\":[ 2 ],\"j\":{\"b\":1.0}}\n";
  read("t VARCHAR, j JSON, _rescued_data VARCHAR", line, NestedText::Keep);
  EXPECT_EQ(rows(), (Rows{"'{\"a\": [1]}' | '\"x\"' | NULL", "'[ 2 ]' | '{\"b\":1.0}' | NULL"}));
  read("t VARCHAR, j JSON, _rescued_data VARCHAR", line, NestedText::Rescue);
  EXPECT_EQ(rows()[1], "NULL | '{\"b\":1.0}' | '{\"t\":[ 2 ],\"_file_path\":\"in.jsonl\"}'");
}

TEST_F(JsonLineReaderTest, FillsMapsWithTheLastOfEqualKeys) {
  read("m MAP(VARCHAR, BIGINT), _rescued_data VARCHAR",
       "{\"m\":{\"a\":1,\"b\":2,\"a\":3}}\n{\"m\":{}}\n{\"m\":{\"a\":\"x\"}}\n");
  EXPECT_EQ(rows()[0], "MAP {'a': 3, 'b': 2}::MAP(VARCHAR, BIGINT) | NULL");
  EXPECT_EQ(rows()[1], "MAP {}::MAP(VARCHAR, BIGINT) | NULL");
  EXPECT_EQ(rows()[2], "MAP {'a': NULL}::MAP(VARCHAR, BIGINT) | '{\"m\":{\"a\":\"x\"},\"_file_path\":\"in.jsonl\"}'");
}

TEST_F(JsonLineReaderTest, SendsLinesThatAreNoObjectsToTheDeadLetters) {
  read("a BIGINT",
       "{\"a\":1}\n[1]\n42\n\"x\"\nnull\n{\"a\":2} x\n{\"a\":3}{\"a\":4}\nnonsense\n{\"a\":5,}\n{\"a\" 6}\n"
       "{\"a\":[1,]}\n{a:1}\n{\"a\":tru}\n{\"a\":1}\n");
  EXPECT_EQ(rows(), (Rows{"1", "1"}));
  EXPECT_THAT(letters(), ElementsAre(3002, 3002, 3002, 3002, 3001, 3001, 3001, 3001, 3001, 3001, 3001, 3001));
  EXPECT_EQ(sink_.letters[0], (DeadLetter{.path = "in.jsonl",
                                          .offset_bytes = 8,
                                          .line = 2,
                                          .number = 3002,
                                          .message = "the line is JSON, but not an object",
                                          .bytes = "[1]",
                                          .size_bytes = 3}));
  EXPECT_EQ(sink_.letters[7].message, "not JSON: expected a key in quotes at byte 8 of the line");
}

TEST_F(JsonLineReaderTest, ChecksTheGrammarOfWhatNoColumnTakes) {
  read("a BIGINT", "{\"x\":[1,,2],\"a\":1}\n{\"x\":{\"y\":01},\"a\":2}\n{\"x\":\"\\q\",\"a\":3}\n{\"a\":4}\n");
  EXPECT_EQ(rows(), Rows{"4"});
  EXPECT_THAT(letters(), ElementsAre(3001, 3001, 3001));
}

TEST_F(JsonLineReaderTest, IsolatesInvalidUtf8ControlCharactersAndNulBytes) {
  using namespace std::string_literals;
  read(
      "a VARCHAR",
      "{\"a\":\"1\"}\n{\"a\":\"\xFF\xFE\"}\n{\"a\":\"tab\there\"}\n{\"a\":\"n\0l\"}\n\0\n{\"a\":\"open}\n{\"a\":\"2\"}\n"s);
  EXPECT_EQ(rows(), (Rows{"'1'", "'2'"}));
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterInvalidUtf8, kDeadLetterNotJson, kDeadLetterNotJson, kDeadLetterNotJson,
                                     kDeadLetterNotJson));
  EXPECT_EQ(sink_.letters[0].bytes, "{\"a\":\"\xFF\xFE\"}");
}

TEST_F(JsonLineReaderTest, PassesOverBlankLinesByteOrderMarkAndCarriageReturns) {
  read("a BIGINT", "\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \t \n{\"a\":2}\r\nbroken\r\n{\"a\":3}");
  EXPECT_EQ(rows(), (Rows{"1", "2", "3"}));
  ASSERT_EQ(sink_.letters.size(), 1U);
  EXPECT_EQ(sink_.letters[0].line, 5U);
  EXPECT_EQ(sink_.letters[0].offset_bytes, 28U);
  EXPECT_EQ(sink_.letters[0].bytes, "broken");
}

TEST_F(JsonLineReaderTest, TakesAnEmptyFile) {
  read("a BIGINT", "");
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_THAT(letters(), IsEmpty());
}

TEST_F(JsonLineReaderTest, TellsATruncatedLastLineFromABrokenOne) {
  read("a BIGINT", "{\"a\":1}\n{\"a\":2");
  EXPECT_EQ(rows(), Rows{"1"});
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterTruncated));
  read("a VARCHAR", "{\"a\":\"1\"}\n{\"a\":\"tw");
  EXPECT_EQ(rows(), Rows{"'1'"});
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterTruncated));
  read("a BIGINT", "{\"a\":1}\n{\"a\":x}");
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterNotJson));
}

TEST_F(JsonLineReaderTest, KeepsOnlyTheBeginningOfALineThatIsTooLong) {
  limits_ = {.line_bytes_max = 1000, .kept_bytes_max = 20, .block_bytes = 128};
  const std::string fits = "{\"a\":\"" + std::string(992, 'x') + "\"}";
  const std::string too_long = "{\"a\":\"" + std::string(993, 'y') + "\"}";
  const std::string huge = "{\"a\":\"" + std::string(100'000, 'z') + "\"}";
  ASSERT_EQ(fits.size(), limits_.line_bytes_max);
  read("a VARCHAR", fits + "\n" + too_long + "\n" + fits + "\n" + huge + "\n" + fits + "\n" + huge);
  EXPECT_EQ(rows().size(), 3U);
  ASSERT_THAT(letters(), ElementsAre(kDeadLetterLineTooLong, kDeadLetterLineTooLong, kDeadLetterLineTooLong));
  EXPECT_EQ(sink_.letters[0].size_bytes, 1001U);
  EXPECT_EQ(sink_.letters[1].bytes, huge.substr(0, 20));
  EXPECT_EQ(sink_.letters[1].size_bytes, huge.size());
  EXPECT_EQ(sink_.letters[1].line, 4U);
  EXPECT_EQ(sink_.letters[1].offset_bytes, 2 * (fits.size() + 1) + too_long.size() + 1);
}

TEST_F(JsonLineReaderTest, GivesTheSameForEveryPieceAndBlockSize) {
  std::string text = "\xEF\xBB\xBF";
  for (int i = 0; i < 300; ++i) {
    text += "{\"a\":" + std::to_string(i) + ",\"t\":\"" + std::string(static_cast<std::size_t>(i % 97), 'x') + "\"}\n";
    if (i % 50 == 0) text += "broken \"\n\n";
    if (i % 70 == 0) text += "{\"a\":\"" + std::string(400, 'l') + "\"}\r\n";
  }
  const auto everything = [&] {
    read("a BIGINT, t VARCHAR, _rescued_data VARCHAR", text);
    return std::make_pair(rows(), sink_.letters);
  };
  limits_ = {.line_bytes_max = 300, .kept_bytes_max = 50, .block_bytes = 1 << 18};
  const auto whole = everything();
  ASSERT_EQ(whole.first.size(), 300U);
  for (const std::size_t block : {64, 100, 301, 4096}) {
    for (const std::size_t piece : {1, 7, 333}) {
      limits_.block_bytes = block;
      piece_ = piece;
      EXPECT_EQ(everything(), whole) << block << " " << piece;
    }
  }
}

TEST_F(JsonLineReaderTest, BoundsTheDepthOfNesting) {
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}\n";
  };
  read("a BIGINT", nested(64) + nested(65) + nested(100'000) + "{\"a\":1}\n");
  EXPECT_EQ(rows(), (Rows{"NULL", "1"}));
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterTooDeep, kDeadLetterTooDeep));
}

TEST_F(JsonLineReaderTest, RecognisesAFileThatIsOneArray) {
  read("a BIGINT", "[\n{\"a\":1},\n{\"a\":2}\n]\n");
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_THAT(letters(), ElementsAre(3007, 3007, 3007, 3007));
  EXPECT_THAT(sink_.letters[0].message, HasSubstr("jq -c '.[]'"));
  read("a BIGINT", "[{\"a\":1},\n{\"a\":2}]\n");
  EXPECT_THAT(letters(), ElementsAre(3007, 3007));
}

TEST_F(JsonLineReaderTest, DoesNotTakeALogLineForAnArray) {
  read("a BIGINT", "[2024-01-01] started\n{\"a\":1}\n");
  EXPECT_EQ(rows(), Rows{"1"});
  EXPECT_THAT(letters(), ElementsAre(kDeadLetterNotJson));
}

TEST_F(JsonLineReaderTest, MakesOneDeadLetterOfACompressedFile) {
  const std::string gzip = std::string("\x1F\x8B\x08\x00", 4) + std::string(5000, '\n') + "{\"a\":1}\n";
  limits_ = {.kept_bytes_max = 10, .block_bytes = 512};
  read("a BIGINT", gzip);
  EXPECT_THAT(rows(), IsEmpty());
  ASSERT_THAT(letters(), ElementsAre(kDeadLetterCompressed));
  EXPECT_EQ(sink_.letters[0].line, 0U);
  EXPECT_EQ(sink_.letters[0].size_bytes, gzip.size());
  EXPECT_EQ(sink_.letters[0].bytes, gzip.substr(0, 10));
}

TEST_F(JsonLineReaderTest, EndsABatchEarlyWhenItsLinesAreLong) {
  limits_.batch_bytes_max = 1000;
  std::string text;
  for (int i = 0; i < 10; ++i) text += "{\"t\":\"" + std::string(390, 'x') + "\"}\n";
  read("t VARCHAR", text);
  EXPECT_EQ(sink_.batches.size(), 4U);
  EXPECT_EQ(rows().size(), 10U);
}

TEST_F(JsonLineReaderTest, LeavesNothingOfAFailedLineBehind) {
  read("l STRUCT(t VARCHAR, n BIGINT[])[], s STRUCT(x BIGINT, t VARCHAR)",
       "{\"l\":[{\"t\":\"kept\",\"n\":[1]}],\"s\":{\"x\":1,\"t\":\"a\"}}\n"
       "{\"l\":[{\"t\":\"lost but long enough\",\"n\":[2,3,4]},null,{\"n\":[5]}],\"s\":null,x}\n"
       "{\"l\":[{\"t\":\"next\",\"n\":[6]}],\"s\":{\"x\":7,\"t\":null}}\n");
  EXPECT_EQ(rows(), (Rows{"[{'t': 'kept', 'n': [1]}] | {'x': 1, 't': 'a'}",
                          "[{'t': 'next', 'n': [6]}] | {'x': 7, 't': NULL}"}));
  EXPECT_EQ(duckdb::ListVector::GetListSize(sink_.batches[0].rows().data[0]), 2U);
}

TEST_F(JsonLineReaderTest, HoldsRowsBackOverSmallFiles) {
  auto reader = JsonLineReader::create(schema_of("a BIGINT, _rescued_data VARCHAR"), NestedText::Rescue);
  ASSERT_TRUE(reader.has_value());
  for (const std::string path : {"one", "two", "three"}) {
    TextStream stream("{\"a\":\"x\"}\n");
    SLUICE_CHECK_OK((*reader)->read(stream, path, sink_));
  }
  EXPECT_THAT(sink_.batches, IsEmpty());
  SLUICE_CHECK_OK((*reader)->flush(sink_));
  EXPECT_EQ(sink_.batches.size(), 1U);
  EXPECT_THAT(rows()[2], HasSubstr("\"_file_path\":\"three\""));
}

TEST(JsonLineReader, NamesTheColumnWhoseTypeJsonCannotFill) {
  const auto reader = JsonLineReader::create(schema_of("a BIGINT, s STRUCT(b BIT)"), NestedText::Keep);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(reader.error().message(), HasSubstr("s.b"));
}

}  // namespace
}  // namespace sluice::connect
