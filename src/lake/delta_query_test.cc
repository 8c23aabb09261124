#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "columnar/parquet_writer.h"
#include "delta/data_path.h"
#include "delta/deletion_vector.h"
#include "delta/duckdb_schema.h"
#include "delta/table_definition.h"
#include "delta/transaction.h"
#include "lake/lake.h"
#include "lake/lake_test_table.h"
#include "store/fault_store.h"
#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/prefix_store.h"

namespace sluice::lake {
namespace {

using DeltaQueryTest = DeltaTableTest;

TEST_F(DeltaQueryTest, ATableIsTheRowsOfItsFiles) {
  create_table("SELECT 1 AS id, '' AS name");
  EXPECT_EQ(query("FROM t"), "");
  add_file("a.parquet", "SELECT 1 AS id, 'ann' AS name");
  add_file("b c%d.parquet", "FROM (VALUES (2, 'bob'), (3, NULL)) t(id, name)");
  EXPECT_EQ(query("FROM t ORDER BY id"), "1|ann\n2|bob\n3|NULL\n");
  EXPECT_EQ(query("SELECT count(*) FROM Main.t"), "3\n");
}

TEST_F(DeltaQueryTest, ATableCanBeDescribed) {
  create_table("SELECT 1 AS id, '' AS name");
  EXPECT_EQ(query("SELECT column_name, column_type FROM (DESCRIBE t)"), "id|INTEGER\nname|VARCHAR\n");
  EXPECT_EQ(query("SELECT column_name, column_type FROM (DESCRIBE SELECT name FROM t)"), "name|VARCHAR\n");
}

TEST_F(DeltaQueryTest, DeletedRowsAreInNoAnswer) {
  create_table("SELECT 1::BIGINT AS id");
  add_file("a.parquet", "SELECT range AS id FROM range(10)", {}, {0, 3, 9});
  EXPECT_EQ(query("SELECT list(id) FROM t"), "[1, 2, 4, 5, 6, 7, 8]\n");
  EXPECT_EQ(query("SELECT count(*) FROM t"), "7\n");
  EXPECT_EQ(query("SELECT min(id), max(id) FROM t"), "1|8\n");
  EXPECT_EQ(query("SELECT id FROM t WHERE id IN (3, 4, 9)"), "4\n");
  EXPECT_EQ(query("SELECT id FROM t ORDER BY id DESC LIMIT 2"), "8\n7\n");
}

TEST_F(DeltaQueryTest, DeletedRowsAreCountedByFilePositionAcrossRowGroups) {
  create_table("SELECT 1::BIGINT AS id");
  std::vector<std::uint64_t> deleted;
  for (std::uint64_t row = 1; row < 20000; row += 2) deleted.push_back(row);
  add_file("a.parquet", "SELECT range AS id FROM range(20000)", {}, deleted);
  EXPECT_EQ(query("SELECT count(*), sum(id % 2), max(id) FROM t"), "10000|0|19998\n");
  EXPECT_EQ(query("SELECT count(*) FROM t WHERE id > 12345"), "3827\n");
}

TEST_F(DeltaQueryTest, PartitionValuesComeFromTheLogAndFilterFiles) {
  create_table("SELECT 1 AS id, DATE '2024-01-01' AS day", {"day"});
  add_file("x/a.parquet", "SELECT 1 AS id", {{"day", "2024-02-29"}});
  add_file("x/b.parquet", "SELECT 2 AS id", {{"day", std::nullopt}});
  add_file("day=1999-01-01/c.parquet", "SELECT 3 AS id", {{"day", "2024-03-01"}});
  EXPECT_EQ(query("FROM t ORDER BY id"), "1|2024-02-29\n2|NULL\n3|2024-03-01\n");
  EXPECT_EQ(query("SELECT id FROM t WHERE day = DATE '2024-03-01'"), "3\n");
  EXPECT_EQ(query("SELECT id FROM t WHERE day IS NULL"), "2\n");
  EXPECT_EQ(query("SELECT day, count(*) FROM t GROUP BY day ORDER BY day"), "2024-02-29|1\n2024-03-01|1\nNULL|1\n");
}

TEST_F(DeltaQueryTest, ColumnsThatAFileLacksAreNull) {
  create_table("SELECT 1 AS id, {'a': 1} AS r");
  add_file("a.parquet", "SELECT 1 AS id, {'a': 1} AS r");
  alter_table("SELECT 1 AS id, {'a': 1, 'b': ''} AS r, '' AS name");
  add_file("b.parquet", "SELECT 'bob' AS name, 2 AS id, {'a': 2, 'b': 'x'} AS r");
  EXPECT_EQ(query("FROM t ORDER BY id"), "1|{'a': 1, 'b': NULL}|NULL\n2|{'a': 2, 'b': x}|bob\n");
  EXPECT_EQ(query("SELECT id FROM t WHERE name IS NULL"), "1\n");
  EXPECT_EQ(query("SELECT id FROM t WHERE name = 'bob'"), "2\n");
  EXPECT_EQ(query("SELECT count(name) FROM t"), "1\n");
}

TEST_F(DeltaQueryTest, NaNIsGreaterThanAnyNumber) {
  create_table("SELECT 1.0::DOUBLE AS d");
  add_file("a.parquet", "FROM (VALUES (1.0::DOUBLE), ('nan'), (NULL)) t(d)");
  EXPECT_EQ(query("SELECT d FROM t WHERE d > 5"), "nan\n");
}

TEST_F(DeltaQueryTest, AQuerySeesOneVersionOfATable) {
  create_table("SELECT 1 AS id");
  add_file("a.parquet", "SELECT 1 AS id");
  find_count_ = 0;
  EXPECT_EQ(query("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM main.t) + count(*) FROM t"), "3\n");
  EXPECT_EQ(find_count_, 1);
}

TEST_F(DeltaQueryTest, AStreamedResultKeepsItsVersion) {
  create_table("SELECT 1::BIGINT AS id");
  add_file("a.parquet", "SELECT range AS id FROM range(100000)");
  auto rows = lake_->query("SELECT id FROM t");
  ASSERT_TRUE(rows);
  std::uint64_t count = (*(*rows)->next())->size();
  add_file("b.parquet", "SELECT 1::BIGINT AS id");
  while (auto chunk = *(*rows)->next()) count += chunk->size();
  EXPECT_EQ(count, 100000u);
}

TEST_F(DeltaQueryTest, TablesJoinRelationsInExecute) {
  create_table("SELECT 1 AS id");
  add_file("a.parquet", "FROM (VALUES (1), (2), (3)) t(id)", {}, {1});
  auto names = connection_.Query("FROM (VALUES (1, 'ann'), (2, 'bob'), (3, 'cec')) t(id, name)");
  auto collection = &names->Collection();
  EXPECT_EQ(text_of(lake_->execute("SELECT name FROM quakes JOIN names USING (id) ORDER BY id", {},
                                   {Relation::of_table("quakes", {snapshot_, store_}),
                                    Relation::of_rows("names",
                                                      {{{"id", duckdb::LogicalType::INTEGER, true, {}},
                                                        {"name", duckdb::LogicalType::VARCHAR, true, {}}}},
                                                      *collection)})),
            "ann\ncec\n");
}

TEST_F(DeltaQueryTest, AScanGivesEveryLiveRowWithItsPlace) {
  create_table("SELECT 1::BIGINT AS id, 1 AS part", {"part"});
  add_file("a.parquet", "SELECT range AS id FROM range(5000)", {{"part", "7"}}, {0, 4999});
  add_file("b.parquet", "SELECT -1::BIGINT AS id", {{"part", "8"}});
  std::map<std::string, std::uint64_t> row_counts;
  const Status scanned = lake_->scan_table(
      {snapshot_, store_},
      [&](duckdb::DataChunk& rows, const delta::AddFile& file, std::span<const std::uint64_t> positions) -> Status {
        EXPECT_EQ(rows.ColumnCount(), 2u);
        EXPECT_EQ(positions.size(), rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
          const auto id = rows.GetValue(0, i).GetValue<std::int64_t>();
          EXPECT_EQ(positions[i], id < 0 ? 0u : static_cast<std::uint64_t>(id));
          EXPECT_EQ(rows.GetValue(1, i).ToString(), id < 0 ? "8" : "7");
        }
        row_counts[file.path] += rows.size();
        return ok();
      });
  ASSERT_TRUE(scanned) << scanned.error().message();
  EXPECT_EQ(row_counts, (std::map<std::string, std::uint64_t>{{"a.parquet", 4998}, {"b.parquet", 1}}));
}

TEST_F(DeltaQueryTest, AScanEndsWithTheSinksErrorOrAStop) {
  create_table("SELECT 1::BIGINT AS id");
  const auto refuse = [](duckdb::DataChunk&, const delta::AddFile&, std::span<const std::uint64_t>) -> Status {
    return Error(ErrorCode::DataError, "enough");
  };
  EXPECT_TRUE(lake_->scan_table({snapshot_, store_}, refuse));
  add_file("a.parquet", "SELECT range AS id FROM range(5000)");
  const Status refused = lake_->scan_table({snapshot_, store_}, refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "enough");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(lake_->scan_table({snapshot_, store_}, refuse, stop.get_token()).error().code(), ErrorCode::Cancelled);
}

TEST_F(DeltaQueryTest, ColumnsMayBeCalledLikeDuckDbsVirtualOnes) {
  create_table("SELECT 1 AS file_row_number, 2 AS file_index, 3 AS filename");
  add_file("a.parquet", "SELECT 1 AS file_row_number, 2 AS file_index, 3 AS filename");
  EXPECT_EQ(query("SELECT file_row_number, file_index, filename FROM t"), "1|2|3\n");
  std::vector<std::uint64_t> places;
  ASSERT_TRUE(lake_->scan_table(
      {snapshot_, store_},
      [&](duckdb::DataChunk& rows, const delta::AddFile&, std::span<const std::uint64_t> positions) -> Status {
        EXPECT_EQ(rows.GetValue(0, 0).ToString(), "1");
        places.assign(positions.begin(), positions.end());
        return ok();
      }));
  EXPECT_EQ(places, std::vector<std::uint64_t>{0});
}

TEST_F(DeltaQueryTest, ADamagedFileIsNamed) {
  create_table("SELECT 1::BIGINT AS id");
  add_file("a.parquet", "SELECT range AS id FROM range(20000)");
  const Bytes whole = **store_->get("a.parquet");
  const auto scan = [&] {
    return lake_->scan_table({snapshot_, store_}, [](duckdb::DataChunk&, const delta::AddFile&,
                                                     std::span<const std::uint64_t>) { return ok(); });
  };
  const auto query_fails = [&](const Status& status) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::Corruption) << status.error().message();
    EXPECT_NE(status.error().message().find("a.parquet"), std::string::npos) << status.error().message();
  };
  for (const Bytes& damaged : {Bytes(), Bytes("PAR1"), whole.substr(0, whole.size() / 2), Bytes(whole.size(), 'x'),
                               Bytes(whole).replace(4, 400, 400, '\xFF')}) {
    ASSERT_TRUE(store_->put("a.parquet", damaged));
    query_fails(scan());
    auto rows = lake_->query("SELECT sum(id) FROM t");
    query_fails(rows ? Status((*rows)->next().error()) : Status(rows.error()));
  }
  ASSERT_TRUE(store_->remove("a.parquet"));
  const Status missing = scan();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::Corruption);
  EXPECT_EQ(missing.error().number(), 4208u);
  EXPECT_EQ(code_of("SELECT sum(id) FROM t"), ErrorCode::Corruption);
  EXPECT_NE(missing.error().message().find("a.parquet"), std::string::npos) << missing.error().message();
}

