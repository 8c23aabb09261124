#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "delta/actions.h"

namespace sluice::delta::internal {

/// A partition value of a FileRow; nullopt is SQL NULL.
struct PartitionEntry {
  std::string_view name;
  std::optional<std::string_view> value;
};

/// What few files have; kept apart, so that the many cost nothing.
struct RareParts {
  Tags tags;
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::optional<std::string> clustering_provider;

  bool empty() const { return tags.empty() && !deletion_vector && !clustering_provider; }
};

/// An AddFile that is somewhere else, as a FileBlock takes it.
struct FileRow {
  std::string_view path;
  std::span<const PartitionEntry> partition_values;
  std::int64_t size_bytes = 0;
  UnixMillis modification_time;
  bool data_change = false;
  std::optional<std::string_view> stats;
  std::optional<std::int64_t> base_row_id;
  std::optional<std::int64_t> default_row_commit_version;
  const RareParts* rare = nullptr;  ///< nullptr: it has none.
};

/// Up to kRowsMax logical files as columns, which takes a fraction of the memory and no allocation per file: all texts
/// lie in one piece of memory, equal partition values are kept once. Immutable.
///
///   texts_   | path | canonical path, if it is another | stats | path | …      ends_: where each of the three ends
///   tuples_  | the partition values of a file, encoded | …                     tuple_index_: which of them, per file
class FileBlock {
 public:
  static constexpr std::size_t kRowsMax = 2048;

  /// Copies the rows, of which there are kRowsMax at most.
  static std::shared_ptr<const FileBlock> make(std::span<const FileRow> rows);
  /// Copies the files, of which there are kRowsMax at most.
  static std::shared_ptr<const FileBlock> make_of(std::span<const AddFile* const> files);

  std::size_t size() const { return sizes_.size(); }
  /// Fills in a whole action; what `file` holds may be anything.
  void read(std::size_t row, AddFile& file) const;

  /// AddFile::stats of the file, as long as the block lives.
  std::optional<std::string_view> stats(std::size_t row) const;
  void read_partition_values(std::size_t row, PartitionValues& values) const;
  /// Files with the same number have the same partition values.
  std::size_t partition_number(std::size_t row) const { return tuple_index_[row]; }

  /// canonical_path() of the file, by which files are told apart, with its deletion vector.
  std::string_view canonical_path(std::size_t row) const;
  /// DeletionVectorDescriptor::unique_id(), "" without one.
  std::string dv_id(std::size_t row) const;
  std::int64_t size_bytes(std::size_t row) const { return sizes_[row]; }
  /// hash64() of the canonical path.
  std::uint64_t hash(std::size_t row) const { return hashes_[row]; }
  /// True if the keys ascend from row to row.
  bool is_sorted() const { return is_sorted_; }

 private:
  FileBlock() = default;
  /// Part 0, 1 or 2 of the row's texts.
  std::string_view text(std::size_t row, std::size_t part) const;
  void add_texts(std::span<const FileRow> rows);
  void add_tuples(std::span<const FileRow> rows);
  void add_numbers(std::span<const FileRow> rows);
  bool keys_ascend() const;

  std::unique_ptr<char[]> texts_;
  std::vector<std::size_t> ends_;
  std::vector<std::int64_t> sizes_;
  std::vector<std::int64_t> times_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint8_t> flags_;
  std::vector<std::string> tuples_;
  std::vector<std::uint16_t> tuple_index_;
  std::vector<std::int64_t> base_row_ids_;         // empty if no file has one; kNone for those that have none
  std::vector<std::int64_t> row_commit_versions_;  // likewise
  std::vector<RareParts> rare_;
  std::vector<std::uint16_t> rare_index_;  // empty if no file has any; counts from 1, 0 is none
  bool is_sorted_ = true;
};

}  // namespace sluice::delta::internal
