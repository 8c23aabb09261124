#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"

namespace sluice::delta::internal {

/// Writes one JSON object to the end of a text; members come in the order of the calls. Members whose value is absent
/// are left out. The object is closed by close(); nothing else may touch the text in between but objects opened within
/// it.
class JsonObjectWriter {
 public:
  /// `out` must outlive the writer.
  explicit JsonObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  /// Begins a member whose value the caller appends to the text.
  void key(std::string_view name);

  void text(std::string_view name, std::string_view value);
  void text(std::string_view name, const std::optional<std::string>& value);
  void integer(std::string_view name, std::int64_t value);
  void integer(std::string_view name, const std::optional<std::int64_t>& value);
  void boolean(std::string_view name, bool value);
  void boolean(std::string_view name, const std::optional<bool>& value);
  /// `json` is JSON text.
  void raw(std::string_view name, std::string_view json);
  void text_map(std::string_view name, const std::map<std::string, std::string>& values);
  /// nullopt is written as null.
  void text_map(std::string_view name, const std::map<std::string, std::optional<std::string>>& values);

  void close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

/// Appends a JSON list of strings.
template <typename Texts>
void append_text_list(std::string& out, const Texts& texts) {
  out += '[';
  bool first = true;
  for (const auto& text : texts) {
    if (!first) out += ',';
    first = false;
    out += json_quote(text);
  }
  out += ']';
}

}  // namespace sluice::delta::internal
