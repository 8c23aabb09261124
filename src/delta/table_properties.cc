#include "delta/table_properties.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>
#include <string_view>

#include <fmt/format.h>

namespace sluice::delta {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

constexpr auto kPropertyKeys = std::to_array<std::string_view>({
    "delta.appendOnly",
    "delta.autoOptimize.autoCompact",
    "delta.autoOptimize.optimizeWrite",
    "delta.checkpoint.writeStatsAsJson",
    "delta.checkpoint.writeStatsAsStruct",
    "delta.checkpointInterval",
    "delta.checkpointPolicy",
    "delta.columnMapping.maxColumnId",
    "delta.columnMapping.mode",
    "delta.dataSkippingNumIndexedCols",
    "delta.dataSkippingStatsColumns",
    "delta.deletedFileRetentionDuration",
    "delta.enableChangeDataFeed",
    "delta.enableDeletionVectors",
    "delta.enableExpiredLogCleanup",
    "delta.enableInCommitTimestamps",
    "delta.enableRowTracking",
    "delta.enableTypeWidening",
    "delta.inCommitTimestampEnablementTimestamp",
    "delta.inCommitTimestampEnablementVersion",
    "delta.isolationLevel",
    "delta.logRetentionDuration",
    "delta.parquet.compression.codec",
    "delta.parquet.format.version",
    "delta.randomizeFilePrefixes",
    "delta.randomPrefixLength",
    "delta.setTransactionRetentionDuration",
    "delta.targetFileSize",
    "delta.tuneFileSizesForRewrites",
});

Error meaningless(std::string_view key, std::string_view value, std::string_view expected) {
  return Error(ErrorCode::InvalidArgument,
               fmt::format("table property {} must be {}, not \"{}\"", key, expected, value));
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<bool> read_boolean(std::string_view key, std::string_view value) {
  const std::string text = lower(value);
  if (text == "true") return true;
  if (text == "false") return false;
  return meaningless(key, value, "true or false");
}

Result<ColumnMappingMode> read_mapping_mode(std::string_view key, std::string_view value) {
  if (value == "none") return ColumnMappingMode::None;
  if (value == "name") return ColumnMappingMode::Name;
  if (value == "id") return ColumnMappingMode::Id;
  return meaningless(key, value, "none, name or id");
}

/// Reads "a, b.c, `d.e`.f": commas between columns, dots between members, backticks around names with either.
Result<std::vector<std::vector<std::string>>> read_columns(std::string_view key, std::string_view value) {
  std::vector<std::vector<std::string>> columns;
  std::vector<std::string> path;
  std::string name;
  bool quoted = false;
  const auto end_name = [&] {
    path.push_back(std::move(name));
    name.clear();
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '`') {
      if (quoted && i + 1 < value.size() && value[i + 1] == '`') {
        name += '`';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (quoted) {
      name += c;
    } else if (c == '.') {
      end_name();
    } else if (c == ',') {
      end_name();
      columns.push_back(std::move(path));
      path.clear();
    } else if (c != ' ' || !name.empty()) {
      name += c;
    }
  }
  if (quoted) return meaningless(key, value, "a list of column names");
  if (!name.empty() || !path.empty()) {
    end_name();
    columns.push_back(std::move(path));
  }
  return columns;
}

/// Reads "134217728", "100mb", "1 G": units are powers of 1,024, as Spark's are.
Result<std::uint64_t> read_bytes(std::string_view key, std::string_view value) {
  constexpr std::string_view kUnits = "kmgt";
  const std::string text = lower(value);
  std::uint64_t bytes = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  std::size_t power = 0;
  if (!unit.empty() && kUnits.find(unit.front()) != std::string_view::npos) {
    power = kUnits.find(unit.front()) + 1;
    unit.remove_prefix(1);
  }
  if (unit.starts_with('b')) unit.remove_prefix(1);
  constexpr std::uint64_t kKibi = 1024;
  for (; power > 0 && bytes <= std::numeric_limits<std::int64_t>::max() / kKibi; --power) bytes *= kKibi;
  if (code != std::errc() || !unit.empty() || power > 0 || bytes == 0)
    return meaningless(key, value, "a number of bytes, such as 134217728 or 128mb");
  return bytes;
}

columnar::ParquetCompression read_compression(std::string_view value) {
  static const std::map<std::string, columnar::ParquetCompression, std::less<>> kCodecs = {
      {"zstd", columnar::ParquetCompression::Zstd},         {"snappy", columnar::ParquetCompression::Snappy},
      {"gzip", columnar::ParquetCompression::Gzip},         {"brotli", columnar::ParquetCompression::Brotli},
      {"lz4_raw", columnar::ParquetCompression::Lz4Raw},    {"none", columnar::ParquetCompression::None},
      {"uncompressed", columnar::ParquetCompression::None},
  };
  const auto found = kCodecs.find(lower(value));
  return found == kCodecs.end() ? columnar::ParquetCompression::Zstd : found->second;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : lower(text)) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\'' || c == '"') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// Returns the unit's length, 0 if it has none of its own.
std::chrono::microseconds unit_length(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, std::chrono::microseconds>, 7> kUnits{{
      {"microsecond", std::chrono::microseconds(1)},
      {"millisecond", std::chrono::milliseconds(1)},
      {"second", std::chrono::seconds(1)},
      {"minute", std::chrono::minutes(1)},
      {"hour", std::chrono::hours(1)},
      {"day", std::chrono::hours(24)},
      {"week", std::chrono::hours(7 * 24)},
  }};
  if (unit.ends_with('s')) unit.remove_suffix(1);
  for (const auto& [name, length] : kUnits) {
    if (unit == name) return length;
  }
  return std::chrono::microseconds(0);
}

}  // namespace

Result<std::chrono::milliseconds> read_interval(std::string_view text) {
  const auto refuse = [&] {
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("\"{}\" is not an interval of weeks, days, hours, minutes or seconds", text));
  };
  std::vector<std::string> words = split_words(text);
  if (!words.empty() && words.front() == "interval") words.erase(words.begin());
  if (words.empty() || words.size() % 2 != 0) return refuse();
  std::int64_t total_us = 0;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto count = read_integer(words[i]);
    const std::int64_t unit_us = unit_length(words[i + 1]).count();
    std::int64_t part_us = 0;
    if (!count || unit_us == 0 || __builtin_mul_overflow(*count, unit_us, &part_us) ||
        __builtin_add_overflow(total_us, part_us, &total_us)) {
      return refuse();
    }
  }
  if (total_us < 0) return refuse();
  return std::chrono::milliseconds(total_us / 1000);
}

