#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

int code_of(ErrorCode code) { return static_cast<int>(exit_code_of(Error(code, "x"))); }

TEST(ExitCodeTest, MistakesOfTheProjectAreUsage) {
  EXPECT_EQ(code_of(ErrorCode::InvalidArgument), 2);
  EXPECT_EQ(code_of(ErrorCode::NotFound), 2);
  EXPECT_EQ(code_of(ErrorCode::AlreadyExists), 2);
  EXPECT_EQ(code_of(ErrorCode::Unsupported), 2);
}

TEST(ExitCodeTest, WhatCannotBeReachedOrWrittenIsThree) {
  EXPECT_EQ(code_of(ErrorCode::Unavailable), 3);
  EXPECT_EQ(code_of(ErrorCode::PermissionDenied), 3);
  EXPECT_EQ(code_of(ErrorCode::ResourceExhausted), 3);
}

TEST(ExitCodeTest, AnotherWriterIsFour) {
  EXPECT_EQ(code_of(ErrorCode::Conflict), 4);
  EXPECT_EQ(code_of(ErrorCode::Fenced), 4);
}

TEST(ExitCodeTest, TheOthersHaveTheirOwn) {
  EXPECT_EQ(code_of(ErrorCode::DataError), 1);
  EXPECT_EQ(code_of(ErrorCode::Corruption), 5);
  EXPECT_EQ(code_of(ErrorCode::Internal), 70);
  EXPECT_EQ(code_of(ErrorCode::Cancelled), 130);
}

}  // namespace
}  // namespace sluice::cli
