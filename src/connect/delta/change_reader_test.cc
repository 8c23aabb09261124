#include "connect/delta/change_reader.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "delta/delta_schema.h"

namespace sluice::connect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = delta::ChangeFile::Kind;
using Bag = std::map<std::int64_t, std::int64_t>;

/// A table with one column of numbers, whose files are in memory.
class ChangeReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    delta::Metadata metadata;
    metadata.id = "a table";
    metadata.schema_string = delta::write_schema(
        delta::DataType::structure({{"n", delta::DataType::primitive(delta::DataType::Kind::Long), true, {}}}));
    const std::vector<delta::Action> actions = {delta::Protocol(), metadata};
    auto table = delta::Snapshot::preview(nullptr, actions);
    ASSERT_TRUE(table) << table.error().message();
    table_ = std::move(*table);
  }

  /// Adds a file to the last commit.
  void file(Kind kind, std::vector<std::int64_t> rows) {
    const std::string path = std::to_string(files_.size());
    files_[path] = std::move(rows);
    commits_.back().files.push_back({kind, path, {}, std::nullopt, std::nullopt});
  }
  void next_commit() { commits_.push_back({delta::Version(static_cast<std::int64_t>(commits_.size())), {}, {}}); }

  /// Returns the changes as they come: each row's number and weight.
  std::vector<std::pair<std::int64_t, std::int64_t>> read(std::uint64_t memory_bytes_max = 1 << 20) {
    ChangeReader reader([this](const auto&, const std::vector<delta::ChangeFile>& files,
                               const ChangedRowSink& sink) { return scan(files, sink); },
                        memory_bytes_max);
    std::vector<std::pair<std::int64_t, std::int64_t>> changes;
    status_ = reader.read({table_, table_, commits_, std::nullopt}, [&](columnar::ChangeBatch& batch) -> Status {
      for (std::size_t row = 0; row < batch.size(); ++row) {
        changes.emplace_back(batch.rows().GetValue(0, row).GetValue<std::int64_t>(), batch.weight(row));
      }
      return sink_status_;
    });
    return changes;
  }

  Status scan(const std::vector<delta::ChangeFile>& files, const ChangedRowSink& sink) {
    ++scan_count_;
    for (const delta::ChangeFile& file : files) {
      const auto& rows = files_.at(file.path);
      for (std::size_t first = 0; first < rows.size(); first += columnar::ChangeBatch::kBatchRowsMax) {
        duckdb::DataChunk chunk;
        chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {duckdb::LogicalType::BIGINT});
        const std::size_t count = std::min(rows.size() - first, columnar::ChangeBatch::kBatchRowsMax);
        for (std::size_t i = 0; i < count; ++i) chunk.SetValue(0, i, duckdb::Value::BIGINT(rows[first + i]));
        chunk.SetCardinality(count);
        columnar::ChangeBatch batch(std::move(chunk));
        if (file.kind == Kind::Delete) batch.set_weights(std::vector<std::int64_t>(count, -1));
        SLUICE_TRY(sink(batch));
      }
    }
    return ok();
  }

  static Bag bag_of(const std::vector<std::pair<std::int64_t, std::int64_t>>& changes) {
    Bag bag;
    for (const auto& [row, weight] : changes) {
      if ((bag[row] += weight) == 0) bag.erase(row);
    }
    return bag;
  }

  std::shared_ptr<const delta::Snapshot> table_;
  std::map<std::string, std::vector<std::int64_t>> files_;
  std::vector<delta::CommitChanges> commits_ = {{delta::Version(0), {}, {}}};
  Status sink_status_ = ok();
  Status status_ = ok();
  int scan_count_ = 0;
};

TEST_F(ChangeReaderTest, RowsOfFilesThatOnlyCameOrOnlyWentPassAsTheyAre) {
  file(Kind::Insert, {1, 1, 2});
  next_commit();
  file(Kind::Delete, {1});
  EXPECT_THAT(read(), ElementsAre(std::pair(1, 1), std::pair(1, 1), std::pair(2, 1), std::pair(1, -1)));
  EXPECT_EQ(scan_count_, 2) << "once each";
}

TEST_F(ChangeReaderTest, RowsThatACommitRewroteAreNoChange) {
  file(Kind::Delete, {1, 2, 2, 3});
  file(Kind::Insert, {2, 4, 1});
  EXPECT_THAT(read(), ElementsAre(std::pair(4, 1), std::pair(2, -1), std::pair(3, -1)));
}

TEST_F(ChangeReaderTest, ARewriteThatChangesNothingGivesNothing) {
  file(Kind::Delete, {1, 2});
  file(Kind::Delete, {3});
  file(Kind::Insert, {3, 2, 1});
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(ChangeReaderTest, WhatDoesNotFitIntoMemoryIsReadInPasses) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same rows each time
  Bag expected;
  for (const Kind kind : {Kind::Delete, Kind::Insert, Kind::Delete, Kind::Insert}) {
    std::vector<std::int64_t> rows;
    for (int i = 0; i < 20000; ++i) rows.push_back(static_cast<std::int64_t>(random() % 30000));
    for (const std::int64_t row : rows) {
      if ((expected[row] += kind == Kind::Delete ? -1 : 1) == 0) expected.erase(row);
    }
    file(kind, std::move(rows));
  }
  const auto whole = read(std::uint64_t{1} << 30);
  EXPECT_EQ(scan_count_, 2);
  EXPECT_EQ(bag_of(whole), expected);
  scan_count_ = 0;
  const auto parts = read(std::uint64_t{256} << 10);
  EXPECT_GE(scan_count_, 16);
  EXPECT_EQ(bag_of(parts), expected);
  std::uint64_t copies = 0;
  for (const auto& [row, weight] : parts) copies += static_cast<std::uint64_t>(std::abs(weight));
  for (const auto& [row, weight] : expected) copies -= static_cast<std::uint64_t>(std::abs(weight));
  EXPECT_EQ(copies, 0u) << "no row comes and goes";
}

TEST_F(ChangeReaderTest, ALimitThatNoRowFitsIntoStillEnds) {
  file(Kind::Delete, {1, 2, 3, 3});
  file(Kind::Insert, {3, 4});
  EXPECT_EQ(bag_of(read(/*memory_bytes_max=*/0)), (Bag{{1, -1}, {2, -1}, {3, -1}, {4, 1}}));
  EXPECT_TRUE(status_);
}

TEST_F(ChangeReaderTest, AnErrorOfTheSinkEndsTheRead) {
  sink_status_ = Error(ErrorCode::Unavailable, "full");
  file(Kind::Delete, {1});
  file(Kind::Insert, {2});
  EXPECT_EQ(read().size(), 1u);
  EXPECT_EQ(status_.error().message(), "full");
}

}  // namespace
}  // namespace sluice::connect
