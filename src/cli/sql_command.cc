#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/result_writer.h"
#include "cli/session.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

Result<std::string> script_text(const SqlOptions& options) {
  if (!options.query.empty()) return options.query;
  std::ostringstream text;
  if (!options.file.empty()) {
    std::ifstream in(options.file, std::ios::binary);
    if (!in) {
      return Error(ErrorCode::NotFound, "cannot read " + options.file.string()).with_number(101);
    }
    text << in.rdbuf();
    return std::move(text).str();
  }
  if (isatty(STDIN_FILENO) == 1) {
    return Error(ErrorCode::InvalidArgument, "no query").with_number(100).with_help("sluice sql -c \"SELECT …\"");
  }
  text << std::cin.rdbuf();
  return std::move(text).str();
}

/// True for what EXPLAIN gives: drawings, of which a table would make one line each.
bool is_plan(const lake::Rows& rows) {
  return rows.names() == std::vector<std::string>{"explain_key", "explain_value"};
}

Status show_plan(lake::Rows& rows) {
  for (;;) {
    SLUICE_TRY_ASSIGN(const auto chunk, rows.next());
    if (!chunk) return ok();
    for (std::size_t row = 0; row < chunk->size(); ++row) std::cout << chunk->GetValue(1, row).ToString();
  }
}

/// Runs a statement that has nothing to show.
Status run_out(lake::Rows& rows) {
  for (;;) {
    SLUICE_TRY_ASSIGN(const auto chunk, rows.next());
    if (!chunk) return ok();
  }
}

/// Shows how many rows a statement changed; only people are told, not programs that read the output.
Status show_count(lake::Rows& rows, OutputFormat format) {
  SLUICE_TRY_ASSIGN(const auto chunk, rows.next());
  if (!chunk || format != OutputFormat::Table) return ok();
  const auto count = chunk->GetValue(0, 0).GetValue<std::int64_t>();
  std::cout << count << (count == 1 ? " row changed\n" : " rows changed\n");
  return ok();
}

Status run_statement(lake::LakeSession& session, const CommonOptions& common, const std::string& statement,
                     const std::stop_token& stop) {
  SLUICE_TRY_ASSIGN(const std::unique_ptr<lake::Rows> rows, session.query(statement, stop));
  if (common.output == OutputFormat::Table && is_plan(*rows)) return show_plan(*rows);
  if (rows->is_change()) return show_count(*rows, common.output);
  if (!rows->is_table()) return run_out(*rows);
  columnar::Schema schema;
  for (std::size_t column = 0; column < rows->names().size(); ++column) {
    schema.fields.push_back({rows->names()[column], rows->types()[column], true, {}});
  }
  const auto writer = ResultWriter::create(common.output, std::cout, std::move(schema), terminal_width(STDOUT_FILENO));
  for (;;) {
    SLUICE_TRY_ASSIGN(const auto chunk, rows->next());
    if (!chunk) break;
    writer->write(*chunk);
  }
  writer->finish();
  return ok();
}

/// Gives the place of an error the script's name.
Error named(Error error, const std::string& name) {
  if (!error.location()) return error;
  SourceLocation where = *error.location();
  where.file = name;
  return std::move(error).at(std::move(where));
}

/// `name` stands for the script in the places of errors.
Status run_script(Session& session, const CommonOptions& common, const std::string& script, const std::string& name,
                  const std::stop_token& stop) {
  SLUICE_TRY_ASSIGN(const auto lake_session, session.lake->open_session());
  auto statements = session.lake->split(script);
  if (!statements) return named(std::move(statements).error(), name);
  for (const lake::ScriptPart& statement : *statements) {
    if (Status done = run_statement(*lake_session, common, statement.text, stop); !done) {
      return named(lake::in_script(std::move(done).error(), script, statement.begin), name);
    }
  }
  return ok();
}

}  // namespace

int sql_command(const CommonOptions& common, const SqlOptions& options) {
  auto script = script_text(options);
  if (!script) return report_error(script.error());
  StopSignals signals;
  auto session = open_session(common, options.project, SessionUse::Anywhere);
  if (!session) return report_error(session.error());
  const std::string name = options.file.empty() ? "query" : options.file.string();
  const Status status = run_script(**session, common, *script, name, signals.token());
  if (!status && status.error().code() != ErrorCode::Cancelled) return report_error(status.error());
  if (signals.received() != 0) return 128 + signals.received();
  if (!status) return report_error(status.error());
  std::cout.flush();
  if (!std::cout) {
    return report_error(Error(ErrorCode::Unavailable, "the answer could not be written to stdout").with_number(5001));
  }
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace sluice::cli
