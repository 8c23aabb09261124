// Reads how the rows of golden tables changed from version to version, and finds that rows before and changes together
// are the rows after.

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "columnar/guard.h"
#include "columnar/row_codec.h"
#include "connect/delta/change_reader.h"
#include "delta/duckdb_schema.h"
#include "delta/snapshot.h"
#include "delta/table_difference.h"
#include "lake/lake.h"
#include "state/multiset.h"
#include "store/local_store.h"
#include "tests/golden/golden_table.h"

namespace sluice::golden {
namespace {

using SnapshotPointer = std::shared_ptr<const delta::Snapshot>;

class GoldenDifferenceTest : public testing::TestWithParam<Table> {
 protected:
  void SetUp() override {
    lake_ = std::move(*lake::Lake::create({}));
    auto store = store::LocalStore::create(GetParam().delta().string());
    ASSERT_TRUE(store);
    store_ = std::move(*store);
  }

  /// Returns the versions that can be loaded, up to the newest.
  std::vector<SnapshotPointer> versions() {
    std::vector<SnapshotPointer> all;
    auto newest = delta::Snapshot::load(*store_);
    if (!newest || !*newest) return all;
    for (delta::Version version(0); version < (*newest)->version(); version = version.next()) {
      auto snapshot = delta::Snapshot::load(*store_, version);
      if (snapshot) all.push_back(std::move(*snapshot));
    }
    all.push_back(std::move(*newest));
    return all;
  }

  /// Adds the rows of files to the bag.
  Status add(const SnapshotPointer& columns, const std::vector<delta::ChangeFile>& files, state::Multiset& bag) {
    return lake_->scan_changed_rows({columns, store_}, files, {},
                                    [&](auto& batch) { return add(columns, batch, bag); });
  }
  Status add(const SnapshotPointer& columns, columnar::ChangeBatch& batch, state::Multiset& bag) {
    SLUICE_TRY_ASSIGN(const auto codec, columnar::RowCodec::create(delta::columnar_schema(columns->schema()).types()));
    return columnar::guard([&] {
      columnar::EncodedRows rows;
      codec.encode(batch.rows(), {}, rows);
      bag.add(rows, batch.weights());
    });
  }

  static std::vector<delta::ChangeFile> live_files(const delta::Snapshot& snapshot) {
    std::vector<delta::ChangeFile> files;
    for (const delta::AddFile& file : snapshot.files()) {
      files.push_back(
          {delta::ChangeFile::Kind::Insert, file.path, file.partition_values, std::nullopt, file.deletion_vector});
    }
    return files;
  }

  /// Returns by how many rows the difference is wrong, as text; "" if it is right or there is nothing to read.
  std::string check(const SnapshotPointer& before, const SnapshotPointer& after, delta::FeedUse feed) {
    auto difference = delta::load_difference(*store_, before, after, feed);
    if (!difference) {
      return difference.error().number() == 4210 ? "" : "no difference: " + difference.error().message();
    }
    state::Multiset bag;
    if (!add(after, live_files(*before), bag)) return "";  // of old versions the files may be gone
    state::Multiset rows_after;
    if (!add(after, live_files(*after), rows_after)) return "";
    connect::ChangeReader reader([&](const auto& columns, const auto& files, const auto& sink) {
      return lake_->scan_changed_rows({columns, store_}, files, {}, sink);
    });
    const Status read = reader.read(*difference, [&](auto& batch) { return add(after, batch, bag); });
    // Rows of the first version were left out above if they cannot be read as those of the last; so may be others.
    if (!read && difference->column_change) return "";
    if (!read) return "error: " + read.error().message();
    ++checked_;
    const state::Multiset wrong = state::difference(bag, rows_after);
    return wrong.empty() ? "" : fmt::format("{} rows are wrong", wrong.size());
  }

  std::unique_ptr<lake::Lake> lake_;
  std::shared_ptr<store::ObjectStore> store_;
  int checked_ = 0;
};

TEST_P(GoldenDifferenceTest, IsWhatTheLaterVersionHasMoreAndLess) {
  const auto all = versions();
  for (std::size_t i = 1; i < all.size(); ++i) {
    for (const auto feed : {delta::FeedUse::Prefer, delta::FeedUse::Ignore}) {
      EXPECT_EQ(check(all[i - 1], all[i], feed), "")
          << "from " << all[i - 1]->version().value() << " to " << all[i]->version().value();
    }
    EXPECT_EQ(check(all.front(), all[i], delta::FeedUse::Prefer), "")
        << "from " << all.front()->version().value() << " to " << all[i]->version().value();
  }
  RecordProperty("differences", checked_);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenDifferenceTest, testing::ValuesIn(all_tables()),
                         [](const auto& parameter) { return parameter.param.test_name(); });

}  // namespace
}  // namespace sluice::golden
