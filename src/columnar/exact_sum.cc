#include "columnar/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace sluice::columnar {
namespace {

constexpr int kDigitBits = 32;
constexpr std::int64_t kDigitMask = (std::int64_t(1) << kDigitBits) - 1;
/// Each addition changes a digit by less than 2^33, so that many cannot overflow it.
constexpr std::uint32_t kAddsMax = 1u << 28;

/// A finite double is ± mantissa · 2^exponent.
struct Parts {
  std::uint64_t mantissa;
  int exponent;
  bool negative;
};

Parts parts_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const int biased = static_cast<int>((bits >> 52) & 0x7FF);
  const std::uint64_t fraction = bits & ((std::uint64_t(1) << 52) - 1);
  return {biased == 0 ? fraction : fraction | (std::uint64_t(1) << 52), std::max(biased, 1) - 1075, (bits >> 63) != 0};
}

std::uint64_t size_of(std::int64_t weight) {
  return weight < 0 ? std::uint64_t(0) - static_cast<std::uint64_t>(weight) : static_cast<std::uint64_t>(weight);
}

int floor_div(int value, int divisor) { return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor); }

/// Rounds the number with the given digits (lowest first, the first at 2^(32·first)) to a double. Takes any signed
/// digits.
double round_to_double(std::vector<std::int64_t> digits, int first) {
  const auto carry_all = [&] {
    std::int64_t carry = 0;
    for (std::int64_t& digit : digits) {
      const std::int64_t sum = digit + carry;
      digit = sum & kDigitMask;
      carry = sum >> kDigitBits;
    }
    return carry;
  };
  // What is carried out at the end is the sign and higher digits: carry on until only the sign is left.
  std::int64_t top = carry_all();
  while (top != 0 && top != -1) {
    digits.push_back(top & kDigitMask);
    top >>= kDigitBits;
  }
  const bool negative = top == -1;
  if (negative) {
    for (std::int64_t& digit : digits) digit = -digit;
    digits.push_back(1);  // the sign digit was -1
    carry_all();
  }
  while (!digits.empty() && digits.back() == 0) digits.pop_back();
  if (digits.empty()) return 0.0;

  // The three highest digits hold 65 to 96 bits, more than a double; all below matters only for ties.
  const auto digit_from_top = [&](std::size_t below) -> std::uint64_t {
    return below < digits.size() ? static_cast<std::uint64_t>(digits[digits.size() - 1 - below]) : 0;
  };
  const Uint128 high = (static_cast<Uint128>(digit_from_top(0)) << 64) |
                       (static_cast<Uint128>(digit_from_top(1)) << 32) | digit_from_top(2);
  const int high_exponent = kDigitBits * (first + static_cast<int>(digits.size()) - 3);
  const bool rest =
      digits.size() > 3 && std::any_of(digits.begin(), digits.end() - 3, [](std::int64_t digit) { return digit != 0; });
  const int bits = 64 + static_cast<int>(std::bit_width(digit_from_top(0)));
  const int exponent = std::max(high_exponent + bits - 53, -1074);
  const int shift = exponent - high_exponent;
  if (shift >= 128) return negative ? -0.0 : 0.0;
  auto rounded = static_cast<std::uint64_t>(high >> shift);
  const Uint128 half = static_cast<Uint128>(1) << (shift - 1);
  const Uint128 remainder = high & ((half << 1) - 1);
  if (remainder > half || (remainder == half && (rest || (rounded & 1) != 0))) ++rounded;
  const double magnitude = std::ldexp(static_cast<double>(rounded), exponent);
  return negative ? -magnitude : magnitude;
}

}  // namespace

void ExactSum::add(double value, std::int64_t weight) {
  const Parts parts = parts_of(value);
  if (parts.mantissa == 0 || weight == 0) return;
  const bool negative = parts.negative != (weight < 0);
  if (weight == 1 || weight == -1) {
    add_shifted(parts.mantissa, parts.exponent, negative);
  } else {
    add_weighted(parts.mantissa, size_of(weight), parts.exponent, negative);
  }
}

void ExactSum::add_square(double value, std::int64_t weight) {
  const Parts parts = parts_of(value);
  if (parts.mantissa == 0 || weight == 0) return;
  const Wide square = Wide(parts.mantissa) * parts.mantissa;  // below 2^106
  const int exponent = 2 * parts.exponent;
  add_weighted(static_cast<std::uint64_t>(square), size_of(weight), exponent, weight < 0);
  add_weighted(static_cast<std::uint64_t>(square >> 64), size_of(weight), exponent + 64, weight < 0);
}

void ExactSum::add_weighted(std::uint64_t magnitude, std::uint64_t weight, int exponent, bool negative) {
  add_shifted(Wide(magnitude) * (weight & 0xFFFFFFFF), exponent, negative);
  add_shifted(Wide(magnitude) * (weight >> 32), exponent + 32, negative);
}

void ExactSum::add_shifted(Wide magnitude, int exponent, bool negative) {
  if (magnitude == 0) return;
  const int index = floor_div(exponent, kDigitBits);
  const Wide shifted = magnitude << (exponent - index * kDigitBits);
  const int count = (shifted >> 96) != 0 ? 4 : 3;
  if (digits_.empty() || index < first_ || index + count > first_ + static_cast<int>(digits_.size()))
    cover(index, count);
  std::int64_t* const digit = digits_.data() + (index - first_);
  for (int i = 0; i < count; ++i) {
    const auto part = static_cast<std::int64_t>((shifted >> (kDigitBits * i)) & static_cast<Wide>(kDigitMask));
    digit[i] += negative ? -part : part;
  }
  if (++adds_ == kAddsMax) carry();
}

