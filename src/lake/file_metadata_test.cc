// The hidden column _metadata of tables of an attached folder and of read_delta().
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb/common/types/value.hpp>

#include "delta/data_path.h"
#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

class FileMetadataTest : public AttachedTest {
 protected:
  void SetUp() override {
    AttachedTest::SetUp();
    change("USE lake");
    change(
        "CREATE TABLE t (id BIGINT, s VARCHAR, p VARCHAR) PARTITIONED BY (p) "
        "WITH ('delta.enableDeletionVectors' = 'true')");
    change("INSERT INTO t SELECT i, 's' || i, 'p/ ' || (i % 2) FROM range(10) AS r(i)");
    change("INSERT INTO t SELECT i, NULL, 'p/ ' || (i % 2) FROM range(10, 20) AS r(i)");
    change("DELETE FROM t WHERE id % 5 = 3");
  }

  std::vector<delta::AddFile> files() {
    std::vector<delta::AddFile> all;
    const auto table = snapshot("t");
    for (const delta::AddFile& file : table->files()) all.push_back(file);
    return all;
  }
};

TEST_F(FileMetadataTest, SaysWhatTheLogSaysOfTheFile) {
  std::string expected;
  for (const delta::AddFile& file : files()) {
    const std::string path = "file://" + (folder_ / "t").string() + "/" + file.path;
    expected += path + "|" + path.substr(path.rfind('/') + 1) + "|" + std::to_string(file.size_bytes) + "|0|" +
                std::to_string(file.size_bytes) + "|" +
                std::to_string(file.modification_time.time_since_epoch().count()) + "|4\n";
  }
  const auto query = [](const std::string& table) {
    return "SELECT _metadata.file_path, _metadata.file_name, _metadata.file_size, _metadata.file_block_start, "
           "_metadata.file_block_length, epoch_ms(_metadata.file_modification_time), count(*) FROM " +
           table + " GROUP BY ALL";
  };
  const auto sorted = [&](const std::string& lines) {
    return run("SELECT unnest(list_sort(string_split(" + duckdb::Value(lines).ToSQLString() + ", chr(10)))[2:])");
  };
  EXPECT_EQ(sorted(run(query("t"))), sorted(expected));
  EXPECT_EQ(sorted(run(query("read_delta('t')"))), sorted(expected));
  EXPECT_EQ(run("SELECT count(DISTINCT _metadata.file_path) FROM t AT (VERSION => 1)"), "2\n");
}

TEST_F(FileMetadataTest, IsHidden) {
  EXPECT_EQ(run("SELECT column_name FROM (DESCRIBE t)"), "id\ns\np\n");
  EXPECT_EQ(run("SELECT column_name FROM (DESCRIBE SELECT * FROM t)"), "id\ns\np\n");
  EXPECT_EQ(run("SELECT column_name FROM (DESCRIBE SELECT * FROM read_delta('t'))"), "id\ns\np\n");
  EXPECT_NE(run("SELECT _metadata FROM table_changes('t', 0)").find("error"), std::string::npos);
}

TEST_F(FileMetadataTest, AColumnOfThatNameTakesItsPlace) {
  change("CREATE TABLE own AS SELECT 7 AS _metadata, 8 AS b");
  EXPECT_EQ(run("SELECT _metadata, * FROM own"), "7|7|8\n");
  EXPECT_EQ(run("SELECT b FROM own WHERE _metadata = 7"), "8\n");
  EXPECT_EQ(run("SELECT _metadata FROM read_delta('own')"), "7\n");
}

TEST_F(FileMetadataTest, ConditionsOnItMeanWhatTheyMeanToDuckDb) {
  change("CREATE TEMP TABLE m AS SELECT *, _metadata AS _metadata FROM t");
  const std::string name = files()[0].path.substr(files()[0].path.rfind('/') + 1);
  const std::string size = std::to_string(files()[1].size_bytes);
  for (const std::string& condition : {
           "_metadata.file_name = '" + name + "'",
           "_metadata.file_name <> '" + name + "' AND id > 4",
           "_metadata.file_size = " + size,
           "_metadata.file_size <> " + size,
           "_metadata.file_size IN (1, " + size + ")",
           std::string("_metadata.file_path LIKE '%25%'"),
           std::string("_metadata.file_path LIKE '%p=p%0/part%' OR id = 1"),
           std::string("_metadata IS NULL"),
           std::string("_metadata IS NOT NULL AND s IS NULL"),
           std::string("_metadata.file_block_start = 0 AND p = 'p/ 1'"),
           std::string("_metadata.file_block_length < _metadata.file_size"),
           std::string("_metadata.file_size > id"),
           std::string("_metadata = (SELECT max(_metadata) FROM m)"),
           std::string("_metadata.file_name IN (SELECT min(_metadata.file_name) FROM m)"),
           std::string("_metadata.file_modification_time <= now()"),
           std::string("_metadata.file_modification_time > now() AND id >= 0"),
           std::string("length(_metadata.file_name) % 2 = 0 OR s = 's4'"),
       }) {
    for (const std::string columns : {"id, p", "_metadata, id", "count(*)", "_metadata.file_name, s"}) {
      const auto query = [&](const std::string& table) {
        return "SELECT " + columns + " FROM " + table + " WHERE " + condition + " ORDER BY ALL";
      };
      const std::string expected = run(query("m"));
      ASSERT_FALSE(expected.starts_with("error")) << expected;
      EXPECT_EQ(run(query("t")), expected) << condition;
      EXPECT_EQ(run(query("read_delta('t')")), expected) << condition;
    }
  }
  EXPECT_NE(run("SELECT id FROM t WHERE _metadata.file_name::INTEGER = 1").find("Could not convert"),
            std::string::npos);
}

TEST_F(FileMetadataTest, FilesThatConditionsRuleOutAreNotOpened) {
  const std::string path = files()[2].path;
  const std::string name = path.substr(path.rfind('/') + 1);
  ASSERT_TRUE(std::filesystem::remove(folder_ / "t" / delta::resolve_path(path)->path));
  EXPECT_NE(run("SELECT count(s) FROM t").find(name), std::string::npos);
  EXPECT_EQ(run("SELECT count(id) FROM t WHERE _metadata.file_name <> '" + name + "'"), "12\n");
  EXPECT_EQ(run("SELECT count(id) FROM t WHERE _metadata.file_name NOT LIKE '%" + name.substr(10) + "'"), "12\n");
}

TEST_F(FileMetadataTest, RowsAreChangedByTheirFile) {
  const std::string name = files()[0].path.substr(files()[0].path.rfind('/') + 1);
  EXPECT_EQ(run("UPDATE t SET s = _metadata.file_name WHERE _metadata.file_name = '" + name + "'"), "4\n");
  EXPECT_EQ(run("SELECT count(*) FROM t WHERE s = '" + name + "'"), "4\n");
  EXPECT_EQ(run("DELETE FROM t WHERE _metadata.file_modification_time = (SELECT max(_metadata.file_modification_time) "
                "FROM t) AND s IS NOT NULL"),
            "4\n");
  EXPECT_EQ(run("MERGE INTO t USING (SELECT max(_metadata.file_path) AS f FROM t) AS n ON t._metadata.file_path = n.f "
                "WHEN MATCHED THEN DELETE"),
            "4\n");
  EXPECT_EQ(run("SELECT count(*) FROM t"), "8\n");
  expect_sound("t");
}

}  // namespace
}  // namespace sluice::lake
