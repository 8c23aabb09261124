#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Owned bytes. A std::string, so that JSON text, file contents and keys need no copies between libraries.
using Bytes = std::string;
/// Borrowed bytes, valid for the call.
using BytesView = std::string_view;

}  // namespace sluice
