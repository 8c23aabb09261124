#include "connect/files/internal/line_blocks.h"

#include <algorithm>
#include <cstring>

namespace sluice::connect {

void LineBlocks::open(ByteStream& stream) {
  stream_ = &stream;
  begin_ = filled_ = given_ = 0;
  begin_offset_bytes_ = 0;
}

void LineBlocks::drop(std::size_t count) {
  begin_ += count;
  begin_offset_bytes_ += count;
}

Result<bool> LineBlocks::read_more() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    filled_ -= begin_;
    begin_ = 0;
  }
  // One byte more than is read: the blank after the text.
  const std::size_t wanted = std::max(limits_.block_bytes, filled_) * 2 + 1;
  if (filled_ + limits_.block_bytes >= buffer_.size()) buffer_.resize(wanted);
  const std::span<char> room(buffer_.data() + filled_, limits_.block_bytes);
  SLUICE_TRY_ASSIGN(const std::size_t count, stream_->read(room));
  filled_ += count;
  buffer_[filled_] = ' ';
  return count > 0;
}

Result<bool> LineBlocks::next(LineBlock& out) {
  drop(given_);
  given_ = 0;
  std::size_t searched = 0;
  while (true) {
    const std::string_view text = unread();
    const std::size_t newline = text.substr(searched).rfind('\n');
    if (newline != std::string_view::npos) {
      given_ = searched + newline + 1;
      out = {.text = text.substr(0, given_), .offset_bytes = begin_offset_bytes_, .size_bytes = given_};
      return true;
    }
    if (text.size() > limits_.line_bytes_max) return skip_long_line(out);
    searched = text.size();
    SLUICE_TRY_ASSIGN(const bool more, read_more());
    if (!more) break;
  }
  given_ = filled_ - begin_;
  out = {.text = unread(), .offset_bytes = begin_offset_bytes_, .size_bytes = given_, .ended = false};
  return given_ > 0;
}

Result<bool> LineBlocks::skip_long_line(LineBlock& out) {
  head_.assign(unread().substr(0, limits_.kept_bytes_max));
  out = {.text = head_, .offset_bytes = begin_offset_bytes_, .long_line = true, .size_bytes = 0, .ended = false};
  while (true) {
    const std::size_t newline = unread().find('\n');
    const std::size_t passed = std::min(newline, unread().size());
    out.size_bytes += passed;
    drop(passed);
    if (newline != std::string_view::npos) {
      out.ended = true;
      drop(1);
      return true;
    }
    SLUICE_TRY_ASSIGN(const bool more, read_more());
    if (!more) return true;
  }
}

}  // namespace sluice::connect
