#include "connect/files/internal/json_lines.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "connect/files/error_numbers.h"

namespace sluice::connect {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";

JsonLine::Damage to_line_damage(TokenIndex::Damage damage) {
  switch (damage) {
    case TokenIndex::Damage::None: return JsonLine::Damage::None;
    case TokenIndex::Damage::InvalidUtf8: return JsonLine::Damage::InvalidUtf8;
    case TokenIndex::Damage::ControlCharacter: return JsonLine::Damage::ControlCharacter;
    case TokenIndex::Damage::UnclosedString: return JsonLine::Damage::UnclosedString;
  }
  return JsonLine::Damage::None;
}

}  // namespace

void JsonLines::open(ByteStream& stream) {
  blocks_.open(stream);
  block_ = {};
  at_ = 0;
  line_waits_ = begun_ = inside_array_ = false;
  first_line_ = true;
  line_number_ = 0;
}

Status JsonLines::begin_file() {
  begun_ = true;
  if (block_.text.starts_with(kByteOrderMark) && !block_.long_line) at_ = kByteOrderMark.size();
  if (!block_.text.starts_with(kGzipMagic) && !block_.text.starts_with(kZstdMagic)) return ok();
  head_.assign(block_.text.substr(0, limits_.kept_bytes_max));
  line_ = JsonLine{.text = head_, .size_bytes = 0, .damage = JsonLine::Damage::Compressed, .cursor = {}};
  line_waits_ = true;
  for (bool more = true; more;) {
    line_.size_bytes += block_.size_bytes + (block_.long_line && block_.ended ? 1 : 0);
    SLUICE_TRY_ASSIGN(more, blocks_.next(block_));
  }
  block_ = {};
  at_ = 0;
  return ok();
}

Result<bool> JsonLines::next_block() {
  SLUICE_TRY_ASSIGN(const bool more, blocks_.next(block_));
  if (!more) return false;
  at_ = 0;
  if (!begun_) SLUICE_TRY(begin_file());
  if (line_waits_) return true;
  if (block_.long_line) {
    line_ = JsonLine{.text = block_.text,
                     .offset_bytes = block_.offset_bytes,
                     .number = ++line_number_,
                     .size_bytes = block_.size_bytes,
                     .ended = block_.ended,
                     .damage = JsonLine::Damage::TooLong,
                     .cursor = {}};
    line_waits_ = true;
    first_line_ = false;
    at_ = block_.text.size();
    return true;
  }
  indexed_from_ = at_;
  SLUICE_TRY_ASSIGN(const TokenIndex::Damage damage, tokens_.index(block_.text.substr(at_)));
  block_indexed_ = damage == TokenIndex::Damage::None;
  block_has_escapes_ = block_.text.find('\\') != std::string_view::npos;
  line_.cursor.token = tokens_.positions();
  return true;
}

Result<JsonLine*> JsonLines::next_line() {
  if (line_waits_) {
    line_waits_ = false;
    return &line_;
  }
  while (at_ < block_.text.size()) {
    const std::size_t begin = at_;
    const auto* const newline =
        static_cast<const char*>(std::memchr(block_.text.data() + begin, '\n', block_.text.size() - begin));
    const bool ended = newline != nullptr;
    const std::size_t end = ended ? static_cast<std::size_t>(newline - block_.text.data()) : block_.text.size();
    at_ = ended ? end + 1 : end;
    line_.ended = ended;
    SLUICE_TRY_ASSIGN(const bool has_content, take_line(begin, end));
    if (has_content) return &line_;
  }
  return static_cast<JsonLine*>(nullptr);
}

Result<bool> JsonLines::take_line(std::size_t begin, std::size_t end) {
  line_.text = block_.text.substr(begin, end - begin);
  line_.offset_bytes = block_.offset_bytes + begin;
  line_.size_bytes = line_.text.size();
  line_.number = ++line_number_;
  line_.damage = JsonLine::Damage::None;
  if (line_.text.size() > limits_.line_bytes_max) {
    line_.damage = JsonLine::Damage::TooLong;
    line_.text = line_.text.substr(0, limits_.kept_bytes_max);
    first_line_ = false;
    return true;
  }
  if (block_indexed_) {
    const auto from = static_cast<std::uint32_t>(begin - indexed_from_);
    line_.cursor.text = block_.text.data() + indexed_from_;
    line_.cursor.end = static_cast<std::uint32_t>(end - indexed_from_);
    while (*line_.cursor.token < from) ++line_.cursor.token;
  } else {
    SLUICE_TRY_ASSIGN(const TokenIndex::Damage damage, tokens_.index(line_.text));
    line_.damage = to_line_damage(damage);
    line_.cursor.text = line_.text.data();
    line_.cursor.token = tokens_.positions();
    line_.cursor.end = static_cast<std::uint32_t>(line_.text.size());
  }
  line_.cursor.has_escapes = block_has_escapes_ && line_.text.find('\\') != std::string_view::npos;
  if (line_.damage == JsonLine::Damage::None && line_.cursor.at_end()) return false;
  if (first_line_) find_array();
  if (inside_array_) line_.damage = JsonLine::Damage::InsideArray;
  return true;
}

