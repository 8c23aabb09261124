#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "delta/internal/file_block.h"
#include "delta/live_files.h"

namespace sluice::delta::internal {

/// Many logical files, each once, by their keys: what a log checkpoint gave, or what grew of it. Blocks are shared
/// with the base that this one follows. Immutable, but that the order of the keys is found out when it is first asked
/// for: files are found by hash, and who only follows a table never needs it.
class FileBase {
 public:
  /// A place in the blocks: block * FileBlock::kRowsMax + row.
  using Place = std::uint32_t;

  FileBase() : FileBase({}, {}) {}
  /// Takes blocks in any order. Of two rows with one key, which a sound log checkpoint does not have, one stays: which
  /// one depends on the rows alone.
  explicit FileBase(std::vector<std::shared_ptr<const FileBlock>> blocks) : FileBase(std::move(blocks), {}) {}

  /// Returns `older` less the files at `gone` (ascending), and with those of `added`, ascending by keys that are not in
  /// it otherwise.
  static std::shared_ptr<const FileBase> following(const FileBase& older, std::span<const Place> gone,
                                                   std::span<const AddFile* const> added);

  std::size_t size() const { return size_; }
  /// The sum of the files' sizes.
  std::int64_t total_bytes() const { return static_cast<std::int64_t>(total_bytes_); }

  std::optional<Place> find(const FileKey& key) const;
  /// The places of this data file, whatever its deletion vectors; more than one only in a broken table.
  std::vector<Place> find_path(std::string_view canonical_path) const;

  FileKey key(Place place) const;
  void read(Place place, AddFile& file) const { block(place).read(row(place), file); }
  std::optional<std::string_view> stats(Place place) const { return block(place).stats(row(place)); }
  void read_partition_values(Place place, PartitionValues& values) const {
    block(place).read_partition_values(row(place), values);
  }
  /// True if two files have the same partition values and it costs nothing to find out.
  bool share_partition(Place left, Place right) const {
    return &block(left) == &block(right) &&
           block(left).partition_number(row(left)) == block(right).partition_number(row(right));
  }
  std::int64_t size_bytes(Place place) const { return block(place).size_bytes(row(place)); }
  std::strong_ordering compare(Place place, const FileKey& key) const;

  /// All places, ascending by key. The first call sorts, unless the blocks came in order. Thread-safe.
  std::span<const Place> in_order() const;

 private:
  struct Slot {
    std::uint32_t tag = 0;    // upper half of the hash
    std::uint32_t place = 0;  // counts from 1; 0: free
  };

  FileBase(std::vector<std::shared_ptr<const FileBlock>> blocks, std::vector<bool> dead);

  const FileBlock& block(Place place) const { return *blocks_[place / FileBlock::kRowsMax]; }
  static std::size_t row(Place place) { return place % FileBlock::kRowsMax; }
  bool is_dead(Place place) const { return !dead_.empty() && dead_[place]; }
  std::uint64_t hash(Place place) const { return block(place).hash(row(place)); }
  std::string_view path(Place place) const { return block(place).canonical_path(row(place)); }
  bool before(Place left, Place right) const;
  void count_bytes(Place place, bool in);

  /// Puts the blocks in order; returns whether all rows are, then.
  bool arrange_blocks();
  void build_index();
  /// Puts a place into the index, or settles which of two with the same key stays.
  void index(Place place);
  bool same_key(Place left, Place right) const;
  void bury(Place place);
  std::vector<Place> live_places() const;
  /// Makes the order from that of the older base, less what is dead, and the new files, from place `first` on.
  void order_after(const FileBase& older, std::span<const AddFile* const> added, Place first);
  /// Returns the same files in blocks without dead rows.
  std::shared_ptr<const FileBase> compacted() const;
  void sort(std::span<Place> places, std::size_t depth) const;

  std::vector<std::shared_ptr<const FileBlock>> blocks_;
  std::vector<bool> dead_;  // by place; empty: none is
  std::size_t size_ = 0;
  std::size_t dead_count_ = 0;
  std::uint64_t total_bytes_ = 0;  // wraps around where a damaged log has impossible sizes
  std::vector<Slot> slots_;        // a power of two
  mutable std::once_flag ordered_once_;
  mutable std::vector<Place> order_;            // written once, under ordered_once_ or by following()
  mutable std::atomic<bool> has_order_{false};  // order_ is there
  bool is_ordered_ = false;                     // the order of places is that of keys
};

}  // namespace sluice::delta::internal
