#include "cli/json_text.h"

#include <fmt/format.h>

#include "base/log.h"

namespace sluice::cli {

std::string json_texts(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + json_quote(text);
  return "[" + out + "]";
}

std::string to_json(const Error& error) {
  const std::string code = error.number() == 0 ? "null" : fmt::format("\"SLU{:04}\"", error.number());
  std::string out =
      fmt::format(R"({{"code":{},"message":{},"help":{})", code, json_quote(error.message()), json_quote(error.help()));
  if (const auto& where = error.location()) {
    out += fmt::format(R"(,"file":{},"line":{},"column":{})", json_quote(where->file), where->line, where->column);
  }
  return out + "}";
}

}  // namespace sluice::cli
