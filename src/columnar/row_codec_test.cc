#include "columnar/row_codec.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "base/random.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

/// Values of each scalar type that lie close together, at the ends, or are otherwise tempting to order wrongly.
const std::vector<std::string>& literals(const LogicalType& type) {
  static const std::map<duckdb::LogicalTypeId, std::vector<std::string>> kLiterals = {
      {duckdb::LogicalTypeId::BOOLEAN, {"true", "false"}},
      {duckdb::LogicalTypeId::TINYINT, {"-128", "-1", "0", "1", "127"}},
      {duckdb::LogicalTypeId::SMALLINT, {"-32768", "-256", "-1", "0", "255", "256", "32767"}},
      {duckdb::LogicalTypeId::INTEGER, {"-2147483648", "-65536", "-1", "0", "1", "65535", "2147483647"}},
      {duckdb::LogicalTypeId::BIGINT, {"-9223372036854775808", "-1", "0", "1", "4294967296", "9223372036854775807"}},
      {duckdb::LogicalTypeId::UTINYINT, {"0", "1", "127", "128", "255"}},
      {duckdb::LogicalTypeId::USMALLINT, {"0", "255", "256", "65535"}},
      {duckdb::LogicalTypeId::UINTEGER, {"0", "65536", "2147483648", "4294967295"}},
      {duckdb::LogicalTypeId::UBIGINT, {"0", "1", "9223372036854775808", "18446744073709551615"}},
      {duckdb::LogicalTypeId::HUGEINT,
       {"-170141183460469231731687303715884105728", "-18446744073709551616", "-1", "0", "1", "18446744073709551616"}},
      {duckdb::LogicalTypeId::UHUGEINT, {"0", "18446744073709551616", "340282366920938463463374607431768211455"}},
      {duckdb::LogicalTypeId::FLOAT,
       {"-inf", "-1.5", "-1e-45", "-0.0", "0.0", "1e-45", "1.5", "3e38", "inf", "nan", "-nan"}},
      {duckdb::LogicalTypeId::DOUBLE,
       {"-inf", "-1e308", "-1.5", "-5e-324", "-0.0", "0", "5e-324", "1.5", "1e308", "inf", "nan", "-nan"}},
      {duckdb::LogicalTypeId::DECIMAL, {"-99.99", "-0.01", "0", "0.01", "0.1", "12.34", "99.99"}},
      {duckdb::LogicalTypeId::DATE, {"-infinity", "1969-12-31", "1970-01-01", "2024-02-29", "infinity"}},
      {duckdb::LogicalTypeId::TIME, {"00:00:00", "00:00:00.000001", "12:34:56", "23:59:59.999999"}},
      {duckdb::LogicalTypeId::TIME_TZ,
       {"00:00:00+00", "12:00:00+01", "11:00:00+00", "12:00:00+00", "13:01:00+01", "23:59:59-15:59", "10:00:00-01"}},
      {duckdb::LogicalTypeId::TIMESTAMP, {"-infinity", "1969-12-31 23:59:59.999999", "2024-01-01", "infinity"}},
      {duckdb::LogicalTypeId::TIMESTAMP_SEC, {"1969-12-31 23:59:59", "2024-01-01"}},
      {duckdb::LogicalTypeId::TIMESTAMP_MS, {"1969-12-31 23:59:59.999", "2024-01-01"}},
      {duckdb::LogicalTypeId::TIMESTAMP_NS, {"1969-12-31 23:59:59.999999999", "2024-01-01"}},
      {duckdb::LogicalTypeId::TIMESTAMP_TZ, {"1969-12-31 23:59:59.999999+00", "2024-01-01 00:00:00+00"}},
      {duckdb::LogicalTypeId::INTERVAL,
       {"-1 month", "-1 day", "0 days", "1 microsecond", "24 hours", "1 day", "29 days", "30 days", "1 month",
        "1 month 1 day", "31 days", "1 year"}},
      {duckdb::LogicalTypeId::VARCHAR,
       {"", "a", "ab", "abc", "b", "B", "ä", "€", "𝄞", "a much longer text than inlined",
        "a much longer text than inlined!"}},
      {duckdb::LogicalTypeId::BLOB, {"", "\\x00", "\\x00\\x00", "\\x00\\xFF", "\\x01", "\\xFF", "a\\x00b", "a"}},
      {duckdb::LogicalTypeId::BIT, {"0", "1", "01", "10", "000000001", "1111111100000000"}},
      {duckdb::LogicalTypeId::UUID,
       {"00000000-0000-0000-0000-000000000000", "7fffffff-ffff-ffff-ffff-ffffffffffff",
        "80000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
      {duckdb::LogicalTypeId::ENUM, {"zebra", "ape", "mouse"}},
  };
  return kLiterals.at(type.id());
}

/// Returns a random value of the type, NULL one time in six; nested ones are short, so that prefixes are common.
Value random_value(const LogicalType& type, SeededRandom& random, bool nullable = true) {
  if (nullable && random.next() % 6 == 0) return Value(type);
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT: {
      duckdb::vector<Value> members;
      for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
        members.push_back(random_value(member, random));
      }
      return Value::STRUCT(type, std::move(members));
    }
    case duckdb::LogicalTypeId::LIST: {
      const LogicalType& child = duckdb::ListType::GetChildType(type);
      duckdb::vector<Value> elements;
      for (auto n = random.next() % 4; n > 0; --n) elements.push_back(random_value(child, random));
      return Value::LIST(child, std::move(elements));
    }
    case duckdb::LogicalTypeId::ARRAY: {
      const LogicalType& child = duckdb::ArrayType::GetChildType(type);
      duckdb::vector<Value> elements;
      for (auto n = duckdb::ArrayType::GetSize(type); n > 0; --n) elements.push_back(random_value(child, random));
      return Value::ARRAY(child, std::move(elements));
    }
    case duckdb::LogicalTypeId::MAP: {
      const LogicalType& key = duckdb::MapType::KeyType(type);
      duckdb::vector<Value> keys;
      duckdb::vector<Value> values;
      for (const auto& literal : literals(key)) {
        if (random.next() % 3 != 0) continue;
        keys.push_back(Value(literal).DefaultCastAs(key));
        values.push_back(random_value(duckdb::MapType::ValueType(type), random));
      }
      return Value::MAP(key, duckdb::MapType::ValueType(type), std::move(keys), std::move(values));
    }
    case duckdb::LogicalTypeId::VARIANT: {
      static const std::vector<LogicalType> kTypes = {
          LogicalType::TINYINT,
          LogicalType::BIGINT,
          LogicalType::HUGEINT,
          LogicalType::DOUBLE,
          LogicalType::BOOLEAN,
          LogicalType::TIME,
          LogicalType::VARCHAR,
          LogicalType::LIST(LogicalType::INTEGER),
          LogicalType::STRUCT({{"a", LogicalType::TINYINT}, {"b", LogicalType::VARCHAR}}),
          LogicalType::STRUCT({{"c", LogicalType::LIST(LogicalType::STRUCT({{"d", LogicalType::TINYINT}}))}}),
      };
      return random_value(kTypes[random.next() % kTypes.size()], random, nullable).DefaultCastAs(type);
    }
    default: {
      const auto& pool = literals(type);
      return Value(pool[random.next() % pool.size()]).DefaultCastAs(type);
    }
  }
}

