#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::connect {

/// True if `text` holds a character that makes it a pattern: * ? [ {
bool has_wildcard(std::string_view text);

/// True if the name matches one component of a pattern, which holds no '/' and no braces: `*` any run of characters,
/// `?` any one byte, `[abc]`, `[a-z]`, `[!a]` one byte of a set, everything else itself. Cost: linear for each `*`.
bool matches_component(std::string_view pattern, std::string_view name);

/// Replaces every `{a,b}` by its alternatives, left to right: "x/{a,b}.j" gives "x/a.j" and "x/b.j". Braces may nest.
/// InvalidArgument if a brace or a bracket is not closed or there are more than 1024 results.
Result<std::vector<std::string>> expand_braces(std::string_view pattern);

}  // namespace sluice::connect
