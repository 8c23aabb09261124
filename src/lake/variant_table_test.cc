#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delta/live_files.h"
#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class VariantTableTest : public AttachedTest {};

TEST_F(VariantTableTest, TablesHoldVariants) {
  change(
      "CREATE TABLE lake.t (id BIGINT, v VARIANT, s STRUCT(w VARIANT, n INTEGER), l VARIANT[]) WITH "
      "('delta.enableDeletionVectors' = 'true')");
  EXPECT_EQ(run("SELECT tableFeatures FROM sluice_table_detail('t')"), "[deletionVectors, variantType]\n");
  change(
      "INSERT INTO lake.t VALUES (1, 'x'::VARIANT, {'w': 7::VARIANT, 'n': 1}, [1::VARIANT, NULL]), (2, NULL, NULL, "
      "NULL)");
  change(
      "INSERT INTO lake.t SELECT i, {'i': i, 'l': ['t' || i]}::VARIANT, {'w': NULL, 'n': i}, [] FROM range(3, 5) AS "
      "r(i)");
  const std::string first = "1|x|{'w': 7, 'n': 1}|[1, NULL]\n";
  EXPECT_EQ(run("FROM lake.t ORDER BY id"), first +
                                                "2|NULL|NULL|NULL\n3|{'i': 3, 'l': [t3]}|{'w': NULL, 'n': 3}|[]\n"
                                                "4|{'i': 4, 'l': [t4]}|{'w': NULL, 'n': 4}|[]\n");
  EXPECT_EQ(run("SELECT id, v.l[1]::VARCHAR FROM lake.t WHERE v.i::BIGINT = 4"), "4|t4\n");
  change("UPDATE lake.t SET v = {'was': v}::VARIANT WHERE id = 3");
  change("DELETE FROM lake.t WHERE id = 4");
  change(
      "MERGE INTO lake.t USING (SELECT 2 AS id, 'merged'::VARIANT AS v UNION ALL SELECT 9, true::VARIANT) AS n USING "
      "(id) "
      "WHEN MATCHED THEN UPDATE SET v = n.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (n.id, n.v)");
  EXPECT_EQ(run("SELECT id, v, s FROM lake.t ORDER BY id"),
            "1|x|{'w': 7, 'n': 1}\n2|merged|NULL\n3|{'was': {'i': 3, 'l': [t3]}}|{'w': NULL, 'n': 3}\n9|true|NULL\n");
  expect_sound("t");
}

TEST_F(VariantTableTest, FilesThatAreCopiedKeepTheirVariants) {
  change(
      "CREATE TABLE lake.t AS SELECT i AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE {'i': i, 'deep': [{'a': i / "
      "2}]}::VARIANT END "
      "AS v FROM range(5000) AS r(i)");
  const std::string sums = "SELECT count(*), count(v), sum(v.i::BIGINT), sum(v.deep[1].a::DOUBLE) FROM lake.t";
  const std::string before = run(sums);
  for (int i = 0; i < 3; ++i) change("UPDATE lake.t SET id = id WHERE id % 5 = " + std::to_string(i));
  EXPECT_EQ(run(sums), before);
  expect_sound("t");
}

TEST_F(VariantTableTest, StatisticsOfVariantsAreCountsOfNulls) {
  change(
      "CREATE TABLE lake.t AS SELECT i AS id, CASE WHEN i = 0 THEN NULL ELSE i::VARIANT END AS v FROM range(3) AS "
      "r(i)");
  const auto table = snapshot("t");
  for (const delta::AddFile& file : table->files()) {
    EXPECT_EQ(
        file.stats,
        R"({"numRecords":3,"minValues":{"id":0},"maxValues":{"id":2},"nullCount":{"id":0,"v":1},"tightBounds":true})");
  }
  EXPECT_EQ(run("SELECT id FROM lake.t WHERE v IS NULL"), "0\n");
}

