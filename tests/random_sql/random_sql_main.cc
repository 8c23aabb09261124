// Random SQL: queries as views over tables that change, kept up to date by changes, against batch answers.
//
//   random_sql [--cases N] [--seed S] [--case I] [--jobs J] [--reduced FOLDER] [--least-incremental PERCENT]
//              [--seconds N]
//
// Case I of seed S is the same on every machine. Each failure is printed with both, made smaller, and written to FOLDER
// as a script for tests/e2e. Exits 0 if nothing failed.

#include <poll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "tests/random_sql/checker.h"
#include "tests/random_sql/generator.h"
#include "tests/random_sql/reducer.h"

namespace sluice::random_sql {
namespace {

struct Options {
  std::size_t cases = 1000;
  std::uint64_t seed = 1;
  std::optional<std::size_t> only_case;
  std::size_t jobs = 1;
  std::string reduced_folder;
  double least_incremental = 0;
  std::chrono::seconds seconds_max{0};  ///< No more cases are begun after that time; 0: no limit.
};

constexpr int kCaseSecondsMax = 60;  // of the processor: how busy a machine is decides nothing
constexpr int kReductionAttemptsMax = 1500;
constexpr int kInvalidMax = 8;

struct Report {
  std::size_t index = 0;
  Verdict verdict;
};

/// Cases beside each other have the same tables.
constexpr std::size_t kBlockCases = 10;

RandomCase case_of(std::uint64_t seed, std::size_t index, int attempt) {
  SeededRandom tables_mixer(seed * 1'000'003 + index / kBlockCases);
  SeededRandom mixer(~(seed * 1'000'003 + index));
  std::uint64_t mixed = mixer.next();
  for (; attempt > 0; --attempt) mixed = mixer.next();
  return generate(tables_mixer.next(), mixed);
}

// --- what a worker says, a line each: "compile INDEX", "invalid DETAIL", "bug DETAIL", "begin INDEX", "end INDEX OUTCOME COMPARED KIND\tDETAIL\tREASON\tREASON…"

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', '\v');
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += c == '\v' ? '\n' : c;
    }
  }
  return fields;
}

void say(int pipe_end, const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(pipe_end, rest.data(), rest.size());
    SLUICE_CHECK(written > 0, "the driver reads what its workers say");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// From now on the process ends by SIGPROF when the time of a case is over.
void limit_seconds() {
  itimerval limit = {};
  limit.it_value.tv_sec = kCaseSecondsMax;
  SLUICE_CHECK(setitimer(ITIMER_PROF, &limit, nullptr) == 0, "a limit of time");
}

std::unique_ptr<Checker> make_checker() {
  auto checker = Checker::create();
  SLUICE_CHECK(checker, checker.error().message());
  return std::move(*checker);
}

/// Compiles the cases from `first` to before `end`, each that is no query replaced by others.
std::vector<std::pair<RandomCase, Compilation>> compile_block(std::uint64_t seed, std::size_t first, std::size_t end,
                                                              int pipe_end) {
  std::vector<RandomCase> cases;
  for (std::size_t index = first; index < end; ++index) cases.push_back(case_of(seed, index, 0));
  std::vector<Compilation> compiled = compile_cases(cases);
  std::vector<std::pair<RandomCase, Compilation>> block;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (int attempt = 1; attempt < kInvalidMax && !compiled[i].plan && !compiled[i].internal; ++attempt) {
      say(pipe_end, fmt::format("invalid\t{}\n", one_line(compiled[i].error)));
      cases[i] = case_of(seed, first + i, attempt);
      compiled[i] = compile_cases({cases[i]}).front();
    }
    block.emplace_back(std::move(cases[i]), std::move(compiled[i]));
  }
  return block;
}

void work(const Options& options, std::size_t lane, std::size_t first, bool one_by_one, int pipe_end) {
  const auto checker = make_checker();
  for (std::size_t index = first; index < options.cases;) {
    const std::size_t block = index / kBlockCases;
    if (block % options.jobs != lane) {
      index = (block + 1) * kBlockCases;
      continue;
    }
    const std::size_t block_end = std::min(options.cases, (block + 1) * kBlockCases);
    const std::size_t end = one_by_one ? index + 1 : block_end;
    say(pipe_end, fmt::format("compile\t{}\n", index));
    limit_seconds();
    for (const auto& [random_case, compiled] : compile_block(options.seed, index, end, pipe_end)) {
      say(pipe_end, fmt::format("begin\t{}\n", index));
      limit_seconds();
      const Verdict verdict = checker->check(random_case, compiled);
      std::string line =
          fmt::format("end\t{}\t{}\t{}\t{}\t{}", index, static_cast<int>(verdict.outcome),
                      verdict.compared_with_duckdb ? 1 : 0, one_line(verdict.kind), one_line(verdict.detail));
      if (!verdict.duckdb_bug.empty()) say(pipe_end, fmt::format("bug\t{}\n", one_line(verdict.duckdb_bug)));
      for (const std::string& reason : verdict.reasons) line += "\t" + one_line(reason);
      say(pipe_end, line + "\n");
      ++index;
    }
    if (index == block_end) one_by_one = false;
  }
}