void JsonLines::find_array() {
  first_line_ = false;
  if (line_.damage != JsonLine::Damage::None || line_.cursor.peek() != '[') return;
  // One array over several lines begins with a line that is right as far as it goes.
  JsonCursor trial = line_.cursor;
  std::string_view ignored;
  inside_array_ = line_.ended && !trial.pass_value(0, ignored) && trial.at_end();
}

namespace {

struct Reason {
  std::uint32_t number;
  std::string message;
};

Reason cursor_reason(const JsonLine& line) {
  const JsonCursor::Fault& fault = line.cursor.fault;
  if (fault.kind == JsonCursor::FaultKind::TooDeep) {
    return {kDeadLetterTooDeep, fmt::format("values lie more than {} deep", kJsonDepthMax)};
  }
  if (fault.kind == JsonCursor::FaultKind::TooLarge) {
    return {kDeadLetterTooLarge, "a list in the line has too many values"};
  }
  const bool cut_off = !line.ended && fault.position >= line.cursor.end;
  if (cut_off) return {kDeadLetterTruncated, "the file ends in the middle of this line"};
  const auto column = line.cursor.text + fault.position - line.text.data() + 1;
  const bool nul = line.text.find('\0') != std::string_view::npos;
  return {kDeadLetterNotJson, fmt::format("not JSON: expected {} at byte {} of the line{}", fault.expected, column,
                                          nul ? " (the line holds NUL bytes)" : "")};
}

Reason reason_of(const JsonLine& line, LineFault fault, const JsonLimits& limits) {
  switch (line.damage) {
    case JsonLine::Damage::InvalidUtf8: return {kDeadLetterInvalidUtf8, "the line is not valid UTF-8"};
    case JsonLine::Damage::ControlCharacter:
      return {kDeadLetterNotJson, "not JSON: a string holds a control character that is not escaped"};
    case JsonLine::Damage::UnclosedString:
      if (!line.ended) return {kDeadLetterTruncated, "the file ends in the middle of this line"};
      return {kDeadLetterNotJson, "not JSON: a string is not closed"};
    case JsonLine::Damage::TooLong:
      return {kDeadLetterLineTooLong,
              fmt::format("the line has {} bytes, more than the limit of {}", line.size_bytes, limits.line_bytes_max)};
    case JsonLine::Damage::InsideArray:
      return {kDeadLetterJsonArray,
              "the file is one JSON array, but format json reads one object per line; convert it: jq -c '.[]'"};
    case JsonLine::Damage::Compressed:
      return {kDeadLetterCompressed, "the file is compressed; decompress it before it lands in the folder"};
    case JsonLine::Damage::None: break;
  }
  switch (fault) {
    case LineFault::CursorFault: return cursor_reason(line);
    case LineFault::NotAnObject: return {kDeadLetterNotAnObject, "the line is JSON, but not an object"};
    case LineFault::TextAfterObject:
      return {kDeadLetterNotJson, fmt::format("not JSON: text follows the object at byte {} of the line",
                                              line.cursor.text + line.cursor.position() - line.text.data() + 1)};
  }
  return {kDeadLetterNotJson, "not JSON"};
}

}  // namespace

DeadLetter to_dead_letter(const JsonLine& line, LineFault fault, const std::string& path, const JsonLimits& limits) {
  Reason reason = reason_of(line, fault, limits);
  std::string_view bytes = line.text.substr(0, limits.kept_bytes_max);
  if (bytes.size() == line.text.size() && bytes.ends_with('\r')) bytes.remove_suffix(1);
  return DeadLetter{.path = path,
                    .offset_bytes = line.offset_bytes,
                    .line = line.number,
                    .number = reason.number,
                    .message = std::move(reason.message),
                    .bytes = std::string(bytes),
                    .size_bytes = line.size_bytes};
}

}  // namespace sluice::connect