TEST_F(DeltaQueryTest, APassedOverLogCheckpointIsToldOnce) {
  create_table("SELECT 1 AS id");
  add_file("a.parquet", "SELECT 1 AS id");
  ASSERT_TRUE(store_->put("_delta_log/00000000000000000001.checkpoint.parquet", "garbage"));
  std::vector<std::string> warnings;
  LakeOptions options;
  options.find_table = [this](const auto&, const std::string&) -> Result<std::optional<DeltaTable>> {
    auto snapshot = delta::Snapshot::load(*store_);
    if (!snapshot) return std::move(snapshot).error();
    return std::optional(DeltaTable{std::move(*snapshot), store_});
  };
  options.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  lake_ = std::move(*Lake::create(std::move(options)));
  EXPECT_EQ(query("FROM t"), "1\n");
  EXPECT_EQ(query("FROM t"), "1\n");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("main.t: the log checkpoint _delta_log/00000000000000000001.checkpoint.parquet"),
            std::string::npos)
      << warnings[0];
}

TEST_F(DeltaQueryTest, TheCatalogListsTheTablesThereAre) {
  create_table("SELECT 1::BIGINT AS id, [''] AS names");
  EXPECT_EQ(query("SHOW TABLES"), "main|t\n");
  EXPECT_EQ(query("SHOW TABLES FROM main"), "main|t\n");
  EXPECT_EQ(query("SHOW TABLES FROM sluice"), "");
  EXPECT_EQ(query("SELECT schema, name, column_names, array_to_string(column_types, ' ') FROM (SHOW ALL TABLES)"),
            "main|t|[id, names]|BIGINT VARCHAR[]\n");
  EXPECT_EQ(query("SELECT table_schema, table_name FROM information_schema.tables"), "main|t\n");
  EXPECT_EQ(query("SELECT column_name, ordinal_position, data_type FROM information_schema.columns ORDER BY 2"),
            "id|1|BIGINT\nnames|2|VARCHAR[]\n");
  EXPECT_EQ(query("SELECT column_name, column_type FROM (DESCRIBE t)"), "id|BIGINT\nnames|VARCHAR[]\n");
}

