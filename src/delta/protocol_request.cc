#include "delta/protocol_request.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "columnar/column_names.h"
#include "delta/features.h"

namespace sluice::delta {
namespace {

// In lower case.
constexpr std::string_view kFeaturePrefix = "delta.feature.";
constexpr std::string_view kMinReaderVersion = "delta.minreaderversion";
constexpr std::string_view kMinWriterVersion = "delta.minwriterversion";

constexpr std::int32_t kListedReaderVersion = 3;
constexpr std::int32_t kListedWriterVersion = 7;

Error bad_value(const std::string& key, const std::string& value, std::string help) {
  return Error(ErrorCode::InvalidArgument, fmt::format("the property {} cannot be '{}'", key, value))
      .with_number(4206)
      .with_help(std::move(help));
}

Result<std::string> writable_feature(std::string_view lower_name) {
  const auto known = known_features();
  const auto found = std::ranges::find_if(
      known, [&](const Feature& feature) { return columnar::lower_case(std::string(feature.name)) == lower_name; });
  if (found == known.end()) {
    return Error(ErrorCode::Unsupported, fmt::format("there is no table feature \"{}\" that sluice knows", lower_name))
        .with_number(4204);
  }
  if (found->write == WriteSupport::None) {
    return Error(ErrorCode::Unsupported, fmt::format("we do not write tables with the feature {}", found->name))
        .with_number(4204);
  }
  return std::string(found->name);
}

Result<std::int32_t> version_of(const std::string& key, const std::string& value, std::int32_t version_max) {
  std::int32_t version = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), version);
  if (failed != std::errc() || end != value.data() + value.size() || version < 1 || version > version_max) {
    return bad_value(key, value, fmt::format("it is a number from 1 to {}", version_max));
  }
  return version;
}

}  // namespace

bool is_protocol_property(const std::string& key) {
  const std::string lower = columnar::lower_case(key);
  return lower.starts_with(kFeaturePrefix) || lower == kMinReaderVersion || lower == kMinWriterVersion;
}

Result<bool> ProtocolRequest::take(const std::string& key, const std::string& value) {
  const std::string lower = columnar::lower_case(key);
  if (lower.starts_with(kFeaturePrefix)) {
    // "enabled" is what early versions of Spark's own wrote.
    if (value != "supported" && value != "enabled") return bad_value(key, value, "'supported' adds the feature");
    SLUICE_TRY_ASSIGN(auto name, writable_feature(std::string_view(lower).substr(kFeaturePrefix.size())));
    features.insert(std::move(name));
    return true;
  }
  if (lower == kMinReaderVersion) {
    SLUICE_TRY_ASSIGN(min_reader_version, version_of(key, value, kListedReaderVersion));
    return true;
  }
  if (lower == kMinWriterVersion) {
    SLUICE_TRY_ASSIGN(min_writer_version, version_of(key, value, kListedWriterVersion));
    return true;
  }
  return false;
}

Result<Protocol> ProtocolRequest::raise(const Protocol& current) const {
  Protocol protocol = current;
  const std::int32_t writer = std::max(protocol.min_writer_version, min_writer_version.value_or(0));
  const std::int32_t reader = std::max(protocol.min_reader_version, min_reader_version.value_or(0));
  if (reader == kListedReaderVersion && writer < kListedWriterVersion) {
    return Error(ErrorCode::InvalidArgument, "reader version 3 goes with writer version 7")
        .with_number(4206)
        .with_help("set delta.minWriterVersion to 7 as well");
  }
  if (writer == kListedWriterVersion && !protocol.writer_features) protocol.writer_features = feature_names(current);
  if (reader == kListedReaderVersion && !protocol.reader_features) {
    protocol.reader_features.emplace();
    for (const std::string& name : feature_names(current)) {
      const Feature* feature = find_feature(name);
      if (feature != nullptr && feature->reader_writer) protocol.reader_features->insert(name);
    }
  }
  protocol.min_writer_version = writer;
  protocol.min_reader_version = reader;
  return upgraded_protocol(protocol, features);
}

}  // namespace sluice::delta
