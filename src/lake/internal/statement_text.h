#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice::lake {

/// Which rows an INSERT puts its own in place of.
struct Overwrite {
  enum class Scope { All, OfColumns, OfCondition };
  Scope scope = Scope::All;
  /// OfColumns: rows whose values in these columns are those of an inserted row.
  std::vector<std::string> columns = {};
  /// OfCondition: rows that meet it; the inserted ones must, too.
  std::string condition = {};
  std::size_t condition_begin = 0;  ///< Its place as written_position() takes places: behind the parsed statement.
};

/// Where ALTER TABLE puts a column.
struct ColumnPlace {
  std::optional<std::string> after;  ///< nullopt: FIRST.
};

/// A column that INSERT … PARTITION names.
struct InsertPartition {
  std::string column;
  std::optional<std::string> value;  ///< An expression; nullopt: the query gives it.
};

/// What a statement says that DuckDB's grammar has no place for.
struct StatementExtras {
  std::optional<Overwrite> overwrite;  ///< Of INSERT.
  bool if_exists = false;              ///< What ALTER TABLE drops need not be there.
  /// What ALTER TABLE changes the type of, from the column on through members, "element", "key" and "value".
  std::vector<std::string> typed_path;
  std::vector<InsertPartition> partitions;  ///< Of INSERT.
  /// A statement of Spark's that this version lacks, and neither DuckDB's parser knows nor Delta tables have otherwise.
  std::string lacking;
  /// Of ALTER TABLE t ADD|DROP COLUMNS (…), what is said of columns behind the first: "ADD COLUMN b INTEGER FIRST".
  std::vector<std::string> further_steps;
  std::optional<ColumnPlace> place;  ///< Of the column that ALTER TABLE adds or renames, to the same name if need be.
};

/// An ad-hoc statement: as it was written, and as DuckDB's parser takes it. These forms of Spark's are put into DuckDB's
/// (docs/sql.md lists them):
///
///   DESCRIBE HISTORY|DETAIL t                        SELECT * FROM sluice_table_history|sluice_table_detail(…)
///   SHOW TBLPROPERTIES t                             SELECT … FROM sluice_table_detail(…)
///   DESCRIBE [TABLE] EXTENDED t                      DESCRIBE t
///   SHOW TABLES IN s                                 SHOW TABLES FROM s
///   delta.`folder`                                   read_delta('folder')
///   ALTER TABLE t ADD|DROP COLUMNS (a …, b …)        ALTER TABLE t ADD|DROP COLUMN a …, and the others among the extras
///   ALTER TABLE t ADD|DROP CONSTRAINT n …            ALTER TABLE t SET|RESET ("delta.constraints.n" …)
///   ALTER TABLE t SET|UNSET TBLPROPERTIES (…)        ALTER TABLE t SET|RESET (…)
///   ALTER TABLE t ALTER COLUMN c FIRST|AFTER d       ALTER TABLE t RENAME COLUMN c TO c, and the place among the extras
///   ALTER TABLE t ADD COLUMN c … FIRST|AFTER d       ALTER TABLE t ADD COLUMN c …, likewise
///   ALTER TABLE t ALTER COLUMN c.m TYPE byte         ALTER TABLE t ALTER COLUMN c TYPE TINYINT, and c.m among the extras
///   CREATE TABLE t … USING DELTA TBLPROPERTIES (…)   CREATE TABLE t … WITH (…)
///   CREATE TABLE t (…, CONSTRAINT n CHECK (…)) …     CREATE TABLE t (…) WITH ("delta.constraints.n" …)
///   INSERT … t PARTITION (p = v, …) …                INSERT … t …, and the partition among the extras
///   INSERT OVERWRITE t …, INSERT INTO t REPLACE …    INSERT INTO t …, and the overwrite among the extras
///   MERGE … UPDATE SET *, INSERT *                   MERGE … UPDATE BY NAME, INSERT BY NAME
///   t VERSION|TIMESTAMP AS OF v                      t AT (VERSION|TIMESTAMP => v)
///   read_delta(…, timestamp => v)                    read_delta(…, as_of => v)
///
/// Everything else stays as it is, for DuckDB to judge. Immutable.
class StatementText {
 public:
  /// A statement that DuckDB's parser takes as it is.
  explicit StatementText(std::string sql);

  /// Puts a statement into DuckDB's grammar.
  static StatementText adapt(std::string_view sql);

  const std::string& written() const { return written_; }
  const std::string& parsed() const { return parsed_; }
  const StatementExtras& extras() const { return extras_; }
  /// Returns the place in written() that a place in parsed() stands for.
  std::size_t written_position(std::size_t parsed_position) const;

 private:
  /// Text that is the same in both.
  struct Kept {
    std::size_t parsed_begin;
    std::size_t written_begin;
    std::size_t size;
  };
  StatementText() = default;

  std::string written_;
  std::string parsed_;
  std::vector<Kept> kept_;  // by parsed_begin
  StatementExtras extras_;
};

/// Returns the place of a byte of the text, which is named "query".
SourceLocation locate(std::string_view text, std::size_t offset);

/// A part of a text, from byte to byte.
struct TextRange {
  std::size_t begin;
  std::size_t end;
};

/// Splits a script at the semicolons between its statements; empty statements are left out. A script that cannot be read
/// word by word is one statement, for DuckDB to say what is wrong.
std::vector<TextRange> split_script(std::string_view script);

}  // namespace sluice::lake
