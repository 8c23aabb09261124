#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <duckdb/common/types.hpp>

#include "sql/compile.h"

namespace sluice::sql {

/// Answers with schemas given by path; counts how often it was asked.
class KnownFiles final : public SchemaProvider {
 public:
  std::map<std::string, columnar::Schema> schemas;
  std::vector<plan::Source> asked;

  Status check_table_property(const std::string& key, const std::string&) override {
    if (key != "delta.noSuchThing") return ok();
    return Error(ErrorCode::InvalidArgument, "no table has delta.noSuchThing").with_help("did you mean delta.thing?");
  }
  Result<columnar::Schema> source_schema(const plan::Source& source) override {
    asked.push_back(source);
    const auto found = schemas.find(source.path);
    if (found != schemas.end()) return found->second;
    return Error(ErrorCode::NotFound, "no files are there").with_number(2001).with_help("create the folder");
  }
};

inline columnar::Schema schema_of(const std::vector<std::pair<std::string, duckdb::LogicalType>>& columns) {
  columnar::Schema schema;
  for (const auto& [name, type] : columns) schema.fields.push_back({name, type, true, {}});
  return schema;
}

/// Two streaming tables to write queries over: `quakes` with the columns of the earthquakes feed, and `t`.
inline const std::string kTables =
    "CREATE STREAMING TABLE quakes AS SELECT * EXCLUDE (_rescued_data) FROM STREAM read_files('quakes/*.jsonl');\n"
    "CREATE STREAMING TABLE t AS SELECT * EXCLUDE (_rescued_data) FROM STREAM read_files('t/*.jsonl');\n";
/// How many lines kTables has.
inline constexpr std::uint32_t kTablesLines = 2;

class CompileTest : public ::testing::Test {
 protected:
  CompileTest() {
    using duckdb::LogicalType;
    files_.schemas["quakes/*.jsonl"] = schema_of({{"id", LogicalType::VARCHAR},
                                                  {"mag", LogicalType::DOUBLE},
                                                  {"place", LogicalType::VARCHAR},
                                                  {"time", LogicalType::TIMESTAMP},
                                                  {"updated", LogicalType::TIMESTAMP},
                                                  {"net", LogicalType::VARCHAR},
                                                  {"longitude", LogicalType::DOUBLE},
                                                  {"latitude", LogicalType::DOUBLE},
                                                  {"depth", LogicalType::DOUBLE},
                                                  {"type", LogicalType::VARCHAR}});
    files_.schemas["t/*.jsonl"] = schema_of({{"a", LogicalType::BIGINT},
                                             {"b", LogicalType::INTEGER},
                                             {"s", LogicalType::VARCHAR},
                                             {"l", LogicalType::LIST(LogicalType::BIGINT)},
                                             {"d", LogicalType::DECIMAL(10, 2)},
                                             {"x", LogicalType::DOUBLE}});
  }

  Compiled compile_text(const std::string& text) { return compile({{"pipeline.sql", text}}, files_, settings_); }

  /// Compiles the text, which must be right.
  plan::Pipeline pipeline(const std::string& text) {
    Compiled compiled = compile_text(text);
    for (const Error& error : compiled.errors) ADD_FAILURE() << render(error);
    return compiled.pipeline ? std::move(*compiled.pipeline) : plan::Pipeline();
  }

  /// Compiles `query` as a materialized view over kTables and returns it.
  plan::Dataset view(const std::string& query) {
    plan::Pipeline compiled = pipeline(kTables + "CREATE MATERIALIZED VIEW v AS\n" + query + ";\n");
    const plan::Dataset* found = compiled.find_dataset("v");
    return found == nullptr ? plan::Dataset() : *found;
  }

  /// Returns the errors of a text that must be wrong.
  std::vector<Error> errors_of(const std::string& text) {
    Compiled compiled = compile_text(text);
    EXPECT_FALSE(compiled.pipeline.has_value()) << text;
    return compiled.errors;
  }

  KnownFiles files_;
  Settings settings_;
};

}  // namespace sluice::sql