std::vector<LogicalType> all_types() {
  const auto enumeration = [] {
    duckdb::Vector names(LogicalType::VARCHAR, 3);
    names.SetValue(0, Value("zebra"));
    names.SetValue(1, Value("ape"));
    names.SetValue(2, Value("mouse"));
    return LogicalType::ENUM(names, 3);
  };
  std::vector<LogicalType> types = {
      LogicalType::BOOLEAN,
      LogicalType::TINYINT,
      LogicalType::SMALLINT,
      LogicalType::INTEGER,
      LogicalType::BIGINT,
      LogicalType::UTINYINT,
      LogicalType::USMALLINT,
      LogicalType::UINTEGER,
      LogicalType::UBIGINT,
      LogicalType::HUGEINT,
      LogicalType::UHUGEINT,
      LogicalType::FLOAT,
      LogicalType::DOUBLE,
      LogicalType::DATE,
      LogicalType::TIME,
      LogicalType::TIME_TZ,
      LogicalType::TIMESTAMP,
      LogicalType::TIMESTAMP_S,
      LogicalType::TIMESTAMP_MS,
      LogicalType::TIMESTAMP_NS,
      LogicalType::TIMESTAMP_TZ,
      LogicalType::INTERVAL,
      LogicalType::VARCHAR,
      LogicalType::BLOB,
      LogicalType::BIT,
      LogicalType::UUID,
      LogicalType::DECIMAL(4, 2),
      LogicalType::DECIMAL(9, 2),
      LogicalType::DECIMAL(18, 3),
      LogicalType::DECIMAL(38, 5),
      enumeration(),
  };
  types.push_back(LogicalType::LIST(LogicalType::INTEGER));
  types.push_back(LogicalType::LIST(LogicalType::VARCHAR));
  types.push_back(LogicalType::LIST(LogicalType::LIST(LogicalType::TINYINT)));
  types.push_back(LogicalType::ARRAY(LogicalType::SMALLINT, 2));
  types.push_back(LogicalType::STRUCT({{"a", LogicalType::INTEGER}, {"b", LogicalType::VARCHAR}}));
  types.push_back(LogicalType::LIST(LogicalType::STRUCT({{"x", LogicalType::DOUBLE}, {"y", LogicalType::BOOLEAN}})));
  types.push_back(LogicalType::STRUCT(
      {{"l", LogicalType::LIST(LogicalType::BLOB)}, {"a", LogicalType::ARRAY(LogicalType::VARCHAR, 2)}}));
  types.push_back(LogicalType::MAP(LogicalType::VARCHAR, LogicalType::INTEGER));
  return types;
}

