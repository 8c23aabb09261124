#include "delta/live_files.h"

#include <algorithm>
#include <compare>

#include "base/check.h"
#include "delta/data_path.h"
#include "delta/internal/file_base.h"

namespace sluice::delta {
namespace {

/// Numbers from here on are not places of the base.
constexpr std::uint32_t kChanged = std::uint32_t{1} << 31;

std::string dv_id_of(const std::optional<DeletionVectorDescriptor>& descriptor) {
  return descriptor ? descriptor->unique_id() : std::string();
}

}  // namespace

FileKey key_of(const AddFile& file) { return {canonical_path(file.path), dv_id_of(file.deletion_vector)}; }

FileKey key_of(const RemoveFile& file) { return {canonical_path(file.path), dv_id_of(file.deletion_vector)}; }

LiveFiles::LiveFiles()
    : base_(std::make_shared<const internal::FileBase>()), overlay_(std::make_shared<const Overlay>()) {}

LiveFiles::Iterator LiveFiles::begin() const { return Iterator(*this); }

LiveFiles::Iterator LiveFiles::end() const { return {}; }

bool LiveFiles::contains(const FileKey& key) const {
  if (const auto found = overlay_->find(key); found != overlay_->end()) return found->second != nullptr;
  return base_->find(key).has_value();
}

std::optional<AddFile> LiveFiles::find(const FileKey& key) const {
  if (const auto found = overlay_->find(key); found != overlay_->end()) {
    return found->second ? std::optional(*found->second) : std::nullopt;
  }
  const auto place = base_->find(key);
  if (!place) return std::nullopt;
  std::optional<AddFile> file(std::in_place);
  base_->read(*place, *file);
  return file;
}

std::optional<AddFile> LiveFiles::find_path(std::string_view path) const {
  // Keys of one path are neighbours; the smallest has no deletion vector.
  const FileKey first{canonical_path(path), ""};
  for (auto found = overlay_->lower_bound(first); found != overlay_->end() && found->first.path == first.path;
       ++found) {
    if (found->second) return *found->second;
  }
  for (const auto place : base_->find_path(first.path)) {
    if (overlay_->contains(base_->key(place))) continue;
    std::optional<AddFile> file(std::in_place);
    base_->read(place, *file);
    return file;
  }
  return std::nullopt;
}

void LiveFiles::merge() {
  std::vector<internal::FileBase::Place> gone;
  std::vector<const AddFile*> added;
  for (const auto& [key, file] : *overlay_) {
    if (const auto place = base_->find(key)) gone.push_back(*place);
    if (file) added.push_back(file.get());
  }
  base_ = internal::FileBase::following(*base_, gone, added);
  overlay_ = std::make_shared<const Overlay>();
}

LiveFiles::Builder::Builder() = default;

LiveFiles::Builder::Builder(const LiveFiles& older) : base_sealed_(true), files_(older), overlay_(*older.overlay_) {}

void LiveFiles::Builder::add_reconciled(AddFile file) {
  SLUICE_CHECK(!base_sealed_, "reconciled actions come before commits");
  pending_.push_back(std::move(file));
  if (pending_.size() == internal::FileBlock::kRowsMax) flush_pending();
}

void LiveFiles::Builder::add_reconciled(std::shared_ptr<const internal::FileBlock> files) {
  SLUICE_CHECK(!base_sealed_, "reconciled actions come before commits");
  blocks_.push_back(std::move(files));
}

void LiveFiles::Builder::flush_pending() {
  if (pending_.empty()) return;
  std::vector<const AddFile*> files;
  for (const AddFile& file : pending_) files.push_back(&file);
  blocks_.push_back(internal::FileBlock::make_of(files));
  pending_.clear();
}

void LiveFiles::Builder::seal_base() {
  if (base_sealed_) return;
  base_sealed_ = true;
  flush_pending();
  files_.base_ = std::make_shared<const internal::FileBase>(std::move(blocks_));
  files_.size_ = files_.base_->size();
  files_.total_bytes_ = static_cast<std::uint64_t>(files_.base_->total_bytes());
}

void LiveFiles::Builder::set(FileKey key, std::shared_ptr<const AddFile> file) {
  const auto place = files_.base_->find(key);
  const auto found = overlay_.find(key);
  std::optional<std::int64_t> before;  // the size of the file that was there
  if (found != overlay_.end()) {
    if (found->second) before = found->second->size_bytes;
  } else if (place) {
    before = files_.base_->size_bytes(*place);
  }
  files_.size_ += std::size_t{file ? 1u : 0u};
  files_.size_ -= std::size_t{before ? 1u : 0u};
  files_.total_bytes_ += static_cast<std::uint64_t>(file ? file->size_bytes : 0);
  files_.total_bytes_ -= static_cast<std::uint64_t>(before.value_or(0));
  if (file || place) {
    overlay_.insert_or_assign(std::move(key), std::move(file));
  } else if (found != overlay_.end()) {
    overlay_.erase(found);
  }
}

void LiveFiles::Builder::apply(std::span<const Action> commit) {
  seal_base();
  // The order of actions within a commit means nothing: all removals come first.
  for (const Action& action : commit) {
    if (const auto* remove = std::get_if<RemoveFile>(&action)) set(key_of(*remove), nullptr);
  }
  for (const Action& action : commit) {
    if (const auto* add = std::get_if<AddFile>(&action)) set(key_of(*add), std::make_shared<const AddFile>(*add));
  }
}

LiveFiles LiveFiles::Builder::finish() && {
  seal_base();
  // Every snapshot copies the overlay, and a new base costs a look at each of its files: so a new one is made once for
  // so many changes, but before the copying takes milliseconds.
  constexpr std::size_t kOverlayMin = 1024;
  constexpr std::size_t kOverlayMax = 4096;
  constexpr std::size_t kBasePart = 64;
  files_.overlay_ = std::make_shared<const Overlay>(std::move(overlay_));
  if (files_.overlay_->size() > std::clamp(files_.base_->size() / kBasePart, kOverlayMin, kOverlayMax)) files_.merge();
  return std::move(files_);
}

LiveFiles::Numbered::Numbered(const LiveFiles& files) : base_(files.base_), overlay_(files.overlay_) {
  const std::span<const internal::FileBase::Place> base = base_->in_order();
  SLUICE_CHECK(base.size() < kChanged && overlay_->size() < kChanged, "a table has fewer files");
  places_.reserve(files.size());
  auto at = base.begin();
  for (const auto& [key, file] : *overlay_) {
    const auto found =
        std::partition_point(at, base.end(), [&](const auto place) { return base_->compare(place, key) < 0; });
    places_.insert(places_.end(), at, found);
    at = found;
    if (at != base.end() && base_->compare(*at, key) == 0) ++at;  // replaced or gone
    if (!file) continue;
    places_.push_back(kChanged + static_cast<std::uint32_t>(changed_.size()));
    changed_.push_back(file.get());
  }
  places_.insert(places_.end(), at, base.end());
}

const AddFile* LiveFiles::Numbered::changed(std::size_t number) const {
  return places_[number] < kChanged ? nullptr : changed_[places_[number] - kChanged];
}

void LiveFiles::Numbered::read(std::size_t number, AddFile& file) const {
  if (const AddFile* own = changed(number)) {
    file = *own;
  } else {
    base_->read(places_[number], file);
  }
}

std::optional<std::string_view> LiveFiles::Numbered::stats(std::size_t number) const {
  if (const AddFile* own = changed(number)) return own->stats;
  return base_->stats(places_[number]);
}

void LiveFiles::Numbered::read_partition_values(std::size_t number, PartitionValues& values) const {
  if (const AddFile* own = changed(number)) {
    values = own->partition_values;
  } else {
    base_->read_partition_values(places_[number], values);
  }
}

bool LiveFiles::Numbered::share_partition(std::size_t left, std::size_t right) const {
  if (changed(left) != nullptr || changed(right) != nullptr) return false;
  return base_->share_partition(places_[left], places_[right]);
}

LiveFiles::Iterator::Iterator(const LiveFiles& files)
    : files_(&files), base_left_(files.base_->in_order()), overlay_(files.overlay_->begin()), left_(files.size() + 1) {
  ++*this;
}

LiveFiles::Iterator& LiveFiles::Iterator::operator++() {
  if (--left_ == 0) return *this;
  const auto& base = *files_->base_;
  while (true) {
    std::strong_ordering order = std::strong_ordering::less;  // of the base's next to the overlay's next
    if (overlay_ != files_->overlay_->end()) {
      order = base_left_.empty() ? std::strong_ordering::greater : base.compare(base_left_.front(), overlay_->first);
    }
    if (order < 0) {
      base.read(base_left_.front(), current_);
      base_left_ = base_left_.subspan(1);
      return *this;
    }
    if (order == 0) base_left_ = base_left_.subspan(1);  // replaced or gone
    const auto& file = (overlay_++)->second;
    if (!file) continue;
    current_ = *file;
    return *this;
  }
}

}  // namespace sluice::delta
