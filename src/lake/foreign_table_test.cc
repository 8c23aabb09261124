#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "delta/action_json.h"
#include "delta/deletion_vector.h"
#include "delta/duckdb_schema.h"
#include "delta/log_path.h"
#include "lake/lake.h"
#include "store/local_store.h"

namespace sluice::lake {
namespace {

using ::testing::HasSubstr;

/// A table such as other writers leave behind and sluice would not write: log and files are made by hand, in a folder.
class ForeignTableTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "foreign_table_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    store_ = std::move(*store::LocalStore::create(folder_ + "/t"));
    LakeOptions options;
    options.working_folder = folder_;
    lake_ = std::move(*Lake::create(std::move(options)));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  delta::DataType schema_of(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << result->GetError();
    columnar::Schema schema;
    for (std::size_t i = 0; i < result->types.size(); ++i) {
      schema.fields.push_back({result->names[i], result->types[i], true, {}});
    }
    return *delta::delta_schema(schema);
  }

  /// Metadata of a table with the columns of the query.
  delta::Metadata metadata(const std::string& columns, std::map<std::string, std::string> configuration = {}) {
    delta::Metadata metadata;
    metadata.id = "a table";
    metadata.schema_string = delta::write_schema(schema_of(columns));
    metadata.configuration = std::move(configuration);
    return metadata;
  }

  /// Writes the query's rows to a file, and returns the action that adds it.
  delta::AddFile file(const std::string& name, const std::string& sql, delta::PartitionValues partition = {},
                      const std::string& options = "") {
    std::filesystem::create_directories(folder_ + "/t");
    auto written =
        connection_.Query("COPY (" + sql + ") TO '" + folder_ + "/t/" + name + "' (FORMAT parquet" + options + ")");
    EXPECT_FALSE(written->HasError()) << written->GetError();
    delta::AddFile add;
    add.path = name;
    add.partition_values = std::move(partition);
    return add;
  }

  static delta::RemoveFile removal_of(const delta::AddFile& add) {
    delta::RemoveFile remove;
    remove.path = add.path;
    remove.partition_values = add.partition_values;
    remove.deletion_vector = add.deletion_vector;
    return remove;
  }

  /// Puts the next commit into the log; the first also says the protocol.
  void commit(std::vector<delta::Action> actions) {
    if (next_ == delta::Version(0)) actions.emplace_back(delta::Protocol());
    ASSERT_TRUE(store_->put(delta::commit_key(next_), delta::write_actions(actions)));
    next_ = next_.next();
  }

  /// Sets when the commit was written.
  void date(std::int64_t version, std::chrono::sys_seconds time) {
    const std::string path = folder_ + "/t/" + delta::commit_key(delta::Version(version));
    std::filesystem::last_write_time(path, std::chrono::file_clock::from_sys(time));
  }

  /// Returns the answer's rows, or the error that took its place.
  std::string query(const std::string& sql) {
    auto rows = lake_->query(sql);
    if (!rows) return error_text(rows.error());
    std::string text;
    while (true) {
      auto chunk = (*rows)->next();
      if (!chunk) return error_text(chunk.error());
      if (!*chunk) return text;
      for (std::size_t row = 0; row < (*chunk)->size(); ++row) {
        for (std::size_t column = 0; column < (*chunk)->ColumnCount(); ++column) {
          text += (column == 0 ? "" : "|") + (*chunk)->GetValue(column, row).ToString();
        }
        text += "\n";
      }
    }
  }
  static std::string error_text(const Error& error) {
    return "SLU" + std::to_string(error.number()) + " " + std::string(to_string(error.code())) + ": " + error.message();
  }

  /// Returns the rows of change files as lines "+a|b" and "-a|b", or the error that took their place.
  std::string changed_rows(const std::vector<delta::ChangeFile>& files, const NeededColumns& needed = {}) {
    std::string text;
    const auto snapshot = delta::Snapshot::load(*store_);
    EXPECT_TRUE(snapshot);
    const Status scanned = lake_->scan_changed_rows({*snapshot, store_}, files, needed, [&](auto& changes) {
      for (std::size_t row = 0; row < changes.size(); ++row) {
        text += changes.weight(row) > 0 ? "+" : "-";
        for (std::size_t column = 0; column < changes.rows().ColumnCount(); ++column) {
          text += (column == 0 ? "" : "|") + changes.rows().GetValue(column, row).ToString();
        }
        text += "\n";
      }
      return ok();
    });
    return scanned ? text : error_text(scanned.error());
  }

