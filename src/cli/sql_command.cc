#include <sys/ioctl.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/result_writer.h"
#include "cli/session.h"
#include "cli/stop_signals.h"

namespace sluice::cli {
namespace {

std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

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

Status run_script(Session& session, const CommonOptions& common, const std::string& script,
                  const std::stop_token& stop) {
  SLUICE_TRY_ASSIGN(const std::vector<std::string> statements, session.lake->split(script));
  for (const std::string& statement : statements) {
    auto result = session.lake->query(statement, stop);
    if (!result && result.error().code() == ErrorCode::PermissionDenied) {
      // The query asks for what no query may do; the machine's own permissions have nothing to do with it.
      return Error(ErrorCode::InvalidArgument, result.error().message())
          .with_number(142)
          .with_help("queries read the project's tables and read_delta('path')");
    }
    SLUICE_TRY_ASSIGN(const std::unique_ptr<lake::Rows> rows, std::move(result));
    columnar::Schema schema;
    for (std::size_t column = 0; column < rows->names().size(); ++column) {
      schema.fields.push_back({rows->names()[column], rows->types()[column], true, {}});
    }
    const auto writer = ResultWriter::create(common.output, std::cout, std::move(schema), terminal_width());
    for (;;) {
      SLUICE_TRY_ASSIGN(const auto chunk, rows->next());
      if (!chunk) break;
      if (rows->is_table()) writer->write(*chunk);
    }
    if (rows->is_table()) writer->finish();
  }
  return ok();
}

}  // namespace

int sql_command(const CommonOptions& common, const SqlOptions& options) {
  auto script = script_text(options);
  if (!script) return report_error(script.error());
  StopSignals signals;
  auto session = open_session(common, options.project, false);
  if (!session) return report_error(session.error());
  const Status status = run_script(**session, common, *script, signals.token());
  if (signals.received() != 0) return 128 + signals.received();
  if (!status) return report_error(status.error());
  std::cout.flush();
  if (!std::cout) {
    return report_error(Error(ErrorCode::Unavailable, "the answer could not be written to stdout").with_number(5001));
  }
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace sluice::cli
