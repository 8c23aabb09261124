#pragma once

#include <cstddef>

#include <duckdb/common/types.hpp>
#include <duckdb/common/types/vector.hpp>

namespace sluice::columnar {

/// True if the type is VARIANT, or holds one at any depth.
bool holds_variant(const duckdb::LogicalType& type);

/// Returns the type with each VARIANT in it, at any depth, in the form that Parquet files have, unshredded:
/// STRUCT(metadata BLOB, value BLOB). Spec: parquet-format, VariantEncoding.md.
duckdb::LogicalType encoded_variant_type(const duckdb::LogicalType& type);

/// Makes `target`, of encoded_variant_type(), hold the values of `source`, of which it shares all but the variants.
/// `source` may change its encoding. Both must outlive the use of `target`.
///
/// A NULL variant is a NULL struct; to DuckDB it is the same as a variant that holds null. Types that other readers of
/// variants lack are written as columns of them are stored (schema.h): HUGEINT and unsigned integers as the smallest
/// integer, or decimal, that holds the value; TIMESTAMP_S and TIMESTAMP_MS as TIMESTAMP; TIME, INTERVAL and BIT as text.
/// Of an object that has a key twice the first value stays, which is the one that DuckDB finds. Throws DuckDB's exception
/// for values that have no such form: nanoseconds, infinite times, BIGNUM, GEOMETRY, and integers of more than 38 digits.
void encode_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count);

/// Makes `target` hold what encode_variants() made of values of its type: VARIANTs again, as readers of the file find
/// them. `source` may change its encoding. Both must outlive the use of `target`. Throws DuckDB's exception for bytes
/// that are no variant.
void decode_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count);

/// Makes `target`, of the same type, hold the values of `source` with each VARIANT in the one form that stands for all
/// that SQL holds equal: values are equal exactly if they then are equal as the struct that a VARIANT is in memory.
/// `source` may change its encoding. Both must outlive the use of `target`.
void normalize_variants(duckdb::Vector& source, duckdb::Vector& target, std::size_t count);

}  // namespace sluice::columnar
