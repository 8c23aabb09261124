#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <duckdb/common/types.hpp>
#include <duckdb/common/types/value.hpp>

#include "base/result.h"

namespace sluice::delta {

/// Reads the text of a partition value as a value of the column's type. Absent and "" are NULL for every type;
/// timestamps may be ISO 8601 with a zone or local text, which is taken as UTC. Corruption if the text is not of the
/// type. Spec: "Partition Value Serialization"; reference traps 7-11.
Result<duckdb::Value> read_partition_value(const std::optional<std::string>& text, const duckdb::LogicalType& type);

/// Writes a partition value: NULL and "" are absent; floating-point numbers as Java prints them; timestamps in UTC as
/// ISO 8601 with microseconds and Z, those without zone with a blank for the T; years beyond 9999 and before 0 with a
/// sign. InvalidArgument for nested types, for bytes that are not UTF-8, and for years that delta-rs cannot read (not
/// within -262143 to 262142; infinity is one).
Result<std::optional<std::string>> write_partition_value(const duckdb::Value& value);

}  // namespace sluice::delta
