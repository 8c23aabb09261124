#include "columnar/variant_encoding.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "columnar/parquet_writer.h"
#include "store/local_store.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;

/// Writes variants to Parquet files and reads them back with DuckDB's reader: as variants, and as the bytes they are.
class VariantEncodingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "variant_encoding_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    store_ = std::move(*store::LocalStore::create(folder_));
    text("SET TimeZone = 'UTC'");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  duckdb::unique_ptr<duckdb::MaterializedQueryResult> query(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << sql << ": " << result->GetError();
    return result;
  }
  std::string text(const std::string& sql) {
    const auto result = query(sql);
    std::string lines;
    for (const auto& row : result->Collection().Rows()) {
      for (std::size_t i = 0; i < result->types.size(); ++i) lines += (i == 0 ? "" : "|") + row.GetValue(i).ToString();
      lines += "\n";
    }
    return lines;
  }

  Status write(const std::string& sql) {
    const auto result = query(sql);
    Schema schema;
    for (std::size_t i = 0; i < result->types.size(); ++i) {
      schema.fields.push_back({result->names[i], result->types[i], true, {}});
    }
    SLUICE_TRY_ASSIGN(auto writer, ParquetWriter::create(*store_, "file", schema));
    for (auto& chunk : result->Collection().Chunks()) SLUICE_TRY(writer->append(chunk));
    SLUICE_TRY(std::move(*writer).finish());
    return ok();
  }
  /// Writes the query's rows and returns them as they are read.
  std::string written(const std::string& sql) {
    const Status done = write(sql);
    EXPECT_TRUE(done) << sql << ": " << done.error().message();
    if (!done) return "";
    const std::string rows = text("FROM " + file());
    std::filesystem::remove(folder_ + "/file");
    return rows;
  }
  /// Returns the metadata and the value that the first value of the query is encoded as, as hexadecimal text.
  std::string bytes_of_query(const std::string& sql) {
    const auto result = query(sql);
    duckdb::Vector encoded(encoded_variant_type(result->types[0]));
    for (auto& chunk : result->Collection().Chunks()) encode_variants(chunk.data[0], encoded, chunk.size());
    std::string bytes;
    const duckdb::Value parts = encoded.GetValue(0);
    for (const duckdb::Value& part : duckdb::StructValue::GetChildren(parts)) {
      if (!bytes.empty()) bytes += '|';
      for (const char byte : duckdb::StringValue::Get(part)) {
        for (const int digit : {(byte >> 4) & 0xF, byte & 0xF}) bytes += "0123456789ABCDEF"[digit];
      }
    }
    return bytes + "\n";
  }
  std::string bytes_of(const std::string& value) { return bytes_of_query("SELECT (" + value + ")::VARIANT AS v"); }

  std::string file() const { return "parquet_scan('" + folder_ + "/file')"; }

  std::string folder_;
  std::unique_ptr<store::LocalStore> store_;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

TEST_F(VariantEncodingTest, WritesTheBytesOfTheSpecification) {
  // Version 1, sorted, offsets of one byte: no keys.
  EXPECT_EQ(bytes_of("true"), "110000|04\n");
  EXPECT_EQ(bytes_of("'abc'"), "110000|0D616263\n");
  EXPECT_EQ(bytes_of("repeat('x', 64)"),
            "110000|40"
            "40000000" +
                text("SELECT repeat('78', 64)"));
  EXPECT_EQ(bytes_of("'\\xAB'::BLOB"), "110000|3C01000000AB\n");
  EXPECT_EQ(bytes_of("(-2)::TINYINT"), "110000|0CFE\n");
  EXPECT_EQ(bytes_of("258::SMALLINT"), "110000|100201\n");
  EXPECT_EQ(bytes_of("1::INTEGER"), "110000|1401000000\n");
  EXPECT_EQ(bytes_of("1::BIGINT"), "110000|180100000000000000\n");
  EXPECT_EQ(bytes_of("1.5::DOUBLE"), "110000|1C000000000000F83F\n");
  EXPECT_EQ(bytes_of("1.5::FLOAT"), "110000|380000C03F\n");
  EXPECT_EQ(bytes_of("-1.5::DECIMAL(3,1)"), "110000|2001F1FFFFFF\n");
  EXPECT_EQ(bytes_of("1.5::DECIMAL(12,3)"), "110000|2403DC05000000000000\n");
  EXPECT_EQ(bytes_of("1.5::DECIMAL(30,1)"), "110000|28010F000000000000000000000000000000\n");
  EXPECT_EQ(bytes_of("DATE '1970-01-03'"), "110000|2C02000000\n");
  EXPECT_EQ(bytes_of("TIMESTAMPTZ '1970-01-01 00:00:00.000003+00'"), "110000|300300000000000000\n");
  EXPECT_EQ(bytes_of("TIMESTAMP '1970-01-01 00:00:00.000003'"), "110000|340300000000000000\n");
  EXPECT_EQ(bytes_of("UUID '00112233-4455-6677-8899-aabbccddeeff'"), "110000|5000112233445566778899AABBCCDDEEFF\n");
  // An array: three elements, the ends of their bytes, then they.
  EXPECT_EQ(bytes_of("[1::TINYINT, NULL, 2::TINYINT]"),
            "110000|030300020305"
            "0C01"
            "00"
            "0C02\n");
  EXPECT_EQ(bytes_of("[]::INTEGER[]"), "110000|030000\n");
  // An object: its keys by their number in the dictionary, in the order of their names.
  EXPECT_EQ(bytes_of("{'b': 2::TINYINT, 'a': 'x'}"),
            "1102000102"
            "6162|"
            "02020001000204"
            "0578"
            "0C02\n");
  EXPECT_EQ(bytes_of("'{}'::JSON"), "110000|020000\n");
}

