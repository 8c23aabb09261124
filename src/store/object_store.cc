#include "store/object_store.h"

#include <fmt/format.h>

namespace sluice::store {

std::optional<std::string> ObjectStore::local_path(std::string_view) const { return std::nullopt; }

Status check_key(std::string_view key) {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorCode::InvalidArgument, fmt::format("\"{}\" is not an object key: {}", key, why));
  };
  if (key.find('\0') != std::string_view::npos) return refuse("it holds a NUL byte");
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view segment = key.substr(begin, end - begin);
    if (segment.empty()) return refuse("a segment is empty");
    if (segment == "." || segment == "..") return refuse("it would leave its folder");
    if (segment.starts_with(".sluice-tmp")) return refuse("the name is reserved for temporaries");
    if (end == key.size()) return ok();
    begin = end + 1;
  }
}

}  // namespace sluice::store
