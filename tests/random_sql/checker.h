#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/kernel.h"
#include "lake/lake.h"
#include "plan/pipeline.h"
#include "tests/random_sql/random_case.h"

namespace duckdb {
class Connection;
class DuckDB;
}  // namespace duckdb

namespace sluice::random_sql {

enum class Outcome {
  Invalid,     ///< The query is not one; `detail` says why.
  Fails,       ///< It cannot be evaluated over the rows, which the batch answer says too.
  TooLarge,    ///< Its answer has more rows than a check is worth.
  Recomputed,  ///< It has no incremental form, for `reasons`; batch answers were compared with DuckDB's.
  Agrees,      ///< After every epoch.
  Differs      ///< Or something failed that must not; `kind` and `detail` say what.
};

struct Verdict {
  Outcome outcome = Outcome::Agrees;
  std::string kind;
  std::string detail;
  std::vector<std::string> reasons;
  bool compared_with_duckdb = false;
  std::string duckdb_bug;  ///< INTERNAL error of the plain DuckDB, if it raised one.
};

/// A case's query, compiled.
struct Compilation {
  std::optional<plan::QueryPlan> plan;
  std::string error;  ///< If there is none.
  bool internal = false;
};

/// Compiles the queries of cases that have the same tables, together: most of the time goes into making a compiler.
std::vector<Compilation> compile_cases(const std::vector<RandomCase>& cases);

/// Runs cases. Owned by one worker.
class Checker {
 public:
  static Result<std::unique_ptr<Checker>> create();
  ~Checker();

  /// Takes the case's query as a materialized view and compares what its operators give, epoch by epoch, with the
  /// batch answer over the tables as they are then, and that with DuckDB's own where it must be the same.
  Verdict check(const RandomCase& random_case, const Compilation& compiled);
  Verdict check(const RandomCase& random_case) { return check(random_case, compile_cases({random_case}).front()); }

 private:
  Checker();
  void open_duckdb();

  std::unique_ptr<columnar::KernelContext> kernels_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

/// The statement that makes the view of the case, after those of its tables.
std::string view_statement(const RandomCase& random_case, const std::string& name = "v");

}  // namespace sluice::random_sql
