#include "connect/delta/row_locator.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace sluice::connect {
namespace {

constexpr int kPositionBits = 39;
constexpr std::uint64_t kSharedBit = std::uint64_t{1} << 63;

std::uint64_t pack(RowLocation location) {
  SLUICE_CHECK(location.file < RowLocator::kFilesMax && location.position < RowLocator::kPositionsMax,
               "a row's place fits into 63 bits");
  return std::uint64_t{location.file} << kPositionBits | location.position;
}

RowLocation unpack(std::uint64_t place) {
  return {static_cast<FileNumber>(place >> kPositionBits), place & (RowLocator::kPositionsMax - 1)};
}

}  // namespace

FileNumber RowLocator::add_file(std::string_view path) {
  SLUICE_CHECK(paths_.size() < kFilesMax, "a table's locator has a number for each data file");
  paths_.emplace_back(path);
  return static_cast<FileNumber>(paths_.size() - 1);
}

void RowLocator::reserve(std::size_t row_count) { slots_.reserve(slots_.size() + row_count); }

void RowLocator::insert(const Hash128& row, RowLocation location) {
  const Slot place = pack(location);
  const auto [slot, is_new] = slots_.try_emplace(row, place);
  if (is_new) return;
  if ((slot->second & kSharedBit) == 0) {
    slot->second = share(slot->second);
  }
  std::vector<Slot>& heap = copies_[slot->second & ~kSharedBit];
  heap.push_back(place);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

RowLocator::Slot RowLocator::share(Slot first) {
  if (free_copies_.empty()) {
    copies_.emplace_back();
    free_copies_.push_back(copies_.size() - 1);
  }
  const std::size_t index = free_copies_.back();
  free_copies_.pop_back();
  copies_[index].push_back(first);
  return kSharedBit | index;
}

bool RowLocator::take(const Hash128& row, std::uint64_t copies, std::vector<RowLocation>& taken) {
  const auto slot = slots_.find(row);
  if (slot == slots_.end()) return copies == 0;
  if ((slot->second & kSharedBit) == 0) {
    if (copies > 1) return false;
    if (copies == 0) return true;
    taken.push_back(unpack(slot->second));
    slots_.erase(slot);
    return true;
  }
  const std::size_t index = slot->second & ~kSharedBit;
  std::vector<Slot>& heap = copies_[index];
  if (copies > heap.size()) return false;
  for (std::uint64_t i = 0; i < copies; ++i) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    taken.push_back(unpack(heap.back()));
    heap.pop_back();
  }
  if (heap.size() > 1) return true;
  // One copy or none: back to a plain slot, or away with it.
  if (heap.empty()) {
    slots_.erase(slot);
  } else {
    slot->second = heap.front();
  }
  heap = {};
  free_copies_.push_back(index);
  return true;
}

}  // namespace sluice::connect
