#include "delta/internal/file_base.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "base/hash.h"

namespace sluice::delta::internal {
namespace {

/// The bytes of `text` from `depth` on, as a number that sorts as they do; bytes behind the end are zeros.
std::uint64_t eight_bytes(std::string_view text, std::size_t depth) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto byte = depth + i < text.size() ? static_cast<unsigned char>(text[depth + i]) : 0;
    number = number << 8 | byte;
  }
  return number;
}

}  // namespace

FileBase::FileBase(std::vector<std::shared_ptr<const FileBlock>> blocks, std::vector<bool> dead)
    : blocks_(std::move(blocks)), dead_(std::move(dead)) {
  SLUICE_CHECK(blocks_.size() < std::numeric_limits<Place>::max() / FileBlock::kRowsMax, "a table has fewer files");
  if (dead_.empty()) is_ordered_ = arrange_blocks();
  build_index();
}

bool FileBase::arrange_blocks() {
  std::erase_if(blocks_, [](const auto& block) { return block->size() == 0; });
  const auto first_path = [](const auto& block) { return block->canonical_path(0); };
  std::ranges::stable_sort(blocks_, {}, first_path);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!blocks_[i]->is_sorted()) return false;
    const std::size_t last = i == 0 ? 0 : blocks_[i - 1]->size() - 1;
    if (i > 0 && blocks_[i - 1]->canonical_path(last) >= blocks_[i]->canonical_path(0)) return false;
  }
  return true;
}

void FileBase::build_index() {
  constexpr std::size_t kRowsAhead = 16;
  std::size_t row_count = 0;
  for (const auto& block : blocks_) row_count += block->size();
  slots_.assign(std::bit_ceil(std::max<std::size_t>(row_count * 3 / 2, 8)), {});
  if (!dead_.empty()) dead_.resize(blocks_.size() * FileBlock::kRowsMax);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    for (std::size_t row = 0; row < blocks_[i]->size(); ++row) {
      // The slots lie all over the memory: fetch those of rows to come while looking at this one.
      const std::size_t ahead = std::min(row + kRowsAhead, blocks_[i]->size() - 1);
      __builtin_prefetch(&slots_[blocks_[i]->hash(ahead) & (slots_.size() - 1)], 1);
      const auto place = static_cast<Place>(i * FileBlock::kRowsMax + row);
      if (is_dead(place)) {
        ++dead_count_;
        continue;
      }
      index(place);
    }
  }
  size_ = row_count - dead_count_;
}

void FileBase::index(Place place) {
  const std::uint64_t own = hash(place);
  const auto tag = static_cast<std::uint32_t>(own >> 32);
  count_bytes(place, true);
  for (std::size_t at = own & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.place == 0) {
      slot = {tag, place + 1};
      return;
    }
    const Place other = slot.place - 1;
    if (slot.tag != tag || hash(other) != own || !same_key(other, place)) continue;
    AddFile left;
    AddFile right;
    read(other, left);
    read(place, right);
    const auto rank = [](const AddFile& file) {
      return std::tuple(file.modification_time, file.size_bytes, file.path, file.stats.value_or(""));
    };
    const bool other_stays = rank(left) >= rank(right);
    if (!other_stays) slot.place = place + 1;
    bury(other_stays ? place : other);
    return;
  }
}

void FileBase::count_bytes(Place place, bool in) {
  const auto bytes = static_cast<std::uint64_t>(size_bytes(place));
  total_bytes_ += in ? bytes : ~bytes + 1;
}

bool FileBase::same_key(Place left, Place right) const {
  return path(left) == path(right) && block(left).dv_id(row(left)) == block(right).dv_id(row(right));
}

void FileBase::bury(Place place) {
  dead_.resize(blocks_.size() * FileBlock::kRowsMax);
  dead_[place] = true;
  ++dead_count_;
  count_bytes(place, false);
}

std::optional<FileBase::Place> FileBase::find(const FileKey& key) const {
  for (const Place place : find_path(key.path)) {
    if (block(place).dv_id(row(place)) == key.dv_id) return place;
  }
  return std::nullopt;
}

std::vector<FileBase::Place> FileBase::find_path(std::string_view canonical_path) const {
  std::vector<Place> found;
  const std::uint64_t own = hash64(canonical_path);
  const auto tag = static_cast<std::uint32_t>(own >> 32);
  for (std::size_t at = own & (slots_.size() - 1); slots_[at].place != 0; at = (at + 1) & (slots_.size() - 1)) {
    const Place place = slots_[at].place - 1;
    if (slots_[at].tag == tag && path(place) == canonical_path) found.push_back(place);
  }
  std::ranges::sort(found, {}, [&](Place place) { return block(place).dv_id(row(place)); });
  return found;
}

FileKey FileBase::key(Place place) const { return {std::string(path(place)), block(place).dv_id(row(place))}; }

std::strong_ordering FileBase::compare(Place place, const FileKey& key) const {
  const auto paths = path(place) <=> std::string_view(key.path);
  return paths != 0 ? paths : block(place).dv_id(row(place)) <=> key.dv_id;
}

