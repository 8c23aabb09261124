#include "base/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include <fmt/format.h>

namespace sluice {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument: return "InvalidArgument";
    case ErrorCode::NotFound: return "NotFound";
    case ErrorCode::AlreadyExists: return "AlreadyExists";
    case ErrorCode::Unsupported: return "Unsupported";
    case ErrorCode::Unavailable: return "Unavailable";
    case ErrorCode::PermissionDenied: return "PermissionDenied";
    case ErrorCode::ResourceExhausted: return "ResourceExhausted";
    case ErrorCode::Corruption: return "Corruption";
    case ErrorCode::Conflict: return "Conflict";
    case ErrorCode::Fenced: return "Fenced";
    case ErrorCode::DataError: return "DataError";
    case ErrorCode::Cancelled: return "Cancelled";
    case ErrorCode::Internal: return "Internal";
  }
  return "Unknown";
}

Error Error::in(std::string_view context) && {
  message_ = fmt::format("{}: {}", context, message_);
  return std::move(*this);
}

std::string render(const Error& error) {
  std::string out = error.number() == 0 ? fmt::format("error: {}\n", error.message())
                                        : fmt::format("error[SLU{:04}]: {}\n", error.number(), error.message());
  if (const auto& where = error.location()) {
    out += fmt::format("  --> {}:{}:{}\n", where->file, where->line, where->column);
    const std::string number = std::to_string(where->line);
    const std::string margin(number.size(), ' ');
    // Tabs stay tabs under the line, so that the caret stands where the terminal puts the text.
    std::string indent;
    for (std::uint32_t i = 0; i + 1 < where->column && i < where->text.size(); ++i) {
      indent += where->text[i] == '\t' ? '\t' : ' ';
    }
    const std::size_t room = where->text.size() > indent.size() ? where->text.size() - indent.size() : 1;
    const std::size_t length = std::max<std::size_t>(1, std::min<std::size_t>(where->length, room));
    out += fmt::format(" {} |\n {} | {}\n {} | {}{}\n", margin, number, where->text, margin, indent,
                       std::string(length, '^'));
  }
  if (!error.help().empty()) out += fmt::format("  help: {}\n", error.help());
  return out;
}

namespace {

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to make one name of the other,
/// without regard to case. Cost: product of the lengths.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  std::vector<std::size_t> before(right.size() + 1);  // two letters of `left` ago
  std::vector<std::size_t> above(right.size() + 1);   // one letter ago
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t change = same(left[i - 1], right[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      const bool swapped = i > 1 && j > 1 && same(left[i - 1], right[j - 2]) && same(left[i - 2], right[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above.back();
}

}  // namespace

std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr std::size_t kNearNamesMax = 3;
  std::vector<std::pair<std::size_t, std::string>> scored;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    const std::size_t limit = std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if (distance <= limit) scored.emplace_back(distance, candidate);
  }
  std::sort(scored.begin(), scored.end());
  scored.erase(std::unique(scored.begin(), scored.end()), scored.end());
  if (scored.size() > kNearNamesMax) scored.resize(kNearNamesMax);
  std::vector<std::string> names;
  for (auto& [distance, candidate] : scored) names.push_back(std::move(candidate));
  return names;
}

}  // namespace sluice