TEST_F(DeltaQueryTest, AVersionIsNamedByAt) {
  create_table("SELECT 1 AS id");
  add_file("a.parquet", "SELECT 1 AS id");
  add_file("b.parquet", "SELECT 2 AS id");
  EXPECT_EQ(query("SELECT t.id FROM t AT (VERSION => 1)"), "1\n");
  EXPECT_EQ(query("FROM Main.t AT (VERSION => 0)"), "");
  EXPECT_EQ(query("SELECT count(*), (SELECT count(*) FROM t AT (VERSION => 1)) FROM t"), "2|1\n");
  EXPECT_EQ(query("WITH old AS (FROM t AT (VERSION => 1)) SELECT a.id FROM t a ANTI JOIN old USING (id)"), "2\n");
  EXPECT_EQ(query("SELECT id FROM t AT (VERSION => 1) UNION ALL SELECT -id FROM t AS x AT (VERSION => 1)"), "1\n-1\n");
  EXPECT_EQ(query("SELECT t.id FROM t AT (VERSION => 2 - 1)"), "1\n");
  EXPECT_EQ(number_of("FROM t AT (VERSION => 3)"), 145u);
  EXPECT_EQ(number_of("FROM t AT (VERSION => -1)"), 145u);
  EXPECT_EQ(number_of("FROM t AT (VERSION => NULL)"), 146u);
  EXPECT_EQ(number_of("FROM t AT (VERSION => '1')"), 146u);
  EXPECT_EQ(number_of("FROM t AT (VERSION => 1e30::HUGEINT)"), 146u);
  EXPECT_EQ(number_of("FROM s AT (VERSION => 1)"), 1040u);
}

