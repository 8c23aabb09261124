#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb.hpp>

#include "lake/attached_test_folder.h"

namespace sluice::lake {
namespace {

/// A kind of table that random statements are run on.
struct TableKind {
  const char* name;
  const char* partitioned;
  const char* properties;
};

constexpr TableKind kKinds[] = {
    {"Copied", "", "'delta.enableDeletionVectors' = 'false'"},
    {"Marked", "", "'delta.enableDeletionVectors' = 'true'"},
    {"PartitionedCopied", "PARTITIONED BY (p)", "'delta.checkpointInterval' = '3'"},
    {"PartitionedMarked", "PARTITIONED BY (p)",
     "'delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '4'"},
    {"Mapped", "PARTITIONED BY (p)",
     "'delta.enableDeletionVectors' = 'true', 'delta.columnMapping.mode' = 'name', "
     "'delta.enableInCommitTimestamps' = 'true'"},
    {"FedCopied", "PARTITIONED BY (p)", "'delta.enableChangeDataFeed' = 'true', 'delta.columnMapping.mode' = 'name'"},
    {"FedMarked", "", "'delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true'"},
    {"Widened", "PARTITIONED BY (p, q)",
     "'delta.enableTypeWidening' = 'true', 'delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '3', "
     "'delta.checkpoint.writeStatsAsStruct' = 'true', 'delta.checkpoint.writeStatsAsJson' = 'false'"},
    {"WidenedCopied", "PARTITIONED BY (q)",
     "'delta.enableTypeWidening' = 'true', 'delta.columnMapping.mode' = 'name', 'delta.checkpointInterval' = '5', "
     "'delta.enableChangeDataFeed' = 'true'"},
};

/// How a column is widened in the tables that have type widening: each column step by step.
struct Widening {
  const char* ours;
  const char* theirs;
};
constexpr Widening kWidenings[][4] = {
    {{"k TYPE BIGINT", "k TYPE BIGINT"}, {"k TYPE DECIMAL(22,2)", "k TYPE DECIMAL(22,2)"}, {}},
    {{"x TYPE DECIMAL(15,3)", "x TYPE DECIMAL(15,3)"}, {"x TYPE DECIMAL(38,10)", "x TYPE DECIMAL(38,10)"}, {}},
    {{"d TYPE timestamp_ntz", "d TYPE TIMESTAMP"}, {}},
    {{"f TYPE double", "f TYPE DOUBLE"}, {}},
    {{"q TYPE int", "q TYPE INTEGER"},
     {"q TYPE BIGINT", "q TYPE BIGINT"},
     {"q TYPE DECIMAL(22,1)", "q TYPE DECIMAL(22,1)"},
     {}},
    {{"l.a TYPE BIGINT", "l TYPE STRUCT(a BIGINT, b VARCHAR[])"},
     {"l TYPE STRUCT(a DECIMAL(20,0), b VARCHAR[])", "l TYPE STRUCT(a DECIMAL(20,0), b VARCHAR[])"},
     {}},
};

/// Runs the same random statements on a table of an attached folder and on one of DuckDB's own.
class AttachedRandomTest : public AttachedTest, public testing::WithParamInterface<std::size_t> {
 protected:
  static constexpr const char* kColumns =
      "id BIGINT NOT NULL, k INTEGER, s VARCHAR, x DECIMAL(12,2), l STRUCT(a INTEGER, b VARCHAR[]), p VARCHAR, "
      "q SMALLINT, d DATE, f FLOAT";

  const TableKind& kind() const { return kKinds[GetParam()]; }
  bool has_feed() const { return std::string(kind().properties).find("ChangeDataFeed") != std::string::npos; }

  std::string pick(const std::vector<std::string>& choices) { return choices[below(choices.size())]; }
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_); }

