#include "columnar/parquet_writer.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "store/fault_store.h"
#include "store/local_store.h"

namespace sluice::columnar {
namespace {

using duckdb::LogicalType;

/// Writes what a query of a plain DuckDB gives, and reads files back with DuckDB's own reader.
class ParquetWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "parquet_writer_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    auto store = store::LocalStore::create(folder_);
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    query("SET TimeZone = 'UTC'");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  duckdb::unique_ptr<duckdb::MaterializedQueryResult> query(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError();
    return result;
  }

  /// Writes the query's rows to `key` of `store`.
  Result<ParquetWriter::Written> write(store::ObjectStore& store, const std::string& key, const std::string& sql,
                                       ParquetOptions options = {}) {
    auto result = query(sql);
    Schema schema;
    for (std::size_t i = 0; i < result->types.size(); ++i) {
      schema.fields.push_back({result->names[i], result->types[i], true, {}});
    }
    SLUICE_TRY_ASSIGN(auto writer, ParquetWriter::create(store, key, schema, options));
    for (auto& chunk : result->Collection().Chunks()) {
      SLUICE_TRY(writer->append(chunk));
    }
    return std::move(*writer).finish();
  }

  std::string path(const std::string& key) const { return folder_ + "/" + key; }

  std::string folder_;
  std::unique_ptr<store::LocalStore> store_;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

constexpr const char* kEveryStoredType = R"(
  SELECT * FROM (VALUES
    (true, (-128)::TINYINT, 32767::SMALLINT, (-2147483648)::INTEGER, 9223372036854775807::BIGINT, 'nan'::FLOAT, '-0.0'::DOUBLE,
     (-999.99)::DECIMAL(5,2), 123456789.123456789::DECIMAL(18,9), 99999999999999999999999999999999999999::DECIMAL(38,0),
     DATE '0001-01-01', TIMESTAMP '2024-02-29 23:59:59.999999', TIMESTAMPTZ '1969-12-31 23:59:59.999999+00',
     'žluťoučký', '\x00\xFF'::BLOB, [1, NULL, 3], {'a': 1, 'b': NULL::VARCHAR}, MAP {'k': [1.5, NULL], 'l': NULL}),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (false, 0, 0, 0, 0, 'inf'::FLOAT, 'nan'::DOUBLE, 0, 0, 0, DATE '9999-12-31', TIMESTAMP '1582-10-04 00:00:00',
     TIMESTAMPTZ '2038-01-19 03:14:08+00', '', ''::BLOB, [], {'a': NULL, 'b': ''}, MAP {}))
  t(boolean, tiny, small, int, big, float, double, dec_5, dec_18, dec_38, date, ts, tstz, text, bytes, list, record, map))";

TEST_F(ParquetWriterTest, EveryStoredTypeComesBackAsItWas) {
  const auto written = write(*store_, "part/a.parquet", kEveryStoredType);
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->row_count, 3u);
  EXPECT_EQ(written->size_bytes, std::filesystem::file_size(path("part/a.parquet")));

  auto expected = query(kEveryStoredType);
  auto actual = query("SELECT * FROM read_parquet('" + path("part/a.parquet") + "')");
  ASSERT_EQ(actual->types, expected->types);
  EXPECT_EQ(actual->ToString(), expected->ToString());
  // The text of a double hides its sign of zero.
  EXPECT_EQ(query("SELECT signbit(double) FROM read_parquet('" + path("part/a.parquet") + "')")->GetValue(0, 0),
            duckdb::Value::BOOLEAN(true));
}

TEST_F(ParquetWriterTest, TimestampsSayWhetherTheyAreUtc) {
  ASSERT_TRUE(write(*store_, "a.parquet", "SELECT now()::TIMESTAMP AS local, now() AS utc"));
  const std::string schema = "FROM parquet_schema('" + path("a.parquet") + "')";
  EXPECT_EQ(query("SELECT logical_type " + schema + " WHERE name = 'local'")->GetValue(0, 0).ToString(),
            "TimestampType(isAdjustedToUTC=0, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))");
  EXPECT_EQ(query("SELECT logical_type " + schema + " WHERE name = 'utc'")->GetValue(0, 0).ToString(),
            "TimestampType(isAdjustedToUTC=1, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))");
}

TEST_F(ParquetWriterTest, NestedTypesHaveTheThreeLevelsThatReadersExpect) {
  ASSERT_TRUE(write(*store_, "a.parquet", "SELECT [1] AS l, MAP {'k': 1} AS m"));
  EXPECT_EQ(query("SELECT string_agg(name || coalesce(':' || repetition_type, ''), ' ') FROM parquet_schema('" +
                  path("a.parquet") + "')")
                ->GetValue(0, 0)
                .ToString(),
            "duckdb_schema:REQUIRED l:OPTIONAL list:REPEATED element:OPTIONAL "
            "m:OPTIONAL key_value:REPEATED key:REQUIRED value:OPTIONAL");
}

TEST_F(ParquetWriterTest, ColumnsHaveTheIdsTheyAreGivenAtEveryDepth) {
  ASSERT_TRUE(write(*store_, "a.parquet",
                    "SELECT 1 AS n, {'x': 1, 'y': [{'z': 2}]} AS s, MAP {'k': {'v': 1}} AS m, [1] AS l",
                    {.field_ids = {{7, {}},
                                   {1, {{2, {}}, {3, {{std::nullopt, {{4, {}}}}}}}},
                                   {5, {{std::nullopt, {}}, {std::nullopt, {{6, {}}}}}},
                                   {8, {}}}}));
  EXPECT_EQ(query("SELECT string_agg(name || coalesce(':' || field_id, ''), ' ') FROM parquet_schema('" +
                  path("a.parquet") + "')")
                ->GetValue(0, 0)
                .ToString(),
            "duckdb_schema n:7 s:1 x:2 y:3 list element z:4 m:5 key_value key value v:6 l:8 list element");
}