TEST_F(VariantTableTest, VariantsGoThroughPartitionsLogCheckpointsAndTheChangeFeed) {
  change(
      "CREATE TABLE lake.t (p VARCHAR, v VARIANT, id BIGINT, s STRUCT(w VARIANT)) PARTITIONED BY (p) WITH "
      "('delta.enableChangeDataFeed' = 'true', 'delta.columnMapping.mode' = 'name', 'delta.checkpointInterval' = '1', "
      "'delta.checkpoint.writeStatsAsStruct' = 'true', 'delta.checkpoint.writeStatsAsJson' = 'false')");
  change(
      "INSERT INTO lake.t SELECT 'p' || i % 3, CASE WHEN i % 2 = 0 THEN {'i': i}::VARIANT END, i, {'w': [i]::VARIANT} "
      "FROM range(3000) AS r(i)");
  change("UPDATE lake.t SET v = 'odd'::VARIANT WHERE v IS NULL AND p = 'p1'");
  EXPECT_EQ(run("SELECT p, count(*), sum(s.w[1]::BIGINT) FROM lake.t WHERE v IS NOT NULL GROUP BY p ORDER BY p"),
            "p0|500|748500\np1|1000|1499500\np2|500|749500\n");
  EXPECT_EQ(run("SELECT _change_type, count(*), count(v) FROM table_changes('t', 2) GROUP BY ALL ORDER BY ALL"),
            "update_postimage|500|500\nupdate_preimage|500|0\n");
  expect_sound("t");
}

TEST_F(VariantTableTest, VariantsComeByAlterTable) {
  change("CREATE TABLE lake.t AS SELECT 1 AS id");
  change("ALTER TABLE lake.t ADD COLUMN v VARIANT");
  change("INSERT INTO lake.t VALUES (2, [1, 2]::VARIANT)");
  EXPECT_EQ(run("FROM lake.t ORDER BY id"), "1|NULL\n2|[1, 2]\n");
  EXPECT_THAT(run("SELECT tableFeatures FROM sluice_table_detail('t')"), HasSubstr("variantType"));
  expect_sound("t");
}

TEST_F(VariantTableTest, VariantsThatHoldNullAreNotMadeNull) {
  change("CREATE TABLE lake.t AS SELECT i AS id, CASE WHEN i > 0 THEN i::VARIANT END AS v FROM range(4) AS r(i)");
  // As if others had written a variant that holds null, which is not NULL: it is none of those that are counted.
  const auto commit = folder_ / "t" / "_delta_log" / "00000000000000000000.json";
  std::string log;
  std::getline(std::ifstream(commit), log, '\0');
  const std::string counts = R"(\"nullCount\":{\"id\":0,\"v\":)";
  const std::size_t count = log.find(counts + "1");
  ASSERT_NE(count, std::string::npos) << log;
  log[count + counts.size()] = '0';
  std::ofstream(commit) << log;
  const auto refused = session_->query("UPDATE lake.t SET id = 7 WHERE id = 3");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("has variants that hold null"));
  EXPECT_EQ(number_of("DELETE FROM lake.t WHERE id = 1"), 149u);
  change("ALTER TABLE lake.t SET ('delta.enableDeletionVectors' = 'true')");
  EXPECT_EQ(number_of("UPDATE lake.t SET id = 7 WHERE id = 3"), 149u);
  change("DELETE FROM lake.t WHERE id = 1");
  EXPECT_EQ(run("SELECT id FROM lake.t ORDER BY id"), "0\n2\n3\n");
  change("ALTER TABLE lake.t SET ('delta.enableChangeDataFeed' = 'true')");
  EXPECT_EQ(number_of("DELETE FROM lake.t WHERE id = 2"), 149u);  // the feed would have the row with NULL
  change("ALTER TABLE lake.t SET ('delta.enableChangeDataFeed' = 'false')");
  change("DELETE FROM lake.t");
}

TEST_F(VariantTableTest, NoTableIsPartitionedByAVariant) {
  EXPECT_THAT(run("CREATE TABLE lake.t (id BIGINT, v VARIANT) PARTITIONED BY (v)"), HasSubstr("cannot be partitioned"));
}

TEST_F(VariantTableTest, ValuesThatAVariantCannotKeepAreRefused) {
  change("CREATE TABLE lake.t (v VARIANT)");
  EXPECT_THAT(run("INSERT INTO lake.t VALUES ('2024-02-29'::TIMESTAMP_NS::VARIANT)"), HasSubstr("TIMESTAMP_NANOS"));
  EXPECT_EQ(run("SELECT count(*) FROM lake.t"), "0\n");
}

TEST_F(VariantTableTest, TablesWhoseVariantsAreToBeShreddedAreNotWritten) {
  change("CREATE TABLE lake.t (v VARIANT) WITH ('delta.feature.variantShredding' = 'supported')");
  change("INSERT INTO lake.t VALUES (1::VARIANT)");
  EXPECT_THAT(run("ALTER TABLE lake.t SET ('delta.enableVariantShredding' = 'true')"), HasSubstr("error"));
  EXPECT_EQ(run("FROM lake.t"), "1\n");
}

}  // namespace
}  // namespace sluice::lake
