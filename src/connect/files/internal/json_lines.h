#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connect/files/file_system.h"
#include "connect/files/internal/json_tokens.h"
#include "connect/files/internal/line_blocks.h"
#include "connect/files/json_limits.h"
#include "connect/files/row_sink.h"

namespace sluice::connect {

/// One line of a file.
struct JsonLine {
  enum class Damage : std::uint8_t {
    None,
    InvalidUtf8,
    ControlCharacter,
    UnclosedString,
    TooLong,
    InsideArray,  ///< The file is one JSON array over several lines.
    Compressed,   ///< Stands for the whole file; its number is 0.
  };

  std::string_view text;  ///< Without its line break; of a long line or file the first bytes.
  std::uint64_t offset_bytes = 0;
  std::uint64_t number = 0;      ///< Counts from 1.
  std::uint64_t size_bytes = 0;  ///< Of the whole line or file.
  bool ended = true;             ///< Has a line break: false only for the last line of a file.
  Damage damage = Damage::None;
  JsonCursor cursor;  ///< At the first token, which exists, if there is no damage.
};

/// Cuts a file into lines and marks their tokens, a block at a time. Blank lines are passed over, so is a byte order
/// mark. A damaged line does not touch its neighbours. Owned by one worker.
/// Memory: that of LineBlocks and 4 bytes for each byte of a block.
class JsonLines {
 public:
  explicit JsonLines(const JsonLimits& limits) : limits_(limits), blocks_(limits) {}

  /// Begins a file. `stream` must outlive the calls for it.
  void open(ByteStream& stream);
  /// Reads on; false at the end of the file. Errors: those of the stream, ResourceExhausted.
  Result<bool> next_block();
  /// Returns the next line of the block, nullptr after the last. Valid until the next call; the cursor may have been
  /// moved on, but not past the line. ResourceExhausted as next_block().
  Result<JsonLine*> next_line();

 private:
  Status begin_file();
  /// Makes the bytes of the block from `begin` to `end` the current line; false if it is blank.
  Result<bool> take_line(std::size_t begin, std::size_t end);
  void find_array();

  JsonLimits limits_;
  LineBlocks blocks_;
  TokenIndex tokens_;
  LineBlock block_;
  std::size_t at_ = 0;            // where the next line begins in the block
  std::size_t indexed_from_ = 0;  // tokens_ counts from here in the block
  bool block_indexed_ = false;    // tokens_ holds the block; else each line is indexed by itself
  bool block_has_escapes_ = false;
  bool line_waits_ = false;  // line_ stands for the whole block or file
  bool begun_ = false;       // the file's first block was seen
  bool first_line_ = true;   // no line that is not blank was seen
  bool inside_array_ = false;
  std::uint64_t line_number_ = 0;
  JsonLine line_;
  std::string head_;  // first bytes of a compressed file
};

/// Says why an undamaged line became no row.
enum class LineFault : std::uint8_t { CursorFault, NotAnObject, TextAfterObject };

/// Returns the dead letter of a line: for its damage, if it has any, else for `fault`.
DeadLetter to_dead_letter(const JsonLine& line, LineFault fault, const std::string& path, const JsonLimits& limits);

}  // namespace sluice::connect
