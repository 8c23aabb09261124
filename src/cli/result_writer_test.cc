#include "cli/result_writer.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using ::testing::HasSubstr;

struct Column {
  std::string name;
  LogicalType type;
};

/// Writes the rows, at most two in a chunk, and returns the text.
std::string written(OutputFormat format, const std::vector<Column>& columns,
                    const std::vector<std::vector<Value>>& rows, std::size_t width = 0) {
  columnar::Schema schema;
  for (const Column& column : columns) schema.fields.push_back({column.name, column.type, true, {}});
  std::ostringstream out;
  const auto writer = ResultWriter::create(format, out, schema, width);
  constexpr std::size_t kChunkRows = 2;
  for (std::size_t first = 0; first < rows.size(); first += kChunkRows) {
    const std::size_t count = std::min(kChunkRows, rows.size() - first);
    const columnar::RowType types = schema.types();
    duckdb::DataChunk chunk;
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
    for (std::size_t row = 0; row < count; ++row) {
      for (std::size_t column = 0; column < columns.size(); ++column)
        chunk.SetValue(column, row, rows[first + row][column]);
    }
    chunk.SetCardinality(count);
    writer->write(chunk);
  }
  writer->finish();
  return out.str();
}

const std::vector<Column> kPair = {{"id", LogicalType::BIGINT}, {"name", LogicalType::VARCHAR}};

TEST(ResultWriterTest, JsonIsOneArrayOfObjects) {
  EXPECT_EQ(written(OutputFormat::Json, kPair,
                    {{Value::BIGINT(1), Value("ann")}, {Value::BIGINT(2), Value()}, {Value(), Value("")}}),
            "[{\"id\":1,\"name\":\"ann\"},\n {\"id\":2,\"name\":null},\n {\"id\":null,\"name\":\"\"}]\n");
}

TEST(ResultWriterTest, JsonOfNoRowsIsAnEmptyArray) { EXPECT_EQ(written(OutputFormat::Json, kPair, {}), "[]\n"); }

TEST(ResultWriterTest, NdjsonIsOneObjectALine) {
  EXPECT_EQ(written(OutputFormat::Ndjson, kPair, {{Value::BIGINT(1), Value("a\nb")}, {Value::BIGINT(2), Value("c")}}),
            "{\"id\":1,\"name\":\"a\\nb\"}\n{\"id\":2,\"name\":\"c\"}\n");
  EXPECT_EQ(written(OutputFormat::Ndjson, kPair, {}), "");
}

TEST(ResultWriterTest, JsonEscapesNamesAndTexts) {
  EXPECT_EQ(written(OutputFormat::Ndjson, {{"a\"b", LogicalType::VARCHAR}}, {{Value("q\" b\\ t\t \x01 ä")}}),
            "{\"a\\\"b\":\"q\\\" b\\\\ t\\t \\u0001 ä\"}\n");
}

TEST(ResultWriterTest, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(written(OutputFormat::Csv, {{"a,b", LogicalType::VARCHAR}, {"n", LogicalType::INTEGER}},
                    {{Value("plain"), Value::INTEGER(1)},
                     {Value("with, comma"), Value::INTEGER(-2)},
                     {Value("say \"hi\""), Value()},
                     {Value("two\nlines"), Value::INTEGER(3)}}),
            "\"a,b\",n\r\nplain,1\r\n\"with, comma\",-2\r\n\"say \"\"hi\"\"\",\r\n\"two\nlines\",3\r\n");
}

TEST(ResultWriterTest, CsvTellsNullFromTheEmptyText) {
  EXPECT_EQ(
      written(OutputFormat::Csv, {{"a", LogicalType::VARCHAR}, {"b", LogicalType::VARCHAR}}, {{Value(), Value("")}}),
      "a,b\r\n,\"\"\r\n");
}

TEST(ResultWriterTest, TableAlignsNumbersRightAndTextLeft) {
  EXPECT_EQ(written(OutputFormat::Table, kPair, {{Value::BIGINT(1), Value("ann")}, {Value::BIGINT(100), Value()}}),
            "┌────────┬─────────┐\n"
            "│ id     │ name    │\n"
            "│ bigint │ varchar │\n"
            "├────────┼─────────┤\n"
            "│      1 │ ann     │\n"
            "│    100 │ NULL    │\n"
            "└────────┴─────────┘\n"
            "2 rows\n");
}

TEST(ResultWriterTest, TableCountsCharactersNotBytes) {
  EXPECT_EQ(written(OutputFormat::Table, {{"ä", LogicalType::VARCHAR}}, {{Value("ölförderung")}}),
            "┌─────────────┐\n"
            "│ ä           │\n"
            "│ varchar     │\n"
            "├─────────────┤\n"
            "│ ölförderung │\n"
            "└─────────────┘\n"
            "1 row\n");
}

TEST(ResultWriterTest, TableKeepsARowOnOneLine) {
  EXPECT_THAT(written(OutputFormat::Table, {{"t", LogicalType::VARCHAR}}, {{Value("a\nb\tc\rd")}}),
              HasSubstr("│ a\\nb\\tc\\rd │"));
}

TEST(ResultWriterTest, TableShortensTheWidestColumnToTheTerminal) {
  const std::string text = written(OutputFormat::Table, kPair, {{Value::BIGINT(1), Value(std::string(100, 'x'))}}, 40);
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    EXPECT_LE(
        std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }),
        40)
        << line;
  }
  EXPECT_THAT(text, HasSubstr("xxx…"));
}

TEST(ResultWriterTest, TableSaysHowManyRowsItLeftOut) {
  const std::vector<std::vector<Value>> rows(ResultWriter::kTableRowsMax + 3, {Value::BIGINT(7)});
  const std::string text = written(OutputFormat::Table, {{"n", LogicalType::BIGINT}}, rows);
  EXPECT_THAT(text, HasSubstr("10003 rows, the first 10000 shown\n"));
}

TEST(ResultWriterTest, MarkdownEscapesBars) {
  EXPECT_EQ(written(OutputFormat::Markdown, kPair, {{Value::BIGINT(1), Value("a|b")}, {Value::BIGINT(22), Value("c")}}),
            "| id | name |\n"
            "|---:|------|\n"
            "|  1 | a\\|b |\n"
            "| 22 | c    |\n");
}

TEST(OutputFormatTest, NamesAreKnownOrSuggested) {
  EXPECT_EQ(*parse_output_format("table"), OutputFormat::Table);
  EXPECT_EQ(*parse_output_format("json"), OutputFormat::Json);
  EXPECT_EQ(*parse_output_format("ndjson"), OutputFormat::Ndjson);
  EXPECT_EQ(*parse_output_format("csv"), OutputFormat::Csv);
  EXPECT_EQ(*parse_output_format("markdown"), OutputFormat::Markdown);
  const auto format = parse_output_format("jsn");
  ASSERT_FALSE(format);
  EXPECT_EQ(format.error().number(), 120u);
  EXPECT_THAT(format.error().help(), HasSubstr("json"));
}

}  // namespace
}  // namespace sluice::cli