/// Types whose values have no order.
std::vector<LogicalType> variant_types() {
  return {LogicalType::VARIANT(),
          LogicalType::STRUCT({{"l", LogicalType::LIST(LogicalType::VARIANT())}, {"v", LogicalType::VARIANT()}})};
}

std::vector<LogicalType> types_of_rows() {
  std::vector<LogicalType> types = all_types();
  std::ranges::copy(variant_types(), std::back_inserter(types));
  return types;
}

std::vector<std::vector<Value>> random_rows(const RowType& types, std::size_t count, SeededRandom& random) {
  std::vector<std::vector<Value>> rows(count);
  for (auto& row : rows) {
    for (const LogicalType& type : types) row.push_back(random_value(type, random));
  }
  return rows;
}

void fill(duckdb::DataChunk& chunk, const RowType& types, const std::vector<std::vector<Value>>& rows) {
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>(types.begin(), types.end()));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < types.size(); ++c) chunk.SetValue(c, r, rows[r][c]);
  }
  chunk.SetCardinality(rows.size());
}

class RowCodecTest : public testing::Test {
 protected:
  /// Returns the rows' dense ranks in DuckDB's ORDER BY.
  std::vector<std::int64_t> ranks(const LogicalType& type, const std::vector<std::vector<Value>>& rows,
                                  ColumnOrder order) {
    auto ok = connection_.Query("CREATE OR REPLACE TABLE t (id INTEGER, c " + type.ToString() + ")");
    EXPECT_FALSE(ok->HasError()) << ok->GetError();
    duckdb::Appender appender(connection_, "t");
    for (std::size_t i = 0; i < rows.size(); ++i) appender.AppendRow(static_cast<std::int32_t>(i), rows[i][0]);
    appender.Close();
    auto result =
        connection_.Query(std::string("SELECT dense_rank() OVER (ORDER BY c ") + (order.descending ? "DESC" : "ASC") +
                          " NULLS " + (order.nulls_first ? "FIRST" : "LAST") + ") FROM t ORDER BY id");
    EXPECT_FALSE(result->HasError()) << result->GetError();
    std::vector<std::int64_t> ranks;
    for (std::size_t i = 0; i < rows.size(); ++i) ranks.push_back(result->GetValue(0, i).GetValue<std::int64_t>());
    return ranks;
  }

  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

TEST_F(RowCodecTest, OrdersEveryTypeAsDuckDBDoes) {
  SeededRandom random(20240101);
  for (const LogicalType& type : all_types()) {
    for (const ColumnOrder order :
         {ColumnOrder{false, false}, ColumnOrder{true, false}, ColumnOrder{false, true}, ColumnOrder{true, true}}) {
      SCOPED_TRACE(type.ToString() + (order.descending ? " DESC" : "") + (order.nulls_first ? " NULLS FIRST" : ""));
      const auto rows = random_rows({type}, 80, random);
      duckdb::DataChunk chunk;
      fill(chunk, {type}, rows);
      const auto codec = RowCodec::create({type}, {order});
      const auto key_codec = RowCodec::create_for_keys({type}, {order});
      ASSERT_TRUE(codec);
      ASSERT_TRUE(key_codec);
      EncodedRows encoded;
      codec->encode(chunk, {}, encoded);
      EncodedRows keys;
      key_codec->encode(chunk, {}, keys);
      const auto rank = ranks(type, rows, order);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t j = 0; j < rows.size(); ++j) {
          const std::string values = rows[i][0].ToString() + " and " + rows[j][0].ToString();
          ASSERT_EQ(rank[i] <=> rank[j], keys.row(i).compare(keys.row(j)) <=> 0) << values;
          // Rows that SQL holds equal but that are written differently stay different.
          const bool same = rank[i] == rank[j] && rows[i][0].ToString() == rows[j][0].ToString();
          ASSERT_EQ(encoded.row(i) == encoded.row(j), same) << values;
          // Inside a nested value such a difference decides before what stands behind it.
          if (rank[i] == rank[j] || (type.IsNested() && has_several_forms(type))) continue;
          ASSERT_EQ(rank[i] <=> rank[j], encoded.row(i).compare(encoded.row(j)) <=> 0) << values;
        }
      }
    }
  }
}

