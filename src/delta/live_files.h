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

namespace internal {
class FileBase;
class FileBlock;
}  // namespace internal

/// The logical files of a table at a version; immutable and thread-safe. Tombstones are not kept: they can outnumber the
/// files by far, and only log checkpoints need them, which read them from the log.
///
/// Kept as a base (what a log checkpoint gave, as columns, shared between snapshots) and what changed since, so that
/// going on by a commit costs no more than what changed since the base was made, which is a small part of it. A file of
/// the base is made into an AddFile when it is asked for. Iteration is in key order whatever the log's shape; of a base
/// that did not come in that order the first iteration sorts, about 1 µs per file.
class LiveFiles {
 public:
  class Builder;
  class Iterator;
  class Numbered;

  LiveFiles();

  std::size_t size() const { return size_; }
  bool empty() const { return size() == 0; }
  /// The sum of the sizes of the files.
  std::int64_t total_bytes() const { return static_cast<std::int64_t>(total_bytes_); }
  /// Iterates over all files in order of their keys. The action that an iterator points to is its own: it changes with
  /// the next step.
  Iterator begin() const;
  Iterator end() const;

  bool contains(const FileKey& key) const;
  /// Returns the logical file of the key, if it is live.
  std::optional<AddFile> find(const FileKey& key) const;
  /// Returns the live logical file with this data file, whatever its deletion vector. `path` as in the log.
  std::optional<AddFile> find_path(std::string_view path) const;

 private:
  using Overlay = std::map<FileKey, std::shared_ptr<const AddFile>>;  // nullptr: the base's file of this key is gone

  /// Makes the overlay part of the base.
  void merge();

  std::shared_ptr<const internal::FileBase> base_;
  std::shared_ptr<const Overlay> overlay_;
  std::size_t size_ = 0;
  std::uint64_t total_bytes_ = 0;
};

/// The files by number, counting from 0 in order of their keys, each read when it is asked for. Immutable and
/// thread-safe; shares what the LiveFiles hold and may outlive them. Cost: 4 bytes for each file, and the order as the
/// first iteration has it.
class LiveFiles::Numbered {
 public:
  explicit Numbered(const LiveFiles& files);

  std::size_t size() const { return places_.size(); }
  /// Fills in a whole action; what `file` holds may be anything.
  void read(std::size_t number, AddFile& file) const;
  /// AddFile::stats of the file, as long as this lives.
  std::optional<std::string_view> stats(std::size_t number) const;
  void read_partition_values(std::size_t number, PartitionValues& values) const;
  /// True if two files have the same partition values and it costs nothing to find out.
  bool share_partition(std::size_t left, std::size_t right) const;

 private:
  /// The file, if it is one of the overlay.
  const AddFile* changed(std::size_t number) const;

  std::shared_ptr<const internal::FileBase> base_;
  std::shared_ptr<const Overlay> overlay_;
  std::vector<const AddFile*> changed_;  // of the overlay, those that are live
  std::vector<std::uint32_t> places_;    // of the base; those of changed_ count on from kChanged
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
  /// Likewise many files.
  void add_reconciled(std::shared_ptr<const internal::FileBlock> files);
  /// Applies the file actions of one commit, the next newer one.
  void apply(std::span<const Action> commit);

  LiveFiles finish() &&;

 private:
  void flush_pending();
  void seal_base();
  /// Puts the file under its key, or (nullptr) makes it absent.
  void set(FileKey key, std::shared_ptr<const AddFile> file);

  std::vector<AddFile> pending_;  // of the log checkpoint, not in a block yet
  std::vector<std::shared_ptr<const internal::FileBlock>> blocks_;
  bool base_sealed_ = false;
  LiveFiles files_;
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
  /// Starts before everything; for LiveFiles.
  explicit Iterator(const LiveFiles& files);

  const AddFile& operator*() const { return current_; }
  const AddFile* operator->() const { return &current_; }
  Iterator& operator++();
  void operator++(int) { ++*this; }

  /// Only the end is equal to something else.
  bool operator==(const Iterator& other) const { return left_ == other.left_; }

 private:
  const LiveFiles* files_ = nullptr;
  std::span<const std::uint32_t> base_left_;  // places that are still to come
  Overlay::const_iterator overlay_;
  std::size_t left_ = 0;  // files still to come, with the current one
  AddFile current_;
};

}  // namespace sluice::delta
