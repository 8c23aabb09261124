#include "connect/files/internal/json_decoder.h"

#include <algorithm>
#include <optional>
#include <span>
#include <unordered_map>

#include <fmt/format.h>

#include "base/log.h"
#include "connect/files/error_numbers.h"
#include "connect/files/internal/json_values.h"
#include "connect/files/internal/value_kind.h"
#include "connect/files/json_limits.h"

namespace sluice::connect {

using Form = DecoderNode::Form;
using duckdb::idx_t;

namespace {

Form scalar_form(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::BOOLEAN: return Form::Boolean;
    case duckdb::LogicalTypeId::TINYINT: return Form::Int8;
    case duckdb::LogicalTypeId::SMALLINT: return Form::Int16;
    case duckdb::LogicalTypeId::INTEGER: return Form::Int32;
    case duckdb::LogicalTypeId::BIGINT: return Form::Int64;
    case duckdb::LogicalTypeId::FLOAT: return Form::Float;
    case duckdb::LogicalTypeId::DOUBLE: return Form::Double;
    case duckdb::LogicalTypeId::DATE: return Form::Date;
    case duckdb::LogicalTypeId::TIMESTAMP: return Form::Timestamp;
    case duckdb::LogicalTypeId::TIMESTAMP_TZ: return Form::TimestampTz;
    case duckdb::LogicalTypeId::VARCHAR: return type.IsJSONType() ? Form::RawJson : Form::Text;
    default: return Form::Cast;
  }
}

bool has_cast_from_text(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case duckdb::LogicalTypeId::UTINYINT:
    case duckdb::LogicalTypeId::USMALLINT:
    case duckdb::LogicalTypeId::UINTEGER:
    case duckdb::LogicalTypeId::UBIGINT:
    case duckdb::LogicalTypeId::HUGEINT:
    case duckdb::LogicalTypeId::UHUGEINT:
    case duckdb::LogicalTypeId::DECIMAL:
    case duckdb::LogicalTypeId::TIME:
    case duckdb::LogicalTypeId::TIMESTAMP_SEC:
    case duckdb::LogicalTypeId::TIMESTAMP_MS:
    case duckdb::LogicalTypeId::TIMESTAMP_NS:
    case duckdb::LogicalTypeId::INTERVAL:
    case duckdb::LogicalTypeId::UUID:
    case duckdb::LogicalTypeId::BLOB: return true;
    default: return false;
  }
}

Error no_decoder(const std::string& column, const duckdb::LogicalType& type) {
  return Error(ErrorCode::Unsupported, fmt::format("column {} cannot be read from JSON as {}", column, type.ToString()))
      .with_number(kErrorColumnUnsupported)
      .with_help("declare it as VARCHAR or JSON and convert it in the query");
}

Result<DecoderNode> make_node(const std::string& column, const duckdb::LogicalType& type) {
  DecoderNode node;
  node.type = type;
  switch (type.id()) {
    case duckdb::LogicalTypeId::STRUCT:
      node.form = Form::Struct;
      node.width = 0;
      for (const auto& [name, member] : duckdb::StructType::GetChildTypes(type)) {
        SLUICE_TRY_ASSIGN(DecoderNode child, make_node(fmt::format("{}.{}", column, name), member));
        node.width += child.width;
        node.names.add(name);
        node.children.push_back(std::move(child));
      }
      node.last_seen.resize(node.children.size());
      return node;
    case duckdb::LogicalTypeId::LIST: {
      node.form = Form::List;
      SLUICE_TRY_ASSIGN(DecoderNode child, make_node(column + "[]", duckdb::ListType::GetChildType(type)));
      node.width = child.width;
      node.children.push_back(std::move(child));
      return node;
    }
    case duckdb::LogicalTypeId::MAP: {
      if (duckdb::MapType::KeyType(type).id() != duckdb::LogicalTypeId::VARCHAR) return no_decoder(column, type);
      node.form = Form::Map;
      SLUICE_TRY_ASSIGN(DecoderNode child, make_node(column + "[]", duckdb::ListType::GetChildType(type)));
      node.width = child.width;
      node.children.push_back(std::move(child));
      return node;
    }
    default: break;
  }
  node.form = scalar_form(type);
  if (node.form == Form::Cast && !has_cast_from_text(type)) return no_decoder(column, type);
  return node;
}

void collect_lists(DecoderNode& node, std::vector<DecoderNode*>& lists) {
  if (node.form == Form::List || node.form == Form::Map) lists.push_back(&node);
  for (DecoderNode& child : node.children) collect_lists(child, lists);
}

}  // namespace