TEST_F(RowCodecTest, GivesBackEveryRowExactly) {
  SeededRandom random(7);
  RowType types = types_of_rows();
  for (int round = 0; round < 6; ++round) {
    std::rotate(types.begin(), types.begin() + 7, types.end());
    const auto rows = random_rows(types, 64, random);
    duckdb::DataChunk chunk;
    fill(chunk, types, rows);
    std::vector<ColumnOrder> orders(types.size());
    for (auto& order : orders) order = {random.next() % 2 == 0, random.next() % 2 == 0};
    const auto codec = RowCodec::create(types, orders);
    ASSERT_TRUE(codec);
    EncodedRows encoded;
    codec->encode(chunk, {}, encoded);

    duckdb::DataChunk decoded;
    decoded.Initialize(duckdb::Allocator::DefaultAllocator(), chunk.GetTypes());
    std::vector<std::string_view> views;
    for (std::size_t i = 0; i < rows.size(); ++i) views.push_back(encoded.row(i));
    codec->decode(views, decoded);
    decoded.SetCardinality(rows.size());
    EncodedRows again;
    codec->encode(decoded, {}, again);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      EXPECT_EQ(encoded.row(r), again.row(r));
      EXPECT_EQ(codec->encoded_size(encoded.row(r)), encoded.row(r).size());
      bool any_null = false;
      for (std::size_t c = 0; c < types.size(); ++c) {
        any_null = any_null || rows[r][c].IsNull();
        const Value value = decoded.GetValue(c, r);
        ASSERT_EQ(value.ToString(), rows[r][c].ToString()) << types[c].ToString();
        ASSERT_EQ(value.IsNull(), rows[r][c].IsNull());
      }
      EXPECT_EQ(encoded.has_null[r], any_null);
    }
  }
}

