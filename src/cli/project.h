#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::cli {

/// A file of statements as it was read.
struct StatementFile {
  std::string name;  ///< Relative to the project folder.
  std::string text;
};

/// A pipeline on disk: what `sluice.yml` says, or what a single SQL file implies.
struct Project {
  static constexpr std::size_t kSpecBytesMax = 1 << 20;
  static constexpr std::size_t kStatementFileBytesMax = 16 << 20;

  std::string name;
  std::filesystem::path folder;   ///< Absolute. Relative paths in SQL and in the spec start here.
  std::filesystem::path storage;  ///< Absolute.
  std::string schema = "main";
  std::map<std::string, std::string> configuration;
  std::vector<StatementFile> files;  ///< Sorted by name.
};

/// The settings that flags and SLUICE_* variables may override; empty: not given.
struct ProjectOverrides {
  std::string storage;
  std::string schema;
  bool may_lack_statements = false;  ///< A library may name no file: for who runs none of them.
};

/// Opens the project that `start` lies in: a folder with sluice.yml (or spark-pipeline.yml, .yaml) at it or above it,
/// or a single .sql file, whose storage is `lake` beside it. Errors: NotFound, numbered kErrorNoProject, if there is no project; InvalidArgument
/// with file, line and column for an unknown key, a wrong type or YAML that does not parse; a library glob that matches
/// nothing; PermissionDenied, Unavailable.
Result<Project> open_project(const std::filesystem::path& start, const ProjectOverrides& overrides);

}  // namespace sluice::cli