TEST_F(DeltaQueryTest, ATimeIsNamedByAt) {
  // The clock, by which the store dates its objects, starts at 2023-11-14 22:13:20.
  create_table("SELECT 1 AS id");
  clock_.advance(std::chrono::hours(1));
  add_file("a.parquet", "SELECT 1 AS id");
  clock_.advance(std::chrono::hours(1));
  add_file("b.parquet", "SELECT 2 AS id");
  EXPECT_EQ(query("FROM t AT (TIMESTAMP => '2023-11-14 23:13:19.999')"), "");
  EXPECT_EQ(query("FROM t AT (TIMESTAMP => TIMESTAMP '2023-11-14 23:13:20')"), "1\n");
  EXPECT_EQ(query("FROM t AT (TIMESTAMP => DATE '2023-11-14' + INTERVAL 24 HOURS)"), "1\n");
  EXPECT_EQ(query("SELECT count(*), (SELECT count(*) FROM t AT (TIMESTAMP => '2023-11-15 01:00:00+01')) FROM t"),
            "2|1\n");
  EXPECT_EQ(number_of("FROM t AT (TIMESTAMP => '2023-11-14')"), 145u);
  EXPECT_EQ(number_of("FROM t AT (TIMESTAMP => now())"), 145u);
  EXPECT_EQ(number_of("FROM t AT (TIMESTAMP => 'soon')"), 146u);
  EXPECT_EQ(number_of("FROM t AT (TIMESTAMP => 'infinity')"), 146u);
  EXPECT_EQ(number_of("FROM t AT (TIMESTAMP => NULL)"), 146u);
  EXPECT_NE(number_of("FROM t AT (TIMESTAMP => id)"), 0u);
}

