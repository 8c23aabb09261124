#pragma once

#include <cstdint>
#include <optional>
#include <string>

/// Dates and times as the log writes them. Years outside 0001 to 9999 have no form that all readers agree on.
namespace sluice::delta::internal {

/// Returns "2024-02-29" for days since 1970-01-01.
std::optional<std::string> date_text(std::int64_t days);

/// Returns "2024-02-29T12:00:00.123" for milliseconds since 1970-01-01T00:00:00.
std::optional<std::string> timestamp_text_millis(std::int64_t millis);

/// Returns "2024-02-29T12:00:00.123456" for microseconds since 1970-01-01T00:00:00.
std::optional<std::string> timestamp_text_micros(std::int64_t micros);

}  // namespace sluice::delta::internal
