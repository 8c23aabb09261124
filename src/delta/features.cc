#include "delta/features.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "delta/table_properties.h"
#include "delta/type_widening.h"

namespace sluice::delta {
namespace {

constexpr std::int32_t kReaderVersionMax = 3;
constexpr std::int32_t kWriterVersionMax = 7;
constexpr std::int32_t kFeatureReaderVersion = 3;
constexpr std::int32_t kFeatureWriterVersion = 7;

// Spec: "Valid Feature Names in Table Features" and, where that list lags behind, the names other writers put there.
constexpr std::array kFeatures{
    Feature{"appendOnly", false, 0, 2, true, WriteSupport::Full},
    Feature{"invariants", false, 0, 2, true, WriteSupport::Full},
    Feature{"checkConstraints", false, 0, 3, true, WriteSupport::Full},
    Feature{"changeDataFeed", false, 0, 4, true, WriteSupport::Full},
    Feature{"generatedColumns", false, 0, 4, true, WriteSupport::Inactive},
    Feature{"columnMapping", true, 2, 5, true, WriteSupport::Full},
    Feature{"identityColumns", false, 0, 6, true, WriteSupport::Inactive},
    Feature{"allowColumnDefaults", false, 0, 0, true, WriteSupport::Inactive},
    Feature{"deletionVectors", true, 0, 0, true, WriteSupport::Full},
    Feature{"rowTracking", false, 0, 0, true, WriteSupport::None},
    Feature{"timestampNtz", true, 0, 0, true, WriteSupport::Full},
    Feature{"domainMetadata", false, 0, 0, true, WriteSupport::Full},
    Feature{"v2Checkpoint", true, 0, 0, true, WriteSupport::Full},
    Feature{"inCommitTimestamp", false, 0, 0, true, WriteSupport::Full},
    Feature{"clustering", false, 0, 0, true, WriteSupport::Inactive},
    Feature{"typeWidening", true, 0, 0, true, WriteSupport::Full},
    Feature{"typeWidening-preview", true, 0, 0, true, WriteSupport::None},
    Feature{"variantType", true, 0, 0, true, WriteSupport::Full},
    Feature{"variantType-preview", true, 0, 0, true, WriteSupport::Inactive},
    Feature{"variantShredding", true, 0, 0, true, WriteSupport::Inactive},
    Feature{"variantShredding-preview", true, 0, 0, true, WriteSupport::Inactive},
    Feature{"vacuumProtocolCheck", true, 0, 0, true, WriteSupport::Full},
    Feature{"checkpointProtection", false, 0, 0, true, WriteSupport::None},
    Feature{"materializePartitionColumns", false, 0, 0, true, WriteSupport::None},
    Feature{"icebergCompatV1", false, 0, 0, true, WriteSupport::None},
    Feature{"icebergCompatV2", false, 0, 0, true, WriteSupport::None},
    Feature{"icebergCompatV3", false, 0, 0, true, WriteSupport::None},
    Feature{"catalogManaged", true, 0, 0, false, WriteSupport::None},
};

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Error unsupported(std::string_view verb, std::string what) {
  return Error(ErrorCode::Unsupported, fmt::format("cannot {} the table: {}", verb, what)).with_number(4204);
}

/// True if `test` holds for a field of the type, at any depth.
bool any_field(const DataType& type, const std::function<bool(const StructField&)>& test) {
  for (const StructField& field : type.fields) {
    if (test(field) || any_field(field.type, test)) return true;
  }
  return std::any_of(type.children.begin(), type.children.end(),
                     [&](const DataType& child) { return any_field(child, test); });
}

/// True if the type, or one within it, is of the kind.
bool has_type(const DataType& type, DataType::Kind kind) {
  if (type.kind == kind) return true;
  return std::any_of(type.children.begin(), type.children.end(),
                     [&](const DataType& child) { return has_type(child, kind); }) ||
         std::any_of(type.fields.begin(), type.fields.end(),
                     [&](const StructField& field) { return has_type(field.type, kind); });
}

bool has_metadata(const DataType& schema, std::string_view key_prefix) {
  return any_field(schema, [&](const StructField& field) {
    const auto found = field.metadata.lower_bound(std::string(key_prefix));
    return found != field.metadata.end() && found->first.starts_with(key_prefix);
  });
}

/// Returns what in the table uses a feature that we write only while unused; "" if nothing does.
std::string use_of(std::string_view feature, const TableProperties& properties, const DataType& schema) {
  if (feature == "generatedColumns" && has_metadata(schema, "delta.generationExpression")) {
    return "a column is generated";
  }
  if (feature == "identityColumns" && has_metadata(schema, "delta.identity.")) return "a column is an identity";
  if (feature == "allowColumnDefaults" && has_metadata(schema, "CURRENT_DEFAULT")) return "a column has a default";
  if (feature == "clustering") return "clustered files need statistics we do not promise";
  const bool has_variant = has_type(schema, DataType::Kind::Variant);
  if (feature == "variantType-preview" && has_variant) return "a column is a variant";
  if (feature.starts_with("variantShredding") && has_variant && properties.enable_variant_shredding) {
    return "delta.enableVariantShredding is true";
  }
  return "";
}

/// Appends the features of `names` that `supported` does not accept.
template <typename Supported>
std::vector<std::string> refused(const std::set<std::string>& names, Supported&& supported) {
  std::vector<std::string> result;
  for (const std::string& name : names) {
    const Feature* feature = find_feature(name);
    if (feature == nullptr || !supported(*feature)) result.push_back(name);
  }
  return result;
}

}  // namespace

std::span<const Feature> known_features() { return kFeatures; }

const Feature* find_feature(std::string_view name) {
  const auto found = std::find_if(kFeatures.begin(), kFeatures.end(), [&](const Feature& f) { return f.name == name; });
  return found == kFeatures.end() ? nullptr : &*found;
}

std::set<std::string> feature_names(const Protocol& protocol) {
  std::set<std::string> names;
  if (protocol.reader_features) names.insert(protocol.reader_features->begin(), protocol.reader_features->end());
  if (protocol.writer_features) names.insert(protocol.writer_features->begin(), protocol.writer_features->end());
  for (const Feature& feature : kFeatures) {
    const bool by_writer = protocol.min_writer_version < kFeatureWriterVersion && feature.legacy_writer_version > 0 &&
                           protocol.min_writer_version >= feature.legacy_writer_version;
    const bool by_reader = protocol.min_reader_version < kFeatureReaderVersion && feature.legacy_reader_version > 0 &&
                           protocol.min_reader_version >= feature.legacy_reader_version;
    if (by_writer || by_reader) names.emplace(feature.name);
  }
  return names;
}

Status check_readable(const Protocol& protocol) {
  if (protocol.min_reader_version < 1 || protocol.min_reader_version > kReaderVersionMax) {
    return unsupported("read", fmt::format("it asks for reader version {}, and we know versions 1 to {}",
                                           protocol.min_reader_version, kReaderVersionMax));
  }
  if (protocol.min_reader_version < kFeatureReaderVersion) return ok();
  if (!protocol.reader_features) {
    return Error(ErrorCode::Corruption, "the protocol has reader version 3 but no list of reader features");
  }
  const auto names = refused(*protocol.reader_features, [](const Feature& feature) { return feature.read; });
  if (!names.empty()) return unsupported("read", fmt::format("it uses features we do not know: {}", join(names)));
  return ok();
}

Status check_writable(const Protocol& protocol, const Metadata& metadata, const DataType& schema) {
  SLUICE_TRY(check_readable(protocol));
  if (protocol.min_writer_version < 1 || protocol.min_writer_version > kWriterVersionMax) {
    return unsupported("write", fmt::format("it asks for writer version {}, and we know versions 1 to {}",
                                            protocol.min_writer_version, kWriterVersionMax));
  }
  if (protocol.min_writer_version == kFeatureWriterVersion && !protocol.writer_features) {
    return Error(ErrorCode::Corruption, "the protocol has writer version 7 but no list of writer features");
  }
  const std::set<std::string> names = feature_names(protocol);
  const auto unknown = refused(names, [](const Feature& feature) { return feature.write != WriteSupport::None; });
  if (!unknown.empty()) return unsupported("write", fmt::format("it uses features we do not write: {}", join(unknown)));
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(metadata.configuration));
  for (const std::string& name : names) {
    if (find_feature(name)->write != WriteSupport::Inactive) continue;
    const std::string use = use_of(name, properties, schema);
    if (!use.empty()) return unsupported("write", fmt::format("we do not write the feature {} yet: {}", name, use));
  }
  return ok();
}

