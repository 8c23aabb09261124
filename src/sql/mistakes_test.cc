// What a user gets for a mistake: code, place, underlined text and what helps. Each case is one mistake, seeded into a
// text that is right but for it. Errors that need the whole text of a message are in the tests of what makes them.

#include <gmock/gmock.h>

#include "sql/compile_test_project.h"

namespace sluice::sql {
namespace {

struct Mistake {
  const char* name;
  const char* text;  ///< Stands below kTables.
  std::uint32_t number;
  std::uint32_t line;  ///< In `text`, from 1.
  std::uint32_t column;
  const char* marked;  ///< What is underlined.
  const char* told;    ///< Part of the message or of the help.
};

// clang-format off: one case a block, as it reads best.
const Mistake kMistakes[] = {
    // Grammar.
    {"MissingComma", "CREATE MATERIALIZED VIEW v AS SELECT a\n  b c FROM t;", 1001, 2, 5, "c", "comma missing"},
    {"CommaTooMany", "CREATE MATERIALIZED VIEW v AS SELECT a, b, FROM t WHERE a > ;", 1001, 1, 59, ">", "too early"},
    {"MisspeltKeywordInQuery", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WEHRE a > 1;", 1001, 1, 53, "a",
     "did you mean WHERE"},
    {"MisspeltSelect", "CREATE MATERIALIZED VIEW v AS SELCT a FROM t;", 1001, 1, 31, "SELCT", "did you mean SELECT"},
    {"MisspeltMaterialized", "CREATE MATERIALISED VIEW v AS SELECT a FROM t;", 1004, 1, 8, "MATERIALISED",
     "did you mean MATERIALIZED"},
    {"MisspeltCreate", "CRAETE MATERIALIZED VIEW v AS SELECT a FROM t;", 1004, 1, 1, "CRAETE", "did you mean CREATE"},
    {"MissingSemicolon",
     "CREATE MATERIALIZED VIEW v AS SELECT a FROM t\nCREATE MATERIALIZED VIEW w AS SELECT a FROM t;", 1001, 2, 1,
     "CREATE", "semicolon is missing"},
    {"UnclosedParenthesis", "CREATE MATERIALIZED VIEW v AS SELECT count(* AS n FROM t;", 1001, 1, 43, "(",
     "never closed"},
    {"UnclosedColumnList", "CREATE MATERIALIZED VIEW v (a, b AS SELECT a, b FROM t;", 1001, 1, 28, "(", "never closed"},
    {"UnclosedString", "CREATE MATERIALIZED VIEW v AS SELECT 'x AS s FROM t;", 1002, 1, 38, "'x AS s FROM t;",
     "never closed"},
    {"UnclosedComment", "CREATE MATERIALIZED VIEW v AS SELECT a /* why FROM t;", 1002, 1, 40, "/*", "never closed"},
    {"NotUtf8", "CREATE MATERIALIZED VIEW v AS SELECT '\xFF' AS s;", 1003, 1, 39, "\xFF", "UTF-8"},
    {"QueryEndsTooEarly", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE;", 1001, 1, 47, "WHERE", "too early"},
    {"MissingAs", "CREATE MATERIALIZED VIEW v SELECT a FROM t;", 1007, 1, 28, "SELECT", "AS is missing"},
    {"MissingQuery", "CREATE MATERIALIZED VIEW v;", 1007, 1, 26, "v", "no query"},
    {"NothingAfterAs", "CREATE MATERIALIZED VIEW v AS ;", 1007, 1, 28, "AS", "nothing follows AS"},
    {"BareQuery", "SELECT a FROM t;", 1004, 1, 1, "SELECT", "sluice sql"},
    {"PlainTable", "CREATE TABLE v AS SELECT a FROM t;", 1004, 1, 8, "TABLE", "CREATE STREAMING TABLE"},
    {"DropIsNoStatement", "DROP TABLE t;", 1004, 1, 1, "DROP", "CREATE STREAMING TABLE"},
    {"LegacyLive", "CREATE STREAMING LIVE TABLE v AS SELECT a FROM STREAM t;", 1004, 1, 18, "LIVE", "old spelling"},
    {"ReplaceOfAStreamingTable", "CREATE OR REPLACE STREAMING TABLE v AS SELECT a FROM STREAM t;", 1001, 1, 11,
     "REPLACE", "OR REFRESH"},
    {"InsertAsQuery", "CREATE MATERIALIZED VIEW v AS INSERT INTO t SELECT 1;", 1094, 1, 31, "INSERT", "AS SELECT"},
    // Clauses.
    {"ClauseTwice", "CREATE MATERIALIZED VIEW v COMMENT 'a' COMMENT 'b' AS SELECT a FROM t;", 1005, 1, 40, "COMMENT",
     "twice"},
    {"MisspeltClause", "CREATE MATERIALIZED VIEW v COMMNET 'a' AS SELECT a FROM t;", 1006, 1, 28, "COMMNET",
     "did you mean COMMENT"},
    {"CommentInDoubleQuotes", "CREATE MATERIALIZED VIEW v COMMENT \"a\" AS SELECT a FROM t;", 1001, 1, 36, "\"a\"",
     "single quotes"},
    {"Location", "CREATE MATERIALIZED VIEW v LOCATION 'x' AS SELECT a FROM t;", 1006, 1, 28, "LOCATION", "storage"},
    {"UsingParquet", "CREATE MATERIALIZED VIEW v USING PARQUET AS SELECT a FROM t;", 1006, 1, 34, "PARQUET", "Delta"},
    {"ColumnsOfATemporaryView", "CREATE TEMPORARY VIEW v (a) AS SELECT a FROM t;", 1006, 1, 25, "(", "no column list"},
    {"PropertiesOfATemporaryView", "CREATE TEMPORARY VIEW v TBLPROPERTIES ('a' = 'b') AS SELECT a FROM t;", 1006, 1, 25,
     "TBLPROPERTIES", "temporary view"},
    {"UnknownProperty",
     "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('pipelines.reset.alowed' = 'true') AS SELECT a FROM t;", 1074, 1, 43,
     "'pipelines.reset.alowed'", "pipelines.reset.allowed"},
    {"ResetAllowedMaybe",
     "CREATE STREAMING TABLE v TBLPROPERTIES ('pipelines.reset.allowed' = 'maybe') AS SELECT a FROM STREAM t;", 1074, 1,
     41, "'pipelines.reset.allowed'", "'true' or 'false'"},
    {"UnnamedStruct", "CREATE MATERIALIZED VIEW v AS SELECT row(a, 1) AS r FROM t;", 1071, 1, 38, "row(a, 1) AS r",
     "name"},
    {"AppendOnlyView", "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('delta.appendOnly' = 'true') AS SELECT a FROM t;",
     1074, 1, 43, "'delta.appendOnly'", "STREAMING TABLE"},
    {"PropertyThatNoTableHas",
     "CREATE MATERIALIZED VIEW v TBLPROPERTIES ('mine' = '1', 'delta.noSuchThing' = '1') AS SELECT a FROM t;", 1074, 1,
     57, "'delta.noSuchThing'", "did you mean delta.thing?"},
    {"UnknownSetting", "SET theme = 'dark';", 1011, 1, 1, "SET theme", "unknown setting"},
    {"UseOfAnotherSchema", "USE silver;", 1012, 1, 5, "silver", "schema \"main\""},
    {"PrimaryKey", "CREATE STREAMING TABLE v (a, PRIMARY KEY (a)) AS SELECT a FROM STREAM t;", 1006, 1, 30, "PRIMARY",
     "EXPECT"},
    {"UnknownViolationAction",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (a > 1) ON VIOLATION IGNORE) AS SELECT a FROM STREAM t;", 1001, 1,
     68, "IGNORE", "DROP ROW"},
    {"ConstraintTwice",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (a > 1), CONSTRAINT C EXPECT (a > 2)) AS SELECT a FROM STREAM t;",
     1075, 1, 67, "C", "another constraint"},
    // Names and graph.
    {"DuplicateDataset", "CREATE MATERIALIZED VIEW T AS SELECT 1 AS a;", 1020, 1, 26, "T", "pipeline.sql:2:24"},
    {"NameThatIsNoFolder", "CREATE MATERIALIZED VIEW \"a/b\" AS SELECT 1 AS a;", 1021, 1, 26, "\"a/b\"", "folder"},
    {"OtherSchema", "CREATE MATERIALIZED VIEW gold.v AS SELECT a FROM t;", 1023, 1, 26, "gold.v", "schema \"main\""},
    {"CycleOfTwo", "CREATE MATERIALIZED VIEW v AS SELECT a FROM w;\nCREATE MATERIALIZED VIEW w AS SELECT a FROM v;",
     1022, 1, 45, "w", "v → w → v"},
    {"CycleOfOne", "CREATE MATERIALIZED VIEW v AS SELECT a FROM v;", 1022, 1, 45, "v", "v → v"},
    {"CycleOfThree",
     "CREATE MATERIALIZED VIEW u AS SELECT a FROM w;\nCREATE MATERIALIZED VIEW v AS SELECT a FROM u;\nCREATE "
     "MATERIALIZED VIEW w AS SELECT a FROM v;",
     1022, 1, 45, "w", "u → w → v → u"},
    {"UnknownDataset", "CREATE MATERIALIZED VIEW v AS SELECT id FROM quakse;", 1040, 1, 46, "quakse",
     "did you mean \"quakes\""},
    {"UnknownDatasetInASubquery", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t\nWHERE a IN (SELECT b FROM tt);", 1040,
     2, 27, "tt", "did you mean \"t\""},
    {"UnknownSchemaInAQuery", "CREATE MATERIALIZED VIEW v AS SELECT a FROM silver.t;", 1023, 1, 45, "silver",
     "silver.t"},
    // Columns, functions, types.
    {"UnknownColumn", "CREATE MATERIALIZED VIEW v AS\nSELECT id, magg FROM quakes;", 1042, 2, 12, "magg",
     "did you mean \"mag\""},
    {"UnknownQualifiedColumn", "CREATE MATERIALIZED VIEW v AS\nSELECT q.plcae FROM quakes AS q;", 1042, 2, 10, "plcae",
     "did you mean \"place\""},
    {"UnknownColumnFarFromAny", "CREATE MATERIALIZED VIEW v AS SELECT zebra FROM t;", 1042, 1, 38, "zebra",
     "columns are a, b, s, l, d, x"},
    {"UnknownAlias", "CREATE MATERIALIZED VIEW v AS SELECT tt.a FROM t;", 1040, 1, 38, "tt", "did you mean \"t\""},
    {"UnknownColumnInUsing", "CREATE MATERIALIZED VIEW v AS SELECT t.a FROM t JOIN quakes USING (idd);", 1042, 1, 68,
     "idd", "did you mean \"id\""},
    {"UnknownColumnInAView",
     "CREATE TEMPORARY VIEW w AS SELECT aa AS c FROM t;\nCREATE MATERIALIZED VIEW v AS SELECT c FROM w;", 1042, 1, 35,
     "aa", "did you mean \"a\""},
    {"UnknownMember", "CREATE MATERIALIZED VIEW v AS SELECT {'left': a}.lef AS c FROM t;", 1042, 1, 50, "lef",
     "did you mean \"left\""},
    {"UnknownFunction", "CREATE MATERIALIZED VIEW v AS SELECT sume(a) AS n FROM t;", 1041, 1, 38, "sume",
     "did you mean \"sum\""},
    {"WindowFunctionWithoutOver", "CREATE MATERIALIZED VIEW v AS SELECT rank() AS n FROM t;", 1041, 1, 38, "rank",
     "OVER"},
    {"UnknownType", "CREATE MATERIALIZED VIEW v AS SELECT a::VARCHR AS c FROM t;", 1044, 1, 41, "VARCHR",
     "did you mean \"varchar\""},
    {"WrongArgument", "CREATE MATERIALIZED VIEW v AS SELECT sum(s) AS n FROM t;", 1043, 1, 38, "sum", "sum(VARCHAR)"},
    {"WrongOperand", "CREATE MATERIALIZED VIEW v AS SELECT a + s AS n FROM t;", 1043, 1, 40, "+", "cast one side"},
    {"WrongComparison", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE a > s;", 1043, 1, 55, ">",
     "cast one side"},
    {"BadConstant", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE a > 'many';", 1047, 1, 57, "'many'",
     "not a valid BIGINT"},
    {"BadPattern", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE regexp_matches(s, '(x');", 1047, 1, 71, "'(x'",
     "missing )"},
    {"AmbiguousColumn", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t JOIN t AS u ON t.a = u.a;", 1045, 1, 38, "a",
     "t.a"},
    {"NotGrouped", "CREATE MATERIALIZED VIEW v AS SELECT s, sum(a) AS n FROM t;", 1046, 1, 38, "s", "GROUP BY ALL"},
    {"AggregateInWhere", "CREATE MATERIALIZED VIEW v AS SELECT s FROM t WHERE sum(a) > 1;", 1049, 1, 53, "sum",
     "HAVING"},
    {"UnnamedColumn", "CREATE MATERIALIZED VIEW v AS SELECT s,\n  count(*) FROM t GROUP BY s;", 1070, 2, 3, "count(*)",
     "name it: count(*) AS"},
    {"UnnamedColumnBesideAStar", "CREATE MATERIALIZED VIEW v AS SELECT *, count(*) FROM t GROUP BY ALL;", 1070, 1, 41,
     "count(*)", "name it: count(*) AS"},
    {"TypeThatNoTableHolds", "CREATE MATERIALIZED VIEW v AS SELECT a, time::TIMESTAMP_NS AS c FROM t, quakes;", 1071, 1,
     41, "time::TIMESTAMP_NS AS c", "TIMESTAMP_NS"},
    {"ListedColumnThatIsNotThere", "CREATE MATERIALIZED VIEW v (a, bb) AS SELECT a, b FROM t;", 1072, 1, 32, "bb",
     "did you mean \"b\""},
    {"ListThatLeavesOutAColumn", "CREATE MATERIALIZED VIEW v (a) AS SELECT a, b FROM t;", 1072, 1, 29, "a",
     "leaves out b"},
    {"ListedTypeThatIsNone", "CREATE MATERIALIZED VIEW v (a BIGNT) AS SELECT a FROM t;", 1044, 1, 31, "BIGNT",
     "did you mean bigint"},
    {"UnknownPartitionColumn",
     "CREATE MATERIALIZED VIEW v PARTITIONED BY (dya) AS SELECT a, time::DATE AS day FROM t, quakes;", 1073, 1, 44,
     "dya", "did you mean \"day\""},
    {"PartitionByEveryColumn", "CREATE MATERIALIZED VIEW v PARTITIONED BY (a) AS SELECT a FROM t;", 1073, 1, 44, "a",
     "every column"},
    {"PartitionByAList", "CREATE MATERIALIZED VIEW v PARTITIONED BY (l) AS SELECT a, l FROM t;", 1073, 1, 44, "l",
     "BIGINT[]"},
    {"PartitionedAndClustered",
     "CREATE MATERIALIZED VIEW v PARTITIONED BY (a) CLUSTER BY (b) AS SELECT a, b, s FROM t;", 1073, 1, 59, "b",
     "either"},
    // Expectations.
    {"UnknownColumnInAnExpectation",
     "CREATE STREAMING TABLE v (\n  CONSTRAINT c EXPECT (aa > 1)) AS SELECT a FROM STREAM t;", 1042, 2, 24, "aa",
     "did you mean \"a\""},
    {"ExpectationThatIsANumber", "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (a + 1)) AS SELECT a FROM STREAM t;",
     1076, 1, 48, "a + 1", "BIGINT"},
    {"ExpectationWithAnAggregate",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (max(a) > 1)) AS SELECT a FROM STREAM t;", 1077, 1, 48,
     "max(a) > 1", "aggregate"},
    {"ExpectationWithASubquery",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (a IN (SELECT 1))) AS SELECT a FROM STREAM t;", 1077, 1, 50, "IN",
     "subquery"},
    {"ExpectationWithAWindow",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (row_number() OVER () = 1)) AS SELECT a FROM STREAM t;", 1077, 1,
     48, "row_number", "window"},
    {"ExpectationThatIsTwo", "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (a > 1, a < 5)) AS SELECT a FROM STREAM t;",
     1077, 1, 48, "a > 1, a < 5", "one condition"},
    {"ExpectationOfTheClock",
     "CREATE STREAMING TABLE v (CONSTRAINT c EXPECT (time < now())) AS SELECT time FROM STREAM quakes;", 1088, 1, 55,
     "now", "stand still"},
    // Streams.
    {"ViewOfAStream", "CREATE MATERIALIZED VIEW v AS SELECT a FROM STREAM t;", 1050, 1, 45, "STREAM",
     "leave out STREAM"},
    {"TableWithoutStream", "CREATE STREAMING TABLE v AS SELECT a FROM t;", 1051, 1, 43, "t", "FROM STREAM t"},
    {"TableThatReadsNothing", "CREATE STREAMING TABLE v AS SELECT 1 AS a;", 1051, 1, 24, "v", "reads no stream"},
    {"StreamOfAView",
     "CREATE MATERIALIZED VIEW m AS SELECT a FROM t;\nCREATE STREAMING TABLE v AS SELECT a FROM STREAM m;", 1052, 2, 43,
     "STREAM", "materialized view \"m\""},
    {"StreamOfABatchView",
     "CREATE TEMPORARY VIEW w AS SELECT a FROM t;\nCREATE STREAMING TABLE v AS SELECT a FROM STREAM(w);", 1052, 2, 43,
     "STREAM", "inside the view"},
    {"ViewOfAStreamingView",
     "CREATE TEMPORARY VIEW w AS SELECT a FROM STREAM t;\nCREATE MATERIALIZED VIEW v AS SELECT a FROM w;", 1050, 2, 45,
     "w", "view \"w\" reads a STREAM"},
    {"AggregateOfAStream", "CREATE STREAMING TABLE v AS SELECT s, sum(a) AS n FROM STREAM t GROUP BY s;", 1053, 1, 65,
     "GROUP", "MATERIALIZED VIEW"},
    {"GlobalAggregateOfAStream", "CREATE STREAMING TABLE v AS SELECT sum(a) AS n FROM STREAM t;", 1053, 1, 36, "sum",
     "MATERIALIZED VIEW"},
    {"DistinctStream", "CREATE STREAMING TABLE v AS SELECT DISTINCT s FROM STREAM t;", 1053, 1, 36, "DISTINCT",
     "MATERIALIZED VIEW"},
    {"OrderedStream", "CREATE STREAMING TABLE v AS SELECT s FROM STREAM t ORDER BY s;", 1054, 1, 52, "ORDER",
     "leave out ORDER BY"},
    {"LimitedStream", "CREATE STREAMING TABLE v AS SELECT s FROM STREAM t LIMIT 3;", 1054, 1, 52, "LIMIT",
     "MATERIALIZED VIEW"},
    {"WindowOverAStream", "CREATE STREAMING TABLE v AS SELECT a, row_number() OVER (ORDER BY a) AS r FROM STREAM t;",
     1055, 1, 52, "OVER", "MATERIALIZED VIEW"},
    {"JoinOfStreams", "CREATE STREAMING TABLE v AS SELECT t.a FROM STREAM t JOIN STREAM quakes ON t.s = id;", 1056, 1,
     54, "JOIN", "MATERIALIZED VIEW"},
    {"StreamOfASubquery", "CREATE STREAMING TABLE v AS SELECT a FROM STREAM (SELECT a FROM t);", 1057, 1, 43, "STREAM",
     "inside the query"},
    {"StreamOfATableFunction", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM range(3);", 1057, 1, 43, "STREAM",
     "not a stream"},
    {"StreamOfACte", "CREATE STREAMING TABLE v AS WITH c AS (SELECT a FROM STREAM t) SELECT a FROM STREAM c;", 1057, 1,
     78, "STREAM", "common table expression"},
    // read_files.
    {"UnknownOption", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', formt => 'json');",
     1060, 1, 74, "formt", "did you mean format"},
    {"OptionOfALaterVersion",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', pathGlobFilter => '*');", 1060, 1, 74,
     "pathGlobFilter", "not done by this version"},
    {"OptionTwice",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', format => 'json', Format => 'json');",
     1061, 1, 92, "Format", "twice"},
    {"OptionWithoutAValue", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', format);", 1001,
     1, 74, "format", "format => value"},
    {"WrongOptionValue",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', schemaEvolutionMode => 'addColumns');",
     1061, 1, 97, "'addColumns'", "addNewColumns"},
    {"OptionThatIsNoConstant",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', format => json);", 1061, 1, 84, "json",
     "single quotes"},
    {"CountThatIsNone",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.jsonl', maxFilesPerTrigger => 0);", 1061, 1, 96,
     "0", "from 1"},
    {"PathMissing", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files(format => 'json');", 1061, 1, 61,
     "format", "path"},
    {"FormatMissing", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('landing/');", 1062, 1, 50,
     "read_files", "format => 'json'"},
    {"UnknownFormat", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*', format => 'jsn');", 1062, 1,
     78, "'jsn'", "did you mean \"json\""},
    {"FormatOfALaterVersion", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('t/*.csv');", 1062, 1, 50,
     "read_files", "csv is not read"},
    {"TypeInASchema",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('x/*.json', schema => 'id BIGNT, s VARCHAR');", 1063,
     1, 87, "BIGNT", "did you mean bigint"},
    {"CommaInASchema",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('x/*.json', schema => 'id BIGINT s VARCHAR');", 1063,
     1, 87, "BIGINT s VARCHAR", "no type"},
    {"ColumnTwiceInASchema",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('x/*.json', schema => 'id INT, ID INT');", 1063, 1,
     92, "ID", "twice"},
    {"EmptySchema", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('x/*.json', schema => '');", 1063, 1,
     83, "''", "empty"},
    {"FilesThatCannotBeRead", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_files('gone/*.json');", 2001, 1,
     50, "read_files('gone/*.json')", "create the folder"},
    // read_delta.
    {"TableThatIsNotThere", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('gone');", 2001, 1, 45,
     "read_delta('gone')", "create the folder"},
    {"PathOfATableMissing", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta();", 1061, 1, 45, "read_delta",
     "read_delta('tables/orders')"},
    {"UnknownOptionOfATable", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('orders', verson => 3);", 1060, 1,
     66, "verson", "did you mean version"},
    {"IgnoredDeletes", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_delta('orders', ignoreDeletes => true);",
     1060, 1, 71, "ignoreDeletes", "not done by this version"},
    {"VersionOfAStream", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_delta('orders', version => 3);", 1061,
     1, 71, "version", "startingVersion"},
    {"StreamOptionWithoutStream",
     "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('orders', startingVersion => 3);", 1061, 1, 66,
     "startingVersion", "is for streams"},
    {"VersionAndTime",
     "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('orders', version => 3, as_of => '2026-01-01');", 1061, 1,
     80, "as_of", "exclude each other"},
    {"TwoWaysWithChanges",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_delta('orders', readChangeFeed => true, skipChangeCommits "
     "=> true);",
     1061, 1, 95, "skipChangeCommits", "exclude each other"},
    {"VersionThatIsNone",
     "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_delta('orders', startingVersion => 'last');", 1061, 1, 90,
     "'last'", "or 'latest'"},
    {"TimeThatIsNone", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('orders', as_of => 'noon');", 1061, 1,
     75, "'noon'", "write a time"},
};

