#include "columnar/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/function/scalar_function.hpp>
#include <duckdb/parser/parsed_data/create_scalar_function_info.hpp>
#include <duckdb/planner/expression/list.hpp>

#include "columnar/guard.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using Kind = Expression::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Expression make(Kind kind, LogicalType type, std::vector<Expression> children, std::string name = "") {
  Expression expression;
  expression.kind = kind;
  expression.type = std::move(type);
  expression.children = std::move(children);
  expression.name = std::move(name);
  return expression;
}

Expression function(std::string name, LogicalType type, std::vector<Expression> children) {
  return make(Kind::Function, std::move(type), std::move(children), std::move(name));
}
Expression compare(std::string name, Expression left, Expression right) {
  return make(Kind::Compare, LogicalType::BOOLEAN, {std::move(left), std::move(right)}, std::move(name));
}
Expression column(ColumnIndex index, LogicalType type) { return Expression::column_ref(index, std::move(type)); }
Expression text(const std::string& value) { return Expression::literal(Value(value)); }
Expression number(std::int32_t value) { return Expression::literal(Value::INTEGER(value)); }

class KernelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto context = KernelContext::create();
    ASSERT_TRUE(context) << context.error().message();
    context_ = std::move(*context);
  }

  std::unique_ptr<Kernel> kernel(std::vector<Expression> expressions, RowType input) {
    auto made = Kernel::create(*context_, std::move(expressions), std::move(input));
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }

  static void fill(duckdb::DataChunk& rows, const RowType& types, const std::vector<std::vector<Value>>& values) {
    rows.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
    for (std::size_t r = 0; r < values.size(); ++r) {
      for (std::size_t c = 0; c < types.size(); ++c) rows.SetValue(c, r, values[r][c]);
    }
    rows.SetCardinality(values.size());
  }

  /// Evaluates one expression on one row, twice, and returns the value as text.
  std::string value_of(Expression expression, RowType types, std::vector<Value> row) {
    auto made = Kernel::create(*context_, {std::move(expression)}, types);
    if (!made) return "not bound: " + made.error().message();
    std::string answer;
    for (int round = 0; round < 2; ++round) {
      duckdb::DataChunk rows;
      fill(rows, types, {row});
      duckdb::DataChunk out;
      std::vector<std::uint32_t> kept;
      std::vector<RowError> errors;
      (*made)->evaluate(rows, out, kept, errors);
      answer = errors.empty() ? out.GetValue(0, 0).ToString() : "failed: " + errors[0].message;
    }
    return answer;
  }

  std::unique_ptr<KernelContext> context_;
};

/// Makes a function of the kernel's instance that fails as `Exception` says.
template <typename Exception>
void add_failing_function(duckdb::ClientContext& client, const std::string& name) {
  duckdb::ScalarFunction function(
      name, {LogicalType::INTEGER}, LogicalType::BOOLEAN,
      [](duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) { throw Exception("the kernel of a test"); });
  duckdb::CreateScalarFunctionInfo info(std::move(function));
  duckdb::Catalog::GetSystemCatalog(client).CreateFunction(client, info);
}

TEST_F(KernelTest, BlamesNoRowForWhatIsNotItsFault) {
  add_failing_function<duckdb::OutOfMemoryException>(context_->client(), "lacks_memory");
  add_failing_function<duckdb::IOException>(context_->client(), "lacks_a_disk");
  add_failing_function<duckdb::InvalidInputException>(context_->client(), "dislikes_rows");
  const RowType types = {LogicalType::INTEGER};
  const auto codes = [&](const char* name) {
    std::vector<std::string> seen;
    for (const bool evaluates : {true, false}) {
      auto failing = kernel({function(name, LogicalType::BOOLEAN, {column(0, types[0])})}, types);
      duckdb::DataChunk rows;
      fill(rows, types, {{Value::INTEGER(1)}, {Value::INTEGER(2)}});
      duckdb::DataChunk out;
      std::vector<std::uint32_t> kept;
      std::vector<RowError> errors;
      const Status status =
          guard([&] { evaluates ? failing->evaluate(rows, out, kept, errors) : failing->select(rows, kept, errors); });
      seen.push_back(status ? std::to_string(errors.size()) + " row errors"
                            : std::string(to_string(status.error().code())));
    }
    return seen;
  };
  EXPECT_THAT(codes("dislikes_rows"), ElementsAre("2 row errors", "2 row errors"));
  const std::string memory(to_string(ErrorCode::ResourceExhausted));
  EXPECT_THAT(codes("lacks_memory"), ElementsAre(memory, memory));
  const std::string disk(to_string(ErrorCode::Unavailable));
  EXPECT_THAT(codes("lacks_a_disk"), ElementsAre(disk, disk));
}

