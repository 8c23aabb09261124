#include "delta/features.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "delta/table_properties.h"

namespace sluice::delta {
namespace {

constexpr std::int32_t kReaderVersionMax = 3;
constexpr std::int32_t kWriterVersionMax = 7;
constexpr std::int32_t kFeatureReaderVersion = 3;
constexpr std::int32_t kFeatureWriterVersion = 7;

// Spec: "Valid Feature Names in Table Features" and, where that list lags behind, the names other writers put there.
constexpr std::array kFeatures{
    Feature{"appendOnly", false, 0, 2, true, WriteSupport::Full},
    Feature{"invariants", false, 0, 2, true, WriteSupport::Inactive},
    Feature{"checkConstraints", false, 0, 3, true, WriteSupport::Inactive},
    Feature{"changeDataFeed", false, 0, 4, true, WriteSupport::Inactive},
    Feature{"generatedColumns", false, 0, 4, true, WriteSupport::Inactive},
    Feature{"columnMapping", true, 2, 5, true, WriteSupport::Inactive},
    Feature{"identityColumns", false, 0, 6, true, WriteSupport::Inactive},
    Feature{"allowColumnDefaults", false, 0, 0, true, WriteSupport::Inactive},
    Feature{"deletionVectors", true, 0, 0, true, WriteSupport::Full},
    Feature{"rowTracking", false, 0, 0, true, WriteSupport::None},
    Feature{"timestampNtz", true, 0, 0, true, WriteSupport::Full},
    Feature{"domainMetadata", false, 0, 0, true, WriteSupport::Full},
    Feature{"v2Checkpoint", true, 0, 0, true, WriteSupport::Full},
    Feature{"inCommitTimestamp", false, 0, 0, true, WriteSupport::Inactive},
    Feature{"clustering", false, 0, 0, true, WriteSupport::Inactive},
    Feature{"typeWidening", true, 0, 0, true, WriteSupport::Inactive},
    Feature{"typeWidening-preview", true, 0, 0, true, WriteSupport::None},
    Feature{"variantType", true, 0, 0, true, WriteSupport::None},
    Feature{"variantType-preview", true, 0, 0, true, WriteSupport::None},
    Feature{"variantShredding", true, 0, 0, true, WriteSupport::None},
    Feature{"variantShredding-preview", true, 0, 0, true, WriteSupport::None},
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
std::string use_of(std::string_view feature, const TableProperties& properties, const Metadata& metadata,
                   const DataType& schema) {
  const auto is_true = [&](const char* key) {
    const auto found = metadata.configuration.find(key);
    return found != metadata.configuration.end() && found->second == "true";
  };
  if (feature == "invariants" && has_metadata(schema, "delta.invariants")) return "a column has an invariant";
  if (feature == "checkConstraints" && !properties.constraints.empty()) {
    return fmt::format("constraint {}", properties.constraints.begin()->first);
  }
  if (feature == "changeDataFeed" && properties.enable_change_data_feed) return "delta.enableChangeDataFeed is true";
  if (feature == "generatedColumns" && has_metadata(schema, "delta.generationExpression")) {
    return "a column is generated";
  }
  if (feature == "columnMapping" && properties.column_mapping_mode != ColumnMappingMode::None) {
    return "delta.columnMapping.mode is on";
  }
  if (feature == "identityColumns" && has_metadata(schema, "delta.identity.")) return "a column is an identity";
  if (feature == "allowColumnDefaults" && has_metadata(schema, "CURRENT_DEFAULT")) return "a column has a default";
  if (feature == "inCommitTimestamp" && properties.enable_in_commit_timestamps) {
    return "delta.enableInCommitTimestamps is true";
  }
  if (feature == "clustering") return "clustered files need statistics we do not promise";
  if (feature == "typeWidening" && (is_true("delta.enableTypeWidening") || has_metadata(schema, "delta.typeChanges"))) {
    return "a column was widened or may be";
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
    const std::string use = use_of(name, properties, metadata, schema);
    if (!use.empty()) return unsupported("write", fmt::format("we do not write the feature {} yet: {}", name, use));
  }
  return ok();
}

Result<Protocol> minimal_protocol(const DataType& schema, const std::map<std::string, std::string>& configuration) {
  SLUICE_TRY_ASSIGN(const TableProperties properties, read_properties(configuration));
  std::set<std::string> features;
  if (properties.enable_deletion_vectors) features.insert("deletionVectors");
  if (has_type(schema, DataType::Kind::TimestampNtz)) features.insert("timestampNtz");
  if (properties.append_only) features.insert("appendOnly");
  if (properties.enable_change_data_feed) features.insert("changeDataFeed");
  if (properties.enable_in_commit_timestamps) features.insert("inCommitTimestamp");
  if (properties.enable_row_tracking) features.insert("rowTracking");
  if (properties.column_mapping_mode != ColumnMappingMode::None) features.insert("columnMapping");
  if (!properties.constraints.empty()) features.insert("checkConstraints");
  if (has_type(schema, DataType::Kind::Variant)) features.insert("variantType");
  if (has_metadata(schema, "delta.invariants")) features.insert("invariants");
  if (has_metadata(schema, "delta.generationExpression")) features.insert("generatedColumns");
  if (has_metadata(schema, "delta.identity.")) features.insert("identityColumns");
  if (has_metadata(schema, "CURRENT_DEFAULT")) features.insert("allowColumnDefaults");

  for (const std::string& name : features) {
    const WriteSupport support = find_feature(name)->write;
    if (support != WriteSupport::Full) {
      return unsupported("create", fmt::format("we do not write the feature {} yet", name));
    }
  }
  const bool legacy = std::all_of(features.begin(), features.end(), [](const std::string& name) {
    return find_feature(name)->legacy_writer_version > 0;
  });
  Protocol protocol;
  if (legacy) {
    for (const std::string& name : features) {
      const Feature* feature = find_feature(name);
      protocol.min_reader_version = std::max(protocol.min_reader_version, feature->legacy_reader_version);
      protocol.min_writer_version = std::max(protocol.min_writer_version, feature->legacy_writer_version);
    }
    return protocol;
  }
  protocol.min_writer_version = kFeatureWriterVersion;
  protocol.writer_features = features;
  std::set<std::string> reader_features;
  for (const std::string& name : features) {
    if (find_feature(name)->reader_writer) reader_features.insert(name);
  }
  if (!reader_features.empty()) {
    protocol.min_reader_version = kFeatureReaderVersion;
    protocol.reader_features = std::move(reader_features);
  }
  return protocol;
}

Protocol upgraded_protocol(const Protocol& current, const Protocol& wanted) {
  std::set<std::string> features = feature_names(current);
  features.merge(feature_names(wanted));
  Protocol result;
  result.min_reader_version = std::max(current.min_reader_version, wanted.min_reader_version);
  result.min_writer_version = std::max(current.min_writer_version, wanted.min_writer_version);
  if (result.min_writer_version < kFeatureWriterVersion) return result;
  result.writer_features = features;
  if (result.min_reader_version < kFeatureReaderVersion) return result;
  result.reader_features.emplace();
  for (const std::string& name : features) {
    const Feature* feature = find_feature(name);
    const bool listed = (current.reader_features && current.reader_features->contains(name)) ||
                        (wanted.reader_features && wanted.reader_features->contains(name));
    if (listed || (feature != nullptr && feature->reader_writer)) result.reader_features->insert(name);
  }
  return result;
}

}  // namespace sluice::delta
