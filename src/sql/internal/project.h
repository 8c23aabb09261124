#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/pipeline.h"
#include "sql/compile.h"
#include "sql/internal/duckdb_error.h"
#include "sql/internal/planning_database.h"
#include "sql/internal/query.h"
#include "sql/internal/source_text.h"
#include "sql/internal/statement.h"

namespace sluice::sql {

/// A dataset on its way from text to plan.
struct DatasetDraft {
  const DatasetStatement* statement = nullptr;
  std::unique_ptr<Query> query;
  bool streams = false;  ///< Its query reads a STREAM, itself or through temporary views.
  bool broken = false;   ///< Something was reported about it or a dataset it reads.
  plan::Dataset out;     ///< Name, kind and what the statement says; the rest once it is bound.
};

/// All files of a project, parsed, with the names and the graph checked: everything that needs no schema.
class Project {
 public:
  /// Parses and checks. `database` is used for parsing only.
  Project(const std::vector<SourceFile>& files, const Settings& settings, PlanningDatabase& database);

  const SourceText& source() const { return source_; }
  const ProjectTokens& tokens() const { return token_index_; }
  const Settings& settings() const { return settings_; }
  std::vector<Error>& errors() { return errors_; }

  /// The dataset of this name in lower case, which must exist.
  DatasetDraft& get(const std::string& lower_name) { return drafts_[by_name_.at(lower_name)]; }
  /// Datasets in the order of their statements, each preceded by those it reads. Members of a cycle are broken.
  std::vector<DatasetDraft*> in_dependency_order();

 private:
  void parse_files();
  void define_names();
  void parse_queries();
  void sort_datasets();
  void check_streams(DatasetDraft& draft);
  void check_streaming_use(DatasetDraft& draft, const RelationUse& use);
  void visit(std::size_t index, std::vector<std::size_t>& path, std::vector<std::uint8_t>& state);
  void report_cycle(const std::vector<std::size_t>& path, std::size_t first);

  const std::vector<SourceFile>& files_;
  const Settings& settings_;
  PlanningDatabase& database_;
  SourceText source_;
  std::vector<Tokens> file_tokens_;
  ProjectTokens token_index_;
  std::vector<ParsedFile> parsed_;
  std::vector<DatasetDraft> drafts_;
  std::map<std::string, std::size_t> by_name_;  // lower case
  std::vector<std::size_t> order_;
  std::vector<Error> errors_;
};

}  // namespace sluice::sql