TEST_F(KernelTest, ComputesEachKindOfExpression) {
  const auto int_column = column(0, LogicalType::INTEGER);
  const RowType types = {LogicalType::INTEGER, LogicalType::VARCHAR};
  const std::vector<Value> row = {Value::INTEGER(7), Value("x")};
  const auto null_int = Expression::literal(Value(LogicalType::INTEGER));
  EXPECT_EQ(value_of(int_column, types, row), "7");
  EXPECT_EQ(value_of(function("+", LogicalType::INTEGER, {int_column, number(1)}), types, row), "8");
  EXPECT_EQ(value_of(Expression::cast(int_column, LogicalType::VARCHAR), types, row), "7");
  EXPECT_EQ(value_of(make(Kind::TryCast, LogicalType::INTEGER, {column(1, LogicalType::VARCHAR)}), types, row), "NULL");
  EXPECT_EQ(value_of(compare(">=", int_column, number(7)), types, row), "true");
  EXPECT_EQ(value_of(compare("is_distinct", int_column, null_int), types, row), "true");
  EXPECT_EQ(value_of(compare("=", int_column, null_int), types, row), "NULL");
  const auto yes = compare("=", int_column, number(7));
  const auto no = compare("<>", int_column, number(7));
  const auto unknown = compare("=", int_column, null_int);
  EXPECT_EQ(value_of(make(Kind::And, LogicalType::BOOLEAN, {yes, unknown}), types, row), "NULL");
  EXPECT_EQ(value_of(make(Kind::And, LogicalType::BOOLEAN, {yes, unknown, no}), types, row), "false");
  EXPECT_EQ(value_of(make(Kind::Or, LogicalType::BOOLEAN, {unknown, yes}), types, row), "true");
  EXPECT_EQ(value_of(make(Kind::Not, LogicalType::BOOLEAN, {no}), types, row), "true");
  EXPECT_EQ(value_of(make(Kind::IsNull, LogicalType::BOOLEAN, {null_int}), types, row), "true");
  EXPECT_EQ(value_of(make(Kind::IsNotNull, LogicalType::BOOLEAN, {int_column}), types, row), "true");
  EXPECT_EQ(value_of(make(Kind::In, LogicalType::BOOLEAN, {int_column, number(1), number(7)}), types, row), "true");
  EXPECT_EQ(value_of(make(Kind::NotIn, LogicalType::BOOLEAN, {int_column, number(1), null_int}), types, row), "NULL");
  EXPECT_EQ(value_of(make(Kind::Coalesce, LogicalType::INTEGER, {null_int, int_column}), types, row), "7");
  EXPECT_EQ(
      value_of(make(Kind::Case, LogicalType::VARCHAR, {no, text("no"), yes, text("yes"), text("else")}), types, row),
      "yes");
  EXPECT_EQ(value_of(make(Kind::Try, LogicalType::INTEGER,
                          {Expression::cast(column(1, LogicalType::VARCHAR), LogicalType::INTEGER)}),
                     types, row),
            "NULL");
}

TEST_F(KernelTest, BindsFunctionsThatKeepBindData) {
  const RowType types = {LogicalType::TIMESTAMP, LogicalType::VARCHAR, LogicalType::BIGINT};
  const std::vector<Value> row = {Value("2024-02-29 13:45:06.789").DefaultCastAs(LogicalType::TIMESTAMP), Value("ab12"),
                                  Value::BIGINT(1709214306789)};
  const auto ts = column(0, types[0]);
  const auto name = column(1, types[1]);
  const auto millis = column(2, types[2]);
  EXPECT_EQ(value_of(function("strftime", LogicalType::VARCHAR, {ts, text("%Y/%m")}), types, row), "2024/02");
  EXPECT_EQ(value_of(function("regexp_matches", LogicalType::BOOLEAN, {name, text("^[a-z]+\\d+$")}), types, row),
            "true");
  EXPECT_EQ(
      value_of(function("regexp_extract", LogicalType::VARCHAR, {name, text("([a-z]+)(\\d+)"), number(2)}), types, row),
      "12");
  EXPECT_EQ(value_of(function("date_trunc", LogicalType::TIMESTAMP, {text("hour"), ts}), types, row),
            "2024-02-29 13:00:00");
  EXPECT_EQ(value_of(function("date_part", LogicalType::BIGINT, {text("minute"), ts}), types, row), "45");
  EXPECT_EQ(value_of(function("concat", LogicalType::VARCHAR, {name, text("-"), millis}), types, row),
            "ab12-1709214306789");
  EXPECT_EQ(value_of(function("||", LogicalType::VARCHAR, {name, text("!")}), types, row), "ab12!");
  EXPECT_EQ(value_of(function("epoch_ms", LogicalType::BIGINT, {ts}), types, row), "1709214306789");
  EXPECT_EQ(value_of(function("make_timestamp", LogicalType::TIMESTAMP, {millis}), types, row),
            "1970-01-20 18:46:54.306789");
  EXPECT_EQ(value_of(function("epoch_ms", LogicalType::TIMESTAMP, {millis}), types, row), "2024-02-29 13:45:06.789");
  EXPECT_EQ(value_of(function("to_timestamp", LogicalType::TIMESTAMP_TZ,
                              {Expression::cast(function("//", LogicalType::BIGINT,
                                                         {millis, Expression::literal(Value::BIGINT(1000))}),
                                                LogicalType::DOUBLE)}),
                     types, row),
            "2024-02-29 13:45:06+00");
  EXPECT_EQ(value_of(function("strptime", LogicalType::TIMESTAMP, {text("29.02.2024"), text("%d.%m.%Y")}), types, row),
            "2024-02-29 00:00:00");
}