TEST_F(RowCodecTest, SeesThroughSelectionsAndConstants) {
  SeededRandom random(11);
  for (const LogicalType& type : types_of_rows()) {
    SCOPED_TRACE(type.ToString());
    const auto rows = random_rows({type, type}, 60, random);
    duckdb::DataChunk chunk;
    fill(chunk, {type, type}, rows);
    const auto codec = RowCodec::create({type, type});
    EncodedRows flat;
    codec->encode(chunk, {}, flat);

    duckdb::SelectionVector selection(20);
    for (std::size_t i = 0; i < 20; ++i) selection.set_index(i, (i * 7) % 60);
    duckdb::DataChunk sliced;
    sliced.InitializeEmpty(chunk.GetTypes());
    sliced.Slice(chunk, selection, 20);
    duckdb::Vector constant(rows[3][1]);
    sliced.data[1].Reference(constant);
    EncodedRows encoded;
    codec->encode(sliced, {}, encoded);

    duckdb::DataChunk expected_chunk;
    std::vector<std::vector<Value>> expected_rows;
    for (std::size_t i = 0; i < 20; ++i) expected_rows.push_back({rows[(i * 7) % 60][0], rows[3][1]});
    fill(expected_chunk, {type, type}, expected_rows);
    EncodedRows expected;
    codec->encode(expected_chunk, {}, expected);
    for (std::size_t i = 0; i < 20; ++i) {
      ASSERT_EQ(encoded.row(i), expected.row(i))
          << expected_rows[i][0].ToString() << " | " << sliced.GetValue(0, i).ToString();
    }
  }
}

TEST_F(RowCodecTest, TakesVariantsForWhatTheyHold) {
  const auto bytes = [&](const std::string& query) {
    const auto result = connection_.Query(query);
    EXPECT_FALSE(result->HasError()) << result->GetError();
    const auto codec = RowCodec::create(RowType(result->types.begin(), result->types.end()));
    std::vector<std::string> rows;
    while (const auto chunk = result->Fetch()) {
      EncodedRows encoded;
      codec->encode(*chunk, {}, encoded);
      for (std::size_t i = 0; i < encoded.size(); ++i) rows.emplace_back(encoded.row(i));
    }
    return rows;
  };
  const auto order_of_members = bytes("SELECT unnest([{'a': 1, 'b': 'x'}::VARIANT, {'b': 'x', 'a': 1}::VARIANT])");
  EXPECT_EQ(order_of_members[0], order_of_members[1]);
  const auto kinds =
      bytes("SELECT unnest([1::TINYINT::VARIANT, '1'::VARIANT, true::VARIANT, [1]::VARIANT, NULL::VARIANT])");
  EXPECT_EQ(std::set<std::string>(kinds.begin(), kinds.end()).size(), kinds.size());
  for (const LogicalType& type : variant_types()) {
    EXPECT_EQ(RowCodec::create_for_groups({type}).error().code(), ErrorCode::Unsupported);
  }
}

TEST_F(RowCodecTest, WritesOneRowWhereItIsTold) {
  const auto codec = RowCodec::create({LogicalType::VARCHAR, LogicalType::INTEGER});
  duckdb::DataChunk chunk;
  fill(chunk, codec->types(), {{Value("x"), Value::INTEGER(5)}, {Value(LogicalType::VARCHAR), Value::INTEGER(-5)}});
  EncodedRows encoded;
  codec->encode(chunk, {}, encoded);

  duckdb::DataChunk out;
  out.Initialize(duckdb::Allocator::DefaultAllocator(),
                 {LogicalType::BOOLEAN, LogicalType::VARCHAR, LogicalType::INTEGER});
  codec->decode(encoded.row(1), out, 4, 1);
  codec->decode(encoded.row(0), out, 5, 1);
  out.SetCardinality(6);
  EXPECT_TRUE(out.GetValue(1, 4).IsNull());
  EXPECT_EQ(out.GetValue(2, 4), Value::INTEGER(-5));
  EXPECT_EQ(out.GetValue(1, 5), Value("x"));
  EXPECT_EQ(out.GetValue(2, 5), Value::INTEGER(5));
}

TEST_F(RowCodecTest, EncodesChosenColumnsInChosenOrder) {
  duckdb::DataChunk chunk;
  fill(chunk, {LogicalType::VARCHAR, LogicalType::INTEGER}, {{Value("x"), Value::INTEGER(5)}});
  const auto both = RowCodec::create({LogicalType::INTEGER, LogicalType::VARCHAR});
  EncodedRows encoded;
  const std::vector<ColumnIndex> columns = {1, 0};
  both->encode(chunk, columns, encoded);
  EXPECT_EQ(encoded.row(0), std::string_view("\x01\x80\x00\x00\x05\x01x\x00\x00", 9));

  const auto none = RowCodec::create({});
  none->encode(chunk, {}, encoded);
  ASSERT_EQ(encoded.size(), 1u);
  EXPECT_EQ(encoded.row(0), "");
}

