#include <unistd.h>

#include <algorithm>
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
  std::vector<std::string> verify_names;
  InitOptions init;
  std::filesystem::path validate_project;
  std::string output;
  std::string log_format;
  std::string log_level;
  bool verbose = false;
};

// What --output may be. Rows can have any form; what the other verbs say is text for people or JSON for programs.
const std::vector<std::string> kNoFormats = {};
const std::vector<std::string> kTextOrJson = {"table", "json", "ndjson"};
const std::vector<std::string> kRowFormats = {"table", "json", "ndjson", "csv", "markdown"};
const std::vector<std::string> kLogFormats = {"text", "json"};
const std::vector<std::string> kLogLevels = {"debug", "info", "warn", "error"};

constexpr const char* kFooter = R"(Variables, which count where the flag is not given:
  SLUICE_PROJECT     as -C
  SLUICE_STORAGE     as --storage
  SLUICE_OUTPUT      as --output, for the verbs that have the format
  SLUICE_LOG_FORMAT  as --log-format
  SLUICE_LOG_LEVEL   as --log-level

Example:
  sluice init --template earthquakes quakes && sluice run --once -C quakes)";

const std::vector<std::string>& formats_of(std::string_view verb) {
  if (verb == "init") return kNoFormats;
  return verb == "sql" ? kRowFormats : kTextOrJson;
}

void add_common(CLI::App& app, CommandLine& line) {
  app.add_option("-C", line.common.folder, "Project folder, or a folder below it")->type_name("DIR");
  app.add_option("--storage", line.common.storage, "Folder of the Delta tables, instead of the project's")
      ->type_name("DIR");
  if (const auto& formats = formats_of(app.get_name()); !formats.empty()) {
    app.add_option("--output", line.output, fmt::format("Form of what goes to stdout: {}", fmt::join(formats, ", ")))
        ->type_name("FORMAT");
  }
  app.add_option("--log-format", line.log_format, "Of the log on stderr: text or json")->type_name("FORMAT");
  app.add_option("--log-level", line.log_level, "What is logged: debug, info, warn (unless said otherwise) or error")
      ->type_name("LEVEL");
  app.add_flag("-q,--quiet", line.common.quiet, "No progress and no summary on stderr");
  app.add_flag("-v,--verbose", line.verbose, "Log what happens: --log-level info");
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

  CLI::App* verify =
      add_verb(app, line, "verify", "Check that the tables are what their logs say", "sluice verify -C quakes");
  verify->add_option("TABLE", line.verify_names, "Tables, or folders of Delta tables; all of the project if absent");

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

/// Fills in a setting from the environment if no flag gave it. Returns who gave it, for errors. Not by CLI11's own
/// envname(): every verb shares these settings, and it would fill them in for verbs not given.
std::string_view take_variable(const char* name, std::string_view flag, std::string& setting) {
  const char* value = std::getenv(name);
  if (!setting.empty() || value == nullptr || *value == '\0') return flag;
  setting = value;
  return name;
}

/// Returns which of `values` the setting is.
Result<std::size_t> choose(std::string_view origin, const std::string& setting,
                           const std::vector<std::string>& values) {
  const auto found = std::find(values.begin(), values.end(), setting);
  if (found != values.end()) return static_cast<std::size_t>(found - values.begin());
  const auto near = near_names(setting, values);
  return Error(ErrorCode::InvalidArgument, fmt::format("{} cannot be '{}'", origin, setting))
      .with_number(121)
      .with_help(near.empty() ? fmt::format("it is one of {}", fmt::join(values, ", "))
                              : fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

Status choose_output(CommandLine& line, const std::string& verb) {
  const std::string_view origin = take_variable("SLUICE_OUTPUT", "--output", line.output);
  if (line.output.empty()) return ok();
  auto format = parse_output_format(line.output);
  if (!format) return std::move(format).error().in(origin);
  const auto& formats = formats_of(verb);
  if (std::find(formats.begin(), formats.end(), line.output) != formats.end()) {
    line.common.output = *format;
  } else if (origin == "--output") {
    return Error(ErrorCode::InvalidArgument, fmt::format("sluice {} has no output format '{}'", verb, line.output))
        .with_number(120)
        .with_help(fmt::format("its formats: {}", fmt::join(formats, ", ")));
  }
  return ok();
}

Status finish_common(CommandLine& line, const std::string& verb) {
  std::string folder = line.common.folder.string();
  take_variable("SLUICE_PROJECT", "-C", folder);
  line.common.folder = folder.empty() ? "." : folder;
  take_variable("SLUICE_STORAGE", "--storage", line.common.storage);
  SLUICE_TRY(choose_output(line, verb));

  const std::string_view format_origin = take_variable("SLUICE_LOG_FORMAT", "--log-format", line.log_format);
  if (line.log_format.empty()) line.log_format = "text";
  SLUICE_TRY_ASSIGN(const std::size_t format, choose(format_origin, line.log_format, kLogFormats));
  line.common.log_format = static_cast<LogFormat>(format);

  if (line.verbose && line.log_level.empty()) line.log_level = "info";
  const std::string_view level_origin = take_variable("SLUICE_LOG_LEVEL", "--log-level", line.log_level);
  if (line.log_level.empty()) line.log_level = "warn";
  SLUICE_TRY_ASSIGN(const std::size_t level, choose(level_origin, line.log_level, kLogLevels));
  line.common.log_level = static_cast<LogLevel>(level);
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
  if (app.got_subcommand("verify")) return verify_command(line.common, line.verify_names);
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
  app.set_version_flag("--version", "sluice", "Show the versions of everything linked, as `sluice version` does");
  app.footer(kFooter);
  add_verbs(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return version_command(line.common);
  } catch (const CLI::ParseError& error) {
    return report(app, error, argc, argv);
  }
  if (names_nothing_to_refresh(argc, argv)) {
    return report_error(Error(ErrorCode::InvalidArgument, "--full-refresh= names no dataset")
                            .with_number(100)
                            .with_help("--full-refresh=a,b for some, --full-refresh alone for all"));
  }
  const Status status = finish_common(line, app.get_subcommands().front()->get_name());
  if (!status) return report_error(status.error());
  return dispatch(app, line);
}

}  // namespace sluice::cli

int main(int argc, char** argv) { return sluice::cli::main_function(argc, argv); }