TEST_F(DeltaQueryTest, AStoresFailureKeepsItsCode) {
  create_table("SELECT 1::BIGINT AS id");
  add_file("a.parquet", "SELECT range AS id FROM range(20000)");
  auto inner = store_;
  for (const store::Operation operation : {store::Operation::Open, store::Operation::Read}) {
    store_ = std::make_shared<store::FaultStore>(
        *inner, std::vector<store::Fault>{
                    {operation, "a.parquet", 1, ErrorCode::PermissionDenied, store::Fault::Moment::Before}});
    EXPECT_EQ(code_of("SELECT sum(id) FROM t"), ErrorCode::PermissionDenied);
  }
  store_ = inner;
}

TEST_F(DeltaQueryTest, ReadsAFolderByPathAndVersion) {
  std::string folder = testing::TempDir() + "lake_query_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::shared_ptr<store::LocalStore> root = std::move(*store::LocalStore::create(std::string(folder)));
  store_ = std::make_shared<store::PrefixStore>(*root, "my tables/t");
  create_table("SELECT 1 AS id");
  add_file("a.parquet", "SELECT 1 AS id");
  add_file("b.parquet", "SELECT 2 AS id");
  LakeOptions options;
  options.working_folder = folder;
  auto lake = std::move(*Lake::create(std::move(options)));
  EXPECT_EQ(text_of(lake->query("FROM read_delta('my tables/t') ORDER BY id")), "1\n2\n");
  EXPECT_EQ(text_of(lake->query("FROM read_delta('./x/../my tables/t/', version => 1)")), "1\n");
  EXPECT_EQ(text_of(lake->query("SELECT count(*) FROM read_delta('file://" + folder + "/my tables/t')")), "2\n");
  for (const char* none : {"nowhere", "my tables"}) {
    auto rows = lake->query("FROM read_delta('" + std::string(none) + "')");
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().code(), ErrorCode::NotFound) << rows.error().message();
  }
  EXPECT_EQ(lake->query("FROM read_delta('my tables/t', version => 9)").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(lake->query("FROM read_delta('my tables/t', version => 9)").error().number(), 145u);
  EXPECT_FALSE(std::filesystem::exists(folder + "/nowhere"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::lake
