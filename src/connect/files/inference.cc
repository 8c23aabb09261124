#include "connect/files/inference.h"

#include <memory>

#include "connect/files/internal/json_lines.h"
#include "connect/files/internal/number_text.h"
#include "connect/files/internal/value_kind.h"

namespace sluice::connect {

using Kind = InferredType::Kind;

namespace {

duckdb::LogicalType to_logical_type(const InferredType& type) {
  switch (type.kind) {
    case Kind::Unset: return duckdb::LogicalType::VARCHAR;
    case Kind::Boolean: return duckdb::LogicalType::BOOLEAN;
    case Kind::BigInt: return duckdb::LogicalType::BIGINT;
    case Kind::Double: return duckdb::LogicalType::DOUBLE;
    case Kind::Text: return duckdb::LogicalType::VARCHAR;
    case Kind::List: return duckdb::LogicalType::LIST(to_logical_type(type.children[0]));
    case Kind::Object: break;
  }
  duckdb::child_list_t<duckdb::LogicalType> members;
  for (std::size_t i = 0; i < type.names.size(); ++i) {
    members.emplace_back(type.names[i], to_logical_type(type.children[i]));
  }
  return duckdb::LogicalType::STRUCT(std::move(members));
}

}  // namespace

columnar::Schema InferredSchema::to_schema() const {
  columnar::Schema schema;
  for (std::size_t i = 0; i < root.names.size(); ++i) {
    schema.fields.push_back({.name = root.names[i], .type = to_logical_type(root.children[i]), .metadata = {}});
  }
  schema.fields.push_back({.name = kRescuedColumn, .type = duckdb::LogicalType::VARCHAR, .metadata = {}});
  return schema;
}

/// One line's way into the schema. First a walk that changes nothing: it checks the line's grammar to its end and
/// whether the schema covers it, which almost all lines pass. Only then, if it does not, the walk that changes it.
class JsonInference::Walk {
 public:
  Walk(InferredSchema& schema, const JsonCursor& cursor) : schema_(schema), cursor_(cursor) {}

  /// False if the line is no object.
  bool covers(bool& covered) {
    const bool well_formed = cursor_.peek() == '{' && probe(schema_.root, 0) && cursor_.at_end();
    covered = covered_;
    return well_formed;
  }

  /// Requires that covers() found the line well-formed.
  void merge() { merge_object(schema_.root, true); }

 private:
  bool probe(const InferredType& type, std::size_t depth);
  bool probe_object(const InferredType& type, std::size_t depth);
  bool probe_list(const InferredType& type, std::size_t depth);
  void merge(InferredType& type);
  void merge_object(InferredType& type, bool top);
  void merge_scalar(InferredType& type, const ScalarKind& scalar);
  bool admits(const InferredType& type, std::string_view name, bool top) const;

