#include "delta/row_removal.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "delta/file_statistics.h"

namespace sluice::delta {
namespace {

Error corrupt(const AddFile& file, std::string_view what) {
  return Error(ErrorCode::Corruption, fmt::format("data file {} {}", file.path, what));
}

Result<std::uint64_t> row_count(const AddFile& file) {
  if (!file.stats) return corrupt(file, "has no statistics, so its rows cannot be deleted one by one");
  SLUICE_TRY_ASSIGN(const auto statistics, read_statistics(*file.stats));
  if (!statistics.num_records) return corrupt(file, "does not say how many rows it has");
  return static_cast<std::uint64_t>(*statistics.num_records);
}

/// Returns the file's deletion vector with the rows added.
Result<DeletionVector> mark(store::ObjectStore& store, const AddFile& file, DeletionVector rows) {
  if (!file.deletion_vector) return rows;
  SLUICE_TRY_ASSIGN(auto vector, load_deletion_vector(store, *file.deletion_vector));
  const std::uint64_t cardinality = vector.cardinality() + rows.cardinality();
  vector.unite(rows);
  if (vector.cardinality() != cardinality) return corrupt(file, "has a row that is marked as deleted already");
  return vector;
}

}  // namespace

RemoveFile removal_of(const AddFile& file, UnixMillis now) {
  RemoveFile removal;
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

std::optional<std::uint64_t> stored_row_count(const AddFile& file) {
  auto rows = row_count(file);
  return rows ? std::optional(*rows) : std::nullopt;
}

std::optional<std::uint64_t> live_row_count(const AddFile& file) {
  const auto rows = stored_row_count(file);
  if (!rows || !file.deletion_vector) return rows;
  return *rows - static_cast<std::uint64_t>(file.deletion_vector->cardinality);
}

Result<RowRemoval> mark_rows(store::ObjectStore& store, Clock& clock, Random& random, std::vector<RowsOfFile> files) {
  RowRemoval removal;
  std::vector<AddFile> remainders;
  std::vector<DeletionVector> vectors;  // theirs
  for (RowsOfFile& marked : files) {
    removal.rows_removed += marked.rows.cardinality();
    SLUICE_TRY_ASSIGN(const auto all_rows, row_count(marked.file));
    SLUICE_TRY_ASSIGN(auto vector, mark(store, marked.file, std::move(marked.rows)));
    removal.actions.emplace_back(removal_of(marked.file, clock.now()));
    if (vector.cardinality() > all_rows) return corrupt(marked.file, "has more deleted rows than rows");
    if (vector.cardinality() < all_rows) {
      SLUICE_TRY_ASSIGN(marked.file.stats, with_wide_bounds(*marked.file.stats));
      marked.file.data_change = true;
      remainders.push_back(std::move(marked.file));
      vectors.push_back(std::move(vector));
    } else {
      ++removal.files_removed;
    }
  }
  // In a file, never inline: VACUUM of Spark (delta-spark 4.4) fails on tables that have such a one. It is written last,
  // as nothing may fail once it is there.
  SLUICE_TRY_ASSIGN(auto descriptors, write_deletion_vectors(store, random, vectors));
  if (!descriptors.empty()) {
    SLUICE_TRY_ASSIGN(removal.deletion_vector_key, deletion_vector_key(descriptors.front()));
  }
  removal.deletion_vectors_added = descriptors.size();
  for (std::size_t i = 0; i < remainders.size(); ++i) {
    remainders[i].deletion_vector = std::move(descriptors[i]);
    removal.actions.emplace_back(std::move(remainders[i]));
  }
  return removal;
}

}  // namespace sluice::delta
