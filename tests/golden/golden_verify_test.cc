// `sluice verify` says nothing of tables that others wrote well, and names what is wrong with the others.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/statistics_check.h"
#include "delta/verify.h"
#include "lake/lake.h"
#include "store/local_store.h"
#include "tests/golden/golden_table.h"

namespace sluice::golden {
namespace {

/// What must be found in a table; every other one is well. Of those whose group is `golden` many are logs without files.
const std::map<std::string, std::string> kFaults = {
    {"spark/corrupt_checkpoint", "4.checkpoint.parquet"},
    {"spark/corrupt_checkpoint_no_hint", "4.checkpoint.parquet"},
    {"spark/crc_files", "2.crc does not say numFiles 2"},
    {"spark/duplicate_add", "2.json adds part-00000-21417b78"},
    {"spark/empty_checkpoint", "4.checkpoint.parquet"},
    {"spark/err_corrupt_checkpoint_no_commits", "4.checkpoint.parquet"},
    {"spark/err_gap", "the commit of version 2 is missing"},
    {"spark/err_garbled_dv", "the deletion vector of part-00000-dbc89054"},
    {"spark/err_missing_data_file", "the data file part-00000-45a54ab0"},
    {"spark/err_missing_dv", "the deletion vector of part-00000-8d63f8e1"},
    {"spark/err_missing_sidecar", "_sidecars/"},
    {"spark/err_no_metadata", "no metaData action"},
    {"spark/err_no_protocol", "no protocol action"},
    {"spark/err_no_version_zero", "version 0 is missing"},
    {"spark/err_reader_version", "reader version 99"},
    {"spark/err_truncated_commit", "4.json, line 2"},
    {"spark/err_unknown_reader_feature", "fancyFutureRead"},
    {"spark/gap_before_checkpoint", "the commit of version 1 is missing"},
};

/// What the rows say against the statistics.
std::vector<std::string> false_statistics(const Table& table) {
  std::shared_ptr<store::ObjectStore> store = std::move(*store::LocalStore::create(table.delta().string()));
  const auto snapshot = *delta::Snapshot::load(*store);
  if (snapshot->schema().fields.empty()) return {};
  const auto lake = std::move(*lake::Lake::create({}));
  delta::StatisticsCheck check(snapshot);
  const Status read = lake->scan_table({snapshot, store}, [&](auto& rows, const auto& file, auto) {
    check.add(rows, file);
    return ok();
  });
  EXPECT_TRUE(read) << read.error().message();
  return std::move(check).finish();
}

TEST(GoldenVerifyTest, StatisticsOfAllWritersAreTrue) {
  for (const Table& table : all_tables()) {
    if (table.group == "golden" || kFaults.contains(table.id())) continue;
    SCOPED_TRACE(table.id());
    EXPECT_THAT(false_statistics(table), testing::IsEmpty());
  }
}

TEST(GoldenVerifyTest, FindsTheFaultsOfTablesAndNoOthers) {
  std::size_t fault_count = 0;
  for (const Table& table : all_tables()) {
    if (table.group == "golden") continue;
    SCOPED_TRACE(table.id());
    auto store = store::LocalStore::create(table.delta().string());
    ASSERT_TRUE(store);
    const auto verified = delta::verify_table(**store);
    const auto fault = kFaults.find(table.id());
    if (!verified) {  // not known, which is no fault
      ASSERT_NE(fault, kFaults.end()) << verified.error().message();
      EXPECT_THAT(verified.error().message(), testing::HasSubstr(fault->second));
      ++fault_count;
      continue;
    }
    ASSERT_TRUE(*verified);
    if (fault == kFaults.end()) {
      EXPECT_THAT((*verified)->findings, testing::IsEmpty());
    } else {
      EXPECT_THAT((*verified)->findings, testing::Contains(testing::HasSubstr(fault->second)));
      ++fault_count;
    }
  }
  EXPECT_EQ(fault_count, kFaults.size());
}

}  // namespace
}  // namespace sluice::golden
