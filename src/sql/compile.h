#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "columnar/schema.h"
#include "plan/pipeline.h"

namespace sluice::sql {

/// A file of statements.
struct SourceFile {
  std::string name;  ///< As errors show it: relative to the project folder where possible.
  std::string text;  ///< UTF-8. What is not valid UTF-8 is reported.
};

/// Knows what lies outside the pipeline's text: the columns of sources, and what tables can be. Asked while datasets are bound, on the calling thread.
class SchemaProvider {
 public:
  virtual ~SchemaProvider() = default;

  /// Returns the columns of what `source` names: its kind, path, format, options and location are set, it has no declared
  /// schema. Asked once per compile for equal sources. `_rescued_data` is added to those of files if it is not among
  /// them. An error is reported at the call, with its number and help; a location it carries is replaced.
  virtual Result<columnar::Schema> source_schema(const plan::Source& source) = 0;

  /// Ok if the tables of datasets can have this property. An error is reported at the property, with its help.
  virtual Status check_table_property(const std::string& key, const std::string& value) = 0;
};

/// What the project file says about the whole pipeline.
struct Settings {
  std::string pipeline_name;
  std::string schema = "main";  ///< Where the datasets live; `USE` and qualified names must agree with it.
  /// `configuration` of the project file. Keys that begin with "pipelines." are defaults of dataset properties.
  std::map<std::string, std::string> configuration;
};

/// A bound pipeline, or what is wrong with its text.
struct Compiled {
  std::optional<plan::Pipeline> pipeline;  ///< Present exactly if there are no errors.
  std::vector<Error> errors;               ///< In the order of files and lines; each with number and location.
};

/// Compiles a project: parses every file, checks names and graph, binds each query against the schemas of its inputs,
/// and translates it to operators. Reports as many mistakes as it can find in one run; a dataset that reads a broken
/// one is not reported again. The order of files and statements does not matter to what datasets are; they come out in
/// the order of their statements, each preceded by those it reads. Never throws. Equal text and schemas give an equal
/// pipeline.
/// Cost: about a millisecond per dataset and what the provider takes.
Compiled compile(const std::vector<SourceFile>& files, SchemaProvider& schemas, const Settings& settings);

/// Does what needs no schema: parses every file and query, checks names and the graph. Returns what is wrong.
std::vector<Error> check(const std::vector<SourceFile>& files, const Settings& settings);

}  // namespace sluice::sql
