#include "connect/files/internal/glob.h"

#include <optional>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"

namespace sluice::connect {
namespace {

constexpr std::size_t kAlternativesMax = 1024;

Error invalid(std::string_view pattern, std::string_view why) {
  return Error(ErrorCode::InvalidArgument, fmt::format("the file pattern '{}' is not valid: {}", pattern, why))
      .with_number(kErrorGlobInvalid)
      .with_help("patterns know *, **, ?, [abc], [a-z], [!a] and {a,b}");
}

/// Returns the position of the bracket that closes the set at `open`; a ']' right at its beginning is a member.
std::size_t find_set_end(std::string_view pattern, std::size_t open) {
  std::size_t at = open + 1;
  if (at < pattern.size() && pattern[at] == '!') ++at;
  return pattern.find(']', at + 1);
}

bool set_contains(std::string_view set, unsigned char value) {
  const bool negated = set.starts_with('!');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto low = static_cast<unsigned char>(set[i]);
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    const auto high = range ? static_cast<unsigned char>(set[i + 2]) : low;
    if (range) i += 2;
    found = found || (low <= value && value <= high);
  }
  return found != negated;
}

/// Returns the length of the pattern's first element if it matches the byte.
std::optional<std::size_t> match_one(std::string_view pattern, char value) {
  if (pattern.empty()) return std::nullopt;
  if (pattern[0] == '?') return 1;
  if (pattern[0] == '[') {
    const std::size_t end = find_set_end(pattern, 0);
    if (end == std::string_view::npos) return std::nullopt;
    const bool matches = set_contains(pattern.substr(1, end - 1), static_cast<unsigned char>(value));
    return matches ? std::optional(end + 1) : std::nullopt;
  }
  return pattern[0] == value ? std::optional<std::size_t>(1) : std::nullopt;
}

struct Braces {
  std::size_t open = 0;
  std::size_t close = 0;
  std::vector<std::string_view> alternatives;
};

/// Finds the first brace group, if there is one; sets are skipped, for a brace in them is a character.
Result<std::optional<Braces>> find_braces(std::string_view pattern) {
  Braces braces;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '[') {
      i = find_set_end(pattern, i);
      if (i == std::string_view::npos) return invalid(pattern, "a '[' is not closed");
    } else if (c == '{' && depth++ == 0) {
      braces.open = i;
      begin = i + 1;
    } else if (depth == 1 && (c == ',' || c == '}')) {
      braces.alternatives.push_back(pattern.substr(begin, i - begin));
      begin = i + 1;
      if (c == '}') {
        braces.close = i;
        return std::optional(std::move(braces));
      }
    } else if (c == '}' && depth > 0) {
      --depth;
    }
  }
  if (depth > 0) return invalid(pattern, "a '{' is not closed");
  return std::optional<Braces>();
}

}  // namespace

bool has_wildcard(std::string_view text) { return text.find_first_of("*?[{") != std::string_view::npos; }

bool matches_component(std::string_view pattern, std::string_view name) {
  std::size_t at_pattern = 0;
  std::size_t at_name = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (at_name < name.size()) {
    if (at_pattern < pattern.size() && pattern[at_pattern] == '*') {
      star = at_pattern++;
      star_name = at_name;
    } else if (const auto length = match_one(pattern.substr(at_pattern), name[at_name])) {
      at_pattern += *length;
      ++at_name;
    } else if (star != std::string_view::npos) {
      // Only the last star ever needs to take more: an earlier one could gain nothing.
      at_pattern = star + 1;
      at_name = ++star_name;
    } else {
      return false;
    }
  }
  while (at_pattern < pattern.size() && pattern[at_pattern] == '*') ++at_pattern;
  return at_pattern == pattern.size();
}

Result<std::vector<std::string>> expand_braces(std::string_view pattern) {
  std::vector<std::string> done;
  std::vector<std::string> open{std::string(pattern)};
  while (!open.empty()) {
    const std::string current = std::move(open.back());
    open.pop_back();
    SLUICE_TRY_ASSIGN(const std::optional<Braces> braces, find_braces(current));
    if (!braces) {
      done.push_back(current);
    } else {
      // A stack: pushed in reverse, so that the first alternative comes out first.
      for (auto choice = braces->alternatives.rbegin(); choice != braces->alternatives.rend(); ++choice) {
        open.push_back(fmt::format("{}{}{}", std::string_view(current).substr(0, braces->open), *choice,
                                   std::string_view(current).substr(braces->close + 1)));
      }
    }
    if (done.size() + open.size() > kAlternativesMax) return invalid(pattern, "its braces have too many alternatives");
  }
  return done;
}

}  // namespace sluice::connect
