#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "delta/action_json.h"
#include "delta/delta_schema.h"
#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

using AttachedFolderTest = AttachedTest;

TEST_F(AttachedFolderTest, MakesATableAndReadsItsRows) {
  change("CREATE TABLE lake.t (id BIGINT NOT NULL, name VARCHAR)");
  EXPECT_EQ(run("INSERT INTO lake.t VALUES (1, 'a'), (2, NULL)"), "2\n");
  EXPECT_EQ(run("SELECT * FROM lake.t ORDER BY id"), "1|a\n2|NULL\n");
  EXPECT_EQ(snapshot("t")->version(), delta::Version(1));
}

TEST_F(AttachedFolderTest, PropertiesAreSpeltAsDeltaDoes) {
  change("CREATE TABLE lake.t (id BIGINT) WITH ('delta.enableDeletionVectors' = true, 'Team.Name' = 'Blue')");
  EXPECT_TRUE(snapshot("t")->properties().enable_deletion_vectors);
  EXPECT_EQ(snapshot("t")->metadata().configuration,
            (std::map<std::string, std::string>{{"delta.enableDeletionVectors", "true"}, {"team.name", "Blue"}}));
  change("ALTER TABLE lake.t SET ('delta.checkpointInterval' = 7, 'DELTA.APPENDONLY' = true)");
  EXPECT_EQ(snapshot("t")->properties().checkpoint_interval, 7);
  EXPECT_TRUE(snapshot("t")->properties().append_only);
  change("ALTER TABLE lake.t RESET ('delta.appendOnly', 'delta.enableDeletionVectors')");
  EXPECT_EQ(snapshot("t")->metadata().configuration,
            (std::map<std::string, std::string>{{"delta.checkpointInterval", "7"}, {"team.name", "Blue"}}));
  EXPECT_EQ(run("ALTER TABLE lake.t SET ('delta.enabelDeletionVectors' = true)"),
            "error: the property delta.enabeldeletionvectors is not one that sluice knows");
}

TEST_F(AttachedFolderTest, ATableWithoutColumnsIsInNobodysWayAndCanGetSome) {
  change("CREATE TABLE lake.t (id BIGINT)");
  delta::Metadata metadata = snapshot("t")->metadata();
  metadata.schema_string = delta::write_schema(delta::DataType::structure({}));
  std::ofstream(folder_ / "t" / "_delta_log" / "00000000000000000001.json") << delta::write_action(metadata) << "\n";
  change("CREATE TABLE lake.u (id BIGINT)");
  EXPECT_EQ(run("SHOW TABLES FROM lake"), "main|t\nmain|u\n");
  EXPECT_EQ(run("FROM lake.t"), "error: the table has no columns, so there is nothing to select");
  EXPECT_EQ(run("DELETE FROM lake.t"), "error: the table has no columns, so there is nothing to select");
  change("ALTER TABLE lake.t ADD COLUMN name VARCHAR");
  change("INSERT INTO lake.t VALUES ('x')");
  EXPECT_EQ(run("FROM lake.t"), "x\n");
}

TEST_F(AttachedFolderTest, AKeyThatAnotherWriterSetIsChangedAndNotDoubled) {
  change("CREATE TABLE lake.t (id BIGINT)");
  delta::Metadata metadata = snapshot("t")->metadata();
  metadata.configuration = {{"Team.Name", "Blue"}, {"delta.ofOthers", "1"}};
  auto log = std::ofstream(folder_ / "t" / "_delta_log" / "00000000000000000001.json");
  log << delta::write_action(metadata) << "\n";
  log.close();
  change("ALTER TABLE lake.t SET ('team.name' = 'Red')");
  change("ALTER TABLE lake.t RESET ('delta.ofOthers')");
  EXPECT_EQ(snapshot("t")->metadata().configuration, (std::map<std::string, std::string>{{"Team.Name", "Red"}}));
}