/// Refused by name (design §3), each with its own code; docs/sql.md has the same table.
const Mistake kRefused[] = {
    {"UsingSample", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t USING SAMPLE 10%;", 1080, 1, 53, "SAMPLE", "hash"},
    {"TableSample", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t TABLESAMPLE 10%;", 1080, 1, 47, "TABLESAMPLE",
     "hash"},
    {"PositionalJoin", "CREATE MATERIALIZED VIEW v AS SELECT t.a FROM t POSITIONAL JOIN quakes;", 1081, 1, 49,
     "POSITIONAL", "key"},
    {"AsofJoin", "CREATE MATERIALIZED VIEW v AS SELECT q.id FROM quakes q ASOF JOIN quakes p ON q.time >= p.time;",
     1082, 1, 57, "ASOF", "QUALIFY"},
    {"PivotWithoutValues", "CREATE MATERIALIZED VIEW v AS PIVOT t ON s USING sum(a);", 1083, 1, 31, "PIVOT", "IN ("},
    {"PivotInFromWithoutValues", "CREATE MATERIALIZED VIEW v AS SELECT * FROM (PIVOT t ON s USING sum(a));", 1083, 1,
     46, "PIVOT", "IN ("},
    {"ReadParquet", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_parquet('x.parquet');", 1084, 1, 45,
     "read_parquet", "read_files"},
    {"ReadCsv", "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_csv('x.csv');", 1084, 1, 45, "read_csv",
     "read_files"},
    {"Glob", "CREATE MATERIALIZED VIEW v AS SELECT * FROM glob('*');", 1084, 1, 45, "glob", "read_files"},
    {"QueryTable", "CREATE MATERIALIZED VIEW v AS SELECT * FROM query_table('t');", 1084, 1, 45, "query_table",
     "do not follow"},
    {"DuckDBFunctions", "CREATE MATERIALIZED VIEW v AS SELECT * FROM duckdb_functions();", 1084, 1, 45,
     "duckdb_functions", "do not follow"},
    {"FileByName", "CREATE MATERIALIZED VIEW v AS SELECT * FROM 'x.csv';", 1085, 1, 45, "'x.csv'", "read_files"},
    {"InformationSchema", "CREATE MATERIALIZED VIEW v AS SELECT * FROM information_schema.tables;", 1086, 1, 45,
     "information_schema", "sluice sql"},
    {"CatalogView", "CREATE MATERIALIZED VIEW v AS SELECT * FROM duckdb_tables;", 1086, 1, 45, "duckdb_tables",
     "catalog"},
    {"Random", "CREATE MATERIALIZED VIEW v AS SELECT a, random() AS r FROM t;", 1087, 1, 41, "random", "hash(id)"},
    {"Uuid", "CREATE STREAMING TABLE v AS SELECT a, uuid() AS r FROM STREAM t;", 1087, 1, 39, "uuid", "hash(id)"},
    {"VolatileInAFilter", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE random() < 0.5;", 1087, 1, 53, "random",
     "hash(id)"},
    {"VolatileInAJoin", "CREATE MATERIALIZED VIEW v AS SELECT t.a FROM t JOIN t u ON t.a = u.a + random();", 1087, 1,
     73, "random", "hash(id)"},
    {"Now", "CREATE MATERIALIZED VIEW v AS SELECT id FROM quakes WHERE time > now() - INTERVAL 1 DAY;", 1088, 1, 66,
     "now", "stand still"},
    {"CurrentTimestamp", "CREATE MATERIALIZED VIEW v AS SELECT a, current_timestamp AS c FROM t;", 1088, 1, 41,
     "current_timestamp", "stand still"},
    {"CurrentDate", "CREATE MATERIALIZED VIEW v AS SELECT a, current_date AS c FROM t;", 1088, 1, 41, "current_date",
     "stand still"},
    {"Today", "CREATE MATERIALIZED VIEW v AS SELECT a, today() AS c FROM t;", 1088, 1, 41, "today", "stand still"},
    {"AgeUntilNow", "CREATE MATERIALIZED VIEW v AS SELECT id, age(time) AS c FROM quakes;", 1088, 1, 42, "age",
     "stand still"},
    {"SeriesUntilNow",
     "CREATE MATERIALIZED VIEW v AS SELECT * FROM generate_series(TIMESTAMP '2024-01-01', now()::TIMESTAMP, INTERVAL 1 "
     "DAY);",
     1088, 1, 85, "now", "stand still"},
    {"RangeOfRandom", "CREATE MATERIALIZED VIEW v AS SELECT * FROM range((random() * 9)::INT);", 1087, 1, 52, "random",
     "hash(id)"},
    {"LimitOfNow", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t ORDER BY a LIMIT extract(day FROM now())::INT;", 1088,
     1, 81, "now", "stand still"},
    {"LimitOfARandomShare", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t ORDER BY a LIMIT (random() * 50)%;", 1087, 1,
     65, "random", "hash(id)"},
    {"OffsetOfRandom", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t ORDER BY a LIMIT 3 OFFSET (9 * random())::INT;",
     1087, 1, 78, "random", "hash(id)"},
    {"CurrentUser", "CREATE MATERIALIZED VIEW v AS SELECT a, current_user AS c FROM t;", 1089, 1, 41, "current_user",
     "session"},
    {"GetVariable", "CREATE MATERIALIZED VIEW v AS SELECT a, getvariable('x') AS c FROM t;", 1089, 1, 41, "getvariable",
     "session"},
    {"TimeTravel", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t AT (VERSION => 3);", 1090, 1, 47, "AT",
     "as they are now"},
    {"Describe", "CREATE MATERIALIZED VIEW v AS DESCRIBE t;", 1091, 1, 31, "DESCRIBE", "sluice sql"},
    {"Summarize", "CREATE MATERIALIZED VIEW v AS SELECT * FROM (SUMMARIZE t);", 1091, 1, 31, "SELECT", "sluice sql"},
    {"Parameter", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE a = $1;", 1092, 1, 57, "$1", "write the value"},
    {"QuestionMark", "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WHERE a = ?;", 1092, 1, 57, "?", "write the value"},
    {"ApproxQuantile", "CREATE MATERIALIZED VIEW v AS SELECT approx_quantile(a, 0.5) AS m FROM t;", 1093, 1, 38,
     "approx_quantile", "quantile_disc"},
    {"Watermark",
     "CREATE STREAMING TABLE v AS SELECT id FROM STREAM quakes WATERMARK time DELAY OF INTERVAL 10 SECONDS;", 1095, 1,
     58, "WATERMARK", "not of this version"},
    {"Window",
     "CREATE MATERIALIZED VIEW v AS SELECT window(time, INTERVAL 1 MINUTE) AS w, count(*) AS n FROM quakes GROUP BY "
     "ALL;",
     1095, 1, 38, "window", "time_bucket"},
    {"CreateFlow", "CREATE FLOW f AS INSERT INTO t BY NAME SELECT * FROM STREAM quakes;", 1008, 1, 1, "CREATE FLOW",
     "not of this version"},
    {"AutoCdc", "CREATE FLOW f AS AUTO CDC INTO t FROM STREAM quakes KEYS (id) SEQUENCE BY time;", 1008, 1, 1,
     "CREATE FLOW", "not of this version"},
    {"ApplyChanges", "APPLY CHANGES INTO t FROM STREAM quakes KEYS (id) SEQUENCE BY time;", 1008, 1, 1, "APPLY CHANGES",
     "not of this version"},
    {"CreateSink", "CREATE SINK k;", 1008, 1, 1, "CREATE SINK", "not of this version"},
    {"CreateModel", "CREATE MODEL m AS SELECT 1;", 1008, 1, 1, "CREATE MODEL", "not of this version"},
    {"PersistedView", "CREATE VIEW v AS SELECT a FROM t;", 1008, 1, 1, "CREATE VIEW", "TEMPORARY VIEW"},
    {"TableForFlows", "CREATE STREAMING TABLE v;", 1008, 1, 24, "v", "flows"},
    {"RefreshPolicy", "CREATE MATERIALIZED VIEW v REFRESH POLICY FULL AS SELECT a FROM t;", 1009, 1, 28,
     "REFRESH POLICY", "not of this version"},
    {"GeneratedColumn", "CREATE STREAMING TABLE v (a, b BIGINT GENERATED ALWAYS AS (a + 1)) AS SELECT a FROM STREAM t;",
     1009, 1, 39, "GENERATED", "in the query"},
    {"ReadKafka", "CREATE STREAMING TABLE v AS SELECT * FROM STREAM read_kafka(subscribe => 'x');", 1010, 1, 50,
     "read_kafka", "not of this version"},
};
// clang-format on

class MistakesTest : public CompileTest {
 protected:
  void expect_reported(const Mistake& mistake) {
    SCOPED_TRACE(mistake.name);
    const std::vector<Error> errors = errors_of(kTables + mistake.text);
    ASSERT_FALSE(errors.empty());
    for (std::size_t i = 1; i < errors.size(); ++i) ADD_FAILURE() << "a second error: " << render(errors[i]);
    const Error& error = errors.front();
    SCOPED_TRACE(render(error));
    EXPECT_EQ(error.number(), mistake.number);
    ASSERT_TRUE(error.location().has_value());
    const SourceLocation& location = *error.location();
    EXPECT_EQ(location.file, "pipeline.sql");
    EXPECT_EQ(location.line, mistake.line + kTablesLines);
    EXPECT_EQ(location.column, mistake.column);
    EXPECT_EQ(location.text.substr(location.column - 1, location.length), mistake.marked);
    EXPECT_THAT(error.message() + " | " + error.help(), ::testing::HasSubstr(mistake.told));
    EXPECT_THAT(error.message() + error.help(), ::testing::Not(::testing::HasSubstr("LINE ")));
  }
};

TEST_F(MistakesTest, EachSeededMistakeIsReportedOnceAtItsPlaceWithWhatHelps) {
  for (const Mistake& mistake : kMistakes) expect_reported(mistake);
}

TEST_F(MistakesTest, EachThingRefusedByNameIsReportedAtItsPlace) {
  for (const Mistake& refused : kRefused) expect_reported(refused);
}

using ManyMistakesTest = CompileTest;

TEST_F(ManyMistakesTest, ManyMistakesAreReportedInOneRunInTheOrderOfTheText) {
  const std::vector<Error> errors = errors_of(
      kTables +
      "CREATE MATERIALIZED VIEW a AS SELECT aa FROM t;\n"
      "CREATE MATERIALIZED VIEW b COMMENT AS SELECT a FROM t;\n"
      "CREATE MATERIALIZED VIEW c AS SELECT a FROM nowhere;\n"
      "CREATE MATERIALIZED VIEW d (CONSTRAINT x EXPECT (zz > 1), CONSTRAINT y EXPECT (a)) AS SELECT a FROM t;\n"
      "CREATE MATERIALIZED VIEW e AS SELECT count(*), sum(a) FROM t;\n");
  std::vector<std::uint32_t> lines;
  for (const Error& error : errors) lines.push_back(error.location()->line - kTablesLines);
  EXPECT_THAT(lines, ::testing::ElementsAre(1, 2, 3, 4, 4, 5, 5));
}

TEST_F(ManyMistakesTest, WhatReadsABrokenDatasetIsNotReportedAgain) {
  const std::vector<Error> errors = errors_of(kTables +
                                              "CREATE MATERIALIZED VIEW a AS SELECT aa AS n FROM t;\n"
                                              "CREATE MATERIALIZED VIEW b AS SELECT n FROM a;\n"
                                              "CREATE TEMPORARY VIEW c AS SELECT n FROM b;\n"
                                              "CREATE MATERIALIZED VIEW d AS SELECT n + 1 AS n FROM c;\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].location()->line, 1 + kTablesLines);
}

TEST_F(ManyMistakesTest, ErrorsNameTheFileTheyAreIn) {
  const Compiled compiled = compile({{"a.sql", "CREATE TEMPORARY VIEW w AS\nSELECT aa FROM t;"},
                                     {"b.sql", kTables + "CREATE MATERIALIZED VIEW v AS SELECT bb FROM t;"}},
                                    files_, settings_);
  ASSERT_EQ(compiled.errors.size(), 2U);
  EXPECT_EQ(compiled.errors[0].location()->file, "a.sql");
  EXPECT_EQ(compiled.errors[0].location()->line, 2U);
  EXPECT_EQ(compiled.errors[1].location()->file, "b.sql");
}

TEST_F(ManyMistakesTest, TextAndGraphAreCheckedWithoutSchemas) {
  const std::vector<Error> errors =
      check({{"a.sql",
              "CREATE STREAMING TABLE s AS SELECT * FROM STREAM read_files('gone/*.json');\n"
              "CREATE MATERIALIZED VIEW a AS SELECT x FROM b;\n"
              "CREATE MATERIALIZED VIEW b AS SELECT x FROM a;\n"
              "CREATE MATERIALIZED VIEW c AS SELECT nowhere FROM s;\n"
              "CREATE MATERIALIZED VIEW d AS SELECT x FROM ss;\n"}},
            settings_);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].number(), 1022U);
  EXPECT_EQ(errors[1].number(), 1040U);
}

TEST_F(ManyMistakesTest, AnyBytesGiveErrorsAndNoCrash) {
  // Every prefix of a text that uses most of the grammar, and the text with each byte replaced.
  const std::string text =
      "CREATE OR REFRESH STREAMING TABLE q (id BIGINT NOT NULL, CONSTRAINT c EXPECT (id > 0) ON VIOLATION DROP ROW) "
      "COMMENT 'x' "
      "PARTITIONED BY (s) TBLPROPERTIES ('a' = 1) AS SELECT a AS id, s FROM STREAM(read_files('t/*.jsonl', format => "
      "'json')) /* c */;";
  for (std::size_t length = 0; length < text.size(); length += 9)
    (void)check({{"a.sql", text.substr(0, length)}}, settings_);
  for (std::size_t at = 0; at < text.size(); at += 13) {
    for (const char byte : {'\'', '"', '(', ')', '$', '\xFF'}) {
      std::string damaged = text;
      damaged[at] = byte;
      (void)check({{"a.sql", damaged}}, settings_);
    }
  }
}

}  // namespace
}  // namespace sluice::sql
