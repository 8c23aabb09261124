#include "cli/json_text.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(JsonTextTest, AnErrorHasItsCodeAndPlace) {
  const Error error = Error(ErrorCode::InvalidArgument, "column \"a\" not found")
                          .with_number(142)
                          .with_help("did you mean b?")
                          .at({"sql/t.sql", 3, 8, 1, "SELECT a"});
  EXPECT_EQ(to_json(error), R"({"code":"SLU0142","message":"column \"a\" not found","help":"did you mean b?",)"
                            R"("file":"sql/t.sql","line":3,"column":8})");
}

TEST(JsonTextTest, WhatAnErrorLacksIsNullEmptyOrAbsent) {
  EXPECT_EQ(to_json(Error(ErrorCode::Internal, "x")), R"({"code":null,"message":"x","help":""})");
}

TEST(JsonTextTest, TextsAreAList) {
  EXPECT_EQ(json_texts({}), "[]");
  EXPECT_EQ(json_texts({"a", "\"b\""}), R"(["a","\"b\""])");
}

}  // namespace
}  // namespace sluice::cli