Result<std::set<std::string>> required_features(const DataType& schema,
                                                const std::map<std::string, std::string>& configuration) {
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(configuration));
  const std::pair<std::string_view, bool> uses[] = {
      {"typeWidening", properties.enable_type_widening || has_metadata(schema, kTypeChangesKey)},
      {"deletionVectors", properties.enable_deletion_vectors},
      {"timestampNtz", has_type(schema, DataType::Kind::TimestampNtz)},
      {"appendOnly", properties.append_only},
      {"changeDataFeed", properties.enable_change_data_feed},
      {"inCommitTimestamp", properties.enable_in_commit_timestamps},
      {"rowTracking", properties.enable_row_tracking},
      {"columnMapping", properties.column_mapping_mode != ColumnMappingMode::None},
      {"checkConstraints", !properties.constraints.empty()},
      {"v2Checkpoint", properties.v2_checkpoints},
      {"variantType", has_type(schema, DataType::Kind::Variant)},
      {"invariants", has_metadata(schema, "delta.invariants")},
      {"generatedColumns", has_metadata(schema, "delta.generationExpression")},
      {"identityColumns", has_metadata(schema, "delta.identity.")},
      {"allowColumnDefaults", has_metadata(schema, "CURRENT_DEFAULT")},
  };
  std::set<std::string> features;
  for (const auto& [name, used] : uses) {
    if (!used) continue;
    if (find_feature(name)->write != WriteSupport::Full) {
      return unsupported("write", fmt::format("we do not write the feature {} yet", name));
    }
    features.emplace(name);
  }
  // NOT NULL is of the same feature as invariants (delta-spark refuses tables that do not list it), and we keep it.
  if (any_field(schema, [](const StructField& field) { return !field.nullable; })) features.emplace("invariants");
  return features;
}

