#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/session.h"

namespace sluice::cli {
namespace {

/// A failed check aborts; scripts see the documented code of an internal error instead of a signal.
void exit_internal(int) { _exit(static_cast<int>(ExitCode::Internal)); }

struct CommandLine {
  CommonOptions common;
  RunOptions run;
  SqlOptions sql;
  ExplainOptions explain;
  InitOptions init;
  std::filesystem::path validate_project;
  std::string output;
  std::string log_format;
  std::string log_level;
  bool verbose = false;
};

void add_common(CLI::App& app, CommandLine& line) {
  app.add_option("-C", line.common.folder, "Project folder, or a folder below it")->type_name("DIR");
  app.add_option("--storage", line.common.storage, "Folder of the Delta tables, instead of the project's")
      ->type_name("DIR");
  app.add_option("--output", line.output, "table, json, ndjson, csv or markdown")->type_name("FORMAT");
  app.add_option("--log-format", line.log_format, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", line.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_flag("-q,--quiet", line.common.quiet, "No progress and no summary on stderr");
  app.add_flag("-v,--verbose", line.verbose, "Log what happens");
}

CLI::App* add_verb(CLI::App& app, CommandLine& line, const char* name, const char* what, const char* example) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->footer(fmt::format("Example:\n  {}", example));
  add_common(*verb, line);
  return verb;
}

void add_verbs(CLI::App& app, CommandLine& line) {
  CLI::App* init = add_verb(app, line, "init", "Write a new project", "sluice init --template earthquakes quakes");
  init->add_option("DIR", line.init.folder, "Where; made if absent, must be empty");
  init->add_option("--template", line.init.template_name, "empty or earthquakes")->type_name("NAME");

  CLI::App* validate =
      add_verb(app, line, "validate", "Find mistakes without touching data", "sluice validate -C quakes");
  validate->add_option("PROJECT", line.validate_project, "Project folder or .sql file");

  CLI::App* run = add_verb(app, line, "run", "Bring every table up to date", "sluice run --once -C quakes");
  run->add_option("PROJECT", line.run.project, "Project folder or .sql file");
  run->add_flag("--once", line.run.once, "Take what there is, then end; otherwise keep watching until Ctrl-C");
  run->add_option_function<std::string>(
         "--full-refresh",
         [&line](const std::string& names) {
           if (names.empty()) line.run.full_refresh_all = true;
           std::string_view rest = names;
           while (!rest.empty()) {
             const std::string_view name = rest.substr(0, rest.find(','));
             rest.remove_prefix(std::min(rest.size(), name.size() + 1));
             if (!name.empty()) line.run.full_refresh.emplace_back(name);
           }
         },
         "Compute everything, or =T,… only these, from scratch")
      ->expected(0, 1)
      ->type_name("T,...");

  CLI::App* sql = add_verb(app, line, "sql", "Query the tables as they are now",
                           "sluice sql -C quakes -c \"SELECT net, quakes FROM network_stats ORDER BY quakes DESC\"");
  sql->add_option("PROJECT", line.sql.project, "Project folder");
  CLI::Option* query = sql->add_option("-c", line.sql.query, "The query")->type_name("QUERY");
  sql->add_option("-f", line.sql.file, "A file that holds the query")->type_name("FILE")->excludes(query);

  CLI::App* explain =
      add_verb(app, line, "explain", "Show how a dataset is kept up to date, or what an error code means",
               "sluice explain above_network_mean -C quakes");
  explain->add_option("SUBJECT", line.explain.subject, "A dataset or a code such as SLU1042; all datasets if absent");

  add_verb(app, line, "version", "Show the versions of everything linked", "sluice version --output json");
}

int usage_error(const std::string& message, const std::string& help) {
  std::cerr << render(Error(ErrorCode::InvalidArgument, message).with_number(100).with_help(help));
  return static_cast<int>(ExitCode::Usage);
}

/// CLI11 says only that an argument was not expected; a mistyped verb deserves its near names.
int report(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(verb->get_name());
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) continue;
    if (std::find(verbs.begin(), verbs.end(), word) != verbs.end()) break;
    const auto near = near_names(word, verbs);
    return usage_error(fmt::format("there is no verb '{}'", word),
                       fmt::format("{} {}; see sluice --help", near.empty() ? "verbs:" : "did you mean",
                                   fmt::join(near.empty() ? verbs : near, ", ")));
  }
  return usage_error(error.what(), "see sluice --help");
}

/// Fills in a setting from the environment if no flag gave it.
void take_variable(const char* name, std::string& setting) {
  const char* value = std::getenv(name);
  if (setting.empty() && value != nullptr) setting = value;
}

Status finish_common(CommandLine& line) {
  // Not by CLI11's own envname(): every verb shares these settings, and it would fill them in for verbs not given.
  std::string folder = line.common.folder.string();
  take_variable("SLUICE_PROJECT", folder);
  line.common.folder = folder.empty() ? "." : folder;
  take_variable("SLUICE_STORAGE", line.common.storage);
  take_variable("SLUICE_OUTPUT", line.output);
  take_variable("SLUICE_LOG_FORMAT", line.log_format);
  take_variable("SLUICE_LOG_LEVEL", line.log_level);
  if (line.output.empty()) line.output = "table";
  SLUICE_TRY_ASSIGN(line.common.output, parse_output_format(line.output));
  line.common.log_format = line.log_format == "json" ? LogFormat::Json : LogFormat::Text;
  if (line.verbose) line.common.log_level = LogLevel::Info;
  if (line.log_level == "debug") line.common.log_level = LogLevel::Debug;
  if (line.log_level == "info") line.common.log_level = LogLevel::Info;
  if (line.log_level == "warn") line.common.log_level = LogLevel::Warn;
  if (line.log_level == "error") line.common.log_level = LogLevel::Error;
  line.common.color = isatty(STDERR_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return ok();
}

/// --full-refresh= with nothing behind it is most likely a variable that is empty, and must not mean all tables.
bool names_nothing_to_refresh(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--full-refresh=") return true;
    if (argument == "--full-refresh" && i + 1 < argc && *argv[i + 1] == '\0') return true;
  }
  return false;
}

int dispatch(const CLI::App& app, const CommandLine& line) {
  if (app.got_subcommand("init")) return init_command(line.common, line.init);
  if (app.got_subcommand("validate")) return validate_command(line.common, line.validate_project);
  if (app.got_subcommand("run")) return run_command(line.common, line.run);
  if (app.got_subcommand("sql")) return sql_command(line.common, line.sql);
  if (app.got_subcommand("explain")) return explain_command(line.common, line.explain);
  return version_command(line.common);
}

}  // namespace

int main_function(int argc, char** argv) {
  std::signal(SIGABRT, exit_internal);
  CommandLine line;
  CLI::App app("Streaming Delta Lake pipelines: SQL files in, plain Delta tables out, kept up to date by what changed.",
               "sluice");
  app.require_subcommand(1);
  app.footer("Example:\n  sluice init --template earthquakes quakes && sluice run --once -C quakes");
  add_verbs(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report(app, error, argc, argv);
  }
  if (names_nothing_to_refresh(argc, argv)) {
    return report_error(Error(ErrorCode::InvalidArgument, "--full-refresh= names no dataset")
                            .with_number(100)
                            .with_help("--full-refresh=a,b for some, --full-refresh alone for all"));
  }
  if (const Status status = finish_common(line); !status) {
    std::cerr << render(status.error());
    return static_cast<int>(ExitCode::Usage);
  }
  return dispatch(app, line);
}

}  // namespace sluice::cli

int main(int argc, char** argv) { return sluice::cli::main_function(argc, argv); }
