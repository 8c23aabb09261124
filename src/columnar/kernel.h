#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/common/types/selection_vector.hpp>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/expression.h"

namespace duckdb {
class ClientContext;
class Connection;
class DuckDB;
}  // namespace duckdb

namespace sluice::columnar {

/// A row whose evaluation failed: it is absent from the result and reported.
struct RowError {
  std::size_t row = 0;     ///< In the input chunk.
  std::string expression;  ///< As text.
  std::string message;     ///< DuckDB's, first line.
};

/// Returns the value of `child` with each VARIANT in it as a table keeps it and gives it back (variant_encoding.h). Rows
/// whose variants no table can keep fail.
Expression stored_variants(Expression child);

/// The DuckDB instance that expressions are bound and run in: no data, no files, one thread, UTC, extensions off.
/// Owned by one worker; must outlive every Kernel made with it.
class KernelContext {
 public:
  static Result<std::unique_ptr<KernelContext>> create();
  ~KernelContext();

  duckdb::ClientContext& client();

 private:
  KernelContext();
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
};

/// Expressions over one row type, ready to run, vector at a time. Owned by one worker.
class Kernel {
 public:
  /// Binds the expressions to rows of `input`. Fails with InvalidArgument if a function or overload does not exist.
  static Result<std::unique_ptr<Kernel>> create(KernelContext& context, std::vector<Expression> expressions,
                                                RowType input);
  ~Kernel();

  /// One type per expression.
  const RowType& types() const;

  /// Evaluates every expression on every row of `rows` into `out` (initialised with types(), or empty: then it is
  /// initialised). Rows that fail are left out of `out` and appended to `errors`; `kept` then lists the rows of the
  /// input that `out` holds, in order, and is left empty when all are held. Cost: one vectorised pass; only a chunk
  /// with a failing row is evaluated again in halves to find it. Throws what DuckDB throws when no row is to blame: out
  /// of memory, interrupted, a bug.
  void evaluate(duckdb::DataChunk& rows, duckdb::DataChunk& out, std::vector<std::uint32_t>& kept,
                std::vector<RowError>& errors);

  /// Keeps the rows for which the only expression, a BOOLEAN, is true (not false, not NULL): returns their indices in
  /// `kept`. Rows that fail are left out and appended to `errors`. Throws as evaluate() does.
  void select(duckdb::DataChunk& rows, std::vector<std::uint32_t>& kept, std::vector<RowError>& errors);

 private:
  struct Impl;
  explicit Kernel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Returns the rows of `batch` listed in `kept`, with their weights, without copying values.
ChangeBatch slice(ChangeBatch& batch, const std::vector<std::uint32_t>& kept);

}  // namespace sluice::columnar
