#include "columnar/column_names.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8proc_wrapper.hpp>

namespace sluice::columnar {
namespace {

// What Spark's Parquet reader and writer cannot tell from its own syntax.
constexpr std::string_view kForbidden = " ,;{}()\n\t=";

std::string quoted(std::string_view name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool plain = !name.empty() && is_plain(name[0]) &&
                     std::ranges::all_of(name, [&](char c) { return is_plain(c) || is_digit(c); });
  if (plain) return std::string(name);  // any word may stand behind AS
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

/// Returns a storable name like the given one that is not taken; takes it.
std::string storable_name(std::string_view name, std::set<std::string>& taken) {
  std::string storable;
  for (const char c : name) {
    if (kForbidden.find(c) == std::string_view::npos) {
      storable += c;
    } else if (!storable.empty() && storable.back() != '_') {
      storable += '_';
    }
  }
  while (storable.ends_with('_')) storable.pop_back();
  if (storable.empty()) storable = "unnamed";
  std::string free = storable;
  for (int i = 2; !taken.insert(lower_case(free)).second; ++i) free = fmt::format("{}_{}", storable, i);
  return free;
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string lower;
  lower.reserve(name.size());
  const bool valid = duckdb::Utf8Proc::IsValid(name.data(), name.size());
  for (std::size_t at = 0; at < name.size();) {
    constexpr std::int32_t kCapitalIWithDot = 0x130;
    constexpr std::int32_t kFinalSigma = 0x3C2;
    const auto byte = static_cast<unsigned char>(name[at]);
    if (byte < 0x80 || !valid) {
      lower += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : name[at];
      ++at;
      continue;
    }
    int size = 0;
    const std::int32_t letter = duckdb::Utf8Proc::UTF8ToCodepoint(name.data() + at, size);
    at += static_cast<std::size_t>(size);
    // The two letters whose lower case is not one letter, whatever stands beside it.
    if (letter == kCapitalIWithDot) {
      lower += "i\u0307";
    } else if (letter == kFinalSigma) {
      lower += "\u03C3";
    } else {
      char bytes[4];
      int byte_count = 0;
      duckdb::Utf8Proc::CodepointToUtf8(duckdb::Utf8Proc::CodepointToLower(letter), byte_count, bytes);
      lower.append(bytes, static_cast<std::size_t>(byte_count));
    }
  }
  return lower;
}

bool is_storable_name(std::string_view name) { return name.find_first_of(kForbidden) == std::string_view::npos; }

std::string select_storable_names(std::span<const std::string> columns) {
  constexpr std::size_t kShownMax = 8;
  std::set<std::string> taken;
  for (const std::string& name : columns) taken.insert(lower_case(name));
  std::vector<std::string> excluded;
  std::vector<std::string> renamed;
  std::string_view more;
  for (const std::string& name : columns) {
    if (is_storable_name(name)) continue;
    if (excluded.size() == kShownMax) {
      more = ", …";
      break;
    }
    excluded.push_back(quoted(name));
    renamed.push_back(fmt::format("{} AS {}", quoted(name), quoted(storable_name(name, taken))));
  }
  if (excluded.empty()) return "SELECT *";
  return fmt::format("SELECT * EXCLUDE ({}{}), {}{}", fmt::join(excluded, ", "), more, fmt::join(renamed, ", "), more);
}

}  // namespace sluice::columnar
