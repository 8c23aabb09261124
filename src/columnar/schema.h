#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types.hpp>

namespace sluice::columnar {

/// Position of a column in a row, counting from 0.
using ColumnIndex = std::size_t;

/// The types of a row's columns, left to right.
using RowType = std::vector<duckdb::LogicalType>;

/// A named column of a dataset.
struct Field {
  std::string name;
  duckdb::LogicalType type;
  bool nullable = true;
  /// Field metadata as Delta keeps it: key → JSON text of the value (number types survive). Empty for most columns.
  std::map<std::string, std::string> metadata;

  friend bool operator==(const Field&, const Field&) = default;
};

/// The columns of a dataset. Names are unique without regard to case.
struct Schema {
  std::vector<Field> fields;

  /// Returns the position of the column, comparing names without regard to case.
  std::optional<ColumnIndex> find(std::string_view name) const;
  RowType types() const;
  std::vector<std::string> names() const;

  friend bool operator==(const Schema&, const Schema&) = default;
};

/// Returns "a BIGINT, b VARCHAR", for messages and fingerprints.
std::string to_string(const Schema& schema);

/// Returns the type in which Delta keeps a value of `type`, so that a dataset's rows are cast to it once, at its
/// boundary (design §8): HUGEINT → DECIMAL(38,0), UBIGINT → DECIMAL(20,0), smaller unsigned types → the next larger
/// signed one, second and millisecond timestamps → TIMESTAMP, JSON, UUID, TIME, INTERVAL, BIT and ENUM → VARCHAR;
/// nested types member by member; types that Delta has are returned as they are. nullopt: refused (nanosecond
/// timestamps, UNION, BIGNUM and the like); cast in the query.
std::optional<duckdb::LogicalType> stored_type(const duckdb::LogicalType& type);

}  // namespace sluice::columnar
