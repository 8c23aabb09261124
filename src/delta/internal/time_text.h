#pragma once

#include <cstdint>
#include <optional>
#include <string>

/// Dates and times as the log writes them.
namespace sluice::delta::internal {

/// Returns "2024-02-29" for days since 1970-01-01. For statistics, as the next: nullopt if the year is not within 0001 to
/// 9999, because readers disagree there.
std::optional<std::string> date_text(std::int64_t days);

/// Returns "2024-02-29T12:00:00.123" for milliseconds since 1970-01-01T00:00:00.
std::optional<std::string> timestamp_text_millis(std::int64_t millis);

/// Returns the partition value of a date. Years of more than four digits and before 0 have a sign ("+10000-01-01",
/// "-0043-03-15"), as Spark and delta-rs write and read them. nullopt if the year is not within -262143 to 262142, which
/// is what delta-rs can read.
std::optional<std::string> partition_date_text(std::int64_t days);

/// Returns the partition value of a timestamp without zone: "2024-02-29 12:00:00.123456" for microseconds since
/// 1970-01-01T00:00:00. Between date and time stands `separator`. Years as in partition_date_text().
std::optional<std::string> partition_timestamp_text(std::int64_t micros, char separator);

}  // namespace sluice::delta::internal