Result<std::unique_ptr<JsonDecoder>> JsonDecoder::create(const columnar::Schema& schema, NestedText nested_text) {
  std::unique_ptr<JsonDecoder> decoder(new JsonDecoder());
  decoder->nested_text_ = nested_text;
  decoder->root_.form = Form::Struct;
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    const columnar::Field& field = schema.fields[i];
    if (field.name == kRescuedColumn && i + 1 == schema.fields.size()) {
      decoder->has_rescued_column_ = true;
      decoder->rescued_column_ = i;
      break;
    }
    SLUICE_TRY_ASSIGN(DecoderNode node, make_node(field.name, field.type));
    decoder->root_.names.add(field.name);
    decoder->root_.children.push_back(std::move(node));
  }
  decoder->root_.last_seen.resize(decoder->root_.children.size());
  collect_lists(decoder->root_, decoder->lists_);
  return decoder;
}

void JsonDecoder::begin_chunk(duckdb::DataChunk& chunk) {
  for (std::size_t i = 0; i < root_.children.size(); ++i) bind(root_.children[i], chunk.data[i], STANDARD_VECTOR_SIZE);
  for (Node* const list : lists_) list->size = list->size_before_row = 0;
  rescued_ = has_rescued_column_ ? &chunk.data[rescued_column_] : nullptr;
}

void JsonDecoder::end_chunk() {
  for (Node* const list : lists_) duckdb::ListVector::SetListSize(*list->vector, list->size);
}

std::size_t JsonDecoder::list_values() const {
  std::size_t values = 0;
  for (const Node* const list : lists_) values += list->size * list->width;
  return values;
}

bool JsonDecoder::decode(JsonCursor& cursor, idx_t row, const std::string& path) {
  cursor_ = &cursor;
  not_an_object_ = text_follows_ = false;
  list_depth_ = 0;
  rescued_values_.clear();
  rescued_keys_.clear();
  for (Node* const list : lists_) list->size_before_row = list->size;
  if (cursor.peek() != '{') {
    std::string_view ignored;
    not_an_object_ = cursor.pass_value(0, ignored) && cursor.at_end();
    text_follows_ = !not_an_object_ && ignored.data() != nullptr;
    return false;
  }
  if (!decode_members(root_, row, nullptr, 0)) {
    undo_row();
    return false;
  }
  if (!cursor.at_end()) {
    text_follows_ = true;
    undo_row();
    return false;
  }
  if (rescued_ != nullptr) write_rescued(row, path);
  return true;
}

void JsonDecoder::undo_row() {
  for (Node* const list : lists_) list->size = list->size_before_row;
}

bool JsonDecoder::decode_value(Node& node, idx_t row, const Place& place, std::size_t depth) {
  switch (cursor_->peek()) {
    case '"': return decode_text(node, row, place);
    case '{': return decode_object(node, row, place, depth);
    case '[': return decode_list(node, row, place, depth);
    case 't': return cursor_->pass_literal("true") && decode_boolean(node, row, place, true);
    case 'f': return cursor_->pass_literal("false") && decode_boolean(node, row, place, false);
    case 'n':
      if (!cursor_->pass_literal("null")) return false;
      write_null(node, row);
      return true;
    default: return decode_number(node, row, place);
  }
}

bool JsonDecoder::decode_boolean(Node& node, idx_t row, const Place& place, bool value) {
  if (!write_boolean(node, row, value)) unfit(node, row, place, value ? "true" : "false");
  return true;
}

bool JsonDecoder::decode_number(Node& node, idx_t row, const Place& place) {
  if (cursor_->at_end()) return cursor_->fail("a value");
  NumberToken number;
  if (!cursor_->pass_number(number)) return false;
  if (!write_number(node, row, number)) unfit(node, row, place, number.text);
  return true;
}

bool JsonDecoder::decode_text(Node& node, idx_t row, const Place& place) {
  StringToken token;
  if (!cursor_->pass_string(token)) return false;
  const std::string_view quoted(token.raw.data() - 1, token.raw.size() + 2);
  std::string_view text = token.raw;
  if (token.escaped) {
    switch (check_escapes(token.raw)) {
      case EscapeCheck::Invalid: return cursor_->fail("a valid escape in a string");
      case EscapeCheck::Unpaired: unfit(node, row, place, quoted); return true;
      case EscapeCheck::Valid: break;
    }
    if (node.form != Form::RawJson) {
      scratch_.resize(token.raw.size());
      text = std::string_view(scratch_.data(), unescape(token.raw, scratch_.data()));
    }
  }
  switch (node.form) {
    case Form::Text: write_text(node, row, text); return true;
    case Form::RawJson: write_text(node, row, quoted); return true;
    case Form::Struct:
    case Form::List:
    case Form::Map: unfit(node, row, place, quoted); return true;
    default: break;
  }
  if (!write_cast(node, row, text)) unfit(node, row, place, quoted);
  return true;
}

