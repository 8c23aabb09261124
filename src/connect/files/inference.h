#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/file_system.h"
#include "connect/files/json_limits.h"
#include "connect/files/member_names.h"

namespace sluice::connect {

class JsonLines;

/// What the values of a column, struct member or list element were so far.
///
///     Unset ── Boolean ─────────────┐
///        │                          │
///        ├──── BigInt ── Double ── Text        scalars widen along the lines, each to the nearest kind that has both
///        ├──── Object   members in the order in which they were first seen
///        └──── List     one element type
///
/// Scalar, object and list do not mix: the first of the three that comes stays, later ones go to `_rescued_data`.
/// An integer beyond BIGINT is Text; one beyond 2^53 and a fraction together are Text, because DOUBLE would change the
/// integer. Null changes nothing, nor does an object without a key that can name a column.
struct InferredType {
  enum class Kind : std::uint8_t { Unset, Boolean, BigInt, Double, Text, Object, List };

  Kind kind = Kind::Unset;
  bool wide_integer = false;           ///< BigInt only: an integer beyond ±2^53 was seen.
  MemberNames names;                   ///< Object only.
  std::vector<InferredType> children;  ///< Object: one per name. List: the element.

  friend bool operator==(const InferredType&, const InferredType&) = default;
};

/// The schema of a JSON source as far as its lines tell: a left fold over the lines in the order in which they are
/// read. Any split of the same files into runs therefore ends with the same value, which is kept with the plan of each
/// epoch.
struct InferredSchema {
  InferredType root = {.kind = InferredType::Kind::Object, .names = {}, .children = {}};
  std::size_t column_count = 0;  ///< Names at every depth, at most kInferredColumnsMax.

  /// Returns the columns in the order in which they were first seen, then `_rescued_data`: new columns stand before it.
  /// What was never seen with a value is VARCHAR; such a column holds NULL only, so a later type fits it (see widen).
  columnar::Schema to_schema() const;

  /// Returns the stored form: JSON with a format version. Equal values give equal text.
  std::string encode() const;
  /// Reads what encode() wrote; the empty text is a schema without columns. Corruption if it is something else.
  static Result<InferredSchema> decode(std::string_view text);

  friend bool operator==(const InferredSchema&, const InferredSchema&) = default;
};

/// Folds files into an InferredSchema. Owned by one worker.
class JsonInference {
 public:
  explicit JsonInference(InferredSchema start, JsonLimits limits = {});
  ~JsonInference();

  /// Folds every line of the file; lines that will be dead letters change nothing.
  /// Cost: one pass over the text, about half of what decoding costs; a line that changes the schema is walked twice.
  /// Errors: those of the stream, ResourceExhausted.
  Status read(ByteStream& stream);

  const InferredSchema& schema() const { return schema_; }

 private:
  class Walk;
  InferredSchema schema_;
  JsonLimits limits_;
  std::unique_ptr<JsonLines> lines_;
};

}  // namespace sluice::connect
