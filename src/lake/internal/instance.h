#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <duckdb.hpp>

#include "base/result.h"
#include "lake/internal/attached_catalog.h"
#include "lake/internal/object_file_system.h"
#include "lake/internal/query_names.h"
#include "lake/internal/statement_text.h"

namespace sluice::lake {

struct InstanceOptions {
  std::uint32_t thread_count = 0;      ///< 0: one per core.
  std::uint64_t memory_bytes_max = 0;  ///< 0: DuckDB's default.
  std::string spill_folder;            ///< "": no spilling.
  /// For queries that people type: their errors are numbered (query_error.h), and INTERNAL ones become Error and break
  /// the instance. Else they stop the process.
  bool ad_hoc = false;
  OpenFolder open_folder = {};  ///< For ATTACH; empty: it is refused.
  bool pins_order = false;      ///< Answers depend on no order of rows (total_order.h, exact_sums.h).
};

/// A locked-down DuckDB instance: no file, network, extension or setting within reach of a query. Thread-safe.
class Instance {
 public:
  static Result<std::shared_ptr<Instance>> create(const InstanceOptions& options);

  /// Opens a connection whose queries mean `sources` by their names.
  Result<std::unique_ptr<duckdb::Connection>> connect(QueryNames::Sources sources, StatementExtras extras = {});
  /// Makes the next query of the connection find its names anew, and say `extras`.
  void renew_names(duckdb::Connection& connection, QueryNames::Sources sources, StatementExtras extras);

  ObjectFileSystem& files() { return *files_; }
  /// True once an INTERNAL error has made the instance useless.
  bool broken() const { return broken_.load(); }

  /// Returns the Error that stands for DuckDB's; with the place in the statement as written where it names one. Marks
  /// the instance broken after an INTERNAL error, or stops the process, as the options say.
  Error error_of(duckdb::ErrorData error, const StatementText& statement);
  /// Runs a call into DuckDB and returns its error, if it throws one.
  template <typename Call>
  Status run(const StatementText& statement, Call&& call) {
    try {
      call();
      return ok();
    } catch (const std::exception& exception) {
      return error_of(duckdb::ErrorData(exception), statement);
    }
  }

 private:
  explicit Instance(bool ad_hoc) : ad_hoc_(ad_hoc) {}

  const bool ad_hoc_;
  std::atomic<bool> broken_ = false;
  ObjectFileSystem* files_ = nullptr;  // the database's
  std::unique_ptr<duckdb::DuckDB> database_;
};

}  // namespace sluice::lake