TEST_F(VariantEncodingTest, ReadsBackAsItWas) {
  for (const char* value : {"NULL",
                            "true",
                            "false",
                            "(-128)::TINYINT",
                            "32767::SMALLINT",
                            "(-2147483648)::INTEGER",
                            "9223372036854775807::BIGINT",
                            "'nan'::DOUBLE",
                            "'-inf'::FLOAT",
                            "1e300",
                            "-99999.99999::DECIMAL(10,5)",
                            "99999999999999999999999999999999999999::DECIMAL(38,0)",
                            "''",
                            "'ü☃ \"quoted\"'",
                            "repeat('é', 1000)",
                            "'\\x00\\xFF'::BLOB",
                            "DATE '0001-01-01'",
                            "DATE '9999-12-31'",
                            "TIMESTAMP '1969-12-31 23:59:59.999999'",
                            "TIMESTAMPTZ '2024-02-29 12:00:00+05'",
                            "UUID 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
                            "{'a': [[], ['b']], 'z': {'y': [{'x': 1}, {'x': NULL}]}}",
                            "'[1, {\"x\": [null]}]'::JSON",
                            "'{\"a b\": {\"\": [1.5, \"t\", null, false]}}'::JSON",
                            "MAP {'k': 1}"}) {
    const std::string sql = std::string("SELECT (") + value + ")::VARIANT AS v";
    EXPECT_EQ(written(sql), text(sql)) << value;
  }
}

TEST_F(VariantEncodingTest, TypesThatOthersLackBecomeTheNearest) {
  const auto type_of = [&](const std::string& value) {
    SLUICE_CHECK_OK(write("SELECT (" + value + ")::VARIANT AS v"));
    return text("SELECT variant_typeof(v), v::VARCHAR FROM " + file());
  };
  EXPECT_EQ(type_of("200::UTINYINT"), "INT16|200\n");
  EXPECT_EQ(type_of("1::UBIGINT"), "INT8|1\n");
  EXPECT_EQ(type_of("18446744073709551615::UBIGINT"), "DECIMAL(38, 0)|18446744073709551615\n");
  EXPECT_EQ(type_of("-170141183460469231::HUGEINT"), "INT64|-170141183460469231\n");
  EXPECT_EQ(type_of("'7'::JSON"), "INT8|7\n");
  EXPECT_EQ(type_of("TIME '12:30:00'"), "VARCHAR|12:30:00\n");
  EXPECT_EQ(type_of("INTERVAL 3 DAY"), "VARCHAR|3 days\n");
  EXPECT_EQ(type_of("'101'::BIT"), "VARCHAR|101\n");
  EXPECT_EQ(type_of("'2024-02-29 12:00:00'::TIMESTAMP_S"), "TIMESTAMP_MICROS|2024-02-29 12:00:00\n");
  EXPECT_EQ(type_of("'2024-02-29 12:00:00.5'::TIMESTAMP_MS"), "TIMESTAMP_MICROS|2024-02-29 12:00:00.5\n");
}

TEST_F(VariantEncodingTest, ValuesWithoutAFormAreRefused) {
  for (const char* value : {"'2024-02-29 12:00:00'::TIMESTAMP_NS", "170141183460469231731687303715884105727::HUGEINT",
                            "340282366920938463463374607431768211455::UHUGEINT", "12::BIGNUM", "'infinity'::DATE",
                            "'-infinity'::TIMESTAMP", "[{'a': 'infinity'::TIMESTAMPTZ}]"}) {
    EXPECT_FALSE(write(std::string("SELECT (") + value + ")::VARIANT AS v")) << value;
  }
}

