// Runs a fuzz target over its corpus and over inputs derived from it by a fixed seed, for builds without libFuzzer.
//
//     x_fuzz_replay CORPUS_FOLDER INPUTS_PER_FILE

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/fuzz/fuzz_target.h"

#if defined(__SANITIZE_ADDRESS__)
// See cmake/test_main.cc.
extern "C" const char* __asan_default_options() {
  return "detect_container_overflow=0:alloc_dealloc_mismatch=0:detect_leaks=0:detect_stack_use_after_return=0";
}
#endif

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// Changes the bytes at a few places: flips, cuts, doubles, and pieces of `other`.
std::string damaged(std::string bytes, const std::string& other, sluice::Random& random) {
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random.next() % bound; };
  for (std::uint64_t change = 0; change <= below(4); ++change) {
    const std::size_t at = below(bytes.size());
    const std::size_t count = std::min<std::size_t>(1 + below(16), bytes.size() - at);
    switch (below(5)) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(below(256));
        break;
      case 1: bytes.erase(at, count); break;
      case 2: bytes.insert(at, bytes.substr(at, count)); break;
      case 3: bytes.insert(at, other.substr(below(other.size()), 1 + below(64))); break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " CORPUS_FOLDER INPUTS_PER_FILE\n";
    return 2;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) {
    std::cerr << "no inputs in " << argv[1] << '\n';
    return 2;
  }
  sluice::SeededRandom random(1);
  run("");
  for (const std::string& bytes : corpus) {
    run(bytes);
    for (int input = 0; input < std::stoi(argv[2]); ++input)
      run(damaged(bytes, corpus[random.next() % corpus.size()], random));
  }
  return 0;
}
