#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connect/files/file_system.h"
#include "connect/files/json_limits.h"

namespace sluice::connect {

/// Whole lines of a file, or one line that is too long to be held.
struct LineBlock {
  std::string_view text;           ///< Lines, each with its line break; or the first bytes of the long line.
  std::uint64_t offset_bytes = 0;  ///< Of the text in the file.
  bool long_line = false;
  std::uint64_t size_bytes = 0;  ///< Of the text; or of the whole long line without its line break.
  bool ended = true;             ///< False only at the end of a file without a last line break.
};

/// Cuts a stream at line breaks into blocks that fit into memory. Owned by one worker.
/// Memory: twice JsonLimits::line_bytes_max at worst, twice block_bytes while lines are shorter than that.
class LineBlocks {
 public:
  explicit LineBlocks(const JsonLimits& limits) : limits_(limits) {}

  /// Begins a file. `stream` must outlive the calls for it.
  void open(ByteStream& stream);
  /// Reads the next block; false at the end. Its text is valid until the next call and followed by a readable byte that
  /// is a blank or a line break. Lines of up to line_bytes_max come whole; somewhat longer ones may, too.
  Result<bool> next(LineBlock& out);

 private:
  std::string_view unread() const { return std::string_view(buffer_.data() + begin_, filled_ - begin_); }
  void drop(std::size_t count);
  Result<bool> read_more();
  Result<bool> skip_long_line(LineBlock& out);

  JsonLimits limits_;
  ByteStream* stream_ = nullptr;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // [begin_, filled_) is read, but not yet given out
  std::size_t filled_ = 0;
  std::size_t given_ = 0;                 // of it the block given out last
  std::uint64_t begin_offset_bytes_ = 0;  // of begin_ in the file
  std::string head_;
};

}  // namespace sluice::connect
