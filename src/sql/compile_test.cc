#include "sql/compile.h"

#include <gmock/gmock.h>

#include "sql/compile_test_project.h"

namespace sluice::sql {
namespace {

using duckdb::LogicalType;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> names_of(const plan::Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const plan::Dataset& dataset : pipeline.datasets) names.push_back(dataset.name);
  return names;
}

// --- datasets and their order

TEST_F(CompileTest, DatasetsFollowWhatTheyReadWhateverTheOrderOfFilesAndStatements) {
  const SourceFile gold{"gold.sql",
                        "CREATE MATERIALIZED VIEW best AS SELECT max(mag) AS m FROM Clean;\nCREATE MATERIALIZED VIEW n "
                        "AS SELECT count(*) AS n FROM clean;"};
  const SourceFile silver{"silver.sql", "CREATE STREAMING TABLE clean AS SELECT * FROM STREAM quakes WHERE mag > 0;"};
  const SourceFile bronze{"bronze.sql", kTables};
  for (const auto& files :
       {std::vector{gold, silver, bronze}, std::vector{bronze, silver, gold}, std::vector{silver, gold, bronze}}) {
    const Compiled compiled = compile(files, files_, settings_);
    ASSERT_TRUE(compiled.pipeline.has_value());
    const auto names = names_of(*compiled.pipeline);
    const auto place = [&](const char* name) { return std::ranges::find(names, name) - names.begin(); };
    EXPECT_LT(place("quakes"), place("clean"));
    EXPECT_LT(place("clean"), place("best"));
    EXPECT_LT(place("best"), place("n"));  // as written
    EXPECT_THAT(names, SizeIs(5));
  }
}

TEST_F(CompileTest, ADatasetCarriesWhatItsStatementSays) {
  settings_.pipeline_name = "web";
  settings_.configuration = {{"pipelines.reset.allowed", "false"}, {"spark.x", "1"}};
  const plan::Pipeline compiled = pipeline(kTables +
                                           "CREATE PRIVATE MATERIALIZED VIEW V PARTITIONED BY (S) COMMENT 'it''s' "
                                           "TBLPROPERTIES ('delta.appendOnly' = 'false') AS SELECT s, a FROM t;\n"
                                           "CREATE MATERIALIZED VIEW w CLUSTER BY (a, s) AS SELECT s, a FROM v;");
  EXPECT_EQ(compiled.name, "web");
  const plan::Dataset& v = *compiled.find_dataset("v");
  EXPECT_EQ(v.name, "V");
  EXPECT_TRUE(v.is_private);
  EXPECT_EQ(v.comment, "it's");
  EXPECT_THAT(v.partition_columns, ElementsAre("s"));  // as the schema spells it
  EXPECT_EQ(v.properties.at("delta.appendOnly"), "false");
  EXPECT_EQ(v.properties.at("pipelines.reset.allowed"), "false");
  EXPECT_EQ(v.properties.count("spark.x"), 0U);
  EXPECT_EQ(v.location.line, 3U);
  EXPECT_EQ(v.location.column, 34U);
  EXPECT_THAT(compiled.find_dataset("w")->cluster_columns, ElementsAre("a", "s"));
  EXPECT_THAT(compiled.find_dataset("w")->query.inputs, ElementsAre("V"));
}

// --- schemas

TEST_F(CompileTest, SchemasHoldTheTypesThatTablesStore) {
  const plan::Dataset v = view(
      "SELECT sum(a) AS n, avg(b) AS m, a::UTINYINT AS u, s::JSON AS j, l, {'p': a::UBIGINT} AS st FROM t GROUP BY "
      "ALL");
  EXPECT_EQ(columnar::to_string(v.schema),
            "n DECIMAL(38,0), m DOUBLE, u SMALLINT, j VARCHAR, l BIGINT[], st STRUCT(p DECIMAL(20,0))");
  EXPECT_EQ(v.schema.fields[0].metadata.at("sluice.type"), "\"HUGEINT\"");
  EXPECT_EQ(v.schema.fields[1].metadata.count("sluice.type"), 0U);
  EXPECT_EQ(v.schema.fields[3].metadata.at("sluice.type"), "\"JSON\"");
  // Downstream of it, the column is what is stored.
  const plan::Pipeline compiled = pipeline(
      kTables +
      "CREATE MATERIALIZED VIEW v AS SELECT sum(a) AS n FROM t; CREATE MATERIALIZED VIEW w AS SELECT n FROM v;");
  EXPECT_EQ(compiled.find_dataset("w")->schema.fields[0].type, LogicalType::DECIMAL(38, 0));
}

TEST_F(CompileTest, RepeatedNamesAreNumbered) {
  EXPECT_EQ(columnar::to_string(view("SELECT t.a, u.a, 1 AS A FROM t JOIN t u ON t.b = u.b").schema),
            "a BIGINT, a_1 BIGINT, A_2 INTEGER");
}

TEST_F(CompileTest, AColumnListNamesCastsAndOrders) {
  const plan::Pipeline compiled = pipeline(
      kTables +
      "CREATE MATERIALIZED VIEW v (s STRING NOT NULL COMMENT 'a \"note\"', A DECIMAL(12,1)) AS SELECT a, s FROM t;");
  const plan::Dataset& v = *compiled.find_dataset("v");
  EXPECT_EQ(columnar::to_string(v.schema), "s VARCHAR NOT NULL, A DECIMAL(12,1)");
  EXPECT_EQ(v.schema.fields[0].metadata.at("comment"), "\"a \\\"note\\\"\"");
  EXPECT_EQ(v.query.nodes.back().types, (columnar::RowType{LogicalType::VARCHAR, LogicalType::DECIMAL(12, 1)}));
  EXPECT_EQ(v.query.sql,
            "SELECT CAST(\"s\" AS VARCHAR) AS \"s\", CAST(\"a\" AS DECIMAL(12,1)) AS \"A\" FROM (\nSELECT a, s FROM "
            "t\n) AS query(\"a\", \"s\")");
  // NOT NULL is a rule that stops the update.
  ASSERT_THAT(v.expectations, SizeIs(1));
  EXPECT_EQ(v.expectations[0].name, "not_null_s");
  EXPECT_EQ(v.expectations[0].on_violation, plan::OnViolation::FailUpdate);
  EXPECT_EQ(columnar::to_string(v.expectations[0].predicate, v.schema.names()), "(s IS NOT NULL)");
}

TEST_F(CompileTest, AColumnListWithoutTypesLeavesTheQueryAsItIs) {
  const plan::Pipeline compiled =
      pipeline(kTables + "CREATE MATERIALIZED VIEW v (a COMMENT 'x', s) AS SELECT a, s FROM t;");
  EXPECT_EQ(compiled.find_dataset("v")->query.sql, "SELECT a, s FROM t");
}

// --- expectations

TEST_F(CompileTest, ExpectationsAreBoundOverTheDatasetsColumns) {
  const plan::Pipeline compiled =
      pipeline(kTables +
               "CREATE STREAMING TABLE v (\n"
               "  CONSTRAINT positive EXPECT (n > 0 /* always */ AND v.s IS NOT NULL) ON VIOLATION DROP ROW,\n"
               "  CONSTRAINT short EXPECT (length(s) < 10)\n"
               ") AS SELECT s, a AS n FROM STREAM t;");
  const auto& expectations = compiled.find_dataset("v")->expectations;
  ASSERT_THAT(expectations, SizeIs(2));
  EXPECT_EQ(expectations[0].name, "positive");
  EXPECT_EQ(expectations[0].on_violation, plan::OnViolation::DropRow);
  EXPECT_EQ(expectations[0].sql, "n > 0 /* always */ AND v.s IS NOT NULL");
  EXPECT_EQ(expectations[0].predicate.type, LogicalType::BOOLEAN);
  EXPECT_EQ(columnar::to_string(expectations[0].predicate, {"s", "n"}),
            "((n > CAST(0 AS BIGINT)) AND (s IS NOT NULL))");
  EXPECT_EQ(expectations[1].on_violation, plan::OnViolation::Keep);
}

// --- sources

TEST_F(CompileTest, ASourceHasAStableKeyAndItsRescuedData) {
  const plan::Pipeline compiled = pipeline(
      "CREATE STREAMING TABLE q AS SELECT * FROM STREAM read_files('quakes/*.jsonl', allowOverwrites => true, "
      "schemaEvolutionMode => 'RESCUE');");
  ASSERT_THAT(compiled.sources, SizeIs(1));
  const plan::Source& source = compiled.sources[0];
  EXPECT_EQ(source.key, "q:quakes/*.jsonl");
  EXPECT_EQ(source.dataset, "q");
  EXPECT_EQ(source.path, "quakes/*.jsonl");
  EXPECT_EQ(source.format, "json");  // from the extension
  EXPECT_TRUE(source.stream);
  EXPECT_EQ(source.options,
            (std::map<std::string, std::string>{{"allowoverwrites", "true"}, {"schemaevolutionmode", "rescue"}}));
  EXPECT_EQ(source.schema.fields.back().name, "_rescued_data");
  EXPECT_EQ(source.schema.fields.back().type, LogicalType::VARCHAR);
  EXPECT_FALSE(source.declared_schema.has_value());
  EXPECT_EQ(compiled.datasets[0].schema.names().back(), "_rescued_data");
  EXPECT_THAT(compiled.datasets[0].query.inputs, ElementsAre("q:quakes/*.jsonl"));
  EXPECT_EQ(compiled.datasets[0].query.sql, "SELECT * FROM \"q:quakes/*.jsonl\" AS read_files");
  const auto& input = std::get<plan::InputNode>(compiled.datasets[0].query.nodes.front().body);
  EXPECT_EQ(input.relation, source.key);
  EXPECT_TRUE(input.stream);
}

TEST_F(CompileTest, TheTimeOfADeltaTableHasTwoNames) {
  files_.schemas["orders"] = schema_of({{"timestamp", LogicalType::BIGINT}});
  const plan::Pipeline compiled = pipeline(
      "CREATE MATERIALIZED VIEW v AS SELECT o.timestamp, TIMESTAMP '2026-01-01' AS t "
      "FROM read_delta('orders', Timestamp => '2026-01-31 12:00:00+01') AS o;");
  ASSERT_THAT(compiled.sources, SizeIs(1));
  EXPECT_EQ(compiled.sources[0].options, (std::map<std::string, std::string>{{"as_of", "1769857200000"}}));
}

TEST_F(CompileTest, ADeltaTableIsASourceWithTheTablesColumns) {
  files_.schemas["tables/orders"] = schema_of({{"id", LogicalType::BIGINT}});
  const plan::Pipeline compiled = pipeline(
      "CREATE MATERIALIZED VIEW v AS SELECT * FROM read_delta('tables/orders', as_of => '2026-01-31 12:00:00+01');\n"
      "CREATE STREAMING TABLE s AS SELECT id FROM STREAM read_delta('tables/orders', StartingVersion => 'LATEST', "
      "skipChangeCommits => true);");
  ASSERT_THAT(compiled.sources, SizeIs(2));
  EXPECT_EQ(compiled.sources[0].kind, plan::SourceKind::Delta);
  EXPECT_EQ(compiled.sources[0].key, "v:tables/orders");
  EXPECT_EQ(compiled.sources[0].options, (std::map<std::string, std::string>{{"as_of", "1769857200000"}}));
  EXPECT_THAT(compiled.sources[0].schema.names(), ElementsAre("id")) << "nothing is rescued";
  EXPECT_EQ(compiled.datasets[0].query.sql, "SELECT * FROM \"v:tables/orders\" AS read_delta");
  EXPECT_TRUE(compiled.sources[1].stream);
  EXPECT_EQ(compiled.sources[1].options,
            (std::map<std::string, std::string>{{"skipchangecommits", "true"}, {"startingversion", "latest"}}));
}

TEST_F(CompileTest, ADeclaredSchemaIsReadInDuckDBsAndSparksSpelling) {
  const plan::Pipeline compiled = pipeline(
      "CREATE STREAMING TABLE a AS SELECT * FROM STREAM read_files('x/', format => 'json', schema => 'id BIGINT NOT "
      "NULL, p STRUCT(x DOUBLE, y DOUBLE), tags VARCHAR[], d DECIMAL(10, 2)');\n"
      "CREATE STREAMING TABLE b AS SELECT * FROM STREAM read_files('x/', format => 'parquet', schema => 'id: bigint, p "
      "struct<x: double, tags: array<string>>, m map<string,int>, n byte, ts timestamp_ltz COMMENT ''when''');");
  EXPECT_TRUE(files_.asked.empty());
  EXPECT_EQ(columnar::to_string(*compiled.sources[0].declared_schema),
            "id BIGINT, p STRUCT(x DOUBLE, y DOUBLE), tags VARCHAR[], d DECIMAL(10,2)");
  EXPECT_EQ(columnar::to_string(compiled.sources[1].schema),
            "id BIGINT, p STRUCT(x DOUBLE, tags VARCHAR[]), m MAP(VARCHAR, INTEGER), n TINYINT, ts TIMESTAMP WITH TIME "
            "ZONE, _rescued_data VARCHAR");
}

TEST_F(CompileTest, EqualCallsShareASourceAndTheProviderIsAskedOnce) {
  const plan::Pipeline compiled = pipeline(
      "CREATE MATERIALIZED VIEW v AS SELECT x.id FROM read_files('quakes/*.jsonl') x JOIN read_files('quakes/*.jsonl') "
      "y ON x.id = y.id\n"
      "  JOIN read_files('quakes/*.jsonl', maxFilesPerTrigger => 7) z ON z.id = y.id;\n"
      "CREATE MATERIALIZED VIEW w AS SELECT id FROM read_files('quakes/*.jsonl');");
  std::vector<std::string> keys;
  for (const plan::Source& source : compiled.sources) keys.push_back(source.key);
  EXPECT_THAT(keys, ElementsAre("v:quakes/*.jsonl", "v:quakes/*.jsonl#2", "w:quakes/*.jsonl"));
  EXPECT_FALSE(compiled.sources[0].stream);
  EXPECT_THAT(files_.asked, SizeIs(2));
}

// --- temporary views

TEST_F(CompileTest, TemporaryViewsAreInlinedAndCarriedAsText) {
  const plan::Pipeline compiled =
      pipeline(kTables +
               "CREATE MATERIALIZED VIEW v AS SELECT net, n FROM counted WHERE n > 1;\n"
               "CREATE TEMPORARY VIEW counted AS SELECT net, count(*) AS n FROM strong GROUP BY net;\n"
               "CREATE TEMPORARY VIEW strong AS SELECT * FROM main.quakes /* all */ WHERE mag > 4;");
  const plan::Dataset& v = *compiled.find_dataset("v");
  EXPECT_THAT(plan::describe(v.query), ElementsAre("project net, count_star() AS n", "  filter (count_star() > 1)",
                                                   "    aggregate count_star() by net", "      filter (mag > 4.0)",
                                                   "        input quakes (mag, net)"));
  EXPECT_THAT(v.query.inputs, ElementsAre("quakes"));
  ASSERT_THAT(v.query.views, SizeIs(2));
  EXPECT_EQ(v.query.views[0].name, "strong");
  EXPECT_EQ(v.query.views[0].sql, "SELECT * FROM \"quakes\" WHERE mag > 4");
  EXPECT_EQ(v.query.views[1].name, "counted");
  EXPECT_EQ(v.query.sql, "SELECT net, n FROM counted WHERE n > 1");
  const plan::Dataset& counted = *compiled.find_dataset("counted");
  EXPECT_EQ(counted.kind, plan::DatasetKind::TemporaryView);
  EXPECT_FALSE(counted.query.incremental());
}

TEST_F(CompileTest, AStreamingViewMayFeedAStreamingTable) {
  const plan::Pipeline compiled =
      pipeline(kTables +
               "CREATE TEMPORARY VIEW strong AS SELECT id, mag FROM STREAM(quakes) WHERE mag > 4;\n"
               "CREATE STREAMING TABLE a AS SELECT * FROM strong;\n"
               "CREATE STREAMING TABLE b AS SELECT * FROM STREAM strong;");
  for (const char* name : {"a", "b"}) {
    EXPECT_THAT(plan::describe(compiled.find_dataset(name)->query),
                ElementsAre("filter (mag > 4.0)", "  input STREAM quakes (id, mag)"))
        << name;
  }
}

TEST_F(CompileTest, FilesReadInAViewBelongToTheDatasetThatUsesIt) {
  const plan::Pipeline compiled = pipeline(
      "CREATE TEMPORARY VIEW raw AS SELECT id FROM STREAM read_files('quakes/*.jsonl');\n"
      "CREATE STREAMING TABLE a AS SELECT * FROM raw;\n"
      "CREATE STREAMING TABLE b AS SELECT * FROM raw;");
  ASSERT_THAT(compiled.sources, SizeIs(2));
  EXPECT_EQ(compiled.sources[0].key, "a:quakes/*.jsonl");
  EXPECT_EQ(compiled.sources[1].key, "b:quakes/*.jsonl");
  EXPECT_EQ(compiled.find_dataset("a")->query.views[0].sql, "SELECT id FROM \"a:quakes/*.jsonl\" AS read_files");
  EXPECT_THAT(files_.asked, SizeIs(1));
}

// --- names

TEST_F(CompileTest, CommonTableExpressionsShadowDatasets) {
  const plan::Dataset v = view("WITH t AS (SELECT a + 1 AS n FROM t), u AS (SELECT n FROM t) SELECT n FROM u");
  EXPECT_THAT(v.query.inputs, ElementsAre("t"));
  EXPECT_THAT(plan::describe(v.query), ElementsAre("project (a + 1) AS n", "  input t (a)"));
  const plan::Dataset only_cte = view("WITH nowhere AS (SELECT 1 AS n) SELECT n FROM nowhere");
  EXPECT_THAT(only_cte.query.inputs, IsEmpty());
}

TEST_F(CompileTest, ADatasetMayBeCalledStream) {
  const plan::Pipeline compiled =
      pipeline(kTables +
               "CREATE MATERIALIZED VIEW stream AS SELECT a, s FROM t;\n"
               "CREATE MATERIALIZED VIEW v AS SELECT stream.a FROM stream WHERE a > 1;\n"
               "CREATE MATERIALIZED VIEW w AS SELECT a stream FROM t JOIN stream AS x USING (a);");
  EXPECT_THAT(compiled.find_dataset("v")->query.inputs, ElementsAre("stream"));
  EXPECT_THAT(compiled.find_dataset("w")->query.inputs, ElementsAre("stream", "t"));
  EXPECT_EQ(compiled.find_dataset("w")->schema.fields[0].name, "stream");
}

TEST_F(CompileTest, EveryPlaceForStreamIsUnderstood) {
  const plan::Pipeline compiled = pipeline(
      kTables +
      "CREATE STREAMING TABLE v AS\n"
      "  SELECT a FROM STREAM t AS x WHERE extract(year FROM TIMESTAMP '2020-01-01') > 5 AND a IS DISTINCT FROM 3\n"
      "  UNION ALL SELECT a FROM (SELECT a FROM stream(main.t) WHERE a IN (1, 2)) UNION ALL (FROM STREAM t SELECT b);");
  EXPECT_THAT(compiled.find_dataset("v")->query.inputs, ElementsAre("t"));
  for (const plan::Node& node : compiled.find_dataset("v")->query.nodes) {
    const auto* input = std::get_if<plan::InputNode>(&node.body);
    EXPECT_TRUE(input == nullptr || input->stream);
  }
  EXPECT_THAT(compiled.find_dataset("v")->query.sql, ::testing::Not(::testing::HasSubstr("STREAM")));
}

// --- fingerprints

TEST_F(CompileTest, AFingerprintFollowsWhatDecidesTheRows) {
  const std::string base = view("SELECT a, s FROM t WHERE a > 1").fingerprint;
  EXPECT_THAT(base, SizeIs(32));
  EXPECT_EQ(view("select a,\n s -- both\nfrom T where (a > 1)").fingerprint, base);
  EXPECT_EQ(view("SELECT x.a, x.s FROM t AS x WHERE x.a > 1").fingerprint, base);
  EXPECT_NE(view("SELECT a, s FROM t WHERE a > 2").fingerprint, base);
  EXPECT_NE(view("SELECT a, s FROM t WHERE a >= 1").fingerprint, base);
  EXPECT_NE(view("SELECT s, a FROM t WHERE a > 1").fingerprint, base);
  EXPECT_NE(view("SELECT a, s AS r FROM t WHERE a > 1").fingerprint, base);
  EXPECT_NE(view("SELECT b::BIGINT AS a, s FROM t WHERE a > 1").fingerprint, base);
}

TEST_F(CompileTest, AFingerprintOfARecomputedViewFollowsItsQuery) {
  const std::string base = view("SELECT median(a) AS m FROM t").fingerprint;
  EXPECT_EQ(view("SELECT\n median( a ) AS m FROM t").fingerprint, base);
  EXPECT_NE(view("SELECT median(b) AS m FROM t").fingerprint, base);
}

TEST_F(CompileTest, AFingerprintFollowsExpectations) {
  const auto fingerprint = [&](const std::string& clause) {
    return pipeline(kTables + "CREATE STREAMING TABLE v " + clause + " AS SELECT a FROM STREAM t;")
        .find_dataset("v")
        ->fingerprint;
  };
  const std::string kept = fingerprint("(CONSTRAINT c EXPECT (a > 1))");
  EXPECT_NE(fingerprint(""), kept);
  EXPECT_NE(fingerprint("(CONSTRAINT c EXPECT (a > 1) ON VIOLATION DROP ROW)"), kept);
  EXPECT_NE(fingerprint("(CONSTRAINT c EXPECT (a > 2))"), kept);
  EXPECT_EQ(fingerprint("(CONSTRAINT c EXPECT (a  >  1)) COMMENT 'new'"), kept);
}

TEST_F(CompileTest, EqualTextGivesAnEqualPipeline) {
  const std::string text =
      kTables + "CREATE MATERIALIZED VIEW v AS SELECT net, count(*) AS n FROM quakes GROUP BY net;";
  const plan::Pipeline first = pipeline(text);
  const plan::Pipeline second = pipeline(text);
  for (std::size_t i = 0; i < first.datasets.size(); ++i) {
    EXPECT_EQ(plan::encode(first.datasets[i].query), plan::encode(second.datasets[i].query));
    EXPECT_EQ(first.datasets[i].fingerprint, second.datasets[i].fingerprint);
  }
}

TEST_F(CompileTest, NoFilesGiveAnEmptyPipeline) {
  const Compiled compiled = compile({}, files_, settings_);
  ASSERT_TRUE(compiled.pipeline.has_value());
  EXPECT_THAT(compiled.pipeline->datasets, IsEmpty());
}

}  // namespace
}  // namespace sluice::sql
