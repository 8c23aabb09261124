#include "cli/progress_line.h"

#include <sstream>

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using runtime::Progress;

TEST(ProgressLineTest, SaysWhatIsGoingOn) {
  EXPECT_EQ(to_text({Epoch(3), Progress::Step::Reading, "events", 14336, 2}),
            "epoch 3: reading 2 files into events, 14,336 rows");
  EXPECT_EQ(to_text({Epoch(3), Progress::Step::Reading, "events", 1234567, 1}),
            "epoch 3: reading 1 file into events, 1,234,567 rows");
  EXPECT_EQ(to_text({Epoch(3), Progress::Step::Computing, "totals", 4, 7}), "epoch 3: computing totals (4 of 7)");
  EXPECT_EQ(to_text({Epoch(3), Progress::Step::Committing, "", 0, 7}), "epoch 3: committing table 1 of 7");
}

TEST(ProgressLineTest, SaysNothingOfAShortEpochAndNotTooMuchOfALongOne) {
  std::ostringstream out;
  ManualClock clock{UnixMillis(std::chrono::milliseconds(0))};
  ProgressLine line(out, clock, 80);
  const Progress progress{Epoch(1), Progress::Step::Computing, "a", 1, 1};
  line.show(progress);
  clock.advance(ProgressLine::kPatience - std::chrono::milliseconds(1));
  line.show(progress);
  line.clear();
  EXPECT_EQ(out.str(), "");

  line.show(progress);
  clock.advance(ProgressLine::kPatience);
  for (int i = 0; i < 10; ++i) line.show(progress);
  EXPECT_EQ(out.str(), "\r\033[Kepoch 1: computing a (1 of 1)");
  clock.advance(ProgressLine::kInterval);
  line.show(progress);
  line.clear();
  line.clear();
  EXPECT_EQ(out.str(), "\r\033[Kepoch 1: computing a (1 of 1)\r\033[Kepoch 1: computing a (1 of 1)\r\033[K");
}

TEST(ProgressLineTest, StaysWithinTheTerminalAndIsSilentWithoutOne) {
  std::ostringstream out;
  ManualClock clock{UnixMillis(std::chrono::milliseconds(0))};
  const Progress progress{Epoch(1), Progress::Step::Computing, "größe", 1, 1};
  ProgressLine narrow(out, clock, 23);
  narrow.show(progress);
  clock.advance(ProgressLine::kPatience);
  narrow.show(progress);
  EXPECT_EQ(out.str(), "\r\033[Kepoch 1: computing gr");
  std::ostringstream nothing;
  ProgressLine none(nothing, clock, 0);
  none.show(progress);
  clock.advance(ProgressLine::kPatience);
  none.show(progress);
  EXPECT_EQ(nothing.str(), "");
}

}  // namespace
}  // namespace sluice::cli
