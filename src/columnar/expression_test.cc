#include "columnar/expression.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using Kind = Expression::Kind;

Expression make(Kind kind, LogicalType type, std::vector<Expression> children, std::string name = "") {
  Expression expression;
  expression.kind = kind;
  expression.type = std::move(type);
  expression.children = std::move(children);
  expression.name = std::move(name);
  return expression;
}

Expression column(ColumnIndex index, LogicalType type) { return Expression::column_ref(index, std::move(type)); }
Expression text(const std::string& value) { return Expression::literal(Value(value)); }
Expression number(std::int32_t value) { return Expression::literal(Value::INTEGER(value)); }

/// Returns the bits that a value consists of, so that -0.0 and 0.0 differ.
std::string exact(const Value& value) { return encode(Expression::literal(value)); }

TEST(ExpressionTest, ReadsLikeSql) {
  const auto greater = make(Kind::Compare, LogicalType::BOOLEAN, {column(2, LogicalType::INTEGER), number(5)}, ">");
  EXPECT_EQ(to_string(greater), "(#2 > 5)");
  EXPECT_EQ(to_string(greater, {"a", "b", "price"}), "(price > 5)");

  const auto is_null = make(Kind::IsNull, LogicalType::BOOLEAN, {column(0, LogicalType::VARCHAR)});
  EXPECT_EQ(
      to_string(make(Kind::And, LogicalType::BOOLEAN, {greater, make(Kind::Not, LogicalType::BOOLEAN, {is_null})})),
      "((#2 > 5) AND (NOT (#0 IS NULL)))");
  EXPECT_EQ(to_string(make(Kind::Case, LogicalType::VARCHAR, {greater, text("high"), text("it's low")})),
            "CASE WHEN (#2 > 5) THEN 'high' ELSE 'it''s low' END");
  EXPECT_EQ(to_string(make(Kind::Function, LogicalType::INTEGER, {number(1), column(0, LogicalType::INTEGER)}, "+")),
            "(1 + #0)");
  EXPECT_EQ(to_string(make(Kind::Function, LogicalType::VARCHAR, {column(0, LogicalType::VARCHAR)}, "upper")),
            "upper(#0)");
  EXPECT_EQ(to_string(Expression::cast(column(0, LogicalType::VARCHAR), LogicalType::DECIMAL(10, 2))),
            "CAST(#0 AS DECIMAL(10,2))");
  EXPECT_EQ(to_string(make(Kind::In, LogicalType::BOOLEAN, {column(0, LogicalType::INTEGER), number(1), number(2)})),
            "(#0 IN (1, 2))");
  EXPECT_EQ(to_string(make(Kind::Compare, LogicalType::BOOLEAN, {number(1), number(2)}, "is_not_distinct")),
            "(1 IS NOT DISTINCT FROM 2)");
}

TEST(ExpressionTest, SurvivesBeingStored) {
  const auto member =
      LogicalType::STRUCT({{"say \"hi\"", LogicalType::INTEGER}, {"b", LogicalType::LIST(LogicalType::JSON())}});
  const std::vector<Expression> expressions = {
      column(3, member),
      make(Kind::Function, LogicalType::VARCHAR, {column(0, LogicalType::VARCHAR), text("\\ \" \n \x01 ä")}, "||"),
      make(Kind::TryCast, LogicalType::ARRAY(LogicalType::FLOAT, 3), {column(1, LogicalType::VARCHAR)}),
      make(Kind::Case, LogicalType::INTEGER, {Expression::literal(Value::BOOLEAN(true)), number(1), number(2)}),
      make(Kind::Compare, LogicalType::BOOLEAN, {number(1), number(2)}, "is_distinct"),
      make(Kind::Coalesce, LogicalType::MAP(LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ),
           {column(1, LogicalType::MAP(LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ))}),
  };
  for (const Expression& expression : expressions) {
    const auto decoded = decode_expression(encode(expression));
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, expression);
    EXPECT_EQ(decoded->type, expression.type);
    EXPECT_EQ(decoded->children.size(), expression.children.size());
    EXPECT_EQ(to_string(*decoded), to_string(expression));
  }
}

