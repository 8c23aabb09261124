#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/result_writer.h"

namespace sluice::cli {

/// What every verb understands. Flag before SLUICE_* variable before sluice.yml.
struct CommonOptions {
  std::filesystem::path folder;  ///< -C: the project's folder, or somewhere below it.
  std::string storage;           ///< --storage; empty: as the project says.
  OutputFormat output = OutputFormat::Table;
  LogFormat log_format = LogFormat::Text;
  LogLevel log_level = LogLevel::Warn;
  bool quiet = false;
};

struct RunOptions {
  std::filesystem::path project;  ///< A folder or .sql file; empty: CommonOptions::folder.
  bool once = false;
  bool full_refresh_all = false;
  std::vector<std::string> full_refresh;
};

struct SqlOptions {
  std::filesystem::path project;
  std::string query;
  std::filesystem::path file;
};

struct ExplainOptions {
  std::string subject;  ///< A dataset, an error code, or empty for all datasets.
};

struct InitOptions {
  std::filesystem::path folder = ".";
  std::string template_name = "empty";
};

/// Each verb: does its work, writes results to stdout and all else to stderr, returns the process's exit code.
int run_command(const CommonOptions& common, const RunOptions& options);
int sql_command(const CommonOptions& common, const SqlOptions& options);
int validate_command(const CommonOptions& common, const std::filesystem::path& project);
int explain_command(const CommonOptions& common, const ExplainOptions& options);
int init_command(const CommonOptions& common, const InitOptions& options);
/// `names`: tables of the project, or folders; all of the project's tables if empty.
int verify_command(const CommonOptions& common, const std::vector<std::string>& names);
int version_command(const CommonOptions& common);

}  // namespace sluice::cli