  std::string rows(std::size_t count) {
    const std::string n = std::to_string(next_id_);
    next_id_ += count;
    return "SELECT " + n +
           " + i AS id, CASE WHEN i % 5 = 0 THEN NULL ELSE (i * 7 % 11)::INTEGER END AS k, "
           "CASE WHEN i % 4 = 0 THEN NULL ELSE 'row ' || i END AS s, (i * 1.25)::DECIMAL(12,2) AS x, "
           "{'a': i::INTEGER, 'b': ['v' || i, NULL]} AS l, "
           "CASE WHEN i % 6 = 0 THEN NULL ELSE 'p/' || (i % 3) END AS p, (i % 2 * 10)::SMALLINT AS q, "
           "CASE WHEN i % 7 = 0 THEN NULL ELSE DATE '2024-02-20' + (i % 15)::INTEGER END AS d, (i * 0.5)::FLOAT AS f "
           "FROM range(" +
           std::to_string(count) + ") AS r(i)";
  }

  std::string condition(const std::string& t) {
    const std::string id = std::to_string(below(static_cast<std::size_t>(next_id_) + 1));
    return pick({t + "id < " + id, t + "id % 7 = " + std::to_string(below(7)), t + "k IS NULL", t + "k > 5",
                 t + "s LIKE 'row 1%'", t + "p = 'p/1'", t + "p IS NULL", t + "x BETWEEN 3 AND 20", t + "l.a = 3",
                 t + "q = 10", t + "d > DATE '2024-02-29'", t + "d = DATE '2024-02-25'", t + "f >= 4.5", "false",
                 t + "id IN (SELECT max(id) FROM t)"});
  }

  /// A statement, and what DuckDB, which may lack it, makes of its own table instead.
  struct Statement {
    std::string ours;
    std::string theirs;
  };

  /// Returns a random INSERT that puts rows in place of others, some of which it reads.
  Statement overwrite() {
    const std::string where = pick({"k > 5", "p = 'p/1'", "p IS NULL", "id % 7 = 2", "s LIKE 'row 1%' OR k IS NULL",
                                    "coalesce(k, 0) < 100", "l.a % 3 = 1", "p IS DISTINCT FROM 'p/2'"});
    const std::string query = "SELECT * FROM (" + rows(1 + below(20)) +
                              ") UNION ALL (SELECT id + 1000, k, s, x, l, p, q, d, f "
                              "FROM t WHERE id % 2 = 0)";
    const std::string that_meet = "SELECT * FROM (" + query + ") WHERE " + where;
    const auto theirs = [](const std::string& from, const std::string& removed) {
      return "CREATE OR REPLACE TEMP TABLE n AS " + from + "; DELETE FROM t WHERE " + removed +
             "; INSERT INTO t FROM n";
    };
    switch (below(*kind().partitioned != '\0' ? 3 : 2)) {
      case 0: return {"INSERT INTO t REPLACE WHERE " + where + " " + that_meet, theirs(that_meet, where)};
      case 1: return {"INSERT OVERWRITE t " + query, theirs(query, "true")};
      default: {
        const std::string partitioned = kind().partitioned;
        const std::string column =
            partitioned.find('q') == std::string::npos || (partitioned.find("(p") != std::string::npos && below(2) == 0)
                ? "p"
                : "q";
        return {
            "INSERT INTO t REPLACE USING (" + column + ") " + that_meet,
            theirs(that_meet, "EXISTS (SELECT 1 FROM n WHERE n." + column + " IS NOT DISTINCT FROM t." + column + ")")};
      }
    }
  }

  /// Returns the next step of a random column's widening; nullopt if it is as wide as it gets here.
  std::optional<Statement> widening() {
    const std::size_t column = below(std::size(kWidenings));
    const Widening& next = kWidenings[column][widened_[column]];
    if (next.ours == nullptr) return std::nullopt;
    ++widened_[column];
    return Statement{std::string("ALTER TABLE t ALTER COLUMN ") + next.ours,
                     std::string("ALTER TABLE t ALTER COLUMN ") + next.theirs};
  }

  /// Returns a statement that puts values into a widened column that it could not hold before; nullopt if there is none.
  std::optional<std::string> wide_values() {
    const std::string where = " WHERE " + condition("");
    if (widened_[0] > 0 && below(2) == 0) return "UPDATE t SET k = id + 3000000000" + where;
    if (widened_[1] > 0 && below(2) == 0) return "UPDATE t SET x = id + 0.125" + where;
    if (widened_[2] > 0 && below(2) == 0) return "UPDATE t SET d = d + INTERVAL 1 MICROSECOND" + where;
    if (widened_[3] > 0 && below(2) == 0) return "UPDATE t SET f = id / 10" + where;
    if (widened_[4] > 0 && below(2) == 0) return "UPDATE t SET q = 100000" + where;
    return std::nullopt;
  }

