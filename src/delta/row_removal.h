#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "delta/actions.h"
#include "delta/deletion_vector.h"
#include "store/object_store.h"

namespace sluice::delta {

/// Returns the action that takes a live file out of the table.
RemoveFile removal_of(const AddFile& file, UnixMillis now);

/// Returns the rows that a file's statistics say it stores, deleted ones included; nullopt if they do not say.
std::optional<std::uint64_t> stored_row_count(const AddFile& file);
/// Returns those of them that no deletion vector marks.
std::optional<std::uint64_t> live_row_count(const AddFile& file);

/// Rows of one file that are to go.
struct RowsOfFile {
  AddFile file;         ///< As it is live.
  DeletionVector rows;  ///< Positions in the file, of rows that are live.
};

/// What takes rows out of a table.
struct RowRemoval {
  std::vector<Action> actions;  ///< RemoveFile and, where rows are left, AddFile with the new deletion vector.
  /// The file of the new deletion vectors, if there are any. Whoever drops the actions removes it.
  std::optional<std::string> deletion_vector_key;
  std::uint64_t rows_removed = 0;
  std::uint64_t files_removed = 0;  ///< All of whose rows are gone.
  std::uint64_t deletion_vectors_added = 0;
};

/// Marks rows as deleted: each file is removed as it is and, if rows are left, added with its new deletion vector, its
/// statistics' bounds no longer tight. New vectors are durable, all in one file, when this returns; after an error there
/// is no such file.
/// Corruption, naming the file: a row is marked already, its statistics do not count its rows, or count fewer.
Result<RowRemoval> mark_rows(store::ObjectStore& store, Clock& clock, Random& random, std::vector<RowsOfFile> files);

}  // namespace sluice::delta
