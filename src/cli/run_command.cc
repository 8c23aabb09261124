#include <unistd.h>

#include <iostream>

#include <fmt/format.h>

#include "cli/epoch_summary.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/planner.h"
#include "cli/progress_line.h"
#include "cli/run_lock.h"
#include "cli/session.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "runtime/pipeline_runner.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::milliseconds kPollInterval{200};  // how often a continuous run looks for files
constexpr std::chrono::milliseconds kSettleTime{1000};   // how long a file must stand still when continuous
constexpr std::chrono::milliseconds kRetryPause{1000};   // after an epoch that was given up
constexpr int kRetriesMax = 5;                           // in a row, before a continuous run ends

/// Tells of a committed epoch: programs on stdout, people on stderr, and the log.
void tell(Session& session, const CommonOptions& common, const runtime::EpochReport& report,
          std::chrono::nanoseconds lasted) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(lasted);
  log_epoch(*session.log, report, took);
  if (common.output != OutputFormat::Table) {
    std::cout << to_json(report, took) << std::flush;
  } else if (!common.quiet) {
    std::cerr << to_text(report, took);
  }
}

void print_notes(runtime::PipelineRunner& runner) {
  for (const std::string& note : runner.take_notes()) std::cerr << "note: " << note << '\n';
}

/// Errors of the project's text are shown all; others come alone.
int report_run_error(const Planner& planner, const Error& error) {
  if (planner.errors().size() > 1 && planner.errors().front() == error) {
    for (const Error& mistake : planner.errors()) std::cerr << render(mistake) << '\n';
    return static_cast<int>(exit_code_of(error));
  }
  return report_error(error);
}

/// True if the next attempt may succeed: input changed under us, storage did not answer.
bool worth_retrying(const Error& error) { return error.code() == ErrorCode::Unavailable; }

/// Ends a run that was told to stop and has finished what it had begun.
int drained(const CommonOptions& common, const StopSignals& signals) {
  if (!common.quiet) std::cerr << "stopped; every committed epoch is complete\n";
  return 128 + signals.received();
}

int run_epochs(Session& session, const CommonOptions& common, const RunOptions& options, const StopSignals& signals) {
  Planner planner(session.project);
  runtime::RunnerOptions runner_options;
  runner_options.schema = session.project.schema;
  runner_options.full_refresh = {options.full_refresh_all, {options.full_refresh.begin(), options.full_refresh.end()}};
  runner_options.settle_time = options.once ? std::chrono::milliseconds(0) : kSettleTime;
  runner_options.wait_for_paths = !options.once;
  runner_options.engine = "sluice " SLUICE_VERSION;
  // A line that is overwritten goes well with nothing else that is written all the time.
  const bool show_progress =
      !common.quiet && common.output == OutputFormat::Table && common.log_level >= LogLevel::Warn;
  ProgressLine progress(std::cerr, session.clock, show_progress ? terminal_width(STDERR_FILENO) : 0);
  runtime::PipelineRunner runner(
      {session.storage, *session.files, *session.lake, planner, session.clock, session.random, *session.log,
       session.fail_points, [&](const runtime::Progress& at) { progress.show(at); }},
      runner_options);
  session.log->info("run", options.once ? "run begins" : "watching begins",
                    {{"project", session.project.name},
                     {"folder", session.project.folder.string()},
                     {"storage", session.project.storage.string()}});
  const bool quiet = common.quiet;
  bool any = false;
  int failures = 0;
  for (;;) {
    const auto start = session.clock.monotonic();
    auto report = runner.run_epoch(signals.token());
    progress.clear();
    if (!quiet) print_notes(runner);
    if (!report && report.error().code() == ErrorCode::Cancelled && signals.received() != 0) {
      return drained(common, signals);
    }
    if (!report) {
      // With --once a retry is the caller's choice, except that a file that changed while it was read may just be done.
      const bool retry = worth_retrying(report.error()) && !options.once && ++failures <= kRetriesMax;
      if (retry && signals.received() == 0) {
        session.log->warn("run", report.error().message());
        session.clock.sleep(kRetryPause, signals.token());
      }
      // Who is stopped while the last epoch had failed has not drained: the failure is what the run ends with.
      if (!retry || signals.received() != 0) return report_run_error(planner, report.error());
      continue;
    }
    failures = 0;
    if (*report) {
      any = true;
      tell(session, common, **report, session.clock.monotonic() - start);
      if (!std::cout) {
        return report_error(
            Error(ErrorCode::Unavailable, "an epoch is committed, but its line could not be written to stdout")
                .with_number(5001));
      }
    }
    if (signals.received() != 0) return drained(common, signals);
    if (*report) continue;
    if (options.once) break;
    session.clock.sleep(kPollInterval, signals.token());
    if (signals.received() != 0) return drained(common, signals);
  }
  if (!any) session.log->info("run", "everything is up to date");
  if (!any && !quiet) std::cerr << "everything is up to date\n";
  return static_cast<int>(ExitCode::Ok);
}

}  // namespace

int run_command(const CommonOptions& common, const RunOptions& options) {
  StopSignals signals;
  auto session = open_session(common, options.project, SessionUse::Run);
  if (!session) return report_error(session.error());
  auto lock = RunLock::acquire((*session)->project.storage);
  if (!lock) return report_error(lock.error());
  return run_epochs(**session, common, options, signals);
}

}  // namespace sluice::cli