TEST_F(AttachedFolderTest, UpdatesAndDeletes) {
  for (const char* vectors : {"false", "true"}) {
    SCOPED_TRACE(vectors);
    change(std::string("CREATE OR REPLACE TABLE lake.t WITH ('delta.enableDeletionVectors' = '") + vectors +
           "') AS SELECT i AS id, 'row ' || i AS name FROM range(10) AS r(i)");
    EXPECT_EQ(snapshot("t")->properties().enable_deletion_vectors, std::string(vectors) == "true");
    EXPECT_EQ(run("UPDATE lake.t SET name = 'new' WHERE id < 3"), "3\n");
    EXPECT_EQ(run("DELETE FROM lake.t WHERE id > 3"), "6\n");
    EXPECT_EQ(run("SELECT * FROM lake.t ORDER BY id"), "0|new\n1|new\n2|new\n3|row 3\n");
  }
}

TEST_F(AttachedFolderTest, Merges) {
  for (const char* vectors : {"false", "true"}) {
    SCOPED_TRACE(vectors);
    change(std::string("CREATE OR REPLACE TABLE lake.t WITH ('delta.enableDeletionVectors' = '") + vectors +
           "') AS SELECT i AS id, 'old' AS name FROM range(5) AS r(i)");
    EXPECT_EQ(run("MERGE INTO lake.t AS t USING (VALUES (1, 'x'), (2, 'delete'), (9, 'y')) AS s(id, name) "
                  "ON t.id = s.id WHEN MATCHED AND s.name = 'delete' THEN DELETE WHEN MATCHED THEN UPDATE SET name = "
                  "s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name) "
                  "WHEN NOT MATCHED BY SOURCE AND t.id = 4 THEN DELETE"),
              "4\n");
    EXPECT_EQ(run("SELECT * FROM lake.t ORDER BY id"), "0|old\n1|x\n3|old\n9|y\n");
  }
}

TEST_F(AttachedFolderTest, MergesWholeRows) {
  change("CREATE TABLE lake.t AS SELECT i AS id, 'old' AS name FROM range(2) AS r(i)");
  EXPECT_EQ(
      run("MERGE INTO lake.t AS t USING (SELECT 'new' AS name, i AS id FROM range(1, 3) AS r(i)) AS s ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"),
      "2\n");
  EXPECT_EQ(run("SELECT * FROM lake.t ORDER BY id"), "0|old\n1|new\n2|new\n");
}

TEST_F(AttachedFolderTest, RefusesTwoSourceRowsForOneRow) {
  change("CREATE TABLE lake.t AS SELECT i AS id, 0 AS n FROM range(3) AS r(i)");
  const std::string text =
      run("MERGE INTO lake.t AS t USING (VALUES (1, 5), (1, 6)) AS s(id, n) ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET n = s.n");
  EXPECT_EQ(
      text,
      "error: several source rows match one row of main.t, and it is not said which of them counts: id = 1, n = 0");
  EXPECT_EQ(run("SELECT sum(n) FROM lake.t"), "0\n");
}

TEST_F(AttachedFolderTest, AStatementThatIsTakenBackLeavesNoFile) {
  const auto file_count = [&] {
    const auto listed = store_of("t")->list("", "");
    return std::ranges::count_if(*listed, [](const auto& object) { return !object.key.starts_with("_delta_log/"); });
  };
  for (const char* vectors : {"false", "true"}) {
    SCOPED_TRACE(vectors);
    change(std::string("CREATE OR REPLACE TABLE lake.t WITH ('delta.enableDeletionVectors' = '") + vectors +
           "') AS SELECT i AS id FROM range(10) AS r(i)");
    const auto before = file_count();
    change("BEGIN");
    change("INSERT INTO lake.t VALUES (10)");
    change("DELETE FROM lake.t WHERE id < 3");
    EXPECT_GT(file_count(), before + 1);
    change("ROLLBACK");
    EXPECT_EQ(file_count(), before);
    EXPECT_EQ(run("SELECT count(*) FROM lake.t"), "10\n");
  }
}

}  // namespace
}  // namespace sluice::lake
