#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/common/types/value.hpp>

#include "base/result.h"
#include "columnar/kernel.h"
#include "columnar/row_codec.h"

namespace duckdb {
class BoundAggregateExpression;
}

namespace sluice::columnar {

/// An aggregate function of DuckDB, run over the rows of one group at a time, in the order in which they are given.
/// Owned by one worker.
class AggregateKernel {
 public:
  /// Returns a function, as DuckDB bound it, in stored form: its name, the types of its arguments, and what binding made
  /// of constant ones (the fraction of a quantile). Filter, order and DISTINCT are the caller's matter. Hexadecimal
  /// digits; means something to this version of DuckDB only. Unsupported if DuckDB cannot store it.
  static Result<std::string> encode(const duckdb::BoundAggregateExpression& function);

  /// `context` must outlive the kernel. Corruption if `encoded` is not what encode() gave.
  static Result<std::unique_ptr<AggregateKernel>> create(KernelContext& context, std::string_view encoded);
  ~AggregateKernel();

  /// Types of the arguments.
  const RowType& arguments() const;
  /// Type of the result.
  const duckdb::LogicalType& type() const;

  /// Begins a group without rows.
  void begin();
  /// Adds rows, whose columns are the arguments. Throws what DuckDB throws.
  void add(duckdb::DataChunk& rows);
  /// Writes the group's value to a row of `out`, a flat vector, and ends the group. Throws what DuckDB throws.
  void finish(duckdb::Vector& out, std::size_t row);

 private:
  struct Impl;
  explicit AggregateKernel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::columnar
