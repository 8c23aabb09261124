#include "columnar/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace sluice::columnar {
namespace {

using Limits = std::numeric_limits<double>;

double sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.add(value, 1);
  return sum.value();
}

/// A finite double with random sign, mantissa and exponent.
double random_double(SeededRandom& random) {
  while (true) {
    const double value = std::bit_cast<double>(random.next());
    if (std::isfinite(value)) return value;
  }
}

TEST(ExactSumTest, LosesNothing) {
  EXPECT_EQ(sum_of({}), 0.0);
  EXPECT_EQ(sum_of({0.5}), 0.5);
  EXPECT_EQ(sum_of({1e16, 1.0, -1e16}), 1.0);
  EXPECT_EQ(sum_of({1e308, 1e308, -1e308}), 1e308);
  EXPECT_EQ(sum_of({Limits::denorm_min(), 1e308, -1e308}), Limits::denorm_min());
  EXPECT_EQ(sum_of({Limits::max(), -Limits::max()}), 0.0);
  EXPECT_EQ(sum_of({-1e-320, 3e-320}), 2e-320);
  EXPECT_EQ(sum_of({-3.25, 1.0}), -2.25);
}

TEST(ExactSumTest, RoundsOnceToNearestEven) {
  const double ulp = std::ldexp(1.0, -52);
  EXPECT_EQ(sum_of({1.0, ulp / 2}), 1.0);
  EXPECT_EQ(sum_of({1.0, ulp / 2, std::ldexp(1.0, -1000)}), 1.0 + ulp);
  EXPECT_EQ(sum_of({1.0 + ulp, ulp / 2}), 1.0 + 2 * ulp);
  EXPECT_EQ(sum_of({-1.0, -ulp / 2, -std::ldexp(1.0, -1000)}), -1.0 - ulp);
  EXPECT_EQ(sum_of({Limits::max(), Limits::max()}), Limits::infinity());
  EXPECT_EQ(sum_of({-Limits::max(), -Limits::max()}), -Limits::infinity());
}

TEST(ExactSumTest, CountsWeights) {
  ExactSum sum;
  sum.add(0.1, 1'000'000'007);
  sum.add(-0.3, std::numeric_limits<std::int64_t>::max());
  sum.add(0.3, std::numeric_limits<std::int64_t>::max());
  sum.add(0.1, -1'000'000'006);
  EXPECT_EQ(sum.value(), 0.1);
  sum.add(1.0, std::numeric_limits<std::int64_t>::min());
  sum.add(0.1, -1);
  EXPECT_EQ(sum.value(), -std::ldexp(1.0, 63));
}

TEST(ExactSumTest, DependsOnNoOrderAndRetractsExactly) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    std::vector<double> values;
    for (int i = 0; i < 300; ++i) values.push_back(random_double(random));
    const double expected = sum_of(values);
    ExactSum sum;
    for (std::size_t i = values.size(); i-- > 0;) sum.add(values[i], 1);
    EXPECT_EQ(sum.value(), expected);
    const double more = random_double(random);
    sum.add(more, 3);
    sum.add(more, -3);
    EXPECT_EQ(sum.value(), expected);
    for (const double value : values) sum.add(value, -1);
    EXPECT_EQ(sum.value(), 0.0);
  }
}

TEST(ExactSumTest, AgreesWithIntegerArithmetic) {
  SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    ExactSum sum;
    Int128 expected = 0;
    for (int i = 0; i < 100; ++i) {
      const auto value = static_cast<std::int64_t>(random.next()) >> 12;
      sum.add(static_cast<double>(value), 1);
      expected += value;
    }
    ASSERT_EQ(sum.value(), static_cast<double>(static_cast<std::int64_t>(expected)));
  }
}

TEST(ExactSumTest, CarriesBeforeDigitsOverflow) {
  ExactSum sum;
  // Each of these moves its digits by nearly 2^32, 2^30 times over.
  for (int i = 0; i < 30; ++i) sum.add(std::ldexp(1.0 - Limits::epsilon(), 31), std::int64_t(1) << 40);
  for (int i = 0; i < 30; ++i) sum.add(std::ldexp(1.0 - Limits::epsilon(), 31), -(std::int64_t(1) << 40));
  EXPECT_EQ(sum.value(), 0.0);
}

TEST(ExactSumTest, GivesTheVarianceOfNumbersFarFromZero) {
  const auto scaled_variance = [](const std::vector<double>& values) {
    ExactSum sum;
    ExactSum squares;
    for (const double value : values) {
      sum.add(value, 1);
      squares.add_square(value, 1);
    }
    return ExactSum::scaled_variance(static_cast<std::int64_t>(values.size()), sum, squares);
  };
  EXPECT_EQ(scaled_variance({1, 2, 3, 4}), 20.0);  // 4·30 − 10²
  EXPECT_EQ(scaled_variance({1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4}), 20.0);
  EXPECT_EQ(scaled_variance({-1e15, -1e15 - 1}), 1.0);
  EXPECT_EQ(scaled_variance({0.1, 0.1, 0.1}), 0.0);
  EXPECT_EQ(scaled_variance({1e-160, 3e-160}), std::pow(2e-160, 2));
  EXPECT_EQ(scaled_variance({5}), 0.0);
}

TEST(ExactSumTest, CombinesPartsToTheSumOfTheWhole) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    ExactSum whole;
    std::vector<ExactSum> parts(4);
    for (int i = 0; i < 200; ++i) {
      const double value = random_double(random) / 1e6;
      whole.add(value, 1);
      parts[random.next() % parts.size()].add(value, 1);
    }
    ExactSum combined;
    for (const ExactSum& part : parts) combined.combine(part);
    EXPECT_EQ(combined.value(), whole.value()) << "seed " << seed;
  }
}

TEST(ExactSumTest, KeepsTheVarianceOfNumbersThatAreFarFromZero) {
  ExactSpread spread;
  for (const double value : {1e15 + 1, 1e15 + 2, 1e15 + 3}) spread.add(value, 1);
  EXPECT_EQ(spread.variance(ExactSpread::Of::Sample), 1.0);
  spread.add(1e15 + 2, -1);
  EXPECT_EQ(spread.variance(ExactSpread::Of::Population), 1.0);
  spread.add(Limits::infinity(), 1);
  EXPECT_EQ(spread.variance(ExactSpread::Of::Sample), std::nullopt);
}

}  // namespace
}  // namespace sluice::columnar