TEST_F(VariantEncodingTest, VariantsMayLieInStructsListsAndMaps) {
  const std::string sql =
      "SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE {'w': CASE WHEN i % 3 = 0 THEN NULL ELSE i::VARIANT END, 'n': i} "
      "END "
      "AS s, CASE WHEN i % 5 = 0 THEN NULL ELSE list_transform(range(i % 4), lambda x: {'v': ('t' || x)::VARIANT}) END "
      "AS "
      "l, MAP {i: ('m' || i)::VARIANT, i + 1: NULL} AS m, list_transform(range(i % 3), lambda x: x::VARIANT) AS bare "
      "FROM range(5000) AS r(i)";
  EXPECT_EQ(written(sql), text(sql));
}

TEST_F(VariantEncodingTest, BigDictionariesAndValuesTakeWiderOffsets) {
  for (const int count : {1, 255, 256, 300, 9'000}) {
    const std::string sql = "SELECT map_from_entries(list({'k': 'key ' || (i * 7919 % " + std::to_string(count) +
                            "), 'v': i}))::JSON::VARIANT AS v FROM range(" + std::to_string(count) + ") AS r(i)";
    SLUICE_CHECK_OK(write(sql));
    // Which order an object has is not kept.
    const auto entries = [&](const std::string& from) {
      return text(
          "SELECT len(e), list_sort(e) FROM (SELECT map_entries(json_transform(v::JSON, "
          "'\"MAP(VARCHAR, BIGINT)\"')) AS e FROM " +
          from + ")");
    };
    const std::string expected = entries("(" + sql + ")");
    EXPECT_TRUE(expected.starts_with(std::to_string(count) + "|")) << expected;
    EXPECT_EQ(entries(file()), expected);
    std::filesystem::remove(folder_ + "/file");
  }
  const std::string list =
      "SELECT range(100000)::VARIANT AS v, list_transform(range(300), lambda x: 't' || x)::VARIANT AS w";
  EXPECT_EQ(written(list), text(list));
}

TEST_F(VariantEncodingTest, AKeyThatIsThereTwiceKeepsTheValueThatQueriesFind) {
  const std::string object = R"(('{"a": 1, "b": 2, "a": 3}'::JSON::VARIANT))";
  const std::string found = text("SELECT " + object + ".a::VARCHAR");
  SLUICE_CHECK_OK(write("SELECT " + object + " AS v"));
  EXPECT_EQ(text("SELECT v.a::VARCHAR FROM " + file()), found);
}

TEST_F(VariantEncodingTest, PartsOfAVariantLeaveItsOtherKeysBehind) {
  EXPECT_EQ(bytes_of_query(R"(SELECT v.b FROM (SELECT '{"long key": 1, "b": {"c": 2}}'::JSON::VARIANT AS v))"),
            "11010001"
            "63|"
            "02010000020C02\n");
}

TEST_F(VariantEncodingTest, RowsMayLieInAnyKindOfVector) {
  text(
      "CREATE TABLE t AS SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE {'a': i, 'b': 'x' || i}::VARIANT END AS v FROM "
      "range(10000) AS r(i)");
  for (const char* sql :
       {"SELECT v FROM t WHERE i % 7 = 1", "SELECT {'a': 7}::VARIANT AS v FROM range(3000)",
        "SELECT v FROM t ORDER BY i DESC", "SELECT v.b AS v FROM t", "SELECT NULL::VARIANT AS v FROM t"}) {
    EXPECT_EQ(written(sql), text(sql)) << sql;
  }
}

TEST_F(VariantEncodingTest, FilesSayWhichStructsAreVariantsAndThatTheirPartsAreRequired) {
  SLUICE_CHECK_OK(write("SELECT {'w': 1::VARIANT} AS s, 2::VARIANT AS v"));
  EXPECT_EQ(text("SELECT column_name, column_type FROM (DESCRIBE FROM " + file() + ")"),
            "s|STRUCT(w VARIANT)\nv|VARIANT\n");
  EXPECT_EQ(text("SELECT name, repetition_type FROM parquet_schema('" + folder_ +
                 "/file') WHERE name IN ('metadata', 'value', 'v', 'w')"),
            "w|OPTIONAL\nmetadata|REQUIRED\nvalue|REQUIRED\nv|OPTIONAL\nmetadata|REQUIRED\nvalue|REQUIRED\n");
}

}  // namespace
}  // namespace sluice::columnar
