// Reads the change data feeds and the row ids of golden tables and compares them with what their writer says.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/golden/golden_table.h"
#include "tests/golden/row_comparison.h"

namespace sluice::golden {
namespace {

/// A range of versions of a feed.
struct Feed {
  Table table;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::optional<std::string> file = {};  ///< Parquet with its rows; absent: it cannot be read.
  bool may_be_read = false;              ///< Without `file`: a reader more careful than Spark may cope.
  bool has_timestamps = false;           ///< `_commit_timestamp` is among the rows.

  std::string test_name() const { return fmt::format("{}_{}_{}", table.test_name(), from, to); }
};

/// Rows with their ids at a version.
struct RowIds {
  Table table;
  std::int64_t version = 0;
  std::string file;

  std::string test_name() const { return fmt::format("{}_{}", table.test_name(), version); }
};

/// Runs `take` for the description of each table that has one.
template <typename Take>
void for_each_description(Take&& take) {
  for (const Table& table : all_tables()) {
    const auto path = table.folder / "about.json";
    simdjson::dom::parser parser;
    simdjson::dom::element about;
    if (parser.load(path.string()).get(about) == simdjson::SUCCESS) take(table, about);
  }
}

std::vector<Feed> all_feeds() {
  std::vector<Feed> feeds;
  for_each_description([&](const Table& table, simdjson::dom::element about) {
    simdjson::dom::array ranges;
    if (about["cdf"].get(ranges) != simdjson::SUCCESS) return;
    simdjson::dom::array may_fail;
    const bool has_doubts = about["may_fail"].get(may_fail) == simdjson::SUCCESS;
    for (const simdjson::dom::element range : ranges) {
      Feed feed{table, std::int64_t(range["from"]), std::int64_t(range["to"])};
      std::string_view file;
      if (range["file"].get(file) == simdjson::SUCCESS) feed.file = (table.folder / file).string();
      const std::string operation = fmt::format("change feed {}..{}", feed.from, feed.to);
      feed.may_be_read = has_doubts && std::any_of(may_fail.begin(), may_fail.end(), [&](simdjson::dom::element entry) {
                           return std::string_view(entry["operation"]) == operation;
                         });
      std::string_view note = about["cdf_note"];
      feed.has_timestamps = note.find("is left out") == std::string_view::npos;
      feeds.push_back(std::move(feed));
    }
  });
  return feeds;
}

std::vector<RowIds> all_row_ids() {
  std::vector<RowIds> all;
  for_each_description([&](const Table& table, simdjson::dom::element about) {
    simdjson::dom::array versions;
    if (about["row_tracking"].get(versions) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element entry : versions) {
      const std::string_view file = entry["file"];
      all.push_back({table, std::int64_t(entry["version"]), (table.folder / file).string()});
    }
  });
  return all;
}

/// A moment, and the rows that the table had then.
struct Moment {
  Table table;
  std::string time;
  std::optional<std::int64_t> row_count = {};  ///< Absent: it cannot be read.
};

std::vector<Moment> all_moments() {
  std::vector<Moment> moments;
  for_each_description([&](const Table& table, simdjson::dom::element about) {
    simdjson::dom::array travel;
    if (about["timestamp_travel"].get(travel) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element entry : travel) {
      Moment moment{table, std::string(std::string_view(entry["timestamp_utc"])), std::nullopt};
      std::int64_t row_count = 0;
      if (entry["rows"].get(row_count) == simdjson::SUCCESS) moment.row_count = row_count;
      moments.push_back(std::move(moment));
    }
  });
  return moments;
}

void PrintTo(const Feed& feed, std::ostream* out) { *out << feed.test_name(); }
void PrintTo(const RowIds& ids, std::ostream* out) { *out << ids.test_name(); }

class GoldenFeedTest : public testing::TestWithParam<Feed> {};

TEST_P(GoldenFeedTest, IsAsItsWriterSays) {
  const Feed& feed = GetParam();
  RowComparison rows;
  const Status taken = rows.take(fmt::format("SELECT {} FROM table_changes('{}', {}, {})",
                                             feed.has_timestamps ? "*" : "* EXCLUDE (_commit_timestamp)",
                                             feed.table.delta().string(), feed.from, feed.to));
  if (feed.file) {
    ASSERT_TRUE(taken) << taken.error().message();
    EXPECT_EQ(rows.compare({*feed.file}), "");
  } else if (!feed.may_be_read) {
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().message().find("change data feed was off at version"), std::string::npos)
        << taken.error().message();
  }
}

class GoldenRowIdsTest : public testing::TestWithParam<RowIds> {};

TEST_P(GoldenRowIdsTest, AreAsTheirWriterSays) {
  const RowIds& ids = GetParam();
  RowComparison rows;
  const Status taken = rows.take(fmt::format("FROM read_delta('{}', version => {}, row_tracking => true)",
                                             ids.table.delta().string(), ids.version));
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(rows.compare({ids.file}), "");
}

TEST(GoldenMomentsTest, ATimestampIsTheVersionOfThen) {
  const auto moments = all_moments();
  ASSERT_FALSE(moments.empty());
  for (const Moment& moment : moments) {
    RowComparison rows;
    const auto count = rows.count(fmt::format("SELECT count(*) FROM read_delta('{}', as_of => '{}')",
                                              moment.table.delta().string(), moment.time));
    if (moment.row_count) {
      ASSERT_TRUE(count) << count.error().message();
      EXPECT_EQ(*count, std::to_string(*moment.row_count)) << moment.time;
    } else {
      ASSERT_FALSE(count) << moment.time;
      EXPECT_EQ(count.error().code(), ErrorCode::NotFound) << count.error().message();
    }
  }
}

template <typename Parameter>
std::string test_name(const testing::TestParamInfo<Parameter>& parameter) {
  return parameter.param.test_name();
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFeedTest, testing::ValuesIn(all_feeds()), test_name<Feed>);
INSTANTIATE_TEST_SUITE_P(All, GoldenRowIdsTest, testing::ValuesIn(all_row_ids()), test_name<RowIds>);

}  // namespace
}  // namespace sluice::golden