TEST(ExpressionTest, KeepsConstantsToTheLastBit) {
  duckdb::Vector names(LogicalType::VARCHAR, 2);
  names.SetValue(0, Value("b"));
  names.SetValue(1, Value("a"));
  const auto enumeration = LogicalType::ENUM(names, 2);
  const auto point = LogicalType::STRUCT({{"x", LogicalType::DOUBLE}, {"label", LogicalType::VARCHAR}});
  const std::vector<Value> values = {
      Value::BOOLEAN(false),
      Value::TINYINT(-128),
      Value::UBIGINT(std::numeric_limits<std::uint64_t>::max()),
      Value::BIGINT(std::numeric_limits<std::int64_t>::min()),
      Value::HUGEINT(duckdb::hugeint_t(-5, 17)),
      Value::UHUGEINT(duckdb::uhugeint_t(~std::uint64_t(0), 1)),
      Value::DOUBLE(0.1),
      Value::DOUBLE(-0.0),
      Value::DOUBLE(std::numeric_limits<double>::denorm_min()),
      Value::DOUBLE(std::numeric_limits<double>::infinity()),
      Value::DOUBLE(std::nan("")),
      Value::FLOAT(1.1F),
      Value::DECIMAL(std::int64_t(-12345), 18, 3),
      Value::DECIMAL(duckdb::hugeint_t(1, 2), 38, 10),
      Value::BLOB("\\x00\\xFFabc"),
      Value("plain"),
      Value("1e400").DefaultCastAs(LogicalType::VARCHAR),
      Value("2024-02-29").DefaultCastAs(LogicalType::DATE),
      Value("2024-02-29 12:00:00.000001").DefaultCastAs(LogicalType::TIMESTAMP),
      Value("2024-02-29 12:00:00+02").DefaultCastAs(LogicalType::TIMESTAMP_TZ),
      Value("12:00:00+01").DefaultCastAs(LogicalType::TIME_TZ),
      Value::INTERVAL(1, -2, 3),
      Value("550e8400-e29b-41d4-a716-446655440000").DefaultCastAs(LogicalType::UUID),
      Value("0101").DefaultCastAs(LogicalType::BIT),
      Value::ENUM(1, enumeration),
      Value(LogicalType::DECIMAL(4, 1)),
      Value::LIST(LogicalType::DOUBLE, {Value::DOUBLE(0.1), Value(LogicalType::DOUBLE)}),
      Value::LIST(LogicalType::INTEGER, duckdb::vector<Value>()),
      Value::STRUCT(point, {Value::DOUBLE(-0.0), Value("p")}),
      Value::ARRAY(LogicalType::INTEGER, {Value::INTEGER(1), Value::INTEGER(2)}),
      Value::MAP(LogicalType::VARCHAR, LogicalType::INTEGER, {Value("k")}, {Value::INTEGER(7)}),
  };
  for (const Value& value : values) {
    const auto decoded = decode_expression(encode(Expression::literal(value)));
    ASSERT_TRUE(decoded) << value.ToString() << ": " << decoded.error().message();
    EXPECT_EQ(decoded->constant.type(), value.type());
    EXPECT_EQ(decoded->constant.ToString(), value.ToString());
    EXPECT_EQ(exact(decoded->constant), exact(value));
  }
  EXPECT_NE(exact(Value::DOUBLE(0.0)), exact(Value::DOUBLE(-0.0)));
}

TEST(ExpressionTest, RefusesWhatItDidNotWrite) {
  const std::string good = encode(make(Kind::Not, LogicalType::BOOLEAN, {Expression::literal(Value::BOOLEAN(true))}));
  ASSERT_TRUE(decode_expression(good));
  std::vector<std::string> bad = {"",
                                  "{}",
                                  "[1]",
                                  "null",
                                  R"({"version":2,"expression":{}})",
                                  R"({"version":1,"expression":{"kind":"not","type":"BOOLEAN"}})",
                                  R"({"version":1,"expression":{"kind":"column","type":"BOOLEAN"}})",
                                  R"({"version":1,"expression":{"kind":"column","type":"NOSUCHTYPE","column":1}})",
                                  R"({"version":1,"expression":{"kind":"column","type":"DECIMAL","column":1}})",
                                  R"({"version":1,"expression":{"kind":"column","type":"UNBOUND","column":1}})",
                                  R"({"version":1,"expression":{"kind":"constant","type":"INTEGER","value":"x"}})",
                                  R"({"version":1,"expression":{"kind":"constant","type":"TINYINT","value":"300"}})",
                                  R"({"version":1,"expression":{"kind":"constant","type":{"list":"DATE"},"value":3}})"};
  for (std::size_t length = 0; length < good.size(); ++length) bad.push_back(good.substr(0, length));
  for (const std::string& text : bad) {
    const auto decoded = decode_expression(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code(), ErrorCode::Corruption) << text;
  }
}

}  // namespace
}  // namespace sluice::columnar
