#include "cli/epoch_summary.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

constexpr std::chrono::milliseconds kTook{12};

runtime::EpochReport report() {
  runtime::EpochReport report;
  report.epoch = Epoch(3);
  report.files_read["events"] = {"landing/a.jsonl", "landing/b.jsonl"};
  report.datasets = {{"events", runtime::RefreshKind::Append, 5, 0, 2, true},
                     {"total", runtime::RefreshKind::Maintain, 0, 0, 1, false}};
  report.dead_letters = 1;
  return report;
}

TEST(EpochSummaryTest, APersonGetsLines) {
  EXPECT_EQ(to_text(report(), kTook),
            "epoch 3 in 12 ms\n"
            "  read 2 files into events: landing/a.jsonl, landing/b.jsonl\n"
            "  events   updated    +5 -0 rows  version 2\n"
            "  total    unchanged  +0 -0 rows  version 1\n"
            "  1 line could not be read: see sluice.dead_letters\n");
}

TEST(EpochSummaryTest, AProgramGetsOneObjectOnOneLine) {
  EXPECT_EQ(to_json(report(), kTook),
            R"({"epoch":3,"recovered":false,"duration_ms":12,)"
            R"("files_read":{"events":["landing/a.jsonl","landing/b.jsonl"]},)"
            R"("datasets":[{"name":"events","outcome":"updated","rows_added":5,"rows_removed":0,"version":2},)"
            R"({"name":"total","outcome":"unchanged","rows_added":0,"rows_removed":0,"version":1}],)"
            R"("dead_letters":1,"row_errors":0,"violations":0})"
            "\n");
}

TEST(EpochSummaryTest, TheLogTellsOfWhatChangedAndOfAllIfAsked) {
  ManualClock clock{UnixMillis(std::chrono::milliseconds(0))};
  const auto logged = [&](LogLevel level) {
    Logger log(clock, level, LogFormat::Text);
    testing::internal::CaptureStderr();
    log_epoch(log, report(), kTook);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(logged(LogLevel::Warn), "");
  const std::string changes =
      "1970-01-01T00:00:00.000Z info  run: table updated epoch=3 table=events rows_added=5 rows_removed=0 version=2\n";
  const std::string epoch =
      "1970-01-01T00:00:00.000Z info  run: epoch committed epoch=3 duration_ms=12 files=2 rows_added=5 rows_removed=0 "
      "dead_letters=1 row_errors=0 violations=0\n";
  EXPECT_EQ(logged(LogLevel::Info), changes + epoch);
  EXPECT_EQ(logged(LogLevel::Debug),
            "1970-01-01T00:00:00.000Z debug run: file taken epoch=3 dataset=events path=landing/a.jsonl\n"
            "1970-01-01T00:00:00.000Z debug run: file taken epoch=3 dataset=events path=landing/b.jsonl\n" +
                changes +
                "1970-01-01T00:00:00.000Z debug run: table unchanged epoch=3 table=total rows_added=0 rows_removed=0 "
                "version=1\n" +
                epoch);
}

}  // namespace
}  // namespace sluice::cli
