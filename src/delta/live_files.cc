#include "delta/live_files.h"

#include <algorithm>

#include "base/check.h"
#include "delta/data_path.h"

namespace sluice::delta {
namespace {

std::string dv_id_of(const std::optional<DeletionVectorDescriptor>& descriptor) {
  return descriptor ? descriptor->unique_id() : std::string();
}

constexpr auto kByKey = [](const auto& left, const auto& right) { return left.key < right.key; };
constexpr auto kBeforeKey = [](const auto& entry, const FileKey& key) { return entry.key < key; };

}  // namespace

FileKey key_of(const AddFile& file) { return {canonical_path(file.path), dv_id_of(file.deletion_vector)}; }

FileKey key_of(const RemoveFile& file) { return {canonical_path(file.path), dv_id_of(file.deletion_vector)}; }

LiveFiles::LiveFiles() : base_(std::make_shared<const Base>()), overlay_(std::make_shared<const Overlay>()) {}

std::size_t LiveFiles::size() const { return size_; }

LiveFiles::Iterator LiveFiles::begin() const { return Iterator(*this, 0, overlay_->begin()); }

LiveFiles::Iterator LiveFiles::end() const { return {}; }

const AddFile* LiveFiles::find(const FileKey& key) const {
  if (const auto found = overlay_->find(key); found != overlay_->end()) return found->second.get();
  const auto entry = std::lower_bound(base_->begin(), base_->end(), key, kBeforeKey);
  return entry != base_->end() && entry->key == key ? &entry->file : nullptr;
}

const AddFile* LiveFiles::find_path(std::string_view path) const {
  // Keys of one path are neighbours; the smallest has no deletion vector.
  const FileKey first{canonical_path(path), ""};
  for (auto found = overlay_->lower_bound(first); found != overlay_->end() && found->first.path == first.path;
       ++found) {
    if (found->second) return found->second.get();
  }
  auto entry = std::lower_bound(base_->begin(), base_->end(), first, kBeforeKey);
  for (; entry != base_->end() && entry->key.path == first.path; ++entry) {
    if (!overlay_->contains(entry->key)) return &entry->file;
  }
  return nullptr;
}

LiveFiles::Builder::Builder() = default;

LiveFiles::Builder::Builder(const LiveFiles& older)
    : base_sealed_(true), base_(older.base_), overlay_(*older.overlay_) {}

void LiveFiles::Builder::add_reconciled(AddFile file) {
  SLUICE_CHECK(!base_sealed_, "reconciled actions come before commits");
  FileKey key = key_of(file);
  new_base_.push_back({std::move(key), std::move(file)});
}

void LiveFiles::Builder::seal_base() {
  if (base_sealed_) return;
  base_sealed_ = true;
  if (!std::is_sorted(new_base_.begin(), new_base_.end(), kByKey)) {
    std::stable_sort(new_base_.begin(), new_base_.end(), kByKey);
  }
  // A checkpoint names each file once; should one not, any of the equal entries will do.
  const auto same_key = [](const Entry& left, const Entry& right) { return left.key == right.key; };
  new_base_.erase(std::unique(new_base_.begin(), new_base_.end(), same_key), new_base_.end());
  base_ = std::make_shared<const Base>(std::move(new_base_));
}

void LiveFiles::Builder::apply(std::span<const Action> commit) {
  seal_base();
  const auto in_base = [&](const FileKey& key) {
    return std::binary_search(base_->begin(), base_->end(), Entry{key, {}}, kByKey);
  };
  // The order of actions within a commit means nothing: all removals come first.
  for (const Action& action : commit) {
    const auto* remove = std::get_if<RemoveFile>(&action);
    if (remove == nullptr) continue;
    FileKey key = key_of(*remove);
    if (in_base(key)) {
      overlay_.insert_or_assign(key, nullptr);
    } else {
      overlay_.erase(key);
    }
  }
  for (const Action& action : commit) {
    const auto* add = std::get_if<AddFile>(&action);
    if (add == nullptr) continue;
    FileKey key = key_of(*add);
    overlay_.insert_or_assign(std::move(key), std::make_shared<const AddFile>(*add));
  }
}

LiveFiles LiveFiles::Builder::finish() && {
  seal_base();
  // Every snapshot copies the overlay; beyond a part of the base a new base is cheaper, made once for so many changes.
  constexpr std::size_t kOverlayMax = 1024;
  constexpr std::size_t kBasePart = 64;
  LiveFiles files;
  files.base_ = std::move(base_);
  files.overlay_ = std::make_shared<const Overlay>(std::move(overlay_));
  files.size_ = files.base_->size();
  for (const auto& [key, file] : *files.overlay_) {
    const bool in_base = std::binary_search(files.base_->begin(), files.base_->end(), Entry{key, {}}, kByKey);
    if (in_base && !file) --files.size_;
    if (!in_base && file) ++files.size_;
  }
  if (files.overlay_->size() <= std::max(kOverlayMax, files.base_->size() / kBasePart)) return files;

  Base merged;
  merged.reserve(files.size_);
  for (const AddFile& file : files) merged.push_back({key_of(file), file});
  files.base_ = std::make_shared<const Base>(std::move(merged));
  files.overlay_ = std::make_shared<const Overlay>();
  return files;
}

LiveFiles::Iterator::Iterator(const LiveFiles& files, std::size_t base_index, Overlay::const_iterator overlay)
    : files_(&files), base_index_(base_index), overlay_(overlay) {
  settle();
}

LiveFiles::Iterator& LiveFiles::Iterator::operator++() {
  const Base& base = *files_->base_;
  // current_ stands at the overlay's place if it came from there, else at the base's.
  if (overlay_ != files_->overlay_->end() && overlay_->second.get() == current_) {
    if (base_index_ < base.size() && base[base_index_].key == overlay_->first) ++base_index_;
    ++overlay_;
  } else {
    ++base_index_;
  }
  settle();
  return *this;
}

void LiveFiles::Iterator::settle() {
  const Base& base = *files_->base_;
  const Overlay& overlay = *files_->overlay_;
  while (true) {
    const bool base_left = base_index_ < base.size();
    const bool overlay_left = overlay_ != overlay.end();
    if (overlay_left && (!base_left || overlay_->first <= base[base_index_].key)) {
      if (overlay_->second) {
        current_ = overlay_->second.get();
        return;
      }
      if (base_left && base[base_index_].key == overlay_->first) ++base_index_;
      ++overlay_;
    } else if (base_left) {
      current_ = &base[base_index_].file;
      return;
    } else {
      current_ = nullptr;
      return;
    }
  }
}

}  // namespace sluice::delta
