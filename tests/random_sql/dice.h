#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace sluice::random_sql {

/// Choices from a seeded sequence.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  /// Returns 0 … sides-1.
  std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(random_.next() % sides); }
  int between(int least, int most) {
    return least + static_cast<int>(roll(static_cast<std::size_t>(most - least + 1)));
  }
  bool percent(int chance) { return static_cast<int>(roll(100)) < chance; }
  std::uint64_t bits() { return random_.next(); }

  template <typename T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[roll(choices.size())];
  }
  /// Returns the place of one of the weights, as often as they say.
  std::size_t weighted(const std::vector<int>& weights) {
    int sum = 0;
    for (const int weight : weights) sum += weight;
    int rest = static_cast<int>(roll(static_cast<std::size_t>(sum)));
    for (std::size_t i = 0;; ++i) {
      if (rest < weights[i]) return i;
      rest -= weights[i];
    }
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[roll(i)]);
  }

 private:
  SeededRandom random_;
};

}  // namespace sluice::random_sql