bool JsonDecoder::decode_object(Node& node, idx_t row, const Place& place, std::size_t depth) {
  if (node.form == Form::Struct) return decode_members(node, row, &place, depth);
  if (node.form == Form::Map) {
    return decode_nested(place, depth, [&] { return decode_entries(node, row, place, depth); });
  }
  const bool as_text = node.form == Form::RawJson || (node.form == Form::Text && nested_text_ == NestedText::Keep);
  if (!as_text) return misplaced_object(node, row, place, depth);
  std::string_view raw;
  if (!cursor_->pass_value(depth, raw)) return false;
  write_text(node, row, raw);
  return true;
}

bool JsonDecoder::decode_members(Node& node, idx_t row, const Place* place, std::size_t depth) {
  if (depth >= kJsonDepthMax) return cursor_->fail("", JsonCursor::FaultKind::TooDeep);
  ++cursor_->token;
  const std::uint64_t object = ++object_count_;
  std::size_t seen = 0;
  std::size_t expected = 0;
  StringToken key;
  bool more = true;
  for (bool first = true;; first = false) {
    if (!cursor_->pass_key(first, more, key)) return false;
    if (!more) break;
    const Place member{place, key.raw};
    std::optional<std::size_t> index;
    // Most lines name their members in the order of the schema.
    if (expected < node.children.size() && !key.escaped && node.names[expected] == key.raw) {
      index = expected;
    } else {
      const KeyText text = key_text(key, scratch_);
      if (text == KeyText::Malformed) return cursor_->fail("a valid escape in a key");
      if (text == KeyText::Name) index = node.names.find(scratch_);
    }
    if (!index) {
      std::string_view raw;
      if (!cursor_->pass_value(depth + 1, raw)) return false;
      rescue(member, raw);
      continue;
    }
    expected = *index + 1;
    seen += node.last_seen[*index] != object;
    node.last_seen[*index] = object;
    if (!decode_value(node.children[*index], row, member, depth + 1)) return false;
  }
  if (place != nullptr && seen == 0) {
    write_null(node, row);
    return true;
  }
  if (place != nullptr) node.validity->SetValid(row);
  if (seen == node.children.size()) return true;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (node.last_seen[i] != object) write_null(node.children[i], row);
  }
  return true;
}

bool JsonDecoder::misplaced_object(Node& node, idx_t row, const Place& place, std::size_t depth) {
  JsonCursor again = *cursor_;
  std::string_view raw;
  if (!cursor_->pass_value(depth, raw)) return false;
  // An object without a key that can name a member tells nothing of its kind: it is rescued key by key, as it would be
  // from a struct that other lines made of the column.
  ++again.token;
  StringToken key;
  std::string_view value;
  std::vector<std::pair<std::string_view, std::string_view>> members;
  bool more = true;
  for (bool first = true; again.pass_key(first, more, key) && more; first = false) {
    if (key_text(key, scratch_) == KeyText::Name && can_name_column(scratch_, false)) {
      unfit(node, row, place, raw);
      return true;
    }
    SLUICE_CHECK(again.pass_value(0, value), "the object was walked before");
    members.emplace_back(key.raw, value);
  }
  write_null(node, row);
  for (const auto& [name, text] : members) rescue(Place{&place, name}, text);
  return true;
}

bool JsonDecoder::decode_list(Node& node, idx_t row, const Place& place, std::size_t depth) {
  if (node.form == Form::List) {
    return decode_nested(place, depth, [&] { return decode_elements(node, row, place, depth); });
  }
  std::string_view raw;
  if (!cursor_->pass_value(depth, raw)) return false;
  if (node.form == Form::RawJson || (node.form == Form::Text && nested_text_ == NestedText::Keep)) {
    write_text(node, row, raw);
  } else {
    unfit(node, row, place, raw);
  }
  return true;
}

/// Decodes the inside of a list or map. What does not fit there cannot be named by a path, so the whole outermost value
/// is rescued.
template <typename DecodeChildren>
bool JsonDecoder::decode_nested(const Place& place, std::size_t depth, DecodeChildren decode_children) {
  if (depth >= kJsonDepthMax) return cursor_->fail("", JsonCursor::FaultKind::TooDeep);
  const char* const begin = cursor_->text + *cursor_->token;
  if (list_depth_++ == 0) list_unfit_ = false;
  ++cursor_->token;
  if (!decode_children()) return false;
  if (--list_depth_ == 0 && list_unfit_) {
    const char* const end = cursor_->text + cursor_->token[-1] + 1;
    rescue(place, std::string_view(begin, static_cast<std::size_t>(end - begin)));
  }
  return true;
}