TEST_F(ParquetWriterTest, RowGroupsHoldAtMostTheirLimitOfRows) {
  ASSERT_TRUE(write(*store_, "a.parquet", "SELECT range AS i FROM range(10000)", {.row_group_rows_max = 3000}));
  EXPECT_EQ(query("SELECT string_agg(DISTINCT row_group_num_rows, ',' ORDER BY row_group_num_rows) "
                  "FROM parquet_metadata('" +
                  path("a.parquet") + "')")
                ->GetValue(0, 0)
                .ToString(),
            "1000,3000");
  auto sums = query("SELECT sum(i), count(*) FROM read_parquet('" + path("a.parquet") + "')");
  EXPECT_EQ(sums->GetValue(0, 0).ToString(), "49995000");
  EXPECT_EQ(sums->GetValue(1, 0).ToString(), "10000");
}

TEST_F(ParquetWriterTest, RowGroupsAreCutByBytes) {
  ASSERT_TRUE(write(*store_, "a.parquet", "SELECT repeat('x', 1000) AS s FROM range(8192)",
                    {.row_group_bytes_max = 1024 * 1024}));
  EXPECT_GE(query("SELECT count(*) FROM parquet_metadata('" + path("a.parquet") + "')")
                ->GetValue(0, 0)
                .GetValue<std::int64_t>(),
            2);
}

TEST_F(ParquetWriterTest, PagesAreCompressedAsToldTo) {
  const std::map<ParquetCompression, std::string> names = {
      {ParquetCompression::Zstd, "ZSTD"},      {ParquetCompression::Snappy, "SNAPPY"},
      {ParquetCompression::Gzip, "GZIP"},      {ParquetCompression::Brotli, "BROTLI"},
      {ParquetCompression::Lz4Raw, "LZ4_RAW"}, {ParquetCompression::None, "UNCOMPRESSED"}};
  for (const auto& [compression, name] : names) {
    ASSERT_TRUE(write(*store_, name, "SELECT range AS n FROM range(1000)", {.compression = compression}));
    const auto found = query("SELECT DISTINCT compression FROM parquet_metadata('" + path(name) + "')");
    EXPECT_EQ(found->GetValue(0, 0).ToString(), name);
    EXPECT_EQ(query("SELECT sum(n) FROM parquet_scan('" + path(name) + "')")->GetValue(0, 0).ToString(), "499500");
  }
}

TEST_F(ParquetWriterTest, ATableOfNoRowsIsAReadableFile) {
  const auto written = write(*store_, "a.parquet", "SELECT 1 AS a WHERE false");
  ASSERT_TRUE(written);
  EXPECT_EQ(written->row_count, 0u);
  EXPECT_EQ(query("SELECT * FROM read_parquet('" + path("a.parquet") + "')")->RowCount(), 0u);
}

TEST_F(ParquetWriterTest, RefusesTypesThatDeltaLacksByColumn) {
  for (const char* sql : {"SELECT 1::HUGEINT AS huge", "SELECT '{}'::JSON AS huge", "SELECT [1::UTINYINT] AS huge"}) {
    const auto written = write(*store_, "a.parquet", sql);
    ASSERT_FALSE(written) << sql;
    EXPECT_EQ(written.error().code(), ErrorCode::Unsupported);
    EXPECT_NE(written.error().message().find("column huge"), std::string::npos) << written.error().message();
  }
  EXPECT_TRUE(store_->list("", "")->empty());
}

TEST_F(ParquetWriterTest, AnAbandonedWriterLeavesNothing) {
  const Schema schema{{{"i", LogicalType::BIGINT, true, {}}}};
  {
    auto writer = ParquetWriter::create(*store_, "a.parquet", schema, {.row_group_rows_max = 2048});
    ASSERT_TRUE(writer);
    auto rows = query("SELECT range AS i FROM range(100000)");
    for (auto& chunk : rows->Collection().Chunks()) ASSERT_TRUE((*writer)->append(chunk));
    EXPECT_GT((*writer)->size_bytes_estimate(), 0u);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(ParquetWriterTest, AFailedWriteLeavesNothingAndKeepsItsCode) {
  std::size_t struck_count = 0;
  for (const store::Operation operation :
       {store::Operation::Create, store::Operation::Append, store::Operation::Finish}) {
    for (std::uint64_t nth = 1; nth <= 3; ++nth) {
      store::FaultStore faulty(
          *store_, {{operation, "a.parquet", nth, ErrorCode::ResourceExhausted, store::Fault::Moment::Before}});
      const auto written = write(faulty, "a.parquet", "SELECT (hash(range) >> 1)::BIGINT AS h FROM range(60000)",
                                 {.row_group_rows_max = 8192});
      EXPECT_EQ(written.has_value(), faulty.struck_count() == 0);
      if (written) {
        ASSERT_TRUE(store_->remove("a.parquet"));
      } else {
        ++struck_count;
        EXPECT_EQ(written.error().code(), ErrorCode::ResourceExhausted);
      }
      EXPECT_TRUE(store_->list("", "")->empty());
    }
  }
  EXPECT_GE(struck_count, 5u);  // the first create and finish, and each of three appends
}

TEST_F(ParquetWriterTest, EqualRowsGiveEqualBytes) {
  ASSERT_TRUE(write(*store_, "a.parquet", kEveryStoredType));
  ASSERT_TRUE(write(*store_, "b.parquet", kEveryStoredType));
  EXPECT_EQ(**store_->get("a.parquet"), **store_->get("b.parquet"));
}

}  // namespace
}  // namespace sluice::columnar
