#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <duckdb/common/error_data.hpp>
#include <duckdb/common/types.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref.hpp>
#include <duckdb/planner/logical_operator.hpp>

#include "base/result.h"
#include "columnar/schema.h"

namespace duckdb {
class Binder;
class ClientContext;
class Connection;
class DuckDB;
}  // namespace duckdb

namespace sluice::sql {

/// The relations a query may read, by plan::InputNode::relation, as stand-ins that have columns but no rows, no
/// statistics and no known size, so that nothing of today's data can enter a plan.
using StandIns = std::map<std::string, columnar::Schema>;

/// Name of the table function behind which a relation stands in.
inline constexpr std::string_view kStandInFunction = "sluice_input";

/// Which relation a LogicalGet reads, if it is a stand-in.
struct StandInUse {
  std::string relation;
  bool stream = false;
};
std::optional<StandInUse> find_stand_in(const duckdb::LogicalOperator& get);

/// Returns a table reference that reads a relation through its stand-in.
duckdb::unique_ptr<duckdb::TableRef> stand_in_ref(const StandInUse& use, std::string alias,
                                                  duckdb::vector<duckdb::string> column_aliases, std::size_t location);

/// The DuckDB instance that queries are parsed, bound and optimized in: in memory, empty, without access to files or
/// the network, extensions off, UTC. Owned by one thread.
class PlanningDatabase {
 public:
  static Result<std::unique_ptr<PlanningDatabase>> create();
  ~PlanningDatabase();

  /// Runs `work` in a transaction of this instance and returns the error that DuckDB threw in it, if any. This is the
  /// wall of `sql` (style §7): other than columnar::guard it keeps positions and candidates, and an internal error of
  /// DuckDB costs only this instance, which is made anew: planning touches no data.
  std::optional<duckdb::ErrorData> attempt(const std::function<void()>& work);

  /// Within attempt() only.
  duckdb::ClientContext& context();

  /// Optimizes a bound plan as optimizer_rules() say. Within attempt() only; throws what DuckDB throws. They hold from here
  /// on and not for the binder, which turns the sides of a RIGHT JOIN by what it is told of them: `lake` binds with all of
  /// them, and ties must be broken by the same columns in both.
  duckdb::unique_ptr<duckdb::LogicalOperator> optimize(duckdb::Binder& binder,
                                                       duckdb::unique_ptr<duckdb::LogicalOperator> plan);

  /// Parses one query. Within attempt() only; throws what DuckDB throws. nullptr if the text is not a single SELECT.
  duckdb::unique_ptr<duckdb::SelectStatement> parse(const std::string& text);

  /// The stand-ins that queries bind against.
  StandIns& stand_ins() { return *stand_ins_; }

  /// Returns the type that DuckDB calls `text`.
  std::optional<duckdb::LogicalType> find_type(const std::string& text);
  /// Names for suggestions.
  const std::vector<std::string>& type_names();
  const std::vector<std::string>& function_names();

 private:
  PlanningDatabase();
  void open();
  std::vector<std::string> names_of(const std::string& query);

  std::shared_ptr<StandIns> stand_ins_;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::vector<std::string> type_names_;
  std::vector<std::string> function_names_;
};

}  // namespace sluice::sql
