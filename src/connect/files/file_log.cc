#include "connect/files/file_log.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/log.h"
#include "connect/files/error_numbers.h"

namespace sluice::connect {
namespace {

constexpr std::int64_t kFormatVersion = 1;
constexpr std::size_t kHashDigits = 32;

void append_file(const PlannedFile& file, std::string& out) {
  out += fmt::format(R"({{"path":{},"size":{},"modified":{},"hash":"{}"}})", json_quote(file.info.path),
                     file.info.size_bytes, file.info.modified.time_since_epoch().count(), file.hash.hex());
}

bool read_hash(std::string_view text, Hash128& hash) {
  if (text.size() != kHashDigits) return false;
  const auto half = [](std::string_view digits, std::uint64_t& value) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
  };
  return half(text.substr(0, kHashDigits / 2), hash.high) && half(text.substr(kHashDigits / 2), hash.low);
}

bool read_file(simdjson::dom::element element, PlannedFile& file) {
  std::string_view path;
  std::string_view hash;
  std::uint64_t size = 0;
  std::int64_t modified = 0;
  const bool complete = element["path"].get(path) == simdjson::SUCCESS &&
                        element["size"].get(size) == simdjson::SUCCESS &&
                        element["modified"].get(modified) == simdjson::SUCCESS &&
                        element["hash"].get(hash) == simdjson::SUCCESS && read_hash(hash, file.hash);
  file.info = {
      .path = std::string(path), .size_bytes = size, .modified = UnixMillis(std::chrono::milliseconds(modified))};
  return complete;
}

}  // namespace

std::string FilePlan::encode() const {
  std::string text = fmt::format("{{\"format\":{},\"whole\":{},\"files\":[", kFormatVersion, whole);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) text += ',';
    append_file(files[i], text);
  }
  return text + "]}";
}

Result<FilePlan> FilePlan::decode(std::string_view text) {
  FilePlan plan;
  if (text.empty()) return plan;
  const Error damaged =
      Error(ErrorCode::Corruption,
            fmt::format("the stored list of a source's files cannot be read: {}", text.substr(0, 200)))
          .with_number(kErrorStoredStateInvalid);
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  simdjson::dom::array files;
  std::int64_t version = 0;
  if (parser.parse(simdjson::padded_string(text)).get(document) != simdjson::SUCCESS ||
      document["format"].get(version) != simdjson::SUCCESS || version != kFormatVersion ||
      document["whole"].get(plan.whole) != simdjson::SUCCESS || document["files"].get(files) != simdjson::SUCCESS) {
    return damaged;
  }
  for (const simdjson::dom::element element : files) {
    PlannedFile file;
    if (!read_file(element, file)) return damaged;
    plan.files.push_back(std::move(file));
  }
  return plan;
}

void FileLog::add(const FilePlan& plan) {
  if (plan.whole) files.clear();
  for (const PlannedFile& file : plan.files) files.insert_or_assign(file.info.path, file);
}

std::string FileLog::encode() const {
  FilePlan all{.files = {}, .whole = true};
  for (const auto& [path, file] : files) all.files.push_back(file);
  return all.encode();
}

Result<FileLog> FileLog::decode(std::string_view text) {
  SLUICE_TRY_ASSIGN(const FilePlan all, FilePlan::decode(text));
  FileLog log;
  log.add(all);
  return log;
}

}  // namespace sluice::connect
