#include "runtime/dead_letters.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

/// Keeps what is written, and gives it back as the table would.
class DeadLettersTest : public testing::Test {
 protected:
  DeadLetter letter(const std::string& dataset, std::int64_t line, std::string content = "{") {
    return {dataset, "landing/a.jsonl", line, line * 10, "SLU3001", "not JSON", std::move(content)};
  }

  void begin(std::int64_t epoch) { letters_.begin_epoch(Epoch(epoch)); }
  void add(const DeadLetter& letter) { ASSERT_TRUE(letters_.add(letter)); }

  std::size_t row_count() const {
    std::size_t count = 0;
    for (const auto& batch : table_) count += batch.size();
    return count;
  }

  std::vector<columnar::ChangeBatch> table_;
  std::size_t scans_ = 0;
  std::size_t largest_batch_ = 0;
  DeadLetters letters_{[this](columnar::ChangeBatch& rows) {
                         largest_batch_ = std::max(largest_batch_, rows.size());
                         table_.push_back(rows.copy());
                         return ok();
                       },
                       [this](const DeadLetters::BatchSink& sink) -> Status {
                         ++scans_;
                         for (columnar::ChangeBatch& batch : table_) SLUICE_TRY(sink(batch));
                         return ok();
                       }};
};

TEST_F(DeadLettersTest, LettersAreWrittenInTheirOrderWithTheirEpoch) {
  begin(4);
  add(letter("raw", 1));
  add(letter("raw", 7, "\xff"));
  ASSERT_TRUE(letters_.finish());
  EXPECT_EQ(letters_.count(), 2u);
  ASSERT_EQ(row_count(), 2u);
  const duckdb::DataChunk& rows = table_[0].rows();
  EXPECT_EQ(rows.GetValue(0, 0).ToString(), "4");
  EXPECT_EQ(rows.GetValue(1, 0).ToString(), "raw");
  EXPECT_EQ(rows.GetValue(3, 1).ToString(), "7");
  EXPECT_EQ(rows.GetValue(7, 1).ToString(), "\\xFF");
}

TEST_F(DeadLettersTest, NothingIsHeldBackBeyondABatch) {
  begin(1);
  for (std::int64_t line = 1; line <= 5000; ++line) add(letter("raw", line));
  EXPECT_GE(row_count(), 4096u);
  for (std::int64_t line = 1; line <= 3; ++line) add(letter("long", line, std::string(6 * 1024 * 1024, 'x')));
  EXPECT_GE(row_count(), 5002u);
  ASSERT_TRUE(letters_.finish());
  EXPECT_EQ(row_count(), 5003u);
  EXPECT_EQ(scans_, 0u);
}

TEST_F(DeadLettersTest, ADatasetThatReadsEverythingAgainAddsOnlyNewLetters) {
  begin(1);
  add(letter("raw", 1));
  add(letter("raw", 2, "\xff"));
  add(letter("other", 3));
  ASSERT_TRUE(letters_.finish());

  begin(2);
  letters_.computes_anew("raw");
  add(letter("raw", 1));
  add(letter("raw", 2, "\xff"));
  add(letter("raw", 3));
  add(letter("other", 3));
  ASSERT_TRUE(letters_.finish());
  EXPECT_EQ(letters_.count(), 2u);
  EXPECT_EQ(scans_, 1u);
  EXPECT_EQ(row_count(), 5u);

  begin(3);
  add(letter("raw", 1));
  EXPECT_EQ(letters_.count(), 1u);
  EXPECT_EQ(scans_, 1u);
}

}  // namespace
}  // namespace sluice::runtime