TEST_F(KernelTest, ReachesIntoNestedValuesAndJson) {
  const auto point = LogicalType::STRUCT({{"x", LogicalType::INTEGER}, {"y", LogicalType::VARCHAR}});
  const auto list = LogicalType::LIST(LogicalType::DOUBLE);
  const RowType types = {point, list, LogicalType::JSON()};
  const std::vector<Value> row = {
      Value::STRUCT(point, {Value::INTEGER(3), Value("why")}),
      Value::LIST(LogicalType::DOUBLE, {Value::DOUBLE(1.5), Value::DOUBLE(2.5), Value::DOUBLE(3.5)}),
      Value(R"({"a":{"b":[10,20]},"s":"t"})")};
  EXPECT_EQ(value_of(function("struct_extract", LogicalType::VARCHAR, {column(0, point), text("y")}), types, row),
            "why");
  EXPECT_EQ(
      value_of(function("list_extract", LogicalType::DOUBLE, {column(1, list), Expression::literal(Value::BIGINT(2))}),
               types, row),
      "2.5");
  EXPECT_EQ(value_of(function("array_slice", list,
                              {column(1, list), Expression::literal(Value::BIGINT(2)),
                               Expression::literal(Value::BIGINT(3))}),
                     types, row),
            "[2.5, 3.5]");
  EXPECT_EQ(value_of(function("json_extract", LogicalType::JSON(), {column(2, LogicalType::JSON()), text("$.a.b[1]")}),
                     types, row),
            "20");
  EXPECT_EQ(value_of(function("->>", LogicalType::VARCHAR, {column(2, LogicalType::JSON()), text("$.s")}), types, row),
            "t");
  EXPECT_EQ(value_of(function("struct_pack", LogicalType::STRUCT({{"p", point}, {"n", LogicalType::BIGINT}}),
                              {column(0, point), function("len", LogicalType::BIGINT, {column(1, list)})}),
                     types, row),
            "{'p': {'x': 3, 'y': why}, 'n': 3}");
}

TEST_F(KernelTest, KeepsDecimalAndHugeArithmeticAsItWasBound) {
  // As DuckDB binds a * b for DECIMAL(10,2): both arguments widened to the width of the result.
  const RowType types = {LogicalType::DECIMAL(10, 2), LogicalType::HUGEINT};
  const std::vector<Value> row = {Value::DECIMAL(std::int64_t(1250), 10, 2), Value::HUGEINT(duckdb::hugeint_t(1, 0))};
  const auto wide = Expression::cast(column(0, types[0]), LogicalType::DECIMAL(20, 2));
  EXPECT_EQ(value_of(function("*", LogicalType::DECIMAL(20, 4), {wide, wide}), types, row), "156.2500");
  const auto wider = Expression::cast(column(0, types[0]), LogicalType::DECIMAL(11, 2));
  EXPECT_EQ(value_of(function("+", LogicalType::DECIMAL(11, 2), {wider, wider}), types, row), "25.00");
  EXPECT_EQ(value_of(function("-", LogicalType::HUGEINT, {column(1, types[1]), Expression::literal(Value::HUGEINT(1))}),
                     types, row),
            "18446744073709551615");
}

TEST_F(KernelTest, LeavesOutExactlyTheRowsThatFail) {
  const RowType types = {LogicalType::VARCHAR, LogicalType::INTEGER};
  const auto made = kernel({column(1, types[1]), Expression::cast(column(0, types[0]), LogicalType::INTEGER)}, types);
  std::vector<std::vector<Value>> values;
  for (int i = 0; i < 2048; ++i)
    values.push_back({i % 100 == 3 ? Value("oops") : Value(std::to_string(i)), Value::INTEGER(i)});
  duckdb::DataChunk rows;
  fill(rows, types, values);
  duckdb::DataChunk out;
  std::vector<std::uint32_t> kept;
  std::vector<RowError> errors;
  made->evaluate(rows, out, kept, errors);

  ASSERT_EQ(errors.size(), 21u);
  EXPECT_EQ(errors[1].row, 103u);
  EXPECT_EQ(errors[1].expression, "CAST(#0 AS INTEGER)");
  EXPECT_THAT(errors[1].message, HasSubstr("Could not convert string 'oops' to INT32"));
  ASSERT_EQ(out.size(), 2048u - 21u);
  ASSERT_EQ(kept.size(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out.GetValue(0, i), Value::INTEGER(static_cast<int>(kept[i])));
    ASSERT_EQ(out.GetValue(1, i), Value::INTEGER(static_cast<int>(kept[i])));
  }
}

