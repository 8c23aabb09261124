#include "connect/delta/internal/taken_rows.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "delta/deletion_vector.h"
#include "delta/file_statistics.h"

namespace sluice::connect::internal {
namespace {

Error corrupt(const delta::AddFile& file, std::string_view what) {
  return Error(ErrorCode::Corruption, fmt::format("data file {} {}", file.path, what));
}

Result<std::uint64_t> row_count(const delta::AddFile& file) {
  if (!file.stats) return corrupt(file, "has no statistics, so its rows cannot be deleted one by one");
  SLUICE_TRY_ASSIGN(const auto statistics, delta::read_statistics(*file.stats));
  if (!statistics.num_records) return corrupt(file, "does not say how many rows it has");
  return static_cast<std::uint64_t>(*statistics.num_records);
}

/// Returns the file's deletion vector with the rows added, which belong to one file.
Result<delta::DeletionVector> mark(store::ObjectStore& store, const delta::AddFile& file,
                                   std::span<const RowLocation> rows) {
  delta::DeletionVector vector;
  if (file.deletion_vector) {
    SLUICE_TRY_ASSIGN(vector, delta::load_deletion_vector(store, *file.deletion_vector));
  }
  for (const RowLocation& row : rows) {
    if (!vector.add(row.position))
      return corrupt(file, fmt::format("has row {} marked as deleted already", row.position));
  }
  return vector;
}

/// A file that keeps some of its rows.
struct Remainder {
  delta::AddFile file;
  delta::DeletionVector vector;
};

/// Stores the vectors, small ones inline. Returns their descriptors in the same order.
Result<std::vector<delta::DeletionVectorDescriptor>> store_vectors(store::ObjectStore& store, Random& random,
                                                                   const std::vector<Remainder>& remainders) {
  std::vector<delta::DeletionVectorDescriptor> descriptors(remainders.size());
  std::vector<delta::DeletionVector> large;
  std::vector<std::size_t> large_at;
  for (std::size_t i = 0; i < remainders.size(); ++i) {
    const delta::DeletionVector& vector = remainders[i].vector;
    if (vector.serialize().size() <= kInlineVectorBytesMax) {
      descriptors[i] = delta::inline_deletion_vector(vector);
    } else {
      large.push_back(vector);
      large_at.push_back(i);
    }
  }
  SLUICE_TRY_ASSIGN(auto stored, delta::write_deletion_vectors(store, random, large));
  for (std::size_t i = 0; i < large_at.size(); ++i) descriptors[large_at[i]] = std::move(stored[i]);
  return descriptors;
}

}  // namespace

delta::RemoveFile removal_of(const delta::AddFile& file, UnixMillis now) {
  delta::RemoveFile removal;
  removal.path = file.path;
  removal.deletion_timestamp = now;
  removal.extended_file_metadata = true;
  removal.partition_values = file.partition_values;
  removal.size_bytes = file.size_bytes;
  removal.tags = file.tags;
  removal.deletion_vector = file.deletion_vector;
  removal.base_row_id = file.base_row_id;
  removal.default_row_commit_version = file.default_row_commit_version;
  return removal;
}

std::optional<std::uint64_t> live_row_count(const delta::AddFile& file) {
  auto rows = row_count(file);
  if (!rows) return std::nullopt;
  return *rows - (file.deletion_vector ? static_cast<std::uint64_t>(file.deletion_vector->cardinality) : 0);
}

Status remove_rows(store::ObjectStore& store, Clock& clock, Random& random, const delta::Snapshot& snapshot,
                   const RowLocator& locator, std::vector<RowLocation> rows, PreparedChanges& prepared) {
  std::sort(rows.begin(), rows.end());
  prepared.rows_removed += rows.size();
  std::vector<Remainder> remainders;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [&](const RowLocation& row) { return row.file != begin->file; });
    const std::string& path = locator.path(begin->file);
    auto file = snapshot.files().find_path(path);
    if (!file) return Error(ErrorCode::Corruption, fmt::format("data file {} is not in the table", path));
    SLUICE_TRY_ASSIGN(const auto all_rows, row_count(*file));
    SLUICE_TRY_ASSIGN(auto vector, mark(store, *file, std::span(begin, end)));
    prepared.actions.emplace_back(removal_of(*file, clock.now()));
    if (vector.cardinality() > all_rows) return corrupt(*file, "has more deleted rows than rows");
    if (vector.cardinality() < all_rows) {
      remainders.push_back({std::move(*file), std::move(vector)});
    } else {
      ++prepared.files_removed;
    }
    begin = end;
  }
  SLUICE_TRY_ASSIGN(auto descriptors, store_vectors(store, random, remainders));
  for (std::size_t i = 0; i < remainders.size(); ++i) {
    delta::AddFile file = std::move(remainders[i].file);
    file.data_change = true;
    file.deletion_vector = std::move(descriptors[i]);
    SLUICE_TRY_ASSIGN(file.stats, delta::with_wide_bounds(*file.stats));
    prepared.actions.emplace_back(std::move(file));
    ++prepared.deletion_vectors_added;
  }
  return ok();
}

}  // namespace sluice::connect::internal
