#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Bounds of texts that are shorter than the texts. Characters are code points; texts compare by their UTF-8 bytes,
/// which is the order of code points, so cutting keeps the order.
namespace sluice::delta::internal {

/// Characters a bound may have (a maximum one or, when that is no way up, up to twice as many, and a tie-breaker).
inline constexpr std::size_t kBoundCharactersMax = 32;
/// As many characters of a text as maximum_bound() looks at.
inline constexpr std::size_t kCharactersSeen = 2 * kBoundCharactersMax + 1;

/// Returns the first `character_count` characters.
std::string_view cut(std::string_view text, std::size_t character_count);

/// Returns a text that is not greater than `text`.
std::string_view minimum_bound(std::string_view text);

/// Returns a text that is not less than `text`, nullopt if there is none of bounded length.
std::optional<std::string> maximum_bound(std::string_view text);

}  // namespace sluice::delta::internal
