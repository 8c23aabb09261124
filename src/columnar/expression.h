#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types/value.hpp>

#include "base/result.h"
#include "columnar/schema.h"

namespace sluice::columnar {

/// A scalar expression over the columns of a row, free of any catalog: what a plan stores and a Kernel runs.
///
/// Every child already has the type its parent expects (casts are explicit), so evaluation never infers types.
struct Expression {
  enum class Kind : std::uint8_t {
    Column,     ///< `column` of the input row.
    Constant,   ///< `constant`.
    Function,   ///< DuckDB scalar function `name` over the children; the overload is the one for the children's types.
    Cast,       ///< One child, to `type`; a failure is a row error.
    TryCast,    ///< One child, to `type`; a failure is NULL.
    Compare,    ///< Two children; `name` is one of = <> < <= > >= and the null-safe pair "is_not_distinct",
                ///< "is_distinct".
    And,        ///< Two or more children, three-valued.
    Or,         ///< Two or more children, three-valued.
    Not,        ///< One child.
    IsNull,     ///< One child.
    IsNotNull,  ///< One child.
    In,         ///< First child IN the others.
    NotIn,      ///< First child NOT IN the others.
    Coalesce,   ///< First child that is not NULL.
    Case,       ///< when, then, when, then, …, else.
    Try,        ///< TRY(child): a failure is NULL.
  };

  Kind kind = Kind::Constant;
  duckdb::LogicalType type;  ///< Of the result.
  ColumnIndex column = 0;    ///< Kind::Column only.
  duckdb::Value constant;    ///< Kind::Constant only.
  /// Of Kind::Function and Kind::Compare. Of Kind::Column what people call it, if known: decides nothing, is not encoded.
  std::string name;
  std::vector<Expression> children;

  static Expression column_ref(ColumnIndex column, duckdb::LogicalType type, std::string name = {});
  static Expression literal(duckdb::Value value);
  static Expression cast(Expression child, duckdb::LogicalType type);

  friend bool operator==(const Expression&, const Expression&);
};

/// Returns SQL-like text for people, `(price > 5)`, with the given column names, else those in the expression; a column
/// without a name is `#2`.
std::string to_string(const Expression& expression, const std::vector<std::string>& column_names = {});

/// Returns the stored form: JSON with a format version. Equal expressions give equal text, so fingerprints hash it.
std::string encode(const Expression& expression);
/// Reads what encode() wrote. Corruption if it is something else.
Result<Expression> decode_expression(std::string_view text);

}  // namespace sluice::columnar
