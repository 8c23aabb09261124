#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "base/result.h"
#include "columnar/schema.h"
#include "connect/files/internal/json_tokens.h"
#include "connect/files/json_reader.h"
#include "connect/files/member_names.h"

namespace sluice::connect {

/// What a JSON value becomes: the plan for one column, struct member or list element, bound to a vector.
struct DecoderNode {
  enum class Form : std::uint8_t {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float,
    Double,
    Text,
    RawJson,  ///< VARCHAR that takes any value as it stands.
    Date,
    Timestamp,
    TimestampTz,
    Cast,  ///< Through DuckDB's cast from text.
    Struct,
    List,
    Map,  ///< The only child is the struct of key and value.
  };

  Form form = Form::Text;
  duckdb::LogicalType type;
  MemberNames names;                     // Struct
  std::vector<DecoderNode> children;     // Struct: one per name; List, Map: one
  std::vector<std::uint64_t> last_seen;  // Struct: the object in which each member was seen last
  std::size_t width = 1;                 // values at every depth that one row of this holds

  // Bound to the vector that is being filled:
  duckdb::Vector* vector = nullptr;
  duckdb::data_ptr_t data = nullptr;
  duckdb::ValidityMask* validity = nullptr;
  duckdb::VectorStringBuffer* heap = nullptr;  // Text, RawJson, once needed
  duckdb::idx_t size = 0;                      // List, Map: elements of all rows
  duckdb::idx_t size_before_row = 0;
  duckdb::idx_t capacity = 0;
};

/// Writes lines of JSON into the columns of a chunk. The rules are those of JsonLineReader. Owned by one worker.
class JsonDecoder {
 public:
  /// List elements times values per element that one row may make; a line beyond is a dead letter.
  static constexpr std::size_t kRowValuesMax = 16 * 1024 * 1024;

  /// Unsupported, naming the column, if a type cannot be read from JSON.
  static Result<std::unique_ptr<JsonDecoder>> create(const columnar::Schema& schema, NestedText nested_text);

  /// Begins to fill `chunk`, which is empty, has the schema's types, and must outlive the rows written into it.
  void begin_chunk(duckdb::DataChunk& chunk);
  /// Writes the line as row `row`, the first or one after the last written. False if it is no row: then the cursor's
  /// fault says why, or `not_an_object` or `text_follows` is set, and the row may be written again.
  bool decode(JsonCursor& cursor, duckdb::idx_t row, const std::string& path);
  /// Ends the chunk: its lists get their sizes. The caller sets the cardinality.
  void end_chunk();

  bool not_an_object() const { return not_an_object_; }
  bool text_follows() const { return text_follows_; }
  /// Values that the lists of the chunk hold so far, for bounding its size.
  std::size_t list_values() const;

 private:
  using Node = DecoderNode;
  /// Where in the row a value stands; lives on the stack.
  struct Place {
    const Place* parent;
    std::string_view key;  // as in the text, without quotes
  };
  struct Rescued {
    std::size_t path_begin;  // in rescued_keys_
    std::size_t path_size;
    std::string_view raw;
  };

  JsonDecoder() = default;

  bool decode_value(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  bool decode_text(Node& node, duckdb::idx_t row, const Place& place);
  bool decode_number(Node& node, duckdb::idx_t row, const Place& place);
  bool decode_boolean(Node& node, duckdb::idx_t row, const Place& place, bool value);
  bool decode_object(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  bool decode_members(Node& node, duckdb::idx_t row, const Place* place, std::size_t depth);
  bool decode_list(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  bool decode_elements(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  bool decode_entries(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  template <typename DecodeChildren>
  bool decode_nested(const Place& place, std::size_t depth, DecodeChildren decode_children);
  bool misplaced_object(Node& node, duckdb::idx_t row, const Place& place, std::size_t depth);
  bool append_element(Node& node, duckdb::idx_t& index);

  void unfit(Node& node, duckdb::idx_t row, const Place& place, std::string_view raw);
  void rescue(const Place& place, std::string_view raw);
  void write_rescued(duckdb::idx_t row, const std::string& path);
  void undo_row();

  Node root_;  // Struct: the columns but `_rescued_data`
  duckdb::Vector* rescued_ = nullptr;
  std::size_t rescued_column_ = 0;
  bool has_rescued_column_ = false;
  NestedText nested_text_ = NestedText::Rescue;
  std::vector<Node*> lists_;  // every List and Map, for undoing a row

  JsonCursor* cursor_ = nullptr;    // of the line being decoded
  std::uint64_t object_count_ = 0;  // objects decoded so far; tells members seen in this one from older ones
  std::size_t list_depth_ = 0;      // lists and maps around the value
  bool list_unfit_ = false;         // something in the outermost of them did not fit
  bool not_an_object_ = false;
  bool text_follows_ = false;
  std::vector<Rescued> rescued_values_;
  std::vector<std::string_view> rescued_keys_;
  std::string scratch_;
};

}  // namespace sluice::connect
