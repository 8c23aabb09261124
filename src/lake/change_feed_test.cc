// The change data feed of tables of an attached folder: what statements put into it, read back by table_changes().
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

using testing::HasSubstr;

struct FeedKind {
  const char* name;
  const char* partitioned;
  const char* properties;
};

constexpr FeedKind kKinds[] = {
    {"Copied", "", ""},
    {"Marked", "", ", 'delta.enableDeletionVectors' = 'true'"},
    {"Partitioned", "PARTITIONED BY (p)", ", 'delta.enableDeletionVectors' = 'true'"},
    {"Mapped", "PARTITIONED BY (p)", ", 'delta.columnMapping.mode' = 'name'"},
};

class ChangeFeedTest : public AttachedTest, public testing::WithParamInterface<std::size_t> {
 protected:
  void SetUp() override {
    AttachedTest::SetUp();
    const FeedKind& kind = kKinds[GetParam()];
    change("USE lake");
    change(std::string("CREATE TABLE t (id BIGINT, s VARCHAR, p VARCHAR) ") + kind.partitioned +
           " WITH ('delta.enableChangeDataFeed' = 'true'" + kind.properties + ")");
    change("INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, NULL, 'y/=')");
    change("INSERT INTO t VALUES (4, 'd', 'x'), (5, 'e', NULL)");
  }

  /// Returns what the feed says of the newest version.
  std::string newest_changes() {
    const std::string version = std::to_string(snapshot("t")->version().value());
    return run("SELECT _change_type, id, s, p FROM table_changes('t', " + version + ", " + version +
               ") ORDER BY id, _change_type DESC, s, p");
  }
  /// Returns how many files the feed has, in the log and in the folder.
  std::size_t files_in_folder() {
    const std::filesystem::path folder = folder_ / "t" / "_change_data";
    if (!std::filesystem::exists(folder)) return 0;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) count += entry.is_regular_file();
    return count;
  }
};

TEST_P(ChangeFeedTest, UpdatesShowRowsBeforeAndAfter) {
  EXPECT_EQ(run("UPDATE t SET s = s || '!' WHERE id IN (2, 3)"), "2\n");
  EXPECT_EQ(
      newest_changes(),
      "update_preimage|2|b|x\nupdate_postimage|2|b!|x\nupdate_preimage|3|NULL|y/=\nupdate_postimage|3|NULL|y/=\n");
}

TEST_P(ChangeFeedTest, RowsThatChangePartitionAreUpdates) {
  EXPECT_EQ(run("UPDATE t SET p = 'z' WHERE id = 5"), "1\n");
  EXPECT_EQ(newest_changes(), "update_preimage|5|e|NULL\nupdate_postimage|5|e|z\n");
}

TEST_P(ChangeFeedTest, DeletionsShowOnlyRowsThatWent) {
  change("DELETE FROM t WHERE id = 1");
  EXPECT_EQ(newest_changes(), "delete|1|a|x\n");
  EXPECT_GT(files_in_folder(), 0u);
  // The rest of the file goes, in which one row is marked already.
  change("DELETE FROM t WHERE id IN (2, 3)");
  EXPECT_EQ(newest_changes(), "delete|2|b|x\ndelete|3|NULL|y/=\n");
}