TEST_F(KernelTest, HandsOverRowsThatOutliveTheNextEvaluation) {
  // The cast's result is a view of memory that upper() wrote for the cast.
  const RowType types = {LogicalType::INTEGER};
  const auto doubled = function("*", LogicalType::INTEGER, {column(0, types[0]), number(2)});
  const auto packed = LogicalType::STRUCT({{"a", LogicalType::INTEGER}});
  const auto made = kernel(
      {function("struct_pack", packed, {doubled}), make(Kind::Coalesce, LogicalType::INTEGER, {doubled, number(0)})},
      types);
  duckdb::DataChunk first;
  duckdb::DataChunk second;
  fill(first, types, {{Value::INTEGER(1)}, {Value::INTEGER(2)}});
  fill(second, types, {{Value::INTEGER(10)}, {Value::INTEGER(20)}});
  duckdb::DataChunk first_out;
  duckdb::DataChunk second_out;
  std::vector<std::uint32_t> kept;
  std::vector<RowError> errors;
  made->evaluate(first, first_out, kept, errors);
  made->evaluate(second, second_out, kept, errors);
  EXPECT_EQ(first_out.GetValue(0, 1).ToString(), "{'a': 4}");
  EXPECT_EQ(first_out.GetValue(1, 1).ToString(), "4");
  EXPECT_EQ(second_out.GetValue(0, 1).ToString(), "{'a': 40}");
}

TEST_F(KernelTest, SelectsRowsForWhichTheConditionIsTrue) {
  const RowType types = {LogicalType::VARCHAR};
  const auto made =
      kernel({compare(">", Expression::cast(column(0, types[0]), LogicalType::INTEGER), number(5))}, types);
  duckdb::DataChunk rows;
  fill(rows, types, {{Value("9")}, {Value("1")}, {Value(LogicalType::VARCHAR)}, {Value("x")}, {Value("6")}});
  std::vector<std::uint32_t> kept;
  std::vector<RowError> errors;
  made->select(rows, kept, errors);
  EXPECT_THAT(kept, ElementsAre(0, 4));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].row, 3u);

  fill(rows, types, {});
  errors.clear();
  made->select(rows, kept, errors);
  EXPECT_THAT(kept, IsEmpty());
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(KernelTest, SlicesChangesWithTheirWeights) {
  duckdb::DataChunk rows;
  fill(rows, {LogicalType::INTEGER}, {{Value::INTEGER(1)}, {Value::INTEGER(2)}, {Value::INTEGER(3)}});
  ChangeBatch batch(std::move(rows), {1, -2, 3});
  ChangeBatch sliced = slice(batch, {1, 2});
  ASSERT_EQ(sliced.size(), 2u);
  EXPECT_EQ(sliced.rows().GetValue(0, 0), Value::INTEGER(2));
  EXPECT_THAT(sliced.weights(), ElementsAre(-2, 3));
  EXPECT_TRUE(slice(batch, {0}).insert_only());
}

TEST_F(KernelTest, RefusesWhatDoesNotExist) {
  const RowType types = {LogicalType::INTEGER};
  const auto refused = [&](Expression expression) {
    const auto made = Kernel::create(*context_, {std::move(expression)}, types);
    if (made) return std::string("bound");
    EXPECT_EQ(made.error().code(), ErrorCode::InvalidArgument);
    return made.error().message();
  };
  EXPECT_THAT(refused(function("no_such_function", LogicalType::INTEGER, {number(1)})), HasSubstr("no_such_function"));
  EXPECT_THAT(refused(function("upper", LogicalType::VARCHAR, {number(1), number(2)})), HasSubstr("upper"));
  EXPECT_THAT(refused(column(4, LogicalType::INTEGER)), HasSubstr("#4"));
  EXPECT_THAT(refused(column(0, LogicalType::VARCHAR)), HasSubstr("INTEGER, not VARCHAR"));
  EXPECT_THAT(refused(compare("~", number(1), number(2))), HasSubstr("'~'"));
  EXPECT_THAT(refused(function("nextval", LogicalType::BIGINT, {text("s")})), HasSubstr("nextval"));
}

}  // namespace
}  // namespace sluice::columnar
