#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Takes one input; each program in this folder has one. Whatever the bytes, it comes back: a crash, a failed check or
/// a finding of a sanitizer is a bug. libFuzzer's entry point: it sets the name and the result, always 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace sluice::fuzz
