#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"

namespace sluice::columnar {

/// How one column sorts.
struct ColumnOrder {
  bool descending = false;
  bool nulls_first = false;

  friend bool operator==(const ColumnOrder&, const ColumnOrder&) = default;
};

/// The encoded rows of one chunk: row i is bytes [offsets[i], offsets[i + 1]) of `arena`.
struct EncodedRows {
  std::string arena;
  std::vector<std::size_t> offsets;  ///< One more than there are rows.
  std::vector<bool> has_null;        ///< Per row: some top-level column is NULL.

  std::size_t size() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::string_view row(std::size_t index) const {
    return std::string_view(arena).substr(offsets[index], offsets[index + 1] - offsets[index]);
  }
};

/// Returns whether the type holds values that SQL holds equal but that read differently: FLOAT, DOUBLE (-0.0 and 0.0,
/// the NaNs), INTERVAL (30 days and 1 month), or a type with such a part.
bool has_several_forms(const duckdb::LogicalType& type);

/// Turns rows into byte strings and back. One encoding serves as key, as content and as order. There are two kinds:
///   rows (create): nothing is lost. Two rows are the same (NULL as NULL) exactly if their bytes are; -0.0 and 0.0 are
///     different rows, because what an expression makes of them differs.
///   keys (create_for_keys): what SQL holds equal is the same. `memcmp` of the bytes is the total order of design §4
///     (columns left to right, ascending, NULLS LAST, NaN greatest, text by its UTF-8 bytes) or the order given per
///     column.
/// `memcmp` orders rows as their keys, but that different forms of one value (has_several_forms) come one after the
/// other, whatever stands behind them.
///
/// Per value: one marker byte that places NULL first or last, then for a present value
///   BOOLEAN                                      1 byte
///   integers, DATE, TIME, TIMESTAMP*, DECIMAL,
///   HUGEINT, UUID, ENUM                          big-endian with the sign bit flipped
///   FLOAT, DOUBLE                                big-endian FloatOrder
///   VARCHAR, BLOB, BIT                           bytes with 00 → 00 FF, ended by 00 00
///   INTERVAL                                     its three parts normalised (which gives the order), then as they are
///   TIMETZ                                       its instant, then its offset
///   STRUCT                                       its members in turn
///   VARIANT                                      as the struct that it is in memory, in its normal form: what kind of
///                                                value it is comes first, and the order is none of SQL
///   LIST, ARRAY, MAP                             per element 01 + element, ended by 00
/// A descending column has every byte after its marker inverted. Nested values sort NULLS LAST inside (first, if the
/// column is descending), as DuckDB's do.
/// No encoded row is the beginning of another of the same types, so encodings may be put one after the other.
/// Stable: may be stored, and hashed for identity. Cost: one pass per column over the chunk.
class RowCodec {
 public:
  /// Fails with Unsupported, naming the column, if a type has no encoding.
  static Result<RowCodec> create(RowType types);
  /// `orders` has one entry per column.
  static Result<RowCodec> create(RowType types, std::vector<ColumnOrder> orders);
  /// For keys of groups, joins and orders: values with several forms are encoded, and decoded, in their normal form
  /// (-0.0 is 0.0, 30 days are 1 month). All else as in create().
  static Result<RowCodec> create_for_keys(RowType types);
  static Result<RowCodec> create_for_keys(RowType types, std::vector<ColumnOrder> orders);

  /// For keys that are shown again as values: groups and distinct rows. As create_for_keys(), but fails with Unsupported
  /// also for VARIANT, INTERVAL and types that hold one: of those that SQL holds equal none is the one to show ('45 days' and
  /// '1 month 15 days'). 0.0 stands for -0.0, and NaN for every NaN.
  static Result<RowCodec> create_for_groups(RowType types);

  const RowType& types() const { return types_; }

  /// Encodes the columns of `rows` given by `columns` (all, in order, if empty); their types must be types().
  /// Replaces the content of `out`. `rows` may change its vectors' encoding, not their values.
  void encode(duckdb::DataChunk& rows, std::span<const ColumnIndex> columns, EncodedRows& out) const;

  /// Writes the row into `out` at `row_index`, columns beginning at `first_column`; `out` has room and its columns
  /// there have types(). The caller sets the cardinality. Checks that the bytes came from encode().
  void decode(std::string_view bytes, duckdb::DataChunk& out, std::size_t row_index,
              ColumnIndex first_column = 0) const;

  /// As decode(), for many rows at once, column by column: rows[i] goes to row first_row + i.
  void decode(std::span<const std::string_view> rows, duckdb::DataChunk& out, std::size_t first_row = 0,
              ColumnIndex first_column = 0) const;

  /// Returns the length of the encoded row with which `bytes` begins. Checks that there is one.
  std::size_t encoded_size(std::string_view bytes) const;

 private:
  RowCodec(RowType types, std::vector<ColumnOrder> orders) : types_(std::move(types)), orders_(std::move(orders)) {}

  RowType types_;
  std::vector<ColumnOrder> orders_;
  bool for_keys_ = false;
};

}  // namespace sluice::columnar