TEST_P(ChangeFeedTest, InsertionsAndWholeFilesNeedNoFilesOfTheirOwn) {
  EXPECT_EQ(newest_changes(), "insert|4|d|x\ninsert|5|e|NULL\n");
  change("DELETE FROM t WHERE id >= 4");
  EXPECT_EQ(newest_changes(), "delete|4|d|x\ndelete|5|e|NULL\n");
  change(
      "MERGE INTO t USING (SELECT 9 AS id) AS n ON t.id = n.id WHEN MATCHED THEN DELETE "
      "WHEN NOT MATCHED THEN INSERT (id, p) VALUES (n.id, 'x')");
  EXPECT_EQ(newest_changes(), "insert|9|NULL|x\n");
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_P(ChangeFeedTest, MergesShowEverythingTheyDo) {
  EXPECT_EQ(run("MERGE INTO t USING (SELECT unnest([1, 2, 7]) AS id) AS n ON t.id = n.id "
                "WHEN MATCHED AND n.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET s = 'B' "
                "WHEN NOT MATCHED THEN INSERT (id, s, p) VALUES (n.id, 'new', 'x') "
                "WHEN NOT MATCHED BY SOURCE AND t.id = 5 THEN UPDATE SET s = 'lost'"),
            "4\n");
  EXPECT_EQ(newest_changes(),
            "delete|1|a|x\nupdate_preimage|2|b|x\nupdate_postimage|2|B|x\nupdate_preimage|5|e|NULL\n"
            "update_postimage|5|lost|NULL\ninsert|7|new|x\n");
}

TEST_P(ChangeFeedTest, ReplacedRowsAreDeletionsAndInsertions) {
  change("INSERT INTO t REPLACE WHERE id <= 2 VALUES (1, 'again', 'x')");
  EXPECT_EQ(newest_changes(), "insert|1|again|x\ndelete|1|a|x\ndelete|2|b|x\n");
  change("INSERT OVERWRITE t VALUES (8, 'h', 'x')");
  EXPECT_EQ(run("SELECT _change_type, id FROM table_changes('t', 4, 4) ORDER BY 1, 2"),
            "delete|1\ndelete|3\ndelete|4\ndelete|5\ninsert|8\n");
}

TEST_P(ChangeFeedTest, AStatementThatFailsLeavesNoFiles) {
  change("ALTER TABLE t ADD CONSTRAINT short CHECK (coalesce(length(s), 0) < 3)");
  EXPECT_THAT(run("UPDATE t SET s = CASE WHEN id = 5 THEN 'longer' ELSE 'ok' END"), HasSubstr("constraint short"));
  EXPECT_EQ(files_in_folder(), 0u);
  change("BEGIN");
  change("UPDATE t SET s = 'ok'");
  EXPECT_GT(files_in_folder(), 0u);
  change("ROLLBACK");
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_P(ChangeFeedTest, ATransactionHasOneStatementInTheFeed) {
  change("BEGIN");
  change("INSERT INTO t VALUES (6, 'f', 'x')");
  change("INSERT INTO t VALUES (7, 'g', 'x')");
  change("COMMIT");
  EXPECT_EQ(newest_changes(), "insert|6|f|x\ninsert|7|g|x\n");
  change("BEGIN");
  change("INSERT INTO t VALUES (8, 'h', 'x')");
  EXPECT_THAT(run("UPDATE t SET s = 'H' WHERE id = 8"), HasSubstr("t has a change data feed"));
  change("ROLLBACK");
  change("BEGIN");
  change("UPDATE t SET s = 'G' WHERE id = 7");
  EXPECT_THAT(run("INSERT INTO t VALUES (9, 'i', 'x')"), HasSubstr("one statement only"));
  change("ROLLBACK");
  EXPECT_EQ(run("SELECT id, s FROM t WHERE id > 5 ORDER BY id"), "6|f\n7|g\n");
}

TEST_P(ChangeFeedTest, TheFeedHasNamesOfItsOwn) {
  EXPECT_THAT(run("ALTER TABLE t ADD COLUMN _Change_Type VARCHAR"), HasSubstr("cannot have a column _change_type"));
  EXPECT_EQ(number_of("CREATE TABLE u (_commit_version BIGINT) WITH ('delta.enableChangeDataFeed' = 'true')"), 4206u);
  change("CREATE TABLE u (_commit_timestamp BIGINT)");
  EXPECT_EQ(number_of("ALTER TABLE u SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"), 4206u);
}

TEST_P(ChangeFeedTest, BeginsWhenItIsSwitchedOn) {
  change("ALTER TABLE t SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')");
  change("DELETE FROM t WHERE id = 4");
  EXPECT_THAT(run("FROM table_changes('t', 4, 4)"), HasSubstr("the change data feed was off at version 4"));
  EXPECT_EQ(files_in_folder(), 0u);
  change("ALTER TABLE t SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')");
  change("UPDATE t SET s = 'E' WHERE id = 5");
  EXPECT_EQ(newest_changes(), "update_preimage|5|e|NULL\nupdate_postimage|5|E|NULL\n");
}

INSTANTIATE_TEST_SUITE_P(Kinds, ChangeFeedTest, testing::Range<std::size_t>(0, std::size(kKinds)),
                         [](const auto& kind) { return kKinds[kind.param].name; });

}  // namespace
}  // namespace sluice::lake
