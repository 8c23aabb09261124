#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

/// Base 85 in the alphabet of ZeroMQ (RFC 32/Z85): four bytes, big-endian, as five printable characters.
namespace sluice::delta::internal {

/// Encodes the bytes, padded with zeros to a multiple of four.
std::string z85_encode(BytesView bytes);

/// Decodes text; nullopt if its length is no multiple of five or it holds anything that encoding does not give.
std::optional<Bytes> z85_decode(std::string_view text);

}  // namespace sluice::delta::internal