/// A process of its own, so that a case that stops the process stops no other.
struct Worker {
  pid_t process = 0;
  int pipe_end = -1;
  std::string unread;
  std::optional<std::size_t> running;    ///< The case it is at.
  std::optional<std::size_t> compiling;  ///< The first of those that it compiles together.
  std::size_t lane = 0;
  bool one_by_one = false;
};

Worker start(const std::function<void(int)>& body) {
  int ends[2];
  SLUICE_CHECK(pipe(ends) == 0, "a pipe");
  std::fflush(nullptr);
  const pid_t process = fork();
  SLUICE_CHECK(process >= 0, "another process");
  if (process == 0) {
    close(ends[0]);
    body(ends[1]);
    std::_Exit(0);
  }
  close(ends[1]);
  Worker worker;
  worker.process = process;
  worker.pipe_end = ends[0];
  return worker;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    if (WTERMSIG(status) == SIGPROF) return fmt::format("no answer within {} s", kCaseSecondsMax);
    return fmt::format("the process ends by signal {}", WTERMSIG(status));
  }
  return fmt::format("the process exits with {}", WEXITSTATUS(status));
}

class Driver {
 public:
  explicit Driver(Options options) : options_(std::move(options)) {}

  int run() {
    std::vector<Worker> workers;
    for (std::size_t lane = 0; lane < options_.jobs; ++lane) workers.push_back(start_lane(lane, 0, false));
    SystemClock clock;
    const auto began = clock.monotonic();
    while (!workers.empty()) {
      if (options_.seconds_max.count() > 0 && clock.monotonic() - began > options_.seconds_max) {
        stop(workers);
        break;
      }
      std::vector<pollfd> waiting;
      for (const Worker& worker : workers) waiting.push_back({worker.pipe_end, POLLIN, 0});
      poll(waiting.data(), waiting.size(), 1000);
      for (std::size_t w = workers.size(); w-- > 0;) {
        if (waiting[w].revents != 0 && !listen(workers[w])) take_leave(workers, w);
      }
    }
    for (const Report& failure : failures_) reduce_failure(failure);
    return summary();
  }

  int run_one(std::size_t index) {
    auto checker = make_checker();
    RandomCase chosen;
    Verdict verdict;
    for (int attempt = 0; attempt < kInvalidMax; ++attempt) {
      chosen = case_of(options_.seed, index, attempt);
      fmt::print("{}", script_of(chosen, fmt::format("random SQL, seed {}, case {}", options_.seed, index)));
      if (chosen.fails_on_rows) fmt::print("oracle: {}\n", oracle_of(chosen.query));
      std::fflush(stdout);
      verdict = checker->check(chosen);
      if (verdict.outcome != Outcome::Invalid) break;
      fmt::print("not a query: {}\n", verdict.detail);
    }
    fmt::print("outcome {} {}\n{}\n", static_cast<int>(verdict.outcome), verdict.kind, verdict.detail);
    for (const std::string& reason : verdict.reasons) fmt::print("{}\n", reason);
    if (verdict.outcome != Outcome::Differs) return 0;
    std::fflush(nullptr);
    checker.reset();
    reduce_failure({index, std::move(verdict)});
    return 1;
  }

 private:
  Worker start_lane(std::size_t lane, std::size_t first, bool one_by_one) {
    Worker worker = start([&](int pipe_end) { work(options_, lane, first, one_by_one, pipe_end); });
    worker.lane = lane;
    worker.one_by_one = one_by_one;
    return worker;
  }

  static void stop(const std::vector<Worker>& workers) {
    fmt::print("the time is over\n");
    for (const Worker& worker : workers) {
      kill(worker.process, SIGKILL);
      waitpid(worker.process, nullptr, 0);
      close(worker.pipe_end);
    }
  }