void ExactSum::cover(int first, int count) {
  if (digits_.empty()) {
    first_ = first;
    digits_.assign(static_cast<std::size_t>(count), 0);
    return;
  }
  if (first < first_) {
    digits_.insert(digits_.begin(), static_cast<std::size_t>(first_ - first), 0);
    first_ = first;
  }
  const auto end = static_cast<std::size_t>(first + count - first_);
  if (end > digits_.size()) digits_.resize(end, 0);
}

void ExactSum::carry() {
  for (std::size_t i = 0; i + 1 < digits_.size(); ++i) {
    const std::int64_t carry = digits_[i] >> kDigitBits;
    digits_[i] &= kDigitMask;
    digits_[i + 1] += carry;
  }
  if (const std::int64_t top = digits_.back() >> kDigitBits; top != 0 && top != -1) {
    digits_.back() &= kDigitMask;
    digits_.push_back(top);
  }
  adds_ = 0;
}

void ExactSum::combine(const ExactSum& other) {
  if (other.digits_.empty()) return;
  ExactSum carried = other;
  carried.carry();  // digits below 2^32, like those of one addition
  cover(carried.first_, static_cast<int>(carried.digits_.size()));
  for (std::size_t i = 0; i < carried.digits_.size(); ++i) {
    digits_[i + static_cast<std::size_t>(carried.first_ - first_)] += carried.digits_[i];
  }
  if (++adds_ == kAddsMax) carry();
}

double ExactSum::value() const { return round_to_double(digits_, first_); }

double ExactSum::scaled_variance(std::int64_t count, const ExactSum& sum, const ExactSum& squares) {
  // Digits below 2^32 in size, so that their products add up in 128 bits.
  const auto carried = [](const ExactSum& number) {
    ExactSum copy = number;
    if (!copy.digits_.empty()) copy.carry();
    return copy;
  };
  const ExactSum a = carried(sum);
  const ExactSum b = carried(squares);
  const int first = std::min(2 * a.first_, b.first_);
  std::vector<Int128> wide(
      2 * a.digits_.size() + b.digits_.size() + static_cast<std::size_t>(std::abs(2 * a.first_ - b.first_)) + 4, 0);
  const auto add_product = [&](std::size_t at, std::int64_t x, std::int64_t y) {
    // In halves of 32 bits, so that no cell overflows however many products meet in it.
    const Int128 product = static_cast<Int128>(x) * y;
    wide[at] += product & kDigitMask;
    wide[at + 1] += product >> kDigitBits;
  };
  for (std::size_t i = 0; i < b.digits_.size(); ++i) {
    add_product(i + static_cast<std::size_t>(b.first_ - first), b.digits_[i], count);
  }
  for (std::size_t i = 0; i < a.digits_.size(); ++i) {
    for (std::size_t j = 0; j < a.digits_.size(); ++j) {
      add_product(i + j + static_cast<std::size_t>(2 * a.first_ - first), -a.digits_[i], a.digits_[j]);
    }
  }
  std::vector<std::int64_t> digits(wide.size());
  Int128 carry = 0;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const Int128 total = wide[i] + carry;
    digits[i] = static_cast<std::int64_t>(total & kDigitMask);
    carry = total >> kDigitBits;
  }
  digits.push_back(static_cast<std::int64_t>(carry));
  return round_to_double(std::move(digits), first);
}

void ExactNumbers::add(double value, std::int64_t weight) {
  count_ += weight;
  if (std::isfinite(value)) {
    sum_.add(value, weight);
  } else {
    (std::isnan(value) ? nan_ : value > 0 ? plus_infinity_ : minus_infinity_) += weight;
  }
}

void ExactNumbers::combine(const ExactNumbers& other) {
  count_ += other.count_;
  nan_ += other.nan_;
  plus_infinity_ += other.plus_infinity_;
  minus_infinity_ += other.minus_infinity_;
  sum_.combine(other.sum_);
}

double ExactNumbers::sum() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (nan_ != 0 || (plus_infinity_ != 0 && minus_infinity_ != 0)) return std::numeric_limits<double>::quiet_NaN();
  if (plus_infinity_ != 0) return kInfinity;
  return minus_infinity_ != 0 ? -kInfinity : sum_.value();
}

void ExactSpread::add(double value, std::int64_t weight) {
  count_ += weight;
  if (std::isfinite(value)) {
    sum_.add(value, weight);
    squares_.add_square(value, weight);
  } else {
    not_finite_ += weight;
  }
}

void ExactSpread::combine(const ExactSpread& other) {
  count_ += other.count_;
  not_finite_ += other.not_finite_;
  sum_.combine(other.sum_);
  squares_.combine(other.squares_);
}

std::optional<double> ExactSpread::variance(Of what) const {
  if (count_ == 1) return 0.0;  // DuckDB's answer even for a number that is not finite
  const auto count = static_cast<double>(count_);
  const double scaled = ExactSum::scaled_variance(count_, sum_, squares_);
  const double variance = scaled / count / (what == Of::Sample ? count - 1 : count);
  if (not_finite_ != 0 || !std::isfinite(variance)) return std::nullopt;
  return variance;
}

}  // namespace sluice::columnar
