#include "delta/internal/json_writer.h"

namespace sluice::delta::internal {

void JsonObjectWriter::key(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  out_ += json_quote(name);
  out_ += ':';
}

void JsonObjectWriter::text(std::string_view name, std::string_view value) { raw(name, json_quote(value)); }

void JsonObjectWriter::text(std::string_view name, const std::optional<std::string>& value) {
  if (value) text(name, std::string_view(*value));
}

void JsonObjectWriter::integer(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }

void JsonObjectWriter::integer(std::string_view name, const std::optional<std::int64_t>& value) {
  if (value) integer(name, *value);
}

void JsonObjectWriter::boolean(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }

void JsonObjectWriter::boolean(std::string_view name, const std::optional<bool>& value) {
  if (value) boolean(name, *value);
}

void JsonObjectWriter::raw(std::string_view name, std::string_view json) {
  key(name);
  out_ += json;
}

void JsonObjectWriter::text_map(std::string_view name, const std::map<std::string, std::string>& values) {
  key(name);
  JsonObjectWriter members(out_);
  for (const auto& [member, value] : values) members.text(member, std::string_view(value));
  members.close();
}

void JsonObjectWriter::text_map(std::string_view name,
                                const std::map<std::string, std::optional<std::string>>& values) {
  key(name);
  JsonObjectWriter members(out_);
  for (const auto& [member, value] : values) {
    if (value) {
      members.text(member, std::string_view(*value));
    } else {
      members.raw(member, "null");
    }
  }
  members.close();
}

}  // namespace sluice::delta::internal