  InferredSchema& schema_;
  JsonCursor cursor_;
  bool covered_ = true;
};

namespace {

/// True if merging the scalar leaves the type as it is.
bool is_covered(const InferredType& type, const ScalarKind& scalar) {
  switch (type.kind) {
    case Kind::Unset: return scalar.is_null();
    case Kind::Boolean: return scalar.is_null() || scalar.kind == Kind::Boolean;
    case Kind::BigInt:
      return scalar.is_null() || (scalar.kind == Kind::BigInt && (type.wide_integer || !scalar.wide_integer));
    case Kind::Double:
      return scalar.is_null() || scalar.kind == Kind::Double || (scalar.kind == Kind::BigInt && !scalar.wide_integer);
    case Kind::Text:
    case Kind::Object:
    case Kind::List: return true;
  }
  return false;
}

}  // namespace

bool JsonInference::Walk::probe(const InferredType& type, std::size_t depth) {
  const char first = cursor_.peek();
  if (first == '{') return probe_object(type, depth);
  if (first == '[') return probe_list(type, depth);
  ScalarKind scalar;
  if (!pass_scalar(cursor_, scalar)) return false;
  covered_ = covered_ && is_covered(type, scalar);
  return true;
}

bool JsonInference::Walk::probe_object(const InferredType& type, std::size_t depth) {
  std::string_view ignored;
  if (type.kind != Kind::Object) {
    const bool may_become_object = type.kind == Kind::Unset && cursor_.text[cursor_.token[1]] != '}';
    if (may_become_object) covered_ = false;
    return cursor_.pass_value(depth, ignored);
  }
  if (depth >= kJsonDepthMax) return cursor_.fail("", JsonCursor::FaultKind::TooDeep);
  ++cursor_.token;
  StringToken key;
  bool more = true;
  std::size_t expected = 0;
  for (bool first = true; cursor_.pass_key(first, more, key); first = false) {
    if (!more) return true;
    // Most lines name their members in the order of the schema.
    if (expected < type.names.size() && !key.escaped && type.names[expected] == key.raw) {
      if (!probe(type.children[expected++], depth + 1)) return false;
      continue;
    }
    std::string name;
    const KeyText found = key_text(key, name);
    if (found == KeyText::Malformed) return cursor_.fail("a valid escape in a key");
    const auto index = found == KeyText::Name ? type.names.find(name) : std::nullopt;
    if (index) {
      if (!probe(type.children[*index], depth + 1)) return false;
      expected = *index + 1;
    } else {
      if (admits(type, name, depth == 0)) covered_ = false;
      if (!cursor_.pass_value(depth + 1, ignored)) return false;
    }
  }
  return false;
}

bool JsonInference::Walk::probe_list(const InferredType& type, std::size_t depth) {
  if (type.kind != Kind::List) {
    if (type.kind == Kind::Unset) covered_ = false;
    std::string_view ignored;
    return cursor_.pass_value(depth, ignored);
  }
  if (depth >= kJsonDepthMax) return cursor_.fail("", JsonCursor::FaultKind::TooDeep);
  ++cursor_.token;
  bool more = true;
  for (bool first = true; cursor_.pass_element_separator(first, more); first = false) {
    if (!more) return true;
    if (!probe(type.children[0], depth + 1)) return false;
  }
  return false;
}

bool JsonInference::Walk::admits(const InferredType& type, std::string_view name, bool top) const {
  return schema_.column_count < kInferredColumnsMax && can_name_column(name, top) && !type.names.clashes(name);
}

void JsonInference::Walk::merge(InferredType& type) {
  const char first = cursor_.peek();
  std::string_view ignored;
  if (first == '{') {
    if (type.kind == Kind::Unset || type.kind == Kind::Object) {
      merge_object(type, false);
    } else {
      SLUICE_CHECK(cursor_.pass_value(0, ignored), "the line was walked before");
    }
  } else if (first == '[') {
    if (type.kind == Kind::Unset) {
      type.kind = Kind::List;
      type.children.emplace_back();
    }
    if (type.kind != Kind::List) {
      SLUICE_CHECK(cursor_.pass_value(0, ignored), "the line was walked before");
      return;
    }
    ++cursor_.token;
    bool more = true;
    for (bool at_first = true; cursor_.pass_element_separator(at_first, more) && more; at_first = false) {
      merge(type.children[0]);
    }
  } else {
    ScalarKind scalar;
    SLUICE_CHECK(pass_scalar(cursor_, scalar), "the line was walked before");
    merge_scalar(type, scalar);
  }
}

void JsonInference::Walk::merge_object(InferredType& type, bool top) {
  ++cursor_.token;
  StringToken key;
  bool more = true;
  for (bool first = true; cursor_.pass_key(first, more, key) && more; first = false) {
    std::string name;
    const bool nameable = key_text(key, name) == KeyText::Name;
    auto index = nameable ? type.names.find(name) : std::nullopt;
    if (!index && nameable && admits(type, name, top)) {
      type.kind = Kind::Object;
      index = type.names.size();
      type.names.add(std::move(name));
      type.children.emplace_back();
      ++schema_.column_count;
    }
    if (index) {
      merge(type.children[*index]);
    } else {
      std::string_view ignored;
      SLUICE_CHECK(cursor_.pass_value(0, ignored), "the line was walked before");
    }
  }
}

void JsonInference::Walk::merge_scalar(InferredType& type, const ScalarKind& scalar) {
  if (is_covered(type, scalar)) return;
  const bool numbers = (type.kind == Kind::BigInt || type.kind == Kind::Double) &&
                       (scalar.kind == Kind::BigInt || scalar.kind == Kind::Double);
  if (type.kind == Kind::Unset || (type.kind == Kind::BigInt && scalar.kind == Kind::BigInt)) {
    type.kind = scalar.kind;
    type.wide_integer = scalar.wide_integer;
  } else if (numbers && !type.wide_integer && !scalar.wide_integer) {
    type.kind = Kind::Double;
  } else {
    type.kind = Kind::Text;
    type.wide_integer = false;
  }
}

JsonInference::JsonInference(InferredSchema start, JsonLimits limits)
    : schema_(std::move(start)), limits_(limits), lines_(std::make_unique<JsonLines>(limits)) {}
JsonInference::~JsonInference() = default;

Status JsonInference::read(ByteStream& stream) {
  lines_->open(stream);
  while (true) {
    SLUICE_TRY_ASSIGN(const bool more, lines_->next_block());
    if (!more) return ok();
    while (true) {
      SLUICE_TRY_ASSIGN(JsonLine* const line, lines_->next_line());
      if (line == nullptr) break;
      if (line->damage != JsonLine::Damage::None) continue;
      bool covered = true;
      const bool well_formed = Walk(schema_, line->cursor).covers(covered);
      if (well_formed && !covered) Walk(schema_, line->cursor).merge();
    }
  }
}

}  // namespace sluice::connect