  Statement any_statement() {
    if (below(8) == 0) return overwrite();
    if (const auto wide = wide_values()) return {*wide, *wide};
    std::string both = statement();
    // MERGE … UPDATE … RETURNING of DuckDB 1.5.6 reads memory that nobody wrote.
    if (!both.starts_with("MERGE") && below(3) == 0) both += pick({" RETURNING *", " RETURNING p, id + 1, l.b"});
    return {both, both};
  }
  static bool returns_rows(const Statement& statement) {
    return statement.ours.find(" RETURNING ") != std::string::npos;
  }

  /// Returns a random statement; `t` stands for the table.
  std::string statement() {
    const std::string source = "(SELECT id, min(k) AS k, min(s) AS s FROM (SELECT id, k, 'merged' AS s FROM t WHERE " +
                               condition("") + " UNION ALL SELECT " + std::to_string(next_id_ + 1000) +
                               " + i, i, NULL FROM range(3) AS r(i)) GROUP BY id)";
    switch (below(11)) {
      case 0:
      case 1: return "INSERT INTO t " + rows(1 + below(40));
      case 2: return "INSERT INTO t (p, id) VALUES ('é =%/:\\{}', " + std::to_string(next_id_++) + ")";
      case 3: return "DELETE FROM t WHERE " + condition("");
      case 4: return "UPDATE t SET k = coalesce(k, 0) + 1 WHERE " + condition("");
      case 5: return "UPDATE t SET p = 'moved', s = NULL WHERE " + condition("");
      case 6:
        return "UPDATE t AS a SET x = b.n FROM (SELECT k, count(*) AS n FROM t GROUP BY k) AS b WHERE a.k = b.k AND " +
               condition("a.");
      case 7:
        return "MERGE INTO t AS a USING " + source +
               " AS b ON a.id = b.id WHEN MATCHED AND a.k = 3 THEN DELETE "
               "WHEN MATCHED THEN UPDATE SET k = b.k, s = b.s WHEN NOT MATCHED THEN INSERT (id, k, p) VALUES (b.id, "
               "b.k, 'new')";
      case 8:
        return "MERGE INTO t AS a USING " + source + " AS b ON a.id = b.id WHEN NOT MATCHED BY SOURCE AND " +
               condition("a.") + " THEN DELETE WHEN NOT MATCHED BY SOURCE AND a.id % 2 = 0 THEN UPDATE SET s = 'lost'";
      case 9:
        return "MERGE INTO t AS a USING " + source + " AS b USING (id) WHEN MATCHED THEN UPDATE SET s = b.s || 'x'";
      default: return "DELETE FROM t AS a USING (SELECT max(id) AS id FROM t) AS b WHERE a.id = b.id";
    }
  }

  static std::vector<std::string> sorted_lines(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    std::ranges::sort(lines);
    return lines;
  }

  std::string in_duckdb(const std::string& sql) {
    auto result = connection_.Query(sql);
    if (result->HasError()) return "error: " + result->GetError();
    std::string text;
    for (const auto& row : result->Collection().Rows()) {
      for (std::size_t i = 0; i < result->types.size(); ++i) text += (i == 0 ? "" : "|") + row.GetValue(i).ToString();
      text += "\n";
    }
    return text;
  }

