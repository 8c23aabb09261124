#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::delta {

struct StructField;

/// A type of a Delta schema. Spec: "Schema Serialization Format". Plain data; compare with ==.
struct DataType {
  enum class Kind : std::uint8_t {
    String,
    Long,
    Integer,
    Short,
    Byte,
    Float,
    Double,
    Boolean,
    Binary,
    Date,
    Timestamp,
    TimestampNtz,
    Decimal,
    Void,  ///< Always NULL; not in the data files.
    Variant,
    Struct,
    Array,
    Map,
  };

  Kind kind = Kind::String;
  std::int32_t precision = 10;      ///< Decimal: 1 to 38.
  std::int32_t scale = 0;           ///< Decimal: 0 to precision.
  std::vector<StructField> fields;  ///< Struct.
  std::vector<DataType> children;   ///< Array: the element. Map: key, value.
  bool contains_null = true;        ///< Array: elements may be NULL. Map: values may.

  static DataType primitive(Kind kind);
  static DataType decimal(std::int32_t precision, std::int32_t scale);
  static DataType structure(std::vector<StructField> fields);
  static DataType array(DataType element, bool contains_null = true);
  static DataType map(DataType key, DataType value, bool contains_null = true);

  friend bool operator==(const DataType&, const DataType&);
};

/// A column, or a member of a struct.
struct StructField {
  std::string name;  ///< Logical name.
  DataType type;
  bool nullable = true;
  std::map<std::string, std::string> metadata;  ///< Key → JSON text of the value, so that number types survive.

  /// Returns the name that data files, statistics and partition values use: that of column mapping, else the name.
  std::string physical_name() const;

  friend bool operator==(const StructField&, const StructField&);
};

/// Returns the comment on the column with this metadata; nullopt if it has none.
std::optional<std::string> comment_of(const std::map<std::string, std::string>& field_metadata);

/// Field metadata that holds the physical name under column mapping.
inline constexpr std::string_view kPhysicalNameKey = "delta.columnMapping.physicalName";
/// Field metadata that holds the field id under column mapping.
inline constexpr std::string_view kColumnIdKey = "delta.columnMapping.id";
/// Field metadata of ours: the DuckDB type whose values were stored as this field's type, e.g. "UUID".
inline constexpr std::string_view kOriginalTypeKey = "sluice.type";

/// Types may nest this deep; deeper ones are refused.
inline constexpr std::size_t kSchemaDepthMax = 100;

/// Reads the schema of a table: a struct. Corruption if it is not a schema or names a column twice (without regard to
/// case); Unsupported, naming column and type, if a type is not known.
Result<DataType> read_schema(std::string_view json);

/// Writes a schema; read_schema() is its inverse.
std::string write_schema(const DataType& schema);

/// Returns the type that has this name in schemas, "long" or "decimal(9,2)"; nullopt if it is none without parts.
std::optional<DataType> find_primitive(std::string_view name);
/// Writes one type, as it stands in a schema: JSON.
std::string write_type(const DataType& type);

}  // namespace sluice::delta
