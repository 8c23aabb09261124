#include "delta/log_path.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace sluice::delta {
namespace {

constexpr std::size_t kVersionDigits = 20;
constexpr std::size_t kPartDigits = 10;

/// Reads exactly `digits` digits that fit in 63 bits.
std::optional<std::int64_t> read_number(std::string_view text, std::size_t digits) {
  if (text.size() != digits) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(number, std::int64_t{10}, &number)) return std::nullopt;
    if (__builtin_add_overflow(number, std::int64_t{c - '0'}, &number)) return std::nullopt;
  }
  return number;
}

std::optional<Version> read_version(std::string_view text) {
  const auto number = read_number(text, kVersionDigits);
  if (!number) return std::nullopt;
  return Version(*number);
}

std::optional<std::int32_t> read_part(std::string_view text) {
  const auto number = read_number(text, kPartDigits);
  if (!number || *number < 1 || *number > INT32_MAX) return std::nullopt;
  return static_cast<std::int32_t>(*number);
}

bool is_uuid(std::string_view text) {
  constexpr std::size_t kUuidLength = 36;
  if (text.size() != kUuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::vector<std::string_view> split_at_dots(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    parts.push_back(name.substr(0, dot));
    if (dot == name.size()) return parts;
    name.remove_prefix(dot + 1);
  }
}

std::optional<LogPath> parse_checkpoint(const std::vector<std::string_view>& parts, LogPath path) {
  if (parts.size() == 3 && parts[2] == "parquet") {
    path.kind = LogPath::Kind::ClassicCheckpoint;
    return path;
  }
  if (parts.size() == 4 && is_uuid(parts[2]) && (parts[3] == "json" || parts[3] == "parquet")) {
    path.kind = parts[3] == "json" ? LogPath::Kind::UuidCheckpointJson : LogPath::Kind::UuidCheckpointParquet;
    path.uuid = std::string(parts[2]);
    return path;
  }
  if (parts.size() == 5 && parts[4] == "parquet") {
    const auto part = read_part(parts[2]);
    const auto part_count = read_part(parts[3]);
    if (!part || !part_count || *part > *part_count) return std::nullopt;
    path.kind = LogPath::Kind::MultiPartCheckpoint;
    path.part = *part;
    path.part_count = *part_count;
    return path;
  }
  return std::nullopt;
}

}  // namespace

bool LogPath::is_checkpoint() const {
  switch (kind) {
    case Kind::ClassicCheckpoint:
    case Kind::MultiPartCheckpoint:
    case Kind::UuidCheckpointJson:
    case Kind::UuidCheckpointParquet: return true;
    case Kind::Commit:
    case Kind::Compaction:
    case Kind::Checksum: return false;
  }
  return false;
}

std::optional<LogPath> parse_log_path(std::string_view key) {
  if (!key.starts_with(kLogFolder)) return std::nullopt;
  const std::vector<std::string_view> parts = split_at_dots(key.substr(kLogFolder.size()));
  const auto version = read_version(parts[0]);
  if (!version || parts.size() < 2) return std::nullopt;
  LogPath path;
  path.version = *version;
  path.last_version = *version;
  if (parts.size() == 2 && parts[1] == "json") return path;
  if (parts.size() == 2 && parts[1] == "crc") {
    path.kind = LogPath::Kind::Checksum;
    return path;
  }
  if (parts.size() == 4 && parts[2] == "compacted" && parts[3] == "json") {
    const auto last = read_version(parts[1]);
    if (!last || *last < *version) return std::nullopt;
    path.kind = LogPath::Kind::Compaction;
    path.last_version = *last;
    return path;
  }
  if (parts[1] == "checkpoint") return parse_checkpoint(parts, path);
  return std::nullopt;
}

std::string log_key(const LogPath& path) {
  const std::string base = fmt::format("{}{:020}", kLogFolder, path.version.value());
  switch (path.kind) {
    case LogPath::Kind::Commit: return base + ".json";
    case LogPath::Kind::ClassicCheckpoint: return base + ".checkpoint.parquet";
    case LogPath::Kind::MultiPartCheckpoint:
      return fmt::format("{}.checkpoint.{:010}.{:010}.parquet", base, path.part, path.part_count);
    case LogPath::Kind::UuidCheckpointJson: return fmt::format("{}.checkpoint.{}.json", base, path.uuid);
    case LogPath::Kind::UuidCheckpointParquet: return fmt::format("{}.checkpoint.{}.parquet", base, path.uuid);
    case LogPath::Kind::Compaction: return fmt::format("{}.{:020}.compacted.json", base, path.last_version.value());
    case LogPath::Kind::Checksum: return base + ".crc";
  }
  return base;
}

std::string commit_key(Version version) { return fmt::format("{}{:020}.json", kLogFolder, version.value()); }

std::string checkpoint_key(Version version) {
  return fmt::format("{}{:020}.checkpoint.parquet", kLogFolder, version.value());
}

std::string checksum_key(Version version) {
  LogPath path;
  path.kind = LogPath::Kind::Checksum;
  path.version = path.last_version = version;
  return log_key(path);
}

std::string list_from_key(Version version) {
  // Every key of the version goes on with a dot after its digits.
  return fmt::format("{}{:020}", kLogFolder, version.value());
}

}  // namespace sluice::delta