TEST_F(RowCodecTest, KeepsTheWrittenFormOfTextWithZeros) {
  const auto codec = RowCodec::create({LogicalType::VARCHAR}, {ColumnOrder{true, false}});
  const std::string text = std::string("a") + '\0' + "b" + '\0';
  duckdb::DataChunk chunk;
  fill(chunk, codec->types(), {{Value(text)}});
  EncodedRows encoded;
  codec->encode(chunk, {}, encoded);
  duckdb::DataChunk out;
  out.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::VARCHAR});
  codec->decode(encoded.row(0), out, 0);
  EXPECT_EQ(duckdb::FlatVector::GetData<duckdb::string_t>(out.data[0])[0].GetString(), text);
}

TEST_F(RowCodecTest, HoldsKeysEqualAsSqlDoes) {
  const RowType types = {LogicalType::INTERVAL, LogicalType::LIST(LogicalType::INTERVAL), LogicalType::DOUBLE,
                         LogicalType::LIST(LogicalType::FLOAT)};
  const auto interval = [](const char* text) { return Value(text).DefaultCastAs(LogicalType::INTERVAL); };
  const auto list = [](Value value) { return Value::LIST(LogicalType::INTERVAL, {std::move(value)}); };
  const auto floats = [](const char* text) {
    return Value::LIST(LogicalType::FLOAT, {Value(text).DefaultCastAs(LogicalType::FLOAT)});
  };
  duckdb::DataChunk chunk;
  fill(chunk, types,
       {{interval("30 days"), list(interval("24 hours")), Value::DOUBLE(-0.0), floats("-nan")},
        {interval("1 month"), list(interval("1 day")), Value::DOUBLE(0.0), floats("nan")}});
  EncodedRows rows;
  RowCodec::create(types)->encode(chunk, {}, rows);
  EXPECT_NE(rows.row(0), rows.row(1));

  const auto keys = RowCodec::create_for_keys(types);
  keys->encode(chunk, {}, rows);
  EXPECT_EQ(rows.row(0), rows.row(1));
  duckdb::DataChunk out;
  out.Initialize(duckdb::Allocator::DefaultAllocator(), {types.begin(), types.end()});
  keys->decode(rows.row(0), out, 0);
  EXPECT_EQ(out.GetValue(0, 0).ToString(), "1 month");
  EXPECT_EQ(out.GetValue(1, 0).ToString(), "[1 day]");
  EXPECT_EQ(out.GetValue(2, 0).ToString(), "0.0");
  EXPECT_EQ(out.GetValue(3, 0).ToString(), "[nan]");
}

TEST_F(RowCodecTest, RefusesTypesWithoutAnOrder) {
  const auto codec =
      RowCodec::create({LogicalType::INTEGER, LogicalType::LIST(LogicalType::UNION({{"i", LogicalType::INTEGER}}))});
  ASSERT_FALSE(codec);
  EXPECT_EQ(codec.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(codec.error().message(), testing::HasSubstr("column 2"));
}

TEST_F(RowCodecTest, RefusesToShowAnIntervalForItsEquals) {
  EXPECT_TRUE(RowCodec::create_for_groups({LogicalType::DOUBLE}));
  for (const LogicalType& type : {LogicalType(LogicalType::INTERVAL), LogicalType::LIST(LogicalType::INTERVAL)}) {
    const auto codec = RowCodec::create_for_groups({LogicalType::INTEGER, type});
    ASSERT_FALSE(codec);
    EXPECT_EQ(codec.error().code(), ErrorCode::Unsupported);
    EXPECT_THAT(codec.error().message(), testing::HasSubstr("column 2 of type INTERVAL"));
  }
}

TEST_F(RowCodecTest, StopsOnBytesThatItDidNotWrite) {
  const auto codec = RowCodec::create({LogicalType::BIGINT});
  duckdb::DataChunk out;
  out.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::BIGINT});
  EXPECT_DEATH(codec->decode("\x01\x80", out, 0), "ends early");
  EXPECT_DEATH(codec->decode(std::string_view("\x02\x02", 2), out, 0), "longer");
}

}  // namespace
}  // namespace sluice::columnar
