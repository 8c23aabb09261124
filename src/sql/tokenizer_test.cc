#include "sql/internal/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TokenizerTest : public ::testing::Test {
 protected:
  /// Tokenizes; the tokens borrow from the fixture.
  const Tokens& tokenize_text(std::string text) {
    files_ = {{"a.sql", std::move(text)}};
    source_.emplace(files_);
    tokens_ = tokenize(*source_, source_->file_span(0));
    return tokens_;
  }
  std::vector<std::string> texts(std::string text) {
    std::vector<std::string> out;
    for (const Token& token : tokenize_text(std::move(text)).tokens) {
      if (token.kind != TokenKind::End) out.emplace_back(token.text);
    }
    return out;
  }
  const Error& only_error(std::string text) {
    tokenize_text(std::move(text));
    EXPECT_EQ(tokens_.errors.size(), 1U);
    return tokens_.errors.front();
  }

  std::vector<SourceFile> files_;
  std::optional<SourceText> source_;
  Tokens tokens_;
};

TEST_F(TokenizerTest, WordsNumbersAndSymbolsAreSplit) {
  EXPECT_THAT(texts("SELECT a.b,1.5e-3+x=>2::INT FROM t;"),
              ElementsAre("SELECT", "a", ".", "b", ",", "1.5e-3", "+", "x", "=>", "2", "::", "INT", "FROM", "t", ";"));
  EXPECT_THAT(texts(".5 1_000 0xFF a->>'b' x<>y"),
              ElementsAre(".5", "1_000", "0xFF", "a", "->>", "'b'", "x", "<>", "y"));
}

TEST_F(TokenizerTest, CommentsAndBlanksAreNoTokens) {
  EXPECT_THAT(texts("a -- b ; c\n/* d /* nested */ e */ f\xC2\xA0g\xE3\x80\x80h"), ElementsAre("a", "f", "g", "h"));
  EXPECT_THAT(texts("\xEF\xBB\xBFSELECT 1"), ElementsAre("SELECT", "1"));
  EXPECT_THAT(texts("-- only a comment"), IsEmpty());
}

TEST_F(TokenizerTest, QuotesHoldAnything) {
  EXPECT_THAT(texts("'a;b--c' \"x;y\" $$ 'd' ; $$ $tag$ $$ $tag$ E'it\\'s' 'it''s'"),
              ElementsAre("'a;b--c'", "\"x;y\"", "$$ 'd' ; $$", "$tag$ $$ $tag$", "E'it\\'s'", "'it''s'"));
}

TEST_F(TokenizerTest, QuotedTextIsDecoded) {
  const auto& tokens = tokenize_text("'it''s' E'a\\nb\\'c' $x$it's$x$ \"say \"\"hi\"\"\" Plain").tokens;
  EXPECT_EQ(string_of(tokens[0]), "it's");
  EXPECT_EQ(string_of(tokens[1]), "a\nb'c");
  EXPECT_EQ(string_of(tokens[2]), "it's");
  EXPECT_EQ(name_of(tokens[3]), "say \"hi\"");
  EXPECT_EQ(name_of(tokens[4]), "Plain");
}

TEST_F(TokenizerTest, ParametersAreToldFromDollarQuotes) {
  const auto& tokens = tokenize_text("$1 $name ? $$x$$").tokens;
  EXPECT_EQ(tokens[0].kind, TokenKind::Parameter);
  EXPECT_EQ(tokens[1].kind, TokenKind::Parameter);
  EXPECT_EQ(tokens[2].kind, TokenKind::Parameter);
  EXPECT_EQ(tokens[3].kind, TokenKind::String);
}

TEST_F(TokenizerTest, WordsAreComparedWithoutRegardToCaseButNotQuotedNames) {
  const auto& tokens = tokenize_text("Stream \"STREAM\" streams").tokens;
  EXPECT_TRUE(tokens[0].is("STREAM"));
  EXPECT_FALSE(tokens[1].is("STREAM"));
  EXPECT_FALSE(tokens[2].is("STREAM"));
}

TEST_F(TokenizerTest, OffsetsCountBytes) {
  const auto& tokens = tokenize_text("'ä' b\n  c").tokens;
  EXPECT_EQ(tokens[1].span.offset, 5U);
  const SourceLocation location = source_->locate(tokens[2].span);
  EXPECT_EQ(location.line, 2U);
  EXPECT_EQ(location.column, 3U);
  EXPECT_EQ(location.text, "  c");
}

TEST_F(TokenizerTest, UnclosedTextIsReportedWhereItOpens) {
  const Error error = only_error("SELECT a,\n  'abc FROM t;\n");
  EXPECT_EQ(error.number(), 1002U);
  EXPECT_EQ(error.location()->line, 2U);
  EXPECT_EQ(error.location()->column, 3U);
  EXPECT_EQ(only_error("a /* b").location()->column, 3U);
  EXPECT_EQ(only_error("SELECT \"abc").location()->column, 8U);
  EXPECT_EQ(only_error("SELECT $x$ abc $y$").location()->column, 8U);
}

TEST_F(TokenizerTest, AForgottenQuoteIsFoundAtTheLineThatTheTextRunsOver) {
  // Three quotes on three lines: the odd one is in the first.
  const Error error = only_error("SELECT 'abc FROM t;\nSELECT 'x' FROM t;\n");
  EXPECT_EQ(error.location()->line, 1U);
  EXPECT_EQ(error.location()->column, 8U);
}

TEST_F(TokenizerTest, TextThatIsNotUtf8IsRefusedAtItsFirstBadByte) {
  const Error error = only_error("SELECT 'a\xFF'");
  EXPECT_EQ(error.number(), 1003U);
  EXPECT_EQ(error.location()->column, 10U);
  EXPECT_EQ(only_error(std::string("a\0b", 3)).number(), 1003U);
  EXPECT_EQ(only_error("\xC0\xAF").number(), 1003U);      // overlong
  EXPECT_EQ(only_error("\xED\xA0\x80").number(), 1003U);  // a surrogate
}

}  // namespace
}  // namespace sluice::sql