namespace {

Result<std::chrono::milliseconds> read_duration(std::string_view key, std::string_view value) {
  auto duration = read_interval(value);
  if (!duration) return meaningless(key, value, "an interval such as \"interval 7 days\"");
  return duration;
}

/// Takes one property. Keys that are not known are left alone.
Status take_property(TableProperties& properties, std::string_view key, const std::string& value) {
  if (key == "delta.appendOnly") {
    SLUICE_TRY_ASSIGN(properties.append_only, read_boolean(key, value));
  } else if (key == "delta.enableChangeDataFeed") {
    SLUICE_TRY_ASSIGN(properties.enable_change_data_feed, read_boolean(key, value));
  } else if (key == "delta.enableDeletionVectors") {
    SLUICE_TRY_ASSIGN(properties.enable_deletion_vectors, read_boolean(key, value));
  } else if (key == "delta.enableInCommitTimestamps") {
    SLUICE_TRY_ASSIGN(properties.enable_in_commit_timestamps, read_boolean(key, value));
  } else if (key == "delta.enableRowTracking") {
    SLUICE_TRY_ASSIGN(properties.enable_row_tracking, read_boolean(key, value));
  } else if (key == "delta.enableTypeWidening") {
    SLUICE_TRY_ASSIGN(properties.enable_type_widening, read_boolean(key, value));
  } else if (key == "delta.enableVariantShredding") {
    SLUICE_TRY_ASSIGN(properties.enable_variant_shredding, read_boolean(key, value));
  } else if (key == "delta.columnMapping.mode") {
    SLUICE_TRY_ASSIGN(properties.column_mapping_mode, read_mapping_mode(key, value));
  } else if (key == "delta.checkpointInterval") {
    const auto interval = read_integer(value);
    if (!interval || *interval < 1) return meaningless(key, value, "a number of commits, at least 1");
    properties.checkpoint_interval = *interval;
  } else if (key == "delta.checkpointPolicy") {
    if (value != "classic" && value != "v2") return meaningless(key, value, "classic or v2");
    properties.v2_checkpoints = value == "v2";
  } else if (key == "delta.checkpoint.writeStatsAsJson") {
    SLUICE_TRY_ASSIGN(properties.checkpoint_stats_as_json, read_boolean(key, value));
  } else if (key == "delta.checkpoint.writeStatsAsStruct") {
    SLUICE_TRY_ASSIGN(properties.checkpoint_stats_as_struct, read_boolean(key, value));
  } else if (key == "delta.dataSkippingNumIndexedCols") {
    const auto count = read_integer(value);
    if (!count || *count < -1) return meaningless(key, value, "a number of columns, or -1 for all");
    properties.statistics_columns_max = *count;
  } else if (key == "delta.dataSkippingStatsColumns") {
    SLUICE_TRY_ASSIGN(properties.statistics_columns, read_columns(key, value));
  } else if (key == "delta.deletedFileRetentionDuration") {
    SLUICE_TRY_ASSIGN(properties.deleted_file_retention, read_duration(key, value));
  } else if (key == "delta.logRetentionDuration") {
    SLUICE_TRY_ASSIGN(properties.log_retention, read_duration(key, value));
  } else if (key == "delta.enableExpiredLogCleanup") {
    SLUICE_TRY_ASSIGN(properties.enable_expired_log_cleanup, read_boolean(key, value));
  } else if (key == "delta.setTransactionRetentionDuration") {
    SLUICE_TRY_ASSIGN(properties.transaction_retention, read_duration(key, value));
  } else if (key == "delta.targetFileSize") {
    SLUICE_TRY_ASSIGN(properties.file_bytes_target, read_bytes(key, value));
  } else if (key == "delta.parquet.compression.codec") {
    properties.compression = read_compression(value);
  } else if (key.starts_with(kConstraintPrefix)) {
    properties.constraints.emplace(key.substr(kConstraintPrefix.size()), value);
  }
  return ok();
}

}  // namespace

std::optional<std::string_view> find_property_key(std::string_view key) {
  const auto found =
      std::ranges::find_if(kPropertyKeys, [&](std::string_view known) { return lower(known) == lower(key); });
  if (found == kPropertyKeys.end()) return std::nullopt;
  return *found;
}

Error unknown_property(std::string_view key) {
  // Near without regard to case: some parsers give keys in lower case.
  std::map<std::string, std::string_view> spellings;
  std::vector<std::string> candidates;
  for (const std::string_view known : kPropertyKeys) {
    candidates.push_back(lower(known));
    spellings.emplace(candidates.back(), known);
  }
  const auto near = near_names(lower(key), candidates);
  return Error(ErrorCode::InvalidArgument, fmt::format("the property {} is not one that sluice knows", key))
      .with_help(near.empty() ? "properties of your own begin with another word than delta"
                              : fmt::format("did you mean {}?", spellings.at(near.front())));
}

Result<TableProperties> read_properties(const std::map<std::string, std::string>& configuration) {
  TableProperties properties;
  for (const auto& [key, value] : configuration) SLUICE_TRY(take_property(properties, key, value));
  return properties;
}

}  // namespace sluice::delta