bool JsonDecoder::append_element(Node& node, idx_t& index) {
  if ((node.size + 1 - node.size_before_row) * node.width > kRowValuesMax) {
    return cursor_->fail("", JsonCursor::FaultKind::TooLarge);
  }
  index = node.size++;
  if (index >= node.capacity) {
    duckdb::ListVector::Reserve(*node.vector, index + 1);
    bind(node, *node.vector, 0);
  }
  return true;
}

bool JsonDecoder::decode_elements(Node& node, idx_t row, const Place& place, std::size_t depth) {
  const idx_t first = node.size;
  bool more = true;
  for (bool at_first = true;; at_first = false) {
    if (!cursor_->pass_element_separator(at_first, more)) return false;
    if (!more) break;
    idx_t index = 0;
    if (!append_element(node, index) || !decode_value(node.children[0], index, place, depth + 1)) return false;
  }
  reinterpret_cast<duckdb::list_entry_t*>(node.data)[row] = {first, node.size - first};
  node.validity->SetValid(row);
  return true;
}

bool JsonDecoder::decode_entries(Node& node, idx_t row, const Place& place, std::size_t depth) {
  const idx_t first = node.size;
  std::unordered_map<std::string, idx_t> entries;  // a key that comes again overwrites its value
  StringToken key;
  bool more = true;
  for (bool at_first = true;; at_first = false) {
    if (!cursor_->pass_key(at_first, more, key)) return false;
    if (!more) break;
    std::string name;
    const KeyText text = key_text(key, name);
    if (text == KeyText::Malformed) return cursor_->fail("a valid escape in a key");
    if (text == KeyText::Unpaired) {
      std::string_view ignored;
      if (!cursor_->pass_value(depth + 1, ignored)) return false;
      list_unfit_ = true;
      continue;
    }
    const auto [known, added] = entries.try_emplace(std::move(name), node.size);
    idx_t index = known->second;
    if (added && !append_element(node, index)) return false;
    Node& entry = node.children[0];
    entry.validity->SetValid(index);
    write_text(entry.children[0], index, known->first);
    if (!decode_value(entry.children[1], index, place, depth + 1)) return false;
  }
  reinterpret_cast<duckdb::list_entry_t*>(node.data)[row] = {first, node.size - first};
  node.validity->SetValid(row);
  return true;
}

void JsonDecoder::unfit(Node& node, idx_t row, const Place& place, std::string_view raw) {
  write_null(node, row);
  rescue(place, raw);
}

void JsonDecoder::rescue(const Place& place, std::string_view raw) {
  if (list_depth_ > 0) {
    list_unfit_ = true;
    return;
  }
  const std::size_t begin = rescued_keys_.size();
  for (const Place* at = &place; at != nullptr; at = at->parent) rescued_keys_.push_back(at->key);
  std::reverse(rescued_keys_.begin() + static_cast<std::ptrdiff_t>(begin), rescued_keys_.end());
  rescued_values_.push_back({.path_begin = begin, .path_size = rescued_keys_.size() - begin, .raw = raw});
}

void JsonDecoder::write_rescued(idx_t row, const std::string& path) {
  if (rescued_values_.empty()) {
    duckdb::FlatVector::Validity(*rescued_).SetInvalid(row);
    return;
  }
  // Keys and values stand in it as they stand in the line, so they need no quoting.
  std::string text = "{";
  std::span<const std::string_view> open;  // the objects around the value written last
  for (const Rescued& value : rescued_values_) {
    const std::span<const std::string_view> keys(&rescued_keys_[value.path_begin], value.path_size);
    const auto parents = keys.first(keys.size() - 1);
    const auto shared = static_cast<std::size_t>(
        std::mismatch(open.begin(), open.end(), parents.begin(), parents.end()).first - open.begin());
    text.append(open.size() - shared, '}');
    if (text.back() != '{') text += ',';
    for (const std::string_view key : parents.subspan(shared)) text += fmt::format("\"{}\":{{", key);
    text += fmt::format("\"{}\":{}", keys.back(), value.raw);
    open = parents;
  }
  text.append(open.size(), '}');
  text += fmt::format(",\"_file_path\":{}}}", json_quote(path));
  auto* const data = duckdb::FlatVector::GetData<duckdb::string_t>(*rescued_);
  data[row] = duckdb::StringVector::AddStringOrBlob(*rescued_, text.data(), text.size());
  duckdb::FlatVector::Validity(*rescued_).SetValid(row);
}

}  // namespace sluice::connect