bool FileBase::before(Place left, Place right) const {
  const int paths = path(left).compare(path(right));
  return paths != 0 ? paths < 0 : block(left).dv_id(row(left)) < block(right).dv_id(row(right));
}

std::vector<FileBase::Place> FileBase::live_places() const {
  std::vector<Place> places;
  places.reserve(size_);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    for (std::size_t row = 0; row < blocks_[i]->size(); ++row) {
      const auto place = static_cast<Place>(i * FileBlock::kRowsMax + row);
      if (!is_dead(place)) places.push_back(place);
    }
  }
  return places;
}

std::span<const FileBase::Place> FileBase::in_order() const {
  std::call_once(ordered_once_, [this] {
    if (has_order_) return;
    order_ = live_places();
    if (!is_ordered_) sort(order_, 0);
    has_order_ = true;
  });
  return order_;
}

/// Sorts places whose paths are equal up to `depth`: by the next eight bytes, fetched once, then each run that is equal
/// in these by the eight behind them. Comparing whole paths would fetch them twenty times from all over the memory.
void FileBase::sort(std::span<Place> places, std::size_t depth) const {
  constexpr std::size_t kPlainMax = 16;
  if (places.size() <= kPlainMax) {
    std::ranges::sort(places, [&](Place left, Place right) { return before(left, right); });
    return;
  }
  struct Prefixed {
    std::uint64_t prefix;
    Place place;
  };
  std::vector<Prefixed> prefixed;
  while (true) {
    bool all_ended = true;
    prefixed.clear();
    prefixed.reserve(places.size());
    for (const Place place : places) {
      const std::string_view text = path(place);
      all_ended = all_ended && text.size() <= depth;
      prefixed.push_back({eight_bytes(text, depth), place});
    }
    if (all_ended) {  // equal paths, or such that end in zero bytes
      std::ranges::sort(places, [&](Place left, Place right) { return before(left, right); });
      return;
    }
    const auto differs = [&](const Prefixed& each) { return each.prefix != prefixed.front().prefix; };
    if (std::ranges::any_of(prefixed, differs)) break;
    depth += 8;
  }
  std::ranges::sort(prefixed, {}, [](const Prefixed& each) { return std::pair(each.prefix, each.place); });
  for (std::size_t begin = 0; begin < prefixed.size();) {
    std::size_t end = begin;
    for (; end < prefixed.size() && prefixed[end].prefix == prefixed[begin].prefix; ++end)
      places[end] = prefixed[end].place;
    if (end - begin > 1) sort(places.subspan(begin, end - begin), depth + 8);
    begin = end;
  }
}

std::shared_ptr<const FileBase> FileBase::following(const FileBase& older, std::span<const Place> gone,
                                                    std::span<const AddFile* const> added) {
  std::vector<std::shared_ptr<const FileBlock>> blocks = older.blocks_;
  const auto first = static_cast<Place>(blocks.size() * FileBlock::kRowsMax);
  for (std::size_t begin = 0; begin < added.size(); begin += FileBlock::kRowsMax) {
    const std::size_t count = std::min(FileBlock::kRowsMax, added.size() - begin);
    blocks.push_back(FileBlock::make_of(added.subspan(begin, count)));
  }
  std::vector<bool> dead = older.dead_;
  dead.resize(blocks.size() * FileBlock::kRowsMax);
  for (const Place place : gone) dead[place] = true;
  std::shared_ptr<FileBase> base(new FileBase(std::move(blocks), std::move(dead)));
  if (base->dead_count_ > base->size_) return base->compacted();
  // Who never asked for the order shall not pay for it now.
  if (older.is_ordered_ || older.has_order_) base->order_after(older, added, first);
  return base;
}

void FileBase::order_after(const FileBase& older, std::span<const AddFile* const> added, Place first) {
  const std::span<const Place> before = older.in_order();
  order_.reserve(size_);
  auto at = before.begin();
  const auto take_until = [&](auto end) {
    for (; at != end; ++at) {
      if (!is_dead(*at)) order_.push_back(*at);
    }
  };
  for (std::size_t i = 0; i < added.size(); ++i) {
    const FileKey key = key_of(*added[i]);
    take_until(std::partition_point(at, before.end(), [&](Place place) { return older.compare(place, key) < 0; }));
    order_.push_back(static_cast<Place>(first + i));
  }
  take_until(before.end());
  has_order_ = true;
}

std::shared_ptr<const FileBase> FileBase::compacted() const {
  std::vector<std::shared_ptr<const FileBlock>> blocks;
  std::vector<AddFile> files(FileBlock::kRowsMax);
  std::vector<const AddFile*> pointers;
  const std::span<const Place> places = in_order();
  for (std::size_t i = 0; i < places.size(); ++i) {
    read(places[i], files[pointers.size()]);
    pointers.push_back(&files[pointers.size()]);
    if (pointers.size() < FileBlock::kRowsMax && i + 1 < places.size()) continue;
    blocks.push_back(FileBlock::make_of(pointers));
    pointers.clear();
  }
  return std::shared_ptr<const FileBase>(new FileBase(std::move(blocks)));
}

}  // namespace sluice::delta::internal
