#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace sluice::cli {

/// Returns the texts as a JSON list.
std::string json_texts(const std::vector<std::string>& texts);

/// Returns the error as a JSON object on one line: `code` (null if it has none), `message`, `help`, and, if it has a
/// place, `file`, `line`, `column`.
std::string to_json(const Error& error);

}  // namespace sluice::cli
