#pragma once

#include <string>
#include <string_view>

#include "connect/files/inference.h"
#include "connect/files/internal/json_tokens.h"

namespace sluice::connect {

/// What a scalar is to inference: Unset for null, else Boolean, BigInt, Double or Text.
struct ScalarKind {
  InferredType::Kind kind = InferredType::Kind::Unset;
  bool wide_integer = false;  ///< BigInt only: beyond ±2^53.

  bool is_null() const { return kind == InferredType::Kind::Unset; }
};

/// Passes a scalar and checks its grammar.
bool pass_scalar(JsonCursor& cursor, ScalarKind& out);

enum class KeyText : std::uint8_t {
  Name,       ///< Has a text.
  Unpaired,   ///< Has none: EscapeCheck::Unpaired.
  Malformed,  ///< EscapeCheck::Invalid.
};
/// Sets `name` to the text of a key, if it has one.
KeyText key_text(const StringToken& key, std::string& name);

/// True if a key of this text may become a column (`top`) or struct member: not empty, not longer than
/// kColumnNameBytesMax, without control characters, and not `_rescued_data` as a column.
bool can_name_column(std::string_view name, bool top);

}  // namespace sluice::connect