  /// Returns whether more may come.
  bool listen(Worker& worker) {
    char buffer[65536];
    const ssize_t got = read(worker.pipe_end, buffer, sizeof(buffer));
    if (got <= 0) return false;
    worker.unread.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end; (end = worker.unread.find('\n')) != std::string::npos;) {
      take_line(worker, fields_of(std::string_view(worker.unread).substr(0, end)));
      worker.unread.erase(0, end + 1);
    }
    return true;
  }

  void take_line(Worker& worker, const std::vector<std::string>& fields) {
    if (fields[0] == "compile") {
      worker.compiling = std::stoull(fields[1]);
    } else if (fields[0] == "begin") {
      worker.compiling.reset();
      worker.running = std::stoull(fields[1]);
    } else if (fields[0] == "bug") {
      ++duckdb_bugs_[fields[1]];
    } else if (fields[0] == "invalid") {
      ++invalid_[fields[1]];
    } else {
      worker.running.reset();
      Report report{std::stoull(fields[1]),
                    {static_cast<Outcome>(std::stoi(fields[2])), fields[4], fields[5], {}, false, ""}};
      report.verdict.compared_with_duckdb = fields[3] == "1";
      report.verdict.reasons.assign(fields.begin() + 6, fields.end());
      take(std::move(report));
    }
  }

  void take(Report report) {
    ++outcomes_[report.verdict.outcome];
    if (report.verdict.compared_with_duckdb) ++compared_with_duckdb_;
    if (report.verdict.outcome == Outcome::Recomputed) {
      // Window functions are told apart by name only.
      for (const std::string& reason : report.verdict.reasons) ++reasons_[reason.substr(0, reason.find(" OVER ("))];
    }
    if (report.verdict.outcome == Outcome::Fails) ++evaluation_failures_[report.verdict.detail];
    if (report.verdict.outcome != Outcome::Differs) return;
    fmt::print("FAILED --seed {} --case {}: {}\n{}\n", options_.seed, report.index, report.verdict.kind,
               report.verdict.detail);
    std::fflush(stdout);
    failures_.push_back(std::move(report));
  }

  void take_leave(std::vector<Worker>& workers, std::size_t at) {
    Worker worker = std::move(workers[at]);
    workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(at));
    close(worker.pipe_end);
    int status = 0;
    waitpid(worker.process, &status, 0);
    if (worker.compiling && !worker.one_by_one) {
      // Which of them stops the compiler shows when each is compiled alone.
      workers.push_back(start_lane(worker.lane, *worker.compiling, true));
      return;
    }
    if (worker.compiling) worker.running = worker.compiling;
    if (!worker.running) {
      SLUICE_CHECK(status == 0, "a worker without a case " + how_it_ended(status));
      return;
    }
    take({*worker.running, {Outcome::Differs, how_it_ended(status), "", {}, false, ""}});
    workers.push_back(start_lane(worker.lane, *worker.running + 1, worker.one_by_one));
  }

  void reduce_failure(const Report& failure) {
    if (options_.reduced_folder.empty()) return;
    const bool crashes = failure.verdict.detail.empty();
    // In one process, or, as smaller forms may stop it, each in a process of its own.
    if (!crashes && reduce_in_process(failure, /*isolated=*/false)) return;
    reduce_in_process(failure, /*isolated=*/true);
  }

  /// Returns whether the process got to the end.
  bool reduce_in_process(const Report& failure, bool isolated) {
    const Worker worker = start([&](int) {
      // What stops a process says so on stderr, each time it is tried.
      if (std::freopen("/dev/null", "w", stderr) == nullptr) return;
      // A process that forks has no threads of DuckDB's.
      const auto checker = isolated ? nullptr : make_checker();
      const std::function<bool(const RandomCase&)> fails = [&](const RandomCase& smaller) {
        if (isolated) return fails_elsewhere(smaller, failure.verdict);
        limit_seconds();
        return is_like(checker->check(smaller), failure.verdict);
      };
      RandomCase chosen;
      for (int attempt = 0; attempt < kInvalidMax; ++attempt) {
        chosen = case_of(options_.seed, failure.index, attempt);
        if (fails(chosen)) break;
      }
      write_script(failure, chosen);
      write_script(failure, reduce(std::move(chosen), fails, kReductionAttemptsMax));
    });
    int status = 0;
    waitpid(worker.process, &status, 0);
    close(worker.pipe_end);
    return status == 0;
  }

  static bool is_like(const Verdict& verdict, const Verdict& failure) {
    return verdict.outcome == Outcome::Differs && verdict.kind == failure.kind;
  }

  static bool fails_elsewhere(const RandomCase& random_case, const Verdict& failure) {
    constexpr int kLike = 42;
    const Worker worker = start([&](int) {
      limit_seconds();
      if (is_like(make_checker()->check(random_case), failure)) std::_Exit(kLike);
    });
    int status = 0;
    waitpid(worker.process, &status, 0);
    close(worker.pipe_end);
    return failure.detail.empty() ? how_it_ended(status) == failure.kind
                                  : WIFEXITED(status) && WEXITSTATUS(status) == kLike;
  }

  void write_script(const Report& failure, const RandomCase& smallest) const {
    std::filesystem::create_directories(options_.reduced_folder);
    const std::string path =
        fmt::format("{}/seed{}_case{}.test", options_.reduced_folder, options_.seed, failure.index);
    std::ofstream out(path);
    out << "# " << failure.verdict.kind << "\n"
        << script_of(smallest, fmt::format("random SQL, seed {}, case {}", options_.seed, failure.index));
  }

  static void print_counts(const std::string& title, const std::map<std::string, std::size_t>& counts,
                           std::size_t lines_max) {
    std::vector<std::pair<std::size_t, std::string>> sorted;
    for (const auto& [text, count] : counts) sorted.emplace_back(count, text);
    std::sort(sorted.rbegin(), sorted.rend());
    if (!sorted.empty()) fmt::print("{}:\n", title);
    for (std::size_t i = 0; i < std::min(lines_max, sorted.size()); ++i)
      fmt::print("  {:6} {}\n", sorted[i].first,
                 sorted[i].second.substr(0, sorted[i].second.find('\n')).substr(0, 200));
  }

  int summary() {
    const std::size_t incremental =
        outcomes_[Outcome::Agrees] + outcomes_[Outcome::Fails] + outcomes_[Outcome::TooLarge];
    const std::size_t valid = outcomes_[Outcome::Agrees] + outcomes_[Outcome::Recomputed];
    std::size_t invalid = 0;
    for (const auto& [text, count] : invalid_) invalid += count;
    const double share =
        valid == 0 ? 100 : 100.0 * static_cast<double>(outcomes_[Outcome::Agrees]) / static_cast<double>(valid);
    print_counts("why queries were not valid", invalid_, 12);
    print_counts("bugs of the plain DuckDB", duckdb_bugs_, 8);
    print_counts("what could not be evaluated, in batch neither", evaluation_failures_, 8);
    std::map<std::string, std::size_t> kinds;
    for (const Report& failure : failures_) ++kinds[failure.verdict.kind];
    print_counts("failures by kind", kinds, 20);
    print_counts("reasons for recompute", reasons_, 40);
    fmt::print(
        "{} cases of seed {}: {} failures; {} agree, {} recomputed, {} cannot be evaluated, {} too large; {} "
        "compared with DuckDB; {} invalid queries replaced; {:.1f} % incremental\n",
        incremental + outcomes_[Outcome::Recomputed] + failures_.size() + outcomes_[Outcome::Invalid], options_.seed,
        failures_.size(), outcomes_[Outcome::Agrees], outcomes_[Outcome::Recomputed], outcomes_[Outcome::Fails],
        outcomes_[Outcome::TooLarge], compared_with_duckdb_, invalid, share);
    if (share < options_.least_incremental) {
      fmt::print("less than {} % are incremental\n", options_.least_incremental);
      return 1;
    }
    return failures_.empty() ? 0 : 1;
  }

  Options options_;
  std::map<Outcome, std::size_t> outcomes_;
  std::map<std::string, std::size_t> invalid_;
  std::map<std::string, std::size_t> duckdb_bugs_;
  std::map<std::string, std::size_t> reasons_;
  std::map<std::string, std::size_t> evaluation_failures_;
  std::size_t compared_with_duckdb_ = 0;
  std::vector<Report> failures_;
};

