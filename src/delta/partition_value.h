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
/// ISO 8601 with microseconds and Z, those without zone without. InvalidArgument for nested types and for bytes that
/// are not UTF-8.
Result<std::optional<std::string>> write_partition_value(const duckdb::Value& value);

}  // namespace sluice::delta
