#include "delta/internal/text_bounds.h"

#include <algorithm>

namespace sluice::delta::internal {
namespace {

/// Returns the length of the character that begins at `at`; bytes that are not UTF-8 count as one character each.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - at);
}

}  // namespace

std::string_view cut(std::string_view text, std::size_t character_count) {
  if (text.size() <= character_count) return text;
  std::size_t end = 0;
  for (std::size_t i = 0; i < character_count && end < text.size(); ++i) end += character_length(text, end);
  return text.substr(0, end);
}

std::string_view minimum_bound(std::string_view text) { return cut(text, kBoundCharactersMax); }

std::optional<std::string> maximum_bound(std::string_view text) {
  constexpr std::string_view kAsciiLast = "\x7F";
  constexpr std::string_view kUnicodeLast = "\xF4\x8F\xBF\xBF";  // U+10FFFF
  std::string_view prefix = cut(text, kBoundCharactersMax);
  if (prefix.size() == text.size()) return std::string(text);
  // A greater character in place of the next one makes a greater text; the greatest character has none above it.
  for (std::size_t i = kBoundCharactersMax; i < 2 * kBoundCharactersMax; ++i) {
    if (prefix.size() == text.size()) return std::string(text);
    const std::string_view next = text.substr(prefix.size(), character_length(text, prefix.size()));
    if (next < kAsciiLast) return std::string(prefix).append(kAsciiLast);
    if (next < kUnicodeLast) return std::string(prefix).append(kUnicodeLast);
    prefix = text.substr(0, prefix.size() + next.size());
  }
  return std::nullopt;
}

}  // namespace sluice::delta::internal
