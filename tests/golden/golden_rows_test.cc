// Reads every version that the golden tables list, through read_delta() as a user does, and compares all rows with what
// the table's writer says they are; of the newest also those that conditions select.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "delta/data_path.h"
#include "delta/snapshot.h"
#include "store/local_store.h"
#include "tests/golden/golden_table.h"
#include "tests/golden/row_comparison.h"

namespace sluice::golden {
namespace {

class GoldenRowsTest : public testing::TestWithParam<Table> {
 protected:
  std::string read_delta(const std::optional<std::int64_t>& version) const {
    const std::string option = version ? fmt::format(", version => {}", *version) : "";
    return fmt::format("read_delta('{}'{})", GetParam().delta().string(), option);
  }

  /// Returns how reading at this version, the newest also under conditions, is not as expected; "" if it is.
  std::string check(const Expectation& expectation) {
    if (expectation.outcome == Expectation::Outcome::Log) return check_logs(expectation);
    const Status taken = rows_.take("FROM " + read_delta(expectation.version));
    if (expectation.outcome == Expectation::Outcome::Error) return check_error(taken);
    if (!taken) return "error: " + taken.error().message();
    std::string difference = rows_.compare(expectation.files, expectation.json_columns);
    if (!difference.empty() || expectation.version) return difference;
    return rows_.compare_filters(GetParam().delta());
  }

  static std::string check_error(const Status& taken) {
    if (taken) return "it was read, but must not be";
    const std::string& message = taken.error().message();
    const auto causes = causes_of(GetParam());
    if (causes.empty()) return "say in golden_table.cc what the error names: " + message;
    const auto is_named = [&](const std::string& cause) { return message.find(cause) != std::string::npos; };
    if (std::any_of(causes.begin(), causes.end(), is_named)) return "";
    return fmt::format("the error does not name \"{}\": {}", causes.front(), message);
  }

  /// Loads the log of the table, or of every table below.
  static std::string check_logs(const Expectation& expectation) {
    std::size_t table_count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(GetParam().folder)) {
      if (entry.path().filename() != "_delta_log") continue;
      ++table_count;
      auto store = store::LocalStore::create(entry.path().parent_path().string());
      const auto snapshot = delta::Snapshot::load(**store);
      if (!snapshot) return "error: " + snapshot.error().message();
      if (expectation.version && (*snapshot)->version() != delta::Version(*expectation.version)) {
        return fmt::format("the newest version is {}", (*snapshot)->version().value());
      }
      for (const delta::AddFile& file : (*snapshot)->files()) {
        if (const auto path = delta::resolve_path(file.path); !path) return "error: " + path.error().message();
      }
    }
    return table_count == 0 ? "there is no log" : "";
  }

  RowComparison rows_;
};

TEST_P(GoldenRowsTest, EveryListedVersionIsAsItsWriterSays) {
  const auto expectations = expectations_of(GetParam());
  ASSERT_FALSE(expectations.empty()) << "nothing says what is in the table";
  std::string failures;
  std::string skipped;
  bool has_skips = false;
  for (const Expectation& expectation : expectations) {
    const std::string failure = check(expectation);
    const bool skips = is_skipped(GetParam(), expectation.version);
    has_skips = has_skips || skips;
    if (!failure.empty()) (skips ? skipped : failures) += fmt::format("\n  at {}: {}", expectation.at(), failure);
  }
  EXPECT_EQ(failures, "");
  if (!has_skips) return;
  ASSERT_NE(skipped, "") << "docs/delta-support.md says that this table is skipped, but it is right";
  GTEST_SKIP() << "named in docs/delta-support.md:" << skipped;
}

std::string test_name(const testing::TestParamInfo<Table>& table) { return table.param.test_name(); }

INSTANTIATE_TEST_SUITE_P(All, GoldenRowsTest, testing::ValuesIn(all_tables()), test_name);

TEST(GoldenTablesTest, SkippedTablesExist) {
  const auto tables = all_tables();
  for (const Skip& skip : all_skips()) {
    const auto is_it = [&](const Table& table) { return table.id() == skip.table; };
    EXPECT_TRUE(std::any_of(tables.begin(), tables.end(), is_it)) << skip.table;
  }
}

}  // namespace
}  // namespace sluice::golden
