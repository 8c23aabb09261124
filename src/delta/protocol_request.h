#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "delta/actions.h"

namespace sluice::delta {

/// What properties ask of a table's protocol. Writers state them as `delta.feature.<name>` = `supported`,
/// `delta.minReaderVersion` and `delta.minWriterVersion`; none of these is kept in the table's metadata. Plain data.
struct ProtocolRequest {
  std::set<std::string> features;
  std::optional<std::int32_t> min_reader_version;
  std::optional<std::int32_t> min_writer_version;

  /// Takes the property, if it is one of these; false if it is not. Keys are compared without regard to case.
  /// InvalidArgument if its value means nothing; Unsupported, naming it, for a feature or version that we do not write.
  Result<bool> take(const std::string& key, const std::string& value);

  /// Returns the protocol, risen to what is asked; it is never lowered. InvalidArgument if table features are asked for
  /// readers (version 3) alone.
  Result<Protocol> raise(const Protocol& current) const;
};

/// True if the key is one that ProtocolRequest takes.
bool is_protocol_property(const std::string& key);

}  // namespace sluice::delta
