#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"

namespace sluice::connect {

/// Number of a data file within a RowLocator. Given out in order, never again.
using FileNumber = std::uint32_t;

/// Where one row is stored.
struct RowLocation {
  FileNumber file = 0;
  std::uint64_t position = 0;  ///< In the file, counting from 0, deleted rows included.

  friend auto operator<=>(const RowLocation&, const RowLocation&) = default;
};

/// Where the rows of a table are: 128-bit row hash → the places of its copies. So taking a row back needs no scan.
///
/// A row with one copy, the usual case, costs one slot of a flat map (24 bytes, about 40 with the map's free slots);
/// copies of one row share a heap beside the map. Limits: 2^24 files, 2^39 rows per file. Owned by one worker.
class RowLocator {
 public:
  static constexpr FileNumber kFilesMax = FileNumber{1} << 24;
  static constexpr std::uint64_t kPositionsMax = std::uint64_t{1} << 39;

  /// Gives a data file the next number.
  FileNumber add_file(std::string_view path);
  /// Returns the path that add_file() was given.
  const std::string& path(FileNumber file) const { return paths_[file]; }

  /// Makes room for that many more rows.
  void reserve(std::size_t row_count);
  /// Adds one copy of a row. The place must not be held already.
  void insert(const Hash128& row, RowLocation location);
  /// Takes `copies` of a row out, the lowest places (file, then position) first, and appends them to `taken`. Returns
  /// false, and takes nothing, if there are fewer.
  bool take(const Hash128& row, std::uint64_t copies, std::vector<RowLocation>& taken);

 private:
  /// Either one place (file << 39 | position) or, with the top bit, an index into `copies_`.
  using Slot = std::uint64_t;
  struct HashOf {
    std::size_t operator()(const Hash128& row) const noexcept { return row.low; }
  };

  /// Makes a heap that holds one place, and returns the slot that leads to it.
  Slot share(Slot first);

  boost::unordered_flat_map<Hash128, Slot, HashOf> slots_;
  std::vector<std::vector<Slot>> copies_;  // min-heaps of places; an empty one is free
  std::vector<std::size_t> free_copies_;   // indices into copies_
  std::vector<std::string> paths_;
};

}  // namespace sluice::connect
