#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "delta/actions.h"
#include "delta/delta_schema.h"

namespace sluice::delta {

/// What writing a table with a feature asks of this version of sluice.
enum class WriteSupport {
  None,      ///< Refused whenever the feature is in the protocol.
  Inactive,  ///< Written while the feature is in the protocol but nothing in the table uses it.
  Full,
};

/// A table feature. Spec: "Table Features".
struct Feature {
  std::string_view name;
  bool reader_writer = false;  ///< Readers must know it too, not only writers.
  std::int32_t legacy_reader_version =
      0;  ///< Readers of at least this version imply it (reader versions below 3); 0: none.
  std::int32_t legacy_writer_version = 0;  ///< Likewise for writer versions below 7.
  bool read = false;                       ///< We read tables that have it.
  WriteSupport write = WriteSupport::None;
};

/// Returns all features we know by name, whether or not we support them.
std::span<const Feature> known_features();
/// Returns the feature of that name.
const Feature* find_feature(std::string_view name);

/// Returns the names of the features that the protocol says may be used, legacy versions spelled out.
std::set<std::string> feature_names(const Protocol& protocol);

/// Ok if we can read a table with this protocol. Unsupported, naming each feature or version, if not: fails closed.
Status check_readable(const Protocol& protocol);
/// Ok if we can write a table with this protocol and metadata, which must also be readable. Unsupported, naming each
/// feature or version and what uses it, if not.
Status check_writable(const Protocol& protocol, const Metadata& metadata, const DataType& schema);

/// Returns the features that a table with this schema and these properties uses.
/// Unsupported, naming it, if we do not write one of them; InvalidArgument for a property without meaning.
Result<std::set<std::string>> required_features(const DataType& schema,
                                                const std::map<std::string, std::string>& configuration);

/// Returns the lowest protocol that allows the features, so that as many readers as possible can read the table: legacy
/// versions while they do, then lists of just these features.
Protocol minimal_protocol(const std::set<std::string>& features);

/// Returns `current` or, if it does not allow all the features, a protocol that does: features are only added, and
/// going from legacy versions to lists lists every feature that the versions implied.
Protocol upgraded_protocol(const Protocol& current, const std::set<std::string>& features);

}  // namespace sluice::delta
