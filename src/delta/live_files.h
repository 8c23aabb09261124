#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "delta/actions.h"

namespace sluice::delta {

/// What tells logical files apart: spec "Action Reconciliation".
struct FileKey {
  std::string path;   ///< canonical_path().
  std::string dv_id;  ///< DeletionVectorDescriptor::unique_id(), "" without one.

  friend auto operator<=>(const FileKey&, const FileKey&) = default;
};

FileKey key_of(const AddFile& file);
FileKey key_of(const RemoveFile& file);

/// The logical files of a table at a version; immutable. Tombstones are not kept: they can outnumber the files by far,
/// and only log checkpoints need them, which read them from the log.
///
/// Kept as a base (what a log checkpoint gave, sorted, shared between snapshots) and what changed since, so that going
/// on by a commit costs no more than what changed since the base was made, which is a small part of it, and iteration
/// is in key order whatever the log's shape.
class LiveFiles {
 public:
  class Builder;
  class Iterator;

  LiveFiles();

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  /// Iterates over all files in order of their keys.
  Iterator begin() const;
  Iterator end() const;

  /// Returns the logical file of the key, if it is live. The pointer holds while this object lives.
  const AddFile* find(const FileKey& key) const;
  /// Returns the live logical file with this data file, whatever its deletion vector. `path` as in the log.
  const AddFile* find_path(std::string_view path) const;

 private:
  struct Entry {
    FileKey key;
    AddFile file;
  };
  using Base = std::vector<Entry>;                                    // sorted by key
  using Overlay = std::map<FileKey, std::shared_ptr<const AddFile>>;  // nullptr: the base's file of this key is gone

  std::shared_ptr<const Base> base_;
  std::shared_ptr<const Overlay> overlay_;
  std::size_t size_ = 0;
};

/// Makes LiveFiles from a log checkpoint and the commits after it.
class LiveFiles::Builder {
 public:
  /// Starts with nothing.
  Builder();
  /// Starts from an older state.
  explicit Builder(const LiveFiles& older);

  /// Adds a file of a log checkpoint, whose actions are reconciled already. Before any apply().
  void add_reconciled(AddFile file);
  /// Applies the file actions of one commit, the next newer one.
  void apply(std::span<const Action> commit);

  LiveFiles finish() &&;

 private:
  void seal_base();

  Base new_base_;
  bool base_sealed_ = false;
  std::shared_ptr<const Base> base_;
  Overlay overlay_;
};

/// A walk over base and overlay in key order.
class LiveFiles::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = AddFile;
  using difference_type = std::ptrdiff_t;
  using pointer = const AddFile*;
  using reference = const AddFile&;

  Iterator() = default;
  /// Starts at the given places of base and overlay; for LiveFiles.
  Iterator(const LiveFiles& files, std::size_t base_index, Overlay::const_iterator overlay);

  const AddFile& operator*() const { return *current_; }
  const AddFile* operator->() const { return current_; }
  Iterator& operator++();
  void operator++(int) { ++*this; }

  bool operator==(const Iterator& other) const { return current_ == other.current_; }

 private:
  /// Moves to the next live file at or after the present places.
  void settle();

  const LiveFiles* files_ = nullptr;
  std::size_t base_index_ = 0;
  Overlay::const_iterator overlay_;
  const AddFile* current_ = nullptr;  // nullptr at the end
};

}  // namespace sluice::delta
