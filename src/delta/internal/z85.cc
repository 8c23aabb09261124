#include "delta/internal/z85.h"

#include <cstdint>

namespace sluice::delta::internal {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static_assert(kAlphabet.size() == 85);

}  // namespace

std::string z85_encode(BytesView bytes) {
  std::string text;
  for (std::size_t begin = 0; begin < bytes.size(); begin += 4) {
    std::uint32_t word = 0;
    for (std::size_t i = begin; i < begin + 4; ++i) {
      word = word << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
    }
    char digits[5];
    for (int i = 4; i >= 0; --i) {
      digits[i] = kAlphabet[word % 85];
      word /= 85;
    }
    text.append(digits, 5);
  }
  return text;
}

std::optional<Bytes> z85_decode(std::string_view text) {
  if (text.size() % 5 != 0) return std::nullopt;
  Bytes bytes;
  for (std::size_t begin = 0; begin < text.size(); begin += 5) {
    std::uint64_t word = 0;
    for (const char c : text.substr(begin, 5)) {
      const std::size_t digit = kAlphabet.find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      word = word * 85 + digit;
    }
    if (word > UINT32_MAX) return std::nullopt;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift & 0xFF);
  }
  return bytes;
}

}  // namespace sluice::delta::internal
