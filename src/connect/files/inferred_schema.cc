#include "connect/files/inference.h"

#include <array>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"
#include "connect/files/error_numbers.h"

namespace sluice::connect {

using Kind = InferredType::Kind;

namespace {

constexpr std::int64_t kFormatVersion = 1;

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr std::array<KindName, 7> kKindNames{{{Kind::Unset, "unset"},
                                              {Kind::Boolean, "boolean"},
                                              {Kind::BigInt, "bigint"},
                                              {Kind::Double, "double"},
                                              {Kind::Text, "text"},
                                              {Kind::Object, "object"},
                                              {Kind::List, "list"}}};

void append_type(const InferredType& type, std::string& out);

void append_members(const InferredType& type, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < type.names.size(); ++i) {
    out += fmt::format("{}{{\"name\":{},", i == 0 ? "" : ",", json_quote(type.names[i]));
    append_type(type.children[i], out);
    out += '}';
  }
  out += ']';
}

/// Appends the keys of the object that stands for the type, without its braces.
void append_type(const InferredType& type, std::string& out) {
  out += fmt::format("\"kind\":\"{}\"", kKindNames[static_cast<std::size_t>(type.kind)].name);
  if (type.wide_integer) out += ",\"wide\":true";
  if (type.kind == Kind::Object) {
    out += ",\"members\":";
    append_members(type, out);
  }
  if (type.kind == Kind::List) {
    out += ",\"element\":{";
    append_type(type.children[0], out);
    out += '}';
  }
}

/// Reads the stored form; any exception of simdjson's interface is avoided by its error codes.
class Decoder {
 public:
  explicit Decoder(InferredSchema& schema) : schema_(schema) {}

  bool read_type(simdjson::dom::element element, InferredType& type) {
    std::string_view kind;
    if (element["kind"].get(kind) != simdjson::SUCCESS) return false;
    bool known = false;
    for (const KindName& candidate : kKindNames) {
      if (candidate.name != kind) continue;
      type.kind = candidate.kind;
      known = true;
    }
    bool wide = false;
    if (element["wide"].get(wide) == simdjson::SUCCESS) type.wide_integer = wide;
    if (type.kind == Kind::Object) return read_members(element["members"], type);
    if (type.kind == Kind::List) {
      simdjson::dom::element child;
      type.children.emplace_back();
      return element["element"].get(child) == simdjson::SUCCESS && read_type(child, type.children[0]);
    }
    return known;
  }

  bool read_members(simdjson::simdjson_result<simdjson::dom::element> members, InferredType& type) {
    simdjson::dom::array array;
    if (members.get(array) != simdjson::SUCCESS) return false;
    for (const simdjson::dom::element member : array) {
      std::string_view name;
      if (member["name"].get(name) != simdjson::SUCCESS || type.names.clashes(name)) return false;
      type.names.add(std::string(name));
      type.children.emplace_back();
      ++schema_.column_count;
      if (!read_type(member, type.children.back())) return false;
    }
    return true;
  }

 private:
  InferredSchema& schema_;
};

}  // namespace

std::string InferredSchema::encode() const {
  std::string text = fmt::format("{{\"format\":{},\"columns\":", kFormatVersion);
  append_members(root, text);
  text += '}';
  return text;
}

Result<InferredSchema> InferredSchema::decode(std::string_view text) {
  InferredSchema schema;
  if (text.empty()) return schema;
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::int64_t version = 0;
  const bool readable = parser.parse(simdjson::padded_string(text)).get(document) == simdjson::SUCCESS &&
                        document["format"].get(version) == simdjson::SUCCESS && version == kFormatVersion &&
                        Decoder(schema).read_members(document["columns"], schema.root);
  if (readable) return schema;
  return Error(ErrorCode::Corruption, fmt::format("the stored schema of a file source cannot be read: {}", text))
      .with_number(kErrorStoredStateInvalid);
}

}  // namespace sluice::connect
