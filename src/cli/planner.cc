#include "cli/planner.h"

#include "runtime/managed_table.h"

namespace sluice::cli {
namespace {

/// Lets the compiler ask the runtime what a source's columns are.
class Schemas final : public sql::SchemaProvider {
 public:
  explicit Schemas(runtime::SourceSchemas& schemas) : schemas_(schemas) {}
  Result<columnar::Schema> source_schema(const plan::Source& source) override { return schemas_.schema_of(source); }
  Status check_table_property(const std::string& key, const std::string& value) override {
    return runtime::check_table_property(key, value);
  }

 private:
  runtime::SourceSchemas& schemas_;
};

}  // namespace

Result<plan::Pipeline> Planner::make_plan(runtime::SourceSchemas& schemas) {
  std::vector<sql::SourceFile> files;
  for (const StatementFile& file : project_.files) files.push_back({file.name, file.text});
  Schemas provider(schemas);
  sql::Compiled compiled = sql::compile(files, provider, {project_.name, project_.schema, project_.configuration});
  errors_ = std::move(compiled.errors);
  if (!errors_.empty()) return errors_.front();
  SLUICE_CHECK(compiled.pipeline.has_value(), "a compile without errors gives a pipeline");
  return std::move(*compiled.pipeline);
}

}  // namespace sluice::cli
