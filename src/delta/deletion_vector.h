#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/actions.h"
#include "store/object_store.h"

namespace sluice::delta {

/// A set of row positions of one data file (from 0, in file order) that are deleted. Rows behind the file's end mean
/// nothing. A value; copying copies. Owned by one worker while it is changed, readable by many while not.
class DeletionVector {
 public:
  DeletionVector();
  explicit DeletionVector(std::span<const std::uint64_t> rows);
  DeletionVector(const DeletionVector& other);
  DeletionVector(DeletionVector&& other) noexcept;
  DeletionVector& operator=(DeletionVector other) noexcept;
  ~DeletionVector();

  bool contains(std::uint64_t row) const;
  /// Marks a row. Returns false if it was marked already.
  bool add(std::uint64_t row);
  /// Marks the rows that `other` marks.
  void unite(const DeletionVector& other);

  std::uint64_t cardinality() const;
  bool empty() const { return cardinality() == 0; }
  /// Calls `visit` with every marked row, ascending.
  void for_each(const std::function<void(std::uint64_t row)>& visit) const;
  /// Returns the marked rows, ascending.
  std::vector<std::uint64_t> rows() const;

  /// Writes into `live` the indices, from 0, of those of the rows [first_row, first_row + row_count) that are not
  /// marked, and returns how many there are; `live` has room for row_count. For scans, a chunk at a time.
  std::size_t live_rows(std::uint64_t first_row, std::size_t row_count, std::uint32_t* live) const;

  /// Returns the stored form: magic number, then the portable 64-bit Roaring format. Spec: "Deletion Vector Format".
  Bytes serialize() const;
  /// Reads the stored form, or the one that very early writers used. Corruption if it is anything else: safe on hostile
  /// bytes.
  static Result<DeletionVector> deserialize(BytesView bytes);

  friend bool operator==(const DeletionVector& left, const DeletionVector& right);

 private:
  struct Bitmap;
  explicit DeletionVector(std::unique_ptr<Bitmap> bitmap);

  std::unique_ptr<Bitmap> bitmap_;  // never nullptr but after a move
};

/// Reads the deletion vector that a descriptor leads to. Corruption, naming the file, if length, checksum, format or
/// cardinality are not what they must be; NotFound if the file is gone; Unsupported for a URL that is not a local file.
Result<DeletionVector> load_deletion_vector(store::ObjectStore& store, const DeletionVectorDescriptor& descriptor);

/// Writes deletion vectors, packed in order, into one new file at the table root, durable when this returns, and
/// returns their descriptors in the same order. `random` names the file. None are written and no file is made for an
/// empty span.
Result<std::vector<DeletionVectorDescriptor>> write_deletion_vectors(store::ObjectStore& store, Random& random,
                                                                     std::span<const DeletionVector> vectors);

/// Returns the descriptor that holds the vector itself, for small ones: the log carries it, no file is needed.
DeletionVectorDescriptor inline_deletion_vector(const DeletionVector& vector);

/// Returns the key of the file that a descriptor of storage type 'u' names. Corruption if the name is not one.
Result<std::string> deletion_vector_key(const DeletionVectorDescriptor& descriptor);

}  // namespace sluice::delta
