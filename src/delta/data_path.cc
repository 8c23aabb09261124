#include "delta/data_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.h"
#include "store/local_store.h"

namespace sluice::delta {
namespace {

constexpr std::string_view kHiveNull = "__HIVE_DEFAULT_PARTITION__";
/// What file systems take as one name.
constexpr std::size_t kFolderNameBytesMax = 255;
/// Leaves room for the table's folder and the file's name in the 1024 bytes of a key of S3.
constexpr std::size_t kFolderBytesMax = 512;
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Error(ErrorCode::Corruption, fmt::format("the path \"{}\" has a broken percent escape", text));
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

/// Returns the length of a URI scheme with its colon ("s3:", "file:"), 0 if there is none.
std::size_t scheme_length(std::string_view path) {
  const std::size_t colon = path.find_first_of(":/");
  if (colon == std::string_view::npos || path[colon] != ':' || colon < 2) return 0;
  for (std::size_t i = 0; i < colon; ++i) {
    const char c = path[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !other)) return 0;
  }
  return colon + 1;
}

/// Returns the local path of "file:/x", "file:///x" or "file://localhost/x" less its scheme; anything else as it is.
std::string_view strip_file_scheme(std::string_view path) {
  if (!path.starts_with("file:")) return path;
  path.remove_prefix(5);
  if (path.starts_with("//")) {
    const std::size_t slash = path.find('/', 2);
    return slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return path;
}

bool leaves_folder(std::string_view key) {
  std::size_t begin = 0;
  while (begin <= key.size()) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    if (key.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

/// True for what a folder name of Hive's layout must escape (Spark's ExternalCatalogUtils has the same set).
bool needs_hive_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F || std::string_view("\"#%'*/:=?\\{[]^").find(c) != std::string_view::npos;
}

std::string hive_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (needs_hive_escape(c)) {
      append_escaped(escaped, c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

Result<DataPath> resolve_path(std::string_view log_path) {
  if (log_path.empty()) return Error(ErrorCode::Corruption, "a file action has an empty path");
  const bool local = log_path.front() == '/' || log_path.starts_with("file:");
  if (!local && scheme_length(log_path) > 0) return DataPath{true, std::string(log_path)};  // a URL stays encoded
  SLUICE_TRY_ASSIGN(std::string path, percent_decode(strip_file_scheme(log_path)));
  if (path.empty() || path.find('\0') != std::string::npos || (!local && leaves_folder(path))) {
    return Error(ErrorCode::Corruption, fmt::format("the path \"{}\" does not name a file of the table", log_path));
  }
  return DataPath{local, std::move(path)};
}

Result<std::unique_ptr<store::ObjectStore>> store_of_absolute(const DataPath& path, const store::ObjectStore& table) {
  if (!path.path.starts_with('/')) {
    return Error(ErrorCode::Unsupported, fmt::format("{} is in another store, which cannot be read yet", path.path));
  }
  if (!table.local_path("_delta_log/0")) {
    return Error(ErrorCode::Unsupported,
                 fmt::format("{} is a path of a machine, but the table is not in a folder of this one", path.path));
  }
  SLUICE_TRY_ASSIGN(auto machine, store::LocalStore::create(std::string("/")));
  return std::unique_ptr<store::ObjectStore>(std::move(machine));
}

std::string key_of_absolute(const DataPath& path) { return path.path.substr(1); }

std::string encode_path(std::string_view key) {
  std::string encoded;
  for (const char c : key) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool safe = letter || std::string_view("-_.~/=+,@$!*'();&").find(c) != std::string_view::npos;
    if (safe) {
      encoded += c;
    } else {
      append_escaped(encoded, c);
    }
  }
  return encoded;
}

std::string canonical_path(std::string_view log_path) {
  auto resolved = resolve_path(log_path);
  if (!resolved) return std::string(log_path);
  return std::move(resolved->path);
}

std::string partition_folder(const std::vector<std::pair<std::string, std::optional<std::string>>>& values) {
  std::string folder;
  std::size_t longest = 0;
  for (const auto& [name, value] : values) {
    const bool is_null = !value || value->empty();
    const std::string part =
        fmt::format("{}={}", hive_escape(name), is_null ? std::string(kHiveNull) : hive_escape(*value));
    longest = std::max(longest, part.size());
    folder += part + '/';
  }
  const bool too_long = longest > kFolderNameBytesMax || folder.size() > kFolderBytesMax;
  return too_long ? fmt::format("long-{}/", hash128(folder).hex()) : folder;
}

}  // namespace sluice::delta