  std::string folder_;
  std::shared_ptr<store::ObjectStore> store_;
  delta::Version next_{0};
  std::unique_ptr<Lake> lake_;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

const std::map<std::string, std::string> kFeedOn = {{"delta.enableChangeDataFeed", "true"}};

TEST_F(ForeignTableTest, AFeedReadsEachFileAsTheTableWasPartitionedThen) {
  auto schema = metadata("SELECT 1 AS id, '' AS p", kFeedOn);
  const auto plain = file("a.parquet", "SELECT 1 AS id, 'x' AS p");
  commit({schema, plain});
  schema.partition_columns = {"p"};
  const auto partitioned = file("b.parquet", "SELECT 2 AS id", {{"p", "y"}});
  commit({schema, removal_of(plain), partitioned});
  schema.partition_columns = {};
  commit({schema, removal_of(partitioned), file("c.parquet", "SELECT 3 AS id, 'z' AS p")});
  EXPECT_EQ(query("SELECT id, p, _change_type, _commit_version FROM table_changes('t', 0) ORDER BY id, 3 DESC"),
            "1|x|insert|0\n1|x|delete|1\n2|y|insert|1\n2|y|delete|2\n3|z|insert|2\n");
  EXPECT_EQ(query("SELECT id, _commit_version FROM table_changes('t', 0) WHERE p = 'x' ORDER BY 2"), "1|0\n1|1\n");
}

TEST_F(ForeignTableTest, AFeedGivesTheRowsInWhichDeletionVectorsDiffer) {
  auto before = file("a.parquet", "SELECT range::INTEGER AS id FROM range(5000)");
  before.deletion_vector = delta::inline_deletion_vector(delta::DeletionVector(std::vector<std::uint64_t>{1, 4000}));
  auto after = before;
  after.deletion_vector = delta::inline_deletion_vector(delta::DeletionVector(std::vector<std::uint64_t>{1, 2, 4999}));
  commit({metadata("SELECT 1 AS id", kFeedOn), before});
  commit({removal_of(before), after});
  EXPECT_EQ(query("SELECT id, _change_type FROM table_changes('t', 1, 1) ORDER BY id"),
            "2|delete\n4000|insert\n4999|delete\n");
  EXPECT_EQ(query("SELECT count(*) FROM table_changes('t', 0, 0)"), "4998\n");
}

TEST_F(ForeignTableTest, AFeedThatIsNotThereIsAnErrorThatSaysWhy) {
  commit({metadata("SELECT 1 AS id"), file("a.parquet", "SELECT 1 AS id")});
  commit({metadata("SELECT 1 AS id", kFeedOn)});
  EXPECT_THAT(query("FROM table_changes('t', 0)"),
              HasSubstr("SLU4209 InvalidArgument: table_changes('t'): the change"));
  EXPECT_THAT(query("FROM table_changes('t', 0)"), HasSubstr("off at version 0"));
  EXPECT_EQ(query("FROM table_changes('t', 1)"), "");
  EXPECT_EQ(query("FROM table_changes('t', 1, 99)"), "");
  EXPECT_THAT(query("FROM table_changes('t', -1)"), HasSubstr("SLU145 NotFound"));
  EXPECT_THAT(query("FROM table_changes('t', 1, 0)"), HasSubstr("end at version 0"));
  EXPECT_THAT(query("FROM table_changes('t', 7)"), HasSubstr("end at version 1"));
  EXPECT_THAT(query("FROM table_changes('t', NULL)"), HasSubstr("an argument is NULL"));
  EXPECT_THAT(query("FROM table_changes('nowhere', 0)"), HasSubstr("SLU144 NotFound"));
  std::filesystem::create_directories(folder_ + "/empty");
  EXPECT_THAT(query("FROM table_changes('empty', 0)"), HasSubstr("SLU144 NotFound"));
}

TEST_F(ForeignTableTest, ChangedRowsComeWithTheWeightThatTheirFileGivesThem) {
  using Kind = delta::ChangeFile::Kind;
  const auto plain = file("a.parquet", "SELECT * FROM (VALUES (1, 'x'), (2, 'y')) t(id, p)");
  file("b.parquet", "SELECT 3 AS id");
  file("c.parquet",
       "FROM (VALUES (4, 'update_preimage'), (5, 'update_postimage'), (6, 'insert'), (7, 'delete')) "
       "t(id, _change_type)");
  file("d.parquet", "SELECT 8 AS id, 'moved' AS _change_type");
  commit({metadata("SELECT 1 AS id, '' AS p"), plain});
  const auto second_row = delta::inline_deletion_vector(delta::DeletionVector(std::vector<std::uint64_t>{1}));
  const delta::ChangeFile gone{Kind::Delete, "a.parquet", {}, second_row, std::nullopt};
  const delta::ChangeFile come{Kind::Insert, "b.parquet", {{"p", "z"}}, std::nullopt, std::nullopt};
  const delta::ChangeFile recorded{Kind::Recorded, "c.parquet", {{"p", "w"}}, std::nullopt, std::nullopt};
  EXPECT_EQ(changed_rows({gone, come}), "-2|y\n+3|z\n");
  EXPECT_EQ(changed_rows({come, recorded}), "+3|z\n-4|w\n+5|w\n+6|w\n-7|w\n");
  EXPECT_EQ(changed_rows({gone, come, recorded}, {false, true}),
            "-NULL|y\n+NULL|z\n-NULL|w\n+NULL|w\n+NULL|w\n-NULL|w\n");
  EXPECT_EQ(changed_rows({gone, come}, {false, false}), "-NULL|NULL\n+NULL|NULL\n");
  EXPECT_EQ(changed_rows({}), "");
  EXPECT_THAT(changed_rows({{Kind::Recorded, "d.parquet", {}, std::nullopt, std::nullopt}}),
              HasSubstr("Corruption: file d.parquet of the change data feed says \"moved\" of a row"));
}

TEST_F(ForeignTableTest, ATimeMeansTheVersionThatWasNewestThen) {
  using std::chrono::sys_days;
  commit({metadata("SELECT 1 AS id"), file("a.parquet", "SELECT 1 AS id")});
  commit({file("b.parquet", "SELECT 2 AS id")});
  date(0, sys_days(std::chrono::year(2024) / 1 / 1));
  date(1, sys_days(std::chrono::year(2024) / 2 / 1));
  EXPECT_EQ(query("FROM read_delta('t', as_of => '2024-01-31 23:59:59.999999')"), "1\n");
  EXPECT_EQ(query("FROM read_delta('t', as_of => TIMESTAMPTZ '2024-02-01 01:00:00+01') ORDER BY id"), "1\n2\n");
  EXPECT_THAT(query("FROM read_delta('t', as_of => '2023-12-31')"), HasSubstr("SLU145 NotFound"));
  EXPECT_THAT(query("FROM read_delta('t', as_of => '2024-02-01 00:00:00.001')"), HasSubstr("after the newest"));
  EXPECT_THAT(query("FROM read_delta('t', as_of => 'infinity')"), HasSubstr("as_of is infinite"));
  EXPECT_THAT(query("FROM read_delta('t', as_of => NULL)"), HasSubstr("as_of is NULL"));
  EXPECT_THAT(query("FROM read_delta('t', version => 0, as_of => '2024-01-31')"), HasSubstr("not both"));
}

TEST_F(ForeignTableTest, RowIdsAreThoseOfTheLogUnlessAFileHasItsOwn) {
  const std::map<std::string, std::string> tracking = {
      {"delta.enableRowTracking", "true"},
      {"delta.rowTracking.materializedRowIdColumnName", "_row-id"},
      {"delta.rowTracking.materializedRowCommitVersionColumnName", "_row-version"}};
  auto fresh = file("a.parquet", "FROM (VALUES ('a'), ('b')) t(name)");
  fresh.base_row_id = 10;
  fresh.default_row_commit_version = 0;
  auto rewritten = file("b.parquet", "SELECT 'c' AS name, 7 AS \"_row-id\", NULL::BIGINT AS \"_row-version\"");
  rewritten.base_row_id = 12;
  rewritten.default_row_commit_version = 1;
  commit({metadata("SELECT '' AS name", tracking), fresh, rewritten});
  EXPECT_EQ(query("FROM read_delta('t', row_tracking => true) ORDER BY name"), "10|0|a\n11|0|b\n7|1|c\n");
  EXPECT_EQ(query("SELECT name FROM read_delta('t', row_tracking => true) WHERE _row_id = 11"), "b\n");
  EXPECT_EQ(query("FROM read_delta('t', row_tracking => false) ORDER BY name"), "a\nb\nc\n");

  const auto untracked = file("c.parquet", "SELECT 'd' AS name");
  commit({untracked});
  EXPECT_THAT(query("FROM read_delta('t', row_tracking => true)"), HasSubstr("data file c.parquet has no base row id"));
  commit({metadata("SELECT '' AS name, 1 AS _ROW_ID", tracking), removal_of(untracked)});
  EXPECT_THAT(query("FROM read_delta('t', row_tracking => true)"), HasSubstr("of a table with a column \"_row_id\""));
  commit({metadata("SELECT '' AS name")});
  EXPECT_THAT(query("FROM read_delta('t', row_tracking => true)"), HasSubstr("the table has no row tracking"));
}

TEST_F(ForeignTableTest, AFileMayHaveANarrowerTypeButNoneThatLosesValues) {
  commit({metadata("SELECT 1.0::DOUBLE AS d, 1::BIGINT AS i, '' AS s"),
          file("a.parquet", "SELECT 1::INTEGER AS d, 2::TINYINT AS i, 'x' AS s"),
          file("b.parquet", "SELECT 1.5::FLOAT AS d, NULL::UINTEGER AS i, NULL::VARCHAR AS s")});
  EXPECT_EQ(query("FROM read_delta('t') ORDER BY d"), "1.0|2|x\n1.5|NULL|NULL\n");
  EXPECT_EQ(query("SELECT d FROM read_delta('t') WHERE d > 1.25"), "1.5\n");
  commit({file("c.parquet", "SELECT 9007199254740993::BIGINT AS d, 1 AS i, '' AS s")});
  EXPECT_THAT(query("SELECT d FROM read_delta('t')"),
              HasSubstr("data file c.parquet: column \"d\" is BIGINT in the file, which cannot be read as DOUBLE"));
  EXPECT_EQ(query("SELECT i FROM read_delta('t') ORDER BY i"), "1\n2\nNULL\n") << "the column is not asked for";
}

TEST_F(ForeignTableTest, DatesOfTheJulianCalendarAreCorrectedWhereverTheyAre) {
  // The Julian first of March 1500 is the Gregorian 11th, which is how DuckDB writes it.
  const std::string rows =
      "SELECT d, {'n': 1, 'd': d, 'm': {'t': d::TIMESTAMP, 's': 'x'}} AS r, [{'s': 'x', 'd': d}, NULL] AS l, "
      "MAP {coalesce(d, DATE '2000-01-01'): d} AS k, 7 AS i FROM (VALUES (DATE '1500-03-11'), ('1582-10-14'), "
      "('1582-10-15'), (NULL)) v(d)";
  commit({metadata(rows), file("a.parquet", rows, {}, ", KV_METADATA {'org.apache.spark.version': '2.4.5'}")});
  EXPECT_EQ(query("SELECT d FROM read_delta('t') ORDER BY d"), "1500-03-01\n1582-10-04\n1582-10-15\nNULL\n");
  EXPECT_EQ(query("SELECT r, l, k, i FROM read_delta('t') WHERE d < '1500-03-02'"),
            "{'n': 1, 'd': 1500-03-01, 'm': {'t': '1500-03-01 00:00:00', 's': x}}|[{'s': x, 'd': 1500-03-01}, NULL]|"
            "{1500-03-01=1500-03-01}|7\n");
  EXPECT_EQ(query("SELECT r.d, r.m.t, l[1].d, i FROM read_delta('t') WHERE r.m.t = '1500-03-01'"),
            "1500-03-01|1500-03-01 00:00:00|1500-03-01|7\n");
  EXPECT_EQ(query("SELECT r.m.s, k[DATE '1582-10-04'] FROM read_delta('t') WHERE r.d = '1582-10-04'"),
            "x|1582-10-04\n");
}

TEST_F(ForeignTableTest, APartitionColumnThatTheLogLeavesOutIsNullUnlessTheFileHasIt) {
  auto schema = metadata("SELECT 1 AS id, '' AS p");
  schema.partition_columns = {"p"};
  commit({schema, file("a.parquet", "SELECT 1 AS id", {{"p", "x"}}), file("b.parquet", "SELECT 2 AS id"),
          file("c.parquet", "SELECT 3 AS id, 'z' AS p"), file("d.parquet", "SELECT 4 AS id, 'w' AS p", {{"p", "y"}})});
  EXPECT_EQ(query("FROM read_delta('t') ORDER BY id"), "1|x\n2|NULL\n3|z\n4|y\n");
  EXPECT_EQ(query("SELECT id FROM read_delta('t') WHERE p >= 'y' ORDER BY id"), "3\n4\n");
}

TEST_F(ForeignTableTest, OfATableWithoutColumnsThereIsNothingToSelect) {
  auto table = metadata("SELECT 1 AS id");
  table.schema_string = delta::write_schema(delta::DataType::structure({}));
  commit({table});
  EXPECT_THAT(query("FROM read_delta('t')"), HasSubstr("Unsupported: the table has no columns"));
}

TEST_F(ForeignTableTest, FilesOfATableThatIsMappedByIdNeedIds) {
  auto table = metadata("SELECT 1 AS id", {{"delta.columnMapping.mode", "id"}});
  delta::DataType schema = schema_of("SELECT 1 AS id");
  schema.fields[0].metadata[std::string(delta::kPhysicalNameKey)] = "\"id\"";
  table.schema_string = delta::write_schema(schema);
  commit({table, file("a.parquet", "SELECT 1 AS id")});
  EXPECT_THAT(query("FROM read_delta('t')"), HasSubstr("column \"id\" has no field id"));
  schema.fields[0].metadata[std::string(delta::kColumnIdKey)] = "1";
  table.schema_string = delta::write_schema(schema);
  commit({table});
  EXPECT_THAT(query("FROM read_delta('t')"), HasSubstr("data file a.parquet: no column of the file has a field id"));
}

}  // namespace
}  // namespace sluice::lake