std::optional<Options> options_of(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    const std::string& value = arguments[i + 1];
    if (name == "--cases") {
      options.cases = std::stoull(value);
    } else if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--case") {
      options.only_case = std::stoull(value);
    } else if (name == "--jobs") {
      options.jobs = std::max<std::size_t>(1, std::stoull(value));
    } else if (name == "--reduced") {
      options.reduced_folder = value;
    } else if (name == "--seconds") {
      options.seconds_max = std::chrono::seconds(std::stoull(value));
    } else if (name == "--least-incremental") {
      options.least_incremental = std::stod(value);
    } else {
      return std::nullopt;
    }
  }
  return arguments.size() % 2 == 0 ? std::optional(options) : std::nullopt;
}

}  // namespace
}  // namespace sluice::random_sql

int main(int count, char** arguments) {
  const auto options = sluice::random_sql::options_of(std::vector<std::string>(arguments + 1, arguments + count));
  if (!options) {
    fmt::print(stderr,
               "usage: {} [--cases N] [--seed S] [--case I] [--jobs J] [--reduced FOLDER] "
               "[--least-incremental PERCENT] [--seconds N]\n",
               arguments[0]);
    return 2;
  }
  sluice::random_sql::Driver driver(*options);
  return options->only_case ? driver.run_one(*options->only_case) : driver.run();
}
