#include "columnar/column_names.h"

#include <algorithm>
#include <cstdint>

#include <utf8proc_wrapper.hpp>

namespace sluice::columnar {
namespace {

// What Spark's Parquet reader and writer cannot tell from its own syntax.
constexpr std::string_view kForbidden = " ,;{}()\n\t=";

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

bool same_names(const std::vector<std::string>& left, const std::vector<std::string>& right) {
  return std::ranges::equal(left, right, {}, lower_case, lower_case);
}

bool is_storable_name(std::string_view name) { return name.find_first_of(kForbidden) == std::string_view::npos; }

}  // namespace sluice::columnar
