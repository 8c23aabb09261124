#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace sluice {

/// The one value of a `Result` that carries nothing.
struct Unit {
  friend bool operator==(const Unit&, const Unit&) = default;
};

/// A value, or the `Error` that explains why there is none. Has the interface of std::expected<T, Error>.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result() requires std::is_same_v<T, Unit> : state_(std::in_place_index<0>) {}
  // clang-format off
  template <typename U = T>
    requires(!std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             std::is_constructible_v<T, U &&>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  // clang-format on
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// Requires `has_value()`.
  T& value() & {
    SLUICE_CHECK_OK(*this);
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    SLUICE_CHECK_OK(*this);
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    SLUICE_CHECK_OK(*this);
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Requires `!has_value()`.
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  T value_or(T fallback) && { return has_value() ? std::move(*this).value() : std::move(fallback); }

 private:
  std::variant<T, Error> state_;
};

/// The outcome of an operation that returns nothing.
using Status = Result<Unit>;

/// Returns success.
inline Status ok() { return Status(); }

}  // namespace sluice

#define SLUICE_CONCAT_INNER(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_INNER(a, b)

/// Evaluates a `Result`; returns its error from the enclosing function, if it has one.
#define SLUICE_TRY(expression)                                       \
  do {                                                               \
    if (auto sluice_try_result = (expression); !sluice_try_result) { \
      return std::move(sluice_try_result).error();                   \
    }                                                                \
  } while (false)

/// `SLUICE_TRY_ASSIGN(auto x, f());` declares or assigns the value of a `Result`, or returns its error.
#define SLUICE_TRY_ASSIGN(target, expression) \
  SLUICE_TRY_ASSIGN_INNER(SLUICE_CONCAT(sluice_result_, __LINE__), target, expression)
#define SLUICE_TRY_ASSIGN_INNER(temporary, target, expression) \
  auto temporary = (expression);                               \
  if (!temporary) return std::move(temporary).error();         \
  target = std::move(temporary).value()
