#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fail_points.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/strong_int.h"

namespace sluice {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::InvalidArgument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  SLUICE_TRY_ASSIGN(const int once, half(value));
  return half(once);
}

TEST(ResultTest, PassesTheFirstErrorOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

TEST(ErrorTest, ShowsPlaceCaretAndHelp) {
  const Error error = Error(ErrorCode::InvalidArgument, "column \"amout\" not found")
                          .with_number(1042)
                          .with_help("did you mean amount?")
                          .at({"a.sql", 3, 8, 5, "SELECT amout FROM t"});
  EXPECT_EQ(render(error),
            "error[SLU1042]: column \"amout\" not found\n"
            "  --> a.sql:3:8\n"
            "   |\n"
            " 3 | SELECT amout FROM t\n"
            "   |        ^^^^^\n"
            "  help: did you mean amount?\n");
}

TEST(ErrorTest, NearNamesComeNearestFirstAndNeverFarOnes) {
  EXPECT_EQ(near_names("amout", {"amounts", "amount", "bidder", "about"}),
            (std::vector<std::string>{"about", "amount", "amounts"}));
}

TEST(JsonQuoteTest, EscapesControlsAndReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_quote("a\"b\\\n\x01"), "\"a\\\"b\\\\\\n\\u0001\"");
  EXPECT_EQ(json_quote("\xff\xc3\xa9"), "\"\xEF\xBF\xBD\xc3\xa9\"");
}

TEST(IsoTimeTest, KeepsMilliseconds) {
  EXPECT_EQ(iso_time(UnixMillis(std::chrono::milliseconds(1517968154007))), "2018-02-07T01:49:14.007Z");
}

TEST(RandomTest, SeededSequencesRepeatAndUuidsHaveTheVersion) {
  SeededRandom first(7);
  SeededRandom second(7);
  const std::string uuid = first.uuid();
  EXPECT_EQ(uuid, second.uuid());
  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid[14], '4');
}

TEST(FailPointsTest, FailsAtTheNthPassOnly) {
  FailPoints points;
  ASSERT_TRUE(points.arm("C3=fail@2"));
  EXPECT_TRUE(points.hit("C3"));
  EXPECT_FALSE(points.hit("C3"));
  EXPECT_TRUE(points.hit("C3"));
  EXPECT_TRUE(points.hit("C4"));
}

TEST(FailPointsTest, StopsUntilItIsContinued) {
  const pid_t child = fork();
  if (child == 0) {
    FailPoints points;
    const bool passed = points.arm("C3=stop").has_value() && points.hit("C3").has_value();
    _exit(passed ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  EXPECT_TRUE(WIFSTOPPED(status));
  kill(child, SIGCONT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(FailPointsTest, RefusesWhatItDoesNotUnderstand) {
  FailPoints points;
  EXPECT_FALSE(points.arm("C3"));
  EXPECT_FALSE(points.arm("C3=explode"));
  EXPECT_FALSE(points.arm("C3=kill@0"));
}

TEST(HashTest, IsTheStableXxh3) {
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2ULL);
  EXPECT_EQ(hash128("").hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(StrongIntTest, CountsOn) { EXPECT_EQ(Epoch(4).next(), Epoch(5)); }

TEST(ManualClockTest, SleepingMovesTime) {
  ManualClock clock{UnixMillis(std::chrono::milliseconds(10))};
  EXPECT_TRUE(clock.sleep(std::chrono::milliseconds(5), {}));
  EXPECT_EQ(clock.now().time_since_epoch().count(), 15);
}

}  // namespace
}  // namespace sluice
