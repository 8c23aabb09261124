#include "cli/progress_line.h"

#include <fmt/format.h>

namespace sluice::cli {
namespace {

/// 14,336
std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace

std::string to_text(const runtime::Progress& progress) {
  const std::string begin = fmt::format("epoch {}: ", progress.epoch.value());
  switch (progress.step) {
    case runtime::Progress::Step::Reading:
      return fmt::format("{}reading {} file{} into {}, {} rows", begin, with_commas(progress.total),
                         progress.total == 1 ? "" : "s", progress.dataset, with_commas(progress.done));
    case runtime::Progress::Step::Computing:
      return fmt::format("{}computing {} ({} of {})", begin, progress.dataset, progress.done, progress.total);
    case runtime::Progress::Step::Committing:
      return fmt::format("{}committing table {} of {}", begin, progress.done + 1, progress.total);
  }
  return begin;
}

void ProgressLine::show(const runtime::Progress& progress) {
  if (width_ == 0) return;
  const auto now = clock_.monotonic();
  if (progress.epoch != epoch_) {
    epoch_ = progress.epoch;
    next_ = now + kPatience;
  }
  if (now < next_) return;
  next_ = now + kInterval;
  std::string text = to_text(progress);
  if (text.size() >= width_) {
    std::size_t end = width_ - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
    text.resize(end);
  }
  out_ << "\r\033[K" << text << std::flush;
  shown_ = true;
}

void ProgressLine::clear() {
  if (shown_) out_ << "\r\033[K" << std::flush;
  shown_ = false;
  epoch_ = Epoch(-1);
}

}  // namespace sluice::cli