namespace {

bool all_legacy(const std::set<std::string>& features) {
  return std::all_of(features.begin(), features.end(), [](const std::string& name) {
    const Feature* feature = find_feature(name);
    return feature != nullptr && feature->legacy_writer_version > 0;
  });
}

/// Raises the versions until they imply the features, all of which are legacy ones.
Protocol raised(Protocol protocol, const std::set<std::string>& features) {
  for (const std::string& name : features) {
    const Feature* feature = find_feature(name);
    protocol.min_reader_version = std::max(protocol.min_reader_version, feature->legacy_reader_version);
    protocol.min_writer_version = std::max(protocol.min_writer_version, feature->legacy_writer_version);
  }
  return protocol;
}

/// Returns the protocol that lists the features. `reader_features` are those known to be for readers; others are added.
Protocol listed(std::set<std::string> features, std::set<std::string> reader_features) {
  for (const std::string& name : features) {
    const Feature* feature = find_feature(name);
    if (feature != nullptr && feature->reader_writer) reader_features.insert(name);
  }
  Protocol protocol;
  protocol.min_writer_version = kFeatureWriterVersion;
  protocol.writer_features = std::move(features);
  if (!reader_features.empty()) {
    protocol.min_reader_version = kFeatureReaderVersion;
    protocol.reader_features = std::move(reader_features);
  }
  return protocol;
}

}  // namespace

Protocol minimal_protocol(const std::set<std::string>& features) {
  return all_legacy(features) ? raised(Protocol(), features) : listed(features, {});
}

Protocol upgraded_protocol(const Protocol& current, const std::set<std::string>& features) {
  std::set<std::string> all = feature_names(current);
  const std::size_t current_count = all.size();
  all.insert(features.begin(), features.end());
  if (all.size() == current_count) return current;
  if (current.min_writer_version < kFeatureWriterVersion && all_legacy(features)) return raised(current, features);
  return listed(std::move(all), current.reader_features.value_or(std::set<std::string>()));
}

}  // namespace sluice::delta