  std::string run_both(const Statement& statement) {
    std::string answer = in_duckdb(statement.theirs);
    std::string ours = run(statement.ours);
    if (returns_rows(statement)) {
      EXPECT_EQ(sorted_lines(ours), sorted_lines(answer)) << statement.ours;
    } else {
      EXPECT_EQ(ours, answer) << statement.ours;
    }
    return answer;
  }
  /// The feed of a version makes its rows of those of the one before; of what an UPDATE, DELETE or MERGE did it has
  /// nothing else.
  void expect_true_feed(const Statement& statement, const std::string& changed_count) {
    const std::string version = std::to_string(snapshot("t")->version().value());
    const std::string before = std::to_string(snapshot("t")->version().value() - 1);
    change("CREATE OR REPLACE TEMP TABLE feed AS FROM table_changes('t', " + version + ", " + version + ")");
    const auto rows = [](const std::string& at, const std::string& types) {
      return "(SELECT * FROM t AT (VERSION => " + at +
             ") UNION ALL SELECT id, k, s, x, l, p, q, d, f FROM feed WHERE " + "_change_type IN (" + types + "))";
    };
    const std::string left = rows(before, "'insert', 'update_postimage'");
    const std::string right = rows(version, "'delete', 'update_preimage'");
    EXPECT_EQ(run(left + " EXCEPT ALL " + right), "") << statement.ours;
    EXPECT_EQ(run(right + " EXCEPT ALL " + left), "") << statement.ours;
    EXPECT_EQ(run("SELECT count(*) FILTER (_change_type = 'update_preimage') - "
                  "count(*) FILTER (_change_type = 'update_postimage') FROM feed"),
              "0\n");
    // The count of an overwrite is of new rows alone.
    if (statement.ours != statement.theirs || returns_rows(statement)) return;
    EXPECT_EQ(run("SELECT count(*) FILTER (_change_type <> 'update_postimage') FROM feed"), changed_count)
        << statement.ours;
  }

  void expect_equal_rows() {
    const std::string query = "FROM t ORDER BY ALL";
    EXPECT_EQ(run(query), in_duckdb(query));
  }

  std::mt19937 engine_;
  std::uint64_t next_id_ = 0;
  std::array<std::size_t, std::size(kWidenings)> widened_ = {};  // steps taken, of each column
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

/// How many seeds each kind of table has statements of: one takes seconds, and more are for a run of their own.
unsigned seeds() {
  const char* text = std::getenv("SLUICE_STATEMENT_SEEDS");
  return text == nullptr ? 1 : static_cast<unsigned>(std::max(1, std::atoi(text)));
}

TEST_P(AttachedRandomTest, ChangesAsDuckDbDoes) {
  const unsigned seed_count = seeds();
  constexpr int kStatements = 40;
  for (unsigned seed = 0; seed < seed_count; ++seed) {
    SCOPED_TRACE(seed);
    engine_.seed(seed * 100 + static_cast<unsigned>(GetParam()));
    const std::string columns = std::string("(") + kColumns + ")";
    change("CREATE OR REPLACE TABLE lake.t " + columns + " " + kind().partitioned + " WITH (" + kind().properties +
           ")");
    ASSERT_EQ(in_duckdb("CREATE OR REPLACE TABLE t " + columns), "");
    const bool marks = std::string(kind().properties).find("Vectors' = 'true'") != std::string::npos;
    ASSERT_EQ(snapshot("t")->properties().enable_deletion_vectors, marks);
    change("USE lake");
    const bool widens = std::string(kind().properties).find("TypeWidening") != std::string::npos;
    widened_ = {};
    for (int i = 0; i < kStatements && !HasFailure(); ++i) {
      if (widens && below(3) == 0) {
        if (const auto step = widening()) {
          run_both(*step);
          expect_equal_rows();
        }
      }
      const bool in_transaction = below(4) == 0;
      if (in_transaction) {
        change("BEGIN");
        in_duckdb("BEGIN");
      }
      const std::size_t count = in_transaction && !has_feed() ? 1 + below(3) : 1;
      const auto version = snapshot("t")->version();
      for (std::size_t j = 0; j < count; ++j) {
        const Statement next = any_statement();
        const std::string answer = run_both(next);
        if (has_feed() && snapshot("t")->version() != version) expect_true_feed(next, answer);
      }
      expect_equal_rows();
      if (!in_transaction) continue;
      const std::string end = below(3) == 0 ? "ROLLBACK" : "COMMIT";
      change(end);
      in_duckdb(end);
      expect_equal_rows();
    }
    expect_sound("t");
    change("USE memory");
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, AttachedRandomTest, testing::Range<std::size_t>(0, std::size(kKinds)),
                         [](const auto& kind) { return kKinds[kind.param].name; });

}  // namespace
}  // namespace sluice::lake
